// Makes a capture fit to be shared: addresses are replaced by stand-ins, the same ones throughout; everything that an
// application said is zeroed; checksums are right for what is left. Times, lengths, ports, sequence numbers and
// TCP options stay, so that what TCP did can still be seen and replayed. Names and comments in the file are dropped.
//
// Bounds: what is no ARP, IPv4 or IPv6 is zeroed behind the link header; of IP's other protocols the whole body is, tunnels
// but IP in IP and authentication headers among them, which are counted. Of options and extension headers what is not known
// to be harmless is zeroed. Link headers that are not known here part by part are taken off: the packets become raw IP.

import { finish, finishUdp, pseudoSumAt, sumBytes } from '../stack/wire/checksum.js';
import * as ipv4 from '../stack/wire/ipv4.js';
import { Ipv6Chain, skipIpv6 } from '../stack/wire/ipv6-extensions.js';
import { hideExtensions, keepKnownOptions } from './anonymous-headers.js';
import {
  type Frame,
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
  LINKTYPE_RAW_BSD,
} from './frame.js';
import { networkOffset } from './layers/link.js';
import { tunnelled } from './layers/tunnels.js';
import { Pseudonyms } from './pseudonyms.js';

const PROTOCOL_ICMP = 1;
const PROTOCOL_IPIP = 4;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_IPV6 = 41;
const PROTOCOL_ICMPV6 = 58;
const PROTOCOL_AH = 51;

/** Link headers whose addresses are replaced here, or that have none. */
const PLAIN_LINKS = new Set([
  LINKTYPE_NULL,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW_BSD,
  LINKTYPE_RAW,
  LINKTYPE_LOOP,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL2,
]);
/** An Ethernet header with two VLAN tags and PPPoE behind it, in bytes; a longer one may hold another Ethernet header. */
const MOST_TAGGED = 14 + 2 * 4 + 8;

/** Where the parts of an IP packet stand, in the frame's bytes. */
interface Place {
  readonly six: boolean;
  readonly start: number;
  readonly protocol: number;
  readonly payload: number;
  /** Where the payload of IP begins: in front of an authentication header. */
  readonly begin: number;
  /** End of what was captured of it; of what was on the wire. */
  readonly end: number;
  readonly wireEnd: number;
  readonly fragment: boolean;
  readonly first: boolean;
  readonly last: boolean;
  /** Bytes of the datagram before this fragment. */
  readonly offset: number;
  readonly key: string;
}

const chain = new Ipv6Chain();

export class Anonymiser {
  private readonly names = new Pseudonyms();
  /** Payload lengths of fragmented datagrams, as their last fragments tell. */
  private readonly totals = new Map<string, number>();
  /** Packets of tunnels whose inside is zeros now: the streams in them are gone. */
  emptied = 0;

  /**
   * Looks at a frame before the writing pass: a fragmented datagram's checksum is in its first fragment and depends on
   * the length that its last one tells. A capture without fragments needs no such pass.
   */
  learn(frame: Frame): void {
    const at = networkOffset(frame);
    if (at < 0) return;
    const place = placeOf(frame.data, at, frame.originalLength);
    if (place?.fragment && place.last)
      this.totals.set(place.key, place.offset + place.wireEnd - place.payload);
  }

  /** The frame in the form that may be shared; a new one. */
  frame(frame: Frame): Frame {
    const at = networkOffset(frame);
    if (!PLAIN_LINKS.has(frame.linkType) || at > MOST_TAGGED) return this.bare(frame, at);
    const data = frame.data.slice();
    const head = this.linkHeader(frame, data);
    if (at >= 0) this.ip(data, at, frame.originalLength, 0);
    else data.fill(0, head);
    return { ...frame, data, comments: [] };
  }

  /** Without its link header; what carries no IP becomes zeros. */
  private bare(frame: Frame, at: number): Frame {
    const data = frame.data.slice(Math.max(0, at));
    const originalLength = frame.originalLength - Math.max(0, at);
    if (at >= 0) this.ip(data, 0, originalLength, 0);
    else data.fill(0);
    return { ...frame, linkType: LINKTYPE_RAW, data, originalLength, comments: [] };
  }

