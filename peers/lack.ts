// Whether devices and namespaces can be made here.
import { accessSync, constants } from 'node:fs';

/** Why not, or null. */
export function lackOfDevices(): string | null {
  if (process.platform !== 'linux') return `not on ${process.platform}`;
  if (process.getuid?.() !== 0)
    return 'not root: a network namespace needs CAP_SYS_ADMIN, a device CAP_NET_ADMIN';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return null;
  } catch {
    return 'no /dev/net/tun (modprobe tun)';
  }
}
