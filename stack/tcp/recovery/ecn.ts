// The sender's half of RFC 3168: announcing a reduction by CWR and taking that back.
import type { Tcb } from '../tcb.js';

const ECN_OK = 1;
const ECN_QUEUE_CWR = 2;

/** The sender reduced its window: the next new segment says so. */
export function ecnQueueCwr(tcb: Tcb): void {
  if ((tcb.opt.ecnFlags & ECN_OK) !== 0) tcb.opt.ecnFlags |= ECN_QUEUE_CWR;
}

/** A reduction was undone: nothing to tell. */
export function ecnWithdrawCwr(tcb: Tcb): void {
  tcb.opt.ecnFlags &= ~ECN_QUEUE_CWR;
}
