// IPv4 header (RFC 791, RFC 2474, RFC 3168): offsets, accessors and writers. `import * as ipv4`.
// After `checkIpv4` answered 0 every accessor is safe and the packet ends at `totalLength`: what the link
// delivered behind it is padding, never data. Addresses go in and out in their 16-byte mapped form.

import { formatIpv4, mapIpv4 } from './address.js';
import { copyBytes, getU16, setU16 } from './bytes.js';
import { checksumOf, fold, sumBytes } from './checksum.js';

export const IPV4_MIN_HEADER = 20;
export const IPV4_MAX_HEADER = 60;
export const IPV4_MAX_PACKET = 65535;
/** What every host accepts (RFC 791 section 3.2), and the least link MTU. */
export const IPV4_MIN_REASSEMBLY = 576;
export const IPV4_MIN_MTU = 68;

export const IPV4_OFF_TOS = 1;
export const IPV4_OFF_TOTAL_LENGTH = 2;
export const IPV4_OFF_ID = 4;
export const IPV4_OFF_FRAGMENT = 6;
export const IPV4_OFF_TTL = 8;
export const IPV4_OFF_PROTOCOL = 9;
export const IPV4_OFF_CHECKSUM = 10;
export const IPV4_OFF_SRC = 12;
export const IPV4_OFF_DST = 16;
export const IPV4_OFF_OPTIONS = 20;

/** Bits of the fragment word. */
export const IPV4_DF = 0x4000;
export const IPV4_MF = 0x2000;
export const IPV4_OFFSET_MASK = 0x1fff;

export const IPV4_ERR_SHORT = 1;
export const IPV4_ERR_VERSION = 2;
/** Header length below 20 bytes or beyond the packet. */
export const IPV4_ERR_HEADER = 3;
/** Total length below the header's or beyond what arrived. */
export const IPV4_ERR_LENGTH = 4;

export const IPOPT_EOL = 0;
export const IPOPT_NOP = 1;
export const IPOPT_RECORD_ROUTE = 7;
export const IPOPT_TIMESTAMP = 68;
export const IPOPT_LSRR = 131;
export const IPOPT_ROUTER_ALERT = 148;
export const IPOPT_SSRR = 137;

/** Whether `len` bytes at `o` hold an IPv4 packet: 0 or an IPV4_ERR_… code. The checksum is not looked at. */
export function checkIpv4(b: Uint8Array, o: number, len: number): number {
  if (len < IPV4_MIN_HEADER) return IPV4_ERR_SHORT;
  if (b[o] >>> 4 !== 4) return IPV4_ERR_VERSION;
  const head = headerLength(b, o);
  if (head < IPV4_MIN_HEADER || head > len) return IPV4_ERR_HEADER;
  const total = totalLength(b, o);
  if (total < head || total > len) return IPV4_ERR_LENGTH;
  return 0;
}

/** Whether the header's checksum is right (RFC 1122 section 3.2.1.2: drop in silence otherwise). */
export function headerVerifies(b: Uint8Array, o: number): boolean {
  return fold(sumBytes(b, o, o + headerLength(b, o))) === 0xffff;
}

/** Header length in bytes, options included. */
export function headerLength(b: Uint8Array, o: number): number {
  return (b[o] & 0x0f) << 2;
}

/** The whole byte: DSCP and ECN. */
export function tos(b: Uint8Array, o: number): number {
  return b[o + IPV4_OFF_TOS];
}

export function dscp(b: Uint8Array, o: number): number {
  return b[o + IPV4_OFF_TOS] >>> 2;
}

export function ecn(b: Uint8Array, o: number): number {
  return b[o + IPV4_OFF_TOS] & 3;
}

export function totalLength(b: Uint8Array, o: number): number {
  return getU16(b, o + IPV4_OFF_TOTAL_LENGTH);
}

export function id(b: Uint8Array, o: number): number {
  return getU16(b, o + IPV4_OFF_ID);
}

export function dontFragment(b: Uint8Array, o: number): boolean {
  return (b[o + IPV4_OFF_FRAGMENT] & 0x40) !== 0;
}

export function moreFragments(b: Uint8Array, o: number): boolean {
  return (b[o + IPV4_OFF_FRAGMENT] & 0x20) !== 0;
}

/** Offset of this fragment's data in bytes. */
export function fragmentOffset(b: Uint8Array, o: number): number {
  return (getU16(b, o + IPV4_OFF_FRAGMENT) & IPV4_OFFSET_MASK) << 3;
}

/** Part of a fragmented packet: more fragments follow, or this one is not the first. */
export function isFragment(b: Uint8Array, o: number): boolean {
  return (getU16(b, o + IPV4_OFF_FRAGMENT) & (IPV4_MF | IPV4_OFFSET_MASK)) !== 0;
}

