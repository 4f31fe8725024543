import type { Tcb } from './tcb.js';

/**
 * Sends queued segments as far as windows allow. `nonagle` NAGLE_* bits; `pushOne` 0: as many as possible, 1: one
 * segment, 2: one segment even over cwnd (loss probe). Returns true when nothing is in flight although data waits.
 */
export function writeXmit(
  _tcb: Tcb,
  _now: number,
  _mss: number,
  _nonagle: number,
  _pushOne: number,
): boolean {
  throw new Error('not there yet');
}

/** Sends what waits, with the connection's own Nagle setting (tcp_push_pending_frames). */
export function pushPendingFrames(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}
