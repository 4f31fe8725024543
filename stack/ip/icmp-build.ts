// Building ICMP for both versions: errors that quote the packet at fault, and echo replies. Says also whether a packet
// may be answered by an error at all. Writes whole IP packets into the caller's bytes; sends nothing, limits nothing
// (icmp-limit.ts does).

import { isIpv4, isLimitedBroadcast, isMulticast, isUnspecified } from '../wire/address.js';
import * as icmp from '../wire/icmp.js';
import * as icmpv6 from '../wire/icmpv6.js';
import { IPV4_MIN_HEADER, IPV4_MIN_REASSEMBLY } from '../wire/ipv4.js';
import { IPV6_HEADER, IPV6_MIN_MTU } from '../wire/ipv6.js';
import { Ipv6Chain, skipFrom } from '../wire/ipv6-extensions.js';
import { ipHeaderLength, writeIp } from './output.js';
import type { IpPacket } from './packet.js';

/** Most bytes that an error can be, IP header included: RFC 1812 section 4.3.2.3, RFC 4443 section 2.4 (c). */
export const ICMP_ERROR_MAX = IPV6_MIN_MTU;

const chain = new Ipv6Chain();

/**
 * Whether `packet`, received as a link-layer and IP unicast (`unicast`), may be answered by an error of `type` and
 * `code`: RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e). An error never answers an error, a fragment other than the first,
 * a group or broadcast (but for what IPv6 allows), or a sender that is no single host.
 */
export function mayAnswerWithError(
  b: Uint8Array,
  packet: IpPacket,
  unicast: boolean,
  type: number,
  code: number,
): boolean {
  if (isUnspecified(packet.source) || isMulticast(packet.source) || isLimitedBroadcast(packet.source))
    return false;
  if (packet.fragmentOffset > 0) return false;
  if (!unicast) {
    const excepted =
      packet.ipv6 &&
      (type === icmpv6.ICMPV6_PACKET_TOO_BIG ||
        (type === icmpv6.ICMPV6_PARAMETER_PROBLEM && code === icmpv6.ICMPV6_BAD_OPTION));
    if (!excepted) return false;
  }
  const expected = packet.ipv6 ? icmpv6.ICMPV6_PROTOCOL : icmp.ICMP_PROTOCOL;
  let { protocol, payload: at } = packet;
  // More may stand in front of the message, behind a fragment header or the option at fault.
  if (packet.ipv6 && skipFrom(b, protocol, at, packet.end, chain)) {
    protocol = chain.protocol;
    at = chain.offset;
  }
  if (protocol !== expected) return true;
  // Too short to say what it is: take it for an error.
  if (at >= packet.end) return false;
  const inner = b[at];
  return packet.ipv6 ? !icmpv6.isError(inner) : !icmp.isError(inner);
}

/**
 * Writes an error about the packet at `q[qo, qo+qlen)` (from its IP header) to `b[o]`: `rest` is the word behind the
 * checksum (MTU, pointer), `ttl` the default, `id` for IPv4. `source` and `destination` are 16-byte addresses of one family.
 * Quotes as much as fits 576 bytes (IPv4) or 1280 (IPv6). Returns the packet's length; room for ICMP_ERROR_MAX is needed.
 */
export function writeIcmpError(
  b: Uint8Array,
  o: number,
  source: Uint8Array,
  destination: Uint8Array,
  type: number,
  code: number,
  rest: number,
  q: Uint8Array,
  qo: number,
  qlen: number,
  ttl: number,
  id: number,
): number {
  const v6 = !isIpv4(destination);
  const head = ipHeaderLength(v6);
  const room = v6
    ? IPV6_MIN_MTU - IPV6_HEADER - icmpv6.ICMPV6_HEADER
    : IPV4_MIN_REASSEMBLY - IPV4_MIN_HEADER - icmp.ICMP_HEADER;
  const quoted = Math.min(qlen, room);
  const at = o + head;
  const length = 8 + quoted;
  b.set(q.subarray(qo, qo + quoted), at + 8);
  if (v6) {
    writeIp(b, o, true, source, destination, icmpv6.ICMPV6_PROTOCOL, length, 0, ttl, false, 0, 0);
    icmpv6.writeIcmpv6(b, at, type, code, rest);
    icmpv6.finishIcmpv6(b, at, length, source, 0, destination, 0);
  } else {
    // RFC 1812 section 4.3.2.5: the TOS of the packet at fault, with precedence 6 (internetwork control).
    const tos = qlen > 1 ? (q[qo + 1] & 0x1e) | 0xc0 : 0xc0;
    writeIp(b, o, false, source, destination, icmp.ICMP_PROTOCOL, length, tos, ttl, false, id, 0);
    icmp.writeIcmp(b, at, type, code, rest);
    icmp.finishIcmp(b, at, length);
  }
  return head + length;
}

/** Whether the validated packet is an echo request. */
export function isEchoRequest(b: Uint8Array, packet: IpPacket): boolean {
  if (packet.fragment || packet.payloadLength < 8) return false;
  if (packet.ipv6)
    return packet.protocol === icmpv6.ICMPV6_PROTOCOL && b[packet.payload] === icmpv6.ICMPV6_ECHO;
  return packet.protocol === icmp.ICMP_PROTOCOL && b[packet.payload] === icmp.ICMP_ECHO;
}

/**
 * Writes the reply to an echo request (RFC 1122 section 3.2.2.6, RFC 4443 section 4.2) whose ICMP checksum has been
 * verified, to `b[o]`; `packet` lies in `q`, which may not overlap. The reply has the request's TOS and data, and comes
 * from `source`. Returns its length in bytes.
 */
export function writeEchoReply(
  b: Uint8Array,
  o: number,
  source: Uint8Array,
  q: Uint8Array,
  packet: IpPacket,
  ttl: number,
  id: number,
): number {
  const v6 = packet.ipv6;
  const head = ipHeaderLength(v6);
  const at = o + head;
  const length = packet.payloadLength;
  b.set(q.subarray(packet.payload, packet.payload + length), at);
  const protocol = v6 ? icmpv6.ICMPV6_PROTOCOL : icmp.ICMP_PROTOCOL;
  writeIp(b, o, v6, source, packet.source, protocol, length, packet.tos, ttl, false, id, 0);
  b[at] = v6 ? icmpv6.ICMPV6_ECHO_REPLY : icmp.ICMP_ECHO_REPLY;
  b[at + 1] = 0;
  if (v6) icmpv6.finishIcmpv6(b, at, length, source, 0, packet.source, 0);
  else icmp.finishIcmp(b, at, length);
  return head + length;
}
