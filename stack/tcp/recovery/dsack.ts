// Duplicate-SACK blocks (RFC 2883): recognising one, judging whether it can be an answer to our retransmissions, and
// what it tells undo (RFC 3708) and RACK's reordering window (RFC 8985). Tags no segment.
import { counterIndex } from '../../host/counters.js';
import { seqDiff, seqGt, seqLt } from '../../wire/seq.js';
import type { SegmentIn } from '../segment.js';
import type { Tcb } from '../tcb.js';
import type { AckContext } from './context.js';
import { FLAG_DSACK_TLP, FLAG_DSACKING_ACK } from './flags.js';

const dsackRecv = counterIndex('TcpExtTCPDSACKRecv');
const dsackOfoRecv = counterIndex('TcpExtTCPDSACKOfoRecv');
const dsackRecvSegs = counterIndex('TcpExtTCPDSACKRecvSegs');
const dsackIgnoredDubious = counterIndex('TcpExtTCPDSACKIgnoredDubious');

/** Segments that the block reports twice; 0 when it cannot be true. */
function dsackSeen(tcb: Tcb, context: AckContext, start: number, end: number): number {
  const { loss, snd } = tcb;
  if (!seqLt(start, end)) return 0;
  const length = seqDiff(end, start);
  // Longer than any window that the peer offered.
  if (length > snd.maxWindow) return 0;
  let segments = 1;
  if (length > snd.mss) segments = Math.ceil(length / snd.mss);
  else if (loss.tlpHighSeq !== 0 && loss.tlpHighSeq === end) context.flag |= FLAG_DSACK_TLP;
  loss.dsackDups += segments;
  // More duplicates than we ever retransmitted: the network made them.
  if (loss.dsackDups > loss.totalRetrans) return 0;
  tcb.opt.dsackSeen = true;
  // RACK waits longer only where reordering was seen, and not because of a probe, which a timer sent.
  if (loss.reorderingSeen > 0 && (context.flag & FLAG_DSACK_TLP) === 0) loss.rackDsackSeen = true;
  context.flag |= FLAG_DSACKING_ACK;
  context.sackDelivered += segments;
  return segments;
}

/**
 * True when the first SACK block is a DSACK (RFC 2883 section 4): below the cumulative ACK or inside the second block.
 * Counts it; for data already forgotten it also counts down the retransmissions that may yet prove needless.
 */
export function checkDsack(tcb: Tcb, context: AckContext, seg: SegmentIn): boolean {
  const { sack, sackCount } = seg.options;
  const { counters } = tcb.host;
  const { loss } = tcb;
  const start = sack[0]!;
  const end = sack[1]!;
  if (seqLt(start, seg.ack)) {
    counters.add(dsackRecv);
  } else if (sackCount > 1 && !seqGt(end, sack[3]!) && !seqLt(start, sack[2]!)) {
    counters.add(dsackOfoRecv);
  } else {
    return false;
  }
  const segments = dsackSeen(tcb, context, start, end);
  if (segments === 0) {
    counters.add(dsackIgnoredDubious);
    return false;
  }
  counters.add(dsackRecvSegs, segments);
  if (
    loss.undoMarked &&
    loss.undoRetrans > 0 &&
    !seqGt(end, context.priorSndUna) &&
    seqGt(end, loss.undoMarker)
  ) {
    loss.undoRetrans = Math.max(0, loss.undoRetrans - segments);
  }
  return true;
}
