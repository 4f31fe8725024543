// Sending again what is marked lost, oldest first (RFC 6675 section 5, NextSeg rule 1), as far as cwnd allows.
import { counterIndex } from '../../host/counters.js';
import { currentSsthresh, inCwndReduction } from '../cwnd.js';
import { currentMss } from '../mss.js';
import { retransmitSegment } from '../retransmit.js';
import { LOST, SACKED_ACKED, SACKED_RETRANS, type SendSegment } from '../send-segment.js';
import { TCP_SYN_SENT } from '../states.js';
import { CA_LOSS, type Tcb } from '../tcb.js';
import { maxSuperPacketSegments, pacingHolds, smallQueueHolds } from '../write.js';
import { setCaState } from './cwnd-reduction.js';
import { tcpPacketsInFlight } from './in-flight.js';
import { limitRenoSacked } from './reordering.js';
import { clearHints, markSegmentLost } from './scoreboard.js';
import { reorderingTimerPending, setRetransmitTimer } from './timers.js';
import { clearUndo } from './undo.js';

const fastRetrans = counterIndex('TcpExtTCPFastRetrans');
const slowStartRetrans = counterIndex('TcpExtTCPSlowStartRetrans');

/** Where the walk begins: the hint while it is on the queue, else the head. */
function firstCandidate(tcb: Tcb): SendSegment | null {
  const { retransHint } = tcb.loss;
  const queue = tcb.snd.retransmitQueue;
  return retransHint !== null && retransHint.list === queue ? retransHint : queue.head;
}

/** Retransmits what is marked lost, oldest first, as far as cwnd, pacing and the small-queue limit allow. */
export function xmitRetransmitQueue(tcb: Tcb, now: number, clock = now): void {
  const { loss, cc, snd } = tcb;
  if (snd.packetsOut === 0) return;
  const head = snd.retransmitQueue.head;
  const largest = maxSuperPacketSegments(tcb, currentMss(tcb));
  const counter = cc.caState === CA_LOSS ? slowStartRetrans : fastRetrans;
  let hole: SendSegment | null = null;
  let rearm = false;
  for (let segment = firstCandidate(tcb); segment !== null; segment = segment.next) {
    if (pacingHolds(tcb, now)) break;
    if (hole === null) loss.retransHint = segment;
    const room = cc.cwnd - tcpPacketsInFlight(tcb);
    if (room <= 0 || loss.retransOut >= loss.lostOut) break;
    const { sacked } = segment;
    if ((sacked & LOST) === 0) {
      if (hole === null && (sacked & (SACKED_RETRANS | SACKED_ACKED)) === 0) hole = segment;
      continue;
    }
    if ((sacked & (SACKED_RETRANS | SACKED_ACKED)) !== 0) continue;
    if (smallQueueHolds(tcb, segment, 1)) break;
    if (retransmitSegment(tcb, clock, segment, Math.min(room, largest)) !== 0) break;
    tcb.host.counters.add(counter, segment.segments);
    if (inCwndReduction(tcb)) loss.prrOut += segment.segments;
    if (segment === head && !reorderingTimerPending(tcb)) rearm = true;
  }
  if (rearm) setRetransmitTimer(tcb, tcb.rtt.rto, now, true);
}

/** Forgets marks and hints of retransmission when the queue itself is purged (Linux's tcp_clear_retrans). */
export function clearRetransmitState(tcb: Tcb): void {
  const { loss } = tcb;
  loss.retransOut = 0;
  loss.lostOut = 0;
  clearUndo(tcb);
  loss.undoRetrans = -1;
  loss.sackedOut = 0;
  loss.rackAdvanced = false;
  loss.highestSack = null;
  clearHints(tcb);
}

/**
 * The path MTU shrank: what is longer than a segment now is lost by size, not by congestion, and is sent again without
 * reducing cwnd (Linux's tcp_simple_retransmit). `clock`: what the segments are stamped with.
 */
export function simpleRetransmit(tcb: Tcb, now: number, clock = now): void {
  const { loss, cc, snd } = tcb;
  // A fast-open SYN is two segments of the queue that were one packet: none of it arrived.
  const mss = tcb.opt.synData && tcb.state === TCP_SYN_SENT ? -1 : currentMss(tcb);
  for (let s = snd.retransmitQueue.head; s !== null; s = s.next) {
    if ((s.segments > 1 ? s.gsoSize : s.length) > mss) markSegmentLost(tcb, s);
  }
  clearHints(tcb);
  if (loss.lostOut === 0) return;
  if (!tcb.opt.sack) limitRenoSacked(tcb);
  // Loss without a reduction: cwnd stays, the state moves the retransmissions.
  if (cc.caState !== CA_LOSS) {
    loss.highSeq = snd.nxt;
    cc.ssthresh = currentSsthresh(tcb);
    cc.priorSsthresh = 0;
    clearUndo(tcb);
    setCaState(tcb, CA_LOSS, now);
  }
  xmitRetransmitQueue(tcb, now, clock);
}
