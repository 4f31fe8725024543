import type { Tcb } from './tcb.js';

/** A pure ACK now. */
export function sendAck(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}

/** A challenge ACK (RFC 5961), under tcp_invalid_ratelimit unless `acceptAnyway`, and the host-wide limit. */
export function sendChallengeAck(_tcb: Tcb, _now: number): void {
  throw new Error('not there yet');
}
