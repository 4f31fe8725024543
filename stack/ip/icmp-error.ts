// Reading ICMP errors of both versions into one form for transports: whose packet is quoted, and what is wrong. All
// that is quoted was written by a stranger: the transport checks the sequence number (RFC 5927) before it believes.
// Knows no connections.

import { copyAddress, isIpv4, mapIpv4 } from '../wire/address.js';
import { getU16, getU32 } from '../wire/bytes.js';
import * as icmp from '../wire/icmp.js';
import * as icmpv6 from '../wire/icmpv6.js';
import { IPV4_OFF_DST, IPV4_OFF_PROTOCOL, IPV4_OFF_SRC } from '../wire/ipv4.js';
import { IPV6_HEADER, IPV6_OFF_DST, IPV6_OFF_SRC } from '../wire/ipv6.js';
import { Ipv6Chain, skipIpv6 } from '../wire/ipv6-extensions.js';
import type { IpPacket } from './packet.js';

/** Not an ICMP error message at all (a query, ND, …). */
export const ICMP_NOT_ERROR = 1;
/** Short, damaged, or quoting something that is no packet with ports. */
export const ICMP_MALFORMED = 2;

/** An ICMP error. Local is the quoted packet's source: our side. Reused for every message. */
export class IcmpError {
  ipv6 = false;
  type = 0;
  code = 0;
  /** Next-hop MTU of Fragmentation Needed or Packet Too Big, otherwise 0. */
  mtu = 0;
  /** Pointer of a Parameter Problem, otherwise 0. */
  pointer = 0;
  /** The quoted packet's protocol, addresses and, for all protocols alike, the first four bytes as ports. */
  protocol = 0;
  readonly localAddress: Uint8Array = new Uint8Array(16);
  readonly remoteAddress: Uint8Array = new Uint8Array(16);
  localPort = 0;
  remotePort = 0;
  /** Bytes 4 … 7 of the quoted transport header: TCP's sequence number. */
  seq = 0;
  /** Where the quoted IP header and the quoted transport header begin, and where the quote ends; absolute. */
  quoted = 0;
  transport = 0;
  end = 0;
  /** Who says so. */
  readonly reporter: Uint8Array = new Uint8Array(16);
}

/**
 * Reads the ICMP message that is `packet`'s payload. Verifies its checksum. Returns 0 or a code; `out` is meaningful
 * for 0 only. Never reads beyond the packet.
 */
export function parseIcmpError(b: Uint8Array, packet: IpPacket, out: IcmpError): number {
  const o = packet.payload;
  const len = packet.payloadLength;
  if (packet.ipv6 ? packet.protocol !== icmpv6.ICMPV6_PROTOCOL : packet.protocol !== icmp.ICMP_PROTOCOL) {
    return ICMP_NOT_ERROR;
  }
  if (packet.fragment) return ICMP_MALFORMED;
  const bad = packet.ipv6 ? icmpv6.checkIcmpv6(b, packet.start, o, len) : icmp.checkIcmp(b, o, len);
  if (bad !== 0) return ICMP_MALFORMED;
  if (packet.ipv6 ? !icmpv6.isError(b[o]) : !icmp.isError(b[o])) return ICMP_NOT_ERROR;
  out.ipv6 = packet.ipv6;
  out.type = b[o];
  out.code = b[o + 1];
  out.mtu = 0;
  out.pointer = 0;
  out.quoted = o + 8;
  out.end = packet.end;
  copyAddress(out.reporter, 0, packet.source, 0);
  if (packet.ipv6) {
    if (out.type === icmpv6.ICMPV6_PACKET_TOO_BIG) out.mtu = icmpv6.mtu(b, o);
    else if (out.type === icmpv6.ICMPV6_PARAMETER_PROBLEM) out.pointer = icmpv6.pointer(b, o);
    return readQuote6(b, out);
  }
  if (out.type === icmp.ICMP_UNREACHABLE && out.code === icmp.ICMP_FRAGMENTATION_NEEDED)
    out.mtu = icmp.mtu(b, o);
  else if (out.type === icmp.ICMP_PARAMETER_PROBLEM) out.pointer = icmp.pointer(b, o);
  return readQuote4(b, out);
}

const chain = new Ipv6Chain();

function readQuote4(b: Uint8Array, out: IcmpError): number {
  const q = out.quoted;
  if (q + 20 > out.end || b[q] >>> 4 !== 4) return ICMP_MALFORMED;
  const head = (b[q] & 15) << 2;
  if (head < 20) return ICMP_MALFORMED;
  // Only the first fragment has ports; errors about others should not exist (RFC 1122 section 3.2.2).
  if ((getU16(b, q + 6) & 0x1fff) !== 0) return ICMP_MALFORMED;
  out.protocol = b[q + IPV4_OFF_PROTOCOL];
  mapIpv4(out.localAddress, 0, b, q + IPV4_OFF_SRC);
  mapIpv4(out.remoteAddress, 0, b, q + IPV4_OFF_DST);
  return readPorts(b, q + head, out);
}

function readQuote6(b: Uint8Array, out: IcmpError): number {
  const q = out.quoted;
  if (q + IPV6_HEADER > out.end || b[q] >>> 4 !== 6) return ICMP_MALFORMED;
  if (isIpv4(b, q + IPV6_OFF_SRC) || isIpv4(b, q + IPV6_OFF_DST)) return ICMP_MALFORMED;
  copyAddress(out.localAddress, 0, b, q + IPV6_OFF_SRC);
  copyAddress(out.remoteAddress, 0, b, q + IPV6_OFF_DST);
  // The quote may be cut anywhere, so the strict walk of received packets does not fit here.
  if (!skipIpv6(b, q, out.end, chain) || chain.fragmentOffset > 0) return ICMP_MALFORMED;
  out.protocol = chain.protocol;
  return readPorts(b, chain.offset, out);
}

// RFC 792: eight bytes of the quoted packet's data are there for sure.
function readPorts(b: Uint8Array, at: number, out: IcmpError): number {
  if (at + 8 > out.end) return ICMP_MALFORMED;
  out.transport = at;
  out.localPort = getU16(b, at);
  out.remotePort = getU16(b, at + 2);
  out.seq = getU32(b, at + 4);
  return 0;
}
