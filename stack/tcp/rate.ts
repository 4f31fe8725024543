// Delivery-rate samples (draft-ietf-ccwg-bbr's delivery rate, draft-cheng-iccrg-delivery-rate-estimation): how many
// segments arrived between a segment's departure and its acknowledgment, and whether the application kept us short.
// Reads the scoreboard's totals; changes no window.
import { seqGt } from '../wire/seq.js';
import { CA_EVENT_TX_START, type RateSample } from './congestion/congestion-control.js';
import { tcpPacketsInFlight } from './recovery/in-flight.js';
import { minRtt } from './rtt.js';
import { EVER_RETRANS, SACKED_ACKED, SACKED_RETRANS, type SendSegment } from './send-segment.js';
import type { Tcb } from './tcb.js';

/** A segment's snapshot was used by the SACK that delivered it. */
const SNAPSHOT_USED = -1;
/** Memory that one byte in a packet costs (Linux's SKB_TRUESIZE(1)): less than this in the host queue counts as none. */
const TRUESIZE_OF_ONE = 768;

/** Sent later, or at the same time and further on (RFC 8985's RACK_sent_after). */
export function sentAfter(time1: number, time2: number, seq1: number, seq2: number): boolean {
  return time1 > time2 || (time1 === time2 && seqGt(seq1, seq2));
}

/** Empties a sample for a new ACK. */
export function resetRateSample(rs: RateSample): void {
  rs.delivered = -1;
  rs.deliveredCe = 0;
  rs.interval = -1;
  rs.priorDelivered = 0;
  rs.priorDeliveredCe = 0;
  rs.priorTime = SNAPSHOT_USED;
  rs.sendInterval = 0;
  rs.receiveInterval = 0;
  rs.rtt = -1;
  rs.losses = 0;
  rs.ackedSacked = 0;
  rs.priorInFlight = 0;
  rs.lastEndSeq = 0;
  rs.appLimited = false;
  rs.isRetrans = false;
  rs.isAckDelayed = false;
  rs.isEce = false;
}

/** Snapshot of the connection at a segment's departure; before `packetsOut` counts it. */
export function rateSegmentSent(tcb: Tcb, segment: SendSegment): void {
  const { loss } = tcb;
  if (tcb.snd.packetsOut === 0) {
    // After idleness the clock of both phases starts anew.
    loss.firstSentTime = segment.sentAt;
    loss.deliveredTime = segment.sentAt;
  }
  segment.rateFirstSentAt = loss.firstSentTime;
  segment.rateDeliveredAt = loss.deliveredTime;
  segment.rateDelivered = loss.delivered;
  segment.rateDeliveredCe = loss.deliveredCe;
  segment.rateAppLimited = loss.appLimited !== 0;
}

/**
 * Call for every (re)transmission of a segment of the queue, with `segment.sentAt` set, BEFORE `packetsOut` counts it:
 * TX_START event, rate snapshot, lastDataSent. SYN and data alike.
 */
export function noteSent(tcb: Tcb, now: number, segment: SendSegment): void {
  if (segment.length > 0) {
    if (tcpPacketsInFlight(tcb) === 0) tcb.cc.algorithm?.event?.(tcb, CA_EVENT_TX_START, now);
    tcb.snd.lastDataSent = now;
  }
  segment.sentBurst = tcb.loss.burst;
  rateSegmentSent(tcb, segment);
}

/** `segment` was acknowledged or SACKed: the most recently sent one of an ACK gives the sample its beginning. */
export function rateSegmentDelivered(tcb: Tcb, segment: SendSegment, rs: RateSample): void {
  if (segment.rateDeliveredAt === SNAPSHOT_USED) return;
  const { loss } = tcb;
  if (
    rs.priorDelivered === 0 ||
    sentAfter(segment.sentAt, loss.firstSentTime, segment.endSeq, rs.lastEndSeq)
  ) {
    rs.priorDeliveredCe = segment.rateDeliveredCe;
    rs.priorDelivered = segment.rateDelivered;
    rs.priorTime = segment.rateDeliveredAt;
    rs.appLimited = segment.rateAppLimited;
    rs.isRetrans = (segment.sacked & (SACKED_RETRANS | EVER_RETRANS)) !== 0;
    rs.lastEndSeq = segment.endSeq;
    loss.firstSentTime = segment.sentAt;
    rs.interval = Math.max(0, segment.sentAt - segment.rateFirstSentAt);
  }
  if ((segment.sacked & SACKED_ACKED) !== 0) segment.rateDeliveredAt = SNAPSHOT_USED;
}

/**
 * Completes the sample at the end of ACK processing. `delivered` and `lost` are what this ACK delivered and what it
 * made us deem lost; `reneging` voids the sample. `at` is the ACK's arrival.
 */
export function rateGenerate(
  tcb: Tcb,
  at: number,
  delivered: number,
  lost: number,
  reneging: boolean,
  rs: RateSample,
): void {
  const { loss } = tcb;
  if (loss.appLimited !== 0 && loss.delivered > loss.appLimited) loss.appLimited = 0;
  if (delivered > 0) loss.deliveredTime = at;
  rs.ackedSacked = delivered;
  rs.losses = lost;
  if (rs.priorTime === SNAPSHOT_USED || reneging) {
    rs.delivered = -1;
    rs.interval = -1;
    return;
  }
  rs.delivered = loss.delivered - rs.priorDelivered;
  rs.deliveredCe = Math.max(0, loss.deliveredCe - rs.priorDeliveredCe);
  // ACK compression and burst sending each stretch one phase only: the longer one bounds the rate from above.
  rs.sendInterval = rs.interval;
  rs.receiveInterval = Math.max(0, at - rs.priorTime);
  rs.interval = Math.max(rs.sendInterval, rs.receiveInterval);
  // An interval below the minimum RTT comes from ACKs of both a segment and its retransmission: useless.
  if (rs.interval < minRtt(tcb)) {
    rs.interval = -1;
    return;
  }
  if (!rs.appLimited || rs.delivered * loss.rateInterval >= loss.rateDelivered * rs.interval) {
    loss.rateDelivered = rs.delivered;
    loss.rateInterval = rs.interval;
    loss.rateAppLimited = rs.appLimited;
  }
}

/** sendmsg found nothing more to send although cwnd has room: marks the bubble (Linux's tcp_rate_check_app_limited). */
export function checkSendingAppLimited(tcb: Tcb): void {
  const { snd, loss, cc } = tcb;
  const inFlight = tcpPacketsInFlight(tcb);
  if (
    (snd.writeSeq - snd.nxt) >>> 0 < snd.mss &&
    snd.inHostQueue < TRUESIZE_OF_ONE &&
    inFlight < cc.cwnd &&
    loss.lostOut <= loss.retransOut
  ) {
    loss.appLimited = loss.delivered + inFlight || 1;
  }
}
