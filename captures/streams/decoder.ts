// From frames to TCP segments and ICMP errors about them: IP headers, extension headers and fragments. Believes no
// checksum (a capture on the sending host has those that the device was to fill in) and no length that reaches beyond
// the frame. Knows no conversation.

import { IpPacket, parseIp } from '../../stack/ip/packet.js';
import {
  FRAGMENT_COMPLETE,
  FRAGMENT_DROPPED,
  FRAGMENT_PROBLEM,
  Reassembler,
} from '../../stack/ip/reassembly.js';
import { getU16, getU32 } from '../../stack/wire/bytes.js';
import * as ipv4 from '../../stack/wire/ipv4.js';
import * as ipv6 from '../../stack/wire/ipv6.js';
import { Ipv6Chain, skipIpv6 } from '../../stack/wire/ipv6-extensions.js';
import * as tcp from '../../stack/wire/tcp.js';
import type { Frame } from '../frame.js';
import { networkOffset } from '../link-layer.js';
import type { Decoded, IcmpAboutTcp, Segment } from './segment.js';

const PROTOCOL_ICMP = 1;
const PROTOCOL_IPIP = 4;
const PROTOCOL_IPV6 = 41;
const PROTOCOL_ICMPV6 = 58;
/** Packets in packets that are followed. */
const MAX_DEPTH = 4;

export interface DecoderCounters {
  /** Fragments seen; packets put together from them; fragments of no use: overlapping, snapped, nonsense. */
  fragments: number;
  reassembled: number;
  fragmentsDropped: number;
  /** IP packets that are neither TCP nor an ICMP error about TCP. */
  other: number;
  /** What does not parse as an IP packet or TCP segment at all. */
  malformed: number;
}

/** An IP header as the capture has it; offsets count from the beginning of `bytes`. */
interface Header {
  readonly ipv6: boolean;
  readonly protocol: number;
  readonly tos: number;
  /** Where the upper layer begins; where the packet ended on the wire; where the captured bytes of it end. */
  readonly payload: number;
  readonly wireEnd: number;
  readonly end: number;
  readonly fragment: boolean;
}

const chain = new Ipv6Chain();

export class PacketDecoder {
  readonly counters: DecoderCounters = {
    fragments: 0,
    reassembled: 0,
    fragmentsDropped: 0,
    other: 0,
    malformed: 0,
  };
  private readonly reassembler: Reassembler;
  private readonly packet = new IpPacket();
  private readonly pieces = new Map<string, number[]>();

  /** @param memory bytes of incomplete fragmented packets that are kept at most */
  constructor(memory = 4 << 20) {
    this.reassembler = new Reassembler({ memory });
  }

  /** What a frame carries; null for anything else and for a fragment whose packet is not complete yet. */
  decode(frame: Frame): Decoded | null {
    const at = networkOffset(frame);
    if (at < 0) return null;
    return this.ip(frame, frame.data.subarray(at), frame.originalLength - at, [], 0);
  }

  private ip(
    frame: Frame,
    bytes: Uint8Array,
    wireLength: number,
    fragments: readonly number[],
    depth: number,
  ): Decoded | null {
    const header = readHeader(bytes, wireLength);
    if (header === null) {
      this.counters.malformed++;
      return null;
    }
    if (header.fragment) return this.fragment(frame, bytes, header, depth);
    const { protocol, payload, end } = header;
    if (protocol === PROTOCOL_IPIP || protocol === PROTOCOL_IPV6) {
      if (depth === MAX_DEPTH) return null;
      const inner = bytes.subarray(payload, end);
      return this.ip(frame, inner, header.wireEnd - payload, fragments, depth + 1);
    }
    let found: Decoded | null = null;
    if (protocol === tcp.TCP_PROTOCOL) found = segmentOf(frame, bytes, header, fragments);
    else if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) {
      found = icmpOf(frame, bytes, header);
      if (found === null) this.counters.other++;
      return found;
    } else {
      this.counters.other++;
      return null;
    }
    if (found === null) this.counters.malformed++;
    return found;
  }

  private fragment(frame: Frame, bytes: Uint8Array, header: Header, depth: number): Decoded | null {
    this.counters.fragments++;
    if (header.end < header.wireEnd) {
      this.counters.fragmentsDropped++;
      return null;
    }
    const copy = bytes.slice(0, header.end);
    if (!header.ipv6) ipv4.finishHeader(copy, 0);
    const { packet, reassembler } = this;
    if (parseIp(copy, 0, copy.length, packet, true) !== 0 || !packet.fragment) {
      this.counters.fragmentsDropped++;
      return null;
    }
    // The reassembler wants a clock that does not run back; a capture's may.
    const now = frame.seconds * 1e6 + frame.nanoseconds / 1e3;
    reassembler.onTimer(now);
    const key = `${packet.ipv6} ${packet.fragmentId} ${packet.source} ${packet.destination}`;
    if (this.pieces.size > 1024) this.pieces.clear();
    const pieces = this.pieces.get(key) ?? [];
    pieces.push(packet.payloadLength);
    this.pieces.set(key, pieces);
    const result = reassembler.add(now, copy, packet, 0);
    if (result === FRAGMENT_DROPPED || result === FRAGMENT_PROBLEM) this.counters.fragmentsDropped++;
    if (result !== FRAGMENT_COMPLETE) return null;
    this.pieces.delete(key);
    this.counters.reassembled++;
    const whole = new Uint8Array(reassembler.completeLength);
    reassembler.copyTo(whole, 0);
    return this.ip(frame, whole, whole.length, pieces, depth);
  }
}

