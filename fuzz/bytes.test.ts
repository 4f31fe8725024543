// Targets fed with bytes, as Jazzer.js does it: from the bundles that it loads.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { byteDriven, inputOfBytes } from './bytes.js';
import { jsonCodec, type Target, Violation } from './target.js';
import { loadTarget, TARGET_NAMES } from './targets/index.js';

/** Bytes that differ, and are the same at every run. */
const bytes = (n: number): Uint8Array =>
  Uint8Array.from({ length: 600 }, (_, i) => (n * 89 + i * i * 31 + (i >> 3)) & 255);

describe('a target fed with bytes', () => {
  test.each(TARGET_NAMES)(
    '%s: each byte string is an input, the same one each time; none is the least',
    async (name) => {
      const target = await loadTarget(name);
      const text = (data: Uint8Array): string => JSON.stringify(target.encode(inputOfBytes(target, data)));
      const inputs = Array.from({ length: 8 }, (_, n) => text(bytes(n)));
      expect(new Set(inputs).size).toBeGreaterThan(4);
      expect(Array.from({ length: 8 }, (_, n) => text(bytes(n)))).toEqual(inputs);
      expect(text(new Uint8Array(0)).length).toBeLessThanOrEqual(
        Math.max(...inputs.map((one) => one.length)),
      );
      await byteDriven(target)(bytes(3));
    },
  );

  test('a generator that takes no zero comes to an end', () => {
    const target = {
      name: 'no zero',
      inputs: () => fc.nat(1000).filter((n) => n > 900),
    } as unknown as Target<number>;
    expect(inputOfBytes(target, new Uint8Array(0))).toBeGreaterThan(900);
  });

  test('what a target throws is thrown', () => {
    const target: Target<number> = {
      name: 'throws',
      about: '',
      sliceRuns: 1,
      inputs: () => fc.nat(9),
      run: () => {
        throw new Violation('planted');
      },
      ...(jsonCodec<never>() as Pick<Target<number>, 'encode' | 'decode'>),
    };
    expect(() => byteDriven(target)(bytes(1))).toThrow('planted');
  });
});

describe('bundles for Jazzer.js', () => {
  const folder = mkdtempSync(join(tmpdir(), 'netchannel-jazzer-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const script = join(import.meta.dirname, '../../scripts/jazzer.mjs');
  const bundle = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });

  test('load as CommonJS and run', async () => {
    const { status, stdout, stderr } = bundle(folder);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const files = stdout.trim().split('\n');
    expect(files).toHaveLength(TARGET_NAMES.length - 2);
    const require = createRequire(import.meta.url);
    for (const file of files) {
      const { fuzz } = require(file) as { fuzz: (data: Uint8Array) => void | Promise<void> };
      for (let n = 0; n < 3; n++) await fuzz(bytes(n));
    }
  }, 60_000);

  test('unknown targets are named', () => {
    expect(bundle(folder, 'nothing')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no bundle of nothing'),
    });
  });
});
