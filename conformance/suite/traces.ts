// Two runs of one script beside each other: the first packet that differs, and a table of both traces.

import { timeText } from '../runner/print-packet.js';
import type { PacketRecord, RunResult } from '../runner/result.js';

export interface Difference {
  readonly kind: 'verdict' | 'packet' | 'time';
  readonly text: string;
}

/** The first outbound packet, counted in order, that is not the same on both; null when all are. */
export function firstDifference(left: RunResult, right: RunResult): Difference | null {
  const [a, b] = [left, right].map((r) => judgedPackets(r).filter((p) => p.direction === 'out'));
  for (let i = 0; i < Math.max(a!.length, b!.length); i++) {
    const texts = [a![i], b![i]].map((p) => (p ? withoutClock(p.text) : 'none'));
    if (texts[0] !== texts[1]) {
      const where = `outbound packet ${i + 1} differs`;
      return {
        kind: 'packet',
        text: `${where}\n  ${left.target}: ${texts[0]}\n  ${right.target}: ${texts[1]}`,
      };
    }
  }
  return null;
}

/** Packets that came while the script's events lasted: what comes later depends on how long somebody looks. */
function judgedPackets(result: RunResult): readonly PacketRecord[] {
  const end = Math.max(0, ...result.events.map((e) => e.time ?? 0));
  return result.packets.filter((p) => p.time <= end);
}

/** A timestamp's value is the clock's and differs from run to run; that there is one, and what it echoes, does not. */
const withoutClock = (text: string): string => text.replace(/TS val \d+/g, 'TS val');

/** Both traces in two columns. Inbound packets, which are the script's, keep the rows together; `!` marks what differs. */
export function sideBySide(left: RunResult, right: RunResult): string {
  const [a, b] = [chapters(judgedPackets(left)), chapters(judgedPackets(right))];
  const rows: (readonly [PacketRecord | undefined, PacketRecord | undefined])[] = [];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i] ?? [], b[i] ?? []];
    for (let j = 0; j < Math.max(x.length, y.length); j++) rows.push([x[j], y[j]]);
  }
  const cells = rows.map((row) => row.map((p) => (p === undefined ? '' : cell(p))));
  const width = Math.max(left.target.length, ...cells.map(([x]) => x!.length));
  const lines = rows.map(([x, y], i) => {
    const same = x !== undefined && y !== undefined && withoutClock(x.text) === withoutClock(y.text);
    return `${same ? ' ' : '!'} ${cells[i]![0]!.padEnd(width)} | ${cells[i]![1]}`;
  });
  return [`  ${left.target.padEnd(width)} | ${right.target}`, ...lines].map((l) => l.trimEnd()).join('\n');
}

const cell = (p: PacketRecord): string => `${timeText(p.time)} ${p.direction === 'in' ? '<' : '>'} ${p.text}`;

/** A trace cut before each inbound packet. */
function chapters(packets: readonly PacketRecord[]): PacketRecord[][] {
  const list: PacketRecord[][] = [[]];
  for (const p of packets) {
    if (p.direction === 'in') list.push([]);
    list.at(-1)!.push(p);
  }
  return list;
}
