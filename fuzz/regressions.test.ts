// Whatever has been filed is replayed by every test run; and the filing itself.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkExchange } from './exchange-files.js';
import {
  filedRegressions,
  fileName,
  fileRegression,
  REGRESSIONS,
  readRegression,
  regressionOf,
} from './filing.js';
import { runSlice, sliceSeed } from './slice.js';
import { loadTarget, TARGET_NAMES } from './targets/index.js';

describe('filed regressions', () => {
  // The explorer's own test replays its own.
  const filed = filedRegressions(REGRESSIONS).filter(({ file }) => file.target !== 'explore');
  test('there are some', () => expect(filed.length).toBeGreaterThan(0));
  for (const { path, file } of filed) {
    test(`${file.target}: ${basename(path, '.json')}`, async () => {
      expect(await checkExchange(path)).toBeUndefined();
    });
  }
});

test('every capture and script lies beside a filed failure', () => {
  const names = readdirSync(REGRESSIONS, { recursive: true, encoding: 'utf8' });
  const beside = names.filter((name) => /\.(pcap|pkt)$/.test(name));
  expect(beside.length).toBeGreaterThan(0);
  expect(beside.filter((name) => !names.includes(name.replace(/\.\w+$/, '.json')))).toEqual([]);
});

describe('every target', () => {
  for (const name of TARGET_NAMES) {
    test(`${name}: a few runs hold, the same seed gives the same runs, inputs survive JSON`, {
      timeout: 120_000,
    }, async () => {
      const target = await loadTarget(name);
      const inputs: string[][] = [[], []];
      for (const list of inputs) {
        const result = await runSlice(target, {
          seed: sliceSeed(7, name, 0),
          runs: Math.ceil(target.sliceRuns / 10),
          known: new Set(),
          limit: 20_000,
          beat: (input) => list.push(JSON.stringify(target.encode(input))),
        });
        expect(result.find).toBeUndefined();
      }
      expect(inputs[1]).toEqual(inputs[0]);
      for (const text of inputs[0]) {
        expect(JSON.stringify(target.encode(target.decode(JSON.parse(text))))).toBe(text);
      }
    });
  }
});

describe('filing', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'netchannel-filing-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const find = {
    message: 'm',
    stack: '',
    seed: 3,
    path: '1:2',
    input: { commands: [1, 2] },
    shrinks: 0,
    runs: 1,
  };

  test('a failure becomes a file named by what it means', () => {
    const one = regressionOf('tcp', { ...find, id: 'An ACK of data: never received!' }, '2026-01-01', 'abc');
    const first = fileRegression(folder, one);
    expect(first).toBe(join(folder, 'tcp/an-ack-of-data-never-received.json'));
    expect(readRegression(first)).toEqual(one);
    // Another input that broke the same invariant; the same name wherever it is filed.
    const other = fileRegression(folder, { ...one, input: { commands: [3] } });
    expect(other).toMatch(/tcp\/an-ack-of-data-never-received-[0-9a-f]{8}\.json$/);
    expect(fileRegression(folder, { ...one, input: { commands: [3] } })).toBe(other);
    expect(readFileSync(first, 'utf8')).toContain('"input": { "commands": [1, 2] }');
  });

  test('names are short and plain', () => {
    expect(fileName('x'.repeat(300)).length).toBe(100);
    expect(fileName('///')).toBe('unnamed');
  });
});
