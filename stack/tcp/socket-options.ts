// Socket options that the core owns. Each returns 0 or a negative errno, or the value; values in Linux's units.
import type { Tcb } from './tcb.js';

/** Options of level SOL_TCP whose value is one integer, by Linux's number (TCP_NODELAY 1 …). */
export function tcpSetOption(_tcb: Tcb, _now: number, _option: number, _value: number): number {
  throw new Error('not there yet');
}

/** The value (≥ 0 or -1 where Linux has that), or NaN for an option that is not an integer or unknown. */
export function tcpGetOption(_tcb: Tcb, _option: number): number {
  throw new Error('not there yet');
}

/** TCP_CONGESTION: 0 or -ENOENT. */
export function tcpSetCongestion(_tcb: Tcb, _now: number, _name: string): number {
  throw new Error('not there yet');
}

/** TCP_FASTOPEN_KEY: one or two keys of 16 bytes; 0 or -EINVAL. */
export function tcpSetFastOpenKey(_tcb: Tcb, _keys: Uint8Array): number {
  throw new Error('not there yet');
}

/** TCP_MD5SIG: key of up to 80 bytes for the peer address (empty: removes it). */
export function tcpSetMd5(_tcb: Tcb, _peer: Uint8Array, _prefix: number, _key: Uint8Array): number {
  throw new Error('not there yet');
}

/** SO_SNDBUF / SO_RCVBUF as given by the user: doubled and bounded as Linux does, and locked. `force`: without wmem_max. */
export function tcpSetSendBuffer(_tcb: Tcb, _now: number, _value: number, _force = false): void {
  throw new Error('not there yet');
}

export function tcpSetReceiveBuffer(_tcb: Tcb, _value: number, _force = false): void {
  throw new Error('not there yet');
}

/** SO_RCVLOWAT. */
export function tcpSetReceiveLowat(_tcb: Tcb, _now: number, _value: number): void {
  throw new Error('not there yet');
}

/** SO_KEEPALIVE. */
export function tcpSetKeepalive(_tcb: Tcb, _now: number, _on: boolean): void {
  throw new Error('not there yet');
}

/** SO_MAX_PACING_RATE in bytes per second, Infinity: none. */
export function tcpSetMaxPacingRate(_tcb: Tcb, _rate: number): void {
  throw new Error('not there yet');
}

/** IP_TOS / IPV6_TCLASS (ECN bits stay the protocol's), IP_TTL, IP_MTU_DISCOVER, SO_MARK are plain fields of the block. */
export function tcpSetTos(_tcb: Tcb, _value: number): void {
  throw new Error('not there yet');
}

/** SK_MEMINFO (SO_MEMINFO): the nine numbers in Linux's order. */
export function tcpMemInfo(_tcb: Tcb): number[] {
  throw new Error('not there yet');
}
