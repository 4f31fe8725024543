import type { SendSegment } from './send-segment.js';
import type { Tcb } from './tcb.js';

/** Gives a segment that left every list back: payload and memory charge (`snd.memoryQueued`). */
export function freeSegment(_tcb: Tcb, _segment: SendSegment): void {
  throw new Error('not there yet');
}

/** After memory was freed: wakes a writer that met a full buffer (tcp_check_space), growing the buffer first. */
export function checkSpace(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}
