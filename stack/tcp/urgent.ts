// Urgent data as the socket API knows it: one byte, out of line (RFC 9293 section 3.8.5, RFC 6093; Linux's tcp_urg).
import { seqGt, seqLt } from '../wire/seq.js';
import { TCP_SYN, TCP_URG } from '../wire/tcp.js';
import type { SegmentIn } from './segment.js';
import { EVENT_PRIORITY, type Tcb } from './tcb.js';

/** `ReceiveState.urgentState`: nothing, announced, there, read. */
export const URGENT_NONE = 0;
export const URGENT_NOT_YET = 1;
export const URGENT_VALID = 2;
export const URGENT_READ = 3;

// RFC 9293 MUST-62, MUST-32
function checkPointer(tcb: Tcb, seg: SegmentIn): void {
  const { rcv, host } = tcb;
  let pointer = seg.urgent;
  // RFC 6093: what everybody does is a pointer behind the byte; tcp_stdurg: on the byte.
  if (pointer > 0 && host.config.tcpStdurg === 0) pointer--;
  const at = (seg.seq + pointer) >>> 0;
  if (seqGt(rcv.copiedSeq, at) || seqLt(at, rcv.nxt)) return;
  if (rcv.urgentState !== URGENT_NONE && !seqGt(at, rcv.urgentSeq)) return;
  host.notify(tcb, EVENT_PRIORITY);
  // The byte that was urgent until now has been read out of line: it must not show up as data.
  if (
    rcv.urgentSeq === rcv.copiedSeq &&
    rcv.urgentState !== URGENT_NONE &&
    !tcb.oobInline &&
    rcv.copiedSeq !== rcv.nxt
  ) {
    rcv.copiedSeq = (rcv.copiedSeq + 1) >>> 0;
    rcv.queue?.drop(tcb, 1);
  }
  rcv.urgentState = URGENT_NOT_YET;
  rcv.urgentSeq = at;
  rcv.predicting = false;
}

// RFC 9293 MUST-30, MUST-66
/** Notes an urgent pointer, and the urgent byte when it is in this segment. */
export function receiveUrgent(tcb: Tcb, seg: SegmentIn): void {
  const { rcv } = tcb;
  if ((seg.flags & TCP_URG) !== 0) checkPointer(tcb, seg);
  if (rcv.urgentState !== URGENT_NOT_YET) return;
  const at = (rcv.urgentSeq - seg.seq - ((seg.flags & TCP_SYN) !== 0 ? 1 : 0)) >>> 0;
  if (at >= seg.length) return;
  rcv.urgentByte = seg.bytes[seg.offset + at]!;
  rcv.urgentState = URGENT_VALID;
  if (!tcb.orphan) tcb.host.notify(tcb, EVENT_PRIORITY);
}
