import type { SendSegment } from './send-segment.js';
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

// What loss recovery asks before it retransmits; named here because new data is held back by the same three.

/** Most wire segments that one super-packet may hold now (tcp_tso_segs). */
export function maxSuperPacketSegments(_tcb: Tcb, _mss: number): number {
  throw new Error('not there yet');
}

/** Pacing holds the next packet back; its timer then runs (tcp_pacing_check). */
export function pacingHolds(_tcb: Tcb, _now: number): boolean {
  throw new Error('not there yet');
}

/** The small-queue limit holds `segment` back; `factor` 0 for new data, 1 for retransmissions (tcp_small_queue_check). */
export function smallQueueHolds(_tcb: Tcb, _segment: SendSegment, _factor: number): boolean {
  throw new Error('not there yet');
}
