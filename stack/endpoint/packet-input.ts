// A packet that came out of a channel's ring: IP's judgement, then TCP, UDP, ICMP or an answer. Fills the one SegmentIn of
// the endpoint. It knows flows by their handles and never a socket.
import { CHECKSUM_NONE, CHECKSUM_VERIFIED } from '../channel/buffers.js';
import type { PoolParty } from '../channel/party.js';
import { counterIndex } from '../host/counters.js';
import { ipCounterIndex, type StackCounters } from '../host/ip-counters.js';
import { indexOfLink, type NetworkLayer } from '../host/network.js';
import { DST_UNICAST } from '../ip/addresses.js';
import {
  INPUT_DROP,
  INPUT_ECHO,
  INPUT_FRAGMENT,
  INPUT_ICMP_ERROR,
  INPUT_IGMP,
  INPUT_ND,
  INPUT_NOT_OURS,
  INPUT_PROBLEM,
  INPUT_TRANSPORT,
  INPUT_UNKNOWN,
  type IpInput,
} from '../ip/input.js';
import { isMld } from '../ip/mld.js';
import { ipHeaderLength } from '../ip/output.js';
import { type IpPacket, transportVerifies } from '../ip/packet.js';
import { FRAGMENT_COMPLETE, FRAGMENT_DROPPED, FRAGMENT_PROBLEM, type Reassembler } from '../ip/reassembly.js';
import {
  listenerError,
  listenerInput,
  replyReset,
  SegmentIn,
  TCP_ESTABLISHED,
  TIME_WAIT_NEW_SYN,
  tcpError,
  tcpInput,
  timeWaitInput,
} from '../tcp/index.js';
import type { UdpEndpoint } from '../udp/udp-endpoint.js';
import { copyAddress, isLinkLocal } from '../wire/address.js';
import { ICMPV6_PROTOCOL } from '../wire/icmpv6.js';
import { id as ipv4Id } from '../wire/ipv4.js';
import * as tcp from '../wire/tcp.js';
import { parseTcpOptions } from '../wire/tcp-options.js';
import { UDP_PROTOCOL } from '../wire/udp.js';
import { FragmentOutput } from './fragment-output.js';
import { countIcmpInput, countIcmpOutput, countInput } from './input-counters.js';
import type { PacketOutput } from './packet-output.js';
import { type BufferReturn, ReceiveMerge } from './receive-merge.js';
import type { TcpEndpoint } from './tcp-endpoint.js';
import { TcpHandle } from './tcp-handle.js';
import { verifySegment } from './tcp-md5.js';
import type { TimeWaitEntry } from './time-wait-entry.js';

const IN_SEGS = counterIndex('TcpInSegs');
const IN_ERRS = counterIndex('TcpInErrs');
const IN_CSUM = counterIndex('TcpInCsumErrors');
const MD5_FAILURE = counterIndex('TcpExtTCPMD5Failure');
const ICMP_IN_ERRORS = ipCounterIndex('IcmpInErrors');

/** Most bytes that an answer of IP's own can have, quote included. */
const ANSWER_MAX = 1280;

const REASM_OKS = ipCounterIndex('IpReasmOKs');
const REASM_OKS_6 = ipCounterIndex('Ip6ReasmOKs');
const REASM_FAILS = ipCounterIndex('IpReasmFails');
const REASM_FAILS_6 = ipCounterIndex('Ip6ReasmFails');
const REASM_TIMEOUT = ipCounterIndex('IpReasmTimeout');
const REASM_TIMEOUT_6 = ipCounterIndex('Ip6ReasmTimeout');

/** Takes ARP and neighbour discovery of Ethernet links. */
export interface LinkLayerInput {
  arp(bytes: Uint8Array, start: number, length: number, link: number, now: number): void;
  nd(bytes: Uint8Array, packet: IpPacket, link: number, now: number): void;
  /** IGMP, and MLD with its checksum verified. */
  groups(bytes: Uint8Array, packet: IpPacket, link: number, now: number): void;
}

