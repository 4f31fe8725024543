// Whether tests may use real devices here; where CI requires them (NETCHANNEL_REQUIRE_TUN=1) a lack is a failure.
import { accessSync, constants } from 'node:fs';

/** Why there are no TUN devices and namespaces here, or null when there are. */
export function lackOfTun(): string | null {
  if (process.platform !== 'linux') return `not on ${process.platform}`;
  if (process.getuid?.() !== 0) return 'not root';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return null;
  } catch {
    return 'no /dev/net/tun';
  }
}

/** True when tests that need devices are to be skipped. Throws where the lack is a failure. */
export function skipWithoutTun(): boolean {
  const lack = lackOfTun();
  if (lack !== null && process.env.NETCHANNEL_REQUIRE_TUN === '1') {
    throw new Error(`NETCHANNEL_REQUIRE_TUN=1, but: ${lack}`);
  }
  return lack !== null;
}
