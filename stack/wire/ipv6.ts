// IPv6 header (RFC 8200, flow label RFC 6437): offsets, accessors and writers. `import * as ipv6`.
// After `checkIpv6` answered 0 every accessor is safe and the packet ends at 40 + `payloadLength`: what the
// link delivered behind it is padding. Extension headers are in ipv6-extensions.ts.

import { copyAddress, formatIpv6 } from './address.js';
import { getU16, setU16 } from './bytes.js';

export const IPV6_HEADER = 40;
export const IPV6_MIN_MTU = 1280;

export const IPV6_OFF_PAYLOAD_LENGTH = 4;
export const IPV6_OFF_NEXT_HEADER = 6;
export const IPV6_OFF_HOP_LIMIT = 7;
export const IPV6_OFF_SRC = 8;
export const IPV6_OFF_DST = 24;

export const IPV6_ERR_SHORT = 1;
export const IPV6_ERR_VERSION = 2;
/** Payload length beyond what arrived. */
export const IPV6_ERR_LENGTH = 3;

/** Whether `len` bytes at `o` hold an IPv6 packet: 0 or an IPV6_ERR_… code. */
export function checkIpv6(b: Uint8Array, o: number, len: number): number {
  if (len < IPV6_HEADER) return IPV6_ERR_SHORT;
  if (b[o] >>> 4 !== 6) return IPV6_ERR_VERSION;
  if (IPV6_HEADER + payloadLength(b, o) > len) return IPV6_ERR_LENGTH;
  return 0;
}

/** The whole byte: DSCP and ECN, as IPv4's TOS. */
export function trafficClass(b: Uint8Array, o: number): number {
  return ((b[o] & 0x0f) << 4) | (b[o + 1] >>> 4);
}

export function dscp(b: Uint8Array, o: number): number {
  return trafficClass(b, o) >>> 2;
}

export function ecn(b: Uint8Array, o: number): number {
  return (b[o + 1] >>> 4) & 3;
}

export function flowLabel(b: Uint8Array, o: number): number {
  return ((b[o + 1] & 0x0f) << 16) | getU16(b, o + 2);
}

/** Bytes behind the fixed header, extension headers included. */
export function payloadLength(b: Uint8Array, o: number): number {
  return getU16(b, o + IPV6_OFF_PAYLOAD_LENGTH);
}

/** The whole packet's length. */
export function totalLength(b: Uint8Array, o: number): number {
  return IPV6_HEADER + payloadLength(b, o);
}

export function nextHeader(b: Uint8Array, o: number): number {
  return b[o + IPV6_OFF_NEXT_HEADER];
}

export function hopLimit(b: Uint8Array, o: number): number {
  return b[o + IPV6_OFF_HOP_LIMIT];
}

export function readSource(b: Uint8Array, o: number, out: Uint8Array, at: number): void {
  copyAddress(out, at, b, o + IPV6_OFF_SRC);
}

export function readDestination(b: Uint8Array, o: number, out: Uint8Array, at: number): void {
  copyAddress(out, at, b, o + IPV6_OFF_DST);
}

/** Sets the two ECN bits (e.g. to CE): IPv6 has no header checksum to mend. */
export function setEcn(b: Uint8Array, o: number, bits: number): void {
  b[o + 1] = (b[o + 1] & 0xcf) | ((bits & 3) << 4);
}

/** Writes the fixed header; returns `o + 40`. */
export function writeIpv6(
  b: Uint8Array,
  o: number,
  tclass: number,
  label: number,
  payload: number,
  next: number,
  hops: number,
  src: Uint8Array,
  srcOffset: number,
  dst: Uint8Array,
  dstOffset: number,
): number {
  b[o] = 0x60 | (tclass >>> 4);
  b[o + 1] = ((tclass & 0x0f) << 4) | ((label >>> 16) & 0x0f);
  setU16(b, o + 2, label);
  setU16(b, o + IPV6_OFF_PAYLOAD_LENGTH, payload);
  b[o + IPV6_OFF_NEXT_HEADER] = next;
  b[o + IPV6_OFF_HOP_LIMIT] = hops;
  copyAddress(b, o + IPV6_OFF_SRC, src, srcOffset);
  copyAddress(b, o + IPV6_OFF_DST, dst, dstOffset);
  return o + IPV6_HEADER;
}

/** Text of an IPV6_ERR_… code. */
export function describeIpv6Error(code: number): string {
  return ['ok', 'shorter than 40 bytes', 'version is not 6', 'payload length'][code] ?? `error ${code}`;
}

/** The header in tcpdump's style, or what is wrong with it. For people. */
export function describeIpv6(b: Uint8Array, o: number, len: number): string {
  const bad = checkIpv6(b, o, len);
  if (bad !== 0) return `IP6 malformed (${describeIpv6Error(bad)})`;
  return (
    `IP6 (class 0x${trafficClass(b, o).toString(16)}, flowlabel 0x${flowLabel(b, o).toString(16)}, ` +
    `hlim ${hopLimit(b, o)}, next-header ${nextHeader(b, o)}, payload length ${payloadLength(b, o)}) ` +
    `${formatIpv6(b, o + IPV6_OFF_SRC)} > ${formatIpv6(b, o + IPV6_OFF_DST)}`
  );
}
