// Taking what an ACK covers off the retransmission queue (RFC 9293 section 3.10.7.4), with the accounting that hangs on
// it: scoreboard, delivery, RTT samples under Karn's rule (RFC 6298 section 3), signs of reordering and reneging.

import { seqBetween, seqDiff, seqGt, seqLt } from '../../wire/seq.js';
import { TCP_SYN } from '../../wire/tcp.js';
import { CHRONO_BUSY, chronoStop } from '../chrono.js';
import { trimSegmentHead } from '../fragment.js';
import { mtuProbeSucceeded } from '../mtu-probe.js';
import { rateSegmentDelivered } from '../rate.js';
import { updateRtt } from '../rtt.js';
import { freeSegment } from '../send-memory.js';
import { EVER_RETRANS, LOST, SACKED_ACKED, SACKED_RETRANS, type SendSegment } from '../send-segment.js';
import { type Tcb, TIMESTAMP_ACKED } from '../tcb.js';
import type { AckContext } from './context.js';
import {
  FLAG_ACK_MAYBE_DELAYED,
  FLAG_ACKED,
  FLAG_CA_ALERT,
  FLAG_DATA_ACKED,
  FLAG_ECE,
  FLAG_ORIG_SACK_ACKED,
  FLAG_RETRANS_DATA_ACKED,
  FLAG_SACK_RENEGING,
  FLAG_SET_XMIT_TIMER,
  FLAG_SYN_ACKED,
} from './flags.js';
import { rackAdvance } from './rack.js';
import { checkSackReordering, removeRenoSacks } from './reordering.js';
import { countDelivered } from './scoreboard.js';
import { echoBefore } from './undo.js';

/** What one pass over the queue found; filled anew each time. */
const pass = { firstTime: -1, lastTime: -1, reorderSeq: 0, packets: 0, whole: true };

/** Wire segments of `segment` that are acknowledged now: all, or the first ones of a super-packet (the rest stays). */
function takeAcked(tcb: Tcb, segment: SendSegment): number {
  const { una } = tcb.snd;
  if (!seqGt(segment.endSeq, una)) return segment.segments;
  if (segment.segments === 1 || !seqGt(una, segment.seq)) return 0;
  const before = segment.segments;
  trimSegmentHead(tcb, segment, seqDiff(una, segment.seq));
  pass.whole = false;
  return before - segment.segments;
}

/** A retransmission, of which the peer echoes a timestamp from before: the original's ACK, no news of the copy. */
function spuriousRetransmission(tcb: Tcb, segment: SendSegment): boolean {
  if ((segment.sacked & (SACKED_RETRANS | EVER_RETRANS)) === 0) return false;
  return echoBefore(tcb, tcb.host.timestampClock(segment.sentAt));
}

/** Accounts for `count` wire segments of `segment`, which began at `startSeq`. */
function account(tcb: Tcb, context: AckContext, segment: SendSegment, startSeq: number, count: number): void {
  const { loss, snd } = tcb;
  const { sacked } = segment;
  if ((sacked & (SACKED_RETRANS | EVER_RETRANS)) !== 0) {
    if ((sacked & SACKED_RETRANS) !== 0) loss.retransOut -= count;
    context.flag |= FLAG_RETRANS_DATA_ACKED;
  } else if ((sacked & SACKED_ACKED) === 0) {
    pass.lastTime = segment.sentAt;
    if (pass.firstTime < 0) pass.firstTime = segment.sentAt;
    if (seqLt(startSeq, pass.reorderSeq)) pass.reorderSeq = startSeq;
    if (!seqGt(segment.endSeq, loss.highSeq)) context.flag |= FLAG_ORIG_SACK_ACKED;
  }
  if ((sacked & SACKED_ACKED) !== 0) {
    loss.sackedOut -= count;
  } else {
    context.deliveredBytes += seqDiff(pass.whole ? segment.endSeq : snd.una, startSeq);
  }
  if ((sacked & SACKED_ACKED) === 0 && tcb.opt.sack) {
    countDelivered(tcb, count, (context.flag & FLAG_ECE) !== 0);
    if (!spuriousRetransmission(tcb, segment)) {
      rackAdvance(tcb, segment, segment.endSeq, context.arrival);
    }
  }
  if ((sacked & LOST) !== 0) loss.lostOut -= count;
  snd.packetsOut -= count;
  pass.packets += count;
  rateSegmentDelivered(tcb, segment, context.rate);
  if ((segment.flags & TCP_SYN) === 0) {
    context.flag |= FLAG_DATA_ACKED;
  } else {
    context.flag |= FLAG_SYN_ACKED;
    loss.retransStamp = 0;
  }
}

/** SO_TIMESTAMPING asked when the last byte of a write would be acknowledged (SOF_TIMESTAMPING_TX_ACK). */
const STAMP_ON_ACK = 1 << 9;

