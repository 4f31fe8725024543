// The benches by name, for `netchannel bench` and scripts: rows go to `print`.

import { benchPeers } from './peers.js';
import { type BenchRow, textOf } from './report.js';
import { benchRing } from './ring.js';
import { benchTable } from './table.js';
import { benchTcp } from './tcp.js';

export interface RunBenchOptions {
  /** `ring`, `table`, `tcp`, `peers`; all by default. */
  names?: readonly string[];
  /** Alternating runs of each pair; 9 by default, which is the least for figures that are quoted. */
  runs?: number;
  /** Flows of the table's main rows; 1,000,000 by default. */
  flows?: number;
  /** Share of the usual work of the cases of ring and tcp. */
  scale?: number;
  /** Folder with rigtorp/SPSCQueue.h for the C++ ceiling. */
  rigtorp?: string;
  json?: boolean;
  print?: (line: string) => void;
}

export const BENCHES = ['ring', 'table', 'tcp', 'peers'] as const;

export class BenchError extends Error {
  readonly code = 'BENCH_OPTION';
}

/** Runs benches one after the other. Throws BenchError for a name that is none. */
export async function runBench(options: RunBenchOptions = {}): Promise<BenchRow[]> {
  const { names = BENCHES, json = false, print = () => {} } = options;
  const rows: BenchRow[] = [];
  const take = (row: BenchRow): void => {
    rows.push(row);
    print(json ? JSON.stringify(row) : textOf(row));
  };
  for (const name of names) {
    if (!(BENCHES as readonly string[]).includes(name)) {
      throw new BenchError(`no bench "${name}"; known: ${BENCHES.join(', ')}`);
    }
  }
  const shared = { print: take, ...(options.runs !== undefined ? { runs: options.runs } : {}) };
  if (names.includes('ring')) {
    const { scale, rigtorp } = options;
    await benchRing({
      ...shared,
      ...(scale !== undefined ? { scale } : {}),
      ...(rigtorp ? { rigtorp } : {}),
    });
  }
  if (names.includes('table')) {
    await benchTable({ ...shared, ...(options.flows !== undefined ? { flows: options.flows } : {}) });
  }
  if (names.includes('tcp')) {
    const { scale } = options;
    benchTcp({ ...shared, ...(scale !== undefined ? { scale } : {}) });
  }
  if (names.includes('peers')) {
    const { scale } = options;
    await benchPeers({ ...shared, ...(scale !== undefined ? { scale } : {}) });
  }
  return rows;
}
