// Does the target's packet agree with the script's? The first difference, in words. What a script does not write is
// not compared: window, IP octets, flow label, timestamp values. Numbers come in the script's terms (flow.ts).

import type { Ipv4Layer, Ipv6Layer, PacketBody, TcpSegment, Value } from '../language/ast.js';
import { canonicalAddress } from './addresses.js';
import { flagBits } from './build.js';
import { compareOptions } from './compare-options.js';
import {
  ACK,
  AE,
  CWR,
  type DecodedIp,
  type DecodedLayer,
  type DecodedPacket,
  type DecodedTcp,
  ECE,
  FIN,
  PSH,
  RST,
  SYN,
  URG,
} from './decode.js';
import { type Difference, differ } from './difference.js';
import { UnsupportedFeature } from './errors.js';

import { icmpNumbers } from './icmp.js';
import { hexBytes, known } from './tcp-options.js';

export type { Difference };

/** An expected value: a wildcard agrees with everything. */
function differs(value: Value, actual: number, field: string, span: TcpSegment['span']): Difference | null {
  if (value === '*') return null;
  const expected = known(value, field, span) >>> 0;
  return expected === actual >>> 0 ? null : differ(field, value, actual);
}

/** Headers, fields, options and payload. Time, checksums and flow label belong to the caller. */
export function comparePacket(packet: PacketBody, actual: DecodedPacket): Difference | null {
  if (packet.psp) throw new UnsupportedFeature('PSP encapsulation', packet.psp.span);
  const { transport } = packet;
  if (transport.kind === 'raw') {
    const wanted = hexBytes(transport.bytes);
    const at = wanted.findIndex((v, i) => v !== actual.bytes[i]);
    if (at >= 0) return differ(`byte ${at}`, wanted[at], actual.bytes[at] ?? 'nothing');
    if (wanted.length === actual.bytes.length) return null;
    return differ('packet length', wanted.length, actual.bytes.length);
  }
  if (!actual.ip) return differ('IP header', 'one', 'none');
  return compareLayers(packet, actual) ?? compareIp(packet.ip, actual.ip) ?? compareTransport(packet, actual);
}

function compareLayers(packet: PacketBody, actual: DecodedPacket): Difference | null {
  if (packet.layers.length !== actual.outer.length) {
    const names = (layers: readonly { kind: string }[]): string =>
      layers.map((l) => l.kind).join(' ') || 'none';
    return differ('encapsulating headers', names(packet.layers), names(actual.outer));
  }
  for (let i = 0; i < packet.layers.length; i++) {
    const wanted = packet.layers[i]!;
    const got = actual.outer[i]!;
    if (wanted.kind !== got.kind) return differ(`header ${i + 1}`, wanted.kind, got.kind);
    const difference = compareLayer(wanted, got);
    if (difference) return difference;
  }
  return null;
}

function compareLayer(wanted: PacketBody['layers'][number], got: DecodedLayer): Difference | null {
  if (wanted.kind === 'mpls' && got.kind === 'mpls') {
    if (wanted.labels.length !== got.labels.length) {
      return differ('MPLS label stack depth', wanted.labels.length, got.labels.length);
    }
    for (const [i, w] of wanted.labels.entries()) {
      const g = got.labels[i]!;
      const text = (l: typeof g): string =>
        `label ${l.label} tc ${l.trafficClass} [${l.bottom ? 'S' : ''}] ttl ${l.ttl}`;
      if (text(w) !== text(g)) return differ(`MPLS label ${i + 1}`, text(w), text(g));
    }
    return null;
  }
  if (wanted.kind === 'gre' && got.kind === 'gre') {
    const w = wanted.header;
    const flags = w?.flags ?? 0;
    if (flags !== got.flags)
      return differ('GRE flags', `0x${flags.toString(16)}`, `0x${got.flags.toString(16)}`);
    if (!w) return null;
    if (flags & 0xc000 && w.checksum !== got.checksum)
      return differ('GRE checksum', w.checksum, got.checksum);
    if (flags & 0xc000 && w.offset !== got.routingOffset)
      return differ('GRE offset', w.offset, got.routingOffset);
    if (flags & 0x2000 && w.key >>> 0 !== got.key) return differ('GRE key', w.key, got.key);
    if (flags & 0x1000 && w.sequence >>> 0 !== got.sequence)
      return differ('GRE sequence', w.sequence, got.sequence);
    return null;
  }
  const w = wanted as Ipv4Layer | Ipv6Layer;
  const g = got as DecodedIp;
  if (canonicalAddress(w.source) !== g.source) return differ(`${w.kind} source`, w.source, g.source);
  if (canonicalAddress(w.destination) !== g.destination) {
    return differ(`${w.kind} destination`, w.destination, g.destination);
  }
  return compareIp(w.ip, g);
}

const ECN_BITS = { noecn: 0, ect1: 1, ect0: 2, ce: 3 } as const;
const ECN_NAMES = ['noecn', 'ect1', 'ect0', 'ce'] as const;

