// Active open.
import type { Tcb } from './tcb.js';
import { Tcb as TcbClass } from './tcb.js';
import type { TcbHost } from './tcb-host.js';

/** A block in state CLOSE with the stack's defaults (creation-time sysctls are read here). `ipv6`: wire family. */
export function createTcb(host: TcbHost, ipv6: boolean): Tcb {
  const tcb = new TcbClass(host);
  tcb.ipv6 = ipv6;
  return tcb;
}

/** Data of sendto(MSG_FASTOPEN): what may travel in the SYN (RFC 7413). */
export interface ConnectData {
  bytes: Uint8Array;
  from: number;
  length: number;
  flags: number;
}

/**
 * connect(): local and remote address and port, `zone` and `ipv6` of the block are filled in by the caller.
 * Without `data`: 0 when the SYN is on its way (or, with TCP_FASTOPEN_CONNECT and a known cookie, when the first send
 * will carry it: `tcb.opt.deferConnect`). With `data`: the number of bytes taken (0 … length) as tcp_sendmsg_fastopen.
 * Negative errno: -ENETUNREACH (no route), -EOPNOTSUPP (fast open off), …
 */
export function tcpConnect(_tcb: Tcb, _now: number, _data: ConnectData | null = null): number {
  throw new Error('not there yet');
}
