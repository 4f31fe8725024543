// The flow table beside its peers: a Map with string keys, userspace-rcu's rculfhash in C, and its own ancestors; at
// rest, while it resizes, under keys chosen to hurt, and from a thousand to four million flows.

import { Worker } from 'node:worker_threads';
import { Arena } from '../stack/channel/arena.js';
import { KEY_WORDS } from '../stack/flows/key.js';
import { LOOKUP_BATCH } from '../stack/flows/reader.js';
import { FlowReader } from '../stack/flows/table.js';
import { stringKey, Trie, xorProbes } from './baselines.js';
import { buildPeer } from './c-peers.js';
import { type BenchRow, percentile, row } from './report.js';
import { loadTable, randomKeys, xorshift } from './table-load.js';
import { END, MEMORY, RESIZE, REST } from './table-modes.js';

export interface TableBenchOptions {
  runs?: number;
  /** Flows of the main rows: 1,000,000. */
  flows?: number;
  /** Lookups per run. */
  lookups?: number;
  print: (row: BenchRow) => void;
}

/** Keys that all fall into few buckets of a hash that only folds: address and port change together, so XOR cancels. */
function hostileKeys(flows: number): Int32Array {
  const keys = randomKeys(flows);
  for (let n = 0; n < flows; n++) {
    const at = n * KEY_WORDS;
    const port = n & 0xffff;
    keys[at + 1] = (80 << 16) | port;
    keys[at + 9] = ((n >>> 16) << 24) | (0x1234 ^ port);
  }
  return keys;
}

type Settings = Required<Omit<TableBenchOptions, 'print'>>;

function orderOf(flows: number, lookups: number): Int32Array {
  const next = xorshift(99);
  const order = new Int32Array(lookups);
  for (let i = 0; i < lookups; i++) order[i] = (next() >>> 0) % flows;
  return order;
}

/** The keys in the order in which they are looked up: a packet's key has just been read, so it is at hand. */
function arrivals(keys: Int32Array, order: Int32Array): Int32Array {
  const dense = new Int32Array(order.length * KEY_WORDS);
  for (let i = 0; i < order.length; i++) {
    const from = order[i] * KEY_WORDS;
    for (let w = 0; w < KEY_WORDS; w++) dense[i * KEY_WORDS + w] = keys[from + w];
  }
  return dense;
}

/** Million lookups a second, one by one; checks every answer. */
function single(reader: FlowReader, dense: Int32Array, order: Int32Array): number {
  const begun = performance.now();
  for (let i = 0; i < order.length; i++) {
    if (reader.find(dense, i * KEY_WORDS) !== order[i]) throw new Error('a wrong channel');
    if ((i & 63) === 0) reader.quiescent();
  }
  return order.length / (performance.now() - begun) / 1000;
}

/** The same in batches of 64, as the driver does; `pauses` takes the microseconds of each batch. */
function batched(reader: FlowReader, dense: Int32Array, order: Int32Array, pauses?: Float64Array): number {
  const batch = new Int32Array(LOOKUP_BATCH * KEY_WORDS);
  const out = new Int32Array(LOOKUP_BATCH);
  const begun = performance.now();
  let before = begun;
  for (let i = 0; i + LOOKUP_BATCH <= order.length; i += LOOKUP_BATCH) {
    const from = i * KEY_WORDS;
    for (let w = 0; w < LOOKUP_BATCH * KEY_WORDS; w++) batch[w] = dense[from + w];
    reader.findBatch(batch, LOOKUP_BATCH, out);
    for (let k = 0; k < LOOKUP_BATCH; k++) if (out[k] !== order[i + k]) throw new Error('a wrong channel');
    reader.quiescent();
    if (pauses) {
      const now = performance.now();
      pauses[i / LOOKUP_BATCH] = (now - before) * 1000;
      before = now;
    }
  }
  return order.length / (performance.now() - begun) / 1000;
}