  /** Replaces hardware addresses; where what may be zeroed begins in a frame that carries no IP. */
  private linkHeader(frame: Frame, b: Uint8Array): number {
    switch (frame.linkType) {
      case LINKTYPE_ETHERNET: {
        if (b.length < 14) return 0;
        this.names.hardware(b, 0);
        this.names.hardware(b, 6);
        if (b[12] === 0x08 && b[13] === 0x06 && b.length >= 42) {
          for (const [hardware, protocol] of [
            [22, 28],
            [32, 38],
          ] as const) {
            this.names.hardware(b, hardware);
            this.names.ipv4(b, protocol);
          }
          return 42;
        }
        return 14;
      }
      case LINKTYPE_LINUX_SLL:
        if (b.length >= 16) b.fill(0, 6, 14);
        return 16;
      case LINKTYPE_LINUX_SLL2:
        if (b.length >= 20) b.fill(0, 12, 20);
        return 20;
      default:
        return 0;
    }
  }

  private ip(b: Uint8Array, start: number, wireEnd: number, depth: number): void {
    const place = placeOf(b, start, wireEnd);
    if (place === null) {
      b.fill(0, start + 1);
      return;
    }
    const { payload, end, fragment, first } = place;
    b.fill(0, end);
    if (fragment && !first) b.fill(0, payload, end);
    const destination = this.addresses(b, place);
    if (!fragment || first) this.body(b, place, destination, depth);
    if (!place.six) ipv4.finishHeader(b, start);
  }

  /** Where the final destination's address stands afterwards. */
  private addresses(b: Uint8Array, place: Place): number {
    const { start, six, payload } = place;
    if (six) {
      this.names.ipv6(b, start + 8);
      this.names.ipv6(b, start + 24);
      return hideExtensions(b, start, payload, this.names);
    }
    this.names.ipv4(b, start + 12);
    this.names.ipv4(b, start + 16);
    // Options may hold routes: no operations in their place.
    b.fill(ipv4.IPOPT_NOP, start + ipv4.IPV4_MIN_HEADER, payload);
    return start + 16;
  }

  private body(b: Uint8Array, place: Place, destination: number, depth: number): void {
    const { protocol, payload: o, end } = place;
    const tcpHead = protocol === PROTOCOL_TCP && end - o >= 20 ? Math.max(20, (b[o + 12]! >>> 4) * 4) : 0;
    if (tcpHead > 0) {
      b.fill(0, o + tcpHead, end);
      keepKnownOptions(b, o + 20, Math.min(o + tcpHead, end));
      this.checksum(b, place, destination, o + 16);
    } else if (protocol === PROTOCOL_UDP && end - o >= 8) {
      this.countTunnel(b, place);
      b.fill(0, o + 8, end);
      if (b[o + 6] !== 0 || b[o + 7] !== 0 || place.six) this.checksum(b, place, destination, o + 6);
    } else if ((protocol === PROTOCOL_ICMP || protocol === PROTOCOL_ICMPV6) && end - o >= 8) {
      this.icmp(b, place, depth);
      this.checksum(b, place, destination, o + 2);
    } else if ((protocol === PROTOCOL_IPIP || protocol === PROTOCOL_IPV6) && depth < 4) {
      this.ip(b.subarray(0, end), o, place.wireEnd, depth + 1);
    } else if (protocol === PROTOCOL_AH && end - o >= 12) {
      this.authenticated(b, place, destination, depth);
    } else {
      this.countTunnel(b, place);
      b.fill(0, o, end);
    }
  }

  private countTunnel(b: Uint8Array, { protocol, payload, end }: Place): void {
    if (tunnelled(b.subarray(0, end), protocol, payload) >= 0) this.emptied++;
  }

  /** An authentication header (RFC 4302 section 2) keeps all but its digest. */
  private authenticated(b: Uint8Array, place: Place, destination: number, depth: number): void {
    const o = place.payload;
    const payload = o + (b[o + 1]! + 2) * 4;
    b.fill(0, o + 12, Math.min(payload, place.end));
    if (payload <= place.end) this.body(b, { ...place, protocol: b[o]!, payload }, destination, depth);
  }

