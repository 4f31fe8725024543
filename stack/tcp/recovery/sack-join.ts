// SACKed neighbours become one segment of the queue, as in Linux (tcp_shift_skb_data): a window full of SACKed segments
// costs the memory of a few, and less of the queue is walked. What joins has the same wire size, so that counts stay true.
import { counterIndex } from '../../host/counters.js';
import { seqDiff, seqGt, seqLe } from '../../wire/seq.js';
import { absorbNext, canCollapse } from '../fragment.js';
import { rateSegmentDelivered } from '../rate.js';
import { LOST, SACKED_ACKED, SACKED_RETRANS, type SendSegment, TAGBITS } from '../send-segment.js';
import type { Tcb } from '../tcb.js';
import type { AckContext } from './context.js';
import { tagRange } from './sack-tag.js';

const SHIFTED = counterIndex('TcpExtTCPSackShifted');
const MERGED = counterIndex('TcpExtTCPSackMerged');
const FALLBACK = counterIndex('TcpExtTCPSackShiftFallback');

/** What one segment may hold at most: 16 bits count wire segments, of which none has fewer than 8 bytes (TCP_MIN_GSO_SIZE). */
const MAX_SEGMENTS = 65_535;
const MAX_BYTES = MAX_SEGMENTS * 8;

/** Payload of each of its wire segments but the last (tcp_skb_seglen). */
function wireSize(segment: SendSegment): number {
  return segment.segments === 1 ? segment.length : segment.gsoSize;
}

/** Whether `count` wire segments, `length` bytes, of `segment` find room in `to`. */
function fits(tcb: Tcb, to: SendSegment, segment: SendSegment, length: number, count: number): boolean {
  if (to.length + length >= MAX_BYTES || to.segments + count > MAX_SEGMENTS) return false;
  return to.payload!.rangesWith(segment.payload!) <= tcb.host.config.maxSkbFrags;
}

/** Moves the first `count` wire segments of `segment`, `length` bytes that a block covers, into `to` before it. */
function shift(
  tcb: Tcb,
  context: AckContext,
  to: SendSegment,
  segment: SendSegment,
  length: number,
  count: number,
  isDsack: boolean,
): void {
  const { loss, host } = tcb;
  const size = wireSize(segment);
  const endSeq = (segment.seq + length) >>> 0;
  tagRange(tcb, context, segment, endSeq, count, to, isDsack);
  rateSegmentDelivered(tcb, segment, context.rate);
  to.payload!.takeFront(segment.payload!, length);
  to.truesize += length;
  segment.truesize -= length;
  to.endSeq = endSeq;
  segment.seq = endSeq;
  to.segments += count;
  segment.segments -= count;
  if (to.gsoSize === 0) to.gsoSize = size;
  if (segment.segments <= 1) segment.gsoSize = 0;
  if (segment.length > 0) {
    host.counters.add(SHIFTED);
    return;
  }
  absorbNext(tcb, to, segment);
  if (loss.highestSack === to && seqGt(to.endSeq, loss.highestSackSeq)) loss.highestSackSeq = to.endSeq; // its FIN
  host.counters.add(MERGED);
}

/** Now that `to` has grown by segments of `size` bytes: what follows is SACKed too, the hole between is filled. */
function joinNext(tcb: Tcb, context: AckContext, to: SendSegment, size: number): void {
  const { next } = to;
  if (next === null || next.length === 0 || (next.sacked & TAGBITS) !== SACKED_ACKED) return;
  if (wireSize(next) !== size || !canCollapse(to, next)) return;
  const { length, segments } = next;
  if (fits(tcb, to, next, length, segments)) shift(tcb, context, to, next, length, segments, false);
}

function tryJoin(
  tcb: Tcb,
  context: AckContext,
  segment: SendSegment,
  start: number,
  end: number,
  isDsack: boolean,
): SendSegment | null {
  const { una } = tcb.snd;
  const { prev } = segment;
  // Its retransmission is in flight still, and it is not lost: it does not become plainly SACKed.
  if (!isDsack && (segment.sacked & (LOST | SACKED_RETRANS)) === SACKED_RETRANS) return null;
  if (segment.length === 0 || !seqGt(segment.endSeq, una)) return null;
  if (prev === null || (prev.sacked & TAGBITS) !== SACKED_ACKED || !canCollapse(prev, segment)) return null;
  const size = wireSize(segment);
  const beginsInside = seqLe(start, segment.seq);
  let { length, segments } = segment;
  if (!beginsInside || !seqLe(segment.endSeq, end)) {
    if (segments <= 1 || !seqGt(segment.endSeq, start)) return segment;
    if (!beginsInside) return null;
    // Only wire segments that are covered whole count.
    segments = Math.floor(seqDiff(end, segment.seq) / size);
    length = segments * size;
  }
  if (size !== wireSize(prev)) return null;
  if (segments === 0) return segment;
  if (!seqGt((segment.seq + length) >>> 0, una) || !fits(tcb, prev, segment, length, segments)) return null;
  const whole = length === segment.length;
  shift(tcb, context, prev, segment, length, segments, isDsack);
  if (whole) joinNext(tcb, context, prev, size);
  return prev;
}

/**
 * Puts what the block [start, end) covers of `segment` into the SACKed segment before it. Returns the last one that is
 * dealt with (`segment` itself: nothing of it counts), or null: it cannot be joined, and is tagged by itself.
 */
export function joinSacked(
  tcb: Tcb,
  context: AckContext,
  segment: SendSegment,
  start: number,
  end: number,
  isDsack: boolean,
): SendSegment | null {
  const last = tryJoin(tcb, context, segment, start, end, isDsack);
  if (last === null) tcb.host.counters.add(FALLBACK);
  return last;
}
