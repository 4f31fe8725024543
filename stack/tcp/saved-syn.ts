// TCP_SAVE_SYN: a listener that keeps the headers of its clients' SYNs, for whoever accepts them (Linux's
// tcp_reqsk_record_syn). A SYN that a cookie stands for is kept by nobody.
import type { Request } from './request.js';
import type { SegmentIn } from './segment.js';

/** 1: from the network header on; 2: from the link's header, which this core never sees: the same. */
export const MAX_SAVE_SYN = 2;

/** Remembers the SYN's network and TCP headers when the listener asks for it. */
export function saveSyn(saves: number, request: Request, seg: SegmentIn): void {
  if (saves === 0) return;
  const headers = seg.packetLength - seg.length;
  request.savedSyn = seg.bytes.slice(seg.headerEnd - headers, seg.headerEnd);
}
