// SACK blocks onto the scoreboard (RFC 2018, RFC 6675 section 4's Update), with Linux's judgements: which blocks count,
// which segments they cover, splitting of super-packets that they cover in part.
import { counterIndex } from '../../host/counters.js';
import { seqDiff, seqGt, seqLe, seqLt, seqMax } from '../../wire/seq.js';
import { fragmentSegment } from '../fragment.js';
import type { SegmentIn } from '../segment.js';
import type { SendSegment } from '../send-segment.js';
import { CA_LOSS, type Tcb } from '../tcb.js';
import type { AckContext } from './context.js';
import { checkDsack } from './dsack.js';
import { checkSackReordering } from './reordering.js';
import { joinSacked } from './sack-join.js';
import { tagSegment } from './sack-tag.js';

const sackDiscard = counterIndex('TcpExtTCPSACKDiscard');
const dsackIgnoredOld = counterIndex('TcpExtTCPDSACKIgnoredOld');
const dsackIgnoredNoUndo = counterIndex('TcpExtTCPDSACKIgnoredNoUndo');

/** The blocks of the ACK in process that count, in order of sequence: left, right. */
const blocks = new Uint32Array(8);
/** Index in `blocks` of the DSACK, -1: none. */
let dsackIndex = -1;

/** A block inside what is outstanding; a DSACK may lie below SND.UNA while its retransmission can be undone. */
function blockValid(tcb: Tcb, isDsack: boolean, start: number, end: number): boolean {
  const { snd, loss } = tcb;
  if (seqGt(end, snd.nxt) || !seqLt(start, end) || !seqLt(start, snd.nxt)) return false;
  // A block that begins at SND.UNA would have been acknowledged cumulatively.
  if (seqGt(start, snd.una)) return true;
  if (!isDsack || !loss.undoMarked || seqGt(end, snd.una)) return false;
  if (!seqLt(start, loss.undoMarker)) return true;
  if (!seqGt(end, loss.undoMarker)) return false;
  return !seqLt(start, (end - snd.maxWindow) >>> 0);
}

/** Puts the blocks that count into `blocks`, sorted by their left edge; returns their number. */
function collectBlocks(tcb: Tcb, context: AckContext, seg: SegmentIn, hasDsack: boolean): number {
  const { sack, sackCount } = seg.options;
  const { counters } = tcb.host;
  let used = 0;
  dsackIndex = -1;
  for (let i = 0; i < sackCount; i++) {
    const isDsack = i === 0 && hasDsack;
    const start = sack[2 * i]!;
    const end = sack[2 * i + 1]!;
    if (!blockValid(tcb, isDsack, start, end)) {
      if (isDsack) counters.add(tcb.loss.undoMarked ? dsackIgnoredOld : dsackIgnoredNoUndo);
      // Old blocks of ACKs that were reordered are no fault of the peer's.
      else if (seg.ack === tcb.snd.una || seqGt(end, tcb.snd.una)) counters.add(sackDiscard);
      continue;
    }
    if (!seqGt(end, context.priorSndUna)) continue;
    let at = used++;
    for (; at > 0 && seqGt(blocks[2 * at - 2]!, start); at--) {
      blocks[2 * at] = blocks[2 * at - 2]!;
      blocks[2 * at + 1] = blocks[2 * at - 1]!;
      if (dsackIndex === at - 1) dsackIndex = at;
    }
    blocks[2 * at] = start;
    blocks[2 * at + 1] = end;
    if (isDsack) dsackIndex = at;
  }
  return used;
}

/** The segment that holds `seq`, or the first behind it; looks from the nearer of head, hint and `from`. */
function findSegment(tcb: Tcb, from: SendSegment | null, seq: number): SendSegment | null {
  const queue = tcb.snd.retransmitQueue;
  let at = from !== null && from.list === queue ? from : queue.head;
  const hint = tcb.loss.highestSack;
  if (at === null) return null;
  if (hint !== null && hint.list === queue && seqGt(hint.seq, at.seq)) {
    if (seqLe(hint.seq, seq)) at = hint;
    else if (seqDiff(hint.seq, seq) < seqDiff(seq, at.seq)) {
      at = hint;
      while (at.prev !== null && seqGt(at.seq, seq)) at = at.prev;
    }
  }
  let found: SendSegment | null = at;
  while (found !== null && seqLe(found.endSeq, seq)) found = found.next;
  return found;
}

