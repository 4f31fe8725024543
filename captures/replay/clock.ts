// What a capture's clock cannot have seen: pieces joined in the wrong order, and pauses that no connection survives.

import { seqDiff } from '../../stack/wire/seq.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { type Direction, timeOf } from '../streams/conversation.js';
import type { IcmpAboutTcp, Segment } from '../streams/segment.js';

export interface Directed {
  readonly direction: Direction;
  readonly item: Segment | IcmpAboutTcp;
}

/** µs that a host tries to be heard: Linux gives up after 924 s at least (tcp_retries2, RFC 1122 section 4.2.3.5). */
const PATIENCE = 924.6e6;
/** What stands for a longer one, µs. */
const PAUSE = 1e6;

/**
 * The packets by their times where the capture's own order has more of what cannot be, repetitions and acknowledgments of what
 * was not sent yet: it was put together from pieces, or the queues of a device raced.
 */
export function inOrder(packets: readonly Directed[]): readonly Directed[] {
  if (!packets.some((p, i) => i > 0 && timeOf(packets[i - 1]!.item) > timeOf(p.item))) return packets;
  const sorted = packets.toSorted((a, b) => timeOf(a.item) - timeOf(b.item));
  return disorder(sorted) < disorder(packets) ? sorted : packets;
}

function disorder(packets: readonly Directed[]): number {
  const high: [number, number] = [-1, -1];
  let count = 0;
  for (const { direction, item } of packets) {
    if (item.kind === 'icmp') continue;
    const { flags, seq, length, ack } = item;
    const other = high[1 - direction]!;
    if ((flags & (TCP_ACK | TCP_RST)) === TCP_ACK && (other < 0 || seqDiff(ack, other) > 0)) count++;
    const end = (seq + length + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0)) >>> 0;
    if (high[direction] < 0 || seqDiff(end, high[direction]) > 0) high[direction] = end;
    else if (length > 0) count++;
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
