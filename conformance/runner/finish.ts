// The end of a run: nothing that nobody asked for (on request), connections reset, descriptors closed.

import { buildPacket } from './build.js';
import { decodePacket } from './decode.js';
import { RunFailure } from './errors.js';
import { toScriptNumbers } from './flow.js';
import { resetSegment } from './inbound.js';
import type { Machine } from './machine.js';
import { timeText } from './print-packet.js';
import type { PacketRecord } from './result.js';

const IDLE_WAIT = 1e6;

/** A blocking call must have returned within a second of the last event. */
export async function awaitBlockedCall(machine: Machine): Promise<void> {
  if (!machine.blocked) return;
  await machine.advance(machine.now() + IDLE_WAIT, 'at-return');
  if (!machine.blocked) return;
  throw new RunFailure(
    'call',
    'the script ends while a blocking system call is in progress',
    machine.blocked.event.body.span,
  );
}

/** Fails for every packet that no event of the script took, up to `quiet` µs after the last one. */
export async function expectQuiet(machine: Machine, quiet: number): Promise<void> {
  await machine.advance(machine.now() + quiet);
  takeRest(machine);
  const extra = machine.trace.packets.filter((p) => p.direction === 'out' && p.fate === 'ignored');
  if (extra.length === 0) return;
  const lines = extra.map((p) => `${timeText(p.time)} > ${p.text}`);
  throw new RunFailure(
    'packet',
    `a packet that no event of the script asks for: ${lines[0]}`,
    lastSpan(machine),
    {
      field: 'packet',
      expected: 'none',
      actual: extra[0]!.text,
      actualPackets: lines,
    },
  );
}

function lastSpan(machine: Machine): RunFailure['span'] {
  return machine.script.events.at(-1)?.body.span ?? null;
}

/** Records what the target sent without anybody taking it. */
export function takeRest(machine: Machine): PacketRecord[] {
  return machine.arrived.splice(0).map((captured) => {
    const time = machine.toScriptTime(captured.time);
    const packet = decodePacket(captured.bytes, time);
    const { kind } = packet.transport;
    const flow =
      kind === 'tcp' || kind === 'udp'
        ? (machine.sockets.flows.findLast((f) => machine.sockets.isFrom(f, packet, kind)) ?? null)
        : null;
    const shown = flow ? toScriptNumbers(flow, packet) : packet;
    return machine.trace.packet('out', time, shown, captured.bytes, flow, false);
  });
}

/** Resets every connection, so that a target that lives on is rid of it. */
export async function resetConnections(machine: Machine): Promise<void> {
  for (const flow of machine.sockets.flows) {
    if (flow.protocol !== 6 || !flow.hasEnds || flow.live.local.port === 0) continue;
    const segment = resetSegment(flow);
    if (!segment) continue;
    const span = machine.script.span;
    const number = (value: number): number => value >>> 0;
    const bytes = buildPacket(
      {
        kind: 'packet',
        direction: 'in',
        layers: [],
        ip: null,
        psp: null,
        span,
        transport: {
          kind: 'tcp',
          endpoints: null,
          flags: {
            ...{ syn: false, fin: false, rst: true, psh: false, urg: false, ack: true },
            ...{ ece: false, cwr: false, ae: false, ace: null, span },
          },
          sequence: { mode: 'absolute', start: segment.sequence, end: segment.sequence, length: 0, span },
          ack: segment.ack,
          window: segment.window,
          urgent: null,
          options: [],
          checksum: null,
          udpEncapsulation: null,
          span,
        },
      },
      {
        md5Secret: null,
        mapping: {
          source: flow.live.remote,
          destination: flow.live.local,
          remoteSequence: number,
          localSequence: number,
          sackEdge: number,
          echoReply: number,
        },
      },
    );
    await machine.target.inject(bytes, 0);
  }
}

/** Closes what the script left open; results do not matter any more. */
export async function closeDescriptors(machine: Machine): Promise<void> {
  for (const fd of machine.sockets.openDescriptors) await machine.target.call('close', [fd]);
}
