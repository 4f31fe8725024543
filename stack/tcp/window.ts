import type { SegmentIn } from './segment.js';
import type { Tcb } from './tcb.js';

/** The ACK carries a new send window (SND.WND, SND.WL1); true when it changed. `ack` acceptable already. Called by processAck. */
export function updateSendWindow(_tcb: Tcb, _now: number, _seg: SegmentIn): boolean {
  throw new Error('not there yet');
}
