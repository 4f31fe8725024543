import type { Tcb } from '../tcb.js';

/** The reordering timer fired (RFC 8985 section 6.3). */
export function rackReorderingTimeout(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}
