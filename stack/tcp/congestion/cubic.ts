// CUBIC (RFC 9438) in the integer granularity of Linux's tcp_cubic: time in 1/1024 s from the tick counter, windows in
// whole segments, cwnd growing by one every `count` acknowledged segments. HyStart is in hystart.ts.
import { additiveIncrease, inSlowStart, isCwndLimited, slowStart } from '../cwnd.js';
import { jiffies, tickLength } from '../jiffies.js';
import { CA_LOSS, type Tcb } from '../tcb.js';
import { CA_EVENT_TX_START, type CongestionControl } from './congestion-control.js';
import { HystartState, hystartReset, hystartSample } from './hystart.js';
import {
  HystartPlusState,
  hystartPlusReset,
  hystartPlusSample,
  hystartPlusSlowStart,
} from './hystart-plus.js';
import { undoToPrior } from './newreno.js';

/** Multiplicative decrease, in 1/1024: 0.7 of RFC 9438 section 4.6. */
const BETA = 717;
const BETA_UNIT = 1024;
/** C of RFC 9438 section 4.2 is 0.4: 410/1024, in windows per (1/1024 s)^3 after division by 2^40. */
const C_SCALED = 410;
const CUBE_UNIT = 2 ** 40;
/** Segments acknowledged per segment of growth of an AIMD flow, in eighths of cwnd (alpha of section 4.3). */
const RENO_SCALE = Math.floor(Math.floor((8 * (BETA_UNIT + BETA)) / 3) / (BETA_UNIT - BETA));

/** CUBIC's private numbers. Times that end in Ticks are tick counts. */
export class CubicState {
  /** Segments to acknowledge per segment of growth. */
  count = 0;
  wMax = 0;
  lastCwnd = 0;
  lastTicks = 0;
  /** The window at the plateau and the time to it, 1/1024 s (K). */
  originPoint = 0;
  k = 0;
  /** Least RTT seen, µs; 0: none. */
  delayMin = 0;
  /** Beginning of the congestion-avoidance epoch, -1: none. */
  epochTicks = -1;
  ackCount = 0;
  /** Window that an AIMD flow would have (W_est). */
  renoCwnd = 0;
  hystartOn = true;
  readonly hystart = new HystartState();
  /** Present when HyStart++ was chosen instead. */
  hystartPlus: HystartPlusState | null = null;
}

function reset(s: CubicState): void {
  s.count = 0;
  s.wMax = 0;
  s.lastCwnd = 0;
  s.lastTicks = 0;
  s.originPoint = 0;
  s.k = 0;
  s.delayMin = 0;
  s.epochTicks = -1;
  s.ackCount = 0;
  s.renoCwnd = 0;
  s.hystart.found = false;
}

function resetHystart(tcb: Tcb, s: CubicState, now: number): void {
  if (s.hystartPlus === null) hystartReset(tcb, s.hystart, now);
  else hystartPlusReset(tcb, s.hystartPlus);
}

const stateOf = (tcb: Tcb): CubicState => tcb.cc.state as CubicState;

/** W_cubic(t) against cwnd: how many segments to acknowledge for each segment of growth (section 4.4, 4.5). */
function cubicCount(tcb: Tcb, s: CubicState, cwnd: number, ticks: number): number {
  const tick = tickLength(tcb.host.config);
  const delayTicks = Math.ceil(s.delayMin / tick);
  const t = Math.floor(((ticks - s.epochTicks + delayTicks) * tick * 1024) / 1_000_000);
  const offset = Math.abs(t - s.k);
  const delta = Math.floor((C_SCALED * offset * offset * offset) / CUBE_UNIT);
  const target = t < s.k ? s.originPoint - delta : s.originPoint + delta;
  let count = target > cwnd ? Math.floor(cwnd / (target - cwnd)) : 100 * cwnd;
  // Before the first loss nothing is known of the path: grow by at least 5 % a round trip.
  if (s.wMax === 0 && count > 20) count = 20;
  return count;
}

function beginEpoch(s: CubicState, cwnd: number, acked: number, ticks: number): void {
  s.epochTicks = ticks;
  s.ackCount = acked;
  s.renoCwnd = cwnd;
  if (s.wMax <= cwnd) {
    s.k = 0;
    s.originPoint = cwnd;
  } else {
    // K = cbrt((W_max - cwnd) / C), section 4.2, in 1/1024 s.
    s.k = Math.floor(Math.cbrt(Math.floor(CUBE_UNIT / C_SCALED) * (s.wMax - cwnd)));
    s.originPoint = s.wMax;
  }
}

