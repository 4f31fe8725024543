// A received IP packet: validation of everything below the transport, for both versions, into one reusable object.
// Nothing behind the IP length is ever looked at. Knows no flows, no sockets and does not answer; what it says about
// a bad packet is enough for icmp-error.ts to answer it.

import { CHECKSUM_VERIFIED } from '../channel/pool.js';
import { isIpv4, isLimitedBroadcast, isUnspecified } from '../wire/address.js';
import { fold, pseudoSum, sumBytes } from '../wire/checksum.js';
import { ICMPV6_PROTOCOL } from '../wire/icmpv6.js';
import * as ipv4 from '../wire/ipv4.js';
import * as ipv6 from '../wire/ipv6.js';
import { Ipv6Chain, skipIpv6, WALK_DROP, WALK_PROBLEM, walkIpv6 } from '../wire/ipv6-extensions.js';

/** Header is nonsense or of an unknown version (counted as InHdrErrors). */
export const IP_ERR_HEADER = 1;
/** Longer by its own account than what arrived (InTruncatedPkts). */
export const IP_ERR_TRUNCATED = 2;
/** IPv4 header checksum (InHdrErrors; RFC 1122 section 3.2.1.2: dropped in silence). */
export const IP_ERR_CHECKSUM = 3;
/** Addresses that cannot be a packet's on a wire (InAddrErrors). */
export const IP_ERR_ADDRESS = 4;
/** Source route, or too many headers or options: dropped in silence. */
export const IP_ERR_OPTIONS = 5;
/** Dropped, and a Parameter Problem with `problemCode` and `problemPointer` may be sent. */
export const IP_ERR_PROBLEM = 6;
/** As IP_ERR_PROBLEM, but not for packets to a multicast group (RFC 8200 section 4.2). */
export const IP_ERR_PROBLEM_UNICAST = 7;

/** What a packet's header said. One object per reader, filled anew for every packet. All offsets are absolute. */
export class IpPacket {
  ipv6 = false;
  /** Where the IP header begins and where the packet ends. */
  start = 0;
  end = 0;
  /** Upper layer: protocol, first byte, bytes up to `end`. For a fragment, those of its piece. */
  protocol = 0;
  payload = 0;
  payloadLength = 0;
  /** TOS or traffic class; its two ECN bits. */
  tos = 0;
  ecn = 0;
  ttl = 0;
  flowLabel = 0;
  readonly source: Uint8Array = new Uint8Array(16);
  readonly destination: Uint8Array = new Uint8Array(16);
  /** A piece of a packet: offset in bytes, whether more follow, identification. */
  fragment = false;
  fragmentOffset = 0;
  moreFragments = false;
  fragmentId = 0;
  /** IPv6: where the protocol was named, and where the fragment header begins (-1 without). */
  nextHeaderAt = 0;
  fragmentHeader = -1;
  /** Of IP_ERR_PROBLEM…: ICMP code and pointer. */
  problemCode = 0;
  problemPointer = 0;

  /** Whole packet's length in bytes. */
  get length(): number {
    return this.end - this.start;
  }
}

const chain = new Ipv6Chain();

/**
 * Validates the packet of at most `len` bytes at `b[o]` and describes it in `out`. Returns 0 or an IP_ERR_… code;
 * then `out` is meaningful for IP_ERR_PROBLEM… only: addresses, extent, upper layer, problem. `loopback`: the packet
 * came by the loopback link, where loopback addresses are at home.
 */
export function parseIp(b: Uint8Array, o: number, len: number, out: IpPacket, loopback = false): number {
  if (len < 1) return IP_ERR_HEADER;
  const version = b[o] >>> 4;
  if (version === 4) return parse4(b, o, len, out, loopback);
  if (version === 6) return parse6(b, o, len, out, loopback);
  return IP_ERR_HEADER;
}

// RFC 9293 MUST-50
function parse4(b: Uint8Array, o: number, len: number, out: IpPacket, loopback: boolean): number {
  const bad = ipv4.checkIpv4(b, o, len);
  if (bad !== 0) {
    // A total length that reaches beyond the frame is the frame's fault, one below the header is the header's.
    const truncated = bad === ipv4.IPV4_ERR_LENGTH && ipv4.totalLength(b, o) > len;
    return truncated ? IP_ERR_TRUNCATED : IP_ERR_HEADER;
  }
  if (!ipv4.headerVerifies(b, o)) return IP_ERR_CHECKSUM;
  const head = ipv4.headerLength(b, o);
  out.ipv6 = false;
  out.start = o;
  out.end = o + ipv4.totalLength(b, o);
  ipv4.readSource(b, o, out.source, 0);
  ipv4.readDestination(b, o, out.destination, 0);
  if (!plausible4(b, o, out, loopback)) return IP_ERR_ADDRESS;
  out.protocol = ipv4.protocol(b, o);
  out.payload = o + head;
  out.payloadLength = out.end - out.payload;
  out.tos = ipv4.tos(b, o);
  out.ecn = out.tos & 3;
  out.ttl = ipv4.ttl(b, o);
  out.flowLabel = 0;
  out.fragment = ipv4.isFragment(b, o);
  out.fragmentOffset = ipv4.fragmentOffset(b, o);
  out.moreFragments = ipv4.moreFragments(b, o);
  out.fragmentId = ipv4.id(b, o);
  out.fragmentHeader = -1;
  if (head > ipv4.IPV4_MIN_HEADER) {
    const at = ipv4.checkOptions(b, o);
    if (at >= 0) {
      const kind = b[o + at];
      // Linux with accept_source_route 0 says nothing; what is malformed is reported (RFC 1122 section 3.2.2.5).
      if (kind === ipv4.IPOPT_LSRR || kind === ipv4.IPOPT_SSRR) return IP_ERR_OPTIONS;
      out.problemCode = 0;
      out.problemPointer = at;
      return IP_ERR_PROBLEM;
    }
  }
  return 0;
}

