// HyStart (Ha and Rhee, 2011), as Linux's CUBIC has it: leaves slow start before loss when a train of closely spaced
// ACKs is as long as the path, or when the RTT has grown. Sets ssthresh to cwnd; knows nothing of CUBIC's curve.
import { counterIndex } from '../../host/counters.js';
import { seqGt } from '../../wire/seq.js';
import type { Tcb } from '../tcb.js';

/** Below this window slow start is never left. */
const LOW_WINDOW = 16;
/** ACKs closer together than this belong to one train, µs. */
const ACK_DELTA = 2000;
const MIN_SAMPLES = 8;
/** Bounds of the RTT growth that counts, µs. */
const DELAY_MIN = 4000;
const DELAY_MAX = 16_000;

const trainDetect = counterIndex('TcpExtTCPHystartTrainDetect');
const trainCwnd = counterIndex('TcpExtTCPHystartTrainCwnd');
const delayDetect = counterIndex('TcpExtTCPHystartDelayDetect');
const delayCwnd = counterIndex('TcpExtTCPHystartDelayCwnd');

export class HystartState {
  found = false;
  roundStart = 0;
  lastAck = 0;
  /** The round ends when this is acknowledged. */
  endSeq = 0;
  roundRtt = Number.POSITIVE_INFINITY;
  samples = 0;
}

/** Begins a round. */
export function hystartReset(tcb: Tcb, s: HystartState, now: number): void {
  s.roundStart = now;
  s.lastAck = now;
  s.endSeq = tcb.snd.nxt;
  s.roundRtt = Number.POSITIVE_INFINITY;
  s.samples = 0;
}

/** What super-packets add to an ACK train's length at the pacing rate: four of the largest, at most 1 ms. */
function superPacketDelay(tcb: Tcb): number {
  const rate = tcb.snd.pacingRate;
  if (rate === 0) return 0;
  const largest = tcb.route?.gsoMaxSize ?? 0;
  return Math.min(1000, Math.floor((largest * 4 * 1_000_000) / rate));
}

/** One RTT sample `delay` (µs) during slow start; `delayMin` is the least of the connection. */
export function hystartSample(tcb: Tcb, s: HystartState, delayMin: number, delay: number, now: number): void {
  if (seqGt(tcb.snd.una, s.endSeq)) hystartReset(tcb, s, now);
  const { cc } = tcb;
  if (cc.cwnd < LOW_WINDOW) return;

  if (now - s.lastAck <= ACK_DELTA) {
    s.lastAck = now;
    let threshold = delayMin + superPacketDelay(tcb);
    // Unpaced, the whole window leaves at once: a train of half the path's length means that it is full.
    if (tcb.snd.pacingStatus === 0) threshold = Math.floor(threshold / 2);
    if (now - s.roundStart > threshold) leave(tcb, s, trainDetect, trainCwnd);
  }

  if (s.roundRtt > delay) s.roundRtt = delay;
  if (s.samples < MIN_SAMPLES) {
    s.samples++;
  } else {
    const growth = Math.min(Math.max(delayMin >>> 3, DELAY_MIN), DELAY_MAX);
    if (s.roundRtt > delayMin + growth) leave(tcb, s, delayDetect, delayCwnd);
  }
}

function leave(tcb: Tcb, s: HystartState, detect: number, cwnd: number): void {
  s.found = true;
  tcb.host.counters.add(detect);
  tcb.host.counters.add(cwnd, tcb.cc.cwnd);
  tcb.cc.ssthresh = tcb.cc.cwnd;
}
