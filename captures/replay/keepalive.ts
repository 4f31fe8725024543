// Keepalive of the recorded host, as its probes tell (RFC 9293 section 3.8.4): segments without data one below what it
// had sent, after silence.

import type { Direction } from '../streams/conversation.js';
import type { Recording } from './recording.js';

/** Shortest idle time that Linux can be told, µs, with room for its ticks. */
const LEAST_IDLE = 950_000;

/** Seconds of idleness before the first probe and between probes; null: no probe was recorded. */
export function keepaliveOf(
  recording: Recording,
  side: Direction,
): { idle: number; interval: number } | null {
  let high = 0;
  let last = 0;
  let idle = 0;
  let probe = 0;
  for (const p of recording.packets) {
    if (p.kind !== 'tcp') continue;
    const own = p.direction === side;
    if (
      own &&
      p.segment.length === 0 &&
      p.end === p.seq &&
      high > 0 &&
      p.seq === high - 1 &&
      p.time - last >= LEAST_IDLE
    ) {
      const seconds = Math.max(1, Math.round((p.time - last) / 1e6));
      if (idle === 0) {
        idle = seconds;
        probe = p.time;
        last = p.time;
        continue;
      }
      return { idle, interval: Math.max(1, Math.round((p.time - probe) / 1e6)) };
    }
    if (own) high = Math.max(high, p.end);
    last = p.time;
  }
  return idle === 0 ? null : { idle, interval: idle };
}
