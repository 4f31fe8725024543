// The benches run, their peers agree with them, and their rows say what they must.
import { describe, expect, it } from 'vitest';
import { BulkPair } from './bulk-pair.js';
import { runBench } from './index.js';
import { median, row, textOf } from './report.js';
import { TCP_CASES } from './tcp.js';

describe('bench', () => {
  it('makes one row of several runs: medians of values and of the pairs’ ratios', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    const r = row('ring', 'x', 'M/s', [10, 20, 30], { name: 'peer', values: [5, 20, 10] });
    expect(r).toMatchObject({ value: 20, min: 10, max: 30, runs: 3, peerValue: 10, ratio: 2 });
    const less = row(
      'table',
      'x',
      'µs',
      [10, 20],
      { name: 'peer', values: [20, 40] },
      { lessIsBetter: true },
    );
    expect(less.ratio).toBe(2);
    expect(textOf(row('ring', 'x', 'M/s', [1], { name: 'peer', values: [] }, { note: 'no gcc' }))).toContain(
      'no gcc',
    );
  });

  it('refuses a bench that does not exist', async () => {
    await expect(runBench({ names: ['rings'] })).rejects.toThrow('no bench "rings"');
  });

  it('moves data through two whole stacks', async () => {
    const rows = await runBench({ names: ['tcp'], runs: 1, scale: 0.05 });
    expect(rows.map((r) => r.case)).toEqual(
      TCP_CASES.flatMap(({ name }) => [name, `${name}, CPU`, `${name}, allocated`]),
    );
    for (const r of rows) {
      expect(r.value).toBeGreaterThan(0);
      if (r.unit !== 'bytes/segment') expect(r.peerValue).toBeGreaterThan(0);
    }
  });

  it.each([{ gro: true }, {}])('makes no object for a segment (%o)', (options) => {
    const pair = new BulkPair(options);
    const message = new Uint8Array(65_536);
    pair.run(message, 1);
    for (let i = 0; i < 60; i++) pair.turn(message);
    // A view of its payload was 100 bytes. Those that are left: where the send queue's pages and the receive ring end, and
    // for reading: ten for 89 segments.
    const { subarray } = Uint8Array.prototype;
    let views = 0;
    Uint8Array.prototype.subarray = function (this: Uint8Array, ...range) {
      views++;
      return subarray.apply(this, range);
    };
    // Storage of frames under way and of queues is kept from burst to burst.
    const { Uint8Array: Bytes } = globalThis;
    let storage = 0;
    globalThis.Uint8Array = new Proxy(Bytes, {
      construct(target, args, made) {
        storage++;
        return Reflect.construct(target, args, made);
      },
    });
    const before = pair.segments;
    try {
      for (let i = 0; i < 12; i++) pair.turn(message);
    } finally {
      globalThis.Uint8Array = Bytes;
      Bytes.prototype.subarray = subarray;
    }
    const segments = pair.segments - before;
    expect(segments).toBeGreaterThan(500);
    expect(views / segments).toBeLessThan(0.2);
    expect(storage).toBe(0);
    // 200 to 300 bytes before V8 has compiled all of it, 45 to 90 then: turns until it has.
    let least = pair.allocatedPerSegment(message);
    for (let round = 0; round < 40 && least >= 120; round++) {
      for (let i = 0; i < 100; i++) pair.turn(message);
      least = Math.min(least, pair.allocatedPerSegment(message));
    }
    expect(least).toBeLessThan(120);
    pair.close();
  });

  it('runs the table against its peers on few flows', async () => {
    const lines: string[] = [];
    const rows = await runBench({
      names: ['table'],
      runs: 1,
      flows: 2000,
      json: true,
      print: (l) => lines.push(l),
    });
    expect(lines.length).toBe(rows.length);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ bench: 'table', runs: 1 });
    expect(rows.some((r) => r.peer?.startsWith('Map'))).toBe(true);
    expect(rows.some((r) => r.note?.includes('probes'))).toBe(true);
  }, 60_000);
});
