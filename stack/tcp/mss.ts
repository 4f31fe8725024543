import type { Tcb } from './tcb.js';

/** Payload bytes per segment now, with options taken off and path-MTU changes noticed (tcp_current_mss). */
export function currentMss(_tcb: Tcb): number {
  throw new Error('not there yet');
}