/**
 * Whether the block covers `segment` whole. A super-packet that it covers in part is split at a whole wire segment, so
 * that its first part is (1) or is not (0) covered; -1: nothing of it can count, or it cannot be split.
 */
function matchSegment(tcb: Tcb, segment: SendSegment, start: number, end: number): number {
  const beginsInside = seqLe(start, segment.seq);
  if (beginsInside && seqLe(segment.endSeq, end)) return 1;
  if (segment.segments <= 1 || !seqGt(segment.endSeq, start)) return 0;
  const mss = segment.gsoSize;
  let length: number;
  if (beginsInside) {
    length = seqDiff(end, segment.seq);
    if (length < mss) return -1;
    // Only wire segments that are covered whole count.
    length = Math.floor(length / mss) * mss;
  } else {
    length = Math.max(mss, Math.ceil(seqDiff(start, segment.seq) / mss) * mss);
    if (length >= segment.length) return 0;
  }
  if (!fragmentSegment(tcb, segment, length, mss)) return -1;
  return beginsInside ? 1 : 0;
}

/** Tags what [start, end) covers of the segments that end behind `at` and begin before `stop`; returns the last seen. */
function walk(
  tcb: Tcb,
  context: AckContext,
  from: SendSegment | null,
  at: number,
  stop: number,
  start: number,
  end: number,
  isDsack: boolean,
): SendSegment | null {
  let segment = findSegment(tcb, from, at);
  let last = segment;
  while (segment !== null && seqLt(segment.seq, stop)) {
    last = joinSacked(tcb, context, segment, start, end, isDsack);
    if (last === null) {
      const match = matchSegment(tcb, segment, start, end);
      last = segment;
      if (match < 0) break;
      if (match > 0) tagSegment(tcb, context, segment, isDsack);
    }
    segment = last.next;
  }
  return last;
}

/** Tags one block, leaving out what the last ACK's blocks had covered already. */
function tagBlock(
  tcb: Tcb,
  context: AckContext,
  index: number,
  cached: number,
  from: SendSegment | null,
): SendSegment | null {
  const start = blocks[2 * index]!;
  const end = blocks[2 * index + 1]!;
  if (index === dsackIndex) return walk(tcb, context, from, start, end, start, end, true);
  const cache = tcb.loss.recvSackCache;
  let at = start;
  let position = from;
  for (let c = 0; c < cached; c++) {
    const left = cache[2 * c]!;
    const right = cache[2 * c + 1]!;
    if (seqLe(right, at)) continue;
    if (!seqLt(left, end)) break;
    if (seqLt(at, left)) position = walk(tcb, context, position, at, left, start, end, false);
    at = seqMax(at, right);
  }
  return seqLt(at, end) ? walk(tcb, context, position, at, end, start, end, false) : position;
}

/**
 * Applies the SACK blocks of `seg` to the scoreboard (SND.UNA is already the new one). Adds to `context.flag`,
 * `sackDelivered`, the send times of what was SACKed, and reordering.
 */
export function tagSackBlocks(tcb: Tcb, context: AckContext, seg: SegmentIn): void {
  const { loss, snd } = tcb;
  context.reorderSeq = snd.nxt;
  const hasDsack = checkDsack(tcb, context, seg);
  // Blocks of a very old ACK say nothing certain.
  if (seqLt(seg.ack, (context.priorSndUna - snd.maxWindow) >>> 0)) return;
  if (snd.packetsOut === 0) return;
  const used = collectBlocks(tcb, context, seg, hasDsack);
  const cached = loss.sackedOut === 0 ? 0 : loss.recvSackCount;
  let position: SendSegment | null = null;
  for (let i = 0; i < used; i++) position = tagBlock(tcb, context, i, cached, position);
  loss.recvSackCache.set(blocks);
  loss.recvSackCount = used;
  if (tcb.cc.caState !== CA_LOSS || loss.undoMarked) checkSackReordering(tcb, context.reorderSeq, false);
}
