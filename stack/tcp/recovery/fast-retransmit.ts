// The loss-state machine on a dubious ACK (Open, Disorder, CWR, Recovery, Loss): who may leave its state, who is undone,
// what counts as lost, who enters Recovery (Linux's tcp_fastretrans_alert; RFC 5681 section 3.2, RFC 6675 section 5).
import { seqGe } from '../../wire/seq.js';
import { mtuProbeFailed } from '../mtu-probe.js';
import { CA_CWR, CA_DISORDER, CA_LOSS, CA_OPEN, CA_RECOVERY, type Tcb } from '../tcb.js';
import type { AckContext } from './context.js';
import { endCwndReduction, setCaState } from './cwnd-reduction.js';
import { enterRecovery } from './enter-recovery.js';
import {
  FLAG_ECE,
  FLAG_LOST_RETRANS,
  FLAG_SACK_RENEGING,
  FLAG_SET_XMIT_TIMER,
  FLAG_SND_UNA_ADVANCED,
  REXMIT_LOST,
} from './flags.js';
import { processLoss } from './frto.js';
import { newRenoMarkLost } from './newreno.js';
import { rackMarkLost } from './rack.js';
import { addRenoSack, resetRenoSack } from './reordering.js';
import { simpleRetransmit } from './retransmit-queue.js';
import { setRetransmitTimer } from './timers.js';
import { tryToOpen, tryUndoDsack, tryUndoPartial, tryUndoRecovery } from './undo.js';

/** The head was SACKed and is asked for again: either reneging or reordered ACKs. Half an RTT tells (at least 10 ms). */
function checkReneging(tcb: Tcb, now: number, context: AckContext): boolean {
  const both = FLAG_SACK_RENEGING | FLAG_SND_UNA_ADVANCED;
  if ((context.flag & both) !== both) return false;
  setRetransmitTimer(tcb, Math.max(tcb.rtt.srtt8 >> 4, 10_000), now, false);
  context.flag &= ~FLAG_SET_XMIT_TIMER;
  return true;
}

/** Marks what this ACK shows to be lost. */
function identifyLoss(tcb: Tcb, now: number, context: AckContext): void {
  if (tcb.snd.retransmitQueue.empty) return;
  if (!tcb.opt.sack) {
    newRenoMarkLost(tcb, (context.flag & FLAG_SND_UNA_ADVANCED) !== 0);
    return;
  }
  const before = tcb.loss.retransOut;
  if (rackMarkLost(tcb, now, context.arrival)) context.flag &= ~FLAG_SET_XMIT_TIMER;
  if (before > tcb.loss.retransOut) context.flag |= FLAG_LOST_RETRANS;
}

/** Leaves CWR or Recovery when the recovery point is acknowledged. True: Recovery is held (no SACK), nothing more to do. */
function leaveState(tcb: Tcb, now: number): boolean {
  const { cc, loss, snd } = tcb;
  if (cc.caState === CA_OPEN) {
    loss.retransStamp = 0;
    return false;
  }
  if (!seqGe(snd.una, loss.highSeq)) return false;
  if (cc.caState === CA_CWR) {
    // Something above the point must be acknowledged, so that CWR has reached the receiver.
    if (snd.una !== loss.highSeq) {
      endCwndReduction(tcb, now);
      setCaState(tcb, CA_OPEN, now);
    }
  } else if (cc.caState === CA_RECOVERY) {
    if (!tcb.opt.sack) resetRenoSack(tcb);
    if (tryUndoRecovery(tcb, now)) return true;
    endCwndReduction(tcb, now);
  }
  return false;
}

/** One ACK in Recovery. False: nothing more to do for it. */
function inRecovery(tcb: Tcb, now: number, context: AckContext): boolean {
  const ece = (context.flag & FLAG_ECE) !== 0;
  if ((context.flag & FLAG_SND_UNA_ADVANCED) === 0) {
    if (!tcb.opt.sack) addRenoSack(tcb, context.duplicates, ece);
  } else if (tryUndoPartial(tcb, now, context.priorSndUna)) {
    return false;
  }
  if (tryUndoDsack(tcb, now)) tryToOpen(tcb, now, context.flag);
  identifyLoss(tcb, now, context);
  if (tcb.cc.caState !== CA_RECOVERY) {
    if (tcb.loss.lostOut === 0) return false;
    // Undone, yet something is really lost: reordering, then loss.
    enterRecovery(tcb, now, ece);
  }
  return true;
}

/** One ACK in Open, Disorder or CWR, or in a Loss that it ended. False: nothing to retransmit. */
function outsideRecovery(tcb: Tcb, now: number, context: AckContext): boolean {
  const ece = (context.flag & FLAG_ECE) !== 0;
  if (!tcb.opt.sack) {
    if ((context.flag & FLAG_SND_UNA_ADVANCED) !== 0) resetRenoSack(tcb);
    addRenoSack(tcb, context.duplicates, ece);
  }
  if (tcb.cc.caState <= CA_DISORDER) tryUndoDsack(tcb, now);
  identifyLoss(tcb, now, context);
  if (tcb.loss.lostOut === 0) {
    tryToOpen(tcb, now, context.flag);
    return false;
  }
  const { cc, snd } = tcb;
  if (cc.caState < CA_CWR && snd.mtuProbeSize > 0 && snd.una === snd.mtuProbeSeqStart) {
    // A lost MTU probe was too large for the path; that is no congestion (RFC 4821 section 7.7).
    mtuProbeFailed(tcb);
    cc.cwnd++;
    simpleRetransmit(tcb, now);
    return false;
  }
  enterRecovery(tcb, now, ece);
  return true;
}

/** Notes how long a series of timeouts lasted (tcpi_total_rto_time, ms). */
function endRtoSeries(tcb: Tcb, now: number): void {
  const { loss } = tcb;
  if (loss.rtoStamp === 0) return;
  loss.totalRtoTime += (tcb.host.timestampClock(now) - loss.rtoStamp) >>> 0;
  loss.rtoStamp = 0;
}

/** Runs the state machine for the ACK in `context`; may set `context.rexmit`. */
export function fastRetransmitAlert(tcb: Tcb, now: number, context: AckContext): void {
  const { cc, loss } = tcb;
  if (tcb.snd.packetsOut === 0 && loss.sackedOut > 0) loss.sackedOut = 0;
  // An echo of congestion forbids undoing: the reduction is required.
  if ((context.flag & FLAG_ECE) !== 0) cc.priorSsthresh = 0;
  if (checkReneging(tcb, now, context)) return;
  if (leaveState(tcb, now)) return;
  if (cc.caState === CA_RECOVERY) {
    if (!inRecovery(tcb, now, context)) return;
  } else {
    if (cc.caState === CA_LOSS) {
      processLoss(tcb, now, context);
      if (leftLoss(cc.caState)) endRtoSeries(tcb, now);
      identifyLoss(tcb, now, context);
      if (!isOpen(cc.caState) && (context.flag & FLAG_LOST_RETRANS) === 0) return;
    }
    if (!outsideRecovery(tcb, now, context)) return;
  }
  context.rexmit = REXMIT_LOST;
}

// Functions, because the compiler takes the state for what it was compared with before a call that changes it.
const leftLoss = (state: number): boolean => state !== CA_LOSS;
const isOpen = (state: number): boolean => state === CA_OPEN;
