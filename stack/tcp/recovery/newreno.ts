// Loss detection without SACK (RFC 5681 section 3.2, RFC 6582): three duplicate ACKs, and in Recovery every partial
// ACK, say that the segment at SND.UNA is lost.
import { fragmentSegment } from '../fragment.js';
import { LOST } from '../send-segment.js';
import { CA_RECOVERY, type Tcb } from '../tcb.js';
import { markSegmentLost } from './scoreboard.js';

/** Marks the first segment (one wire segment of it) lost when the evidence suffices. */
export function newRenoMarkLost(tcb: Tcb, advanced: boolean): void {
  const { cc, loss } = tcb;
  const duplicates = cc.caState < CA_RECOVERY && loss.sackedOut >= loss.reordering;
  const partial = cc.caState === CA_RECOVERY && advanced;
  if (!duplicates && !partial) return;
  const head = tcb.snd.retransmitQueue.head;
  if (head === null || (head.sacked & LOST) !== 0) return;
  const mss = head.gsoSize > 0 ? head.gsoSize : tcb.snd.mss;
  if (head.segments > 1 && head.length > mss) fragmentSegment(tcb, head, mss, mss);
  markSegmentLost(tcb, head);
}
