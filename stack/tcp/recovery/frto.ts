// State Loss on an ACK: Eifel undo, F-RTO (RFC 5682 sections 2.1 and 3.1) and the way back to Open.
import { seqGe, seqGt } from '../../wire/seq.js';
import { TCP_SYN_RECV } from '../states.js';
import type { Tcb } from '../tcb.js';
import type { AckContext } from './context.js';
import {
  FLAG_DATA_SACKED,
  FLAG_ECE,
  FLAG_ORIG_SACK_ACKED,
  FLAG_SND_UNA_ADVANCED,
  REXMIT_LOST,
  REXMIT_NEW,
} from './flags.js';
import { addRenoSack, resetRenoSack } from './reordering.js';
import { tryUndoLoss, tryUndoRecovery } from './undo.js';

/**
 * F-RTO's decision on this ACK. True: it is settled, by undo or by sending new data first (step 2b); `frto` ends when
 * the loss proves real.
 */
function frto(tcb: Tcb, now: number, context: AckContext, recovered: boolean): boolean {
  const { loss, snd } = tcb;
  const { flag } = context;
  // Step 3.b: data that was never retransmitted arrived, so not all was lost.
  if ((flag & FLAG_ORIG_SACK_ACKED) !== 0 && tryUndoLoss(tcb, now, true)) return true;
  if (seqGt(snd.nxt, loss.highSeq)) {
    // Step 3.a: the new data brought duplicates only.
    if ((flag & FLAG_DATA_SACKED) !== 0 || context.duplicates > 0) loss.frto = false;
  } else if ((flag & FLAG_SND_UNA_ADVANCED) !== 0 && !recovered) {
    loss.highSeq = snd.nxt;
    if (!snd.writeQueue.empty && seqGt((snd.una + snd.wnd) >>> 0, snd.nxt)) {
      context.rexmit = REXMIT_NEW;
      return true;
    }
    loss.frto = false;
  }
  return false;
}

/** One ACK in state Loss. */
export function processLoss(tcb: Tcb, now: number, context: AckContext): void {
  const { loss, snd } = tcb;
  const { flag } = context;
  const recovered = seqGe(snd.una, loss.highSeq);
  const advanced = (flag & FLAG_SND_UNA_ADVANCED) !== 0;
  if ((advanced || tcb.state === TCP_SYN_RECV) && tryUndoLoss(tcb, now, false)) return;
  if (loss.frto && frto(tcb, now, context, recovered)) return;
  if (recovered) {
    tryUndoRecovery(tcb, now);
    return;
  }
  if (!tcb.opt.sack) {
    // A duplicate in F-RTO's step 2b tells that new data arrived: it clocks out more.
    if (seqGt(snd.nxt, loss.highSeq) && context.duplicates > 0) {
      addRenoSack(tcb, context.duplicates, (flag & FLAG_ECE) !== 0);
    } else if (advanced) {
      resetRenoSack(tcb);
    }
  }
  context.rexmit = REXMIT_LOST;
}
