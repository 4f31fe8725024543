// From frames to TCP segments and ICMP errors about them: IP headers, extension headers, tunnels and fragments. Believes no
// checksum (a capture on the sending host has those that the device was to fill in) and no length that reaches beyond
// the frame. Knows no conversation.

import { getU16, getU32 } from '../../stack/wire/bytes.js';
import * as ipv4 from '../../stack/wire/ipv4.js';
import * as ipv6 from '../../stack/wire/ipv6.js';
import { IPV6_FRAGMENT_HEADER, Ipv6Chain, skipFrom, skipIpv6 } from '../../stack/wire/ipv6-extensions.js';
import * as tcp from '../../stack/wire/tcp.js';
import type { Frame } from '../frame.js';
import { isKnownLinkType, networkOffset } from '../layers/link.js';
import { tunnelled } from '../layers/tunnels.js';
import { FragmentTable } from './fragments.js';
import type { Decoded, IcmpAboutTcp, Segment } from './segment.js';

const PROTOCOL_ICMP = 1;
const PROTOCOL_AH = 51;
const PROTOCOL_ICMPV6 = 58;
/** Packets in packets that are followed. */
const MAX_DEPTH = 8;

export interface DecoderCounters {
  /** Fragments seen; packets put together from them; fragments of no use: snapped, nonsense, given up. */
  fragments: number;
  reassembled: number;
  fragmentsDropped: number;
  /** IP packets that are neither TCP nor an ICMP error about TCP. */
  other: number;
  /** What does not parse as an IP packet or TCP segment at all. */
  malformed: number;
  /** TCP segments inside tunnels: GRE, IP in IP, VXLAN and their like. */
  tunnelled: number;
  /** Frames of link types that nobody here can read, by type. */
  readonly unknownLinks: Map<number, number>;
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
  readonly fragment: Fragment | null;
}

interface Fragment {
  readonly id: number;
  readonly offset: number;
  readonly last: boolean;
}

const chain = new Ipv6Chain();

export class PacketDecoder {
  readonly counters: DecoderCounters = {
    fragments: 0,
    reassembled: 0,
    fragmentsDropped: 0,
    other: 0,
    malformed: 0,
    tunnelled: 0,
    unknownLinks: new Map(),
  };
  private readonly fragmented: FragmentTable;

  /** @param memory bytes of incomplete fragmented packets that are kept at most */
  constructor(memory = 4 << 20) {
    this.fragmented = new FragmentTable(memory);
  }

  /** What a frame carries; null for anything else and for a fragment whose packet is not complete yet. */
  decode(frame: Frame): Decoded | null {
    const at = networkOffset(frame);
    if (at >= 0) return this.ip(frame, frame.data.subarray(at), frame.originalLength - at, 0);
    const { unknownLinks } = this.counters;
    const { linkType } = frame;
    if (!isKnownLinkType(linkType)) unknownLinks.set(linkType, (unknownLinks.get(linkType) ?? 0) + 1);
    return null;
  }

  private ip(frame: Frame, bytes: Uint8Array, wireLength: number, depth: number): Decoded | null {
    const header = readHeader(bytes, wireLength);
    if (header === null) {
      this.counters.malformed++;
      return null;
    }
    if (header.fragment === null) return this.upper(frame, bytes, header, bytes, [], depth);
    this.counters.fragments++;
    if (header.end < header.wireEnd) {
      this.counters.fragmentsDropped++;
      // Cut short by the capture, it cannot become part of a whole; the first piece shows whose it was at least.
      if (header.fragment.offset > 0) return null;
      const found = this.upper(frame, bytes, header, bytes, [], depth);
      return found?.kind === 'tcp' ? { ...found, headerSnapped: true } : found;
    }
    return this.fragment(frame, bytes, header, header.fragment, depth);
  }

  private fragment(
    frame: Frame,
    bytes: Uint8Array,
    header: Header,
    { id, offset, last }: Fragment,
    depth: number,
  ): Decoded | null {
    const { fragmented, counters } = this;
    const ends = header.ipv6 ? bytes.subarray(8, 40) : bytes.subarray(12, 20);
    const key = `${header.ipv6 ? '' : header.protocol} ${id} ${Buffer.from(ends).toString('latin1')}`;
    const given = fragmented.dropped;
    const whole = fragmented.add(key, offset, last, bytes.subarray(header.payload, header.end));
    counters.fragmentsDropped += fragmented.dropped - given;
    if (whole === null) return null;
    counters.reassembled++;
    const { payload, lengths } = whole;
    const inside = { ...header, payload: 0, wireEnd: payload.length, end: payload.length, fragment: null };
    return this.upper(frame, bytes, inside, payload, lengths, depth);
  }

  /** @param ip where the IP header is, at 0; `b`: where `header` says that the upper layer is */
  private upper(
    frame: Frame,
    ip: Uint8Array,
    given: Header,
    b: Uint8Array,
    fragments: readonly number[],
    depth: number,
  ): Decoded | null {
    const header = behindExtensions(b, given);
    const { protocol, payload, end, wireEnd } = header;
    if (protocol === tcp.TCP_PROTOCOL) {
      const segment = segmentOf(frame, ip, header, b, fragments);
      if (segment === null || segment.malformed) this.counters.malformed++;
      else if (depth > 0) this.counters.tunnelled++;
      return segment;
    }
    if (protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) {
      const message = icmpOf(frame, ip, header, b);
      if (message === null) this.counters.other++;
      return message;
    }
    const inside = depth < MAX_DEPTH ? tunnelled(b.subarray(0, end), protocol, payload) : -1;
    if (inside >= 0) return this.ip(frame, b.subarray(inside, end), wireEnd - inside, depth + 1);
    this.counters.other++;
    return null;
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
    fragment: ipv4.isFragment(b, 0)
      ? { id: ipv4.id(b, 0), offset: ipv4.fragmentOffset(b, 0), last: !ipv4.moreFragments(b, 0) }
      : null,
  };
}

