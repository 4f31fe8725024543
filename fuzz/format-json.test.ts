// What is filed passes the project's own formatter unchanged.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { filedRegressions, REGRESSIONS } from './filing.js';
import { formatJson } from './format-json.js';
import type { Json } from './target.js';
import { loadTarget, TARGET_NAMES } from './targets/index.js';

const ROOT = join(import.meta.dirname, '../..');

function biome(text: string): string {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/@biomejs/biome/bin/biome'),
      'format',
      '--stdin-file-path=fuzz/regressions/x.json',
    ],
    { cwd: ROOT, input: text, encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  expect(status, stderr).toBe(0);
  return stdout;
}

test('every kind of input is formatted as biome formats it', { timeout: 60_000 }, async () => {
  const values: Json[] = [];
  for (const name of TARGET_NAMES) {
    const target = await loadTarget(name);
    for (const input of fc.sample(target.inputs(), { seed: 1, numRuns: 5 }))
      values.push({ target: name, input: target.encode(input) });
  }
  values.push(...(fc.sample(fc.jsonValue({ maxDepth: 5 }), { seed: 1, numRuns: 100 }) as Json[]));
  values.push(...filedRegressions(REGRESSIONS).map(({ file }) => file as unknown as Json));
  const text = formatJson(values);
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(values)));
  expect(biome(text)).toBe(text);
});