export class PacketInput {
  linkLayer: LinkLayerInput | null = null;
  private segment = new SegmentIn();
  private readonly merge = new ReceiveMerge();
  /** The buffer of the packet just received is held, and released later. */
  private held = false;
  private readonly party: PoolParty;
  private readonly output: PacketOutput;
  private readonly network: NetworkLayer;
  private readonly ip: IpInput;
  private readonly fragments: Reassembler;
  private readonly tcp: TcpEndpoint;
  private readonly udp: UdpEndpoint;
  private readonly counters: StackCounters;
  private readonly answers: FragmentOutput;
  private readonly scratch = new Uint8Array(16);

  constructor(parts: {
    output: PacketOutput;
    network: NetworkLayer;
    ip: IpInput;
    fragments: Reassembler;
    tcp: TcpEndpoint;
    udp: UdpEndpoint;
    counters: StackCounters;
  }) {
    this.party = parts.output.party;
    this.output = parts.output;
    this.answers = new FragmentOutput(parts.output);
    this.network = parts.network;
    this.ip = parts.ip;
    this.fragments = parts.fragments;
    this.tcp = parts.tcp;
    this.udp = parts.udp;
    this.counters = parts.counters;
    this.fragments.onTimeout = (now, link, b, o, length) => this.reassemblyTimeout(now, link, b, o, length);
  }

  /**
   * Processes the packet of `index`, which came by `reader`, and releases it. `owner` is what its channel belongs to: a
   * connection, a listener, or null for the default channel and UDP sockets. `endBatch` follows the last of several.
   */
  receive(index: number, owner: TcpHandle | null, reader: BufferReturn, now: number): void {
    this.held = false;
    this.process(index, owner, reader, now);
    if (!this.held) this.release(index, reader);
  }

  private release(index: number, reader: BufferReturn): void {
    this.output.returned(index);
    reader.release(index);
  }

  /** Delivers what was held in the hope that more of it follows. */
  endBatch(now: number): void {
    const { merge } = this;
    const { owner, segment } = merge;
    if (owner === null) return;
    merge.owner = null;
    tcpInput(owner.tcb, now, segment);
    for (let i = 0; i < segment.parts; i++) this.release(merge.indices[i], merge.reader);
    segment.parts = 1;
  }

  private process(index: number, owner: TcpHandle | null, reader: BufferReturn, now: number): void {
    const { party, ip } = this;
    if (owner !== this.merge.owner) this.endBatch(now);
    const l3 = party.l3Offset(index);
    const start = party.start(index) + l3;
    const length = party.length(index) - l3;
    const link = party.interface(index);
    if (length <= 0) {
      this.linkLayer?.arp(party.bytes, party.start(index), party.length(index), link, now);
      return;
    }
    // Only packets of our own can have come by the loopback.
    const loopback = party.owner(index) === party.id;
    const verdict = ip.receive(party.bytes, start, length, link, loopback);
    countInput(this.counters.ip, ip.packet.ipv6, verdict, ip.reason);
    this.dispatch(verdict, party.bytes, index, owner, reader, now);
  }

