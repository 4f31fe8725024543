// BBR version 1 as Linux has it: sends at the path's measured bandwidth with about two bandwidth-delay products in
// flight, probing for more in cycles and for the true RTT every ten seconds. The model is in bbr-model.ts.
import { INFINITE_SSTHRESH } from '../cwnd.js';
import { tcpPacketsInFlight } from '../recovery/in-flight.js';
import { minRtt } from '../rtt.js';
import { CA_LOSS, CA_OPEN, CA_RECOVERY, type Tcb } from '../tcb.js';
import {
  checkFullBandwidth,
  resetLtSampling,
  sampleLt,
  updateAckAggregation,
  updateBandwidth,
} from './bbr-model.js';
import {
  BBR_DRAIN,
  BBR_PROBE_BW,
  BBR_PROBE_RTT,
  BBR_STARTUP,
  BbrState,
  BW_UNIT,
  bbrBandwidth,
  bbrState,
  bytesPerSecond,
  CWND_GAIN,
  CYCLE_GAINS,
  DRAIN_GAIN,
  GAIN_UNIT,
  HIGH_GAIN,
  MIN_CWND,
} from './bbr-state.js';
import { CA_EVENT_TX_START, type CongestionControl, type RateSample } from './congestion-control.js';
import { filterReset } from './windowed-filter.js';

const MIN_RTT_WINDOW = 10_000_000;
const PROBE_RTT_STAY = 200_000;
/** Below this pacing rate (bytes/s) super-packets hold one segment. */
const MIN_TSO_RATE = 150_000;
/** Most payload of a super-packet: 64 KiB less the largest headers. */
const LARGEST_SUPER_PACKET = 65_536 - 1 - 320;
const EXTRA_ACKED_MAX = 100_000;
const INIT_CWND = 10;
const CYCLE_RANDOM = 7;

function pacingRate(tcb: Tcb, bw: number, gain: number): number {
  return Math.min(bytesPerSecond(tcb, bw, gain), tcb.snd.maxPacingRate);
}

/** Before any rate sample: the window per RTT, or per millisecond when not even that is known. */
function initPacingRate(tcb: Tcb, s: BbrState): void {
  let rtt = 1000;
  if (tcb.rtt.srtt8 > 0) {
    rtt = Math.max(tcb.rtt.srtt8 >> 3, 1);
    s.hasSeenRtt = true;
  }
  tcb.snd.pacingRate = pacingRate(tcb, Math.floor((tcb.cc.cwnd * BW_UNIT) / rtt), HIGH_GAIN);
}

function setPacingRate(tcb: Tcb, s: BbrState, bw: number, gain: number): void {
  const rate = pacingRate(tcb, bw, gain);
  if (!s.hasSeenRtt && tcb.rtt.srtt8 > 0) initPacingRate(tcb, s);
  if (s.fullBwReached || rate > tcb.snd.pacingRate) tcb.snd.pacingRate = rate;
}

function minTsoSegments(tcb: Tcb): number {
  return tcb.snd.pacingRate < MIN_TSO_RATE ? 1 : 2;
}

function superPacketGoal(tcb: Tcb): number {
  const bytes = Math.min(Math.floor(tcb.snd.pacingRate / 2 ** tcb.snd.pacingShift), LARGEST_SUPER_PACKET);
  return Math.min(Math.max(Math.floor(bytes / tcb.snd.mss), minTsoSegments(tcb)), 127);
}

/** Bandwidth-delay product times `gain`, in segments. */
function bdp(s: BbrState, bw: number, gain: number): number {
  if (s.minRtt === 0xffff_ffff) return INIT_CWND;
  return Math.ceil(Math.floor((bw * s.minRtt * gain) / GAIN_UNIT) / BW_UNIT);
}

/** Room for the quanta in which packets and ACKs really travel. */
function quantize(tcb: Tcb, s: BbrState, cwnd: number): number {
  let budget = cwnd + 3 * superPacketGoal(tcb);
  budget += budget & 1;
  if (s.mode === BBR_PROBE_BW && s.cycleIndex === 0) budget += 2;
  return budget;
}

const inflightTarget = (tcb: Tcb, s: BbrState, bw: number, gain: number): number =>
  quantize(tcb, s, bdp(s, bw, gain));

/** What will be in the network when the next packet departs, pacing considered. */
function inNetAtDeparture(tcb: Tcb, s: BbrState, now: number, inFlight: number): number {
  const wait = Math.max(0, tcb.snd.departure - now);
  const delivered = Math.floor((bbrBandwidth(s) * wait) / BW_UNIT);
  const then = inFlight + (s.pacingGain > GAIN_UNIT ? superPacketGoal(tcb) : 0);
  return Math.max(0, then - delivered);
}

function saveCwnd(tcb: Tcb, s: BbrState): void {
  const { cwnd } = tcb.cc;
  const steady = s.previousState < CA_RECOVERY && s.mode !== BBR_PROBE_RTT;
  s.priorCwnd = steady ? cwnd : Math.max(s.priorCwnd, cwnd);
}

