// One socket or connection of a script: what the script calls it and what it is on the wire. Sequence numbers, ports
// and timestamps are translated between the two here, as packetdrill does, and nowhere else.

import { type DecodedOption, type DecodedPacket, type DecodedTcp, SYN } from './decode.js';
import { OPTION_SACK, OPTION_TIMESTAMP, u32At } from './tcp-options.js';

export type FlowState =
  | 'new'
  | 'listening'
  | 'syn-received'
  | 'synack-sent'
  | 'synack-acked'
  | 'connecting'
  | 'syn-sent'
  | 'syn-acked';

export interface FlowEnd {
  address: string;
  port: number;
}

/** The header fields from which a reset is made that the target will believe. */
export interface LastSegment {
  sequence: number;
  ack: number;
  window: number;
  flags: number;
  payloadLength: number;
}

export class Flow {
  state: FlowState = 'new';
  /** IPPROTO number, and 0 until it is known. */
  protocol: number;
  /** Descriptor of the target; -1 for a connection that nobody has accepted yet. */
  liveFd = -1;
  scriptFd = -1;
  closed = false;
  readonly live = { local: end(), remote: end(), localIsn: 0, remoteIsn: 0 };
  scriptLocalIsn = 0;
  lastInjected: LastSegment | null = null;
  lastOutbound: LastSegment | null = null;
  /** Outbound timestamp values: the script's to the wire's (RFC 7323 TSval). */
  readonly timestamps = new Map<number, number>();
  firstTimestamp: { readonly script: number; readonly actual: number } | null = null;
  flowLabel: { script: number; live: number } | null = null;
  readonly index: number;

  constructor(index: number, protocol: number) {
    this.index = index;
    this.protocol = protocol;
  }

  /** True once both ends are known, so that packets can be told to be this flow's. */
  get hasEnds(): boolean {
    return this.live.remote.address !== '' && this.live.local.address !== '';
  }

  /** What to add to a remote sequence number of the script to have the wire's. A SYN's is the wire's already. */
  remoteOffset(isSyn: boolean): number {
    return isSyn ? 0 : this.live.remoteIsn;
  }

  /** The same for the target's own sequence numbers. */
  localOffset(isSyn: boolean): number {
    return isSyn ? (this.live.localIsn - this.scriptLocalIsn) >>> 0 : this.live.localIsn;
  }
}

function end(): FlowEnd {
  return { address: '', port: 0 };
}

export function segmentOf(packet: DecodedPacket, tcp: DecodedTcp): LastSegment {
  const { sequence, ack, window, flags } = tcp;
  return { sequence, ack, window, flags, payloadLength: packet.payloadLength };
}

/** A copy of an outbound packet with sequence numbers, ACK and SACK edges as the script counts them. */
export function toScriptNumbers(flow: Flow, packet: DecodedPacket): DecodedPacket {
  const tcp = packet.transport;
  if (tcp.kind !== 'tcp') return packet;
  const isSyn = (tcp.flags & SYN) !== 0;
  const remote = flow.remoteOffset(isSyn);
  const hasAck = (tcp.flags & 0x10) !== 0;
  return {
    ...packet,
    transport: {
      ...tcp,
      sequence: (tcp.sequence - flow.localOffset(isSyn)) >>> 0,
      ack: hasAck ? (tcp.ack - remote) >>> 0 : tcp.ack,
      options: tcp.options.map((o) => (o.kind === OPTION_SACK ? shiftSack(o, -remote) : o)),
    },
  };
}

/** The same for an inbound packet as it was sent. */
export function inboundToScriptNumbers(flow: Flow, packet: DecodedPacket): DecodedPacket {
  const tcp = packet.transport;
  if (tcp.kind !== 'tcp') return packet;
  const isSyn = (tcp.flags & SYN) !== 0;
  const local = flow.localOffset(isSyn);
  const hasAck = (tcp.flags & 0x10) !== 0;
  return {
    ...packet,
    transport: {
      ...tcp,
      sequence: (tcp.sequence - flow.remoteOffset(isSyn)) >>> 0,
      ack: hasAck ? (tcp.ack - local) >>> 0 : tcp.ack,
      options: tcp.options.map((o) => (o.kind === OPTION_SACK ? shiftSack(o, -local) : o)),
    },
  };
}

function shiftSack(option: DecodedOption, by: number): DecodedOption {
  const data = Uint8Array.from(option.data);
  const view = new DataView(data.buffer);
  for (let o = 0; o + 4 <= data.length; o += 4) view.setUint32(o, (u32At(data, o) + by) >>> 0);
  return { ...option, data };
}

/** TSval of a decoded segment; null without a well-formed timestamp option. */
export function timestampOf(tcp: DecodedTcp): { val: number; ecr: number } | null {
  for (const o of tcp.options) {
    if (o.kind === OPTION_TIMESTAMP && o.length === 10)
      return { val: u32At(o.data, 0), ecr: u32At(o.data, 4) };
  }
  return null;
}

/** A copy whose TSval is the script's: counted from the first one that was seen. */
export function withScriptTimestamp(flow: Flow, packet: DecodedPacket): DecodedPacket {
  const tcp = packet.transport;
  const first = flow.firstTimestamp;
  if (tcp.kind !== 'tcp' || !first) return packet;
  const options = tcp.options.map((o) => {
    if (o.kind !== OPTION_TIMESTAMP || o.length !== 10) return o;
    const data = Uint8Array.from(o.data);
    new DataView(data.buffer).setUint32(0, (first.script + u32At(o.data, 0) - first.actual) >>> 0);
    return { ...o, data };
  });
  return { ...packet, transport: { ...tcp, options } };
}
