// c8's threshold passes on zero files and on wrong lines; this asks it about lines whose answer is known, through the
// very arrangement that `npm run coverage` uses (vitest forks, compiled files, source maps).
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
let folder: string;
let hits: Map<string, Map<number, number>>;

/** file name → line → hits, from an lcov report. */
function readLcov(text: string): Map<string, Map<number, number>> {
  const files = new Map<string, Map<number, number>>();
  let lines = new Map<number, number>();
  for (const row of text.split('\n')) {
    if (row.startsWith('SF:')) {
      lines = new Map();
      files.set(row.slice(3).split('/').at(-1)!, lines);
    } else if (row.startsWith('DA:')) {
      const [line, count] = row.slice(3).split(',').map(Number);
      lines.set(line!, count!);
    }
  }
  return files;
}

/** Hits of the one line of `file` that contains `text`. */
function hitsOf(file: string, text: string): number | undefined {
  const source = readFileSync(join(root, 'test/coverage', file), 'utf8').split('\n');
  const line = source.findIndex((row) => row.includes(text)) + 1;
  expect(line, `${file} has a line with ${text}`).toBeGreaterThan(0);
  return hits.get(file)?.get(line);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'netchannel-coverage-'));
  const c8 = ['node_modules/c8/bin/c8.js', '--config', 'test/coverage/c8.json'];
  c8.push('--temp-directory', join(folder, 'tmp'), '--reports-dir', folder);
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/coverage/vitest.config.js'];
  const env = { ...process.env };
  delete env.NODE_V8_COVERAGE;
  for (const name of Object.keys(env)) if (name.startsWith('VITEST')) delete env[name];
  execFileSync(process.execPath, [...c8, process.execPath, ...vitest], { cwd: root, env, stdio: 'pipe' });
  hits = readLcov(readFileSync(join(folder, 'lcov.info'), 'utf8'));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['probe-lib.ts', "return 'covered in the vitest process'"],
  ['probe-lib.ts', "return 'covered in a worker'"],
  ['probe-lib.ts', "return 'covered in a child'"],
  ['probe-worker.ts', 'const said ='],
  ['probe-child.ts', 'process.stdout.write'],
])('%s: the line with %s is covered', (file, text) => {
  expect(hitsOf(file, text)).toBeGreaterThan(0);
});

it.each([
  ['probe-lib.ts', "return 'covered nowhere'"],
  ['probe-child.ts', 'return never();'],
  ['probe-unloaded.ts', "return 'never loaded'"],
])('%s: the line with %s is not covered', (file, text) => {
  expect(hitsOf(file, text)).toBe(0);
});
