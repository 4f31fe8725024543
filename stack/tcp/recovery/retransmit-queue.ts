import type { Tcb } from '../tcb.js';

/** Retransmits what is marked lost, oldest first, as far as cwnd allows. */
export function xmitRetransmitQueue(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}

/** Forgets marks and hints of retransmission (connection reset to SYN-SENT's start, or purged queue). */
export function clearRetransmitState(_tcb: Tcb): void {
  throw new Error('not there yet');
}

/** True while any retransmission may still be unacknowledged. */
export function anyRetransmitDone(_tcb: Tcb): boolean {
  throw new Error('not there yet');
}

/** Marks everything over `mss` lost without touching cwnd (path MTU shrank; Linux's tcp_simple_retransmit). */
export function simpleRetransmit(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}
