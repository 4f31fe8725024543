// Packets: direction, encapsulation, IP header remarks, endpoints, and the choice of transport.
// TCP and its options are in parse-tcp.ts and parse-tcp-options.ts, ICMP in parse-icmp.ts.

import type {
  EncapsulationLayer,
  Endpoint,
  EndpointPair,
  IpInfo,
  PacketBody,
  PspInfo,
  RawPacket,
  Transport,
  UdpDatagram,
} from './ast.js';
import type { Cursor } from './cursor.js';
import { parseGreHeader, parseMplsLabels } from './parse-encapsulation.js';
import { parseIcmp } from './parse-icmp.js';
import { parseIpInfo } from './parse-ip-info.js';
import { parseTcp } from './parse-tcp.js';

export function parsePacket(cursor: Cursor): PacketBody {
  const first = cursor.take();
  const direction = first.text === '<' ? 'in' : 'out';
  const layers: EncapsulationLayer[] = [];
  for (let layer = parseLayer(cursor); layer !== null; layer = parseLayer(cursor)) layers.push(layer);
  const ip = startsIpInfo(cursor) ? parseIpInfo(cursor) : null;
  if (ip !== null) checkIpInfo(cursor, ip, direction, first);
  const psp = parsePsp(cursor);
  const transport = parseTransport(cursor, direction);
  return { kind: 'packet', direction, layers, ip, psp, transport, span: cursor.spanFrom(first.start) };
}

function checkIpInfo(
  cursor: Cursor,
  ip: IpInfo,
  direction: 'in' | 'out',
  at: ReturnType<Cursor['take']>,
): void {
  if (direction === 'in' && ip.ecn === 'ect01') {
    throw cursor.fail('NOT_ALLOWED', 'ect01 can only be used with outbound packets', at);
  }
  if (direction === 'out' && ip.checksum !== null) {
    throw cursor.fail('NOT_ALLOWED', 'a checksum can only be given to inbound packets', at);
  }
}

/** `[` starts IP remarks unless an IPv6 address follows: then it is an endpoint. */
function startsIpInfo(cursor: Cursor): boolean {
  return cursor.at('(') || (cursor.at('[') && !cursor.atKind('ipv6', 1));
}

function parseLayer(cursor: Cursor): EncapsulationLayer | null {
  const token = cursor.peek();
  if (token.kind !== 'word') return null;
  switch (token.text) {
    case 'ipv4':
    case 'ipv6':
      return parseIpLayer(cursor, token.text);
    case 'gre':
    case 'GREv0': {
      cursor.take();
      const bare = cursor.at(':');
      if (!bare) cursor.accept(',');
      const header = bare ? null : parseGreHeader(cursor);
      cursor.expect(':');
      return { kind: 'gre', header, span: cursor.spanFrom(token.start) };
    }
    case 'mpls': {
      cursor.take();
      const labels = parseMplsLabels(cursor);
      cursor.expect(':', ["'(label N, tc N, ttl N)'"]);
      return { kind: 'mpls', labels, span: cursor.spanFrom(token.start) };
    }
    default:
      return null;
  }
}

function parseIpLayer(cursor: Cursor, kind: 'ipv4' | 'ipv6'): EncapsulationLayer {
  const first = cursor.take();
  const ip = cursor.at('(') || cursor.at('[') ? parseIpInfo(cursor) : null;
  const source = cursor.expectKind(kind).text;
  cursor.expect('>');
  const destination = cursor.expectKind(kind).text;
  cursor.expect(':');
  return { kind, ip, source, destination, span: cursor.spanFrom(first.start) };
}

function parsePsp(cursor: Cursor): PspInfo | null {
  const first = cursor.peek();
  if (!cursor.accept('encap')) return null;
  cursor.expect('psp');
  cursor.expect('spi');
  const spiBase = cursor.atKind('hex') ? 'hex' : 'decimal';
  const spi = cursor.anyInteger('SPI', 0, 0xffffffff);
  return { spi, spiBase, span: cursor.spanFrom(first.start) };
}

const UNSUPPORTED: Readonly<Record<string, string>> = { sctp: 'SCTP', udplite: 'UDP-Lite' };

function parseTransport(cursor: Cursor, direction: 'in' | 'out'): Transport {
  const token = cursor.peek();
  if (token.kind === 'word') {
    if (token.text === 'udp') return parseUdp(cursor, direction);
    if (token.text === 'icmp') return parseIcmp(cursor, direction);
    if (token.text === 'raw') return parseRaw(cursor, direction);
    const missing = UNSUPPORTED[token.text];
    if (missing !== undefined) {
      throw cursor.fail('UNSUPPORTED', `${missing} packets are not supported`, token);
    }
  }
  return parseTcp(cursor, direction);
}

