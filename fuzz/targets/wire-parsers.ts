// The parsers of stack/wire as functions from a range of bytes to something that can be compared: whatever a caller may
// ask once `check` has answered 0 is asked. Offsets in answers are relative to the range.

import { IcmpError, parseIcmpError } from '../../stack/ip/icmp-error.js';
import { IpPacket, parseIp } from '../../stack/ip/packet.js';
import * as arp from '../../stack/wire/arp.js';
import * as ethernet from '../../stack/wire/ethernet.js';
import * as gre from '../../stack/wire/gre.js';
import * as icmp from '../../stack/wire/icmp.js';
import * as ipv4 from '../../stack/wire/ipv4.js';
import * as ipv6 from '../../stack/wire/ipv6.js';
import { Ipv6Chain, walkIpv6 } from '../../stack/wire/ipv6-extensions.js';
import * as mpls from '../../stack/wire/mpls.js';
import * as nd from '../../stack/wire/nd.js';
import * as tcp from '../../stack/wire/tcp.js';
import { describeTcpOptions, parseTcpOptions, TcpOptions } from '../../stack/wire/tcp-options.js';
import * as udp from '../../stack/wire/udp.js';

export interface Parser {
  readonly name: string;
  /** It reads a whole IP packet or frame. */
  readonly packet?: boolean;
  readonly read: (b: Uint8Array, o: number, n: number) => unknown;
}

const relative = (at: number, o: number): number => (at < 0 ? at : at - o);

function readTcp(b: Uint8Array, o: number, n: number): unknown {
  const bad = tcp.checkTcp(b, o, n);
  if (bad !== 0) return bad;
  const head = tcp.headerLength(b, o);
  const options = new TcpOptions();
  parseTcpOptions(b, o + tcp.TCP_OFF_OPTIONS, o + head, options);
  const fields = [tcp.srcPort(b, o), tcp.dstPort(b, o), tcp.seq(b, o), tcp.ack(b, o), tcp.flags(b, o)];
  const rest = [
    tcp.window(b, o),
    tcp.checksum(b, o),
    tcp.urgent(b, o),
    tcp.reserved(b, o),
    tcp.dataOffset(b, o),
  ];
  return [
    ...fields,
    ...rest,
    describeTcpOptions(options),
    relative(options.md5Offset, o),
    tcp.describeTcp(b, o, n),
  ];
}

function readOptions(b: Uint8Array, o: number, n: number): unknown {
  const options = new TcpOptions();
  parseTcpOptions(b, o, o + n, options);
  const md5 = relative(options.md5Offset, o);
  return [describeTcpOptions(options), options.malformed, options.sackCount, md5, options.accEcnCount];
}

function readIp(b: Uint8Array, o: number, n: number): unknown {
  const packet = new IpPacket();
  const answer: unknown[] = [];
  for (const loopback of [false, true]) {
    const bad = parseIp(b, o, n, packet, loopback);
    answer.push(bad);
    if (bad !== 0 && bad < 6) continue;
    const { start, end, payload, payloadLength, protocol, fragment, fragmentOffset, problemPointer } = packet;
    answer.push(start - o, end - o, payload - o, payloadLength, protocol, fragment, fragmentOffset);
    answer.push(bad === 0 ? 0 : problemPointer, [...packet.source], [...packet.destination]);
    if (bad !== 0) continue;
    answer.push(
      packet.tos,
      packet.ecn,
      packet.ttl,
      packet.flowLabel,
      packet.moreFragments,
      packet.fragmentId,
    );
    const error = new IcmpError();
    const found = parseIcmpError(b, packet, error);
    answer.push(found);
    if (found === 0)
      answer.push(
        error.type,
        error.code,
        error.mtu,
        error.pointer,
        error.protocol,
        error.localPort,
        error.seq,
      );
  }
  return answer;
}

