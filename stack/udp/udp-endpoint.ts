// UDP (RFC 768, RFC 8200 section 8.1) on the endpoint: finding the socket of a datagram, sending datagrams, ICMP errors to
// the sockets that caused them. Channels and keys are those of TCP's flows. Knows sockets as `UdpUser` only.
import type { StackConfig } from '../config/config.js';
import type { FlowChannels, OpenChannel } from '../endpoint/flow-channels.js';
import { FragmentOutput } from '../endpoint/fragment-output.js';
import { countBroadcasts, countDiscard, countRequest } from '../endpoint/output-counters.js';
import type { PacketOutput } from '../endpoint/packet-output.js';
import type { FlowSecrets } from '../host/flow-secrets.js';
import { ipCounterIndex, type StackCounters } from '../host/ip-counters.js';
import type { NetworkLayer, PathChoice } from '../host/network.js';
import { type Binding, PortTable } from '../host/ports.js';
import { shareOf, shares } from '../host/reuse-port.js';
import { DST_BROADCAST, DST_MULTICAST, DST_UNICAST } from '../ip/addresses.js';
import type { IcmpError } from '../ip/icmp-error.js';
import { finishTransport, ipHeaderLength, writeIp } from '../ip/output.js';
import { type IpPacket, transportVerifies } from '../ip/packet.js';
import type { FlowAddress } from '../tcp/flow-ends.js';
import { type TransmitOwner, XMIT_DROP } from '../tcp/segment.js';
import { equalAddress, isIpv4, isMulticast } from '../wire/address.js';
import { getU16 } from '../wire/bytes.js';
import {
  checkUdp,
  dstPort,
  srcPort,
  UDP_HEADER,
  UDP_PROTOCOL,
  length as udpLength,
  writeUdp,
} from '../wire/udp.js';

const names = (suffix: string) =>
  [
    ipCounterIndex(`Udp${suffix}` as 'UdpInDatagrams'),
    ipCounterIndex(`Udp6${suffix}` as 'Udp6InDatagrams'),
  ] as const;
const IN_DATAGRAMS = names('InDatagrams');
const NO_PORTS = names('NoPorts');
const IN_ERRORS = names('InErrors');
const IN_CSUM = names('InCsumErrors');
const OUT_DATAGRAMS = names('OutDatagrams');
const RCVBUF_ERRORS = names('RcvbufErrors');
const SNDBUF_ERRORS = names('SndbufErrors');
const IGNORED_MULTI = names('IgnoredMulti');

const NO_ROUTES = [ipCounterIndex('IpOutNoRoutes'), ipCounterIndex('Ip6OutNoRoutes')] as const;

/** What the endpoint needs of a UDP socket. */
export interface UdpUser {
  readonly binding: Binding;
  /** Set when connected: only datagrams from there are taken. */
  readonly peer: FlowAddress | null;
  /** Refuses datagrams whose source is a broadcast or group, and so on, itself. False: no room. */
  deliver(datagram: UdpDatagram): boolean;
  /** Whether the user wants datagrams to a group that arrive by `link`; asked of those not bound to the group. */
  takesGroup(group: Uint8Array, link: number): boolean;
  /** An ICMP error about a datagram of the user's; `quoted`: what it quotes of the data, valid during the call. */
  onError(error: IcmpError, info: number, quoted: Uint8Array, now: number): void;
}

/** A received datagram; its bytes are a copy of its own. */
export interface UdpDatagram {
  source: Uint8Array;
  sourcePort: number;
  destination: Uint8Array;
  zone: number;
  link: number;
  tos: number;
  ttl: number;
  arrival: number;
  data: Uint8Array;
}

/** How one datagram is sent. */
export interface UdpSendOptions {
  tos: number;
  ttl: number;
  flowLabel: number;
  /** Don't fragment: a datagram over the path MTU is -EMSGSIZE. */
  df: boolean;
  /** Ignore a learned path MTU (IP_PMTUDISC_PROBE, _INTERFACE). */
  ignorePathMtu: boolean;
  checksum: boolean;
  /** A datagram to a group that this host is in on the link comes back to it (IP_MULTICAST_LOOP). */
  loop: boolean;
  /** For groups: the link to leave by, -1: as the routes say. */
  link: number;
}