  private dispatch(
    verdict: number,
    bytes: Uint8Array,
    index: number,
    owner: TcpHandle | null,
    reader: BufferReturn,
    now: number,
  ): void {
    switch (verdict) {
      case INPUT_TRANSPORT: {
        const state = this.party.checksum(index);
        // A partial checksum was never on a wire: it is good by itself (Linux's CHECKSUM_PARTIAL on input).
        const trusted = state === CHECKSUM_NONE ? CHECKSUM_NONE : CHECKSUM_VERIFIED;
        const stamp = this.party.stamp(index);
        if (this.ip.packet.protocol === UDP_PROTOCOL) this.receiveUdp(bytes, trusted, stamp, now);
        else this.receiveTcp(bytes, index, trusted, stamp, owner, reader, now);
        return;
      }
      case INPUT_FRAGMENT:
        this.receiveFragment(bytes, now);
        return;
      case INPUT_ICMP_ERROR:
        countIcmpInput(this.counters.ip, this.ip.packet, bytes);
        this.receiveIcmpError(bytes, now);
        return;
      case INPUT_ECHO:
        countIcmpInput(this.counters.ip, this.ip.packet, bytes);
        this.answer(now, (out, at) => this.ip.echoReply(out, at, this.ownSource()), this.ip.packet.length);
        return;
      case INPUT_ND:
        countIcmpInput(this.counters.ip, this.ip.packet, bytes);
        this.linkLayer?.nd(bytes, this.ip.packet, this.ip.link, now);
        return;
      case INPUT_IGMP:
        this.linkLayer?.groups(bytes, this.ip.packet, this.ip.link, now);
        return;
      case INPUT_UNKNOWN:
        this.answer(now, (out, at) => this.ip.protocolUnreachable(now, out, at));
        return;
      case INPUT_PROBLEM:
        this.answer(now, (out, at) => this.ip.parameterProblem(now, out, at, this.ownSource()));
        return;
      case INPUT_DROP:
      case INPUT_NOT_OURS:
        return;
      default:
        countIcmpInput(this.counters.ip, this.ip.packet, bytes);
        if (this.ip.packet.ipv6 && isMld(bytes[this.ip.packet.payload])) {
          this.linkLayer?.groups(bytes, this.ip.packet, this.ip.link, now);
        }
    }
  }

  private receiveTcp(
    bytes: Uint8Array,
    index: number,
    checksum: number,
    stamp: number,
    owner: TcpHandle | null,
    reader: BufferReturn,
    now: number,
  ): void {
    const { ip, segment } = this;
    const { packet } = ip;
    const { counters } = this.tcp;
    const at = packet.payload;
    // RFC 9293 MUST-57
    if (ip.destination !== DST_UNICAST) return;
    if (tcp.checkTcp(bytes, at, packet.payloadLength) !== 0) {
      counters.add(IN_SEGS);
      counters.add(IN_ERRS);
      return;
    }
    // RFC 9293 MUST-3
    if (!transportVerifies(bytes, packet, packet.payloadLength, checksum)) {
      counters.add(IN_SEGS);
      counters.add(IN_CSUM);
      counters.add(IN_ERRS);
      return;
    }
    const head = tcp.headerLength(bytes, at);
    copyAddress(segment.localAddress, 0, packet.destination, 0);
    copyAddress(segment.remoteAddress, 0, packet.source, 0);
    segment.localPort = tcp.dstPort(bytes, at);
    segment.remotePort = tcp.srcPort(bytes, at);
    segment.ipv6 = packet.ipv6;
    segment.zone = this.zoneOf(packet.ipv6, packet.source, packet.destination);
    segment.arrival = stamp;
    segment.ecn = packet.ecn;
    segment.tos = packet.tos;
    segment.ttl = packet.ttl;
    segment.seq = tcp.seq(bytes, at);
    segment.ack = tcp.ack(bytes, at);
    segment.flags = tcp.flags(bytes, at);
    segment.window = tcp.window(bytes, at);
    segment.urgent = tcp.urgent(bytes, at);
    segment.length = packet.payloadLength - head;
    const phantom = (segment.flags & tcp.TCP_SYN ? 1 : 0) + (segment.flags & tcp.TCP_FIN ? 1 : 0);
    segment.endSeq = (segment.seq + segment.length + phantom) >>> 0;
    segment.bytes = bytes;
    segment.offset = at + head;
    segment.headerOffset = at;
    segment.headerEnd = at + head;
    segment.gsoSize = this.party.gsoSize(index);
    segment.packetLength = packet.length;
    parseTcpOptions(bytes, at + tcp.TCP_OFF_OPTIONS, at + head, segment.options);
    if (this.joined(index, owner, reader, now)) return;
    this.endBatch(now);
    this.deliverTcp(owner, now);
  }

