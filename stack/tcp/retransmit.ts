import type { SendSegment } from './send-segment.js';
import type { Tcb } from './tcb.js';

/**
 * Sends `segment` again, at most `maxSegments` wire segments of it (splitting it when longer). 0, or negative errno:
 * -EBUSY (the first copy still waits in the host's queue), -EAGAIN (outside the peer's window), -EHOSTUNREACH.
 */
export function retransmitSegment(
  _tcb: Tcb,
  _now: number,
  _segment: SendSegment,
  _maxSegments: number,
): number {
  throw new Error('not there yet');
}