function readIpv6(b: Uint8Array, wireLength: number): Header | null {
  if (b.length < ipv6.IPV6_HEADER) return null;
  const carried = getU16(b, 4);
  const wireEnd = carried === 0 ? wireLength : Math.min(ipv6.IPV6_HEADER + carried, wireLength);
  const end = Math.min(wireEnd, b.length);
  if (!skipIpv6(b, 0, end, chain)) return null;
  const common = { ipv6: true, tos: ipv6.trafficClass(b, 0), wireEnd, end };
  if (!chain.isFragment)
    return { ...common, protocol: chain.protocol, payload: chain.offset, fragment: null };
  return {
    ...common,
    protocol: b[chain.fragment]!,
    payload: chain.fragment + IPV6_FRAGMENT_HEADER,
    fragment: {
      id: getU32(b, chain.fragment + 4),
      offset: chain.fragmentOffset,
      last: !chain.moreFragments,
    },
  };
}

/** Steps over what stands in front of the upper layer still: authentication (RFC 4302), headers behind a fragment's. */
function behindExtensions(b: Uint8Array, header: Header): Header {
  let { protocol, payload } = header;
  for (let i = 0; i < MAX_DEPTH; i++) {
    if (protocol === PROTOCOL_AH && payload + 12 <= header.end) {
      protocol = b[payload]!;
      payload += (b[payload + 1]! + 2) * 4;
    } else if (header.ipv6 && skipFrom(b, protocol, payload, header.end, chain) && chain.offset > payload) {
      protocol = chain.protocol;
      payload = chain.offset;
    } else break;
  }
  return payload === header.payload ? header : { ...header, protocol, payload };
}

/** 16-byte addresses of the IP header at the beginning of `b`. */
function addresses(b: Uint8Array, six: boolean): { source: Uint8Array; destination: Uint8Array } {
  if (six) return { source: b.slice(8, 24), destination: b.slice(24, 40) };
  const source = new Uint8Array(16);
  const destination = new Uint8Array(16);
  ipv4.readSource(b, 0, source, 0);
  ipv4.readDestination(b, 0, destination, 0);
  return { source, destination };
}

/** Bytes of a TCP header up to the checksum. */
const NUMBERS = 16;

function segmentOf(
  frame: Frame,
  ip: Uint8Array,
  header: Header,
  b: Uint8Array,
  fragments: readonly number[],
): Segment | null {
  const { payload: o, wireEnd, end } = header;
  // Ports, numbers, flags and window: a capture may end there.
  if (end - o < NUMBERS) return null;
  const claimed = tcp.headerLength(b, o);
  const malformed = claimed < tcp.TCP_MIN_HEADER || o + claimed > wireEnd;
  const head = malformed ? wireEnd - o : claimed;
  const optionsEnd = malformed ? o : Math.min(o + head, end);
  return {
    kind: 'tcp',
    frame,
    ipv6: header.ipv6,
    ...addresses(ip, header.ipv6),
    tos: header.tos,
    sourcePort: tcp.srcPort(b, o),
    destinationPort: tcp.dstPort(b, o),
    seq: tcp.seq(b, o),
    ack: tcp.ack(b, o),
    flags: tcp.flags(b, o),
    window: tcp.window(b, o),
    urgent: end - o < tcp.TCP_MIN_HEADER ? 0 : tcp.urgent(b, o),
    bytes: b.subarray(o, Math.max(end, optionsEnd)),
    options: b.subarray(Math.min(o + tcp.TCP_MIN_HEADER, optionsEnd), optionsEnd),
    payload: b.subarray(optionsEnd, Math.max(end, optionsEnd)),
    length: wireEnd - o - head,
    headerSnapped: optionsEnd < o + head,
    malformed,
    fragments,
  };
}

// RFC 792 (4, 5 and 8 to 10 quote nothing useful or are no errors) and RFC 4443 section 2.1: types below 128 are errors.
const ICMP_ERRORS = new Set([3, 4, 5, 11, 12]);

function icmpOf(frame: Frame, ip: Uint8Array, header: Header, b: Uint8Array): IcmpAboutTcp | null {
  const { payload: o, end, ipv6: six } = header;
  if (end - o < 8) return null;
  const type = b[o]!;
  if (six ? type >= 128 : !ICMP_ERRORS.has(type)) return null;
  const quoted = b.subarray(o + 8, end);
  // A quotation is cut short by design: its own length is not to be held against it.
  const inner = readHeader(quoted, Number.MAX_SAFE_INTEGER);
  if (inner === null || inner.protocol !== tcp.TCP_PROTOCOL || quoted.length < inner.payload + 8) return null;
  const from = addresses(quoted, inner.ipv6);
  return {
    kind: 'icmp',
    frame,
    ipv6: six,
    ...addresses(ip, six),
    tos: header.tos,
    type,
    code: b[o + 1]!,
    rest: getU32(b, o + 4),
    quotedSource: from.source,
    quotedDestination: from.destination,
    quotedSourcePort: getU16(quoted, inner.payload),
    quotedDestinationPort: getU16(quoted, inner.payload + 2),
    quotedSeq: getU32(quoted, inner.payload + 4),
    telling: quoted.length >= inner.payload + NUMBERS,
  };
}
