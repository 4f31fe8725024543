// The reduced forms of the grid of transfers and of the shared bottleneck, and the table that the whole is kept in.

import { describe, expect, it } from 'vitest';
import { jainIndex, share } from './fairness.js';
import { GRID_LOSSES, goodput } from './goodput.js';
import { beats, complaints, formatTable, GRID_PROFILES, markdown, parseTable, published } from './grid.js';
import { SimulatedNetwork, SimulationError } from './network.js';

const { sysctls } = GRID_PROFILES[0];
const MIB = 1 << 20;

describe('goodput', () => {
  it('fills the window without loss', () => {
    const value = goodput({ buffer: 32_768, loss: 0, seed: 1, bytes: 4 * MIB });
    expect(value).toBeGreaterThanOrEqual(0.999 * published(32_768, 0)!);
    expect(value).toBeLessThan(32_768 / 0.1);
  });

  it.each([
    [16_384, 0.01],
    [16_384, 0.1],
    [32_768, 0.05],
  ])('%d bytes, loss %d: more than published', (buffer, loss) => {
    const value = goodput({ buffer, loss, seed: 3, bytes: MIB, sysctls });
    expect(value).toBeGreaterThan(published(buffer, loss)!);
  });

  it('follows from its seed', () => {
    const run = (seed: number) => goodput({ buffer: 16_384, loss: 0.02, seed, bytes: MIB / 4, sysctls });
    expect(run(5)).toBe(run(5));
    expect(run(6)).not.toBe(run(5));
  });

  it("Linux's defaults keep the window full while little is lost", () => {
    const value = goodput({ buffer: 16_384, loss: 0.001, seed: 1, bytes: MIB });
    expect(value).toBeGreaterThan(0.9 * published(16_384, 0.001)!);
  });

  it('a network in which nothing can happen is an error, not an endless loop', () => {
    const network = new SimulatedNetwork({ delay: 1, seed: 1, impair: {} });
    network.run();
    expect(() => network.next(Number.POSITIVE_INFINITY)).toThrow(SimulationError);
    network.close();
  });
});

describe('a shared bottleneck', () => {
  it('four CUBIC flows share it evenly and fill it', () => {
    const flows = 4;
    const { jain, use, bytes } = share({ flows, rate: 10e6, roundTrip: 50_000, seconds: 20, seed: 1 });
    expect(bytes).toHaveLength(flows);
    expect(jain).toBeGreaterThanOrEqual(0.9);
    expect(use).toBeGreaterThanOrEqual(0.95);
    expect(use).toBeLessThanOrEqual(1);
  });

  it("computes Jain's index", () => {
    expect(jainIndex([5, 5, 5])).toBeCloseTo(1);
    expect(jainIndex([9, 0, 0])).toBeCloseTo(1 / 3);
    expect(jainIndex([0, 0])).toBe(0);
  });
});

describe('the table', () => {
  const cell = { profile: 'none', buffer: 4096, loss: 0.05, seeds: 10, goodput: 20_000 };

  it('is read as it was written', () => {
    expect(parseTable(formatTable([cell]))).toEqual([cell]);
    expect(() => parseTable('what\n')).toThrow(RangeError);
    expect(() => parseTable(formatTable([cell]).replace('20000.00', 'x'))).toThrow(RangeError);
  });

  it('complains about what is below the published figure or the committed one', () => {
    expect(complaints([cell], [cell])).toEqual([]);
    expect(complaints([{ ...cell, goodput: 14_000 }], [{ ...cell, goodput: 14_000 }])[0]).toMatch(
      'published',
    );
    expect(complaints([cell], [{ ...cell, goodput: 40_000 }])[0]).toMatch('committed 40000');
    expect(complaints([cell], [])[0]).toMatch('no committed');
  });

  it('wants 0.999 of the published figure where nothing is lost, more than it elsewhere', () => {
    expect(beats(161_700, 16_384, 0)).toBe(true);
    expect(beats(161_600, 16_384, 0)).toBe(false);
    expect(beats(127_090.53, 16_384, 0.01)).toBe(false);
    expect(beats(1, 262_144, 0.3)).toBe(true);
    expect(GRID_LOSSES.map((loss) => published(1024, loss)).every((v) => v! > 0)).toBe(true);
  });

  it('is shown with the ratio to the published figure', () => {
    expect(markdown([cell])).toContain('20000 (1.42)');
  });
});
