// This stack on a TAP device beside Node's net on a veth pair: the same tasks, the same program on the kernel's sockets at the
// other end, alternating. What is compared is the side in Node: its rate, and the CPU time and the system calls of the one
// thread it takes. The 128-byte messages are a stream: written one by one, none waits for an answer.

import { lackOfDevices } from '../peers/lack.js';
import { workerReport } from '../test/worker-report.js';
import type { PeerMeasure, PeerMeasured } from './peers-worker.js';
import { type BenchRow, row } from './report.js';

export interface PeerBenchOptions {
  /** Alternating pairs; default 5. */
  runs?: number;
  /** Share of the usual work. */
  scale?: number;
  print?: (row: BenchRow) => void;
}

const TASKS = [
  {
    task: 'send',
    amount: 1 << 30,
    name: 'bulk send',
    unit: 'MB/s',
    per: 1e6,
    cpu: 'ns/byte',
    cpuPer: 1e9,
    calls: null,
  },
  {
    task: 'receive',
    amount: 1 << 30,
    name: 'bulk receive',
    unit: 'MB/s',
    per: 1e6,
    cpu: 'ns/byte',
    cpuPer: 1e9,
    calls: null,
  },
  {
    task: 'messages',
    amount: 400_000,
    name: '128-byte messages',
    unit: '1/s',
    per: 1,
    cpu: 'µs/message',
    cpuPer: 1e6,
    calls: 'calls/message',
  },
  {
    task: 'latency',
    amount: 10_000,
    name: 'one-byte round trip',
    unit: 'µs',
    per: 0,
    cpu: 'µs/trip',
    cpuPer: 1e6,
    calls: 'calls/trip',
  },
] as const;

const SUBJECTS = ['netchannel', 'net', 'corked'] as const;

/** Runs all tasks; rows of a rate (or a time) and of CPU time for each. Empty where devices cannot be made. */
export async function benchPeers(options: PeerBenchOptions = {}): Promise<BenchRow[]> {
  const { runs = 5, scale = 1, print = () => {} } = options;
  const rows: BenchRow[] = [];
  const take = (each: BenchRow): void => {
    rows.push(each);
    print(each);
  };
  const lack = lackOfDevices();
  if (lack !== null) {
    for (const { name, unit } of TASKS) {
      take({
        bench: 'peers',
        case: name,
        value: Number.NaN,
        unit,
        runs: 0,
        min: 0,
        max: 0,
        note: `skipped: ${lack}`,
      });
    }
    return rows;
  }
  for (const each of TASKS) {
    const { task, amount: usual, name, unit, per, cpu, cpuPer } = each;
    const amount = Math.max(1, Math.round(usual * scale));
    const { calls } = each;
    const values = {
      netchannel: [] as PeerMeasured[],
      net: [] as PeerMeasured[],
      corked: [] as PeerMeasured[],
    };
    const subjects = task === 'messages' ? SUBJECTS : SUBJECTS.slice(0, 2);
    for (let i = 0; i < runs; i++) {
      for (const subject of subjects) values[subject].push(await measure({ subject, task, amount }));
    }
    const speed = ({ seconds }: PeerMeasured): number =>
      per === 0 ? (seconds * 1e6) / amount : amount / per / seconds;
    const spent = (m: PeerMeasured): number => (m.cpu * cpuPer) / amount;
    const peer = (of: (m: PeerMeasured) => number) => ({ name: 'node:net', values: values.net.map(of) });
    take(row('peers', name, unit, values.netchannel.map(speed), peer(speed), { lessIsBetter: per === 0 }));
    take(
      row('peers', `${name}, CPU`, cpu, values.netchannel.map(spent), peer(spent), { lessIsBetter: true }),
    );
    if (values.corked.length > 0) {
      const corked = (of: (m: PeerMeasured) => number) => ({
        name: 'node:net, corked by 512',
        values: values.corked.map(of),
      });
      take(row('peers', name, unit, values.netchannel.map(speed), corked(speed)));
      take(
        row('peers', `${name}, CPU`, cpu, values.netchannel.map(spent), corked(spent), {
          lessIsBetter: true,
        }),
      );
    }
    if (calls === null) continue;
    const asked = (m: PeerMeasured): number => m.calls / amount;
    take(
      row('peers', `${name}, system calls`, calls, values.netchannel.map(asked), peer(asked), {
        lessIsBetter: true,
      }),
    );
  }
  return rows;
}

const measure = (what: PeerMeasure): Promise<PeerMeasured> =>
  workerReport(new URL('./peers-worker.js', import.meta.url), what);
