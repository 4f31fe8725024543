// Splitting, trimming and merging queued segments without copying payload. Keeps memory charge, wire-segment counts and
// the scoreboard's totals true. Decides nothing.
import { seqLt } from '../wire/seq.js';
import { TCP_CWR, TCP_FIN, TCP_PSH } from '../wire/tcp.js';
import { allocateSegment, chargeSegment, chargeWhole, freeSegment } from './send-memory.js';
import { EVER_RETRANS, LOST, SACKED_ACKED, SACKED_RETRANS, type SendSegment } from './send-segment.js';
import type { Tcb } from './tcb.js';
import { shareZerocopy } from './zerocopy.js';

/** Recomputes `segments` and `gsoSize` for `mss`. */
export function setSegmentCount(segment: SendSegment, mss: number): void {
  const { length } = segment;
  if (length <= mss) {
    segment.segments = 1;
    segment.gsoSize = 0;
  } else {
    segment.segments = Math.ceil(length / mss);
    segment.gsoSize = mss;
  }
}

/** `count` wire segments of a segment that is in flight are no longer (or negative: are again) what they were counted as. */
export function adjustCounts(tcb: Tcb, segment: SendSegment, count: number): void {
  const { snd, loss } = tcb;
  snd.packetsOut -= count;
  if ((segment.sacked & SACKED_ACKED) !== 0) loss.sackedOut -= count;
  if ((segment.sacked & SACKED_RETRANS) !== 0) loss.retransOut -= count;
  if ((segment.sacked & LOST) !== 0) loss.lostOut -= count;
  // Without SACK the count of duplicate ACKs stands for it: no more of them have come because there are more segments now.
  if (!tcb.opt.sack && count > 0) loss.sackedOut -= Math.min(loss.sackedOut, count);
}

/**
 * Splits off everything behind `length` payload bytes into a new segment behind it, on the same list(s). `mss` sizes
 * both. Behind all of the bytes a FIN can be split off. False: refused (nothing to split, or far too many small pieces are
 * queued already).
 */
export function fragmentSegment(tcb: Tcb, segment: SendSegment, length: number, mss: number): boolean {
  if (length <= 0 || length >= (segment.endSeq - segment.seq) >>> 0) return false;
  const { snd } = tcb;
  const list = segment.list;
  // A peer that SACKs single bytes must not make us hold endless overhead: bounded by the buffer and two super-packets.
  if (
    snd.memoryQueued > 2 * (snd.buffer + 2 * 65_536) &&
    segment !== snd.writeQueue.head &&
    segment !== snd.retransmitQueue.head &&
    segment !== snd.retransmitQueue.tail
  ) {
    return false;
  }
  const rest = allocateSegment(tcb);
  const moved = segment.length - length;
  segment.payload!.split(length, rest.payload!);
  chargeWhole(tcb, rest);
  // The payload's charge moves with it; the overhead of the new record comes on top.
  segment.truesize -= moved;
  rest.truesize += moved;
  rest.seq = (segment.seq + length) >>> 0;
  rest.endSeq = segment.endSeq;
  segment.endSeq = rest.seq;
  rest.flags = segment.flags & ~TCP_CWR;
  segment.flags &= ~(TCP_FIN | TCP_PSH);
  rest.sacked = segment.sacked;
  rest.endOfRecord = segment.endOfRecord;
  segment.endOfRecord = false;
  rest.sentAt = segment.sentAt;
  rest.sentBurst = segment.sentBurst;
  rest.rateDelivered = segment.rateDelivered;
  rest.rateDeliveredCe = segment.rateDeliveredCe;
  rest.rateDeliveredAt = segment.rateDeliveredAt;
  rest.rateFirstSentAt = segment.rateFirstSentAt;
  rest.rateAppLimited = segment.rateAppLimited;
  moveMarks(segment, rest);
  shareZerocopy(tcb, segment, rest);
  const before = segment.segments;
  setSegmentCount(segment, mss);
  setSegmentCount(rest, mss);
  if (list === snd.retransmitQueue) {
    const difference = before - segment.segments - rest.segments;
    if (difference !== 0 && seqLt(rest.seq, snd.nxt)) adjustCounts(tcb, segment, difference);
  }
  if (list !== null) list.insertAfter(segment, rest);
  if (segment.onTimeList) snd.timeList.insertAfter(segment, rest);
  return true;
}

/** Timestamp keys belong to the byte that they were asked for: the last one. */
function moveMarks(segment: SendSegment, rest: SendSegment): void {
  if (segment.timestampKey >= 0) {
    rest.timestampKey = segment.timestampKey;
    rest.timestampFlags = segment.timestampFlags;
    segment.timestampKey = -1;
    segment.timestampFlags = 0;
  }
}

/** Takes the first `length` payload bytes off a partly acknowledged segment; SND.UNA moves elsewhere. */
export function trimSegmentHead(tcb: Tcb, segment: SendSegment, length: number): void {
  const taken = Math.min(length, segment.length);
  segment.payload!.trimFront(taken);
  segment.seq = (segment.seq + taken) >>> 0;
  chargeSegment(tcb, segment, -taken);
  if (segment.segments > 1) setSegmentCount(segment, segment.gsoSize);
}

/**
 * `next`, whose payload has gone over to `to` before it, leaves the retransmission queue; its flags, its end and what hangs
 * on it go over, too (tcp_skb_collapse_tstamp).
 */
export function absorbNext(tcb: Tcb, to: SendSegment, next: SendSegment): void {
  const { snd, loss } = tcb;
  to.endSeq = next.endSeq;
  to.flags |= next.flags;
  to.sacked |= next.sacked & EVER_RETRANS;
  to.endOfRecord = next.endOfRecord;
  if (next.timestampKey >= 0) {
    to.timestampKey = next.timestampKey;
    to.timestampFlags = next.timestampFlags;
  }
  if (loss.highestSack === next) loss.highestSack = to;
  if (loss.retransHint === next) loss.retransHint = to;
  snd.timeList.remove(next);
  snd.retransmitQueue.remove(next);
  freeSegment(tcb, next);
}

/** Whether bytes of `next` may be put behind those of `segment` (tcp_skb_can_collapse). */
export function canCollapse(segment: SendSegment, next: SendSegment): boolean {
  return !segment.endOfRecord && segment.zerocopyId < 0 && next.zerocopyId < 0;
}

/** Moves up to `amount` bytes of the following segment of the write queue into `segment` (tcp_grow_skb). */
export function growFromNext(
  segment: SendSegment,
  amount: number,
  release: (next: SendSegment) => void,
): void {
  const { next } = segment;
  if (next === null || !canCollapse(segment, next)) return;
  const taken = Math.min(amount, next.length);
  if (taken <= 0 || next.timestampKey >= 0) return;
  segment.payload!.takeFront(next.payload!, taken);
  segment.truesize += taken;
  next.truesize -= taken;
  segment.endSeq = (segment.endSeq + taken) >>> 0;
  next.seq = (next.seq + taken) >>> 0;
  if (next.length === 0) {
    segment.endSeq = next.endSeq;
    segment.endOfRecord = next.endOfRecord;
    segment.flags |= next.flags;
    release(next);
  }
}