export function ttl(b: Uint8Array, o: number): number {
  return b[o + IPV4_OFF_TTL];
}

export function protocol(b: Uint8Array, o: number): number {
  return b[o + IPV4_OFF_PROTOCOL];
}

export function checksum(b: Uint8Array, o: number): number {
  return getU16(b, o + IPV4_OFF_CHECKSUM);
}

/** Source address in mapped form to `out[at, at+16)`. */
export function readSource(b: Uint8Array, o: number, out: Uint8Array, at: number): void {
  mapIpv4(out, at, b, o + IPV4_OFF_SRC);
}

/** Destination address in mapped form to `out[at, at+16)`. */
export function readDestination(b: Uint8Array, o: number, out: Uint8Array, at: number): void {
  mapIpv4(out, at, b, o + IPV4_OFF_DST);
}

/**
 * Writes a header without options and with its checksum; `fragment` is the fragment word (IPV4_DF, IPV4_MF,
 * offset in 8-byte units), addresses are 16-byte. Returns `o + 20`.
 */
export function writeIpv4(
  b: Uint8Array,
  o: number,
  tosByte: number,
  total: number,
  ident: number,
  fragment: number,
  timeToLive: number,
  proto: number,
  src: Uint8Array,
  srcOffset: number,
  dst: Uint8Array,
  dstOffset: number,
): number {
  b[o] = 0x45;
  b[o + IPV4_OFF_TOS] = tosByte;
  setU16(b, o + IPV4_OFF_TOTAL_LENGTH, total);
  setU16(b, o + IPV4_OFF_ID, ident);
  setU16(b, o + IPV4_OFF_FRAGMENT, fragment);
  b[o + IPV4_OFF_TTL] = timeToLive;
  b[o + IPV4_OFF_PROTOCOL] = proto;
  copyBytes(b, o + IPV4_OFF_SRC, src, srcOffset + 12, 4);
  copyBytes(b, o + IPV4_OFF_DST, dst, dstOffset + 12, 4);
  finishHeader(b, o);
  return o + IPV4_MIN_HEADER;
}

/** Computes the header's checksum anew, after whatever was changed in it. */
export function finishHeader(b: Uint8Array, o: number): void {
  setU16(b, o + IPV4_OFF_CHECKSUM, 0);
  setU16(b, o + IPV4_OFF_CHECKSUM, checksumOf(b, o, o + headerLength(b, o)));
}

/**
 * Walks the options (RFC 791 section 3.1). Returns -1 when they are well-formed and carry no source route,
 * otherwise the offset within the header of the option at fault: the pointer of a Parameter Problem. `route`
 * says whether source routes are accepted; Linux's accept_source_route is 0 and drops such packets.
 */
export function checkOptions(b: Uint8Array, o: number, route = false): number {
  const end = o + headerLength(b, o);
  let at = o + IPV4_OFF_OPTIONS;
  while (at < end) {
    const kind = b[at];
    if (kind === IPOPT_EOL) return -1;
    if (kind === IPOPT_NOP) {
      at++;
      continue;
    }
    const size = at + 1 < end ? b[at + 1] : 0;
    if (size < 2 || at + size > end) return at - o;
    if (!route && (kind === IPOPT_LSRR || kind === IPOPT_SSRR)) return at - o;
    at += size;
  }
  return -1;
}

/** Text of an IPV4_ERR_… code. */
export function describeIpv4Error(code: number): string {
  return (
    ['ok', 'shorter than 20 bytes', 'version is not 4', 'header length', 'total length'][code] ??
    `error ${code}`
  );
}

/** The header in tcpdump's style, or what is wrong with it. For people. */
export function describeIpv4(b: Uint8Array, o: number, len: number): string {
  const bad = checkIpv4(b, o, len);
  if (bad !== 0) return `IP malformed (${describeIpv4Error(bad)})`;
  const marks: string[] = [];
  if (dontFragment(b, o)) marks.push('DF');
  if (moreFragments(b, o)) marks.push('MF');
  const frag = fragmentOffset(b, o) > 0 ? `, offset ${fragmentOffset(b, o)}` : '';
  return (
    `IP (tos 0x${tos(b, o).toString(16)}, ttl ${ttl(b, o)}, id ${id(b, o)}${frag}, flags [${marks.join('|') || 'none'}], ` +
    `proto ${protocol(b, o)}, length ${totalLength(b, o)}) ${formatIpv4(b, o + IPV4_OFF_SRC)} > ${formatIpv4(b, o + IPV4_OFF_DST)}`
  );
}
