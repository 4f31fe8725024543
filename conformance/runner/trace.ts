// The record of a run while it happens: every packet in both directions and what became of each event.

import type { ScriptEvent } from '../language/ast.js';
import { ACK, type DecodedPacket } from './decode.js';
import type { Flow } from './flow.js';
import { packetText, timeText } from './print-packet.js';
import type { EventRecord, PacketRecord } from './result.js';
import { OPTION_SACK, sackBlocks } from './tcp-options.js';

export class Trace {
  readonly packets: PacketRecord[] = [];
  readonly events: EventRecord[] = [];
  readonly output: string[] = [];
  /** How many packets had been seen when the last event was met. */
  private settled = 0;
  private readonly verbose: boolean;

  /** @param verbose every packet becomes a line of output, too */
  constructor(verbose: boolean) {
    this.verbose = verbose;
  }

  begin(event: ScriptEvent): EventRecord {
    const { line, endLine } = event.span;
    const record: EventRecord = { line, endLine, kind: event.body.kind, time: null, status: 'pending' };
    this.events.push(record);
    return record;
  }

  done(record: EventRecord, time: number): void {
    record.time = time;
    record.status = 'done';
    this.settled = this.packets.length;
  }

  /** @param packet in the script's numbers; @param bytes as on the wire */
  packet(
    direction: 'in' | 'out',
    time: number,
    packet: DecodedPacket,
    bytes: Uint8Array,
    flow: Flow | null,
    ace: boolean,
  ): PacketRecord {
    const { transport } = packet;
    const record: PacketRecord = {
      time,
      direction,
      bytes,
      text: packetText(packet, { ace, endpoints: flow === null }),
      fate: direction === 'in' ? 'injected' : 'ignored',
      line: null,
      flow: flow?.index ?? -1,
      tcp:
        transport.kind !== 'tcp'
          ? null
          : {
              flags: transport.flags,
              sequence: transport.sequence,
              length: packet.payloadLength,
              ack: transport.flags & ACK ? transport.ack : 0,
              window: transport.window,
              sack: transport.options
                .filter((o) => o.kind === OPTION_SACK)
                .flatMap((o) => sackBlocks(o.data).map((b) => [b.left, b.right] as const)),
            },
    };
    this.packets.push(record);
    if (this.verbose) this.output.push(line(record));
    return record;
  }

  /** Packets since the last event that was met, a line each. */
  since(): string[] {
    return this.packets.slice(this.settled).map(packetLine);
  }
}

function line(p: PacketRecord): string {
  return `${timeText(p.time)} ${p.direction === 'in' ? '<' : '>'} ${p.text}`;
}

/** `0.100000 > P. 1:101(100) ack 1`, and what became of it when that is worth saying. */
export function packetLine(p: PacketRecord): string {
  return p.fate === 'ignored' ? `${line(p)}   (of no event)` : line(p);
}