/** The Reno-friendly region (section 4.3): never slower than an AIMD flow of the same beta. */
function renoFriendly(s: CubicState, cwnd: number): void {
  const perSegment = (cwnd * RENO_SCALE) >>> 3;
  if (perSegment > 0 && s.ackCount > perSegment) {
    const grown = Math.ceil(s.ackCount / perSegment) - 1;
    s.ackCount -= grown * perSegment;
    s.renoCwnd += grown;
  }
  if (s.renoCwnd > cwnd) {
    const limit = Math.floor(cwnd / (s.renoCwnd - cwnd));
    if (s.count > limit) s.count = limit;
  }
}

function update(tcb: Tcb, s: CubicState, cwnd: number, acked: number, now: number): void {
  const { config } = tcb.host;
  const ticks = jiffies(config, now);
  s.ackCount += acked;
  // The curve is recomputed at most every 1/32 s while cwnd stands still, and once a tick otherwise.
  const sinceTicks = ticks - s.lastTicks;
  if (s.lastCwnd === cwnd && sinceTicks <= Math.floor(1_000_000 / tickLength(config) / 32)) return;
  if (s.epochTicks < 0 || sinceTicks !== 0) {
    s.lastCwnd = cwnd;
    s.lastTicks = ticks;
    if (s.epochTicks < 0) beginEpoch(s, cwnd, acked, ticks);
    s.count = cubicCount(tcb, s, cwnd, ticks);
  }
  renoFriendly(s, cwnd);
  // At most 1.5 times a round trip.
  s.count = Math.max(s.count, 2);
}

export const cubic: CongestionControl = {
  name: 'cubic',

  init(tcb: Tcb, now: number): void {
    const s = new CubicState();
    tcb.cc.state = s;
    const { hystart } = tcb.host.config;
    if (hystart === 'rfc9406') s.hystartPlus = new HystartPlusState();
    s.hystartOn = hystart === 'classic';
    resetHystart(tcb, s, now);
  },

  ssthresh(tcb: Tcb): number {
    const s = stateOf(tcb);
    const { cwnd } = tcb.cc;
    s.epochTicks = -1;
    // Fast convergence (section 4.7): a flow that lost before reaching its last maximum releases more.
    s.wMax = cwnd < s.wMax ? Math.floor((cwnd * (BETA_UNIT + BETA)) / (2 * BETA_UNIT)) : cwnd;
    return Math.max(Math.floor((cwnd * BETA) / BETA_UNIT), 2);
  },

  avoid(tcb: Tcb, _ack: number, acked: number, now: number): void {
    if (!isCwndLimited(tcb)) return;
    const s = stateOf(tcb);
    let left = acked;
    if (inSlowStart(tcb)) {
      const plus = s.hystartPlus;
      left = plus === null ? slowStart(tcb, acked) : hystartPlusSlowStart(tcb, plus, acked);
      if (left === 0) return;
    }
    update(tcb, s, tcb.cc.cwnd, left, now);
    additiveIncrease(tcb, s.count, left);
  },

  setState(tcb: Tcb, state: number, now: number): void {
    if (state !== CA_LOSS) return;
    const s = stateOf(tcb);
    reset(s);
    resetHystart(tcb, s, now);
  },

  event(tcb: Tcb, event: number, now: number): void {
    if (event !== CA_EVENT_TX_START) return;
    // Idle time must not count as time on the curve (section 4.2): the epoch moves with it.
    const s = stateOf(tcb);
    const { config } = tcb.host;
    const ticks = jiffies(config, now);
    const idle = ticks - jiffies(config, tcb.snd.lastDataSent);
    if (s.epochTicks >= 0 && idle > 0) s.epochTicks = Math.min(s.epochTicks + idle, ticks);
  },

  packetsAcked(tcb: Tcb, _packets: number, rtt: number, _inFlight: number, now: number): void {
    if (rtt < 0) return;
    const s = stateOf(tcb);
    const { config } = tcb.host;
    // Samples right after a recovery still show the queue that caused it.
    if (s.epochTicks >= 0 && (jiffies(config, now) - s.epochTicks) * tickLength(config) < 1_000_000) return;
    const delay = Math.max(1, rtt);
    if (s.delayMin === 0 || s.delayMin > delay) s.delayMin = delay;
    if (!inSlowStart(tcb)) return;
    if (s.hystartPlus !== null) hystartPlusSample(tcb, s.hystartPlus, delay);
    else if (s.hystartOn && !s.hystart.found) hystartSample(tcb, s.hystart, s.delayMin, delay, now);
  },

  undo: undoToPrior,

  info(tcb: Tcb): Record<string, number> {
    const s = stateOf(tcb);
    return {
      wMax: s.wMax,
      k: s.k,
      delayMin: s.delayMin,
      renoCwnd: s.renoCwnd,
      hystartFound: +s.hystart.found,
    };
  },
};
