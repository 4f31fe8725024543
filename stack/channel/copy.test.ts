import fc from 'fast-check';
import { expect, it } from 'vitest';
import { copyFromShared, copyToShared } from './copy.js';

it.each([
  ['to shared memory', copyToShared, true],
  ['from shared memory', copyFromShared, false],
] as const)('copies %s byte for byte at any alignment, and nothing beside it', (_name, copy, toShared) => {
  const size = 1 << 18;
  const shared = new Uint8Array(new SharedArrayBuffer(size));
  const own = new Uint8Array(new ArrayBuffer(size + 3), 3);
  const [target, source] = toShared ? [shared, own] : [own, shared];
  for (let i = 0; i < size; i++) source[i] = (i * 7 + (i >>> 9)) & 255;
  // Around the loop for short copies and the size of the stage, too.
  const length = fc.oneof(fc.nat(200), fc.constantFrom(63, 64, 65, (1 << 17) - 1, 1 << 17, (1 << 17) + 9));
  fc.assert(
    fc.property(length, fc.nat(40), fc.nat(40), (n, to, from) => {
      target.fill(0xee);
      copy(target, to + 1, source, from, n);
      expect(target[to]).toBe(0xee);
      expect(target[to + 1 + n]).toBe(0xee);
      expect(Buffer.compare(target.subarray(to + 1, to + 1 + n), source.subarray(from, from + n))).toBe(0);
    }),
    { seed: 1, numRuns: 150 },
  );
});

it('keeps nothing of a frame that it copied from', () => {
  const target = new Uint8Array(2048);
  const frames = Array.from({ length: 4000 }, () => new Uint8Array(1504));
  const before = process.memoryUsage().heapUsed;
  for (const frame of frames) copyFromShared(target, 0, frame, 0, 1504);
  // A table of views for each would be 64 KiB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(4000 * 4096);
});
