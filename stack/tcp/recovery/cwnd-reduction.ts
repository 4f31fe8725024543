// The one reduction of cwnd per window: its beginning, its proportional course (PRR, RFC 9937 as Linux keeps to it),
// and its end; and the CWR state that ECN and local drops enter. Marks nothing lost.
import { CA_EVENT_COMPLETE_CWR } from '../congestion/congestion-control.js';
import { INFINITE_SSTHRESH } from '../cwnd.js';
import { ecnQueueCwr } from '../ecn/classic.js';
import { CA_CWR, type Tcb } from '../tcb.js';
import { FLAG_SND_UNA_ADVANCED } from './flags.js';
import { tcpPacketsInFlight } from './in-flight.js';

/** Moves the state machine and tells the algorithm first. */
export function setCaState(tcb: Tcb, state: number, now: number): void {
  tcb.cc.algorithm?.setState?.(tcb, state, now);
  tcb.cc.caState = state;
}

/** Takes the new ssthresh from the algorithm and starts PRR's counts. */
export function initCwndReduction(tcb: Tcb, now: number): void {
  const { cc, loss } = tcb;
  loss.highSeq = tcb.snd.nxt;
  loss.tlpHighSeq = 0;
  cc.cwndCount = 0;
  cc.priorCwnd = cc.cwnd;
  loss.prrDelivered = 0;
  loss.prrOut = 0;
  cc.ssthresh = cc.algorithm === null ? Math.max(cc.cwnd >>> 1, 2) : cc.algorithm.ssthresh(tcb, now);
  ecnQueueCwr(tcb);
}

/**
 * Proportional rate reduction for one ACK (RFC 9937 section 6): above ssthresh send in proportion to what arrives;
 * below it catch up, by slow start only while the ACK advances and shows no new loss. The first ACK sends one at least.
 */
export function cwndReduction(tcb: Tcb, delivered: number, newlyLost: number, flag: number): void {
  const { cc, loss } = tcb;
  if (delivered <= 0 || cc.priorCwnd === 0) return;
  const inFlight = tcpPacketsInFlight(tcb);
  const room = cc.ssthresh - inFlight;
  loss.prrDelivered += delivered;
  let send: number;
  if (room < 0) {
    send = Math.floor((cc.ssthresh * loss.prrDelivered + cc.priorCwnd - 1) / cc.priorCwnd) - loss.prrOut;
  } else {
    send = Math.max(loss.prrDelivered - loss.prrOut, delivered);
    if ((flag & FLAG_SND_UNA_ADVANCED) !== 0 && newlyLost === 0) send++;
    send = Math.min(room, send);
  }
  // Entering recovery always sends one retransmission.
  send = Math.max(send, loss.prrOut > 0 ? 0 : 1);
  cc.cwnd = inFlight + send;
}

/** cwnd becomes ssthresh, unless the reduction was undone. */
export function endCwndReduction(tcb: Tcb, now: number): void {
  const { cc, loss } = tcb;
  if (cc.algorithm?.control !== undefined) return;
  if (cc.ssthresh < INFINITE_SSTHRESH && (cc.caState === CA_CWR || loss.undoMarked)) {
    cc.cwnd = cc.ssthresh;
    cc.cwndStamp = now;
  }
  cc.algorithm?.event?.(tcb, CA_EVENT_COMPLETE_CWR, now);
}

/** One reduction per window for ECE or a local drop (RFC 3168 section 6.1.2): state CWR. */
export function enterCwr(tcb: Tcb, now: number): void {
  const { cc, loss } = tcb;
  cc.priorSsthresh = 0;
  if (cc.caState >= CA_CWR) return;
  loss.undoMarker = 0;
  loss.undoMarked = false;
  initCwndReduction(tcb, now);
  setCaState(tcb, CA_CWR, now);
}
