// Header prediction, as far as it shows: on Linux's fast path a packet is taken into memory that the socket has reserved
// already, without a look at the receive buffer, and an ACK alone moves no ACK of ours (tcp_rcv_established). Speeds up
// nothing here.
import { seqGt } from '../wire/seq.js';
import { TCP_ACK, TCP_PSH } from '../wire/tcp.js';
import { MEMORY_PAGE } from './memory.js';
import type { SegmentIn } from './segment.js';
import type { Tcb } from './tcb.js';
import { URGENT_NONE } from './urgent.js';

/** Whether `seg` (state ESTABLISHED, not yet processed) is what was foreseen: next in order, plain, with the window as it was. */
export function foreseen(tcb: Tcb, seg: SegmentIn): boolean {
  const { rcv, snd, opt } = tcb;
  return (
    rcv.predicting &&
    seg.seq === rcv.nxt &&
    (seg.flags & ~TCP_PSH) === TCP_ACK &&
    seg.window * 2 ** snd.wscale === snd.wnd &&
    seg.headerEnd - seg.headerOffset === snd.headerLength &&
    !seqGt(seg.ack, snd.nxt) &&
    (!opt.timestamps || (opt.sawTimestamp && ((opt.rcvTsval - opt.tsRecent) | 0) >= 0))
  );
}

/** Foresees again, where nothing speaks against it (tcp_fast_path_check). */
export function predictAgain(tcb: Tcb): void {
  const { rcv } = tcb;
  const inOrder = rcv.outOfOrder === null || rcv.outOfOrder.empty;
  if (inOrder && rcv.wnd > 0 && rcv.memoryAllocated < rcv.buffer && rcv.urgentState === URGENT_NONE)
    rcv.predicting = true;
}

/** Whether the rest of the pages that the socket holds has room for a packet of `truesize` (sk_forward_alloc). */
export function fitsReserved(tcb: Tcb, truesize: number): boolean {
  const charged = tcb.rcv.memoryAllocated + tcb.snd.memoryQueued;
  return truesize <= Math.ceil(charged / MEMORY_PAGE) * MEMORY_PAGE - charged;
}