const EMSGSIZE = 90;
const ENETUNREACH = 101;
const ENOBUFS = 105;

export class UdpEndpoint {
  readonly ports: PortTable;
  private readonly users = new Map<number, UdpUser[]>();
  private readonly config: StackConfig;
  private readonly network: NetworkLayer;
  private readonly output: PacketOutput;
  private readonly channels: FlowChannels;
  private readonly counters: StackCounters;
  private readonly secrets: FlowSecrets;
  private readonly now: () => number;
  private readonly onChannel: (channel: OpenChannel, open: boolean) => void;
  private readonly open = new Map<UdpUser, OpenChannel>();
  private readonly fragments: FragmentOutput;

  constructor(parts: {
    config: StackConfig;
    network: NetworkLayer;
    output: PacketOutput;
    channels: FlowChannels;
    counters: StackCounters;
    secrets: FlowSecrets;
    secretRandom32(): number;
    now(): number;
    /** A channel whose ring the endpoint must read from now on, or no more. */
    onChannel(channel: OpenChannel, open: boolean): void;
  }) {
    this.config = parts.config;
    this.network = parts.network;
    this.output = parts.output;
    this.fragments = new FragmentOutput(parts.output);
    this.channels = parts.channels;
    this.counters = parts.counters;
    this.secrets = parts.secrets;
    this.now = parts.now;
    this.onChannel = parts.onChannel;
    this.ports = new PortTable({
      range: () => this.config.ipLocalPortRange,
      random32: parts.secretRandom32,
      datagram: true,
    });
  }

  /** Sockets in the table. */
  get size(): number {
    return this.open.size;
  }

  /** The user's binding has a port: datagrams for it arrive from now on. False: the keys are taken. */
  attach(user: UdpUser, families: { inet6: boolean; v6only: boolean }, zone: number): boolean {
    const { binding } = user;
    const list = this.users.get(binding.port) ?? [];
    // Sockets that share a port (SO_REUSEADDR, SO_REUSEPORT) share the first one's channel.
    const channel = this.channels.openLocal(UDP_PROTOCOL, binding.address, binding.port, zone, families);
    if (channel === null && list.length === 0) return false;
    this.users.set(binding.port, [...list, user]);
    if (channel !== null) {
      this.open.set(user, channel);
      this.onChannel(channel, true);
    }
    return true;
  }

  detach(user: UdpUser): void {
    const { port } = user.binding;
    const rest = (this.users.get(port) ?? []).filter((other) => other !== user);
    if (rest.length === 0) this.users.delete(port);
    else this.users.set(port, rest);
    const channel = this.open.get(user);
    if (channel === undefined) return;
    this.open.delete(user);
    this.onChannel(channel, false);
    // Others on the port came by this channel: one of them takes it over.
    for (const heir of rest) {
      const { binding } = heir;
      const next = this.channels.openLocal(UDP_PROTOCOL, binding.address, binding.port, 0, binding);
      if (next === null) continue;
      this.open.set(heir, next);
      this.onChannel(next, true);
    }
  }

  /** The channel in whose name the user may send. */
  channelOf(user: UdpUser): number {
    return this.open.get(user)?.number ?? this.output.defaultChannel;
  }

  /**
   * A datagram in `packet`. False when nobody has the port, and a Port Unreachable may be sent.
   */
  input(
    bytes: Uint8Array,
    packet: IpPacket,
    destination: number,
    zone: number,
    link: number,
    checksum: number,
    arrival: number,
  ): boolean {
    const { counters } = this;
    const family = packet.ipv6 ? 1 : 0;
    const at = packet.payload;
    if (checkUdp(bytes, at, packet.payloadLength) !== 0) {
      counters.ip.add(IN_ERRORS[family]);
      return true;
    }
    const length = udpLength(bytes, at);
    // No checksum at all is legal over IPv4 only (RFC 768; RFC 6936 is for tunnels).
    const none = getU16(bytes, at + 6) === 0;
    if (none ? packet.ipv6 : !transportVerifies(bytes, packet, length, checksum)) {
      counters.ip.add(IN_CSUM[family]);
      counters.ip.add(IN_ERRORS[family]);
      return true;
    }
    const port = dstPort(bytes, at);
    const datagram: UdpDatagram = {
      source: packet.source.slice(),
      sourcePort: srcPort(bytes, at),
      destination: packet.destination.slice(),
      zone,
      link,
      tos: packet.tos,
      ttl: packet.ttl,
      arrival,
      data: bytes.slice(at + UDP_HEADER, at + length),
    };
    const takers = this.find(port, datagram, destination !== DST_UNICAST);
    if (takers.length === 0) {
      const unicast = destination === DST_UNICAST;
      counters.ip.add((unicast ? NO_PORTS : IGNORED_MULTI)[family]);
      return !unicast;
    }
    for (const user of takers) {
      const taken = user.deliver(datagram);
      counters.ip.add(taken ? IN_DATAGRAMS[family] : RCVBUF_ERRORS[family]);
      if (!taken) counters.ip.add(IN_ERRORS[family]);
    }
    return true;
  }