function strings(map: Map<string, number>, dense: Int32Array, order: Int32Array): number {
  const begun = performance.now();
  for (let i = 0; i < order.length; i++) {
    if (map.get(stringKey(dense, i * KEY_WORDS)) !== order[i]) throw new Error('a wrong value');
  }
  return order.length / (performance.now() - begun) / 1000;
}

function madeStrings(map: Map<string, number>, texts: string[], order: Int32Array): number {
  const begun = performance.now();
  for (let i = 0; i < order.length; i++) if (map.get(texts[i]) !== order[i]) throw new Error('a wrong value');
  return order.length / (performance.now() - begun) / 1000;
}

const repeat = (runs: number, f: () => number): number[] => {
  f();
  return Array.from({ length: runs }, f);
};

function peers(options: Settings, print: (r: BenchRow) => void): void {
  const { runs, flows, lookups } = options;
  const keys = randomKeys(flows);
  const order = orderOf(flows, lookups);
  const dense = arrivals(keys, order);
  const { table, reader } = loadTable(keys, flows);
  const map = new Map<string, number>();
  const all: string[] = [];
  for (let n = 0; n < flows; n++) {
    all.push(stringKey(keys, n * KEY_WORDS));
    map.set(all[n], n);
  }
  const texts = Array.from(order, (n) => all[n]);
  const probes = table.stats.probes;
  const ours = repeat(runs, () => batched(reader, dense, order));
  const perLookup = ((table.stats.probes - probes) / ((runs + 1) * order.length)).toFixed(3);
  const note = `${perLookup} probes a lookup, load ${table.stats.load.toFixed(2)}`;
  const name = `${flows} flows, batches of 64`;
  const built = repeat(runs, () => strings(map, dense, order));
  print(
    row('table', name, 'M lookups/s', ours, { name: 'Map, string made per lookup', values: built }, { note }),
  );
  const ready = repeat(runs, () => madeStrings(map, texts, order));
  print(row('table', name, 'M lookups/s', ours, { name: 'Map, strings made before', values: ready }));
  const ones = repeat(runs, () => single(reader, dense, order));
  print(
    row('table', `${flows} flows, one by one`, 'M lookups/s', ones, {
      name: 'Map, string made per lookup',
      values: built,
    }),
  );
  const c = buildPeer('gcc', 'lfht.c', ['-lurcu-qsbr', '-lurcu-cds', '-lurcu-common']);
  if (typeof c === 'string') {
    print(row('table', name, 'M lookups/s', ours, { name: 'rculfhash in C', values: [] }, { note: c }));
  } else {
    const theirs = repeat(runs, () => c.run([String(flows), String(lookups)])[0]);
    print(row('table', name, 'M lookups/s', ours, { name: 'rculfhash in C', values: theirs }));
    print(
      row('table', `${flows} flows, one by one`, 'M lookups/s', ones, {
        name: 'rculfhash in C',
        values: theirs,
      }),
    );
    c.close();
  }
}

function hostile(options: Settings, print: (r: BenchRow) => void): void {
  const flows = Math.min(options.flows, 65536 * 4);
  const order = orderOf(flows, options.lookups);
  const random = randomKeys(flows);
  const keys = hostileKeys(flows);
  const denseHostile = arrivals(keys, order);
  const dense = arrivals(random, order);
  const a = loadTable(keys, flows);
  const b = loadTable(random, flows);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = -1; i < options.runs; i++) {
    const x = batched(a.reader, denseHostile, order);
    const y = batched(b.reader, dense, order);
    if (i < 0) continue;
    ours.push(x);
    theirs.push(y);
  }
  const old = `old XOR hash: ${xorProbes(keys, flows).toFixed(1)} probes a lookup, ${xorProbes(random, flows).toFixed(2)} on random keys`;
  const peer = { name: 'random keys', values: theirs };
  print(row('table', `${flows} keys that cancel under XOR`, 'M lookups/s', ours, peer, { note: old }));
  const trie = new Trie(flows * 64);
  for (let n = 0; n < flows; n++) trie.insert(random, n * KEY_WORDS, n);
  const walk = repeat(options.runs, () => {
    const begun = performance.now();
    for (let i = 0; i < order.length; i++) {
      if (trie.find(dense, i * KEY_WORDS) !== order[i]) throw new Error('a wrong value');
    }
    return order.length / (performance.now() - begun) / 1000;
  });
  print(row('table', `${flows} random keys`, 'M lookups/s', theirs, { name: 'a binary trie', values: walk }));
}

