// What a SACK block's covering a segment means for the scoreboard: marks and counts, first signs of reordering, RACK's and
// the RTT's evidence (RFC 6675 section 4, RFC 8985 section 6.2, RFC 2883).
import { seqDiff, seqGt, seqLt } from '../../wire/seq.js';
import { rateSegmentDelivered } from '../rate.js';
import { EVER_RETRANS, LOST, SACKED_ACKED, SACKED_RETRANS, type SendSegment } from '../send-segment.js';
import type { Tcb } from '../tcb.js';
import type { AckContext } from './context.js';
import { FLAG_DATA_SACKED, FLAG_ORIG_SACK_ACKED } from './flags.js';
import { rackAdvance } from './rack.js';
import { highestSackSeq } from './scoreboard.js';

/** A segment that was never retransmitted has been delivered, up to `endSeq`, out of order. */
function noteOriginal(tcb: Tcb, context: AckContext, segment: SendSegment, endSeq: number): void {
  // Below what was SACKed before: it was late.
  if (seqLt(segment.seq, highestSackSeq(tcb)) && seqLt(segment.seq, context.reorderSeq)) {
    context.reorderSeq = segment.seq;
  }
  if (!seqGt(endSeq, tcb.loss.highSeq)) context.flag |= FLAG_ORIG_SACK_ACKED;
  if (context.firstSackTime < 0) context.firstSackTime = segment.sentAt;
  context.lastSackTime = segment.sentAt;
}

/**
 * Accounts for the first `count` wire segments of `segment`, up to `endSeq`, which a block covers; returns the marks that
 * they have then. `holder`: the segment that they are part of afterwards.
 */
export function tagRange(
  tcb: Tcb,
  context: AckContext,
  segment: SendSegment,
  endSeq: number,
  count: number,
  holder: SendSegment,
  isDsack: boolean,
): number {
  const { loss, snd } = tcb;
  let { sacked } = segment;
  const retransmitted = (sacked & (SACKED_RETRANS | EVER_RETRANS)) !== 0;
  if (isDsack && retransmitted) {
    if (loss.undoMarked && loss.undoRetrans > 0 && seqGt(endSeq, loss.undoMarker)) {
      loss.undoRetrans = Math.max(0, loss.undoRetrans - count);
    }
    if ((sacked & SACKED_ACKED) !== 0 && seqLt(segment.seq, context.reorderSeq)) {
      context.reorderSeq = segment.seq;
    }
  }
  // Acknowledged cumulatively by this same ACK: about to leave the queue.
  if (!seqGt(endSeq, snd.una)) return sacked;
  if ((sacked & SACKED_ACKED) === 0) {
    rackAdvance(tcb, segment, endSeq, context.arrival);
    if ((sacked & SACKED_RETRANS) !== 0) {
      // Not lost: the retransmission is believed to be in flight still.
      if ((sacked & LOST) !== 0) {
        sacked &= ~(LOST | SACKED_RETRANS);
        loss.lostOut -= count;
        loss.retransOut -= count;
      }
    } else {
      if (!retransmitted) noteOriginal(tcb, context, segment, endSeq);
      if ((sacked & LOST) !== 0) {
        sacked &= ~LOST;
        loss.lostOut -= count;
      }
    }
    if (loss.sackedOut === 0 || seqGt(endSeq, loss.highestSackSeq)) {
      loss.highestSackSeq = endSeq;
      loss.highestSack = holder;
    }
    sacked |= SACKED_ACKED;
    context.flag |= FLAG_DATA_SACKED;
    loss.sackedOut += count;
    context.sackDelivered += count;
    context.deliveredBytes += seqDiff(endSeq, segment.seq);
  }
  // A DSACK for a retransmission that was thought to be in flight: it has arrived.
  if (isDsack && (sacked & SACKED_RETRANS) !== 0) {
    sacked &= ~SACKED_RETRANS;
    loss.retransOut -= count;
  }
  return sacked;
}

/** Tags one whole segment that a block covers. */
export function tagSegment(tcb: Tcb, context: AckContext, segment: SendSegment, isDsack: boolean): void {
  const { endSeq, segments } = segment;
  const tagged = seqGt(endSeq, tcb.snd.una);
  segment.sacked = tagRange(tcb, context, segment, endSeq, segments, segment, isDsack);
  if (!tagged) return;
  rateSegmentDelivered(tcb, segment, context.rate);
  tcb.snd.timeList.remove(segment);
}
