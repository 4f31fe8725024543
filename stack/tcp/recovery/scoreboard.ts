// The scoreboard's primitive steps (RFC 6675): marking a segment lost, counting what was delivered, the highest SACKed
// byte. Each keeps the counters equal to the sums over the retransmission queue. Decides nothing.

import { counterIndex } from '../../host/counters.js';
import { seqLt } from '../../wire/seq.js';
import { ECN_ACCURATE } from '../ecn/accurate.js';
import { LOST, SACKED_ACKED, SACKED_RETRANS, type SendSegment } from '../send-segment.js';
import type { Tcb } from '../tcb.js';

const lostRetransmit = counterIndex('TcpExtTCPLostRetransmit');

/** Behind the highest SACKed byte; SND.UNA when nothing is SACKed. */
export function highestSackSeq(tcb: Tcb): number {
  return tcb.loss.sackedOut === 0 ? tcb.snd.una : tcb.loss.highestSackSeq;
}

/** `packets` wire segments reached the peer; `ce` when the ACK that told it echoed congestion. */
export function countDelivered(tcb: Tcb, packets: number, ce: boolean): void {
  tcb.loss.delivered += packets;
  // Accurate ECN counts marks itself (ecn/accurate.ts).
  if (ce && (tcb.opt.ecnFlags & ECN_ACCURATE) === 0) tcb.loss.deliveredCe += packets;
}

/** The walk for retransmissions must begin no later than at `segment`. */
function moveRetransmitHint(tcb: Tcb, segment: SendSegment): void {
  const { loss } = tcb;
  const hint = loss.retransHint;
  if (hint === null ? loss.retransOut >= loss.lostOut : seqLt(segment.seq, hint.seq)) {
    loss.retransHint = segment;
  }
}

/**
 * Deems a segment lost, or its retransmission when it was lost before. Nothing happens to a SACKed one.
 *
 * An undo may leave a segment that was retransmitted and is not lost: when it is lost after all, the retransmission is
 * too. (Linux forgets that and counts it twice: "retrans_out leaked".)
 */
export function markSegmentLost(tcb: Tcb, segment: SendSegment): void {
  const { loss } = tcb;
  if ((segment.sacked & SACKED_ACKED) !== 0) return;
  moveRetransmitHint(tcb, segment);
  const wasLost = (segment.sacked & LOST) !== 0;
  const resent = (segment.sacked & SACKED_RETRANS) !== 0;
  if (wasLost && !resent) return;
  if (resent) {
    segment.sacked &= ~SACKED_RETRANS;
    loss.retransOut -= segment.segments;
    tcb.host.counters.add(lostRetransmit, segment.segments);
  }
  if (!wasLost) {
    segment.sacked |= LOST;
    loss.lostOut += segment.segments;
  }
  loss.lost += segment.segments;
}

/** Hints point into the queue: drop them when it changes under them. */
export function clearHints(tcb: Tcb): void {
  tcb.loss.retransHint = null;
}
