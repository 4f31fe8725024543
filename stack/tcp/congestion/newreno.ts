// Reno's window (RFC 5681 with appropriate byte counting in segments): slow start doubles, congestion avoidance adds
// one segment a round trip, a loss halves. Loss recovery itself (RFC 6582, 6675) is recovery/'s.
import { additiveIncrease, inSlowStart, isCwndLimited, slowStart } from '../cwnd.js';
import type { Tcb } from '../tcb.js';
import type { CongestionControl } from './congestion-control.js';

/** Slow start and congestion avoidance of RFC 5681 section 3.1 for `acked` segments. */
export function renoAvoid(tcb: Tcb, acked: number): void {
  if (!isCwndLimited(tcb)) return;
  let left = acked;
  if (inSlowStart(tcb)) {
    left = slowStart(tcb, acked);
    if (left === 0) return;
  }
  additiveIncrease(tcb, tcb.cc.cwnd, left);
}

/** The window before the reduction, or today's when it is larger. */
export function undoToPrior(tcb: Tcb): number {
  return Math.max(tcb.cc.cwnd, tcb.cc.priorCwnd);
}

export const newReno: CongestionControl = {
  name: 'reno',
  init(): void {},
  ssthresh(tcb: Tcb): number {
    return Math.max(tcb.cc.cwnd >>> 1, 2);
  },
  avoid(tcb: Tcb, _ack: number, acked: number): void {
    renoAvoid(tcb, acked);
  },
  undo: undoToPrior,
};
