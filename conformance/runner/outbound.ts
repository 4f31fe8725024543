// An outbound packet of the script: waits for the flow's next packet, gathers segments until the script's length is
// met, and says exactly what differs when it is not the one that the script expects.

import type { PacketBody } from '../language/ast.js';
import { comparePacket, type Difference, firstNonZero, scriptTimestamp } from './compare.js';
import { type DecodedPacket, decodePacket } from './decode.js';
import { RunFailure } from './errors.js';
import { type Flow, segmentOf, timestampOf, toScriptNumbers, withScriptTimestamp } from './flow.js';
import type { Machine } from './machine.js';
import { cannotFollow, mergePackets } from './merge.js';
import { packetText, timeText } from './print-packet.js';
import type { PacketRecord } from './result.js';
import { checkTime, toleranceFor } from './time.js';

/** Longer than any timer of TCP: how long an event with the time `*` waits. */
const LONGEST_WAIT = 7 * 24 * 3600 * 1e6;
const GRACE = 2e6;

interface Arrival {
  readonly packet: DecodedPacket;
  readonly record: PacketRecord;
  readonly checksumPartial: boolean;
}

export async function runOutbound(machine: Machine, packet: PacketBody): Promise<void> {
  const flow =
    packet.transport.kind === 'raw' ? machine.sockets.underTest : machine.sockets.forScriptPacket(packet);
  if (!flow) throw new RunFailure('packet', 'no socket of the script can send this packet', packet.span);
  const pieces: Arrival[] = [];
  const wanted = payloadLength(packet);
  if (flow.state === 'syn-received' && isSynAck(packet)) flow.scriptLocalIsn = startOf(packet);
  let gathered = 0;
  do {
    const arrival = await nextPacket(machine, flow, packet, pieces);
    const piece = { ...arrival, packet: toScriptNumbers(flow, arrival.packet) };
    if (pieces.length > 0 && !sameEnds(pieces.at(-1)!.packet, piece.packet)) {
      // A SYN of an older socket to the same remote end came first: the newer one is the one that counts.
      for (const old of pieces.splice(0)) Object.assign(old.record, { fate: 'ignored', line: null });
      gathered = 0;
    }
    if (pieces.length > 0) {
      const why = cannotFollow(piece.packet, pieces.at(-1)!.packet, gathered, wanted);
      if (why) failMerge(machine, packet, [...pieces, piece], why, wanted);
    }
    pieces.push(piece);
    gathered += piece.packet.payloadLength;
  } while (gathered < wanted && !machine.config.strictSegments);
  verify(machine, flow, packet, pieces);
}

function sameEnds(a: DecodedPacket, b: DecodedPacket): boolean {
  const [x, y] = [a.transport, b.transport];
  if (x.kind !== 'tcp' || y.kind !== 'tcp') return true;
  return a.ip?.source === b.ip?.source && x.sourcePort === y.sourcePort;
}

function payloadLength(packet: PacketBody): number {
  const { transport } = packet;
  if (transport.kind === 'tcp') return transport.sequence.length;
  return transport.kind === 'udp' ? transport.length : 0;
}

function isSynAck(packet: PacketBody): boolean {
  const { transport } = packet;
  return transport.kind === 'tcp' && transport.flags.syn && transport.flags.ack;
}

function startOf(packet: PacketBody): number {
  return packet.transport.kind === 'tcp' ? packet.transport.sequence.start >>> 0 : 0;
}

/** The first SYN-ACK of a passive open tells the target's initial sequence number. */
function learnSynAck(flow: Flow, packet: PacketBody, live: DecodedPacket): void {
  const tcp = live.transport;
  if (tcp.kind !== 'tcp') return;
  if (flow.state === 'syn-received' && isSynAck(packet)) {
    flow.state = 'synack-sent';
    flow.live.localIsn = tcp.sequence;
  }
  flow.lastOutbound = segmentOf(live, tcp);
}

