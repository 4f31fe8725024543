// Bulk data through two whole stacks in one thread (bulk-pair.ts): rate, CPU time a byte, bytes of heap a segment. Beside
// it stands the same data copied by memory alone. CPU time is the whole process's, the compiler's and the collector's
// threads included: on a machine that others use it says more than the rate.

import { BULK_BUFFER, type BulkOptions, BulkPair } from './bulk-pair.js';
import { type BenchRow, row } from './report.js';

export interface TcpBenchOptions {
  /** Runs of each case; the median is the row's value. */
  runs?: number;
  /** Share of the usual second a run. */
  scale?: number;
  print: (row: BenchRow) => void;
}

const GIGA = 1e9;

interface Case extends BulkOptions {
  readonly name: string;
  /** Bytes of each write. */
  readonly message: number;
}

export const TCP_CASES: readonly Case[] = [
  { name: 'segments of 1460 bytes', gro: true, message: 65_536 },
  { name: 'segments of 1460 bytes, no GRO', message: 65_536 },
  { name: 'super-packets', gso: true, message: 65_536 },
  { name: 'writes of 128 bytes', gro: true, batch: true, message: 128 },
];

interface Measured {
  rate: number;
  /** ns of CPU time a byte */
  cpu: number;
}

function measure(work: () => number): Measured {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const bytes = work();
  const seconds = (performance.now() - begun) / 1e3;
  const { user, system } = process.cpuUsage(cpu);
  return { rate: (bytes * 8) / seconds / GIGA, cpu: ((user + system) * 1e3) / bytes };
}

/** Copies `message` to ordinary memory and does nothing else; bytes copied. */
function copying(message: Uint8Array, milliseconds: number): number {
  const target = new Uint8Array(BULK_BUFFER);
  const slots = Math.floor(BULK_BUFFER / message.length);
  const end = performance.now() + milliseconds;
  let total = 0;
  while (performance.now() < end) {
    for (let i = 0; i < 1024; i++) target.set(message, (i % slots) * message.length);
    total += 1024 * message.length;
  }
  return total;
}

/** Prints three rows a case. */
export function benchTcp({ runs = 9, scale = 1, print }: TcpBenchOptions): void {
  for (const { name, message, ...options } of TCP_CASES) {
    const bytes = new Uint8Array(message).fill(7);
    const ours: Measured[] = [];
    const copies: Measured[] = [];
    const pair = new BulkPair(options);
    pair.run(bytes, 1500 * scale);
    for (let i = 0; i < runs; i++) {
      ours.push(measure(() => pair.run(bytes, 1000 * scale)));
      copies.push(measure(() => copying(bytes, 100 * scale)));
    }
    const heap = pair.allocatedPerSegment(bytes);
    pair.close();
    const peer = (of: (m: Measured) => number) => ({ name: 'copying alone', values: copies.map(of) });
    const rate = (m: Measured) => m.rate;
    const cpu = (m: Measured) => m.cpu;
    print(row('tcp', name, 'Gbit/s', ours.map(rate), peer(rate)));
    print(row('tcp', `${name}, CPU`, 'ns/byte', ours.map(cpu), peer(cpu), { lessIsBetter: true }));
    print(row('tcp', `${name}, allocated`, 'bytes/segment', [heap]));
  }
}
