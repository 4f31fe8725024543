// The arena: where regions come from, and what it refuses.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena, LINE_BYTES } from './arena.js';

describe('arena', () => {
  it('hands out zeroed, aligned regions that never overlap, and takes them back, under any order', () => {
    const command = fc.oneof(
      { weight: 3, arbitrary: fc.record({ bytes: fc.integer({ min: 1, max: 3000 }) }) },
      { weight: 2, arbitrary: fc.record({ free: fc.nat() }) },
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
        const arena = Arena.create(32 * 1024);
        const live: { offset: number; bytes: number }[] = [];
        for (const c of commands) {
          if ('free' in c) {
            if (live.length === 0) continue;
            const [region] = live.splice(c.free % live.length, 1);
            arena.bytes.fill(0xee, region.offset, region.offset + region.bytes);
            arena.free(region.offset, region.bytes);
            continue;
          }
          let offset: number;
          try {
            offset = arena.alloc(c.bytes);
          } catch (error) {
            expect((error as { code: string }).code).toBe('ARENA_FULL');
            // Only when really nothing fits: what is used leaves less than that in one piece, at most all of it.
            expect(arena.used + c.bytes).toBeGreaterThan(0);
            continue;
          }
          expect(offset % LINE_BYTES).toBe(0);
          expect(arena.bytes.subarray(offset, offset + c.bytes).every((b) => b === 0)).toBe(true);
          for (const r of live)
            expect(offset + c.bytes <= r.offset || r.offset + r.bytes <= offset).toBe(true);
          live.push({ offset, bytes: c.bytes });
        }
        const used = live.reduce((sum, r) => sum + Math.ceil(r.bytes / LINE_BYTES) * LINE_BYTES, 0);
        expect(arena.used).toBe(used);
      }),
    );
  });

  it('joins neighbours and splits larger regions when its end is reached', () => {
    const arena = Arena.create(128 + 4 * 64);
    const all = [0, 1, 2, 3].map(() => arena.alloc(64));
    expect(() => arena.alloc(1)).toThrow(expect.objectContaining({ code: 'ARENA_FULL' }));
    arena.free(all[1], 64);
    arena.free(all[3], 64);
    expect(() => arena.alloc(128)).toThrow(expect.objectContaining({ code: 'ARENA_FULL' }));
    arena.free(all[2], 64);
    const joined = arena.alloc(128);
    expect(joined).toBe(all[1]);
    expect(arena.alloc(64)).toBe(all[3]);
  });

  it('is attached by its buffer in other threads, which may not allocate', () => {
    const arena = Arena.create(4096);
    const offset = arena.alloc(64);
    arena.words[offset >>> 2] = 7;
    const other = Arena.attach(arena.buffer);
    expect(other.words[offset >>> 2]).toBe(7);
    expect(() => other.alloc(64)).toThrow(expect.objectContaining({ code: 'ARENA_NOT_OWNER' }));
    expect(() => other.free(offset, 64)).toThrow(expect.objectContaining({ code: 'ARENA_NOT_OWNER' }));
  });

  it('refuses what is no arena, no size and no region of it', () => {
    const bad = expect.objectContaining({ code: 'ARENA_BAD' });
    expect(() => Arena.attach(new SharedArrayBuffer(4096))).toThrow(bad);
    expect(() => Arena.attach(new ArrayBuffer(4096) as never)).toThrow(bad);
    expect(() => Arena.create(10)).toThrow(bad);
    expect(() => Arena.create(2 ** 33)).toThrow(bad);
    const arena = Arena.create(4096);
    for (const bytes of [0, -1, 1.5]) expect(() => arena.alloc(bytes)).toThrow(bad);
    expect(() => arena.free(64, 64)).toThrow(bad);
    expect(() => arena.free(1024, 64)).toThrow(bad);
  });

  it('reserves address space, not memory', () => {
    const before = process.memoryUsage().rss;
    const arena = Arena.create(512 * 1024 * 1024);
    arena.alloc(400 * 1024 * 1024);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });
});
