// SNMP counters below TCP, under Linux's names (/proc/net/snmp, /proc/net/snmp6), and the one object that shows all counters
// of a stack. Always on: an increment of a typed array.
import { TcpCounters } from './counters.js';
import { NEVER_COUNTED } from './counters-never.js';

export const IP_COUNTER_NAMES = [
  'IpInReceives',
  'IpInHdrErrors',
  'IpInAddrErrors',
  'IpInUnknownProtos',
  'IpInDelivers',
  'IpOutRequests',
  'IpOutDiscards',
  'IpOutNoRoutes',
  'IpReasmTimeout',
  'IpReasmReqds',
  'IpReasmOKs',
  'IpReasmFails',
  'IpFragOKs',
  'IpFragFails',
  'IpFragCreates',
  'IpOutTransmits',
  'IpExtInTruncatedPkts',
  'IpExtInMcastPkts',
  'IpExtOutMcastPkts',
  'IpExtInBcastPkts',
  'IpExtOutBcastPkts',
  'IpExtInOctets',
  'IpExtOutOctets',
  'IpExtInMcastOctets',
  'IpExtOutMcastOctets',
  'IpExtInBcastOctets',
  'IpExtOutBcastOctets',
  'IpExtInCsumErrors',
  'IpExtInNoECTPkts',
  'IpExtInECT1Pkts',
  'IpExtInECT0Pkts',
  'IpExtInCEPkts',
  'IpExtReasmOverlaps',
  'IcmpInMsgs',
  'IcmpInErrors',
  'IcmpInCsumErrors',
  'IcmpInDestUnreachs',
  'IcmpInTimeExcds',
  'IcmpInParmProbs',
  'IcmpInSrcQuenchs',
  'IcmpInRedirects',
  'IcmpInEchos',
  'IcmpInEchoReps',
  'IcmpInTimestamps',
  'IcmpInTimestampReps',
  'IcmpInAddrMasks',
  'IcmpInAddrMaskReps',
  'IcmpOutMsgs',
  'IcmpOutErrors',
  'IcmpOutRateLimitGlobal',
  'IcmpOutRateLimitHost',
  'IcmpOutDestUnreachs',
  'IcmpOutTimeExcds',
  'IcmpOutParmProbs',
  'IcmpOutEchoReps',
  'UdpInDatagrams',
  'UdpNoPorts',
  'UdpInErrors',
  'UdpOutDatagrams',
  'UdpRcvbufErrors',
  'UdpSndbufErrors',
  'UdpInCsumErrors',
  'UdpIgnoredMulti',
  'Ip6InReceives',
  'Ip6InHdrErrors',
  'Ip6InAddrErrors',
  'Ip6InUnknownProtos',
  'Ip6InTruncatedPkts',
  'Ip6InDelivers',
  'Ip6OutRequests',
  'Ip6OutDiscards',
  'Ip6OutNoRoutes',
  'Ip6ReasmTimeout',
  'Ip6ReasmReqds',
  'Ip6ReasmOKs',
  'Ip6ReasmFails',
  'Ip6FragOKs',
  'Ip6FragFails',
  'Ip6FragCreates',
  'Ip6InMcastPkts',
  'Ip6OutMcastPkts',
  'Ip6InOctets',
  'Ip6OutOctets',
  'Ip6InMcastOctets',
  'Ip6OutMcastOctets',
  'Ip6InNoECTPkts',
  'Ip6InECT1Pkts',
  'Ip6InECT0Pkts',
  'Ip6InCEPkts',
  'Ip6OutTransmits',
  'Icmp6InMsgs',
  'Icmp6InErrors',
  'Icmp6OutMsgs',
  'Icmp6OutErrors',
  'Icmp6InCsumErrors',
  'Icmp6OutRateLimitHost',
  'Icmp6InDestUnreachs',
  'Icmp6InPktTooBigs',
  'Icmp6InTimeExcds',
  'Icmp6InParmProblems',
  'Icmp6InEchos',
  'Icmp6InEchoReplies',
  'Icmp6InGroupMembQueries',
  'Icmp6InGroupMembResponses',
  'Icmp6InGroupMembReductions',
  'Icmp6InRouterSolicits',
  'Icmp6InRouterAdvertisements',
  'Icmp6InNeighborSolicits',
  'Icmp6InNeighborAdvertisements',
  'Icmp6InRedirects',
  'Icmp6InMLDv2Reports',
  'Icmp6OutDestUnreachs',
  'Icmp6OutTimeExcds',
  'Icmp6OutParmProblems',
  'Icmp6OutEchoReplies',
  'Icmp6OutGroupMembResponses',
  'Icmp6OutGroupMembReductions',
  'Icmp6OutRouterSolicits',
  'Icmp6OutNeighborSolicits',
  'Icmp6OutNeighborAdvertisements',
  'Icmp6OutMLDv2Reports',
  'Udp6InDatagrams',
  'Udp6NoPorts',
  'Udp6InErrors',
  'Udp6OutDatagrams',
  'Udp6RcvbufErrors',
  'Udp6SndbufErrors',
  'Udp6InCsumErrors',
  'Udp6IgnoredMulti',
] as const;

