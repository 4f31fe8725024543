// A packet that came out of a channel's ring: IP's judgement, then TCP, UDP, ICMP or an answer. Fills the one SegmentIn of
// the endpoint. It knows flows by their handles and never a socket.
import { CHECKSUM_NONE, CHECKSUM_VERIFIED, TO_STACK_WHOLE } from '../channel/buffers.js';
import type { PoolParty } from '../channel/party.js';
import { counterIndex } from '../host/counters.js';
import type { StackCounters } from '../host/ip-counters.js';
import type { NetworkLayer } from '../host/network.js';
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
import { type IpPacket, transportVerifies } from '../ip/packet.js';
import type { Reassembler } from '../ip/reassembly.js';
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
import * as tcp from '../wire/tcp.js';
import { UDP_PROTOCOL } from '../wire/udp.js';
import { Answers, zoneBetween } from './answers.js';
import { FragmentInput } from './fragment-input.js';
import { countIcmpError, countIcmpInput, countInput, countReceived } from './input-counters.js';
import type { PacketOutput } from './packet-output.js';
import { type BufferReturn, ReceiveMerge } from './receive-merge.js';
import { fillSegment } from './segment-fill.js';
import type { TcpEndpoint } from './tcp-endpoint.js';
import { TcpHandle } from './tcp-handle.js';
import { verifySegment } from './tcp-md5.js';
import type { TimeWaitEntry } from './time-wait-entry.js';

const IN_SEGS = counterIndex('TcpInSegs');
const IN_ERRS = counterIndex('TcpInErrs');
const IN_CSUM = counterIndex('TcpInCsumErrors');
const MD5_FAILURE = counterIndex('TcpExtTCPMD5Failure');

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
  private readonly fragments: FragmentInput;
  private readonly tcp: TcpEndpoint;
  private readonly udp: UdpEndpoint;
  private readonly counters: StackCounters;
  private readonly answers: Answers;

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
    this.answers = new Answers(parts);
    this.network = parts.network;
    this.ip = parts.ip;
    this.fragments = new FragmentInput(parts, this.answers);
    this.tcp = parts.tcp;
    this.udp = parts.udp;
    this.counters = parts.counters;
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
    const counters = this.counters.ip;
    const whole = party.direction(index) === TO_STACK_WHOLE;
    if (!whole) countReceived(counters, party.bytes, start, length, this.segments(index, start, length));
    countInput(counters, ip, verdict, party.bytes, start, whole);
    this.dispatch(verdict, party.bytes, index, owner, reader, now);
  }

  /** Segments of the packet of `index`, which begins at `start`: one, or those of a super-packet. */
  private segments(index: number, start: number, length: number): number {
    const size = this.party.gsoSize(index);
    if (size === 0) return 1;
    const { bytes } = this.party;
    const head = bytes[start] >>> 4 === 6 ? 40 : (bytes[start] & 15) << 2;
    return Math.max(1, Math.ceil((length - head - tcp.headerLength(bytes, start + head)) / size));
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
        this.fragments.receive(bytes, now);
        return;
      case INPUT_ICMP_ERROR:
        countIcmpInput(this.counters.ip, this.ip, bytes);
        this.receiveIcmpError(bytes, now);
        return;
      case INPUT_ECHO:
        countIcmpInput(this.counters.ip, this.ip, bytes);
        this.answers.answer(
          now,
          (out, at) => this.ip.echoReply(out, at, this.answers.ownSource()),
          this.ip.packet.length,
        );
        return;
      case INPUT_ND:
        countIcmpInput(this.counters.ip, this.ip, bytes);
        this.linkLayer?.nd(bytes, this.ip.packet, this.ip.link, now);
        return;
      case INPUT_IGMP:
        this.linkLayer?.groups(bytes, this.ip.packet, this.ip.link, now);
        return;
      case INPUT_UNKNOWN:
        this.answers.answer(now, (out, at) => this.ip.protocolUnreachable(now, out, at));
        return;
      case INPUT_PROBLEM:
        this.answers.answer(now, (out, at) =>
          this.ip.parameterProblem(now, out, at, this.answers.ownSource()),
        );
        return;
      case INPUT_DROP:
      case INPUT_NOT_OURS:
        return;
      default:
        countIcmpInput(this.counters.ip, this.ip, bytes);
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
    const bad = tcp.checkTcp(bytes, at, packet.payloadLength);
    if (bad !== 0) {
      counters.add(IN_SEGS);
      // A segment that ends before its header does is dropped without a word (tcp_v4_rcv).
      if (bad === tcp.TCP_ERR_OFFSET_SMALL) counters.add(IN_ERRS);
      return;
    }
    // RFC 9293 MUST-3
    if (!transportVerifies(bytes, packet, packet.payloadLength, checksum)) {
      counters.add(IN_SEGS);
      counters.add(IN_CSUM);
      counters.add(IN_ERRS);
      return;
    }
    fillSegment(segment, bytes, packet, this.answers.zone(), stamp, this.party.gsoSize(index));
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
    if (listener !== null) listener = this.tcp.sharing(listener, segment);
    let isn = 0;
    if (flow !== null && !(flow instanceof TcpHandle)) {
      // The core counts what connections and listeners get.
      this.tcp.counters.add(IN_SEGS);
      if (timeWaitInput(flow.record, now, segment, listener !== null) !== TIME_WAIT_NEW_SYN) return;
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
    const taken = this.udp.input(
      bytes,
      packet,
      ip.destination,
      this.answers.zone(),
      ip.link,
      checksum,
      stamp,
    );
    if (!taken) this.answers.answer(now, (out, at) => ip.portUnreachable(now, out, at));
  }

  // RFC 9293 MUST-54
  private receiveIcmpError(bytes: Uint8Array, now: number): void {
    const { error } = this.ip;
    const zone = zoneBetween(error.ipv6, error.localAddress, error.remoteAddress, this.ip.link);
    const info = error.mtu || error.pointer;
    if (error.protocol === UDP_PROTOCOL) {
      if (!this.udp.icmpError(error, zone, info, bytes, now)) countIcmpError(this.counters.ip, error.ipv6);
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
    const first = this.tcp.listenerFor(error.localAddress, error.localPort, error.ipv6);
    const listener = first && this.tcp.sharing(first, { ...error, zone }).listener;
    if (!listener) {
      countIcmpError(this.counters.ip, error.ipv6);
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
}
