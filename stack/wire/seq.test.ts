import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seqAdd, seqBetween, seqDiff, seqGe, seqGt, seqLe, seqLt, seqMax, seqMin } from './seq.js';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const near = fc.integer({ min: -0x7fffffff, max: 0x7fffffff });

describe('sequence arithmetic', () => {
  it('agrees with BigInt arithmetic modulo 2^32', () => {
    fc.assert(
      fc.property(u32, near, (a, n) => {
        const b = seqAdd(a, n);
        expect(b).toBe(Number(BigInt.asUintN(32, BigInt(a) + BigInt(n))));
        expect(seqDiff(b, a)).toBe(n);
        expect(seqLt(a, b)).toBe(n > 0);
        expect(seqLe(a, b)).toBe(n >= 0);
        expect(seqGt(a, b)).toBe(n < 0);
        expect(seqGe(a, b)).toBe(n <= 0);
        expect(seqMax(a, b)).toBe(n > 0 ? b : a);
        expect(seqMin(a, b)).toBe(n < 0 ? b : a);
      }),
    );
  });

  it('calls numbers 2^31 apart "before" each other, as Linux does', () => {
    expect(seqLt(0, 0x80000000)).toBe(true);
    expect(seqLt(0x80000000, 0)).toBe(true);
    expect(seqDiff(0x80000000, 0)).toBe(-0x80000000);
  });

  it('finds what lies between across the wrap, for any span', () => {
    expect(seqBetween(5, 0xfffffff0, 10)).toBe(true);
    expect(seqBetween(11, 0xfffffff0, 10)).toBe(false);
    expect(seqBetween(0xffffffef, 0xfffffff0, 10)).toBe(false);
    fc.assert(
      fc.property(u32, u32, u32, (lo, span, off) => {
        const a = seqAdd(lo, off);
        expect(seqBetween(a, lo, seqAdd(lo, span))).toBe(off <= span);
      }),
    );
  });
});
