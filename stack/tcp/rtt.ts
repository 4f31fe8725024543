import type { Tcb } from './tcb.js';

/** Takes the handshake's round trip (µs; -1: SYN or SYN-ACK was retransmitted, no sample) on the passive side. */
export function synRttMeasure(_tcb: Tcb, _now: number, _rtt: number): void {
  throw new Error('not there yet');
}

/** RTO before any sample, µs (RFC 6298 section 2.1). */
export function initialRto(_tcb: Tcb): number {
  throw new Error('not there yet');
}

/** Floor of the RTO in µs: route, socket or tcp_rto_min_us. */
export function rtoMin(_tcb: Tcb): number {
  throw new Error('not there yet');
}

/** RTO from srtt and rttvar into `tcb.rtt.rto`, within bounds. */
export function setRto(_tcb: Tcb): void {
  throw new Error('not there yet');
}

/** Windowed minimum RTT in µs, Number.MAX_SAFE_INTEGER when never measured. */
export function minRtt(_tcb: Tcb): number {
  throw new Error('not there yet');
}
