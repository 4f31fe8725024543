// The answer to a zero-window probe (RFC 9293 section 3.8.6.1): the window opened, or the next probe is timed anew.
import { seqGt } from '../../wire/seq.js';
import { type Tcb, TIMER_ZERO_WINDOW } from '../tcb.js';
import { clampProbeToUserTimeout, probeWhen } from '../timer-probe.js';
import { clearTimer } from '../timer-slots.js';
import { sendWindowEnd } from '../window.js';
import { setZeroWindowTimer } from './timers.js';

// RFC 9293 MUST-37
/** An ACK came while nothing was in flight. */
export function acknowledgeProbe(tcb: Tcb, now: number): void {
  const head = tcb.snd.writeQueue.head;
  if (head === null) return;
  if (!seqGt(head.endSeq, sendWindowEnd(tcb))) {
    tcb.rtt.backoff = 0;
    tcb.timers.probesStamp = 0;
    clearTimer(tcb, TIMER_ZERO_WINDOW);
  } else {
    setZeroWindowTimer(tcb, clampProbeToUserTimeout(tcb, now, probeWhen(tcb)), now);
  }
}