function enterProbeBw(tcb: Tcb, s: BbrState): void {
  s.mode = BBR_PROBE_BW;
  // A random phase, but never the draining one: flows must not drain together.
  s.cycleIndex = CYCLE_GAINS.length - 1 - (tcb.host.random32() % CYCLE_RANDOM);
  advanceCycle(tcb, s);
}

function advanceCycle(tcb: Tcb, s: BbrState): void {
  s.cycleIndex = (s.cycleIndex + 1) & (CYCLE_GAINS.length - 1);
  s.cycleStamp = tcb.loss.deliveredTime;
}

function updateCycle(tcb: Tcb, s: BbrState, now: number, rs: RateSample): void {
  if (s.mode !== BBR_PROBE_BW) return;
  const full = tcb.loss.deliveredTime - s.cycleStamp > s.minRtt;
  let next = full;
  if (s.pacingGain !== GAIN_UNIT) {
    const bw = s.bwValue[0]!;
    const inNet = inNetAtDeparture(tcb, s, now, rs.priorInFlight);
    if (s.pacingGain > GAIN_UNIT) {
      next = full && (rs.losses > 0 || inNet >= inflightTarget(tcb, s, bw, s.pacingGain));
    } else {
      next = full || inNet <= inflightTarget(tcb, s, bw, GAIN_UNIT);
    }
  }
  if (next) advanceCycle(tcb, s);
}

function checkDrain(tcb: Tcb, s: BbrState, now: number): void {
  if (s.mode === BBR_STARTUP && s.fullBwReached) {
    s.mode = BBR_DRAIN;
    tcb.cc.ssthresh = inflightTarget(tcb, s, s.bwValue[0]!, GAIN_UNIT);
  }
  if (
    s.mode === BBR_DRAIN &&
    inNetAtDeparture(tcb, s, now, tcpPacketsInFlight(tcb)) <= inflightTarget(tcb, s, s.bwValue[0]!, GAIN_UNIT)
  ) {
    enterProbeBw(tcb, s);
  }
}

function checkProbeRttDone(tcb: Tcb, s: BbrState, now: number): void {
  if (s.probeRttDone < 0 || now <= s.probeRttDone) return;
  s.minRttStamp = now;
  tcb.cc.cwnd = Math.max(tcb.cc.cwnd, s.priorCwnd);
  if (s.fullBwReached) enterProbeBw(tcb, s);
  else s.mode = BBR_STARTUP;
}

/** Minimum RTT over ten seconds; when none came for so long, PROBE_RTT empties the queue to see it. */
function updateMinRtt(tcb: Tcb, s: BbrState, now: number, rs: RateSample): void {
  const expired = now > s.minRttStamp + MIN_RTT_WINDOW;
  if (rs.rtt >= 0 && (rs.rtt < s.minRtt || (expired && !rs.isAckDelayed))) {
    s.minRtt = rs.rtt;
    s.minRttStamp = now;
  }
  if (expired && !s.idleRestart && s.mode !== BBR_PROBE_RTT) {
    s.mode = BBR_PROBE_RTT;
    saveCwnd(tcb, s);
    s.probeRttDone = -1;
  }
  if (s.mode === BBR_PROBE_RTT) {
    const { loss } = tcb;
    const inFlight = tcpPacketsInFlight(tcb);
    loss.appLimited = loss.delivered + inFlight || 1;
    if (s.probeRttDone < 0 && inFlight <= MIN_CWND) {
      s.probeRttDone = now + PROBE_RTT_STAY;
      s.probeRttRoundDone = false;
      s.nextRoundDelivered = loss.delivered;
    } else if (s.probeRttDone >= 0) {
      if (s.roundStart) s.probeRttRoundDone = true;
      if (s.probeRttRoundDone) checkProbeRttDone(tcb, s, now);
    }
  }
  if (rs.delivered > 0) s.idleRestart = false;
}

function updateGains(s: BbrState): void {
  if (s.mode === BBR_STARTUP) {
    s.pacingGain = HIGH_GAIN;
    s.cwndGain = HIGH_GAIN;
  } else if (s.mode === BBR_DRAIN) {
    s.pacingGain = DRAIN_GAIN;
    s.cwndGain = HIGH_GAIN;
  } else if (s.mode === BBR_PROBE_BW) {
    s.pacingGain = s.ltUse ? GAIN_UNIT : CYCLE_GAINS[s.cycleIndex]!;
    s.cwndGain = CWND_GAIN;
  } else {
    s.pacingGain = GAIN_UNIT;
    s.cwndGain = GAIN_UNIT;
  }
}

/** Recovery's first round sends what it gets acknowledged; its end restores the window. True: settled for this ACK. */
function recoverOrRestore(tcb: Tcb, s: BbrState, rs: RateSample): boolean {
  const { cc } = tcb;
  if (rs.losses > 0) cc.cwnd = Math.max(cc.cwnd - rs.losses, 1);
  if (cc.caState === CA_RECOVERY && s.previousState !== CA_RECOVERY) {
    s.packetConservation = true;
    s.nextRoundDelivered = tcb.loss.delivered;
    cc.cwnd = tcpPacketsInFlight(tcb) + rs.ackedSacked;
  } else if (s.previousState >= CA_RECOVERY && cc.caState < CA_RECOVERY) {
    cc.cwnd = Math.max(cc.cwnd, s.priorCwnd);
    s.packetConservation = false;
  }
  s.previousState = cc.caState;
  if (!s.packetConservation) return false;
  cc.cwnd = Math.max(cc.cwnd, tcpPacketsInFlight(tcb) + rs.ackedSacked);
  return true;
}

