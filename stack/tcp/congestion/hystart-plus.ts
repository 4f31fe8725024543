// HyStart++ (RFC 9406): when a round's RTT has grown, slow start goes on at a quarter of its pace ("conservative slow
// start") for up to five rounds, and is resumed should the growth prove to have been noise. Not what Linux does.
import { seqGe } from '../../wire/seq.js';
import { slowStart } from '../cwnd.js';
import type { Tcb } from '../tcb.js';

/** Section 4.3, µs and counts. */
const MIN_RTT_THRESH = 4000;
const MAX_RTT_THRESH = 16_000;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;
/** Segments that one ACK may open the window by when packets are not paced. */
const L = 8;

const NONE = Number.POSITIVE_INFINITY;

export class HystartPlusState {
  windowEnd = 0;
  lastRoundMinRtt = NONE;
  currentRoundMinRtt = NONE;
  samples = 0;
  /** In conservative slow start: rounds begun, else 0. */
  cssRounds = 0;
  cssBaselineMinRtt = NONE;
  /** Quarters of a segment of growth not yet given. */
  credit = 0;
}

/** Slow start begins (again). */
export function hystartPlusReset(tcb: Tcb, s: HystartPlusState): void {
  s.windowEnd = tcb.snd.nxt;
  s.lastRoundMinRtt = NONE;
  s.currentRoundMinRtt = NONE;
  s.samples = 0;
  s.cssRounds = 0;
  s.cssBaselineMinRtt = NONE;
  s.credit = 0;
}

/** A round ends when SND.NXT of its beginning is acknowledged (section 4.2). */
function roundEnded(tcb: Tcb, s: HystartPlusState): void {
  s.lastRoundMinRtt = s.currentRoundMinRtt;
  s.currentRoundMinRtt = NONE;
  s.samples = 0;
  s.windowEnd = tcb.snd.nxt;
  // Five rounds of conservative slow start without relief: congestion avoidance.
  if (s.cssRounds > 0 && ++s.cssRounds > CSS_ROUNDS) tcb.cc.ssthresh = tcb.cc.cwnd;
}

/** One RTT sample (µs) in slow start. */
export function hystartPlusSample(tcb: Tcb, s: HystartPlusState, rtt: number): void {
  if (seqGe(tcb.snd.una, s.windowEnd)) roundEnded(tcb, s);
  s.currentRoundMinRtt = Math.min(s.currentRoundMinRtt, rtt);
  s.samples++;
  if (s.samples < N_RTT_SAMPLE) return;
  if (s.cssRounds > 0) {
    if (s.currentRoundMinRtt < s.cssBaselineMinRtt) {
      s.cssBaselineMinRtt = NONE;
      s.cssRounds = 0;
    }
    return;
  }
  if (s.lastRoundMinRtt === NONE) return;
  const growth = s.lastRoundMinRtt / MIN_RTT_DIVISOR;
  const threshold = Math.max(MIN_RTT_THRESH, Math.min(growth, MAX_RTT_THRESH));
  if (s.currentRoundMinRtt >= s.lastRoundMinRtt + threshold) {
    s.cssBaselineMinRtt = s.currentRoundMinRtt;
    s.cssRounds = 1;
  }
}

/** Opens the window for `acked` segments; what ssthresh leaves over is returned for congestion avoidance. */
export function hystartPlusSlowStart(tcb: Tcb, s: HystartPlusState, acked: number): number {
  const counted = tcb.snd.pacingStatus !== 0 ? acked : Math.min(acked, L);
  if (s.cssRounds === 0) return slowStart(tcb, counted);
  s.credit += counted;
  const grow = Math.floor(s.credit / CSS_GROWTH_DIVISOR);
  s.credit -= grow * CSS_GROWTH_DIVISOR;
  return slowStart(tcb, grow);
}
