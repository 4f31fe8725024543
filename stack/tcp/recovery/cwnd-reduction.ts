import type { Tcb } from '../tcb.js';

/** One reduction per window for ECE or a local drop (RFC 3168 section 6.1.2): state CWR. */
export function enterCwr(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}