/** `a > b`, where each side is a port, an address, or `address:port` (`[address]:port` for IPv6). */
export function parseEndpoints(cursor: Cursor): EndpointPair | null {
  const first = cursor.peek();
  const starts = cursor.atKind('integer') || cursor.atKind('ipv4') || cursor.atKind('ipv6') || cursor.at('[');
  // A sequence number also starts with a number; only ports have a '>' behind it.
  if (!starts || (cursor.atKind('integer') && !cursor.at('>', 1))) return null;
  const source = parseEndpoint(cursor, 'source');
  cursor.expect('>');
  const destination = parseEndpoint(cursor, 'destination');
  return { source, destination, span: cursor.spanFrom(first.start) };
}

function parseEndpoint(cursor: Cursor, side: string): Endpoint {
  if (cursor.atKind('integer')) return { address: null, port: cursor.integer(`${side} port`, 0, 0xffff) };
  const bracketed = cursor.accept('[');
  if (!cursor.atKind('ipv6') && (bracketed || !cursor.atKind('ipv4'))) {
    throw cursor.unexpected(bracketed ? ['an IPv6 address'] : ['a port', 'an address']);
  }
  const token = cursor.take();
  if (bracketed) cursor.expect(']');
  const withPort = bracketed || token.kind === 'ipv4';
  const port = withPort && cursor.accept(':') ? cursor.integer(`${side} port`, 0, 0xffff) : null;
  return { address: token.text, port };
}

function parseUdp(cursor: Cursor, direction: 'in' | 'out'): UdpDatagram {
  const first = cursor.take();
  const endpoints = parseEndpoints(cursor);
  cursor.expect('(', endpoints === null ? ["'source port > destination port'"] : []);
  const length = cursor.integer('UDP payload size', 0, 0xffff);
  cursor.expect(')');
  const checksum = parseChecksum(cursor, direction);
  return { kind: 'udp', endpoints, length, checksum, span: cursor.spanFrom(first.start) };
}

/** `checksum bad` or `checksum 0x1234` behind an inbound packet. */
export function parseChecksum(cursor: Cursor, direction: 'in' | 'out'): number | 'bad' | null {
  const token = cursor.peek();
  if (!cursor.accept('checksum')) return null;
  if (direction === 'out') {
    throw cursor.fail('NOT_ALLOWED', 'a checksum can only be given to inbound packets', token);
  }
  if (cursor.accept('bad')) return 'bad';
  if (!cursor.atKind('hex') && !cursor.atKind('integer'))
    throw cursor.unexpected(["'bad'", 'a number'], ['bad']);
  return cursor.anyInteger('checksum', 0, 0xffff);
}

/** The hexadecimal digits ahead, an even number of them, as lower case. */
export function parseHexBytes(cursor: Cursor, what: string): string {
  const token = cursor.peek();
  if ((token.kind !== 'word' && token.kind !== 'integer') || !/^[0-9a-fA-F]+$/.test(token.text)) {
    throw cursor.unexpected([`hexadecimal digits for the ${what}`]);
  }
  cursor.take();
  if (token.text.length % 2 !== 0) {
    throw cursor.fail('RANGE', `the ${what} has an odd number of hexadecimal digits`, token);
  }
  return token.text.toLowerCase();
}

/** `raw` and a word of digits, or a string of them with blanks and line breaks between. */
function parseRaw(cursor: Cursor, direction: 'in' | 'out'): RawPacket {
  const first = cursor.take();
  if (direction === 'out') {
    throw cursor.fail('NOT_ALLOWED', 'raw bytes can only be used with inbound packets', first);
  }
  const token = cursor.peek();
  if (token.kind === 'string') {
    cursor.take();
    const bytes = token.text.replace(/\s+/g, '').toLowerCase();
    if (!/^(?:[0-9a-f]{2})+$/.test(bytes)) {
      throw cursor.fail('RANGE', 'raw bytes must be pairs of hexadecimal digits', token);
    }
    return { kind: 'raw', bytes, span: cursor.spanFrom(first.start) };
  }
  const bytes = parseHexBytes(cursor, 'raw packet');
  return { kind: 'raw', bytes, span: cursor.spanFrom(first.start) };
}
