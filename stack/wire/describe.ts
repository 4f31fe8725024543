// A whole packet or frame in one line for people: failures of tests, logs, reports. Allocates freely; never for the
// data path. Trusts nothing: any bytes give some text.

import { formatIpv4, formatIpv6 } from './address.js';
import { describeArp } from './arp.js';
import {
  checkEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  etherType,
  headerLength,
} from './ethernet.js';
import { describeIcmp, ICMP_PROTOCOL } from './icmp.js';
import { describeIcmpv6, ICMPV6_PROTOCOL } from './icmpv6.js';
import * as ipv4 from './ipv4.js';
import * as ipv6 from './ipv6.js';
import { Ipv6Chain, walkIpv6 } from './ipv6-extensions.js';
import { describeTcp, TCP_PROTOCOL } from './tcp.js';
import { describeUdp, UDP_PROTOCOL } from './udp.js';

/** The Ethernet frame of `len` bytes at `b[o]`: what it carries, without the hardware addresses. */
export function describeFrame(b: Uint8Array, o: number, len: number): string {
  if (checkEthernet(b, o, len) !== 0) return `frame of ${len} bytes without a type`;
  const head = headerLength(b, o);
  const type = etherType(b, o);
  if (type === ETHERTYPE_ARP) return describeArp(b, o + head, len - head);
  if (type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6) return describePacket(b, o + head, len - head);
  return `frame of type 0x${type.toString(16).padStart(4, '0')}, length ${len}`;
}

/** The IPv4 or IPv6 packet of at most `len` bytes at `b[o]`: addresses, marks worth saying, transport. */
export function describePacket(b: Uint8Array, o: number, len: number): string {
  if (len > 0 && b[o] >>> 4 === 4) return packet4(b, o, len);
  if (len > 0 && b[o] >>> 4 === 6) return packet6(b, o, len);
  return `no IP packet (${len} bytes)`;
}

const ECN = ['', ' [ECT1]', ' [ECT0]', ' [CE]'];

function packet4(b: Uint8Array, o: number, len: number): string {
  if (ipv4.checkIpv4(b, o, len) !== 0) return ipv4.describeIpv4(b, o, len);
  const ends = `${formatIpv4(b, o + ipv4.IPV4_OFF_SRC)} > ${formatIpv4(b, o + ipv4.IPV4_OFF_DST)}`;
  const head = ipv4.headerLength(b, o);
  const n = ipv4.totalLength(b, o) - head;
  const damage = ipv4.headerVerifies(b, o) ? '' : ' [bad header checksum]';
  const marks = ECN[ipv4.ecn(b, o)] + damage;
  const protocol = ipv4.protocol(b, o);
  if (ipv4.isFragment(b, o)) {
    const more = ipv4.moreFragments(b, o) ? '+' : '';
    return `${ends}${marks}: fragment ${ipv4.id(b, o)}:${n}@${ipv4.fragmentOffset(b, o)}${more} of protocol ${protocol}`;
  }
  return `${ends}${marks}: ${upper(b, o, o + head, n, protocol)}`;
}

function packet6(b: Uint8Array, o: number, len: number): string {
  if (ipv6.checkIpv6(b, o, len) !== 0) return ipv6.describeIpv6(b, o, len);
  const ends = `${formatIpv6(b, o + ipv6.IPV6_OFF_SRC)} > ${formatIpv6(b, o + ipv6.IPV6_OFF_DST)}`;
  const marks = ECN[ipv6.ecn(b, o)];
  const chain = new Ipv6Chain();
  if (walkIpv6(b, o, chain) !== 0) return `${ends}${marks}: bad extension headers`;
  const n = o + ipv6.totalLength(b, o) - chain.offset;
  if (chain.isFragment) {
    const more = chain.moreFragments ? '+' : '';
    return `${ends}${marks}: fragment ${chain.fragmentId}:${n}@${chain.fragmentOffset}${more} of protocol ${chain.protocol}`;
  }
  return `${ends}${marks}: ${upper(b, o, chain.offset, n, chain.protocol)}`;
}

function upper(b: Uint8Array, ip: number, o: number, n: number, protocol: number): string {
  switch (protocol) {
    case TCP_PROTOCOL:
      return describeTcp(b, o, n);
    case UDP_PROTOCOL:
      return describeUdp(b, o, n);
    case ICMP_PROTOCOL:
      return describeIcmp(b, o, n);
    case ICMPV6_PROTOCOL:
      return b[ip] >>> 4 === 6 ? describeIcmpv6(b, ip, o, n) : `protocol ${protocol}, length ${n}`;
    default:
      return `protocol ${protocol}, length ${n}`;
  }
}
