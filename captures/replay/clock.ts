// What a capture's clock cannot have seen: pieces joined in the wrong order, and pauses that no connection survives.

import { seqDiff } from '../../stack/wire/seq.js';
import { type Direction, timeOf } from '../streams/conversation.js';
import type { IcmpAboutTcp, Segment } from '../streams/segment.js';

export interface Directed {
  readonly direction: Direction;
  readonly item: Segment | IcmpAboutTcp;
}

/** µs by which a clock steps back when pieces were joined, rather than when two queues of a device raced. */
const STEP_BACK = 1e6;
/** µs that a host tries to be heard: Linux gives up after 924 s at least (tcp_retries2, RFC 1122 section 4.2.3.5). */
const PATIENCE = 924.6e6;
/** What stands for a longer one, µs. */
const PAUSE = 1e6;

/** The packets by their times when the capture's order has more repetitions: it was put together from pieces. */
export function inOrder(packets: readonly Directed[]): readonly Directed[] {
  const back = packets.some((p, i) => i > 0 && timeOf(packets[i - 1]!.item) - timeOf(p.item) > STEP_BACK);
  if (!back) return packets;
  const sorted = packets.toSorted((a, b) => timeOf(a.item) - timeOf(b.item));
  return repetitions(sorted) < repetitions(packets) ? sorted : packets;
}

function repetitions(packets: readonly Directed[]): number {
  const high: [number, number] = [-1, -1];
  let count = 0;
  for (const { direction, item } of packets) {
    if (item.kind === 'icmp' || item.length === 0) continue;
    const end = (item.seq + item.length) >>> 0;
    if (high[direction] >= 0 && seqDiff(end, high[direction]) <= 0) count++;
    else high[direction] = end;
  }
  return count;
}

/** Turns recorded times into ones that a connection can have; counts the pauses that it shortens. */
export class RecordedClock {
  jumps = 0;
  private away = 0;
  private last = 0;

  /** @param waiting somebody's data, SYN or FIN was not acknowledged before this packet */
  time(recorded: number, waiting: boolean): number {
    if (waiting && recorded - this.away - this.last > PATIENCE) {
      this.jumps++;
      this.away = recorded - this.last - PAUSE;
    }
    this.last = Math.max(this.last, recorded - this.away);
    return recorded - this.away;
  }
}
