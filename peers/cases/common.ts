// What several cases share: looking at both ends' counters, and small servers of the stack.
import { check, type PeerContext } from '../types.js';

/** The kernel end's options of the connections on `port`, as ss prints them. */
export async function negotiated(c: PeerContext, port: number): Promise<string> {
  const text = await c.programs.ss(port);
  const wanted =
    /^(ts|sack|ecn|ecnseen|fastopen|wscale:.*|mss:.*|rcvmss:.*|advmss:.*|pmtu:.*|cubic|reno|bbr)$/;
  return text
    .split(/\s+/)
    .filter((word) => wanted.test(word))
    .join(' ');
}

/** Waits until the kernel listens on `port`. */
export async function untilListening(c: PeerContext, port: number): Promise<void> {
  await eventually(c, `nobody listens on ${port}`, async () => {
    const { stdout } = await c.programs.run('ss', ['-Htln', `sport = :${port}`]);
    return stdout.length > 0;
  });
}

/** Asks until the answer is yes; fails with `text` after `seconds`. */
export async function eventually(
  c: PeerContext,
  text: string,
  ask: () => boolean | Promise<boolean>,
  seconds = 60,
): Promise<void> {
  const end = performance.now() + seconds * 1e3;
  while (!(await ask())) {
    check(performance.now() < end, text);
    await c.sleep(20);
  }
}

/** A counter of the stack by nstat's name. */
export function ours(c: PeerContext, name: string): number {
  const value = c.stack.counters.get(name);
  check(value !== undefined, `the stack has no counter ${name}`);
  return value;
}

/** An address as URLs and socat write it. */
export const bracketed = (text: string): string => (text.includes(':') ? `[${text}]` : text);