function unlink(tcb: Tcb, now: number, segment: SendSegment): void {
  const { snd, loss } = tcb;
  if ((segment.timestampFlags & STAMP_ON_ACK) !== 0 && segment.timestampKey >= 0) {
    tcb.host.transmitTimestamp?.(tcb, TIMESTAMP_ACKED, segment.timestampKey, now);
  }
  if (loss.retransHint === segment) loss.retransHint = null;
  if (loss.highestSack === segment) loss.highestSack = segment.next;
  snd.timeList.remove(segment);
  snd.retransmitQueue.remove(segment);
  freeSegment(tcb, segment);
}

// RFC 9293 MUST-18
/** RTT samples of this ACK; true when srtt took one. Marks an ACK that may have been delayed. */
function sampleRtt(tcb: Tcb, now: number, context: AckContext, priorSacked: number): number {
  const { arrival, rate } = context;
  let seqRtt = -1;
  let caRtt = -1;
  if (pass.firstTime >= 0 && (context.flag & FLAG_RETRANS_DATA_ACKED) === 0) {
    seqRtt = Math.max(0, Math.floor(arrival - pass.firstTime));
    caRtt = Math.max(0, Math.floor(arrival - pass.lastTime));
    if (
      pass.packets === 1 &&
      pass.whole &&
      priorSacked === 0 &&
      seqDiff(tcb.snd.una, context.priorSndUna) < tcb.snd.mss &&
      rate.priorDelivered + 1 === tcb.loss.delivered &&
      (context.flag & (FLAG_CA_ALERT | FLAG_SYN_ACKED)) === 0
    ) {
      context.flag |= FLAG_ACK_MAYBE_DELAYED;
    }
  }
  let sackRtt = -1;
  if (context.firstSackTime >= 0) {
    sackRtt = Math.max(0, Math.floor(arrival - context.firstSackTime));
    caRtt = Math.max(0, Math.floor(arrival - context.lastSackTime));
  }
  rate.rtt = updateRtt(tcb, now, arrival, context.flag, seqRtt, sackRtt, caRtt);
  return sackRtt;
}

/** Removes what is acknowledged; adds to `context.flag` and fills `context.rate`. SND.UNA is already the new one. */
export function cleanRetransmitQueue(tcb: Tcb, now: number, context: AckContext): void {
  const { snd, loss } = tcb;
  const priorSacked = loss.sackedOut;
  pass.firstTime = -1;
  pass.lastTime = -1;
  pass.reorderSeq = snd.nxt;
  pass.packets = 0;
  pass.whole = true;

  let segment = snd.retransmitQueue.head;
  while (segment !== null) {
    const startSeq = segment.seq;
    const count = takeAcked(tcb, segment);
    if (count === 0) break;
    account(tcb, context, segment, startSeq, count);
    if (!pass.whole) break;
    const next: SendSegment | null = segment.next;
    unlink(tcb, now, segment);
    segment = next;
  }
  if (segment === null) chronoStop(tcb, CHRONO_BUSY, now);
  if (seqBetween(snd.up, context.priorSndUna, snd.una)) snd.up = snd.una;
  // The first byte missing is one that the peer has said it holds.
  if (segment !== null && (segment.sacked & SACKED_ACKED) !== 0) context.flag |= FLAG_SACK_RENEGING;

  const sackRtt = sampleRtt(tcb, now, context, priorSacked);
  if ((context.flag & FLAG_ACKED) !== 0) {
    context.flag |= FLAG_SET_XMIT_TIMER;
    if (snd.mtuProbeSize > 0 && !seqGt(snd.mtuProbeSeqEnd, snd.una)) mtuProbeSucceeded(tcb, now);
    if (!tcb.opt.sack) {
      removeRenoSacks(tcb, pass.packets, (context.flag & FLAG_ECE) !== 0);
      // Without SACK nobody knows whether the original or the copy was acknowledged.
      if ((context.flag & FLAG_RETRANS_DATA_ACKED) !== 0) context.flag &= ~FLAG_ORIG_SACK_ACKED;
    } else if (seqLt(pass.reorderSeq, context.priorFack)) {
      // A hole filled without retransmission.
      checkSackReordering(tcb, pass.reorderSeq, false);
    }
  } else if (
    segment !== null &&
    tcb.rtt.sampled &&
    sackRtt >= 0 &&
    sackRtt > context.arrival - segment.sentAt
  ) {
    // The sample is of data sent before the head was last sent: the RTO starts anew. Otherwise it would be put off
    // for as long as SACKs arrive.
    context.flag |= FLAG_SET_XMIT_TIMER;
  }
  tcb.cc.algorithm?.packetsAcked?.(
    tcb,
    pass.packets,
    context.rate.rtt,
    snd.mss * (loss.delivered - context.rate.priorDelivered),
    now,
  );
}
