import type { Tcb } from '../tcb.js';

/** The retransmission timer fired: marks what is lost, cwnd to in-flight + 1, state Loss. Call before the retransmission. */
export function enterLoss(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}
