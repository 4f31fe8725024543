// The ring beside its peers: 32-bit values one by one and in batches, and 128-byte records, between two threads.
// Pairs in alternation; the median of the pairs' ratios. Two-thread timings swing by a factor of two or three here.

import { Worker } from 'node:worker_threads';
import { RingBuffer } from 'ringbuf.js';
import { Arena } from '../stack/channel/arena.js';
import { initRing, RingConsumer, RingProducer, ringBytes } from '../stack/channel/ring.js';
import { buildPeer } from './c-peers.js';
import { LINE_WORDS, lineBuffer, writeLines } from './line-ring.js';
import { type BenchRow, row } from './report.js';
import { BREATH, breathe, RECORD_WORDS, type RingTask } from './ring-task.js';
import { SKETCH_SLOTS, SketchProducer, sketchBuffer } from './sketch-ring.js';

const CAPACITY = 4096;
const RECORDS = 1024;

export interface BenchOptions {
  /** Alternating runs; at least 9 for figures that are quoted. */
  runs?: number;
  /** Share of the usual amount of work, for a quick look. */
  scale?: number;
  /** Folder with rigtorp/SPSCQueue.h (or its `include`), for the C++ ceiling. */
  rigtorp?: string;
  print: (row: BenchRow) => void;
}

class Pair {
  readonly #worker: Worker;
  readonly #go = new Int32Array(new SharedArrayBuffer(8));
  constructor() {
    this.#worker = new Worker(new URL('./ring-worker.js', import.meta.url), {
      workerData: { go: this.#go.buffer },
    });
    this.#worker.unref();
  }
  /** Runs one task: the consumer there, `produce` here. Returns seconds; checks the sum. */
  run(task: RingTask, produce: () => number): number {
    Atomics.store(this.#go, 0, 0);
    this.#worker.postMessage(task);
    while (Atomics.load(this.#go, 0) === 0);
    const begun = performance.now();
    const sum = produce();
    while (Atomics.load(this.#go, 0) !== 2);
    const seconds = (performance.now() - begun) / 1000;
    if (Atomics.load(this.#go, 1) !== sum) throw new Error(`${task.kind}: the sums differ`);
    return seconds;
  }
  async close(): Promise<void> {
    this.#worker.ref();
    this.#worker.postMessage(null);
    await new Promise((resolve) => this.#worker.on('exit', resolve));
  }
}

function ours(pair: Pair, count: number, batch: number, pause = BREATH): number {
  const arena = Arena.create(1 << 20);
  const offset = arena.alloc(ringBytes(CAPACITY));
  initRing(arena, offset, -1000);
  const ring = new RingProducer(arena, offset, CAPACITY);
  const task: RingTask = {
    kind: 'ours',
    count,
    batch,
    buffer: arena.buffer,
    offset,
    back: 0,
    records: 0,
    capacity: CAPACITY,
    pause,
  };
  const values = new Uint32Array(batch);
  return pair.run(task, () => {
    let sum = 0;
    if (batch === 1) {
      for (let i = 0; i < count; i++) {
        while (!ring.push(i)) breathe(pause);
        ring.publish();
        sum = (sum + i) | 0;
      }
      return sum;
    }
    for (let i = 0; i < count; ) {
      const n = Math.min(batch, count - i);
      for (let k = 0; k < n; k++) {
        values[k] = i + k;
        sum = (sum + i + k) | 0;
      }
      for (let pushed = 0; pushed < n; ) {
        pushed += ring.pushBatch(pushed === 0 ? values : values.subarray(pushed), n - pushed);
        ring.publish();
        if (pushed < n) breathe(pause);
      }
      i += n;
    }
    return sum;
  });
}

function ringbuf(pair: Pair, count: number, batch: number, pause = BREATH): number {
  const buffer = RingBuffer.getStorageForCapacity(CAPACITY, Uint32Array) as unknown as SharedArrayBuffer;
  const ring = new RingBuffer(buffer, Uint32Array);
  const values = new Uint32Array(batch);
  const task: RingTask = {
    kind: 'ringbuf',
    count,
    batch,
    buffer,
    offset: 0,
    back: 0,
    records: 0,
    capacity: CAPACITY,
    pause,
  };
  return pair.run(task, () => {
    let sum = 0;
    for (let i = 0; i < count; ) {
      const n = Math.min(batch, count - i);
      for (let k = 0; k < n; k++) {
        values[k] = i + k;
        sum = (sum + i + k) | 0;
      }
      for (let pushed = 0; pushed < n; ) {
        pushed += ring.push(pushed === 0 && n === batch ? values : values.subarray(pushed, n));
        if (pushed < n) breathe(pause);
      }
      i += n;
    }
    return sum;
  });
}

function sketch(pair: Pair, count: number, batch: number, pause = BREATH): number {
  const buffer = sketchBuffer();
  const ring = new SketchProducer(buffer);
  const values = new Uint32Array(batch);
  const task: RingTask = {
    kind: 'sketch',
    count,
    batch,
    buffer,
    offset: 0,
    back: 0,
    records: 0,
    capacity: SKETCH_SLOTS,
    pause,
  };
  return pair.run(task, () => {
    let sum = 0;
    for (let i = 0; i < count; ) {
      const n = Math.min(batch, count - i);
      for (let k = 0; k < n; k++) {
        values[k] = i + k;
        sum = (sum + i + k) | 0;
      }
      for (let pushed = 0; pushed < n; ) {
        pushed += ring.push(pushed === 0 ? values : values.subarray(pushed), n - pushed);
        if (pushed < n) breathe(pause);
      }
      i += n;
    }
    return sum;
  });
}

/** `count` values as bare lines. */
function lines(pair: Pair, count: number): number {
  const buffer = lineBuffer();
  const task: RingTask = {
    kind: 'lines',
    count,
    batch: LINE_WORDS,
    buffer,
    offset: 0,
    back: 0,
    records: 0,
    capacity: 0,
    pause: 0,
  };
  return pair.run(task, () => writeLines(buffer, count / LINE_WORDS));
}

function ourRecords(pair: Pair, count: number, batch: number): number {
  const arena = Arena.create(2 << 20);
  const offset = arena.alloc(ringBytes(RECORDS));
  const back = arena.alloc(ringBytes(RECORDS));
  const records = arena.alloc(RECORDS * RECORD_WORDS * 4);
  initRing(arena, offset);
  initRing(arena, back);
  const ring = new RingProducer(arena, offset, RECORDS);
  const home = new RingConsumer(arena, back, RECORDS);
  const free = new Uint32Array(RECORDS);
  for (let i = 0; i < RECORDS; i++) free[i] = i;
  let left = RECORDS;
  const returned = new Uint32Array(RECORDS);
  const { words } = arena;
  const task: RingTask = {
    kind: 'ours-records',
    count,
    batch,
    buffer: arena.buffer,
    offset,
    back,
    records,
    capacity: RECORDS,
    pause: BREATH,
  };
  return pair.run(task, () => {
    let sum = 0;
    for (let i = 0; i < count; ) {
      while (left < batch) {
        const n = home.popBatch(returned, RECORDS);
        if (n === 0) breathe(BREATH);
        for (let k = 0; k < n; k++) free[left++] = returned[k];
      }
      const end = Math.min(count, i + batch);
      for (; i < end; i++) {
        const index = free[--left];
        const at = (records >>> 2) + index * RECORD_WORDS;
        for (let w = 0; w < RECORD_WORDS; w++) {
          words[at + w] = i + w;
          sum = (sum + i + w) | 0;
        }
        while (!ring.push(index)) ring.publish();
      }
      ring.publish();
    }
    return sum;
  });
}

function ringbufRecords(pair: Pair, count: number): number {
  const buffer = RingBuffer.getStorageForCapacity(
    RECORDS * RECORD_WORDS,
    Uint32Array,
  ) as unknown as SharedArrayBuffer;
  const ring = new RingBuffer(buffer, Uint32Array);
  const record = new Uint32Array(RECORD_WORDS);
  const task: RingTask = {
    kind: 'ringbuf-records',
    count,
    batch: 1,
    buffer,
    offset: 0,
    back: 0,
    records: 0,
    capacity: RECORDS,
    pause: BREATH,
  };
  return pair.run(task, () => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      for (let w = 0; w < RECORD_WORDS; w++) {
        record[w] = i + w;
        sum = (sum + i + w) | 0;
      }
      while (ring.available_write() < RECORD_WORDS) breathe(BREATH);
      ring.push(record);
    }
    return sum;
  });
}

/** Runs all cases, printing a row for each. */
export async function benchRing(options: BenchOptions): Promise<void> {
  const { runs = 9, scale = 1, print } = options;
  const pair = new Pair();
  const each = (
    name: string,
    unit: string,
    count: number,
    a: () => number,
    b: () => number,
    peer: string,
  ) => {
    const left: number[] = [];
    const right: number[] = [];
    a(); // both warm before the first counted pair
    b();
    for (let i = 0; i < runs; i++) {
      left.push(count / a() / 1e6);
      right.push(count / b() / 1e6);
    }
    print(row('ring', name, unit, left, { name: peer, values: right }));
  };
  const n = (count: number) => Math.ceil(count * scale);
  for (const [batch, count] of [
    [1, n(2_000_000)],
    [8, n(6_000_000)],
    [32, n(12_000_000)],
    [256, n(20_000_000)],
  ]) {
    const name = `u32, batch ${batch}`;
    each(
      name,
      'M/s',
      count,
      () => ours(pair, count, batch),
      () => ringbuf(pair, count, batch),
      'ringbuf.js',
    );
  }
  // What the machine gives: a plain sketch beside the same peer, with the pause and without it.
  for (const [batch, count] of [
    [1, n(2_000_000)],
    [32, n(12_000_000)],
  ]) {
    const peer = () => ringbuf(pair, count, batch);
    each(`plain sketch, batch ${batch}`, 'M/s', count, () => sketch(pair, count, batch), peer, 'ringbuf.js');
    each(
      `u32, batch ${batch}, both poll without a pause`,
      'M/s',
      count,
      () => ours(pair, count, batch, 0),
      () => ringbuf(pair, count, batch, 0),
      'ringbuf.js',
    );
    each(
      `u32, batch ${batch}, beside the plain sketch`,
      'M/s',
      count,
      () => ours(pair, count, batch),
      () => sketch(pair, count, batch),
      'plain sketch',
    );
  }
  const count = n(1_000_000);
  each(
    '128-byte records by index, batch 32',
    'M/s',
    count,
    () => ourRecords(pair, count, 32),
    () => ringbufRecords(pair, count),
    'ringbuf.js unbatched',
  );
  // What the machine gives to any ring: 16 values a line, or two lines a record.
  const whole = n(1_000_000) * LINE_WORDS;
  each(
    'bare lines of 16 values, no index',
    'M/s',
    whole,
    () => lines(pair, whole),
    () => ringbuf(pair, whole, 32),
    'ringbuf.js, batch 32',
  );
  each(
    'bare lines, two a record',
    'M/s',
    whole / 32,
    () => lines(pair, whole),
    () => ringbufRecords(pair, whole / 32),
    'ringbuf.js unbatched',
  );
  ceiling(options, pair, n(12_000_000));
  await pair.close();
}

function ceiling(options: BenchOptions, pair: Pair, count: number): void {
  const { runs = 9, rigtorp, print } = options;
  const name = 'rigtorp C++ 1,023 slots';
  const peer = rigtorp
    ? buildPeer('g++', 'spsc.cpp', ['-std=c++17', '-pthread', `-I${rigtorp}`, `-I${rigtorp}/include`])
    : 'its header is not here: give --rigtorp DIR';
  const left: number[] = [];
  const right: number[] = [];
  for (let i = 0; i < runs; i++) {
    left.push(count / ours(pair, count, 32) / 1e6);
    if (typeof peer !== 'string') right.push(peer.run([String(count)])[0]);
  }
  print(
    row(
      'ring',
      'u32, batch 32, against the ceiling',
      'M/s',
      left,
      { name, values: right },
      typeof peer === 'string' ? { note: peer } : {},
    ),
  );
  if (typeof peer !== 'string') peer.close();
}
