// A packet from a target, read into its fields: headers outermost first, then the transport. Reading never fails on
// odd bytes; what cannot be understood is left as `other`, so that it can still be shown. It knows nothing of scripts.

import { formatAddress } from './addresses.js';
import { complement, onesSum, pseudoHeaderSum } from './checksum.js';

export interface DecodedIp {
  readonly kind: 'ipv4' | 'ipv6';
  readonly offset: number;
  readonly headerLength: number;
  /** Of the whole packet, as its header says. */
  readonly totalLength: number;
  readonly source: string;
  readonly destination: string;
  readonly tos: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly flowLabel: number;
  readonly headerChecksumOk: boolean;
}

export interface DecodedGre {
  readonly kind: 'gre';
  readonly offset: number;
  readonly headerLength: number;
  readonly flags: number;
  readonly protocol: number;
  readonly checksum: number;
  readonly routingOffset: number;
  readonly key: number;
  readonly sequence: number;
}

export interface DecodedMpls {
  readonly kind: 'mpls';
  readonly offset: number;
  readonly headerLength: number;
  readonly labels: readonly {
    readonly label: number;
    readonly trafficClass: number;
    readonly bottom: boolean;
    readonly ttl: number;
  }[];
}

export type DecodedLayer = DecodedIp | DecodedGre | DecodedMpls;

export interface DecodedOption {
  readonly kind: number;
  readonly length: number;
  /** Behind kind and length. */
  readonly data: Uint8Array;
}

export interface DecodedTcp {
  readonly kind: 'tcp';
  readonly offset: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  sequence: number;
  ack: number;
  readonly headerLength: number;
  readonly reserved: number;
  /** AE, CWR, ECE, URG, ACK, PSH, RST, SYN, FIN: bits 8 to 0. */
  flags: number;
  readonly window: number;
  readonly urgent: number;
  options: readonly DecodedOption[];
  readonly optionsOk: boolean;
}

export interface DecodedUdp {
  readonly kind: 'udp';
  readonly offset: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly length: number;
  readonly headerLength: 8;
}

export interface DecodedIcmp {
  readonly kind: 'icmp';
  readonly offset: number;
  readonly version: 4 | 6;
  readonly type: number;
  readonly code: number;
  /** The 32 bits behind the checksum: MTU, identifier and sequence number, pointer. */
  readonly rest: number;
  readonly headerLength: 8;
}

export interface DecodedOther {
  readonly kind: 'other';
  readonly offset: number;
  readonly headerLength: 0;
}

export type DecodedTransport = DecodedTcp | DecodedUdp | DecodedIcmp | DecodedOther;

export interface DecodedPacket {
  readonly time: number;
  readonly bytes: Uint8Array;
  /** Encapsulating headers before `ip`, outermost first. */
  readonly outer: readonly DecodedLayer[];
  /** The innermost IP header; null for bytes that have none. */
  readonly ip: DecodedIp | null;
  readonly transport: DecodedTransport;
  readonly payloadOffset: number;
  payloadLength: number;
  /** Null when the transport has no checksum to check. */
  readonly checksumOk: boolean | null;
}

export const FIN = 0x001;
export const SYN = 0x002;
export const RST = 0x004;
export const PSH = 0x008;
export const ACK = 0x010;
export const URG = 0x020;
export const ECE = 0x040;
export const CWR = 0x080;
export const AE = 0x100;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_IPIP = 4;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_IPV6 = 41;
export const PROTOCOL_GRE = 47;
export const PROTOCOL_ICMPV6 = 58;
export const PROTOCOL_MPLS = 137;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_MPLS = 0x8847;