function parse6(b: Uint8Array, o: number, len: number, out: IpPacket, loopback: boolean): number {
  const bad = ipv6.checkIpv6(b, o, len);
  if (bad !== 0) return bad === ipv6.IPV6_ERR_LENGTH ? IP_ERR_TRUNCATED : IP_ERR_HEADER;
  out.ipv6 = true;
  out.start = o;
  out.end = o + ipv6.totalLength(b, o);
  ipv6.readSource(b, o, out.source, 0);
  ipv6.readDestination(b, o, out.destination, 0);
  if (!plausible6(b, o, loopback)) return IP_ERR_ADDRESS;
  const walked = walkIpv6(b, o, chain);
  if (walked !== 0) {
    if (walked === WALK_DROP) return IP_ERR_OPTIONS;
    // What it carries decides whether a report is allowed; what cannot be found counts as not reportable.
    const found = skipIpv6(b, o, out.end, chain);
    out.protocol = found ? chain.protocol : ICMPV6_PROTOCOL;
    out.payload = found ? chain.offset : out.end;
    out.payloadLength = out.end - out.payload;
    out.fragmentOffset = chain.fragmentOffset;
    out.problemCode = chain.problemCode;
    out.problemPointer = chain.problemPointer;
    return walked === WALK_PROBLEM ? IP_ERR_PROBLEM : IP_ERR_PROBLEM_UNICAST;
  }
  out.protocol = chain.protocol;
  out.payload = chain.offset;
  out.payloadLength = out.end - chain.offset;
  out.tos = ipv6.trafficClass(b, o);
  out.ecn = out.tos & 3;
  out.ttl = ipv6.hopLimit(b, o);
  out.flowLabel = ipv6.flowLabel(b, o);
  out.fragment = chain.isFragment;
  out.fragmentOffset = chain.fragmentOffset;
  out.moreFragments = chain.moreFragments;
  out.fragmentId = chain.fragmentId;
  out.fragmentHeader = chain.fragment;
  out.nextHeaderAt = chain.nextHeaderAt;
  return 0;
}

// RFC 9293 MUST-63
// RFC 1122 section 3.2.1.3, as Linux's martian checks: no packet comes from a group, broadcast or "this network", none
// goes to "this network", and loopback stays inside.
function plausible4(b: Uint8Array, o: number, out: IpPacket, loopback: boolean): boolean {
  const src = b[o + ipv4.IPV4_OFF_SRC];
  const dst = b[o + ipv4.IPV4_OFF_DST];
  if ((src >= 224 && src < 240) || dst === 0) return false;
  if (src === 0 && !mayComeFromNobody(b, o, out)) return false;
  if (isLimitedBroadcast(out.source)) return false;
  return loopback || (src !== 127 && dst !== 127);
}

// Who has no address yet sends from 0.0.0.0: DHCP clients to all, and switches that ask for groups (RFC 4541 section 2.1.1) or
// hosts that report theirs to the link's own groups, 224.0.0/24 (Linux's ip_mc_validate_source).
function mayComeFromNobody(b: Uint8Array, o: number, out: IpPacket): boolean {
  if (!isUnspecified(out.source)) return false;
  const dst = o + ipv4.IPV4_OFF_DST;
  return isLimitedBroadcast(out.destination) || (b[dst] === 224 && b[dst + 1] === 0 && b[dst + 2] === 0);
}

// RFC 9293 MUST-63
// RFC 4291 sections 2.5.2, 2.5.3, 2.7; RFC 4942 section 2.2: mapped addresses never on a wire. They would pass for IPv4
// in the 16-byte form that everything above uses.
function plausible6(b: Uint8Array, o: number, loopback: boolean): boolean {
  const src = o + ipv6.IPV6_OFF_SRC;
  const dst = o + ipv6.IPV6_OFF_DST;
  if (b[src] === 0xff) return false;
  if (isIpv4(b, src) || isIpv4(b, dst)) return false;
  const s = zeroOrOne(b, src);
  const d = zeroOrOne(b, dst);
  if (d === 0) return false;
  return loopback || (s !== 1 && d !== 1);
}

// 0 for `::`, 1 for `::1`, else 2.
function zeroOrOne(b: Uint8Array, o: number): number {
  for (let i = 0; i < 15; i++) if (b[o + i] !== 0) return 2;
  return b[o + 15] > 1 ? 2 : b[o + 15];
}

// RFC 9293 MUST-3
/**
 * Whether the transport checksum over `packet`'s payload and its pseudo-header is right; `length` bytes of payload
 * count (UDP's own length may be shorter). `state` is the buffer's: what the link has verified is believed.
 */
export function transportVerifies(b: Uint8Array, packet: IpPacket, length: number, state: number): boolean {
  if (state === CHECKSUM_VERIFIED) return true;
  const sum =
    pseudoSum(packet.source, 0, packet.destination, 0, packet.protocol, length) +
    sumBytes(b, packet.payload, packet.payload + length);
  return fold(sum) === 0xffff;
}
