// From SACK blocks to the segments that they cover: one walk forward through the queue for all blocks of an ACK, which leaves
// out what the last ACK's blocks had covered and splits super-packets that are covered in part. What a walk has passed is
// not looked at again by the same ACK, as in Linux: blocks that overlap, as no receiver sends them, tag what the first covers.
import { seqDiff, seqGt, seqLe, seqLt } from '../../wire/seq.js';
import { fragmentSegment } from '../fragment.js';
import type { SendSegment } from '../send-segment.js';
import type { Tcb } from '../tcb.js';
import type { AckContext } from './context.js';
import { joinSacked } from './sack-join.js';
import { tagSegment } from './sack-tag.js';
import { highestSackSeq } from './scoreboard.js';

/** Where the walk stands: null before it and when it ran off the end, after which it begins anew. */
let cursor: SendSegment | null = null;
/** The DSACK when the block before it is walked: it tags what both cover. */
let dsackStart = 0;
let dsackEnd = 0;
let dsackFollows = false;

/** The segment that holds `seq`, or the first behind it; looks from the nearer of head, hint and cursor. */
function findSegment(tcb: Tcb, seq: number): SendSegment | null {
  const queue = tcb.snd.retransmitQueue;
  let at = cursor ?? queue.head;
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

/** Moves the cursor forward to the segment that holds `seq`. */
function skipTo(tcb: Tcb, seq: number): void {
  if (cursor === null || seqLe(cursor.seq, seq)) cursor = findSegment(tcb, seq);
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

/** From the cursor to `end`: tags what [start, end) covers. */
function walk(tcb: Tcb, context: AckContext, start: number, end: number, isDsack: boolean): void {
  while (cursor !== null && seqLt(cursor.seq, end)) {
    const segment: SendSegment = cursor;
    let duplicate = isDsack;
    let match = 0;
    if (dsackFollows && seqLt(segment.seq, dsackEnd)) {
      match = matchSegment(tcb, segment, dsackStart, dsackEnd);
      if (match > 0) duplicate = true;
    }
    if (match <= 0) {
      const joined = joinSacked(tcb, context, segment, start, end, duplicate);
      if (joined !== null) {
        cursor = joined.next;
        continue;
      }
      match = matchSegment(tcb, segment, start, end);
    }
    if (match < 0) return;
    if (match > 0) tagSegment(tcb, context, segment, duplicate);
    cursor = segment.next;
  }
}

/** A DSACK inside what is passed over is not passed over. */
function walkDsack(tcb: Tcb, context: AckContext, before: number): void {
  if (!dsackFollows || !seqLt(dsackStart, before)) return;
  skipTo(tcb, dsackStart);
  dsackFollows = false;
  walk(tcb, context, dsackStart, dsackEnd, true);
  dsackFollows = true;
}

/** Puts the cursor behind the highest SACKed segment; false: nothing is there. */
function skipSacked(tcb: Tcb): boolean {
  const { loss, snd } = tcb;
  cursor = null; // it may stand behind that
  cursor = loss.sackedOut === 0 ? snd.retransmitQueue.head : findSegment(tcb, highestSackSeq(tcb));
  return cursor !== null;
}

/**
 * Tags what the first `used` of `blocks` (left and right edges, sorted by the left one) cover. `dsack`: index of the DSACK,
 * or -1. `loss.recvSackCache` holds the blocks of the last ACK.
 */
export function tagBlocks(
  tcb: Tcb,
  context: AckContext,
  blocks: Uint32Array,
  used: number,
  dsack: number,
): void {
  const { loss } = tcb;
  const cache = loss.recvSackCache;
  const cached = loss.sackedOut === 0 ? 0 : loss.recvSackCount;
  let known = 0;
  cursor = null;
  for (let i = 0; i < used; i++) {
    const start = blocks[2 * i]!;
    const end = blocks[2 * i + 1]!;
    dsackFollows = i + 1 === dsack;
    if (dsackFollows) {
      dsackStart = blocks[2 * i + 2]!;
      dsackEnd = blocks[2 * i + 3]!;
    }
    let done = false;
    let found = false;
    for (;;) {
      while (known < cached && !seqLt(start, cache[2 * known + 1]!)) known++;
      if (known >= cached || i === dsack || !seqGt(end, cache[2 * known]!)) break;
      const left = cache[2 * known]!;
      const right = cache[2 * known + 1]!;
      if (seqLt(start, left)) {
        skipTo(tcb, start);
        walk(tcb, context, start, left, false);
      }
      done = !seqGt(end, right);
      if (done) break;
      walkDsack(tcb, context, right);
      known++;
      if (highestSackSeq(tcb) === right) {
        if (!skipSacked(tcb)) return;
        found = true;
        break;
      }
      skipTo(tcb, right);
    }
    if (done) continue;
    if (!found) {
      if (!seqLt(start, highestSackSeq(tcb)) && !skipSacked(tcb)) return;
      skipTo(tcb, start);
    }
    walk(tcb, context, start, end, i === dsack);
  }
  cursor = null;
}
