// An inbound packet of the script: mapped to the wire's numbers, built and handed to the target when it is due.

import type { PacketBody } from '../language/ast.js';
import { buildPacket, type InboundMapping } from './build.js';
import { ACK, decodePacket, FIN, SYN } from './decode.js';
import { RunFailure } from './errors.js';
import { type Flow, inboundToScriptNumbers, segmentOf } from './flow.js';
import type { Machine } from './machine.js';

export async function runInbound(machine: Machine, packet: PacketBody): Promise<void> {
  const { sockets, target, config } = machine;
  const flow = packet.transport.kind === 'raw' ? sockets.underTest : sockets.forScriptPacket(packet);
  await machine.waitForEvent('inbound packet');
  const { transport } = packet;
  if (flow && transport.kind === 'tcp') advanceHandshake(flow, transport);
  const mapping = flow ? mappingFor(machine, flow, packet) : noMapping();
  const bytes = buildPacket(packet, { mapping, md5Secret: config.md5Secret });
  const decoded = decodePacket(bytes, machine.now());
  if (flow && decoded.transport.kind === 'tcp') flow.lastInjected = segmentOf(decoded, decoded.transport);
  const shown = flow ? inboundToScriptNumbers(flow, decoded) : decoded;
  const ace = transport.kind === 'tcp' && transport.flags.ace !== null;
  const record = machine.trace.packet('in', machine.now(), shown, bytes, flow, ace);
  record.line = packet.span.line;
  await target.inject(bytes, config.mss);
  machine.collect();
}

function advanceHandshake(flow: Flow, tcp: Extract<PacketBody['transport'], { kind: 'tcp' }>): void {
  const { syn, ack } = tcp.flags;
  if (flow.state === 'synack-sent' && ack) {
    flow.state = 'synack-acked';
  } else if (flow.state === 'syn-sent' && syn && ack) {
    // After the SYN of a simultaneous open the remote end's numbers stay absolute: only a SYN-ACK begins relative ones.
    flow.state = 'syn-acked';
    flow.live.remoteIsn = tcp.sequence.start >>> 0;
  }
}

function mappingFor(machine: Machine, flow: Flow, packet: PacketBody): InboundMapping {
  const { transport } = packet;
  const isSyn = transport.kind === 'tcp' && transport.flags.syn;
  const ends = transport.kind === 'tcp' || transport.kind === 'udp' ? transport.endpoints : null;
  const localOffset = flow.localOffset(isSyn);
  const { local, remote } = flow.live;
  const { addresses, bindPort, connectPort } = machine.config;
  return {
    source: {
      address: ends?.source.address ?? (remote.address || addresses.remote),
      port: ends?.source.port ?? (remote.port || connectPort),
    },
    destination: {
      address: ends?.destination.address ?? (local.address || addresses.local),
      port: ends?.destination.port ?? (local.port || bindPort),
    },
    remoteSequence: (value, syn) => (value + flow.remoteOffset(syn)) >>> 0,
    localSequence: (value, syn) => (value + flow.localOffset(syn)) >>> 0,
    sackEdge: (edge) => (edge + localOffset) >>> 0,
    echoReply: (value) => liveEcho(machine, flow, value, packet),
  };
}

/** The wire's timestamp for one that an earlier outbound packet of the script carried. */
function liveEcho(machine: Machine, flow: Flow, script: number, packet: PacketBody): number {
  const exact = flow.timestamps.get(script >>> 0);
  if (exact !== undefined) return exact;
  const first = flow.firstTimestamp;
  if (machine.config.tsEcrScaled && first) return (script - first.script + first.actual) >>> 0;
  throw new RunFailure(
    'packet',
    `unable to infer the live TS ecr for script TS ecr ${script}: no earlier outbound packet of the script has this TS val`,
    packet.span,
    { field: 'TS ecr', expected: 'the TS val of an earlier outbound packet', actual: String(script) },
  );
}

function noMapping(): InboundMapping {
  const fail = (): never => {
    throw new Error('raw packets are not mapped');
  };
  const end = { address: '0.0.0.0', port: 0 };
  return {
    source: end,
    destination: end,
    remoteSequence: fail,
    localSequence: fail,
    sackEdge: fail,
    echoReply: fail,
  };
}

/** What a reset has to look like for the target to believe it; null when the flow never spoke TCP. */
export function resetSegment(flow: Flow): { sequence: number; ack: number; window: number } | null {
  const { lastInjected: sent, lastOutbound: got } = flow;
  if (sent && sent.flags & ACK) {
    const extra = (sent.flags & SYN ? 1 : 0) + (sent.flags & FIN ? 1 : 0) + sent.payloadLength;
    return { sequence: (sent.sequence + extra) >>> 0, ack: sent.ack, window: sent.window };
  }
  if (got && got.flags & ACK) return { sequence: got.ack, ack: got.sequence, window: 0 };
  return got ? { sequence: 0, ack: (got.sequence + 1) >>> 0, window: 0 } : null;
}
