// Sending a segment of the retransmission queue again: cut to what fits the window and MSS, small neighbours merged
// (RFC 9293 section 3.8.1; Linux's tcp_retransmit_skb). Which segment and when is recovery's decision.
import { counterIndex } from '../host/counters.js';
import { seqGt, seqLt } from '../wire/seq.js';
import { TCP_CWR, TCP_ECE, TCP_SYN } from '../wire/tcp.js';
import { ecnFallback } from './ecn/classic.js';
import { EAGAIN, EBUSY, EHOSTUNREACH, EINVAL, ENOMEM } from './errno.js';
import {
  absorbNext,
  adjustCounts,
  canCollapse,
  fragmentSegment,
  setSegmentCount,
  trimSegmentHead,
} from './fragment.js';
import { currentMss, refreshRoute } from './mss.js';
import { EVER_RETRANS, SACKED_ACKED, SACKED_RETRANS, type SendSegment } from './send-segment.js';
import type { Tcb } from './tcb.js';
import { transmitSegment } from './transmit.js';
import { sendWindowEnd } from './window.js';

const RETRANS_SEGS = counterIndex('TcpRetransSegs');
const SYN_RETRANS = counterIndex('TcpExtTCPSynRetrans');
const RETRANS_FAIL = counterIndex('TcpExtTCPRetransFail');
const SPURIOUS_HOST_QUEUE = counterIndex('TcpExtTCPSpuriousRtxHostQueues');

/**
 * Sends `segment` again, at most `maxSegments` wire segments of it (splitting it when longer), marks it SACKED_RETRANS
 * and EVER_RETRANS and counts it in `loss.retransOut`, `totalRetrans`, `undoRetrans`; notes `loss.retransStamp`.
 * 0, or negative errno: -EBUSY (the first copy still waits in the host's queue), -EAGAIN (outside the peer's window),
 * -EHOSTUNREACH; positive XMIT_* when it was dropped locally.
 */
export function retransmitSegment(tcb: Tcb, now: number, segment: SendSegment, maxSegments: number): number {
  const { loss } = tcb;
  const result = retransmitSegmentUnaccounted(tcb, now, segment, maxSegments);
  if (result === 0) {
    segment.sacked |= SACKED_RETRANS;
    loss.retransOut += segment.segments;
  }
  if (loss.retransStamp === 0) loss.retransStamp = tcb.host.timestampClock(segment.sentAt) || 1;
  if (loss.undoRetrans < 0) loss.undoRetrans = 0;
  loss.undoRetrans += segment.segments;
  return result;
}

/** As `retransmitSegment` without marks and counts of recovery: loss probes and SYN. */
export function retransmitSegmentUnaccounted(
  tcb: Tcb,
  now: number,
  segment: SendSegment,
  maxSegments: number,
): number {
  const { snd, loss, host } = tcb;
  snd.mtuProbeSize = 0; // an MTU probe under way proves nothing any more
  if (segment.inHostQueue > 0) {
    host.counters.add(SPURIOUS_HOST_QUEUE);
    return -EBUSY;
  }
  if (seqLt(segment.seq, snd.una) && (segment.flags & TCP_SYN) !== 0) {
    segment.flags &= ~TCP_SYN;
    segment.seq = (segment.seq + 1) >>> 0;
  }
  if (seqLt(segment.seq, snd.una)) {
    if (seqLt(segment.endSeq, snd.una)) return -EINVAL;
    trimSegmentHead(tcb, segment, (snd.una - segment.seq) >>> 0);
  }
  if (!refreshRoute(tcb)) return -EHOSTUNREACH;
  const mss = currentMss(tcb);
  let room = (sendWindowEnd(tcb) - segment.seq) | 0;
  if (room <= 0) {
    // Out of a window that was shrunk: only the first segment goes, as a probe.
    if (segment.seq !== snd.una) return -EAGAIN;
    room = mss;
  }
  let length = mss * maxSegments;
  if (length > room) length = Math.floor(room / mss) * mss || room;
  if (segment.length > length) {
    if (!fragmentSegment(tcb, segment, length, mss)) return -ENOMEM;
  } else {
    const before = segment.segments;
    setSegmentCount(segment, mss);
    if (before !== segment.segments) adjustCounts(tcb, segment, before - segment.segments);
    const space = Math.min(room, mss);
    if (segment.length < space) collapseFollowing(tcb, segment, space);
  }
  if ((segment.flags & TCP_SYN) !== 0) {
    if ((segment.flags & (TCP_ECE | TCP_CWR)) === (TCP_ECE | TCP_CWR)) ecnFallback(tcb, segment);
    host.counters.add(SYN_RETRANS);
  }
  host.counters.add(RETRANS_SEGS, segment.segments);
  loss.totalRetrans += segment.segments;
  snd.bytesRetrans += segment.length;
  const result = transmitSegment(tcb, now, segment);
  if (result !== 0) host.counters.add(RETRANS_FAIL, segment.segments);
  segment.sacked |= EVER_RETRANS;
  return result;
}

/** Merges small segments behind `to` into it as long as they fit `space` (RFC 1122 4.2.2.15 allows repacketization). */
function collapseFollowing(tcb: Tcb, to: SendSegment, space: number): void {
  if (tcb.host.config.tcpRetransCollapse === 0 || (to.flags & TCP_SYN) !== 0) return;
  let left = space - to.length;
  for (let next = to.next; next !== null; next = to.next) {
    if (next.segments > 1 || next.inHostQueue > 0 || (next.sacked & SACKED_ACKED) !== 0) break;
    if (to.segments > 1 || (to.sacked & SACKED_ACKED) !== 0 || !canCollapse(to, next)) break;
    left -= next.length;
    if (left < 0 || seqGt(next.endSeq, sendWindowEnd(tcb))) break;
    mergeNext(tcb, to, next);
  }
}

function mergeNext(tcb: Tcb, to: SendSegment, next: SendSegment): void {
  const moved = next.length;
  to.payload!.takeFront(next.payload!, moved);
  to.truesize += moved;
  next.truesize -= moved;
  adjustCounts(tcb, next, next.segments);
  absorbNext(tcb, to, next);
}
