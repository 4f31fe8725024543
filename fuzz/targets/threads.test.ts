// The ring and the table in real threads, more of them than there are cores; and proof that the command fuzzers see
// broken code.

import { Worker } from 'node:worker_threads';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { Arena } from '../../stack/channel/arena.js';
import { initRing, ringBytes } from '../../stack/channel/ring.js';
import { exactKey, KEY_WORDS } from '../../stack/flows/key.js';
import { FlowTable } from '../../stack/flows/table.js';
import { build, prepare } from '../explorer/load.js';
import { mutants } from '../explorer/mutate.js';
import { hammer, ringModelOf, ringTarget } from './ring.js';
import { tableModelOf, tableTarget } from './table.js';
import type { ThreadTask } from './threads-worker.test.helper.js';

beforeAll(() => prepare());

function start(task: ThreadTask): Promise<string> {
  const worker = new Worker(new URL('./threads-worker.test.helper.js', import.meta.url), {
    workerData: task,
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('command fuzzers', () => {
  for (const [id, target] of [
    ['ring.publish weaken TAIL', 'ring'],
    ['ring.pushBatch remove HEAD', 'ring'],
    ['ring.release remove HEAD', 'ring'],
    ['chains.mendRemoved remove store', 'table'],
    ['chains.unlinkNode weaken head', 'table'],
  ] as const) {
    it(`see the break "${id}"`, () => {
      const mutant = mutants().find((m) => m.id === id);
      if (!mutant) throw new Error(`no mutant ${id}`);
      const broken = build(mutant.edits);
      const options = { numRuns: 600, seed: 11, endOnFailure: true };
      const result =
        target === 'ring'
          ? fc.check(
              fc.property(ringTarget.inputs(), (i) => hammer(broken, ringModelOf(i), i.seed, 60)),
              options,
            )
          : fc.check(
              fc.property(tableTarget.inputs(), (i) => hammer(broken, tableModelOf(i), i.seed, 25)),
              options,
            );
      expect(result.failed).toBe(true);
    });
  }
});

describe('real threads', () => {
  it('pass every value once and in order through rings, six threads at once', async () => {
    const arena = Arena.create(1 << 20);
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const seed = 4711;
    const runs: Promise<string>[] = [];
    for (const [i, capacity] of [1, 16, 256].entries()) {
      const offset = arena.alloc(ringBytes(capacity));
      initRing(arena, offset, -50);
      const task = { buffer: arena.buffer, offset, capacity, count: capacity === 1 ? 600 : 20_000, stop };
      runs.push(
        start({ ...task, kind: 'produce', seed: seed + i }),
        start({ ...task, kind: 'consume', seed: seed * 3 + i }),
      );
    }
    expect(`seed ${seed}: ${(await Promise.all(runs)).join(' ')}`).toBe(`seed ${seed}: ok ok ok ok ok ok`);
  }, 60_000);

  it('never miss a stable key while the table is hammered and one reader stalls', async () => {
    const flows = 600;
    const keys = new Int32Array(flows * KEY_WORDS);
    const side = (n: number, port: number) => {
      const address = new Uint8Array(16);
      address.set([0xff, 0xff, 10, 0, n >> 8, n], 10);
      return { address, port };
    };
    for (let n = 0; n < flows; n++) keys.set(exactKey(6, side(1, 80), side(n, 1024 + n)), n * KEY_WORDS);
    const arena = Arena.create(4 << 20);
    let secret = 99;
    const table = new FlowTable(arena, {
      secret: () => Math.imul(secret++, 0x9e3779b1),
      bits: 3,
      autoResize: false,
      slab: 32,
    });
    for (let n = 0; n < flows; n += 2) table.insert(keys, n, n * KEY_WORDS);
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const base = { buffer: arena.buffer, offset: table.offset, capacity: 0, count: 0, keys, stop };
    const readers = [1, 2, 3].map((seed) =>
      start({ ...base, kind: 'look', seed, reader: table.addReader() }),
    );
    readers.push(start({ ...base, kind: 'stall', seed: 9, reader: table.addReader() }));
    const there = new Set<number>();
    let turn = 0;
    // So much work, and so many resizes of each kind, however long that takes here.
    const enough = () => {
      const { grows, shrinks, reseeds } = table.stats;
      return turn >= 4000 && Math.min(grows, shrinks, reseeds) >= 3;
    };
    while (!enough()) {
      const n = 1 + 2 * (turn % (flows / 2));
      if (there.delete(n)) expect(table.remove(keys, n * KEY_WORDS)).toBe(true);
      else {
        table.insert(keys, n, n * KEY_WORDS);
        there.add(n);
      }
      const { operation, bits } = table.progress;
      if (operation === 'none')
        table.resize(
          turn % 5 === 0 ? 'reseed' : bits < 10 && turn % 2 === 0 ? 'grow' : bits > 3 ? 'shrink' : 'grow',
        );
      table.tick(16);
      if (++turn % 64 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    Atomics.store(stop, 0, 1);
    Atomics.notify(stop, 0);
    expect(await Promise.all(readers)).toEqual(['ok', 'ok', 'ok', 'ok']);
    for (let i = 0; i < 100 && table.tick(4096); i++);
    const { taken, free } = table.nodes;
    expect(taken - free).toBe(table.size);
  }, 60_000);
});
