// The answer to a zero-window probe (RFC 9293 section 3.8.6.1): the window opened, or the next probe is timed anew.
import { seqGt } from '../../wire/seq.js';
import { rtoMax } from '../rtt.js';
import { type Tcb, TIMER_ZERO_WINDOW } from '../tcb.js';
import { clearTimer } from '../timers.js';
import { setZeroWindowTimer } from './timers.js';

/** Least time between probes, µs. */
const PROBE_MIN = 200_000;
const MAX_DOUBLINGS = 10;

/** RTO doubled for each probe that was sent, bounded by the RTO's ceiling. */
export function probeInterval(tcb: Tcb): number {
  const rto = Math.max(tcb.rtt.rto, PROBE_MIN);
  return Math.min(rto * 2 ** Math.min(tcb.rtt.backoff, MAX_DOUBLINGS), rtoMax(tcb));
}

/** TCP_USER_TIMEOUT cuts the last probe's wait short, to a tick at least. */
function clampToUserTimeout(tcb: Tcb, now: number, wait: number): number {
  const { timers } = tcb;
  if (timers.userTimeout === 0 || timers.probesStamp === 0) return wait;
  const left = Math.max(timers.userTimeout - (now - timers.probesStamp), 2000);
  return Math.min(left, wait);
}

/** An ACK came while nothing was in flight. */
export function acknowledgeProbe(tcb: Tcb, now: number): void {
  const head = tcb.snd.writeQueue.head;
  if (head === null) return;
  if (!seqGt(head.endSeq, (tcb.snd.una + tcb.snd.wnd) >>> 0)) {
    tcb.rtt.backoff = 0;
    tcb.timers.probesStamp = 0;
    clearTimer(tcb, TIMER_ZERO_WINDOW);
  } else {
    setZeroWindowTimer(tcb, clampToUserTimeout(tcb, now, probeInterval(tcb)), now);
  }
}
