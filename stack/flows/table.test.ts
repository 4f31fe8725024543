// The flow table in one thread: every operation at every stage of growing, shrinking and reseeding, against a Map.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../channel/arena.js';
import { hashKey } from './hash.js';
import { anyKey, exactKey, KEY_WORDS, keyText, listenerKey } from './key.js';
import { chainLengths } from './stats.js';
import { FlowReader, FlowTable, NONE } from './table.js';

function address(n: number, family: 4 | 6 = 4): Uint8Array {
  const a = new Uint8Array(16);
  if (family === 4) a.set([0xff, 0xff, 10, n >> 16, n >> 8, n], 10);
  else a.set([0x20, 1, 0xd, 0xb8, n >> 24, n >> 16, n >> 8, n]);
  return a;
}
const flow = (n: number) => {
  const family = n % 3 === 0 ? 6 : 4;
  return exactKey(
    6,
    { address: address(1, family), port: 80 },
    { address: address(n, family), port: 1024 + (n % 60000) },
  );
};
function secrets(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) | 0;
    return s;
  };
}
function make(options: { bits?: number; autoResize?: boolean; chainBound?: number } = {}, bytes = 8 << 20) {
  const arena = Arena.create(bytes);
  const table = new FlowTable(arena, { secret: secrets(7), slab: 64, ...options });
  const reader = table.reader();
  reader.online();
  return { arena, table, reader };
}