  /** ICMP quoted a datagram of ours. False: nobody here can have sent it. */
  icmpError(error: IcmpError, zone: number, info: number, bytes: Uint8Array, now: number): boolean {
    let known = false;
    const flow: FlowAddress = { ...flowOf(error), zone };
    const path = this.network.path(error.remoteAddress, zone);
    if (error.mtu > 0 && path?.route && !path.route.mtuLocked) {
      const own = path.route.mtu || path.device.mtu;
      this.network.pathMtu.learn(now, error.remoteAddress, 0, zone, error.mtu, own);
    }
    for (const user of this.users.get(error.localPort) ?? []) {
      if (!covers(user.binding, error.localAddress)) continue;
      const { peer } = user;
      if (
        peer !== null &&
        !(peer.remotePort === flow.remotePort && equalAddress(peer.remoteAddress, 0, flow.remoteAddress, 0))
      ) {
        continue;
      }
      known = true;
      user.onError(error, info, bytes.subarray(error.transport + UDP_HEADER, error.end), now);
    }
    return known;
  }

  /** Sends one datagram: 0 or -errno. */
  send(
    user: UdpUser,
    flow: FlowAddress,
    data: Uint8Array,
    options: UdpSendOptions,
    owner: TransmitOwner | null,
    charge: number,
  ): number {
    const { network, output, counters } = this;
    const path = network.path(flow.remoteAddress, flow.zone, options.link);
    const v6 = flow.ipv6;
    if (path === null) {
      counters.ip.add(NO_ROUTES[v6 ? 1 : 0]);
      return -ENETUNREACH;
    }
    const head = ipHeaderLength(v6);
    const size = head + UDP_HEADER + data.length;
    const mtu = this.mtuFor(path, flow, options);
    if (size > mtu && options.df && !v6) return -EMSGSIZE;
    if (size > mtu && v6 && options.df) return -EMSGSIZE;
    const index = output.allocate(size);
    if (index < 0) return -ENOBUFS;
    const { party } = output;
    const { bytes } = party;
    const start = party.start(index);
    const { localAddress: source, remoteAddress: destination } = flow;
    const id = network.ids.next(source, destination, UDP_PROTOCOL);
    const df = options.df && size <= mtu;
    const at = writeIp(
      bytes,
      start,
      v6,
      source,
      destination,
      UDP_PROTOCOL,
      UDP_HEADER + data.length,
      options.tos,
      options.ttl,
      df,
      id & 0xffff,
      options.flowLabel,
    );
    writeUdp(bytes, at, flow.localPort, flow.remotePort, UDP_HEADER + data.length);
    bytes.set(data, at + UDP_HEADER);
    if (options.checksum || v6) {
      finishTransport(bytes, at, UDP_HEADER + data.length, 6, source, destination, UDP_PROTOCOL);
    }
    countRequest(counters.ip, v6);
    if (this.loopBack(start, size, path.device.number, destination, options) && options.ttl === 0) {
      // A group with a TTL of 0 stays within the host.
      counters.ip.add(OUT_DATAGRAMS[v6 ? 1 : 0]);
      output.discard(index);
      owner?.onTransmitDone(charge, this.now());
      return 0;
    }
    const channel = this.channelOf(user);
    const broadcast = !v6 && network.addresses.classify(destination, 0, path.device.number) === DST_BROADCAST;
    const family = v6 ? 1 : 0;
    if (size <= mtu) {
      const verdict = output.send(index, path.device, path.nextHop, channel, owner, charge, this.now());
      if (broadcast) countBroadcasts(counters.ip, 1, size);
      if (verdict === XMIT_DROP) {
        countDiscard(counters.ip, v6);
        counters.ip.add(SNDBUF_ERRORS[family]);
      } else counters.ip.add(OUT_DATAGRAMS[family]);
      return 0;
    }
    const result = this.fragments.send(index, size, mtu, id, path, owner, charge, this.now());
    if (result === 0) {
      counters.ip.add(OUT_DATAGRAMS[family]);
      if (broadcast)
        countBroadcasts(counters.ip, this.fragments.count, size + (this.fragments.count - 1) * head);
    }
    return result;
  }

