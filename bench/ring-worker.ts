// The consumer's thread of bench/ring.ts: takes `count` values (or records) in one of several ways, and says when done.
import { parentPort, workerData } from 'node:worker_threads';
import { RingBuffer } from 'ringbuf.js';
import { Arena } from '../stack/channel/arena.js';
import { RingConsumer, RingProducer } from '../stack/channel/ring.js';
import { LINE_WORDS, readLines } from './line-ring.js';
import { breathe, RECORD_WORDS, type RingTask } from './ring-task.js';
import { SketchConsumer } from './sketch-ring.js';

function takeOurs(task: RingTask): number {
  const arena = Arena.attach(task.buffer);
  const ring = new RingConsumer(arena, task.offset, task.capacity);
  const out = new Uint32Array(task.batch);
  let sum = 0;
  let got = 0;
  if (task.batch === 1) {
    while (got < task.count) {
      const value = ring.pop();
      if (value === -1) {
        breathe(task.pause);
        continue;
      }
      sum = (sum + value) | 0;
      got++;
    }
  } else {
    while (got < task.count) {
      const n = ring.popBatch(out, task.batch);
      if (n === 0) breathe(task.pause);
      for (let i = 0; i < n; i++) sum = (sum + out[i]) | 0;
      got += n;
    }
  }
  ring.detach();
  return sum;
}

/** Records stay where they are; their indices come by one ring and go back by another. */
function takeRecords(task: RingTask): number {
  const arena = Arena.attach(task.buffer);
  const ring = new RingConsumer(arena, task.offset, task.capacity);
  const back = new RingProducer(arena, task.back, task.capacity);
  const out = new Uint32Array(task.batch);
  const { words } = arena;
  let sum = 0;
  let got = 0;
  while (got < task.count) {
    const n = ring.popBatch(out, task.batch);
    if (n === 0) {
      breathe(task.pause);
      continue;
    }
    for (let i = 0; i < n; i++) {
      const at = (task.records >>> 2) + out[i] * RECORD_WORDS;
      for (let w = 0; w < RECORD_WORDS; w++) sum = (sum + words[at + w]) | 0;
      back.push(out[i]);
    }
    back.publish();
    got += n;
  }
  ring.detach();
  back.detach();
  return sum;
}

function takeRingbuf(task: RingTask): number {
  const ring = new RingBuffer(task.buffer, Uint32Array);
  const out = new Uint32Array(task.batch);
  let sum = 0;
  let got = 0;
  while (got < task.count) {
    const n = ring.pop(out);
    if (n === 0) breathe(task.pause);
    for (let i = 0; i < n; i++) sum = (sum + out[i]) | 0;
    got += n;
  }
  return sum;
}

function takeSketch(task: RingTask): number {
  const ring = new SketchConsumer(task.buffer);
  const out = new Uint32Array(task.batch);
  let sum = 0;
  let got = 0;
  while (got < task.count) {
    const n = ring.pop(out, task.batch);
    if (n === 0) breathe(task.pause);
    for (let i = 0; i < n; i++) sum = (sum + out[i]) | 0;
    got += n;
  }
  return sum;
}

function takeRingbufRecords(task: RingTask): number {
  const ring = new RingBuffer(task.buffer, Uint32Array);
  const out = new Uint32Array(RECORD_WORDS);
  let sum = 0;
  for (let got = 0; got < task.count; got++) {
    while (ring.available_read() < RECORD_WORDS) breathe(task.pause);
    ring.pop(out);
    for (let w = 0; w < RECORD_WORDS; w++) sum = (sum + out[w]) | 0;
  }
  return sum;
}

const go = new Int32Array((workerData as { go: SharedArrayBuffer }).go);
parentPort?.on('message', (task: RingTask | null) => {
  if (!task) {
    parentPort?.close();
    return;
  }
  Atomics.store(go, 0, 1);
  const take = {
    ours: takeOurs,
    'ours-records': takeRecords,
    ringbuf: takeRingbuf,
    'ringbuf-records': takeRingbufRecords,
    sketch: takeSketch,
    lines: (task: RingTask) => readLines(task.buffer, task.count / LINE_WORDS),
  }[task.kind];
  const sum = take(task);
  Atomics.store(go, 1, sum);
  Atomics.store(go, 0, 2);
});