/** The flow's next packet; those of other flows are set aside as ignored. */
async function nextPacket(
  machine: Machine,
  flow: Flow,
  packet: PacketBody,
  pieces: readonly Arrival[],
): Promise<Arrival> {
  const { due } = machine.current!;
  const sinceLast = Math.max(due.at, due.until) - (machine.lastDue ?? 0);
  const patience = due.kind === 'any' ? LONGEST_WAIT : Math.trunc(sinceLast / 1e6) * 1e6 + GRACE;
  const deadline = machine.now() + patience;
  for (;;) {
    const captured = machine.arrived.shift();
    if (captured) {
      const time = machine.toScriptTime(captured.time);
      const decoded = decodePacket(captured.bytes, time);
      const mine = machine.sockets.isFrom(flow, decoded, packet.transport.kind);
      if (mine) learnSynAck(flow, packet, decoded);
      const ace = packet.transport.kind === 'tcp' && packet.transport.flags.ace !== null;
      const record = machine.trace.packet(
        'out',
        time,
        mine ? toScriptNumbers(flow, decoded) : decoded,
        captured.bytes,
        mine ? flow : null,
        ace,
      );
      if (!mine) continue;
      record.fate = 'differs';
      record.line = packet.span.line;
      return { packet: decoded, record, checksumPartial: captured.checksumPartial ?? false };
    }
    if (machine.now() >= deadline) failTimeout(machine, packet, pieces);
    await machine.advance(deadline, 'at-packet');
  }
}

function failTimeout(machine: Machine, packet: PacketBody, pieces: readonly Arrival[]): never {
  const { due } = machine.current!;
  const have = pieces.reduce((sum, p) => sum + p.packet.payloadLength, 0);
  const part = pieces.length > 0 ? ` (${have} of ${payloadLength(packet)} bytes came)` : '';
  const when = due.kind === 'any' ? 'a packet at any time' : `one at ${timeText(due.at)} sec`;
  throw new RunFailure(
    'packet',
    `Timed out waiting for packet: expected ${when}, none came by ${timeText(machine.now())} sec${part}`,
    packet.span,
    {
      field: 'packet',
      expected: machine.textOf(packet.span),
      actual: 'none',
      scriptPacket: `${timeText(due.at)} ${machine.textOf(packet.span)}`,
      actualPackets: pieces.map(line),
    },
  );
}

function line(piece: Arrival): string {
  return `${timeText(piece.packet.time)} > ${packetText(piece.packet)}`;
}

function failMerge(
  machine: Machine,
  packet: PacketBody,
  pieces: readonly Arrival[],
  why: string,
  wanted: number,
): never {
  const { due } = machine.current!;
  throw new RunFailure(
    'packet',
    `${pieces.length} segments cannot be one of ${wanted} bytes: ${why} differs`,
    packet.span,
    {
      field: why,
      scriptPacket: `${timeText(due.at)} ${machine.textOf(packet.span)}`,
      actualPackets: pieces.map(line),
    },
  );
}

function verify(machine: Machine, flow: Flow, packet: PacketBody, pieces: readonly Arrival[]): void {
  const { due } = machine.current!;
  const merged = mergePackets(pieces.map((p) => p.packet));
  const actual = mapTimestamp(flow, packet, merged);
  const difference = firstDifference(machine, flow, packet, pieces, actual);
  const late = difference
    ? null
    : checkTime(due, merged.time, machine.lastDue, machine.tolerance, 'outbound packet');
  for (const piece of pieces) piece.record.fate = difference || late ? 'differs' : 'matched';
  if (!difference && !late) return;
  const ace = packet.transport.kind === 'tcp' && packet.transport.flags.ace !== null;
  const details = {
    scriptPacket: `${timeText(due.at)} ${machine.textOf(packet.span)}`,
    actualPackets: [`${timeText(merged.time)} > ${packetText(actual, { ace })}`],
  };
  const failure = difference
    ? new RunFailure(
        'packet',
        `live packet field ${difference.field}: expected: ${difference.expected} vs actual: ${difference.actual}`,
        packet.span,
        { ...details, ...difference },
      )
    : new RunFailure('time', late!, packet.span, {
        ...details,
        field: 'time',
        expected: timeText(due.at),
        actual: timeText(merged.time),
      });
  if (!machine.config.nonFatal.has('packet')) throw failure;
  machine.trace.output.push(`${packet.span.file}:${packet.span.line}: warning: ${failure.message}`);
}

