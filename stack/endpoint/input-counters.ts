// Counting what came in by IP and ICMP, under Linux's names and at its places.
import { countDamagedIcmp, countIcmp } from '../host/icmp-counters.js';
import { type IpCounters, ipCounterIndex } from '../host/ip-counters.js';
import { DST_BROADCAST, DST_MULTICAST, DST_UNICAST } from '../ip/addresses.js';
import {
  INPUT_DROP,
  INPUT_FRAGMENT,
  INPUT_NOT_OURS,
  INPUT_PROBLEM,
  INPUT_TRANSPORT,
  INPUT_UNKNOWN,
  type IpInput,
} from '../ip/input.js';
import {
  IP_ERR_ADDRESS,
  IP_ERR_CHECKSUM,
  IP_ERR_OPTIONS,
  IP_ERR_TRUNCATED,
  type IpPacket,
} from '../ip/packet.js';
import { isIpv4 } from '../wire/address.js';
import * as icmp from '../wire/icmp.js';
import * as icmpv6 from '../wire/icmpv6.js';
import * as ipv4 from '../wire/ipv4.js';
import { IPV6_HEADER, IPV6_OFF_DST } from '../wire/ipv6.js';

const four = {
  header: ipCounterIndex('IpInHdrErrors'),
  address: ipCounterIndex('IpInAddrErrors'),
  unknown: ipCounterIndex('IpInUnknownProtos'),
  delivers: ipCounterIndex('IpInDelivers'),
  truncated: ipCounterIndex('IpExtInTruncatedPkts'),
  fragments: ipCounterIndex('IpReasmReqds'),
  groups: ipCounterIndex('IpExtInMcastPkts'),
  groupOctets: ipCounterIndex('IpExtInMcastOctets'),
};
const six: typeof four = {
  header: ipCounterIndex('Ip6InHdrErrors'),
  address: ipCounterIndex('Ip6InAddrErrors'),
  unknown: ipCounterIndex('Ip6InUnknownProtos'),
  delivers: ipCounterIndex('Ip6InDelivers'),
  truncated: ipCounterIndex('Ip6InTruncatedPkts'),
  fragments: ipCounterIndex('Ip6ReasmReqds'),
  groups: ipCounterIndex('Ip6InMcastPkts'),
  groupOctets: ipCounterIndex('Ip6InMcastOctets'),
};
const RECEIVES = ipCounterIndex('IpInReceives');
const RECEIVES_6 = ipCounterIndex('Ip6InReceives');
const OCTETS = ipCounterIndex('IpExtInOctets');
const OCTETS_6 = ipCounterIndex('Ip6InOctets');
/** The first of four that stand in the order of the ECN bits: Not-ECT, ECT(1), ECT(0), CE. */
const ECN = ipCounterIndex('IpExtInNoECTPkts');
const ECN_6 = ipCounterIndex('Ip6InNoECTPkts');
const DELIVERS = ipCounterIndex('IpInDelivers');
const DELIVERS_6 = ipCounterIndex('Ip6InDelivers');
const BROADCASTS = ipCounterIndex('IpExtInBcastPkts');
const BROADCAST_OCTETS = ipCounterIndex('IpExtInBcastOctets');
const CSUM_ERRORS = ipCounterIndex('IpExtInCsumErrors');

/**
 * Counts a packet as it came (ip_rcv_core, ip6_rcv_core): its octets are those of the frame, padding included, and a
 * super-packet of `segments` is one packet but as many with its ECN bits, which a header that is none does not have.
 */
export function countReceived(
  counters: IpCounters,
  b: Uint8Array,
  o: number,
  length: number,
  segments: number,
): void {
  const { values } = counters;
  if (b[o] >>> 4 === 6) {
    values[RECEIVES_6]++;
    values[OCTETS_6] += length;
    if (length >= IPV6_HEADER) values[ECN_6 + ((b[o + 1] >>> 4) & 3)] += segments;
    return;
  }
  values[RECEIVES]++;
  values[OCTETS] += length;
  if (length >= ipv4.IPV4_MIN_HEADER && b[o] >= 0x45 && b[o] < 0x50) values[ECN + (b[o + 1] & 3)] += segments;
}

/**
 * Counts IpInput's verdict about the packet at `b[o]`, and for INPUT_DROP its reason. `whole`: it was put together here, and its
 * fragments were counted as what they went to.
 */