  private icmp(b: Uint8Array, place: Place, depth: number): void {
    const { payload: o, end, protocol } = place;
    const type = b[o]!;
    const error = protocol === PROTOCOL_ICMPV6 ? type < 128 : [3, 4, 5, 11, 12].includes(type);
    const solicitation = protocol === PROTOCOL_ICMPV6 && (type === 135 || type === 136) && end - o >= 24;
    if (error && depth < 4 && end > o + 8) {
      // The quoted packet keeps its own length: what is missing of it was never there.
      this.ip(b.subarray(0, end), o + 8, Number.MAX_SAFE_INTEGER, depth + 1);
      if (protocol === PROTOCOL_ICMP && type === 5) this.names.ipv4(b, o + 4);
    } else if (solicitation) {
      this.names.ipv6(b, o + 8);
      b.fill(0, o + 24, end);
      // Options keep type and length, or nobody could step over them.
      if (end - o >= 32) b[o + 25] = (end - o - 24) >>> 3;
    } else b.fill(0, o + 8, end);
  }

  /** Bytes beyond the captured ones are zeros by now and add nothing. */
  private checksum(b: Uint8Array, place: Place, destination: number, at: number): void {
    const { start, six, protocol, payload, end, wireEnd } = place;
    if (at + 2 > end) return;
    const before = payload - place.begin;
    const total = place.fragment ? this.totals.get(place.key) : wireEnd - place.begin;
    const length = total === undefined ? undefined : total - before;
    b[at] = 0;
    b[at + 1] = 0;
    // A fragmented datagram without its last fragment: nobody can tell its checksum.
    if (length === undefined || length > 0x1_0000_0000) return;
    const size = six ? 16 : 4;
    const pseudo =
      protocol === PROTOCOL_ICMP
        ? 0
        : pseudoSumAt(b, start + (six ? 8 : 12), size, protocol, length) +
          sumBytes(b, destination, destination + size);
    const sum = pseudo + sumBytes(b, payload, end);
    const value = protocol === PROTOCOL_UDP ? finishUdp(sum) : finish(sum);
    b[at] = value >>> 8;
    b[at + 1] = value & 255;
  }
}

function placeOf(b: Uint8Array, start: number, frameEnd: number): Place | null {
  const room = b.length - start;
  if (room < 20) return null;
  if (b[start]! >>> 4 === 4) {
    const head = ipv4.headerLength(b, start);
    if (head < 20 || head > room) return null;
    const total = ipv4.totalLength(b, start) || frameEnd - start;
    const wireEnd = Math.min(start + Math.max(total, head), frameEnd);
    const offset = ipv4.fragmentOffset(b, start);
    return {
      six: false,
      start,
      protocol: ipv4.protocol(b, start),
      payload: start + head,
      begin: start + head,
      end: Math.min(wireEnd, b.length),
      wireEnd,
      fragment: ipv4.isFragment(b, start),
      first: offset === 0,
      last: !ipv4.moreFragments(b, start),
      offset,
      key: `${ipv4.id(b, start)} ${b.subarray(start + 12, start + 20)} ${ipv4.protocol(b, start)}`,
    };
  }
  if (b[start]! >>> 4 !== 6 || room < 40) return null;
  const carried = (b[start + 4]! << 8) | b[start + 5]!;
  const wireEnd = Math.min(carried === 0 ? frameEnd : start + 40 + carried, frameEnd);
  const end = Math.min(wireEnd, b.length);
  if (!skipIpv6(b, start, end, chain)) return null;
  const id = chain.fragment < 0 ? '' : String(b.subarray(chain.fragment + 4, chain.fragment + 8));
  return {
    six: true,
    start,
    protocol: chain.protocol,
    payload: chain.offset,
    begin: chain.offset,
    end,
    wireEnd,
    fragment: chain.isFragment,
    first: chain.fragmentOffset === 0,
    last: !chain.moreFragments,
    offset: chain.fragmentOffset,
    key: `${id} ${b.subarray(start + 8, start + 40)}`,
  };
}
