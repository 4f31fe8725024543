import type { SendSegment } from './send-segment.js';
import type { Tcb } from './tcb.js';

/**
 * Sends `segment` again, at most `maxSegments` wire segments of it (splitting it when longer), and accounts for it as
 * Linux's tcp_retransmit_skb: on success marks SACKED_RETRANS and `loss.retransOut += segments`; in any case
 * `loss.retransStamp` (timestamp clock of segment.sentAt, when 0), `loss.undoRetrans` (from 0 when negative) += segments.
 * 0, or negative errno:
 * -EBUSY (the first copy still waits in the host's queue), -EAGAIN (outside the peer's window), -EHOSTUNREACH.
 */
export function retransmitSegment(
  _tcb: Tcb,
  _now: number,
  _segment: SendSegment,
  _maxSegments: number,
): number {
  throw new Error('not there yet');
}

/**
 * The same without those four numbers (Linux's __tcp_retransmit_skb: EVER_RETRANS, totalRetrans, counters, transmission):
 * what a loss probe uses, which leaves the scoreboard alone.
 */
export function retransmitSegmentUnaccounted(
  _tcb: Tcb,
  _now: number,
  _segment: SendSegment,
  _maxSegments: number,
): number {
  throw new Error('not there yet');
}
