import { describe, expect, it } from 'vitest';
import { createStack } from '../stack/stack.js';
import { GROWTH_LIMIT, judgeMemory, type MemorySample, MemoryWatch } from './memory.js';

const MIB = 1 << 20;
const steady: MemorySample = { rss: 150 * MIB, heap: 9 * MIB, arrays: MIB, buffers: 3, pages: 7 };

/** 40 samples, each `step` bytes above the one before in `key`. */
const series = (key: keyof typeof GROWTH_LIMIT, step: number): MemorySample[] =>
  Array.from({ length: 40 }, (_, i) => ({ ...steady, [key]: steady[key] + i * step }));

describe('the memory of a long run', () => {
  it('is judged by its second and its last quarter', () => {
    expect(judgeMemory(series('heap', 0))).toEqual({
      grown: [],
      text:
        'memory in MiB, most of the second quarter and median of the last of 40 samples: heap 9.00 → 9.00 (most 9.00), arrays 1.00 → 1.00 ' +
        '(most 1.00), rss 150.00 → 150.00 (most 150.00); at most 3 packet buffers, 7 payload pages',
    });
  });

  it.each(['heap', 'arrays', 'rss'] as const)('has grown when %s went on growing', (key) => {
    // From the last sample of the second quarter to the middle of the last one.
    expect(judgeMemory(series(key, GROWTH_LIMIT[key] / 16)).grown).toEqual([]);
    expect(judgeMemory(series(key, GROWTH_LIMIT[key] / 16 + 1)).grown).toEqual([key]);
  });

  it('may grow while it begins, and leap for a moment', () => {
    const samples = series('heap', 0).map((sample, i) => ({
      ...sample,
      heap: i < 10 ? MIB : i === 35 ? 80 * MIB : sample.heap,
    }));
    expect(judgeMemory(samples)).toMatchObject({ grown: [], text: expect.stringContaining('most 80.00') });
  });

  it('is not judged by a few samples', () => {
    expect(judgeMemory(series('heap', MIB).slice(0, 7))).toEqual({
      grown: [],
      text: 'memory: 7 samples, too few to judge',
    });
  });

  it('is sampled behind a collection: what nobody holds is not in it', () => {
    const stack = createStack({});
    const watch = new MemoryWatch(stack, 1e6);
    watch.sample();
    // 16 MiB of objects, dropped at once.
    for (let i = 0; i < 16; i++) Array.from({ length: 1 << 17 }, (_, j) => j + 0.5);
    watch.sample();
    let kept: number[] | null = Array.from({ length: 1 << 20 }, (_, j) => j + 0.5);
    watch.sample();
    const [before, dropped, held] = watch.samples.map(({ heap }) => heap);
    expect(dropped - before).toBeLessThan(MIB);
    expect(held - dropped).toBeGreaterThan(7 * MIB);
    expect(kept.length).toBe(1 << 20);
    kept = null;
    watch.stop();
    stack.close();
  });
});
