import type { Tcb } from '../tcb.js';

/** Remembers where a reduction began, so that it can be undone (Linux's tcp_init_undo). */
export function initUndo(_tcb: Tcb): void {
  throw new Error('not there yet');
}
