// Counting what goes out by IP and ICMP, under Linux's names and at its places.
import { countIcmp } from '../host/icmp-counters.js';
import { type IpCounters, ipCounterIndex } from '../host/ip-counters.js';
import { IPV4_OFF_DST } from '../wire/ipv4.js';
import { IPV6_OFF_DST } from '../wire/ipv6.js';

const both = (name: 'OutRequests' | 'OutDiscards' | 'FragOKs' | 'FragFails' | 'FragCreates') =>
  [ipCounterIndex(`Ip${name}`), ipCounterIndex(`Ip6${name}`)] as const;
const REQUESTS = both('OutRequests');
const DISCARDS = both('OutDiscards');
const FRAGMENTED = both('FragOKs');
const NOT_FRAGMENTED = both('FragFails');
const FRAGMENTS = both('FragCreates');
const TRANSMITS = ipCounterIndex('IpOutTransmits');
const TRANSMITS_6 = ipCounterIndex('Ip6OutTransmits');
const OCTETS = ipCounterIndex('IpExtOutOctets');
const OCTETS_6 = ipCounterIndex('Ip6OutOctets');
const GROUPS = ipCounterIndex('IpExtOutMcastPkts');
const GROUPS_6 = ipCounterIndex('Ip6OutMcastPkts');
const GROUP_OCTETS = ipCounterIndex('IpExtOutMcastOctets');
const GROUP_OCTETS_6 = ipCounterIndex('Ip6OutMcastOctets');
const BROADCASTS = ipCounterIndex('IpExtOutBcastPkts');
const BROADCAST_OCTETS = ipCounterIndex('IpExtOutBcastOctets');

/** Counts a packet that a transport gives to IP, before anything is cut. */
export function countRequest(counters: IpCounters, ipv6: boolean): void {
  counters.add(REQUESTS[ipv6 ? 1 : 0]);
}

/** Counts a packet whose sender the device's queue did not let through. */
export function countDiscard(counters: IpCounters, ipv6: boolean): void {
  counters.add(DISCARDS[ipv6 ? 1 : 0]);
}

/** Counts the packet of `length` bytes at `b[o]` that goes to a device (ip_finish_output2): a fragment or super-packet is one. */
export function countTransmit(counters: IpCounters, b: Uint8Array, o: number, length: number): void {
  const { values } = counters;
  const v6 = b[o] >>> 4 === 6;
  values[v6 ? TRANSMITS_6 : TRANSMITS]++;
  values[v6 ? OCTETS_6 : OCTETS] += length;
  if (v6 ? b[o + IPV6_OFF_DST] !== 0xff : b[o + IPV4_OFF_DST] >>> 4 !== 14) return;
  values[v6 ? GROUPS_6 : GROUPS]++;
  values[v6 ? GROUP_OCTETS_6 : GROUP_OCTETS] += length;
}

/** Counts packets to a broadcast address, `octets` in all, which are counted as transmitted beside. */
export function countBroadcasts(counters: IpCounters, packets: number, octets: number): void {
  counters.add(BROADCASTS, packets);
  counters.add(BROADCAST_OCTETS, octets);
}

/** Counts one fragment that was made. */
export function countFragment(counters: IpCounters, ipv6: boolean): void {
  counters.add(FRAGMENTS[ipv6 ? 1 : 0]);
}

/** Counts a packet that was to be cut. */
export function countFragmented(counters: IpCounters, ipv6: boolean, ok: boolean): void {
  counters.add((ok ? FRAGMENTED : NOT_FRAGMENTED)[ipv6 ? 1 : 0]);
}

/** Counts an ICMP message of ours, and as IP's request. */
export function countIcmpOutput(counters: IpCounters, ipv6: boolean, type: number): void {
  countRequest(counters, ipv6);
  countIcmp(counters, ipv6, true, type);
}