export function countInput(
  counters: IpCounters,
  ip: IpInput,
  verdict: number,
  b: Uint8Array,
  o: number,
  whole: boolean,
): void {
  const v6 = b[o] >>> 4 === 6;
  if (verdict === INPUT_TRANSPORT && ip.destination === DST_UNICAST) {
    counters.values[v6 ? DELIVERS_6 : DELIVERS]++;
    return;
  }
  const index = v6 ? six : four;
  if (verdict === INPUT_DROP && ip.reason !== 0) {
    countRefused(counters, v6, ip.reason, b, o);
    return;
  }
  const { packet } = ip;
  // IPv6 counts groups before it asks who is in them (ip6_mc_input), IPv4 what a route of a group took.
  const group = v6 ? packet.destination[0] === 0xff : ip.destination === DST_MULTICAST;
  if (whole || verdict === INPUT_PROBLEM) {
    // Options are looked at before the route.
  } else if (group) {
    counters.add(index.groups);
    counters.add(index.groupOctets, packet.length);
  } else if (ip.destination === DST_BROADCAST) {
    counters.add(BROADCASTS);
    counters.add(BROADCAST_OCTETS, packet.length);
  }
  switch (verdict) {
    case INPUT_FRAGMENT:
      counters.add(index.fragments);
      return;
    case INPUT_UNKNOWN:
      counters.add(index.unknown);
      return;
    case INPUT_NOT_OURS:
      // A group that nobody is in is no error.
      if (v6 ? !group : packet.destination[12] >>> 4 !== 14) counters.add(index.address);
      return;
    case INPUT_PROBLEM:
      counters.add(index.header);
      return;
    case INPUT_DROP:
      counters.add(index.delivers);
      if (v6 ? packet.protocol === icmpv6.ICMPV6_PROTOCOL : packet.protocol === icmp.ICMP_PROTOCOL) {
        countBadIcmp(counters, packet, b);
      }
      return;
    default:
      counters.add(index.delivers);
  }
}

function countRefused(counters: IpCounters, v6: boolean, reason: number, b: Uint8Array, o: number): void {
  const index = v6 ? six : four;
  switch (reason) {
    case IP_ERR_TRUNCATED:
      counters.add(index.truncated);
      return;
    case IP_ERR_CHECKSUM:
      counters.add(CSUM_ERRORS);
      counters.add(index.header);
      return;
    case IP_ERR_OPTIONS:
      // A source route is refused without a word (accept_source_route).
      if (v6) counters.add(index.header);
      return;
    case IP_ERR_ADDRESS:
      if (!v6) {
        // What cannot come from there is a martian, which nothing counts; what goes to "this network" has no route.
        if (b[o + ipv4.IPV4_OFF_DST] === 0) counters.add(index.address);
      } else {
        counters.add(hasNoRoute(b, o + IPV6_OFF_DST) ? index.address : index.header);
      }
      return;
    default:
      counters.add(index.header);
  }
}

/** `::` and mapped addresses. */
function hasNoRoute(b: Uint8Array, o: number): boolean {
  if (isIpv4(b, o)) return true;
  for (let i = 0; i < 16; i++) if (b[o + i] !== 0) return false;
  return true;
}

const ICMP_ERRORS = ipCounterIndex('IcmpInErrors');
const ICMP_ERRORS_6 = ipCounterIndex('Icmp6InErrors');
const ICMP_CSUM = ipCounterIndex('IcmpInCsumErrors');
const ICMP_CSUM_6 = ipCounterIndex('Icmp6InCsumErrors');
/** The highest type that Linux knows (NR_ICMP_TYPES). */
const ICMP_TYPES = 18;

/** Counts an ICMP message that came in and that nothing could be done with. */
export function countIcmpError(counters: IpCounters, ipv6: boolean): void {
  counters.add(ipv6 ? ICMP_ERRORS_6 : ICMP_ERRORS);
}

/** Counts an undamaged ICMP message by its type, and as an error what is of no known type or asks a broadcast (icmp_rcv). */
export function countIcmpInput(counters: IpCounters, ip: IpInput, b: Uint8Array): void {
  const { packet } = ip;
  const type = b[packet.payload];
  countIcmp(counters, packet.ipv6, false, type);
  if (packet.ipv6) return;
  const asked =
    type === icmp.ICMP_ECHO && (ip.destination === DST_BROADCAST || ip.destination === DST_MULTICAST);
  if (type > ICMP_TYPES || asked) counters.add(ICMP_ERRORS);
}

/** A message that is damaged, or an error whose quote is no packet with ports. */
function countBadIcmp(counters: IpCounters, packet: IpPacket, b: Uint8Array): void {
  const { ipv6, start, payload, payloadLength } = packet;
  const bad = ipv6
    ? icmpv6.checkIcmpv6(b, start, payload, payloadLength)
    : icmp.checkIcmp(b, payload, payloadLength);
  if (bad === 0) countIcmp(counters, ipv6, false, b[payload]);
  else countDamagedIcmp(counters, ipv6);
  if (bad === icmp.ICMP_ERR_CHECKSUM) counters.add(ipv6 ? ICMP_CSUM_6 : ICMP_CSUM);
  // Over IPv6 a quote that is long enough is no error, whatever it says (icmpv6_notify).
  if (bad === 0 && ipv6 && payloadLength >= icmpv6.ICMPV6_HEADER + IPV6_HEADER + 8) return;
  countIcmpError(counters, ipv6);
}
