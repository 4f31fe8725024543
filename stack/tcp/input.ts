import type { SegmentIn } from './segment.js';
import type { Tcb } from './tcb.js';

/** A segment of the connection `tcb` (any state but LISTEN): RFC 9293, section 3.10.7. Checksum already verified. */
export function tcpInput(_tcb: Tcb, _now: number, _seg: SegmentIn): void {
  throw new Error('not there yet');
}