function readHeader(b: Uint8Array, wireLength: number): Header | null {
  if (b.length < 1) return null;
  return b[0]! >>> 4 === 6 ? readIpv6(b, wireLength) : readIpv4(b, wireLength);
}

function readIpv4(b: Uint8Array, wireLength: number): Header | null {
  if (b.length < ipv4.IPV4_MIN_HEADER || b[0]! >>> 4 !== 4) return null;
  const head = ipv4.headerLength(b, 0);
  if (head < ipv4.IPV4_MIN_HEADER || head > b.length) return null;
  const total = ipv4.totalLength(b, 0);
  // 0 is what a super-packet carries before the device has cut it up: the frame says how long it is.
  const wireEnd = total === 0 ? wireLength : Math.min(total, wireLength);
  if (wireEnd < head) return null;
  return {
    ipv6: false,
    protocol: ipv4.protocol(b, 0),
    tos: ipv4.tos(b, 0),
    payload: head,
    wireEnd,
    end: Math.min(wireEnd, b.length),
    fragment: ipv4.isFragment(b, 0),
  };
}

function readIpv6(b: Uint8Array, wireLength: number): Header | null {
  if (b.length < ipv6.IPV6_HEADER) return null;
  const carried = getU16(b, 4);
  const wireEnd = carried === 0 ? wireLength : Math.min(ipv6.IPV6_HEADER + carried, wireLength);
  const end = Math.min(wireEnd, b.length);
  if (!skipIpv6(b, 0, end, chain)) return null;
  return {
    ipv6: true,
    protocol: chain.protocol,
    tos: ipv6.trafficClass(b, 0),
    payload: chain.offset,
    wireEnd,
    end,
    fragment: chain.isFragment,
  };
}

/** 16-byte addresses of the IP header at `o`. */
function addresses(b: Uint8Array, o: number, six: boolean): { source: Uint8Array; destination: Uint8Array } {
  if (six) return { source: b.slice(o + 8, o + 24), destination: b.slice(o + 24, o + 40) };
  const source = new Uint8Array(16);
  const destination = new Uint8Array(16);
  ipv4.readSource(b, o, source, 0);
  ipv4.readDestination(b, o, destination, 0);
  return { source, destination };
}

function segmentOf(
  frame: Frame,
  b: Uint8Array,
  header: Header,
  fragments: readonly number[],
): Segment | null {
  const { payload: o, wireEnd, end } = header;
  if (end - o < tcp.TCP_MIN_HEADER) return null;
  const head = tcp.headerLength(b, o);
  if (head < tcp.TCP_MIN_HEADER || o + head > wireEnd) return null;
  const optionsEnd = Math.min(o + head, end);
  return {
    kind: 'tcp',
    frame,
    ipv6: header.ipv6,
    ...addresses(b, 0, header.ipv6),
    tos: header.tos,
    sourcePort: tcp.srcPort(b, o),
    destinationPort: tcp.dstPort(b, o),
    seq: tcp.seq(b, o),
    ack: tcp.ack(b, o),
    flags: tcp.flags(b, o),
    window: tcp.window(b, o),
    urgent: tcp.urgent(b, o),
    options: b.subarray(o + tcp.TCP_MIN_HEADER, optionsEnd),
    payload: b.subarray(optionsEnd, Math.max(end, optionsEnd)),
    length: wireEnd - o - head,
    headerSnapped: optionsEnd < o + head,
    fragments,
  };
}

// RFC 792 (4, 5 and 8 to 10 quote nothing useful or are no errors) and RFC 4443 section 2.1: types below 128 are errors.
const ICMP_ERRORS = new Set([3, 4, 5, 11, 12]);

function icmpOf(frame: Frame, b: Uint8Array, header: Header): IcmpAboutTcp | null {
  const { payload: o, end, ipv6: six } = header;
  if (end - o < 8) return null;
  const type = b[o]!;
  if (six ? type >= 128 : !ICMP_ERRORS.has(type)) return null;
  const quoted = b.subarray(o + 8, end);
  // A quotation is cut short by design: its own length is not to be held against it.
  const inner = readHeader(quoted, Number.MAX_SAFE_INTEGER);
  if (inner === null || inner.protocol !== tcp.TCP_PROTOCOL || quoted.length < inner.payload + 8) return null;
  const from = addresses(quoted, 0, inner.ipv6);
  return {
    kind: 'icmp',
    frame,
    ipv6: six,
    ...addresses(b, 0, six),
    tos: header.tos,
    type,
    code: b[o + 1]!,
    rest: getU32(b, o + 4),
    quotedSource: from.source,
    quotedDestination: from.destination,
    quotedSourcePort: getU16(quoted, inner.payload),
    quotedDestinationPort: getU16(quoted, inner.payload + 2),
    quotedSeq: getU32(quoted, inner.payload + 4),
  };
}
