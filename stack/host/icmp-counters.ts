// ICMP messages by type, both ways and both families: the named counters that Linux has for some types, and those of all types
// (IcmpMsgInType8, Icmp6OutType129), which it shows only once they have moved.
import type { IpCounters } from './ip-counters.js';
import { type IpCounterName, ipCounterIndex } from './ip-counters.js';

const IN_4: readonly (readonly [number, IpCounterName])[] = [
  [0, 'IcmpInEchoReps'],
  [3, 'IcmpInDestUnreachs'],
  [4, 'IcmpInSrcQuenchs'],
  [5, 'IcmpInRedirects'],
  [8, 'IcmpInEchos'],
  [11, 'IcmpInTimeExcds'],
  [12, 'IcmpInParmProbs'],
  [13, 'IcmpInTimestamps'],
  [14, 'IcmpInTimestampReps'],
  [17, 'IcmpInAddrMasks'],
  [18, 'IcmpInAddrMaskReps'],
];
const OUT_4: readonly (readonly [number, IpCounterName])[] = [
  [0, 'IcmpOutEchoReps'],
  [3, 'IcmpOutDestUnreachs'],
  [11, 'IcmpOutTimeExcds'],
  [12, 'IcmpOutParmProbs'],
];
const IN_6: readonly (readonly [number, IpCounterName])[] = [
  [1, 'Icmp6InDestUnreachs'],
  [2, 'Icmp6InPktTooBigs'],
  [3, 'Icmp6InTimeExcds'],
  [4, 'Icmp6InParmProblems'],
  [128, 'Icmp6InEchos'],
  [129, 'Icmp6InEchoReplies'],
  [130, 'Icmp6InGroupMembQueries'],
  [131, 'Icmp6InGroupMembResponses'],
  [132, 'Icmp6InGroupMembReductions'],
  [133, 'Icmp6InRouterSolicits'],
  [134, 'Icmp6InRouterAdvertisements'],
  [135, 'Icmp6InNeighborSolicits'],
  [136, 'Icmp6InNeighborAdvertisements'],
  [137, 'Icmp6InRedirects'],
  [143, 'Icmp6InMLDv2Reports'],
];
const OUT_6: readonly (readonly [number, IpCounterName])[] = [
  [1, 'Icmp6OutDestUnreachs'],
  [3, 'Icmp6OutTimeExcds'],
  [4, 'Icmp6OutParmProblems'],
  [129, 'Icmp6OutEchoReplies'],
  [131, 'Icmp6OutGroupMembResponses'],
  [132, 'Icmp6OutGroupMembReductions'],
  [133, 'Icmp6OutRouterSolicits'],
  [135, 'Icmp6OutNeighborSolicits'],
  [136, 'Icmp6OutNeighborAdvertisements'],
  [143, 'Icmp6OutMLDv2Reports'],
];

/** Index of the named counter by type, -1: it has none. */
function table(named: readonly (readonly [number, IpCounterName])[]): Int16Array {
  const indices = new Int16Array(256).fill(-1);
  for (const [type, name] of named) indices[type] = ipCounterIndex(name);
  return indices;
}

/** In the order of `IpCounters.icmpTypes`: 256 of each. */
const NAMED = [table(IN_4), table(OUT_4), table(IN_6), table(OUT_6)];
const MSGS = (['IcmpInMsgs', 'IcmpOutMsgs', 'Icmp6InMsgs', 'Icmp6OutMsgs'] as const).map(ipCounterIndex);

/** Counts an undamaged message that came in, or one that goes out, by its type. */
export function countIcmp(counters: IpCounters, ipv6: boolean, out: boolean, type: number): void {
  const kind = (ipv6 ? 2 : 0) + (out ? 1 : 0);
  counters.add(MSGS[kind]);
  counters.icmpTypes[kind * 256 + type]++;
  const index = NAMED[kind][type];
  if (index >= 0) counters.add(index);
}

/** Counts a message that came in whose type cannot be believed: only that it came. */
export function countDamagedIcmp(counters: IpCounters, ipv6: boolean): void {
  counters.add(MSGS[ipv6 ? 2 : 0]);
}
