import type { Tcb } from './tcb.js';

/** Sets the deadline of `kind` (absolute µs). The four kinds of the retransmission slot replace each other. */
export function resetTimer(_tcb: Tcb, _kind: number, _deadline: number, _now: number): void {
  throw new Error('not there yet');
}

export function clearTimer(_tcb: Tcb, _kind: number): void {
  throw new Error('not there yet');
}

/** Clears whichever of the four kinds holds the retransmission slot. */
export function clearTransmitTimer(_tcb: Tcb): void {
  throw new Error('not there yet');
}

/** The kind that holds the retransmission slot, or -1. */
export function pendingTransmitTimer(_tcb: Tcb): number {
  throw new Error('not there yet');
}

/** Restarts the retransmission timer after an ACK or a new transmission: off when nothing is in flight (tcp_rearm_rto). */
export function rearmRetransmitTimer(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}

/** Earliest deadline in µs, Infinity when no timer runs. */
export function tcpNextTimeout(_tcb: Tcb): number {
  throw new Error('not there yet');
}

/** Runs every timer that is due at `now`. */
export function tcpOnTimer(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}
