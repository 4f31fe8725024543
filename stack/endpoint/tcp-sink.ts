// TCP segments into packet buffers: IP and TCP headers, options, payload, checksum. Implements the core's SegmentSink.
// Knows no connection beyond its handle.

import { CHECKSUM_PARTIAL } from '../channel/buffers.js';
import type { StackConfig } from '../config/config.js';
import type { FlowSecrets } from '../host/flow-secrets.js';
import { ipCounterIndex, type StackCounters } from '../host/ip-counters.js';
import type { DeviceState, NetworkLayer } from '../host/network.js';
import { finishTransport, ipHeaderLength, startTransport, writeIp } from '../ip/output.js';
import type { FlowAddress } from '../tcp/flow-ends.js';
import {
  type PayloadSource,
  type SegmentOut,
  type SegmentSink,
  type TransmitOwner,
  XMIT_NOBUFS,
} from '../tcp/segment.js';
import { Tcb } from '../tcp/tcb.js';
import { TCP_MIN_HEADER, TCP_OFF_CHECKSUM, TCP_PROTOCOL, writeTcp } from '../wire/tcp.js';
import { countRequest } from './output-counters.js';
import type { PacketOutput } from './packet-output.js';
import { TcpHandle } from './tcp-handle.js';

const OUT_NO_ROUTES = ipCounterIndex('IpOutNoRoutes');
const OUT_NO_ROUTES_6 = ipCounterIndex('Ip6OutNoRoutes');

/** Fills in the digest of RFC 2385 at `b[digestAt]`; the segment begins at `b[tcp]`. */
export type SegmentSigner = (
  flow: FlowAddress,
  b: Uint8Array,
  tcp: number,
  length: number,
  digestAt: number,
) => void;

export class TcpSink implements SegmentSink {
  signer: SegmentSigner | null = null;
  private readonly output: PacketOutput;
  private readonly network: NetworkLayer;
  private readonly counters: StackCounters;
  private readonly now: () => number;
  private readonly config: StackConfig;
  private readonly secrets: FlowSecrets;
  private device!: DeviceState;
  private nextHop!: Uint8Array;

  constructor(
    config: StackConfig,
    output: PacketOutput,
    network: NetworkLayer,
    counters: StackCounters,
    secrets: FlowSecrets,
    now: () => number,
  ) {
    this.config = config;
    this.secrets = secrets;
    this.output = output;
    this.network = network;
    this.counters = counters;
    this.now = now;
  }

  transmit(
    flow: FlowAddress,
    segment: SegmentOut,
    payload: PayloadSource | null,
    from: number,
    length: number,
    owner: TransmitOwner | null,
    charge: number,
  ): number {
    const { output, counters } = this;
    const v6 = flow.ipv6;
    const handle = flow instanceof Tcb && flow.owner instanceof TcpHandle ? flow.owner : null;
    if (!this.findPath(flow, handle)) {
      counters.ip.add(v6 ? OUT_NO_ROUTES_6 : OUT_NO_ROUTES);
      return this.failed();
    }
    const ip = ipHeaderLength(v6);
    const head = TCP_MIN_HEADER + segment.optionsLength;
    const index = output.allocate(ip + head + length);
    if (index < 0) return this.failed();
    const { party } = output;
    const { bytes } = party;
    if (length > 0) party.align(index, ip + head, payload!.residue(from));
    const start = party.start(index);
    const { localAddress: source, remoteAddress: destination } = flow;
    const count = segment.gsoSize > 0 ? Math.ceil(length / segment.gsoSize) : 1;
    const id = v6 ? 0 : this.network.ids.next(source, destination, TCP_PROTOCOL, count) & 0xffff;
    // RFC 9293 SHLD-22
    const tos = (segment.tos & 0xfc) | segment.ecn;
    const tcp = writeIp(
      bytes,
      start,
      v6,
      source,
      destination,
      TCP_PROTOCOL,
      head + length,
      tos,
      segment.ttl,
      segment.df,
      id,
      v6 && segment.flowLabel === 0 ? this.autoFlowLabel(flow, handle) : segment.flowLabel,
    );
    const options = writeTcp(
      bytes,
      tcp,
      flow.localPort,
      flow.remotePort,
      // As signed numbers, which V8 passes without a box (numbers from 2^31 on it boxes).
      segment.seq | 0,
      segment.ack | 0,
      head,
      segment.flags,
      segment.window,
      segment.urgent,
    );
    for (let i = 0; i < segment.optionsLength; i++) bytes[options + i] = segment.options[i];
    if (length > 0) payload!.copyTo(from, length, bytes, tcp + head);
    if (segment.md5Offset >= 0 && this.signer !== null) {
      this.signer(flow, bytes, tcp, head + length, options + segment.md5Offset);
    }
    party.setGsoSize(index, segment.gsoSize);
    if (segment.departure > 0) party.setDeparture(index, segment.departure);
    party.setTag(index, flowTag(flow));
    const { device } = this;
    if (device.link === null || device.link.checksumOffload) {
      startTransport(bytes, tcp, head + length, TCP_OFF_CHECKSUM, source, destination, TCP_PROTOCOL);
      party.setChecksum(index, CHECKSUM_PARTIAL);
      party.setCsumPlace(index, tcp - start, TCP_OFF_CHECKSUM);
    } else {
      // RFC 9293 MUST-2
      finishTransport(bytes, tcp, head + length, TCP_OFF_CHECKSUM, source, destination, TCP_PROTOCOL);
    }
    countRequest(counters.ip, v6);
    if (flow instanceof Tcb && flow.confirmNeighbour) {
      flow.confirmNeighbour = false;
      output.confirm(device, this.nextHop, this.now());
    }
    const channel = handle?.channel?.number ?? output.defaultChannel;
    return output.send(index, device, this.nextHop, channel, owner, charge, this.now(), segment.more);
  }

  /** No packet was made: those before it that waited for more must not wait for it. */
  private failed(): number {
    this.output.kick(this.now());
    return XMIT_NOBUFS;
  }

  /** net.ipv6.auto_flowlabels (RFC 6437): one label a flow, derived from it under a secret, from SYN to the last RST. */
  private autoFlowLabel(flow: FlowAddress, handle: TcpHandle | null): number {
    if (this.config.autoFlowlabels === 0) return 0;
    if (handle === null) return this.secrets.flowLabel(flow);
    if (handle.flowLabel < 0) handle.flowLabel = this.secrets.flowLabel(flow);
    return handle.flowLabel;
  }

  /** The device and next hop of the flow, cached with a connection's handle. */
  private findPath(flow: FlowAddress, handle: TcpHandle | null): boolean {
    const { network } = this;
    const { generation } = network;
    if (handle !== null && handle.pathGeneration === generation && handle.pathDevice !== null) {
      this.device = handle.pathDevice;
      this.nextHop = handle.pathNextHop;
      return true;
    }
    const path = network.path(flow.remoteAddress, flow.zone);
    if (path === null) return false;
    this.device = path.device;
    this.nextHop = path.nextHop;
    if (handle !== null) {
      handle.pathGeneration = generation;
      handle.pathDevice = path.device;
      handle.pathNextHop = path.nextHop;
    }
    return true;
  }
}

/** A number for the flow in the queue discipline, never 0. */
function flowTag(flow: FlowAddress): number {
  const a = flow.remoteAddress;
  const mixed =
    Math.imul((flow.localPort << 16) | flow.remotePort, 0x9e37_79b1) ^
    ((a[12] << 24) | (a[13] << 16) | (a[14] << 8) | a[15]);
  return mixed === 0 ? 1 : mixed;
}
