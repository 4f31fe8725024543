import type { Tcb } from './tcb.js';

/** Readiness as a level: EVENT_* bits that hold now. */
export function tcpPoll(_tcb: Tcb): number {
  throw new Error('not there yet');
}

/** SIOCOUTQ: bytes not acknowledged. */
export function tcpOutputQueued(_tcb: Tcb): number {
  throw new Error('not there yet');
}

/** SIOCOUTQNSD: bytes not sent. */
export function tcpOutputNotSent(_tcb: Tcb): number {
  throw new Error('not there yet');
}
