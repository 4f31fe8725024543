import type { SendSegment } from './send-segment.js';
import type { Tcb } from './tcb.js';

/** Initial window in segments from the route, or 10 (RFC 6928). */
export function initialCwnd(_tcb: Tcb): number {
  throw new Error('not there yet');
}

/** The handshake is done: initial cwnd, algorithm, first RTO (Linux's tcp_init_transfer without buffers and MTU probing). */
export function initCongestion(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}

/**
 * Call for every (re)transmission of a segment of the queue, with `segment.sentAt` set, BEFORE `packetsOut` counts it:
 * TX_START event, rate snapshot, lastDataSent. SYN and data alike.
 */
export function noteSent(_tcb: Tcb, _now: number, _segment: SendSegment): void {
  throw new Error('not there yet');
}

/** After new data went out (Linux's tcp_cwnd_validate). */
export function validateCwnd(_tcb: Tcb, _now: number, _isCwndLimited: boolean): void {
  throw new Error('not there yet');
}

/** Before data is queued after idleness: restart from the initial window (RFC 5681 section 4.1). */
export function idleRestartCheck(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}

/** Recomputes `snd.pacingRate` (bytes/s) from mss, cwnd and srtt. */
export function updatePacingRate(_tcb: Tcb): void {
  throw new Error('not there yet');
}

/** Slow start (RFC 5681 section 3.1). */
export function inSlowStart(tcb: Tcb): boolean {
  return tcb.cc.cwnd < tcb.cc.ssthresh;
}

export function isCwndLimited(_tcb: Tcb): boolean {
  throw new Error('not there yet');
}
