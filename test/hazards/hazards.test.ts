// docs/hazards.md names a test for every bug that other stacks had: each of them exists.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const HAZARDS = 23;

/** Rows of the table: the bug, and what proves that it is not here. */
function rows(text: string): { bug: string; tests: { file: string; name: string }[] }[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| bug'))
    .map((line) => {
      const [bug, , tests] = line.slice(2, -2).split(' | ');
      // A name may hold a semicolon; a file's backtick begins the next one.
      const found = [...tests.matchAll(/`([^`]+\.test\.ts)`: (.*?)(?=; `|$)/g)];
      return { bug, tests: found.map(([, file, name]) => ({ file, name })) };
    });
}

/** Whether the source of a test file has a test of that name (before values go into its %s and %d). */
function has(file: string, name: string): boolean {
  const path = resolve(root, file);
  if (!existsSync(path)) return false;
  const text = readFileSync(path, 'utf8').replaceAll("\\'", "'");
  return [`'${name}'`, `"${name}"`, `\`${name}\``].some((quoted) => text.includes(quoted));
}

describe('docs/hazards.md', () => {
  const table = rows(readFileSync(resolve(root, 'docs/hazards.md'), 'utf8'));

  it('has a row for each, with its tests', () => {
    expect(table).toHaveLength(HAZARDS);
    expect(table.filter((row) => row.tests.length === 0).map((row) => row.bug)).toEqual([]);
  });

  it('names tests that exist', () => {
    const named = table.flatMap((row) => row.tests);
    expect(named.filter(({ file, name }) => !has(file, name))).toEqual([]);
    expect(has('stack/tcp/ack.test.ts', 'no such test')).toBe(false);
  });
});
