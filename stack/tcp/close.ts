import type { Tcb } from './tcb.js';

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

/** shutdown(): 0, or -ENOTCONN. */
export function tcpShutdown(_tcb: Tcb, _now: number, _how: number): number {
  throw new Error('not there yet');
}

/**
 * close(): the socket lets go of the block, which becomes an orphan until it ends (`host.destroyed`). With SO_LINGER of
 * zero (`lingerZero`) the connection is aborted. A caller that lingers keeps the block by not calling this until
 * `tcpOutputQueued` is 0 or its time is over.
 */
export function tcpClose(_tcb: Tcb, _now: number, _lingerZero = false): void {
  throw new Error('not there yet');
}

/** Aborts: RST to the peer where one is due, state CLOSE (close with linger zero, connect(AF_UNSPEC)). */
export function tcpAbort(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}
