// ICMP for IPv4 (RFC 792, RFC 1191, RFC 1812): types, codes, accessors and writers. `import * as icmp`.
// After `checkIcmp` answered 0 every accessor is safe. What an error quotes is read in stack/ip.

import { getU16, getU32, setU16, setU32 } from './bytes.js';
import { checksumOf, sumBytes, verifies } from './checksum.js';

export const ICMP_PROTOCOL = 1;
export const ICMP_HEADER = 8;

export const ICMP_ECHO_REPLY = 0;
export const ICMP_UNREACHABLE = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETER_PROBLEM = 12;

export const ICMP_NET_UNREACHABLE = 0;
export const ICMP_HOST_UNREACHABLE = 1;
export const ICMP_PROTOCOL_UNREACHABLE = 2;
export const ICMP_PORT_UNREACHABLE = 3;
export const ICMP_FRAGMENTATION_NEEDED = 4;
export const ICMP_SOURCE_ROUTE_FAILED = 5;
export const ICMP_ADMIN_PROHIBITED = 13;
/** Codes of Time Exceeded. */
export const ICMP_TTL_EXCEEDED = 0;
export const ICMP_REASSEMBLY_EXCEEDED = 1;

export const ICMP_ERR_SHORT = 1;
export const ICMP_ERR_CHECKSUM = 2;

/** Whether `len` bytes at `o` are an undamaged ICMP message: 0 or an ICMP_ERR_… code. */
export function checkIcmp(b: Uint8Array, o: number, len: number): number {
  if (len < ICMP_HEADER) return ICMP_ERR_SHORT;
  return verifies(sumBytes(b, o, o + len)) ? 0 : ICMP_ERR_CHECKSUM;
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

/** Next-hop MTU of Fragmentation Needed (RFC 1191), 0 from routers that do not know it. */
export function mtu(b: Uint8Array, o: number): number {
  return getU16(b, o + 6);
}

/** Pointer of a Parameter Problem. */
export function pointer(b: Uint8Array, o: number): number {
  return b[o + 4];
}

/** Whether a type reports an error about a packet and so must never be answered by an error (RFC 1122 3.2.2). */
export function isError(t: number): boolean {
  return (
    t === ICMP_UNREACHABLE ||
    t === ICMP_SOURCE_QUENCH ||
    t === ICMP_REDIRECT ||
    t === ICMP_TIME_EXCEEDED ||
    t === ICMP_PARAMETER_PROBLEM
  );
}

/** Writes type, code and the four bytes behind the checksum, which is left 0. Returns `o + 8`. */
export function writeIcmp(b: Uint8Array, o: number, t: number, c: number, rest: number): number {
  b[o] = t;
  b[o + 1] = c;
  setU16(b, o + 2, 0);
  setU32(b, o + 4, rest);
  return o + ICMP_HEADER;
}

/** Fills in the checksum of the message of `len` bytes at `o`. */
export function finishIcmp(b: Uint8Array, o: number, len: number): void {
  setU16(b, o + 2, 0);
  setU16(b, o + 2, checksumOf(b, o, o + len));
}

/** One line in tcpdump's style, or what is wrong. For people. */
export function describeIcmp(b: Uint8Array, o: number, len: number): string {
  const bad = checkIcmp(b, o, len);
  if (bad !== 0) return `ICMP malformed (${bad === ICMP_ERR_SHORT ? 'shorter than 8 bytes' : 'checksum'})`;
  const t = type(b, o);
  const c = code(b, o);
  if (t === ICMP_ECHO || t === ICMP_ECHO_REPLY) {
    return `ICMP echo ${t === ICMP_ECHO ? 'request' : 'reply'}, id ${id(b, o)}, seq ${sequence(b, o)}, length ${len}`;
  }
  if (t === ICMP_UNREACHABLE) {
    const names = ['net', 'host', 'protocol', 'port'];
    if (c === ICMP_FRAGMENTATION_NEEDED)
      return `ICMP unreachable - need to frag (mtu ${mtu(b, o)}), length ${len}`;
    return `ICMP ${names[c] ?? `code ${c}`} unreachable, length ${len}`;
  }
  if (t === ICMP_TIME_EXCEEDED) return `ICMP time exceeded code ${c}, length ${len}`;
  if (t === ICMP_PARAMETER_PROBLEM) return `ICMP parameter problem, pointer ${pointer(b, o)}, length ${len}`;
  return `ICMP type ${t} code ${c} rest 0x${getU32(b, o + 4).toString(16)}, length ${len}`;
}
