// The numbers of one BBR connection (Cardwell et al., "BBR: Congestion-Based Congestion Control", 2016; Linux's v1), and
// the fixed-point units they are kept in. Only values.
import { CA_OPEN, type Tcb } from '../tcb.js';

/** Bandwidth is in segments per µs times 2^24. */
export const BW_UNIT = 2 ** 24;
/** Gains are in 1/256. */
export const GAIN_UNIT = 256;

export const BBR_STARTUP = 0;
export const BBR_DRAIN = 1;
export const BBR_PROBE_BW = 2;
export const BBR_PROBE_RTT = 3;

/** 2/ln 2: fills a pipe as fast as doubling the delivery rate each round allows. */
export const HIGH_GAIN = Math.floor((GAIN_UNIT * 2885) / 1000) + 1;
/** Its inverse: empties in a round the queue that startup built. */
export const DRAIN_GAIN = Math.floor((GAIN_UNIT * 1000) / 2885);
export const CWND_GAIN = 2 * GAIN_UNIT;
/** Phases of PROBE_BW, one min-RTT each: probe, drain, cruise. */
export const CYCLE_GAINS = [320, 192, 256, 256, 256, 256, 256, 256];
/** Smallest window that keeps delayed ACKs coming. */
export const MIN_CWND = 4;

export class BbrState {
  mode = BBR_STARTUP;
  minRtt = 0xffff_ffff;
  minRttStamp = 0;
  /** End of PROBE_RTT's stay, µs; -1: not begun. */
  probeRttDone = -1;
  probeRttRoundDone = false;
  /** Windowed maximum of delivery rate over rounds. */
  readonly bwValue = new Float64Array(3);
  readonly bwRound = new Float64Array(3);
  rounds = 0;
  nextRoundDelivered = 0;
  roundStart = false;
  cycleStamp = 0;
  cycleIndex = 0;
  previousState = CA_OPEN;
  packetConservation = false;
  idleRestart = false;
  hasSeenRtt = false;
  pacingGain = HIGH_GAIN;
  cwndGain = HIGH_GAIN;
  priorCwnd = 0;
  fullBwReached = false;
  fullBw = 0;
  fullBwCount = 0;
  // Long-term rate where a token-bucket policer is met.
  ltSampling = false;
  ltUse = false;
  ltBw = 0;
  ltRounds = 0;
  ltLastDelivered = 0;
  ltLastLost = 0;
  ltLastStamp = 0;
  // Excess of ACKed over expected data: how aggregated ACKs are.
  ackEpochStamp = 0;
  ackEpochAcked = 0;
  readonly extraAcked = new Float64Array(2);
  extraAckedIndex = 0;
  extraAckedRounds = 0;
}

export const bbrState = (tcb: Tcb): BbrState => tcb.cc.state as BbrState;

/** Bandwidth to send at: the policer's when one was found, else the maximum of recent rounds. */
export function bbrBandwidth(s: BbrState): number {
  return s.ltUse ? s.ltBw : s.bwValue[0]!;
}

/** `bw` at `gain` in bytes/s, one per cent below, so that no queue builds. */
export function bytesPerSecond(tcb: Tcb, bw: number, gain: number): number {
  return Math.floor((Math.floor((bw * tcb.snd.mss * gain) / GAIN_UNIT) * 990_000) / BW_UNIT);
}
