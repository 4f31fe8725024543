// Time-based loss detection (RFC 8985, RACK) with Linux's steps: a segment is lost when one sent later has arrived and
// an RTT plus the reordering window have passed since it was sent. Marks segments; changes no window itself.

import { seqGt } from '../../wire/seq.js';
import type { RateSample } from '../congestion/congestion-control.js';
import { minRtt, TIMEOUT_MIN_US } from '../rtt.js';
import { EVER_RETRANS, LOST, SACKED_RETRANS, type SendSegment } from '../send-segment.js';
import { CA_RECOVERY, type Tcb, TIMER_REORDERING } from '../tcb.js';
import { cwndReduction } from './cwnd-reduction.js';
import { enterRecovery } from './enter-recovery.js';
import { tcpPacketsInFlight } from './in-flight.js';
import { xmitRetransmitQueue } from './retransmit-queue.js';
import { markSegmentLost } from './scoreboard.js';
import { beginFiring, rearmAfterFiring, retransmitTimerPending, setReorderingTimer } from './timers.js';

/** tcp_recovery bits beside the lowest, which once switched RACK on and is ignored since Linux 6.17. */
const STATIC_REO_WND = 2;
const NO_DUPTHRESH = 4;
/** Recoveries for which a widened reordering window is kept (RFC 8985 section 6.2, step 4). */
export const RECOVERY_PERSIST = 16;
const MAX_STEPS = 255;

/** Reordering window in µs (RFC 8985 section 6.2, step 4). */
export function reorderingWindow(tcb: Tcb): number {
  const { loss, rtt } = tcb;
  if (loss.reorderingSeen === 0) {
    if (tcb.cc.caState >= CA_RECOVERY) return 0;
    if (loss.sackedOut >= loss.reordering && (tcb.host.config.tcpRecovery & NO_DUPTHRESH) === 0) return 0;
  }
  return Math.min(Math.floor(minRtt(tcb) / 4) * loss.rackReoWndSteps, rtt.srtt8 >> 3);
}

/** µs until `segment` counts as lost at time `at`; 0 or less: it does. */
export function rackTimeLeft(tcb: Tcb, segment: SendSegment, window: number, at: number): number {
  return tcb.loss.rackRtt + window - (at - segment.sentAt);
}

/** Sent before the most recently sent segment that was delivered (RACK_sent_after of RFC 8985, by burst and sequence). */
function sentBefore(tcb: Tcb, segment: SendSegment): boolean {
  const { rackBurst, rackEndSeq } = tcb.loss;
  return (
    rackBurst > segment.sentBurst || (rackBurst === segment.sentBurst && seqGt(rackEndSeq, segment.endSeq))
  );
}

/** Marks what is lost at time `at`; returns the longest wait in µs after which more may be, 0: none. */
function detectLoss(tcb: Tcb, at: number): number {
  const { loss } = tcb;
  const window = reorderingWindow(tcb);
  let wait = 0;
  let segment = tcb.snd.timeList.head;
  while (segment !== null) {
    const next: SendSegment | null = segment.timeNext;
    const lostAndWaiting = (segment.sacked & (LOST | SACKED_RETRANS)) === LOST;
    if (!lostAndWaiting) {
      if (!sentBefore(tcb, segment)) break;
      let left = rackTimeLeft(tcb, segment, window, at);
      // A later burst of the same instant has a moment left; the same burst is overdue with the segment measured.
      if (left === 0 && segment.sentBurst > loss.rackRttBurst) left = 1;
      if (left <= 0) {
        markSegmentLost(tcb, segment);
        tcb.snd.timeList.remove(segment);
      } else {
        wait = Math.max(wait, left);
      }
    }
    segment = next;
  }
  return wait;
}

/** RFC 8985 section 6.2, step 5, on an ACK that arrived at `at`. True when the reordering timer was set. */
export function rackMarkLost(tcb: Tcb, now: number, at: number): boolean {
  const { loss } = tcb;
  if (!loss.rackAdvanced) return false;
  loss.rackAdvanced = false;
  const wait = detectLoss(tcb, at);
  if (wait === 0) return false;
  setReorderingTimer(tcb, wait + TIMEOUT_MIN_US, now);
  return true;
}

/** Notes the delivery of `segment` up to `endSeq`, told by an ACK that arrived at `at` (steps 1 and 2). */
export function rackAdvance(tcb: Tcb, segment: SendSegment, endSeq: number, at: number): void {
  const { loss } = tcb;
  const { sentAt, sentBurst } = segment;
  const rtt = Math.max(0, at - sentAt);
  // An ACK sooner than any RTT after a retransmission is for the original: its RTT says nothing.
  if (rtt < minRtt(tcb) && (segment.sacked & (SACKED_RETRANS | EVER_RETRANS)) !== 0) return;
  loss.rackAdvanced = true;
  loss.rackRtt = rtt;
  loss.rackRttBurst = sentBurst;
  if (sentBurst > loss.rackBurst || (sentBurst === loss.rackBurst && seqGt(endSeq, loss.rackEndSeq))) {
    loss.rackTime = sentAt;
    loss.rackBurst = sentBurst;
    loss.rackEndSeq = endSeq;
  }
}

/** Widens the reordering window once a round trip with DSACKs, narrows it after 16 recoveries without (step 4). */
export function rackUpdateReorderingWindow(tcb: Tcb, rs: RateSample): void {
  const { loss } = tcb;
  if ((tcb.host.config.tcpRecovery & STATIC_REO_WND) !== 0 || rs.priorDelivered === 0) return;
  if (rs.priorDelivered < loss.rackLastDelivered) loss.rackDsackSeen = false;
  if (loss.rackDsackSeen) {
    loss.rackReoWndSteps = Math.min(MAX_STEPS, loss.rackReoWndSteps + 1);
    loss.rackDsackSeen = false;
    loss.rackLastDelivered = loss.delivered;
    loss.rackReoWndPersist = RECOVERY_PERSIST;
  } else if (loss.rackReoWndPersist === 0) {
    loss.rackReoWndSteps = 1;
  }
}

/** The reordering timer fired (RFC 8985 section 6.3). */
export function rackReorderingTimeout(tcb: Tcb, now: number): void {
  const { loss, cc } = tcb;
  beginFiring(tcb, TIMER_REORDERING, now);
  loss.burst++;
  const inFlight = tcpPacketsInFlight(tcb);
  const lost = loss.lost;
  detectLoss(tcb, now);
  if (inFlight !== tcpPacketsInFlight(tcb)) {
    if (cc.caState !== CA_RECOVERY) {
      enterRecovery(tcb, now, false);
      if (cc.algorithm?.control === undefined) cwndReduction(tcb, 1, loss.lost - lost, 0);
    }
    xmitRetransmitQueue(tcb, now);
  }
  if (!retransmitTimerPending(tcb)) rearmAfterFiring(tcb, TIMER_REORDERING, now);
}