/** Remembers which script timestamp this one is, and rewrites it to the script's count. */
function mapTimestamp(flow: Flow, packet: PacketBody, merged: DecodedPacket): DecodedPacket {
  if (packet.transport.kind !== 'tcp' || merged.transport.kind !== 'tcp') return merged;
  const script = scriptTimestamp(packet.transport);
  const actual = timestampOf(merged.transport);
  if (!script || !actual) return merged;
  flow.timestamps.set(script.val, actual.val);
  flow.firstTimestamp ??= { script: script.val, actual: actual.val };
  return withScriptTimestamp(flow, merged);
}

function firstDifference(
  machine: Machine,
  flow: Flow,
  packet: PacketBody,
  pieces: readonly Arrival[],
  actual: DecodedPacket,
): Difference | null {
  for (const { packet: p, checksumPartial } of pieces) {
    if (p.ip && !p.ip.headerChecksumOk)
      return { field: 'IP checksum', expected: 'a right one', actual: 'a wrong one' };
    if (p.checksumOk === false && !checksumPartial) {
      return { field: `${p.transport.kind} checksum`, expected: 'a right one', actual: 'a wrong one' };
    }
  }
  return (
    comparePacket(packet, actual) ??
    compareFlowLabel(flow, packet, actual) ??
    compareTimestamp(machine, packet, actual) ??
    comparePayload(packet, actual)
  );
}

/** A script's label stands for whichever the flow has; another one in the script must be another on the wire. */
function compareFlowLabel(flow: Flow, packet: PacketBody, actual: DecodedPacket): Difference | null {
  const script = packet.ip?.flowLabel ?? 0;
  const live = actual.ip?.flowLabel ?? 0;
  if (script === 0 || actual.ip?.kind !== 'ipv6') return null;
  const hex = (v: number): string => `0x${v.toString(16)}`;
  if (live === 0) return { field: 'flowlabel', expected: 'one', actual: 'none' };
  const known = flow.flowLabel;
  if (known && script === known.script) {
    return live === known.live ? null : { field: 'flowlabel', expected: hex(known.live), actual: hex(live) };
  }
  if (known && live === known.live) {
    return { field: 'flowlabel', expected: 'another than before', actual: hex(live) };
  }
  flow.flowLabel = { script, live };
  return null;
}

/** TSval against the script's, only when the script says how long a tick is. */
function compareTimestamp(machine: Machine, packet: PacketBody, actual: DecodedPacket): Difference | null {
  const tick = machine.config.tsTickMicroseconds;
  if (tick === 0 || packet.transport.kind !== 'tcp' || actual.transport.kind !== 'tcp') return null;
  const script = scriptTimestamp(packet.transport);
  const live = timestampOf(actual.transport);
  if (!script || !live) return null;
  const slack = toleranceFor(machine.tolerance, machine.current!.due.at, 0);
  if (Math.abs((live.val - script.val) | 0) * tick <= slack) return null;
  return { field: 'TS val', expected: `${script.val} (within ${slack} µs)`, actual: String(live.val) };
}

function comparePayload(packet: PacketBody, actual: DecodedPacket): Difference | null {
  const { kind } = packet.transport;
  if (kind !== 'tcp' && kind !== 'udp') return null;
  const at = firstNonZero(actual);
  if (at < 0) return null;
  const value = actual.bytes[actual.payloadOffset + at];
  return { field: `payload byte ${at}`, expected: '0', actual: String(value) };
}
