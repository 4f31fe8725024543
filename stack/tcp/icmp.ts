import type { Tcb } from './tcb.js';

/**
 * An ICMP or ICMPv6 error (family by `tcb.ipv6`) that quotes a segment of ours: `info` is the next-hop MTU where the
 * type has one, `seq` the quoted sequence number. RFC 1122, 5927, 8201; soft and hard errors as Linux.
 */
export function tcpError(
  _tcb: Tcb,
  _now: number,
  _type: number,
  _code: number,
  _info: number,
  _seq: number,
): void {
  throw new Error('not there yet');
}