describe('flow table', () => {
  it('finds exact flows, then listeners, then the default channel', () => {
    const { table, reader } = make();
    const mine = { address: address(1), port: 80 };
    const key = exactKey(6, mine, { address: address(2), port: 4000 });
    expect(reader.lookup(key, 0)).toBe(NONE);
    table.setDefault(0);
    expect(reader.lookup(key, 0)).toBe(0);
    table.insert(anyKey(6, 4, 80), 3);
    table.insert(anyKey(6, 6, 80), 3);
    expect(reader.lookup(key, 0)).toBe(3);
    table.insert(listenerKey(6, mine), 2);
    expect(reader.lookup(key, 0)).toBe(2);
    table.insert(key, 1);
    expect(reader.lookup(key, 0)).toBe(1);
    expect(reader.find(exactKey(17, mine, { address: address(2), port: 4000 }), 0)).toBe(NONE);
    expect(table.remove(key)).toBe(true);
    expect(table.remove(key)).toBe(false);
    expect(reader.lookup(key, 0)).toBe(2);
    expect(table.replace(listenerKey(6, mine), 9)).toBe(true);
    expect(reader.lookup(key, 0)).toBe(9);
    expect(table.get(listenerKey(6, mine))).toBe(9);
    expect(table.get(key)).toBe(NONE);
    expect(table.replace(key, 9)).toBe(false);
  });

  it('refuses a key twice, and what is no key or channel', () => {
    const { table } = make();
    table.insert(flow(1), 1);
    expect(() => table.insert(flow(1), 2)).toThrow(expect.objectContaining({ code: 'FLOW_EXISTS' }));
    expect(() => table.insert(new Int32Array(3), 2)).toThrow(expect.objectContaining({ code: 'FLOW_BAD' }));
    expect(() => table.insert(flow(2), -1)).toThrow(expect.objectContaining({ code: 'FLOW_BAD' }));
    expect(() => make({ bits: 40 })).toThrow(expect.objectContaining({ code: 'FLOW_BAD' }));
  });

  it('grows and shrinks by itself, gives memory back, and counts what it did', () => {
    const { arena, table, reader } = make({ bits: 4 });
    const before = arena.used;
    for (let n = 0; n < 5000; n++) {
      table.insert(flow(n), n);
      while (table.tick(64)) reader.quiescent();
    }
    const grown = table.stats;
    expect(grown.flows).toBe(5000);
    expect(grown.load).toBeLessThanOrEqual(0.75);
    expect(grown.load).toBeGreaterThan(0.3);
    expect(grown.grows).toBe(9);
    for (let n = 0; n < 5000; n++) expect(reader.find(flow(n), 0)).toBe(n);
    for (let n = 0; n < 5000; n++) {
      expect(table.remove(flow(n))).toBe(true);
      while (table.tick(64)) reader.quiescent();
    }
    const empty = table.stats;
    expect(empty).toMatchObject({ flows: 0, buckets: 16, shrinks: 9, limbo: 0 });
    // Only the nodes' slabs stay.
    expect(arena.used - before).toBe(Math.ceil(5000 / 64) * 64 * 64);
    reader.quiescent();
    expect(table.stats.lookups).toBe(5000);
    expect(table.stats.probes).toBeLessThan(5000 * 2);
    const { heads, bits } = table.progress;
    expect(chainLengths(arena, heads, bits)).toEqual([16]);
    table.insert(flow(1), 1);
    expect(chainLengths(arena, heads, bits)).toEqual([15, 1]);
  });

  it('stays as it is when resizing is off', () => {
    const { table } = make({ bits: 4, autoResize: false });
    for (let n = 0; n < 1000; n++) table.insert(flow(n), n);
    expect(table.tick()).toBe(false);
    expect(table.stats).toMatchObject({ buckets: 16, grows: 0 });
    table.autoResize = true;
    expect(table.tick()).toBe(true);
  });

  it('takes a new seed when somebody aims at one bucket, and the aim is lost', () => {
    const { table, reader } = make({ bits: 8, autoResize: false, chainBound: 8 });
    const known = secrets(7);
    const [k0, k1] = [known(), known()];
    const aimed: number[] = [];
    for (let n = 0; aimed.length < 60; n++) if (hashKey(flow(n), 0, k0, k1) >>> 24 === 0) aimed.push(n);
    for (const n of aimed) {
      table.insert(flow(n), n);
      for (let i = 0; i < 40 && table.tick(); i++) reader.quiescent();
    }
    expect(table.stats.reseeds).toBe(1);
    expect(table.stats.longestInsert).toBeLessThan(8);
    for (const n of aimed) expect(reader.find(flow(n), 0)).toBe(n);
  });

  it('does not reseed for ever when that cannot help', () => {
    const { table, reader } = make({ bits: 1, autoResize: false, chainBound: -1000 });
    for (let n = 0; n < 1000; n++) {
      table.insert(flow(n), n);
      for (let i = 0; i < 40 && table.tick(); i++) reader.quiescent();
    }
    expect(table.stats.reseeds).toBe(1);
  });

  it('goes on when the arena is too full to grow or to reseed', () => {
    const { table, reader } = make({ bits: 8 }, 64 * 1024);
    let n = 0;
    expect(() => {
      for (; ; n++) {
        table.insert(flow(n), n);
        for (let i = 0; i < 30 && table.tick(); i++) reader.quiescent();
      }
    }).toThrow(expect.objectContaining({ code: 'ARENA_FULL' }));
    expect(n).toBeGreaterThan(300);
    for (let i = 0; i < n; i++) expect(reader.find(flow(i), 0)).toBe(i);

    const { table: small, reader: other } = make({ bits: 4, autoResize: false }, 64 * 1024);
    for (let i = 0; i < 600; i++) small.insert(flow(i), i);
    expect(small.resize('reseed')).toBe(true);
    small.tick(3);
    small.remove(flow(0));
    for (let i = 0; i < 30 && small.tick(2); i++) other.quiescent();
    expect(small.stats.reseeds).toBe(0);
    expect(small.progress.operation).toBe('none');
    for (let i = 1; i < 600; i++) expect(other.find(flow(i), 0)).toBe(i);
  });

  it('loses no node when an insert finds no memory for its second one in the middle of a reseed', () => {
    const { table, reader } = make({ bits: 1, autoResize: false }, 64 * 1024);
    let n = 0;
    for (; n < 200; n++) table.insert(flow(n), n);
    expect(table.resize('reseed')).toBe(true);
    table.tick(1); // one bucket of two has its copies: keys of that bucket need two nodes each
    expect(() => {
      for (; ; n++) table.insert(flow(n), n);
    }).toThrow(expect.objectContaining({ code: 'ARENA_FULL' }));
    expect(table.size).toBe(n);
    while (table.tick()) reader.quiescent();
    const { taken, free } = table.nodes;
    expect(taken - free).toBe(n);
    for (let i = 0; i < n; i++) expect(reader.find(flow(i), 0)).toBe(i);
    expect(reader.find(flow(n), 0)).toBe(NONE);
  });

  it('frees nothing while a reader stalls, and goes on when its thread is declared dead', () => {
    const { arena, table, reader } = make();
    const stalled = table.addReader();
    const other = new FlowReader(arena, table.offset, stalled);
    other.online();
    table.insert(flow(1), 1);
    table.remove(flow(1));
    let freed = false;
    table.defer(() => {
      freed = true;
    });
    for (let i = 0; i < 10; i++) {
      table.tick();
      reader.quiescent();
    }
    expect(freed).toBe(false);
    expect(table.stats.limbo).toBe(2);
    table.removeReader(stalled);
    table.tick();
    expect(freed).toBe(true);
    expect(table.stats.limbo).toBe(0);
    expect(() => table.removeReader(stalled)).toThrow(expect.objectContaining({ code: 'EPOCH_BAD' }));
  });

  it('equals a Map under any commands at any stage of any resize, and never misses a stable key', () => {
    const key = fc.nat(40);
    const command = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('insert' as const), key, value: fc.nat(1000) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), key }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), key, value: fc.nat(1000) }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('resize' as const),
          how: fc.constantFrom('grow' as const, 'shrink' as const, 'reseed' as const),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('tick' as const), budget: fc.integer({ min: 1, max: 3 }) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('quiescent' as const), reader: fc.nat(1) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('offline' as const), reader: fc.nat(1) }) },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(command, { maxLength: 80 }), (bits, commands) => {
        const arena = Arena.create(512 * 1024);
        const table = new FlowTable(arena, { secret: secrets(bits), slab: 8, bits, autoResize: false });
        const readers = [table.reader(), table.reader()];
        const online = [true, true];
        for (const r of readers) r.online();
        const oracle = new Map<number, number>();
        const batch = new Int32Array(41 * KEY_WORDS);
        const out = new Int32Array(41);
        for (let n = 0; n <= 40; n++) batch.set(flow(n), n * KEY_WORDS);
        for (const c of commands) {
          if (c.do === 'insert') {
            if (oracle.has(c.key)) expect(() => table.insert(flow(c.key), c.value)).toThrow();
            else table.insert(flow(c.key), c.value);
            if (!oracle.has(c.key)) oracle.set(c.key, c.value);
          } else if (c.do === 'remove') expect(table.remove(flow(c.key))).toBe(oracle.delete(c.key));
          else if (c.do === 'replace') {
            expect(table.replace(flow(c.key), c.value)).toBe(oracle.has(c.key));
            if (oracle.has(c.key)) oracle.set(c.key, c.value);
          } else if (c.do === 'resize') table.resize(c.how);
          else if (c.do === 'tick') table.tick(c.budget);
          else if (c.do === 'quiescent') {
            if (online[c.reader]) readers[c.reader].quiescent();
            else readers[c.reader].online();
            online[c.reader] = true;
          } else {
            readers[c.reader].offline();
            online[c.reader] = false;
          }
          expect(table.size).toBe(oracle.size);
          readers.forEach((reader, i) => {
            if (!online[i]) return;
            reader.findBatch(batch, 41, out);
            for (let n = 0; n <= 40; n++) {
              const want = oracle.get(n) ?? NONE;
              if (out[n] !== want) throw new Error(`${keyText(flow(n))} gives ${out[n]}, not ${want}`);
            }
          });
        }
      }),
      { numRuns: 500 },
    );
  });
});
