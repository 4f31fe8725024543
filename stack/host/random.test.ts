import { expect, test } from 'vitest';
import { Random } from './random.js';
import { TcpMetrics } from './tcp-metrics.js';

test('the same seed gives the same numbers, neighbouring seeds others, spread over the range', () => {
  const take = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 1000 }, () => random.next32());
  };
  expect(take(1)).toEqual(take(1));
  expect(take(1)).not.toEqual(take(2));
  expect(take(0).filter((value) => value >= 2 ** 31).length).toBeGreaterThan(400);
  const random = new Random(3);
  const counts = new Array(6).fill(0);
  for (let i = 0; i < 6000; i++) counts[random.below(6)]++;
  for (const count of counts) expect(count).toBeGreaterThan(850);
});

test('metrics of destinations are bounded and can be flushed', () => {
  const metrics = new TcpMetrics();
  const address = (i: number) => ({
    localAddress: new Uint8Array(16),
    remoteAddress: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, i >> 16, i >> 8, i),
  });
  for (let i = 0; i < 9000; i++) metrics.obtain(address(i)).ssthresh = i;
  expect(metrics.size).toBe(8192);
  expect(metrics.get(address(0))).toBe(undefined);
  expect(metrics.get(address(8999))?.ssthresh).toBe(8999);
  metrics.flush();
  expect([metrics.size, metrics.get(address(8999))]).toEqual([0, undefined]);
});
