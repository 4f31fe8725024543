import type { Tcb } from '../tcb.js';

/** The loss-probe timer fired (RFC 8985 section 7.3). */
export function sendLossProbe(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}

/** Arms the loss-probe timer when a probe is due before the RTO; false: the caller arms the RTO. */
export function scheduleLossProbe(_tcb: Tcb, _now: number, _advancingRto: boolean): boolean {
  throw new Error('not there yet');
}