function compareIp(info: PacketBody['ip'], ip: DecodedIp): Difference | null {
  if (!info) return null;
  const ecn = ip.tos & 3;
  if (info.ecn === 'ect01') {
    if (ecn !== 1 && ecn !== 2) return differ('ip_ecn', 'ect0 or ect1', ECN_NAMES[ecn]);
  } else if (info.ecn !== null && ECN_BITS[info.ecn] !== ecn) {
    return differ('ip_ecn', info.ecn, ECN_NAMES[ecn]);
  }
  if (info.tos !== null && info.tos !== ip.tos) return differ('tos', info.tos, ip.tos);
  if (info.dscp !== null && info.dscp !== ip.tos >>> 2) return differ('dscp', info.dscp, ip.tos >>> 2);
  // 255 is what the original keeps for "not written": a script can ask for anything but that.
  if (info.ttl !== null && info.ttl !== 255 && info.ttl !== ip.ttl) return differ('ttl', info.ttl, ip.ttl);
  return null;
}

function compareTransport(packet: PacketBody, actual: DecodedPacket): Difference | null {
  const { transport } = packet;
  const got = actual.transport;
  if (transport.kind !== got.kind) return differ('transport', transport.kind, got.kind);
  if (transport.kind === 'tcp') return compareTcp(transport, got as DecodedTcp, actual);
  if (transport.kind === 'udp') {
    return transport.length === actual.payloadLength
      ? null
      : differ('UDP payload length', transport.length, actual.payloadLength);
  }
  if (transport.kind === 'icmp' && got.kind === 'icmp') {
    const { type, code } = icmpNumbers(transport, got.version);
    if (type !== got.type) return differ('icmp_type', type, got.type);
    if (code !== got.code) return differ('icmp_code', code, got.code);
    if (transport.mtu !== null) {
      const mtu = got.version === 4 ? got.rest & 0xffff : got.rest;
      if (mtu !== transport.mtu) return differ('icmp_mtu', transport.mtu, mtu);
    }
    if (transport.id !== null && got.rest >>> 16 !== transport.id) {
      return differ('icmp_id', transport.id, got.rest >>> 16);
    }
  }
  return null;
}

const FLAG_FIELDS = [
  ['tcp_fin', FIN],
  ['tcp_syn', SYN],
  ['tcp_rst', RST],
  ['tcp_psh', PSH],
  ['tcp_ack', ACK],
  ['tcp_urg', URG],
] as const;
const ECN_FIELDS = [
  ['tcp_ece', ECE],
  ['tcp_cwr', CWR],
  ['tcp_ae', AE],
] as const;

const bit = (flags: number, mask: number): number => (flags & mask ? 1 : 0);
export const aceOf = (flags: number): number => bit(flags, AE) * 4 + bit(flags, CWR) * 2 + bit(flags, ECE);

function compareTcp(t: TcpSegment, got: DecodedTcp, packet: DecodedPacket): Difference | null {
  if (t.udpEncapsulation) throw new UnsupportedFeature('TCP over UDP', t.span);
  const wanted = flagBits(t.flags);
  for (const [name, mask] of FLAG_FIELDS) {
    if (bit(wanted, mask) !== bit(got.flags, mask))
      return differ(name, bit(wanted, mask), bit(got.flags, mask));
  }
  if (t.flags.ace !== null) {
    if (t.flags.ace !== aceOf(got.flags)) return differ('tcp_ace', t.flags.ace, aceOf(got.flags));
  } else {
    for (const [name, mask] of ECN_FIELDS) {
      if (bit(wanted, mask) !== bit(got.flags, mask))
        return differ(name, bit(wanted, mask), bit(got.flags, mask));
    }
  }
  if (got.reserved !== 0) return differ('tcp_reserved_bits', 0, got.reserved);
  if (t.sequence.mode !== 'any' && t.sequence.start >>> 0 !== got.sequence) {
    return differ('tcp_seq', t.sequence.start, got.sequence);
  }
  if (t.sequence.length !== packet.payloadLength) {
    return differ('payload length', t.sequence.length, packet.payloadLength);
  }
  return (
    differs(t.ack ?? 0, got.ack, 'tcp_ack_seq', t.span) ??
    (t.window === null ? null : differs(t.window, got.window, 'tcp_window', t.span)) ??
    differs(t.urgent ?? 0, got.urgent, 'tcp_urg_ptr', t.span) ??
    compareOptions(t.options, got)
  );
}

/** The value of the script's timestamp option; null when it writes none or a wildcard. */
export function scriptTimestamp(t: TcpSegment): { val: number; ecr: number } | null {
  if (t.options === 'any') return null;
  for (const o of t.options) {
    if (o.kind === 'TS' && typeof o.val === 'number') {
      return { val: o.val >>> 0, ecr: typeof o.ecr === 'number' ? o.ecr >>> 0 : 0 };
    }
  }
  return null;
}

/** First byte of the payload that is not zero, as scripts expect it to be; -1 when all are. */
export function firstNonZero(packet: DecodedPacket): number {
  const { bytes, payloadOffset, payloadLength } = packet;
  for (let i = 0; i < payloadLength; i++) if (bytes[payloadOffset + i] !== 0) return i;
  return -1;
}
