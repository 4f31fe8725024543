// Which code a run has reached: V8's nested ranges as intervals, and what comes new to a map.
import { expect, test } from 'vitest';
import { CoverageMap, intersect, missedOf } from './coverage.js';

const range = (startOffset: number, endOffset: number, count: number) => ({ startOffset, endOffset, count });

test('the innermost range of a profile says whether a part was entered', () => {
  expect(missedOf([range(0, 100, 1)])).toEqual([]);
  expect(missedOf([range(0, 100, 1), range(20, 60, 0), range(30, 40, 1)])).toEqual([20, 30, 40, 60]);
  expect(missedOf([range(0, 100, 1), range(20, 30, 0), range(30, 40, 0)])).toEqual([20, 40]);
});

test('parts that both missed', () => {
  expect(intersect([0, 10, 20, 30], [5, 25])).toEqual([5, 10, 20, 25]);
  expect(intersect([0, 10], [10, 20])).toEqual([]);
  expect(intersect([], [0, 5])).toEqual([]);
});

test('a function is new once, and then each part of it once', () => {
  const map = new CoverageMap();
  const see = (...missed: number[]) => map.merge([{ key: 'stack/x.js f 0', missed }]).length;
  expect(see(10, 20, 40, 50)).toBe(1);
  expect(see(10, 20, 40, 50)).toBe(0);
  // Another run entered the first part and missed the second, and something else that is known by now.
  expect(see(30, 35, 40, 50)).toBe(1);
  expect(see(10, 20, 40, 45)).toBe(1);
  expect(see(10, 20)).toBe(1);
  expect(see(10, 20)).toBe(0);
  expect(map.pieces).toBe(4);
});