export type IpCounterName = (typeof IP_COUNTER_NAMES)[number];

const indexOfName = new Map<string, number>(IP_COUNTER_NAMES.map((name, index) => [name, index]));

/** Index of a counter: resolve once at module load, then use `IpCounters.add(index)`. */
export function ipCounterIndex(name: IpCounterName): number {
  return indexOfName.get(name)!;
}

export class IpCounters {
  readonly values = new Float64Array(IP_COUNTER_NAMES.length);
  /** Messages by type, 256 each: ICMP in and out, ICMPv6 in and out. */
  readonly icmpTypes = new Float64Array(4 * 256);

  add(index: number, by = 1): void {
    this.values[index] += by;
  }
}

const TYPE_PREFIXES = ['IcmpMsgInType', 'IcmpMsgOutType', 'Icmp6InType', 'Icmp6OutType'];
const TYPE_NAME = /^(IcmpMsg|Icmp6)(In|Out)Type(0|[1-9]\d{0,2})$/;

/** Place in `icmpTypes` of a counter's name, -1: it is none of these. */
function typePlace(name: string): number {
  const found = TYPE_NAME.exec(name);
  if (found === null || Number(found[3]) > 255) return -1;
  return TYPE_PREFIXES.indexOf(`${found[1]}${found[2]}Type`) * 256 + Number(found[3]);
}

/** All counters of a stack. */
export class StackCounters {
  readonly tcp = new TcpCounters();
  readonly ip = new IpCounters();

  /** Value by Linux's name; undefined when there is no such counter. */
  get(name: string): number | undefined {
    const index = indexOfName.get(name);
    if (index !== undefined) return this.ip.values[index];
    const place = typePlace(name);
    if (place >= 0) return this.ip.icmpTypes[place];
    return this.tcp.get(name) ?? (NEVER_COUNTED.has(name) ? 0 : undefined);
  }

  /** All counters, name to value: ICMP's types once they have moved, as Linux; those that cannot move (counters-never.ts) last. */
  snapshot(): Record<string, number> {
    const ip = IP_COUNTER_NAMES.map((name, index) => [name, this.ip.values[index]]);
    const never = [...NEVER_COUNTED.keys()].map((name) => [name, 0]);
    const types = Array.from(this.ip.icmpTypes, (value, place): [string, number] => [
      `${TYPE_PREFIXES[place >>> 8]}${place & 255}`,
      value,
    ]).filter(([, value]) => value !== 0);
    return { ...Object.fromEntries([...ip, ...types]), ...this.tcp.snapshot(), ...Object.fromEntries(never) };
  }

  /**
   * As nstat prints: a heading, then name, value and rate a line. Zero counters are left out unless `zeros`; `since`
   * (an earlier snapshot) shows the difference, as nstat does between its runs.
   */
  format(options: { zeros?: boolean; since?: Readonly<Record<string, number>> } = {}): string {
    const lines = ['#kernel'];
    for (const [name, value] of Object.entries(this.snapshot())) {
      const shown = value - (options.since?.[name] ?? 0);
      if (shown === 0 && !options.zeros) continue;
      lines.push(`${name.padEnd(31)} ${String(shown).padEnd(18)} 0.0`);
    }
    return `${lines.join('\n')}\n`;
  }
}
