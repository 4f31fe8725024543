// One real thread of threads.test.ts: a producer or consumer of a ring, or a reader of the table.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../../stack/channel/arena.js';
import { RingConsumer, RingProducer } from '../../stack/channel/ring.js';
import { KEY_WORDS } from '../../stack/flows/key.js';
import { FlowReader } from '../../stack/flows/reader.js';

export interface ThreadTask {
  kind: 'produce' | 'consume' | 'look' | 'stall';
  buffer: SharedArrayBuffer;
  offset: number;
  capacity: number;
  count: number;
  seed: number;
  keys?: Int32Array;
  reader?: number;
  stop: Int32Array;
}

const task = workerData as ThreadTask;
const arena = Arena.attach(task.buffer);
let state = task.seed | 1;
function chance(below: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % below;
}

function produce(): string {
  const ring = new RingProducer(arena, task.offset, task.capacity);
  const values = new Uint32Array(64);
  for (let next = 0; next < task.count; ) {
    if (chance(2) === 0) {
      if (ring.push(next)) next++;
    } else {
      const n = Math.min(1 + chance(60), task.count - next);
      for (let i = 0; i < n; i++) values[i] = next + i;
      next += ring.pushBatch(values, n);
    }
    if (chance(3) === 0 || ring.free() === 0) ring.publish();
  }
  ring.publish();
  return 'ok';
}

function consume(): string {
  const ring = new RingConsumer(arena, task.offset, task.capacity);
  const out = new Uint32Array(64);
  let next = 0;
  while (next < task.count) {
    if (chance(2) === 0) {
      const value = ring.pop();
      if (value === -1) continue;
      if (value !== next) return `pop gave ${value}, ${next} was next`;
      next++;
    } else {
      const n = ring.popBatch(out, 1 + chance(60));
      for (let i = 0; i < n; i++, next++)
        if (out[i] !== next) return `a batch gave ${out[i]}, ${next} was next`;
    }
    if (chance(50) === 0) ring.release();
  }
  return ring.pop() === -1 ? 'ok' : 'more came out than went in';
}

/** Looks up keys that never change: key n has channel n for all even n, and the odd ones come and go. */
function look(): string {
  const keys = task.keys as Int32Array;
  const flows = keys.length / KEY_WORDS;
  const reader = new FlowReader(arena, task.offset, task.reader as number);
  const out = new Int32Array(16);
  const batch = new Int32Array(16 * KEY_WORDS);
  let looked = 0;
  reader.online();
  while (Atomics.load(task.stop, 0) === 0) {
    const numbers = Array.from({ length: 16 }, () => chance(flows));
    for (const [i, n] of numbers.entries()) {
      for (let w = 0; w < KEY_WORDS; w++) batch[i * KEY_WORDS + w] = keys[n * KEY_WORDS + w];
    }
    reader.findBatch(batch, 16, out);
    for (const [i, n] of numbers.entries()) {
      const right = out[i] === n || (n % 2 === 1 && out[i] === -1);
      if (!right) return `key ${n} gave ${out[i]}`;
    }
    looked += 16;
    if (chance(200) === 0) {
      reader.offline();
      reader.online();
    } else reader.quiescent();
  }
  reader.offline();
  return looked > 0 ? 'ok' : 'nothing looked up';
}

/** Holds a read section open for a while, again and again: the writer must wait, and nobody else. */
function stall(): string {
  const reader = new FlowReader(arena, task.offset, task.reader as number);
  const keys = task.keys as Int32Array;
  while (Atomics.load(task.stop, 0) === 0) {
    reader.online();
    for (let i = 0; i < 3; i++) {
      Atomics.wait(task.stop, 0, 0, 5);
      if (reader.find(keys, 0) !== 0) return 'key 0 was missed by a reader that stalled';
    }
    reader.offline();
  }
  return 'ok';
}

const verdict = { produce, consume, look, stall }[task.kind]();
parentPort?.postMessage(verdict);
