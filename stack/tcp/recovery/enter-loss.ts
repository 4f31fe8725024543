// The retransmission timeout's effect on scoreboard and window (RFC 5681 section 3.1, RFC 6675 section 5.1, RFC 5682
// step 1). The retransmission itself is the timer's.
import { counterIndex } from '../../host/counters.js';
import { seqGt } from '../../wire/seq.js';
import { CA_EVENT_LOSS } from '../congestion/congestion-control.js';
import { currentSsthresh } from '../cwnd.js';
import { ecnQueueCwr } from '../ecn/classic.js';
import { SACKED_ACKED } from '../send-segment.js';
import { CA_DISORDER, CA_LOSS, CA_RECOVERY, type Tcb } from '../tcb.js';
import { setCaState } from './cwnd-reduction.js';
import { tcpPacketsInFlight } from './in-flight.js';
import { rackTimeLeft } from './rack.js';
import { resetRenoSack } from './reordering.js';
import { clearHints, markSegmentLost } from './scoreboard.js';
import { initUndo } from './undo.js';

const sackReneging = counterIndex('TcpExtTCPSACKReneging');

/** The head and everything sent an RTT ago is lost; a SACKed head means that the peer reneged: then everything is. */
function markLostOnTimeout(tcb: Tcb, now: number): void {
  const { loss } = tcb;
  const head = tcb.snd.retransmitQueue.head;
  const reneged = head !== null && (head.sacked & SACKED_ACKED) !== 0;
  if (reneged) {
    tcb.host.counters.add(sackReneging);
    loss.sackedOut = 0;
    loss.sackReneging = true;
  } else if (!tcb.opt.sack) {
    resetRenoSack(tcb);
  }
  for (let s = head; s !== null; s = s.next) {
    if (reneged) s.sacked &= ~SACKED_ACKED;
    else if (s !== head && rackTimeLeft(tcb, s, 0, now) > 0) continue;
    markSegmentLost(tcb, s);
  }
  clearHints(tcb);
}

/**
 * The retransmission timer fired: marks what is lost, cwnd to in-flight + 1, state Loss. Call before the retransmission
 * and before `timers.retransmits` counts it.
 */
export function enterLoss(tcb: Tcb, now: number): void {
  const { cc, loss, timers } = tcb;
  const { config } = tcb.host;
  loss.burst++;
  const newRecovery = cc.caState < CA_RECOVERY;
  markLostOnTimeout(tcb, now);
  // One reduction per window.
  if (
    cc.caState <= CA_DISORDER ||
    !seqGt(loss.highSeq, tcb.snd.una) ||
    (cc.caState === CA_LOSS && timers.retransmits === 0)
  ) {
    cc.priorSsthresh = currentSsthresh(tcb);
    cc.priorCwnd = cc.cwnd;
    cc.ssthresh = cc.algorithm === null ? Math.max(cc.cwnd >>> 1, 2) : cc.algorithm.ssthresh(tcb, now);
    cc.algorithm?.event?.(tcb, CA_EVENT_LOSS, now);
    initUndo(tcb);
  }
  cc.cwnd = tcpPacketsInFlight(tcb) + 1;
  cc.cwndCount = 0;
  cc.cwndStamp = now;
  // A timeout with many duplicate ACKs behind it: reordering was overestimated.
  if (cc.caState <= CA_DISORDER && loss.sackedOut >= config.tcpReordering) {
    loss.reordering = Math.min(loss.reordering, config.tcpReordering);
  }
  setCaState(tcb, CA_LOSS, now);
  loss.highSeq = tcb.snd.nxt;
  loss.tlpHighSeq = 0;
  ecnQueueCwr(tcb);
  // F-RTO only for the first timeout of a recovery or repeated ones of the same SND.UNA (RFC 5682 section 3).
  loss.frto = config.tcpFrto !== 0 && (newRecovery || timers.retransmits > 0) && tcb.snd.mtuProbeSize === 0;
}
