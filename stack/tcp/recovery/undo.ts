// Undoing a reduction that proves spurious: by echoed timestamps (Eifel, RFC 3522 and 4015) or by DSACKs for every
// retransmission (RFC 3708), from Recovery, from Loss and half-way through a recovery.
import { counterIndex } from '../../host/counters.js';
import { seqGe, seqLt } from '../../wire/seq.js';
import { ecnWithdrawCwr } from '../ecn/classic.js';
import { EVER_RETRANS, LOST } from '../send-segment.js';
import { TCP_SYN_SENT } from '../states.js';
import { CA_CWR, CA_DISORDER, CA_LOSS, CA_OPEN, type Tcb } from '../tcb.js';
import { enterCwr, setCaState } from './cwnd-reduction.js';
import { FLAG_ECE } from './flags.js';
import { leftOut } from './in-flight.js';
import { RECOVERY_PERSIST } from './rack.js';
import { checkSackReordering } from './reordering.js';
import { clearHints } from './scoreboard.js';

const fullUndo = counterIndex('TcpExtTCPFullUndo');
const partialUndo = counterIndex('TcpExtTCPPartialUndo');
const dsackUndo = counterIndex('TcpExtTCPDSACKUndo');
const lossUndo = counterIndex('TcpExtTCPLossUndo');
const spuriousRto = counterIndex('TcpExtTCPSpuriousRTOs');

/** Remembers where a reduction began, so that it can be undone (Linux's tcp_init_undo). */
export function initUndo(tcb: Tcb): void {
  const { loss } = tcb;
  loss.undoMarker = tcb.snd.una;
  loss.undoMarked = true;
  // Retransmissions still out may bring DSACKs later; a loss probe is one that retransOut does not count.
  loss.undoRetrans = loss.retransOut + (loss.tlpHighSeq !== 0 && loss.tlpRetrans ? 1 : 0);
  // 0 means that every retransmission proved needless; -1 that there was none yet.
  if (loss.undoRetrans === 0) loss.undoRetrans = -1;
}

/** Any segment of the queue's head, or any retransmission at all, may still be answered by a copy's ACK. */
export function anyRetransmitDone(tcb: Tcb): boolean {
  if (tcb.loss.retransOut > 0) return true;
  const head = tcb.snd.retransmitQueue.head;
  return head !== null && (head.sacked & EVER_RETRANS) !== 0;
}

/** The peer echoed a timestamp older than `stamp` (our ms clock). */
export function echoBefore(tcb: Tcb, stamp: number): boolean {
  const { opt } = tcb;
  return opt.sawTimestamp && opt.rcvTsecr !== 0 && seqLt(opt.rcvTsecr, stamp);
}

/** The original was delayed, not lost: its timestamp came back, or nothing was retransmitted at all. */
function packetDelayed(tcb: Tcb): boolean {
  const { loss, snd } = tcb;
  if (loss.retransStamp !== 0) return echoBefore(tcb, loss.retransStamp);
  // No stamp says that nothing was retransmitted, but for two cases where it was cleared after a retransmission: a
  // recovery held open without SACK (holdWithoutSack), and the acknowledgment of a SYN.
  if (!tcb.opt.sack && seqGe(snd.una, loss.highSeq)) return false;
  return tcb.state !== TCP_SYN_SENT;
}

/**
 * The SYN (or SYN-ACK) was sent twice, and the peer echoes the timestamp of the first: the timeout was spurious, and the
 * initial window need not suffer for it. `loss.retransStamp` is then the clock of the first SYN.
 */
export function undoSpuriousSyn(tcb: Tcb, _now: number): void {
  const { loss, opt } = tcb;
  if (!loss.undoMarked || loss.retransStamp === 0 || !opt.sawTimestamp) return;
  if (loss.retransStamp === opt.rcvTsecr) clearUndo(tcb);
}

/** A reduction is remembered and all of it was needless. */
export function mayUndo(tcb: Tcb): boolean {
  return tcb.loss.undoMarked && (tcb.loss.undoRetrans === 0 || packetDelayed(tcb));
}