/** Room for aggregated ACKs, at most 100 ms of the rate. */
function aggregationRoom(s: BbrState): number {
  if (!s.fullBwReached) return 0;
  const most = Math.floor((bbrBandwidth(s) * EXTRA_ACKED_MAX) / BW_UNIT);
  return Math.min(Math.max(s.extraAcked[0]!, s.extraAcked[1]!), most);
}

function setCwnd(tcb: Tcb, s: BbrState, rs: RateSample, bw: number): void {
  const { cc } = tcb;
  const acked = rs.ackedSacked;
  if (acked > 0 && !recoverOrRestore(tcb, s, rs)) {
    const target = quantize(tcb, s, bdp(s, bw, s.cwndGain) + aggregationRoom(s));
    if (s.fullBwReached) cc.cwnd = Math.min(cc.cwnd + acked, target);
    else if (cc.cwnd < target || tcb.loss.delivered < INIT_CWND) cc.cwnd += acked;
    cc.cwnd = Math.max(cc.cwnd, MIN_CWND);
  }
  cc.cwnd = Math.min(cc.cwnd, cc.cwndClamp);
  if (s.mode === BBR_PROBE_RTT) cc.cwnd = Math.min(cc.cwnd, MIN_CWND);
}

export const bbr: CongestionControl = {
  name: 'bbr',
  needsPacing: true,

  init(tcb: Tcb, now: number): void {
    const s = new BbrState();
    tcb.cc.state = s;
    tcb.cc.ssthresh = INFINITE_SSTHRESH;
    s.nextRoundDelivered = tcb.loss.delivered;
    s.previousState = CA_OPEN;
    s.minRtt = minRtt(tcb);
    s.minRttStamp = now;
    filterReset(s.bwValue, s.bwRound, 0, 0);
    initPacingRate(tcb, s);
    resetLtSampling(tcb, s);
    s.ackEpochStamp = now;
  },

  ssthresh(tcb: Tcb): number {
    saveCwnd(tcb, bbrState(tcb));
    return tcb.cc.ssthresh;
  },

  avoid(): void {},

  control(tcb: Tcb, now: number, _ack: number, _flag: number, rs: RateSample): void {
    const s = bbrState(tcb);
    if (updateBandwidth(tcb, s, rs, s.mode === BBR_PROBE_BW)) enterProbeBw(tcb, s);
    updateAckAggregation(tcb, s, rs);
    updateCycle(tcb, s, now, rs);
    checkFullBandwidth(s, rs);
    checkDrain(tcb, s, now);
    updateMinRtt(tcb, s, now, rs);
    updateGains(s);
    const bw = bbrBandwidth(s);
    setPacingRate(tcb, s, bw, s.pacingGain);
    setCwnd(tcb, s, rs, bw);
  },

  setState(tcb: Tcb, state: number): void {
    if (state !== CA_LOSS) return;
    const s = bbrState(tcb);
    s.previousState = CA_LOSS;
    s.fullBw = 0;
    // A timeout is a round: treat it as one with loss.
    s.roundStart = true;
    if (sampleLt(tcb, s, 1, false, s.mode === BBR_PROBE_BW)) enterProbeBw(tcb, s);
  },

  event(tcb: Tcb, event: number, now: number): void {
    if (event !== CA_EVENT_TX_START || tcb.loss.appLimited === 0) return;
    const s = bbrState(tcb);
    s.idleRestart = true;
    s.ackEpochStamp = now;
    s.ackEpochAcked = 0;
    // Restarting at the estimated rate, not above it, builds no queue.
    if (s.mode === BBR_PROBE_BW) setPacingRate(tcb, s, bbrBandwidth(s), GAIN_UNIT);
    else if (s.mode === BBR_PROBE_RTT) checkProbeRttDone(tcb, s, now);
  },

  undo(tcb: Tcb): number {
    const s = bbrState(tcb);
    s.fullBw = 0;
    s.fullBwCount = 0;
    resetLtSampling(tcb, s);
    return tcb.cc.cwnd;
  },

  minTsoSegments,

  /** Keeps the buffer from limiting while cwnd is two BDPs and one of retransmissions. */
  sndbufExpand(): number {
    return 3;
  },

  info(tcb: Tcb): Record<string, number> {
    const s = bbrState(tcb);
    return {
      bandwidth: bytesPerSecond(tcb, bbrBandwidth(s), GAIN_UNIT),
      minRtt: s.minRtt,
      pacingGain: s.pacingGain,
      cwndGain: s.cwndGain,
      mode: s.mode,
    };
  },
};