  /** Whether the segment was put behind what is held, or is held itself, and with it its buffer. */
  private joined(index: number, owner: TcpHandle | null, reader: BufferReturn, now: number): boolean {
    const { merge, segment } = this;
    if (owner === null || owner.listener !== null || !owner.mapped) return false;
    if (!this.network.mergesReceived(this.ip.link) || !ReceiveMerge.mayJoin(segment)) return false;
    if (merge.owner !== null && merge.continues(segment, owner)) {
      if (!merge.join(segment, index)) this.endBatch(now);
      this.held = true;
      return true;
    }
    this.endBatch(now);
    const { tcb } = owner;
    const last = (segment.flags & tcp.TCP_PSH) !== 0;
    if (last || tcb.state !== TCP_ESTABLISHED || segment.seq !== tcb.rcv.nxt) return false;
    this.held = true;
    this.segment = merge.hold(segment, owner, index, reader);
    return true;
  }

  private deliverTcp(owner: TcpHandle | null, now: number): void {
    const { segment } = this;
    const { flows } = this.tcp;
    let listener = owner !== null && owner.listener !== null ? owner : null;
    let flow: TcpHandle | TimeWaitEntry | null = owner;
    // Shared channels, and what was left in a ring when its flow moved on.
    if (owner === null || listener !== null || !owner.mapped) {
      flow = flows.find(
        segment.localAddress,
        segment.localPort,
        segment.remoteAddress,
        segment.remotePort,
        segment.zone,
      );
    }
    if (flow instanceof TcpHandle && flow.listener === null) {
      if (!this.signatureHolds(flow)) return;
      tcpInput(flow.tcb, now, segment);
      return;
    }
    listener ??= this.tcp.listenerFor(segment.localAddress, segment.localPort, segment.ipv6);
    let isn = 0;
    if (flow !== null && !(flow instanceof TcpHandle)) {
      // The core counts what connections and listeners get.
      this.tcp.counters.add(IN_SEGS);
      if (timeWaitInput(flow.record, now, segment) !== TIME_WAIT_NEW_SYN || listener === null) return;
      isn = flow.record.isn;
      this.tcp.dropTimeWait(flow);
    }
    if (listener !== null && listener.listener !== null) {
      if (!this.signatureHolds(listener)) return;
      listenerInput(listener.listener, now, segment, isn);
    } else {
      this.tcp.counters.add(IN_SEGS);
      replyReset(this.tcp, now, segment);
    }
  }

  /** A signature (RFC 2385) that is there must be right; whether one must be there is the core's affair. */
  private signatureHolds(handle: TcpHandle): boolean {
    const { segment } = this;
    if (segment.options.md5Offset < 0 || verifySegment(handle.tcb.opt.md5Keys, segment)) return true;
    this.tcp.counters.add(MD5_FAILURE);
    return false;
  }

  private receiveUdp(bytes: Uint8Array, checksum: number, stamp: number, now: number): void {
    const { ip } = this;
    const { packet } = ip;
    const zone = this.zoneOf(packet.ipv6, packet.source, packet.destination);
    const taken = this.udp.input(bytes, packet, ip.destination, zone, ip.link, checksum, stamp);
    if (!taken) this.answer(now, (out, at) => ip.portUnreachable(now, out, at));
  }

  private receiveFragment(bytes: Uint8Array, now: number): void {
    const { fragments, ip } = this;
    const { link } = ip;
    const result = fragments.add(now, bytes, ip.packet, link);
    if (result === FRAGMENT_PROBLEM) {
      this.answer(now, (out, at) =>
        ip.parameterProblem(now, out, at, this.ownSource(), fragments.problemPointer),
      );
      return;
    }
    if (result === FRAGMENT_DROPPED) this.counters.ip.add(ip.packet.ipv6 ? REASM_FAILS_6 : REASM_FAILS);
    if (result !== FRAGMENT_COMPLETE) return;
    this.counters.ip.add(ip.packet.ipv6 ? REASM_OKS_6 : REASM_OKS);
    // One producer a ring: the whole packet goes back to the driver, which finds its channel.
    const index = this.output.allocate(fragments.completeLength);
    if (index < 0) return;
    fragments.copyTo(this.party.bytes, this.party.start(index));
    this.output.reinject(index, link, now);
  }