function readNd(b: Uint8Array, o: number, n: number): unknown {
  const options = new nd.NdOptions();
  if (n === 0) return 0;
  const bad = nd.checkNd(b, o, n, 255, options);
  if (bad !== 0) return bad;
  const prefixes = [...options.prefixes.subarray(0, options.prefixCount)].map((p) => [
    p - o,
    nd.prefixLength(b, p),
    nd.prefixOnLink(b, p),
    nd.prefixAutonomous(b, p),
    nd.prefixValidLifetime(b, p),
    nd.prefixPreferredLifetime(b, p),
  ]);
  return [
    relative(options.sourceLinkAddress, o),
    relative(options.targetLinkAddress, o),
    options.mtu,
    prefixes,
  ];
}

export const PARSERS: readonly Parser[] = [
  { name: 'tcp', read: readTcp },
  { name: 'tcp-options', read: readOptions },
  { name: 'ip', packet: true, read: readIp },
  {
    name: 'ipv4',
    packet: true,
    read: (b, o, n) => {
      const bad = ipv4.checkIpv4(b, o, n);
      if (bad !== 0) return bad;
      return [
        ipv4.headerLength(b, o),
        ipv4.totalLength(b, o),
        ipv4.headerVerifies(b, o),
        ipv4.checkOptions(b, o),
        ipv4.checkOptions(b, o, true),
        ipv4.fragmentOffset(b, o),
        ipv4.isFragment(b, o),
      ];
    },
  },
  {
    name: 'ipv6',
    packet: true,
    read: (b, o, n) => {
      const bad = ipv6.checkIpv6(b, o, n);
      if (bad !== 0) return bad;
      const chain = new Ipv6Chain();
      const walked = walkIpv6(b, o, chain);
      const head = [
        ipv6.trafficClass(b, o),
        ipv6.flowLabel(b, o),
        ipv6.totalLength(b, o),
        ipv6.hopLimit(b, o),
      ];
      if (walked !== 0) return [...head, walked, walked === 1 ? 0 : chain.problemPointer];
      const { protocol, offset, nextHeaderAt, fragment, fragmentOffset, moreFragments, fragmentId } = chain;
      return [
        ...head,
        protocol,
        offset - o,
        nextHeaderAt - o,
        relative(fragment, o),
        fragmentOffset,
        moreFragments,
        fragmentId,
        offset <= o + ipv6.totalLength(b, o),
      ];
    },
  },
  {
    name: 'udp',
    read: (b, o, n) => {
      const bad = udp.checkUdp(b, o, n);
      return bad !== 0
        ? bad
        : [udp.srcPort(b, o), udp.dstPort(b, o), udp.length(b, o), udp.describeUdp(b, o, n)];
    },
  },
  {
    name: 'icmp',
    read: (b, o, n) => {
      const bad = icmp.checkIcmp(b, o, n);
      return bad !== 0
        ? bad
        : [icmp.type(b, o), icmp.code(b, o), icmp.mtu(b, o), icmp.pointer(b, o), icmp.describeIcmp(b, o, n)];
    },
  },
  {
    name: 'arp',
    read: (b, o, n) => [arp.checkArp(b, o, n), arp.describeArp(b, o, n)],
  },
  {
    name: 'ethernet',
    packet: true,
    read: (b, o, n) => {
      const bad = ethernet.checkEthernet(b, o, n);
      return bad !== 0
        ? bad
        : [
            ethernet.etherType(b, o),
            ethernet.headerLength(b, o),
            ethernet.vlan(b, o),
            ethernet.isGroup(b, o),
          ];
    },
  },
  {
    name: 'gre',
    read: (b, o, n) => {
      const bad = gre.checkGre(b, o, n);
      return bad !== 0
        ? bad
        : [
            gre.flags(b, o),
            gre.protocolType(b, o),
            gre.headerLength(b, o),
            gre.key(b, o),
            gre.sequence(b, o),
          ];
    },
  },
  { name: 'mpls', read: (b, o, n) => mpls.stackLength(b, o, n) },
  { name: 'nd', read: readNd },
];
