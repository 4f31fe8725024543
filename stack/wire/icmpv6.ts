// ICMPv6 (RFC 4443): types, codes, accessors and writers. `import * as icmpv6`. Its checksum covers the
// pseudo-header. Neighbour discovery's messages are in nd.ts.

import { getU16, getU32, setU16, setU32 } from './bytes.js';
import { finish, pseudoSum, pseudoSumAt, sumBytes, verifies } from './checksum.js';
import { IPV6_OFF_SRC } from './ipv6.js';

export const ICMPV6_PROTOCOL = 58;
export const ICMPV6_HEADER = 8;

export const ICMPV6_UNREACHABLE = 1;
export const ICMPV6_PACKET_TOO_BIG = 2;
export const ICMPV6_TIME_EXCEEDED = 3;
export const ICMPV6_PARAMETER_PROBLEM = 4;
export const ICMPV6_ECHO = 128;
export const ICMPV6_ECHO_REPLY = 129;
export const ICMPV6_ROUTER_SOLICITATION = 133;
export const ICMPV6_ROUTER_ADVERTISEMENT = 134;
export const ICMPV6_NEIGHBOR_SOLICITATION = 135;
export const ICMPV6_NEIGHBOR_ADVERTISEMENT = 136;
export const ICMPV6_REDIRECT = 137;

/** Codes of Destination Unreachable. */
export const ICMPV6_NO_ROUTE = 0;
export const ICMPV6_ADMIN_PROHIBITED = 1;
export const ICMPV6_BEYOND_SCOPE = 2;
export const ICMPV6_ADDRESS_UNREACHABLE = 3;
export const ICMPV6_PORT_UNREACHABLE = 4;
/** Codes of Parameter Problem. */
export const ICMPV6_BAD_FIELD = 0;
export const ICMPV6_BAD_NEXT_HEADER = 1;
export const ICMPV6_BAD_OPTION = 2;

export const ICMPV6_ERR_SHORT = 1;
export const ICMPV6_ERR_CHECKSUM = 2;

/**
 * Whether `len` bytes at `o` are an undamaged ICMPv6 message of the IPv6 packet whose header is at `ip`:
 * 0 or an ICMPV6_ERR_… code.
 */
export function checkIcmpv6(b: Uint8Array, ip: number, o: number, len: number): number {
  if (len < ICMPV6_HEADER) return ICMPV6_ERR_SHORT;
  const sum = pseudoSumAt(b, ip + IPV6_OFF_SRC, 32, ICMPV6_PROTOCOL, len) + sumBytes(b, o, o + len);
  return verifies(sum) ? 0 : ICMPV6_ERR_CHECKSUM;
}

export function type(b: Uint8Array, o: number): number {
  return b[o];
}

export function code(b: Uint8Array, o: number): number {
  return b[o + 1];
}

export function checksum(b: Uint8Array, o: number): number {
  return getU16(b, o + 2);
}

/** Identifier of an echo. */
export function id(b: Uint8Array, o: number): number {
  return getU16(b, o + 4);
}

/** Sequence number of an echo. */
export function sequence(b: Uint8Array, o: number): number {
  return getU16(b, o + 6);
}

/** MTU of Packet Too Big. */
export function mtu(b: Uint8Array, o: number): number {
  return getU32(b, o + 4);
}

/** Pointer of a Parameter Problem. */
export function pointer(b: Uint8Array, o: number): number {
  return getU32(b, o + 4);
}

/** Whether a type reports an error (RFC 4443 section 2.1: the high bit is clear). */
export function isError(t: number): boolean {
  return t < 128;
}

/** Writes type, code and the four bytes behind the checksum, which is left 0. Returns `o + 8`. */
export function writeIcmpv6(b: Uint8Array, o: number, t: number, c: number, rest: number): number {
  b[o] = t;
  b[o + 1] = c;
  setU16(b, o + 2, 0);
  setU32(b, o + 4, rest);
  return o + ICMPV6_HEADER;
}

/** Fills in the checksum of the message of `len` bytes at `o`, sent from `src` to `dst` (16 bytes each). */
export function finishIcmpv6(
  b: Uint8Array,
  o: number,
  len: number,
  src: Uint8Array,
  srcOffset: number,
  dst: Uint8Array,
  dstOffset: number,
): void {
  setU16(b, o + 2, 0);
  const sum = pseudoSum(src, srcOffset, dst, dstOffset, ICMPV6_PROTOCOL, len) + sumBytes(b, o, o + len);
  setU16(b, o + 2, finish(sum));
}

/** One line in tcpdump's style, or what is wrong (`ip` is the IPv6 header's offset). For people. */
export function describeIcmpv6(b: Uint8Array, ip: number, o: number, len: number): string {
  const bad = checkIcmpv6(b, ip, o, len);
  if (bad !== 0) return `ICMP6 malformed (${bad === ICMPV6_ERR_SHORT ? 'shorter than 8 bytes' : 'checksum'})`;
  const t = type(b, o);
  const c = code(b, o);
  switch (t) {
    case ICMPV6_ECHO:
    case ICMPV6_ECHO_REPLY:
      return `ICMP6 echo ${t === ICMPV6_ECHO ? 'request' : 'reply'}, id ${id(b, o)}, seq ${sequence(b, o)}, length ${len}`;
    case ICMPV6_UNREACHABLE:
      return `ICMP6 unreachable ${['route', 'prohibited', 'scope', 'address', 'port'][c] ?? `code ${c}`}, length ${len}`;
    case ICMPV6_PACKET_TOO_BIG:
      return `ICMP6 packet too big, mtu ${mtu(b, o)}, length ${len}`;
    case ICMPV6_TIME_EXCEEDED:
      return `ICMP6 time exceeded code ${c}, length ${len}`;
    case ICMPV6_PARAMETER_PROBLEM:
      return `ICMP6 parameter problem code ${c}, pointer ${pointer(b, o)}, length ${len}`;
    default:
      return `ICMP6 type ${t} code ${c}, length ${len}`;
  }
}
