// SACK blocks that we report: the most recently changed first (RFC 2018 section 4), and the duplicate block of RFC 2883.
import { counterIndex } from '../host/counters.js';
import { seqGt, seqLe, seqLt } from '../wire/seq.js';
import { compressedAckTimer } from './ack-policy.js';
import { accEcnSpurious } from './ecn/accurate-option.js';
import type { Tcb } from './tcb.js';

const MAX_BLOCKS = 4;
/** Blocks beyond these do not wait for ACK compression. */
const BLOCKS_EXPECTED = 2;
const DSACK_OLD_SENT = counterIndex('TcpExtTCPDSACKOldSent');
const DSACK_OFO_SENT = counterIndex('TcpExtTCPDSACKOfoSent');

/** Widens the block at index `at` of `blocks` to [seq, end) when they touch. */
function extend(blocks: Uint32Array, at: number, seq: number, end: number): boolean {
  if (seqGt(seq, blocks[at + 1]!) || seqGt(blocks[at]!, end)) return false;
  if (seqLt(seq, blocks[at]!)) blocks[at] = seq;
  if (seqGt(end, blocks[at + 1]!)) blocks[at + 1] = end;
  return true;
}

/** [seq, end) arrived out of order: it leads the list. */
export function addSackBlock(tcb: Tcb, seq: number, end: number, now: number): void {
  const { rcv } = tcb;
  const blocks = rcv.sackBlocks;
  for (let i = 0; i < rcv.sackCount; i++) {
    if (!extend(blocks, 2 * i, seq, end)) continue;
    if (i >= BLOCKS_EXPECTED) compressedAckTimer(tcb, now);
    const left = blocks[2 * i]!;
    const right = blocks[2 * i + 1]!;
    blocks.copyWithin(2, 0, 2 * i);
    blocks[0] = left;
    blocks[1] = right;
    if (rcv.sackCount > 1) coalesce(tcb);
    return;
  }
  // More than a peer expects to change at once: what was held back is told first.
  if (rcv.sackCount >= BLOCKS_EXPECTED) compressedAckTimer(tcb, now);
  const keep = Math.min(rcv.sackCount, MAX_BLOCKS - 1);
  blocks.copyWithin(2, 0, 2 * keep);
  blocks[0] = seq;
  blocks[1] = end;
  rcv.sackCount = keep + 1;
}

/** The first block may touch others now. */
function coalesce(tcb: Tcb): void {
  const { rcv } = tcb;
  const blocks = rcv.sackBlocks;
  for (let i = 1; i < rcv.sackCount; ) {
    if (extend(blocks, 0, blocks[2 * i]!, blocks[2 * i + 1]!)) {
      blocks.copyWithin(2 * i, 2 * i + 2, 2 * rcv.sackCount);
      rcv.sackCount--;
    } else {
      i++;
    }
  }
}

/** RCV.NXT moved: blocks below it are history. */
export function dropSackBlocks(tcb: Tcb): void {
  const { rcv } = tcb;
  if (rcv.outOfOrder === null || rcv.outOfOrder.empty) {
    rcv.sackCount = 0;
    return;
  }
  const blocks = rcv.sackBlocks;
  let kept = 0;
  for (let i = 0; i < rcv.sackCount; i++) {
    if (seqLe(blocks[2 * i]!, rcv.nxt)) continue;
    blocks[2 * kept] = blocks[2 * i]!;
    blocks[2 * kept + 1] = blocks[2 * i + 1]!;
    kept++;
  }
  rcv.sackCount = kept;
}

/** [seq, end) was received twice: the next ACK says so. */
export function setDsack(tcb: Tcb, seq: number, end: number): void {
  const { rcv, opt, host } = tcb;
  if (!opt.sack || host.config.tcpDsack === 0) return;
  accEcnSpurious(tcb, seq, end);
  host.counters.add(seqLt(seq, rcv.nxt) ? DSACK_OLD_SENT : DSACK_OFO_SENT);
  rcv.dsackPending = true;
  rcv.dsack[0] = seq;
  rcv.dsack[1] = end;
}

/** As `setDsack`, widening a range that waits to be told. */
export function extendDsack(tcb: Tcb, seq: number, end: number): void {
  if (!tcb.rcv.dsackPending) setDsack(tcb, seq, end);
  else extend(tcb.rcv.dsack, 0, seq, end);
}