  /** Gives the host its own copy of a packet to a group that it is in, or to its broadcast address. False: not a group. */
  private loopBack(
    start: number,
    size: number,
    link: number,
    destination: Uint8Array,
    options: UdpSendOptions,
  ): boolean {
    const { network, output } = this;
    if (link < 0) return false;
    const group = isMulticast(destination);
    const kind = network.addresses.classify(destination, 0, link);
    if (kind !== DST_MULTICAST && kind !== DST_BROADCAST) return group;
    if (group && !options.loop) return true;
    const copy = output.allocate(size);
    if (copy < 0) return group;
    const { party } = output;
    const at = party.start(copy);
    party.bytes.copyWithin(at, start, start + size);
    output.reinject(copy, link, this.now());
    return group;
  }

  private mtuFor(path: PathChoice, flow: FlowAddress, options: UdpSendOptions): number {
    const { network } = this;
    if (options.ignorePathMtu) return path.device.mtuFor(flow.ipv6);
    return network.mtu(path, flow.remoteAddress, flow.zone, this.now());
  }

  /** Sockets that take the datagram: the best match, or all of them for a group. */
  private find(port: number, datagram: UdpDatagram, group: boolean): UdpUser[] {
    const all: UdpUser[] = [];
    let best: UdpUser | null = null;
    let bestScore = -1;
    for (const user of this.users.get(port) ?? []) {
      const { binding, peer } = user;
      if (!covers(binding, datagram.destination) && !(group && binding.wild)) continue;
      const to = datagram.destination;
      if (group && binding.wild && isMulticast(to) && !user.takesGroup(to, datagram.link)) continue;
      let score = binding.wild ? 0 : 2;
      if (binding.inet6 === !isIpv4(datagram.destination)) score += 1;
      if (peer !== null) {
        const from =
          peer.remotePort === datagram.sourcePort && equalAddress(peer.remoteAddress, 0, datagram.source, 0);
        if (!from) continue;
        score += 4;
      }
      all.push(user);
      if (score > bestScore) {
        best = user;
        bestScore = score;
      }
    }
    return group ? all : best === null ? [] : [this.sharing(best, datagram)];
  }

  /** Of the sockets that share a port with `best` (SO_REUSEPORT), connected ones aside, the one whose flow it is. */
  private sharing(best: UdpUser, datagram: UdpDatagram): UdpUser {
    const { binding, peer } = best;
    if (!binding.reusePort || peer !== null) return best;
    const users = this.users.get(binding.port) ?? [];
    const group = users.filter((other) => other.peer === null && shares(other.binding, binding));
    if (group.length < 2) return best;
    const { source, sourcePort, destination, zone } = datagram;
    return shareOf(group, this.secrets, {
      localAddress: destination,
      localPort: binding.port,
      remoteAddress: source,
      remotePort: sourcePort,
      zone,
      ipv6: !isIpv4(destination),
    });
  }
}

/** Whether a binding's address takes packets to `address`. */
function covers(binding: Binding, address: Uint8Array): boolean {
  if (!binding.wild) return equalAddress(binding.address, 0, address, 0);
  if (isIpv4(address)) return !binding.inet6 || !binding.v6only;
  return binding.inet6;
}

function flowOf(error: IcmpError): Omit<FlowAddress, 'zone'> {
  return {
    localAddress: error.localAddress,
    remoteAddress: error.remoteAddress,
    localPort: error.localPort,
    remotePort: error.remotePort,
    ipv6: error.ipv6,
  };
}
