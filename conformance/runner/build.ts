// An inbound packet of a script as the bytes that reach the target: transport, IP header, encapsulating headers,
// checksums. Numbers come mapped from the flow (flow.ts); here they only become bytes.

import { createHash } from 'node:crypto';
import type { IpInfo, PacketBody, TcpSegment, UdpDatagram } from '../language/ast.js';
import { parseAddress } from './addresses.js';
import { complement, onesSum, pseudoHeaderSum } from './checksum.js';
import {
  ACK,
  AE,
  CWR,
  ECE,
  FIN,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  PSH,
  RST,
  SYN,
  URG,
} from './decode.js';
import { addLayers } from './encapsulate.js';
import { ScriptProblem, UnsupportedFeature } from './errors.js';
import type { FlowEnd } from './flow.js';
import { icmpBytes } from './icmp.js';
import { hexBytes, known, type OptionMapping, optionBytes } from './tcp-options.js';

/** What the flow contributes to an inbound packet, all in the wire's numbers. */
export interface InboundMapping extends OptionMapping {
  readonly source: FlowEnd;
  readonly destination: FlowEnd;
  remoteSequence(value: number, isSyn: boolean): number;
  localSequence(value: number, isSyn: boolean): number;
}

export interface BuildOptions {
  readonly mapping: InboundMapping;
  /** Key of RFC 2385 digests for `md5 valid`; null: none was given. */
  readonly md5Secret: string | null;
}

/** TTL or hop limit of packets that do not say one, as the original sends them. */
const DEFAULT_TTL = 255;

/** Nine flag bits of a segment; an ACE number gives its three. */
export function flagBits(flags: TcpSegment['flags']): number {
  let bits =
    (flags.fin ? FIN : 0) |
    (flags.syn ? SYN : 0) |
    (flags.rst ? RST : 0) |
    (flags.psh ? PSH : 0) |
    (flags.ack ? ACK : 0) |
    (flags.urg ? URG : 0);
  if (flags.ace === null) {
    bits |= (flags.ece ? ECE : 0) | (flags.cwr ? CWR : 0) | (flags.ae ? AE : 0);
  } else {
    bits |= (flags.ace & 1 ? ECE : 0) | (flags.ace & 2 ? CWR : 0) | (flags.ace & 4 ? AE : 0);
  }
  return bits;
}

/**
 * Bytes of an inbound packet.
 * @throws ScriptProblem when a value is missing; UnsupportedFeature for PSP and TCP over UDP
 */
export function buildPacket(packet: PacketBody, options: BuildOptions): Uint8Array {
  const { transport } = packet;
  if (packet.psp) throw new UnsupportedFeature('PSP encapsulation', packet.psp.span);
  if (transport.kind === 'raw') return Uint8Array.from(hexBytes(transport.bytes));
  const { mapping } = options;
  const source = parseAddress(mapping.source.address)!;
  const destination = parseAddress(mapping.destination.address)!;
  let body: Uint8Array;
  let protocol: number;
  switch (transport.kind) {
    case 'tcp':
      if (transport.udpEncapsulation) throw new UnsupportedFeature('TCP over UDP', transport.span);
      body = tcpBytes(transport, options, source, destination);
      protocol = PROTOCOL_TCP;
      break;
    case 'udp':
      body = udpBytes(transport, mapping);
      protocol = PROTOCOL_UDP;
      break;
    case 'icmp':
      body = icmpBytes(transport, mapping, source.length === 4 ? 4 : 6);
      protocol = source.length === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
      break;
  }
  fillChecksum(body, protocol, source, destination, transport.checksum);
  const inner = withIpHeader(body, protocol, packet.ip, source, destination);
  return addLayers(inner, packet.layers);
}

function tcpBytes(
  t: TcpSegment,
  options: BuildOptions,
  source: Uint8Array,
  destination: Uint8Array,
): Uint8Array {
  const { mapping } = options;
  if (t.options === 'any') throw new ScriptProblem('<...> says nothing in an inbound packet', t.span);
  const noAck: OptionMapping = { sackEdge: (e) => mapping.sackEdge(e), echoReply: (v) => v };
  const optionMapping = t.flags.ack ? mapping : noAck;
  const area: number[] = [];
  let digestAt = -1;
  for (const option of t.options) {
    if (option.kind === 'md5' && option.digest === 'valid') digestAt = 20 + area.length + 2;
    area.push(...optionBytes(option, optionMapping));
  }
  if (area.length % 4 !== 0) {
    throw new ScriptProblem(
      `TCP options are ${area.length} bytes long, not a multiple of 4: pad them with nop or eol`,
      t.span,
    );
  }
  if (area.length > 40)
    throw new ScriptProblem(`TCP options are ${area.length} bytes long, more than 40`, t.span);
  const headerLength = 20 + area.length;
  const bytes = new Uint8Array(headerLength + t.sequence.length);
  const view = new DataView(bytes.buffer);
  const isSyn = t.flags.syn;
  view.setUint16(0, mapping.source.port);
  view.setUint16(2, mapping.destination.port);
  if (t.sequence.mode === 'any')
    throw new ScriptProblem('...(length) says nothing in an inbound packet', t.span);
  const absolute = t.sequence.mode === 'absolute';
  view.setUint32(4, absolute ? t.sequence.start : mapping.remoteSequence(t.sequence.start, isSyn));
  const ack = t.ack === null ? 0 : known(t.ack, 'ack', t.span);
  view.setUint32(8, t.flags.ack ? mapping.localSequence(ack, isSyn) : ack);
  const flags = flagBits(t.flags);
  bytes[12] = ((headerLength / 4) << 4) | (flags >>> 8);
  bytes[13] = flags & 0xff;
  view.setUint16(14, t.window === null ? 0 : known(t.window, 'win', t.span));
  view.setUint16(18, t.urgent === null ? 0 : known(t.urgent, 'urg', t.span));
  bytes.set(area, 20);
  if (digestAt >= 0) bytes.set(md5Digest(bytes, headerLength, options, source, destination, t), digestAt);
  return bytes;
}

