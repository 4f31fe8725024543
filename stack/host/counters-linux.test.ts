// The stack has every counter that the kernel has: counted, or known as one that cannot move.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TCP_COUNTER_NAMES } from './counters.js';
import { NEVER_COUNTED } from './counters-never.js';
import { IP_COUNTER_NAMES, StackCounters } from './ip-counters.js';

const linux: { names: string[] } = JSON.parse(readFileSync('stack/host/counters-linux.json', 'utf8'));
const counted = new Set<string>([...IP_COUNTER_NAMES, ...TCP_COUNTER_NAMES]);

/** Still to be counted. */
const MISSING: readonly string[] = [
  'IpOutTransmits',
  'IcmpInSrcQuenchs',
  'IcmpInRedirects',
  'IcmpInTimestamps',
  'IcmpInTimestampReps',
  'IcmpInAddrMasks',
  'IcmpInAddrMaskReps',
  'IcmpOutEchos',
  'IcmpOutTimestampReps',
  'UdpIgnoredMulti',
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
  'Icmp6InGroupMembQueries',
  'Icmp6InGroupMembResponses',
  'Icmp6InGroupMembReductions',
  'Icmp6InRouterSolicits',
  'Icmp6InRouterAdvertisements',
  'Icmp6InRedirects',
  'Icmp6InMLDv2Reports',
  'Icmp6OutEchos',
  'Icmp6OutGroupMembResponses',
  'Icmp6OutGroupMembReductions',
  'Icmp6OutRouterSolicits',
  'Icmp6OutMLDv2Reports',
  'Udp6IgnoredMulti',
  'TcpExtTCPMemoryPressuresChrono',
  'TcpExtTcpDuplicateDataRehash',
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
  'IpExtInNoECTPkts',
  'IpExtInECT1Pkts',
  'IpExtInECT0Pkts',
  'IpExtInCEPkts',
  'IpExtReasmOverlaps',
];

test("every name of the kernel's is counted, or cannot move for a reason", () => {
  const unknown = linux.names.filter((name) => !counted.has(name) && !NEVER_COUNTED.has(name));
  expect(unknown).toEqual(MISSING);
});

test('no name is both counted and said never to move, and none is not the kernel’s', () => {
  expect([...NEVER_COUNTED.keys()].filter((name) => counted.has(name))).toEqual([]);
  const known = new Set(linux.names);
  const other = [...counted, ...NEVER_COUNTED.keys()].filter((name) => !known.has(name));
  // Made by the kernel as messages of a type come: `nstat -asz` shows them afterwards only.
  expect(other.filter((name) => !/^(IcmpMsg|Icmp6)(In|Out)Type\d+$/.test(name))).toEqual([]);
});

test('what cannot move is shown as 0', () => {
  const counters = new StackCounters();
  const shown = counters.snapshot();
  for (const name of NEVER_COUNTED.keys())
    expect([name, shown[name], counters.get(name)]).toEqual([name, 0, 0]);
  expect(counters.get('TcpExtNoSuchName')).toBeUndefined();
  expect(counters.format({ zeros: true })).toContain('IpForwDatagrams');
  expect(counters.format()).toBe('#kernel\n');
});
