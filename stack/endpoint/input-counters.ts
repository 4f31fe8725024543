// Counting what came in by IP and ICMP, under Linux's names.
import { type IpCounters, ipCounterIndex } from '../host/ip-counters.js';
import {
  INPUT_DROP,
  INPUT_ECHO,
  INPUT_FRAGMENT,
  INPUT_ICMP,
  INPUT_ICMP_ERROR,
  INPUT_IGMP,
  INPUT_ND,
  INPUT_NOT_OURS,
  INPUT_PROBLEM,
  INPUT_TRANSPORT,
  INPUT_UNKNOWN,
} from '../ip/input.js';
import { IP_ERR_ADDRESS, IP_ERR_OPTIONS, IP_ERR_TRUNCATED, type IpPacket } from '../ip/packet.js';

const four = {
  receives: ipCounterIndex('IpInReceives'),
  header: ipCounterIndex('IpInHdrErrors'),
  address: ipCounterIndex('IpInAddrErrors'),
  unknown: ipCounterIndex('IpInUnknownProtos'),
  discards: ipCounterIndex('IpInDiscards'),
  delivers: ipCounterIndex('IpInDelivers'),
  truncated: ipCounterIndex('IpExtInTruncatedPkts'),
  fragments: ipCounterIndex('IpReasmReqds'),
};
const six = {
  receives: ipCounterIndex('Ip6InReceives'),
  header: ipCounterIndex('Ip6InHdrErrors'),
  address: ipCounterIndex('Ip6InAddrErrors'),
  unknown: ipCounterIndex('Ip6InUnknownProtos'),
  discards: ipCounterIndex('Ip6InDiscards'),
  delivers: ipCounterIndex('Ip6InDelivers'),
  truncated: ipCounterIndex('Ip6InTruncatedPkts'),
  fragments: ipCounterIndex('Ip6ReasmReqds'),
};

/** Counts a received packet by IpInput's verdict, and for INPUT_DROP by its reason. */
export function countInput(counters: IpCounters, ipv6: boolean, verdict: number, reason: number): void {
  const index = ipv6 ? six : four;
  counters.add(index.receives);
  switch (verdict) {
    case INPUT_TRANSPORT:
    case INPUT_ECHO:
    case INPUT_ICMP:
    case INPUT_ICMP_ERROR:
    case INPUT_ND:
    case INPUT_IGMP:
      counters.add(index.delivers);
      return;
    case INPUT_FRAGMENT:
      counters.add(index.fragments);
      return;
    case INPUT_UNKNOWN:
      counters.add(index.unknown);
      return;
    case INPUT_NOT_OURS:
      counters.add(index.address);
      return;
    case INPUT_PROBLEM:
      counters.add(index.header);
      return;
    case INPUT_DROP:
      if (reason === IP_ERR_TRUNCATED) counters.add(index.truncated);
      else if (reason === IP_ERR_ADDRESS) counters.add(index.address);
      else if (reason === 0 || reason === IP_ERR_OPTIONS) counters.add(index.discards);
      else counters.add(index.header);
  }
}

const MSGS = ipCounterIndex('IcmpInMsgs');
const MSGS_6 = ipCounterIndex('Icmp6InMsgs');
const byType = new Map<number, number>([
  [0, ipCounterIndex('IcmpInEchoReps')],
  [3, ipCounterIndex('IcmpInDestUnreachs')],
  [8, ipCounterIndex('IcmpInEchos')],
  [11, ipCounterIndex('IcmpInTimeExcds')],
  [12, ipCounterIndex('IcmpInParmProbs')],
]);
const byType6 = new Map<number, number>([
  [1, ipCounterIndex('Icmp6InDestUnreachs')],
  [2, ipCounterIndex('Icmp6InPktTooBigs')],
  [3, ipCounterIndex('Icmp6InTimeExcds')],
  [4, ipCounterIndex('Icmp6InParmProblems')],
  [128, ipCounterIndex('Icmp6InEchos')],
  [129, ipCounterIndex('Icmp6InEchoReplies')],
  [135, ipCounterIndex('Icmp6InNeighborSolicits')],
  [136, ipCounterIndex('Icmp6InNeighborAdvertisements')],
]);

/** Counts an undamaged ICMP message by its type. */
export function countIcmpInput(counters: IpCounters, packet: IpPacket, bytes: Uint8Array): void {
  counters.add(packet.ipv6 ? MSGS_6 : MSGS);
  const index = (packet.ipv6 ? byType6 : byType).get(bytes[packet.payload]);
  if (index !== undefined) counters.add(index);
}

const OUT_MSGS = ipCounterIndex('IcmpOutMsgs');
const OUT_MSGS_6 = ipCounterIndex('Icmp6OutMsgs');
const outByType = new Map<number, number>([
  [0, ipCounterIndex('IcmpOutEchoReps')],
  [3, ipCounterIndex('IcmpOutDestUnreachs')],
  [11, ipCounterIndex('IcmpOutTimeExcds')],
  [12, ipCounterIndex('IcmpOutParmProbs')],
]);
const outByType6 = new Map<number, number>([
  [1, ipCounterIndex('Icmp6OutDestUnreachs')],
  [3, ipCounterIndex('Icmp6OutTimeExcds')],
  [4, ipCounterIndex('Icmp6OutParmProblems')],
  [129, ipCounterIndex('Icmp6OutEchoReplies')],
]);

/** Counts an ICMP message that IP answers with, by its type. */
export function countIcmpOutput(counters: IpCounters, ipv6: boolean, type: number): void {
  counters.add(ipv6 ? OUT_MSGS_6 : OUT_MSGS);
  const index = (ipv6 ? outByType6 : outByType).get(type);
  if (index !== undefined) counters.add(index);
}