/** RFC 2385 section 2.0: pseudo-header, header without options and with a zero checksum, data, key. */
function md5Digest(
  segment: Uint8Array,
  headerLength: number,
  options: BuildOptions,
  source: Uint8Array,
  destination: Uint8Array,
  t: TcpSegment,
): Uint8Array {
  if (options.md5Secret === null) {
    throw new ScriptProblem('md5 valid needs the key: give it with --tcp_md5_secret', t.span);
  }
  const hash = createHash('md5');
  hash.update(source).update(destination);
  if (source.length === 4) {
    hash.update(Uint8Array.of(0, PROTOCOL_TCP, segment.length >>> 8, segment.length & 0xff));
  } else {
    hash.update(Uint8Array.of(0, 0, segment.length >>> 8, segment.length & 0xff, 0, 0, 0, PROTOCOL_TCP));
  }
  hash
    .update(segment.subarray(0, 20))
    .update(segment.subarray(headerLength))
    .update(options.md5Secret, 'latin1');
  return hash.digest();
}

function udpBytes(t: UdpDatagram, mapping: InboundMapping): Uint8Array {
  const bytes = new Uint8Array(8 + t.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, mapping.source.port);
  view.setUint16(2, mapping.destination.port);
  view.setUint16(4, bytes.length);
  return bytes;
}

const CHECKSUM_AT: Record<number, number> = {
  [PROTOCOL_TCP]: 16,
  [PROTOCOL_UDP]: 6,
  [PROTOCOL_ICMP]: 2,
  [PROTOCOL_ICMPV6]: 2,
};

/** Writes the transport checksum: the right one, a wrong one, or the one that the script gives. */
function fillChecksum(
  body: Uint8Array,
  protocol: number,
  source: Uint8Array,
  destination: Uint8Array,
  wanted: number | 'bad' | null,
): void {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const at = CHECKSUM_AT[protocol]!;
  let value: number;
  if (typeof wanted === 'number') {
    value = wanted;
  } else {
    const addresses = new Uint8Array(source.length + destination.length);
    addresses.set(source);
    addresses.set(destination, source.length);
    const seed =
      protocol === PROTOCOL_ICMP ? 0 : pseudoHeaderSum(addresses, 0, source.length, protocol, body.length);
    value = complement(onesSum(body, 0, body.length, seed));
    // A computed 0 goes out as all ones in UDP, where 0 means that there is none (RFC 768).
    if (protocol === PROTOCOL_UDP && value === 0) value = 0xffff;
    if (wanted === 'bad') value = value === 0x5555 ? 0xaaaa : value ^ 0x5555;
  }
  view.setUint16(at, value);
}

/** The octet that `[...]` asks for. */
export function tosOf(ip: IpInfo | null): number {
  if (!ip) return 0;
  const ecn = ip.ecn === null ? 0 : { noecn: 0, ect1: 1, ect01: 2, ect0: 2, ce: 3 }[ip.ecn];
  if (ip.tos !== null) return ip.tos;
  return ((ip.dscp ?? 0) << 2) | ecn;
}

function withIpHeader(
  body: Uint8Array,
  protocol: number,
  info: IpInfo | null,
  source: Uint8Array,
  destination: Uint8Array,
): Uint8Array {
  const ttl = info?.ttl ?? DEFAULT_TTL;
  if (source.length === 4) {
    const header = ipv4Header(body.length, protocol, tosOf(info), ttl, source, destination);
    const checksum = info?.checksum ?? null;
    const view = new DataView(header.buffer);
    if (checksum === 'bad') view.setUint16(10, view.getUint16(10) ^ 0x5555);
    else if (checksum !== null) view.setUint16(10, checksum);
    return join(header, body);
  }
  return join(
    ipv6Header(body.length, protocol, tosOf(info), ttl, info?.flowLabel ?? 0, source, destination),
    body,
  );
}

export function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

/** RFC 791 header of 20 bytes with its checksum; identification and fragment field 0, as the original sends it. */
export function ipv4Header(
  payloadLength: number,
  protocol: number,
  tos: number,
  ttl: number,
  source: Uint8Array,
  destination: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  header[0] = 0x45;
  header[1] = tos;
  view.setUint16(2, 20 + payloadLength);
  header[8] = ttl;
  header[9] = protocol;
  header.set(source, 12);
  header.set(destination, 16);
  view.setUint16(10, complement(onesSum(header, 0, 20)));
  return header;
}

/** RFC 8200 header. */
export function ipv6Header(
  payloadLength: number,
  protocol: number,
  trafficClass: number,
  hopLimit: number,
  flowLabel: number,
  source: Uint8Array,
  destination: Uint8Array,
): Uint8Array {
  const header = new Uint8Array(40);
  const view = new DataView(header.buffer);
  view.setUint32(0, ((6 << 28) | (trafficClass << 20) | (flowLabel & 0xfffff)) >>> 0);
  view.setUint16(4, payloadLength);
  header[6] = protocol;
  header[7] = hopLimit;
  header.set(source, 8);
  header.set(destination, 24);
  return header;
}
