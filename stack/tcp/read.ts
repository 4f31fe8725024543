import type { Tcb } from './tcb.js';

/**
 * Takes (or with MSG_PEEK looks at) up to `length` received bytes into `target` from `offset`; `target` null drops them
 * (MSG_TRUNC). Never blocks: bytes, 0 at the end of the stream (or after shutdown), -EAGAIN when nothing is there,
 * -ENOTCONN, or the pending error.
 */
export function tcpReceive(
  _tcb: Tcb,
  _now: number,
  _target: Uint8Array | null,
  _offset: number,
  _length: number,
  _flags: number,
): number {
  throw new Error('not there yet');
}

/** SIOCINQ: bytes that can be read (a received FIN does not count). */
export function tcpInputQueued(_tcb: Tcb): number {
  throw new Error('not there yet');
}

/** SIOCATMARK. */
export function tcpAtMark(_tcb: Tcb): boolean {
  throw new Error('not there yet');
}

/** recv(MSG_OOB): the urgent byte 0 … 255, or -EAGAIN, -EINVAL; `peek` leaves it. */
export function tcpReceiveUrgent(_tcb: Tcb, _peek: boolean): number {
  throw new Error('not there yet');
}
