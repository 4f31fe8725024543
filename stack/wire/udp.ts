// UDP header (RFC 768). `import * as udp`. After `checkUdp` answered 0 every accessor is safe and the datagram
// ends at `length`. Knows no sockets and no IP.

import { getU16, setU16 } from './bytes.js';

export const UDP_PROTOCOL = 17;
export const UDP_HEADER = 8;
export const UDP_OFF_SRC_PORT = 0;
export const UDP_OFF_DST_PORT = 2;
export const UDP_OFF_LENGTH = 4;
export const UDP_OFF_CHECKSUM = 6;

export const UDP_ERR_SHORT = 1;
/** Length field below 8 or beyond the IP payload. */
export const UDP_ERR_LENGTH = 2;

/** Whether `len` bytes of IP payload at `o` hold a datagram: 0 or a UDP_ERR_… code. No checksum is looked at. */
export function checkUdp(b: Uint8Array, o: number, len: number): number {
  if (len < UDP_HEADER) return UDP_ERR_SHORT;
  const n = length(b, o);
  return n < UDP_HEADER || n > len ? UDP_ERR_LENGTH : 0;
}

export function srcPort(b: Uint8Array, o: number): number {
  return getU16(b, o + UDP_OFF_SRC_PORT);
}

export function dstPort(b: Uint8Array, o: number): number {
  return getU16(b, o + UDP_OFF_DST_PORT);
}

/** Header and data in bytes. */
export function length(b: Uint8Array, o: number): number {
  return getU16(b, o + UDP_OFF_LENGTH);
}

/** 0: none was computed, which only IPv4 allows (RFC 8200 section 8.1). */
export function checksum(b: Uint8Array, o: number): number {
  return getU16(b, o + UDP_OFF_CHECKSUM);
}

export function setChecksum(b: Uint8Array, o: number, v: number): void {
  setU16(b, o + UDP_OFF_CHECKSUM, v);
}

/** Writes a header with checksum 0; `len` counts header and data. Returns `o + 8`. */
export function writeUdp(b: Uint8Array, o: number, src: number, dst: number, len: number): number {
  setU16(b, o + UDP_OFF_SRC_PORT, src);
  setU16(b, o + UDP_OFF_DST_PORT, dst);
  setU16(b, o + UDP_OFF_LENGTH, len);
  setU16(b, o + UDP_OFF_CHECKSUM, 0);
  return o + UDP_HEADER;
}

/** One line in tcpdump's style, or what is wrong. For people. */
export function describeUdp(b: Uint8Array, o: number, len: number): string {
  const bad = checkUdp(b, o, len);
  if (bad !== 0) return `UDP malformed (${bad === UDP_ERR_SHORT ? 'shorter than 8 bytes' : 'length field'})`;
  return `UDP ${srcPort(b, o)} > ${dstPort(b, o)}, length ${length(b, o) - UDP_HEADER}`;
}