/** Lookups in this thread while a worker grows and shrinks, beside the same with a worker that only uses memory. */
async function resizing(options: Settings, print: (r: BenchRow) => void): Promise<void> {
  const { runs, flows, lookups } = options;
  const keys = randomKeys(flows);
  const order = orderOf(flows, lookups);
  const dense = arrivals(keys, order);
  const go = new Int32Array(new SharedArrayBuffer(64));
  const worker = new Worker(new URL('./table-worker.js', import.meta.url), { workerData: { flows, go } });
  const ready = await new Promise<{ buffer: SharedArrayBuffer; table: number; reader: number }>(
    (resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    },
  );
  const reader = new FlowReader(Arena.attach(ready.buffer), ready.table, ready.reader);
  const rates: Record<number, number[]> = { [REST]: [], [RESIZE]: [], [MEMORY]: [] };
  const tails: Record<number, number[]> = { [REST]: [], [RESIZE]: [], [MEMORY]: [] };
  reader.online();
  for (let i = -1; i < runs; i++) {
    for (const mode of [REST, MEMORY, RESIZE]) {
      Atomics.store(go, 0, mode);
      Atomics.notify(go, 0);
      const pauses = new Float64Array(Math.floor(lookups / LOOKUP_BATCH));
      const rate = batched(reader, dense, order, pauses);
      pauses.sort();
      if (i < 0) continue;
      rates[mode].push(rate);
      tails[mode].push(percentile(pauses, 0.999));
    }
  }
  reader.offline();
  const resizes = Atomics.load(go, 1);
  Atomics.store(go, 0, END);
  await new Promise((resolve) => worker.once('exit', resolve));
  const note = `${resizes} resizes of ${flows} flows during the runs`;
  const control = { name: 'a thread of equal memory work', values: rates[MEMORY] };
  print(row('table', 'lookups during grows and shrinks', 'M lookups/s', rates[RESIZE], control, { note }));
  print(
    row('table', 'lookups during grows and shrinks', 'M lookups/s', rates[RESIZE], {
      name: 'at rest',
      values: rates[REST],
    }),
  );
  const quiet = { name: 'a thread of equal memory work', values: tails[MEMORY] };
  print(
    row('table', 'batch of 64, 99.9th percentile, during resizes', 'µs', tails[RESIZE], quiet, {
      lessIsBetter: true,
    }),
  );
}

/** Cost from a thousand flows to four million. */
function sizes(options: Settings, print: (r: BenchRow) => void): void {
  for (const flows of [1000, 10_000, 100_000, 1_000_000, 4_000_000]) {
    if (flows > options.flows * 4) continue;
    const keys = randomKeys(flows);
    const order = orderOf(flows, options.lookups);
    const dense = arrivals(keys, order);
    const { table, reader } = loadTable(keys, flows);
    const before = table.stats.probes;
    const values = repeat(Math.min(5, options.runs), () => 1000 / batched(reader, dense, order));
    const probes = (table.stats.probes - before) / ((values.length + 1) * order.length);
    const note = `${probes.toFixed(3)} probes, ${table.stats.grows} grows, load ${table.stats.load.toFixed(2)}`;
    print(row('table', `cost at ${flows} flows`, 'ns a lookup', values, undefined, { note }));
  }
}

/** Runs all cases, printing a row for each. */
export async function benchTable(options: TableBenchOptions): Promise<void> {
  const full = {
    runs: options.runs ?? 9,
    flows: options.flows ?? 1_000_000,
    lookups: options.lookups ?? 400_000,
  };
  peers(full, options.print);
  hostile(full, options.print);
  await resizing(full, options.print);
  sizes(full, options.print);
}
