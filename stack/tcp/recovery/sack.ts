// SACK blocks onto the scoreboard (RFC 2018, RFC 6675 section 4's Update), with Linux's judgements: which blocks count.
// sack-walk.ts finds the segments that they cover.
import { counterIndex } from '../../host/counters.js';
import { seqGt, seqLt } from '../../wire/seq.js';
import type { SegmentIn } from '../segment.js';
import { CA_LOSS, type Tcb } from '../tcb.js';
import type { AckContext } from './context.js';
import { checkDsack } from './dsack.js';
import { checkSackReordering } from './reordering.js';
import { tagBlocks } from './sack-walk.js';

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
  tagBlocks(tcb, context, blocks, used, dsackIndex);
  loss.recvSackCache.set(blocks);
  loss.recvSackCount = used;
  if (tcb.cc.caState !== CA_LOSS || loss.undoMarked) checkSackReordering(tcb, context.reorderSeq, false);
}
