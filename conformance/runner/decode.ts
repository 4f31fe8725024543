// A packet from a target, read into its fields: headers outermost first, then the transport. Reading never fails on
// odd bytes; what cannot be understood is left as `other`, so that it can still be shown. It knows nothing of scripts.

import { formatAddress } from './addresses.js';
import { complement, onesSum, pseudoHeaderSum } from './checksum.js';
import {
  type DecodedGre,
  type DecodedIp,
  type DecodedLayer,
  type DecodedMpls,
  type DecodedOption,
  type DecodedOther,
  type DecodedPacket,
  type DecodedTcp,
  type DecodedTransport,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  PROTOCOL_GRE,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_IPIP,
  PROTOCOL_IPV6,
  PROTOCOL_MPLS,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from './decoded.js';

export * from './decoded.js';

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