  /** The first fragment of a packet that was not completed in time: its sender is told. */
  private reassemblyTimeout(now: number, link: number, b: Uint8Array, o: number, length: number): void {
    const { counters, ip } = this;
    if (ip.receive(b, o, length, link, false) !== INPUT_FRAGMENT) return;
    counters.ip.add(ip.packet.ipv6 ? REASM_TIMEOUT_6 : REASM_TIMEOUT);
    counters.ip.add(ip.packet.ipv6 ? REASM_FAILS_6 : REASM_FAILS);
    this.answer(now, (out, at) => ip.reassemblyTimeExceeded(now, out, at));
  }

  // RFC 9293 MUST-54
  private receiveIcmpError(bytes: Uint8Array, now: number): void {
    const { error } = this.ip;
    const zone = this.zoneOf(error.ipv6, error.localAddress, error.remoteAddress);
    const info = error.mtu || error.pointer;
    if (error.protocol === UDP_PROTOCOL) {
      this.udp.icmpError(error, zone, info, bytes, now);
      return;
    }
    if (error.protocol !== tcp.TCP_PROTOCOL) return;
    const flow = this.tcp.flows.find(
      error.localAddress,
      error.localPort,
      error.remoteAddress,
      error.remotePort,
      zone,
    );
    if (flow instanceof TcpHandle) {
      tcpError(flow.tcb, now, error.type, error.code, info, error.seq);
      return;
    }
    if (flow !== null) return;
    const listener = this.tcp.listenerFor(error.localAddress, error.localPort, error.ipv6)?.listener;
    if (!listener) {
      this.counters.ip.add(ICMP_IN_ERRORS);
      return;
    }
    listenerError(
      listener,
      now,
      error.remoteAddress,
      error.remotePort,
      error.localAddress,
      error.ipv6,
      error.type,
      error.code,
      info,
      error.seq,
    );
  }

  /** Sends what `write` puts into a buffer (bytes written, 0: nothing) to the source of the packet just received. */
  private answer(
    now: number,
    write: (out: Uint8Array, at: number) => number,
    room: number = ANSWER_MAX,
  ): void {
    const { packet } = this.ip;
    const zone = this.zoneOf(packet.ipv6, packet.source, packet.destination);
    const path = this.network.path(packet.source, zone);
    if (path === null) return;
    const index = this.output.allocate(Math.max(room, ANSWER_MAX));
    if (index < 0) return;
    const written = write(this.party.bytes, this.party.start(index));
    if (written === 0) {
      this.output.discard(index);
      return;
    }
    this.party.setLength(index, written);
    // What IP answers with has a header without options.
    const type = this.party.bytes[this.party.start(index) + ipHeaderLength(packet.ipv6)];
    countIcmpOutput(this.counters.ip, packet.ipv6, type);
    const mtu = this.network.mtu(path, packet.source, zone, now);
    if (written <= mtu) {
      this.output.send(index, path.device, path.nextHop, this.output.defaultChannel, null, 0, now);
      return;
    }
    // Only an echo reply is as long as what was asked for; an error quotes no more than a minimum packet (RFC 4443 2.4).
    const start = this.party.start(index);
    const id = packet.ipv6
      ? this.network.ids.next(packet.destination, packet.source, ICMPV6_PROTOCOL)
      : ipv4Id(this.party.bytes, start);
    this.answers.send(index, written, mtu, id, path, null, 0, now);
  }

  /** The address of ours from which to answer a packet that went to a group. */
  private ownSource(): Uint8Array | null {
    const { packet } = this.ip;
    const zone = this.zoneOf(packet.ipv6, packet.source, packet.destination);
    return this.network.selectSource(packet.source, zone, this.scratch) ? this.scratch : null;
  }

  private zoneOf(ipv6: boolean, a: Uint8Array, b: Uint8Array): number {
    return ipv6 && (isLinkLocal(a) || isLinkLocal(b)) ? indexOfLink(this.ip.link) : 0;
  }
}
