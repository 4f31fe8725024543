// The benches run, their peers agree with them, and their rows say what they must.
import { describe, expect, it } from 'vitest';
import { runBench } from './index.js';
import { median, row, textOf } from './report.js';

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
    expect(rows.map((r) => r.case)).toEqual([
      'segments of 1448 bytes',
      'super-packets',
      'writes of 128 bytes',
    ]);
    for (const r of rows) {
      expect(r.value).toBeGreaterThan(0);
      expect(r.peerValue).toBeGreaterThan(0);
    }
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
