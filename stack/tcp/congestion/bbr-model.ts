// BBR's picture of the path: maximum delivery rate by rounds, minimum RTT, a policer's long-term rate, how much ACKs are
// aggregated, whether the pipe is full. Reads rate samples; sets neither cwnd nor pacing.
import type { Tcb } from '../tcb.js';
import { type BbrState, BW_UNIT, bbrBandwidth, bytesPerSecond, GAIN_UNIT } from './bbr-state.js';
import type { RateSample } from './congestion-control.js';
import { runningMax } from './windowed-filter.js';

/** Rounds over which the maximum is taken: a cycle of PROBE_BW and two more. */
const BW_ROUNDS = 10;
/** Startup ends after three rounds that each grow the rate by less than a quarter. */
const FULL_BW_GROWTH = 320;
const FULL_BW_ROUNDS = 3;
/** A policer's interval: 4 to 16 rounds with a fifth (50/256) lost; two agreeing to an eighth or 500 bytes/s. */
const LT_MIN_ROUNDS = 4;
const LT_LOSS_THRESHOLD = 50;
const LT_RATIO = 32;
const LT_DIFFERENCE = 500;
const LT_MAX_ROUNDS = 48;
const EXTRA_ACKED_ROUNDS = 5;
const EPOCH_RESET = 1 << 20;

/** Begins a long-term interval. */
function resetLtInterval(tcb: Tcb, s: BbrState): void {
  s.ltLastStamp = Math.floor(tcb.loss.deliveredTime / 1000);
  s.ltLastDelivered = tcb.loss.delivered;
  s.ltLastLost = tcb.loss.lost;
  s.ltRounds = 0;
}

/** Forgets the policer. */
export function resetLtSampling(tcb: Tcb, s: BbrState): void {
  s.ltBw = 0;
  s.ltUse = false;
  s.ltSampling = false;
  resetLtInterval(tcb, s);
}

function ltIntervalDone(tcb: Tcb, s: BbrState, bw: number): void {
  if (s.ltBw > 0) {
    const difference = Math.abs(bw - s.ltBw);
    if (
      difference * GAIN_UNIT <= LT_RATIO * s.ltBw ||
      bytesPerSecond(tcb, difference, GAIN_UNIT) <= LT_DIFFERENCE
    ) {
      s.ltBw = Math.floor((bw + s.ltBw) / 2);
      s.ltUse = true;
      s.pacingGain = GAIN_UNIT;
      s.ltRounds = 0;
      return;
    }
  }
  s.ltBw = bw;
  resetLtInterval(tcb, s);
}

/** Looks for a policer; true when its rate has been used for long enough and probing must begin anew. */
export function sampleLt(
  tcb: Tcb,
  s: BbrState,
  losses: number,
  appLimited: boolean,
  probing: boolean,
): boolean {
  if (s.ltUse) {
    if (probing && s.roundStart && ++s.ltRounds >= LT_MAX_ROUNDS) {
      resetLtSampling(tcb, s);
      return true;
    }
    return false;
  }
  if (!s.ltSampling) {
    if (losses === 0) return false;
    resetLtInterval(tcb, s);
    s.ltSampling = true;
  }
  if (appLimited) {
    resetLtSampling(tcb, s);
    return false;
  }
  if (s.roundStart) s.ltRounds++;
  if (s.ltRounds < LT_MIN_ROUNDS) return false;
  if (s.ltRounds > 4 * LT_MIN_ROUNDS) {
    resetLtSampling(tcb, s);
    return false;
  }
  if (losses === 0) return false;
  const lost = tcb.loss.lost - s.ltLastLost;
  const delivered = tcb.loss.delivered - s.ltLastDelivered;
  if (delivered === 0 || lost * GAIN_UNIT < LT_LOSS_THRESHOLD * delivered) return false;
  const ms = Math.floor(tcb.loss.deliveredTime / 1000) - s.ltLastStamp;
  if (ms >= 1) ltIntervalDone(tcb, s, Math.floor((delivered * BW_UNIT) / (ms * 1000)));
  return false;
}

/** Rounds and the maximum delivery rate; true when PROBE_BW must begin anew (see sampleLt). */
export function updateBandwidth(tcb: Tcb, s: BbrState, rs: RateSample, probing: boolean): boolean {
  s.roundStart = false;
  if (rs.delivered < 0 || rs.interval <= 0) return false;
  if (rs.priorDelivered >= s.nextRoundDelivered) {
    s.nextRoundDelivered = tcb.loss.delivered;
    s.rounds++;
    s.roundStart = true;
    s.packetConservation = false;
  }
  const again = sampleLt(tcb, s, rs.losses, rs.appLimited, probing);
  const bw = Math.floor((rs.delivered * BW_UNIT) / rs.interval);
  // An application-limited sample shows the application, unless it is higher than all.
  if (!rs.appLimited || bw >= s.bwValue[0]!) runningMax(s.bwValue, s.bwRound, BW_ROUNDS, s.rounds, bw);
  return again;
}

/** How much more was acknowledged than the rate explains, its maximum over five to ten rounds. */
export function updateAckAggregation(tcb: Tcb, s: BbrState, rs: RateSample): void {
  if (rs.ackedSacked <= 0 || rs.delivered < 0 || rs.interval <= 0) return;
  if (s.roundStart && ++s.extraAckedRounds >= EXTRA_ACKED_ROUNDS) {
    s.extraAckedRounds = 0;
    s.extraAckedIndex ^= 1;
    s.extraAcked[s.extraAckedIndex] = 0;
  }
  const { deliveredTime } = tcb.loss;
  const epoch = Math.max(0, deliveredTime - s.ackEpochStamp);
  let expected = Math.floor((bbrBandwidth(s) * epoch) / BW_UNIT);
  if (s.ackEpochAcked <= expected || s.ackEpochAcked + rs.ackedSacked >= EPOCH_RESET) {
    s.ackEpochAcked = 0;
    s.ackEpochStamp = deliveredTime;
    expected = 0;
  }
  s.ackEpochAcked = Math.min(EPOCH_RESET - 1, s.ackEpochAcked + rs.ackedSacked);
  const extra = Math.min(s.ackEpochAcked - expected, tcb.cc.cwnd);
  if (extra > s.extraAcked[s.extraAckedIndex]!) s.extraAcked[s.extraAckedIndex] = extra;
}

/** Whether startup has filled the pipe. */
export function checkFullBandwidth(s: BbrState, rs: RateSample): void {
  if (s.fullBwReached || !s.roundStart || rs.appLimited) return;
  if (s.bwValue[0]! >= Math.floor((s.fullBw * FULL_BW_GROWTH) / GAIN_UNIT)) {
    s.fullBw = s.bwValue[0]!;
    s.fullBwCount = 0;
    return;
  }
  s.fullBwReached = ++s.fullBwCount >= FULL_BW_ROUNDS;
}