/** Window and threshold of before the reduction; `unmarkLoss`: nothing counts as lost any more. */
export function undoCwndReduction(tcb: Tcb, now: number, unmarkLoss: boolean): void {
  const { cc, loss } = tcb;
  if (unmarkLoss) {
    for (let s = tcb.snd.retransmitQueue.head; s !== null; s = s.next) s.sacked &= ~LOST;
    loss.lostOut = 0;
    clearHints(tcb);
  }
  if (cc.priorSsthresh !== 0) {
    cc.cwnd = cc.algorithm === null ? Math.max(cc.cwnd, cc.priorCwnd) : cc.algorithm.undo(tcb);
    if (cc.priorSsthresh > cc.ssthresh) {
      cc.ssthresh = cc.priorSsthresh;
      ecnWithdrawCwr(tcb);
    }
  }
  cc.cwndStamp = now;
  clearUndo(tcb);
  // Losses must be judged anew.
  loss.rackAdvanced = true;
}

/** Nothing to undo any more. */
export function clearUndo(tcb: Tcb): void {
  tcb.loss.undoMarker = 0;
  tcb.loss.undoMarked = false;
}

/**
 * Without SACK the state is held until something above the recovery point is acknowledged, so that late duplicates of
 * the old window start no second recovery (RFC 6582 section 4).
 */
function holdWithoutSack(tcb: Tcb): boolean {
  if (tcb.snd.una !== tcb.loss.highSeq || tcb.opt.sack) return false;
  if (!anyRetransmitDone(tcb)) tcb.loss.retransStamp = 0;
  return true;
}

/** Everything up to the recovery point is acknowledged: undo if it was spurious, state Open. True: state is held. */
export function tryUndoRecovery(tcb: Tcb, now: number): boolean {
  const { loss, cc } = tcb;
  if (mayUndo(tcb)) {
    const counter = cc.caState === CA_LOSS ? lossUndo : fullUndo;
    undoCwndReduction(tcb, now, false);
    tcb.host.counters.add(counter);
  } else if (loss.rackReoWndPersist > 0) {
    loss.rackReoWndPersist--;
  }
  if (holdWithoutSack(tcb)) return true;
  setCaState(tcb, CA_OPEN, now);
  loss.sackReneging = false;
  return false;
}

/** Every retransmission was answered by a DSACK (RFC 3708). */
export function tryUndoDsack(tcb: Tcb, now: number): boolean {
  const { loss } = tcb;
  if (!loss.undoMarked || loss.undoRetrans !== 0) return false;
  loss.rackReoWndPersist = Math.min(RECOVERY_PERSIST, loss.rackReoWndPersist + 1);
  undoCwndReduction(tcb, now, false);
  tcb.host.counters.add(dsackUndo);
  return true;
}

/** The timeout was spurious: by F-RTO's evidence (`byFrto`) or by mayUndo's. True when it was undone. */
export function tryUndoLoss(tcb: Tcb, now: number, byFrto: boolean): boolean {
  if (!byFrto && !mayUndo(tcb)) return false;
  undoCwndReduction(tcb, now, true);
  const { counters } = tcb.host;
  counters.add(lossUndo);
  if (byFrto) counters.add(spuriousRto);
  tcb.timers.retransmits = 0;
  if (holdWithoutSack(tcb)) return true;
  if (byFrto || tcb.opt.sack) {
    setCaState(tcb, CA_OPEN, now);
    tcb.loss.sackReneging = false;
  }
  return true;
}

/**
 * A partial ACK during Recovery for an original that was only late. True: retransmissions are still out, so nothing
 * more is retransmitted or marked, but what was undone stays.
 */
export function tryUndoPartial(tcb: Tcb, now: number, priorSndUna: number): boolean {
  const { loss } = tcb;
  if (!loss.undoMarked || !packetDelayed(tcb)) return false;
  checkSackReordering(tcb, priorSndUna, true);
  if (loss.retransOut > 0) return true;
  if (!anyRetransmitDone(tcb)) loss.retransStamp = 0;
  undoCwndReduction(tcb, now, true);
  tcb.host.counters.add(partialUndo);
  tryKeepOpen(tcb, now);
  return false;
}

/** Open when nothing is missing, Disorder otherwise. */
export function tryKeepOpen(tcb: Tcb, now: number): void {
  const state = leftOut(tcb) > 0 || anyRetransmitDone(tcb) ? CA_DISORDER : CA_OPEN;
  if (tcb.cc.caState === state) return;
  setCaState(tcb, state, now);
  tcb.loss.highSeq = tcb.snd.nxt;
}

/** Outside recovery: CWR on an echo of congestion, else Open or Disorder. */
export function tryToOpen(tcb: Tcb, now: number, flag: number): void {
  if (!anyRetransmitDone(tcb)) tcb.loss.retransStamp = 0;
  if ((flag & FLAG_ECE) !== 0) enterCwr(tcb, now);
  if (tcb.cc.caState !== CA_CWR) tryKeepOpen(tcb, now);
}
