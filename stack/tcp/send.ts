import type { Tcb } from './tcb.js';

export const MSG_OOB = 0x1;
export const MSG_PEEK = 0x2;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_EOR = 0x80;
export const MSG_WAITALL = 0x100;
export const MSG_MORE = 0x8000;
export const MSG_ZEROCOPY = 0x400_0000;
export const MSG_FASTOPEN = 0x2000_0000;

/**
 * Queues up to `length` bytes of `bytes` from `from` and sends what may be sent. Never blocks: returns the bytes taken,
 * or -EAGAIN (no space: wait for EVENT_WRITABLE and call again with the rest), -EPIPE (shut down; the caller raises
 * SIGPIPE), the pending error, -ENOTCONN. Flags: MSG_MORE, MSG_EOR, MSG_OOB, MSG_ZEROCOPY.
 * In SYN-SENT and SYN-RECEIVED the answer is -EAGAIN.
 */
export function tcpSend(
  _tcb: Tcb,
  _now: number,
  _bytes: Uint8Array,
  _from: number,
  _length: number,
  _flags: number,
): number {
  throw new Error('not there yet');
}
