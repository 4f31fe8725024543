// Stateless RST generation for segments that belong to no connection (RFC 9293, section 3.10.7.1).
import type { SegmentIn } from './segment.js';
import type { TcbHost } from './tcb-host.js';

/** Answers a segment for which there is neither connection nor listener. Never answers a RST. */
export function replyReset(_host: TcbHost, _now: number, _seg: SegmentIn): void {
  throw new Error('not there yet');
}
