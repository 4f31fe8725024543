import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterReset, runningMax, runningMin } from './windowed-filter.js';

describe('windowed filter', () => {
  it('keeps the minimum until the window has passed', () => {
    const v = new Float64Array(3);
    const t = new Float64Array(3);
    filterReset(v, t, 0, 50);
    expect(runningMin(v, t, 100, 10, 60)).toBe(50);
    expect(runningMin(v, t, 100, 60, 55)).toBe(50);
    expect(runningMin(v, t, 100, 101, 70)).toBe(55);
    expect(runningMin(v, t, 100, 102, 40)).toBe(40);
  });

  it('forgets everything when nothing of the window is left', () => {
    const v = new Float64Array(3);
    const t = new Float64Array(3);
    filterReset(v, t, 0, 5);
    expect(runningMin(v, t, 100, 500, 90)).toBe(90);
  });

  it('is never below the true minimum of the window, and exact for the newest sample that is least', () => {
    const sample = fc.record({
      step: fc.integer({ min: 1, max: 60 }),
      value: fc.integer({ min: 1, max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 60 }), (samples) => {
        const v = new Float64Array(3).fill(Number.MAX_SAFE_INTEGER);
        const t = new Float64Array(3);
        const seen: { at: number; value: number }[] = [];
        let now = 0;
        for (const { step, value } of samples) {
          now += step;
          seen.push({ at: now, value });
          const min = runningMin(v, t, 100, now, value);
          const inWindow = seen.filter((s) => now - s.at <= 100).map((s) => s.value);
          expect(min).toBeGreaterThanOrEqual(Math.min(...inWindow));
          expect(min).toBeLessThanOrEqual(value);
          expect(inWindow).toContain(min);
        }
      }),
    );
  });

  it('mirrors the minimum for the maximum', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 999 })), {
          minLength: 1,
        }),
        (samples) => {
          const a = [new Float64Array(3), new Float64Array(3)] as const;
          const b = [new Float64Array(3), new Float64Array(3)] as const;
          let now = 0;
          filterReset(a[0], a[1], 0, 1000);
          filterReset(b[0], b[1], 0, -1000);
          for (const [step, value] of samples) {
            now += step;
            expect(runningMax(b[0], b[1], 100, now, -value)).toBe(-runningMin(a[0], a[1], 100, now, value));
          }
        },
      ),
    );
  });
});
