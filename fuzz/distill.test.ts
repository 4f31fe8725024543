// The corpus: what is left out to make an input smaller, how inputs continue its entries, and that an entry which no longer
// reaches what it is kept for is told (in a process of its own: here c8 takes the coverage).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CORPUS, readCorpus } from './corpus.js';
import { smaller } from './distill.js';
import { guided } from './guided.js';
import type { Target } from './target.js';
import { TARGET_NAMES } from './targets/index.js';

// Empty, not left out: Node passes its own on to children that have none.
const env = { ...process.env, NODE_V8_COVERAGE: '' };

function run(script: string, ...args: string[]) {
  return spawnSync(process.execPath, ['--input-type=module', '-e', script, ...args], {
    encoding: 'utf8',
    env,
  });
}

test('lists lose halves, then less, wherever they are', () => {
  expect([...smaller({ a: 1, list: [1, 2, 3] })]).toEqual([
    { a: 1, list: [1] },
    { a: 1, list: [1, 2] },
    { a: 1, list: [1, 3] },
    { a: 1, list: [2, 3] },
  ]);
  expect([...smaller([[7]])]).toEqual([[], [[]]]);
});

test('guided inputs begin as an entry does and keep its setting', () => {
  const target = {
    inputs: () =>
      fc.record({
        setting: fc.constant('own'),
        things: fc.constant([2]),
        commands: fc.array(fc.constant('any')),
      }),
  } as unknown as Target;
  const entry = { setting: 'kept', things: [1], commands: ['deep', 'deeper'] };
  const inputs = fc.sample(guided(target, [entry]), { seed: 1, numRuns: 400 }) as (typeof entry)[];
  const continued = inputs.filter(({ setting }) => setting === 'kept');
  expect(continued.length).toBeGreaterThan(50);
  expect(continued.length).toBeLessThan(150);
  expect(continued.some(({ commands: [a, b, c] }) => a === 'deep' && b === 'deeper' && c === 'any')).toBe(
    true,
  );
  // What commands point to is there, whichever of the two they come from.
  expect(continued.every(({ things }) => things.join() === '1,2')).toBe(true);
  // Where inputs are no commands the generator is left alone.
  const bytes = { inputs: () => fc.constant('bytes') } as unknown as Target;
  expect(fc.sample(guided(bytes, ['bytes']), 3)).toEqual(['bytes', 'bytes', 'bytes']);
});

test('every entry of the corpus passes and reaches what it is kept for', { timeout: 120_000 }, () => {
  const entries = TARGET_NAMES.flatMap((name) => readCorpus(CORPUS, name));
  const { stdout, status } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, '../cli/main.js'), 'fuzz', '--corpus'],
    {
      encoding: 'utf8',
      env,
    },
  );
  expect(stdout.match(/^failed .*$/gm) ?? []).toEqual([]);
  expect(stdout).toContain(`${entries.length} passed, 0 failed, 0 skipped`);
  expect(entries.length).toBeGreaterThan(50);
  expect(status).toBe(0);
});

test('an entry that misses its function is told', { timeout: 60_000 }, () => {
  const [{ file }] = readCorpus(CORPUS, 'tcp');
  const script = `
    import { checkEntry } from ${JSON.stringify(new URL('./distill.js', import.meta.url).href)};
    import { CoverageProbe } from ${JSON.stringify(new URL('./coverage.js', import.meta.url).href)};
    const file = JSON.parse(process.argv[1]);
    const probe = new CoverageProbe();
    console.log(await checkEntry({ path: '', file }, probe));
    console.log(await checkEntry({ path: '', file: { ...file, reaches: 'stack/tcp/icmp.js nothing' } }, probe));`;
  const { stdout, stderr } = run(script, JSON.stringify(file));
  expect(stderr).toBe('');
  expect(stdout).toBe('undefined\nit no longer reaches stack/tcp/icmp.js nothing\n');
});