const u16 = (b: Uint8Array, o: number): number => (b[o]! << 8) | b[o + 1]!;
const u32 = (b: Uint8Array, o: number): number =>
  ((b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!) >>> 0;

/** Reads one network-layer packet. */
export function decodePacket(bytes: Uint8Array, time: number): DecodedPacket {
  const outer: DecodedLayer[] = [];
  let ip: DecodedIp | null = null;
  let offset = 0;
  let protocol: number = (bytes[0]! ?? 0) >>> 4 === 6 ? PROTOCOL_IPV6 : PROTOCOL_IPIP;
  let end = bytes.length;
  for (;;) {
    if (protocol === PROTOCOL_IPIP || protocol === PROTOCOL_IPV6) {
      const next = decodeIp(bytes, offset, end);
      if (!next) break;
      if (ip) outer.push(ip);
      ip = next;
      offset += next.headerLength;
      end = Math.min(end, next.offset + next.totalLength);
      protocol = next.protocol;
    } else if (protocol === PROTOCOL_GRE && end - offset >= 4) {
      const gre = decodeGre(bytes, offset, end);
      const inner = innerProtocol(gre.protocol);
      if (!ip || inner === null) break;
      outer.push(ip, gre);
      ip = null;
      offset += gre.headerLength;
      protocol = inner;
    } else if (protocol === PROTOCOL_MPLS && end - offset >= 4) {
      const mpls = decodeMpls(bytes, offset, end);
      if (ip) outer.push(ip);
      outer.push(mpls);
      ip = null;
      offset += mpls.headerLength;
      protocol = bytes[offset]! >>> 4 === 6 ? PROTOCOL_IPV6 : PROTOCOL_IPIP;
    } else {
      break;
    }
  }
  const transport = ip ? decodeTransport(bytes, offset, end, ip) : other(offset);
  const payloadOffset = transport.offset + transport.headerLength;
  return {
    time,
    bytes,
    outer,
    ip,
    transport,
    payloadOffset,
    payloadLength: Math.max(0, end - payloadOffset),
    checksumOk: ip ? transportChecksumOk(bytes, ip, transport, end) : null,
  };
}

function innerProtocol(etherType: number): number | null {
  if (etherType === ETHERTYPE_IPV4) return PROTOCOL_IPIP;
  if (etherType === ETHERTYPE_IPV6) return PROTOCOL_IPV6;
  return etherType === ETHERTYPE_MPLS ? PROTOCOL_MPLS : null;
}

function decodeIp(b: Uint8Array, o: number, end: number): DecodedIp | null {
  const version = b[o]! >>> 4;
  if (version === 4 && end - o >= 20) {
    const headerLength = (b[o]! & 15) * 4;
    if (headerLength < 20 || o + headerLength > end) return null;
    return {
      kind: 'ipv4',
      offset: o,
      headerLength,
      totalLength: u16(b, o + 2),
      source: formatAddress(b, o + 12, 4),
      destination: formatAddress(b, o + 16, 4),
      tos: b[o + 1]!,
      ttl: b[o + 8]!,
      protocol: b[o + 9]!,
      flowLabel: 0,
      headerChecksumOk: onesSum(b, o, o + headerLength) === 0xffff,
    };
  }
  if (version === 6 && end - o >= 40) {
    const payload = u16(b, o + 4);
    return {
      kind: 'ipv6',
      offset: o,
      headerLength: 40,
      // A super-packet beyond 64 KiB carries 0 here (RFC 2675); its end is the buffer's.
      totalLength: payload === 0 ? end - o : 40 + payload,
      source: formatAddress(b, o + 8, 16),
      destination: formatAddress(b, o + 24, 16),
      tos: ((b[o]! & 15) << 4) | (b[o + 1]! >>> 4),
      ttl: b[o + 7]!,
      protocol: b[o + 6]!,
      flowLabel: u32(b, o) & 0xfffff,
      headerChecksumOk: true,
    };
  }
  return null;
}

function decodeGre(b: Uint8Array, o: number, end: number): DecodedGre {
  const flags = u16(b, o);
  let at = o + 4;
  let checksum = 0;
  let routingOffset = 0;
  let key = 0;
  let sequence = 0;
  if (flags & 0xc000) {
    checksum = u16(b, at);
    routingOffset = u16(b, at + 2);
    at += 4;
  }
  if (flags & 0x2000) {
    key = u32(b, at);
    at += 4;
  }
  if (flags & 0x1000) {
    sequence = u32(b, at);
    at += 4;
  }
  const headerLength = Math.min(at, end) - o;
  return {
    kind: 'gre',
    offset: o,
    headerLength,
    flags,
    protocol: u16(b, o + 2),
    checksum,
    routingOffset,
    key,
    sequence,
  };
}

function decodeMpls(b: Uint8Array, o: number, end: number): DecodedMpls {
  const labels: { label: number; trafficClass: number; bottom: boolean; ttl: number }[] = [];
  let at = o;
  while (at + 4 <= end) {
    const entry = u32(b, at);
    const bottom = (entry & 0x100) !== 0;
    labels.push({ label: entry >>> 12, trafficClass: (entry >>> 9) & 7, bottom, ttl: entry & 0xff });
    at += 4;
    if (bottom) break;
  }
  return { kind: 'mpls', offset: o, headerLength: at - o, labels };
}

const other = (offset: number): DecodedOther => ({ kind: 'other', offset, headerLength: 0 });

function decodeTransport(b: Uint8Array, o: number, end: number, ip: DecodedIp): DecodedTransport {
  const room = end - o;
  if (ip.protocol === PROTOCOL_TCP && room >= 20) return decodeTcp(b, o, end);
  if (ip.protocol === PROTOCOL_UDP && room >= 8) {
    return {
      kind: 'udp',
      offset: o,
      sourcePort: u16(b, o),
      destinationPort: u16(b, o + 2),
      length: u16(b, o + 4),
      headerLength: 8,
    };
  }
  const icmp4 = ip.kind === 'ipv4' && ip.protocol === PROTOCOL_ICMP;
  const icmp6 = ip.kind === 'ipv6' && ip.protocol === PROTOCOL_ICMPV6;
  if ((icmp4 || icmp6) && room >= 8) {
    const version = icmp4 ? 4 : 6;
    return {
      kind: 'icmp',
      offset: o,
      version,
      type: b[o]!,
      code: b[o + 1]!,
      rest: u32(b, o + 4),
      headerLength: 8,
    };
  }
  return other(o);
}

/** Reads a TCP header at `o`; `end` may cut it short (as in an ICMP quotation) down to eight bytes. */
function decodeTcp(b: Uint8Array, o: number, end: number): DecodedTcp {
  const dataOffset = (b[o + 12]! >>> 4) * 4;
  const headerLength = Math.max(20, Math.min(dataOffset, end - o));
  const { options, ok } = decodeOptions(b, o + 20, o + headerLength);
  return {
    kind: 'tcp',
    offset: o,
    sourcePort: u16(b, o),
    destinationPort: u16(b, o + 2),
    sequence: u32(b, o + 4),
    ack: u32(b, o + 8),
    headerLength,
    reserved: (b[o + 12]! >>> 1) & 7,
    flags: ((b[o + 12]! & 1) << 8) | b[o + 13]!,
    window: u16(b, o + 14),
    urgent: u16(b, o + 18),
    options,
    optionsOk: ok && dataOffset === headerLength,
  };
}

/** Options in wire order, paddings included; `ok` is false when a length makes no sense (the rest is then one option). */
export function decodeOptions(
  b: Uint8Array,
  start: number,
  end: number,
): { options: DecodedOption[]; ok: boolean } {
  const options: DecodedOption[] = [];
  let o = start;
  while (o < end) {
    const kind = b[o]!;
    if (kind <= 1) {
      options.push({ kind, length: 1, data: b.subarray(o + 1, o + 1) });
      o++;
      // Behind end-of-options-list only padding follows (RFC 9293 section 3.2).
      if (kind === 0) break;
      continue;
    }
    const length = o + 1 < end ? b[o + 1]! : 0;
    if (length < 2 || o + length > end) {
      options.push({ kind, length: end - o, data: b.subarray(o + 1, end) });
      return { options, ok: false };
    }
    options.push({ kind, length, data: b.subarray(o + 2, o + length) });
    o += length;
  }
  return { options, ok: true };
}

function transportChecksumOk(b: Uint8Array, ip: DecodedIp, t: DecodedTransport, end: number): boolean | null {
  if (t.kind === 'other') return null;
  if (t.kind === 'icmp' && t.version === 4) return onesSum(b, t.offset, end) === 0xffff;
  if (t.kind === 'udp' && u16(b, t.offset + 6) === 0 && ip.kind === 'ipv4') return true;
  const v4 = ip.kind === 'ipv4';
  const pseudo = pseudoHeaderSum(b, ip.offset + (v4 ? 12 : 8), v4 ? 4 : 16, ip.protocol, end - t.offset);
  return complement(onesSum(b, t.offset, end, pseudo)) === 0;
}
