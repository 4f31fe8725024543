import type { SendSegment } from './send-segment.js';
import type { Tcb } from './tcb.js';

/** Splits off everything behind `length` payload bytes into a new segment behind it, on the same list(s). False: refused. */
export function fragmentSegment(_tcb: Tcb, _segment: SendSegment, _length: number, _mss: number): boolean {
  throw new Error('not there yet');
}

/** Takes the first `length` payload bytes off a partly acknowledged segment; una moves elsewhere. */
export function trimSegmentHead(_tcb: Tcb, _segment: SendSegment, _length: number): void {
  throw new Error('not there yet');
}

/** Recomputes `segments` and `gsoSize` for `mss`. */
export function setSegmentCount(_segment: SendSegment, _mss: number): void {
  throw new Error('not there yet');
}
