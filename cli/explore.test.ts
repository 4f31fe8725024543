import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('./main.js', import.meta.url));
const run = (...args: string[]) =>
  spawnSync(process.execPath, [main, 'explore', ...args], { encoding: 'utf8', timeout: 25_000 });

describe('netchannel explore', () => {
  it('names its models', () => {
    const { status, stdout } = run('--list');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^ring /m)]);
  });

  it('runs a model and ends with the totals', () => {
    const { status, stdout } = run('ring', '--strategy', 'random', '--runs', '20', '--seed', '3');
    expect([status, stdout]).toEqual([0, expect.stringMatching(/\d+ passed, 0 failed, 0 skipped\n$/)]);
    const rows = run('ring', '--strategy', 'random', '--runs', '20', '--json').stdout.trim().split('\n');
    expect(JSON.parse(rows[0]!)).toMatchObject({ model: 'ring', passed: true });
  });

  it.each([
    [['nothing'], 'no model "nothing"'],
    [['--runs', '0'], '--runs needs a whole number from 1'],
    [['--time', 'x'], '--time needs seconds'],
    [['--strategy', 'bfs'], 'random, pct, dfs'],
    [['--schedule', '?!'], ''],
  ])('%j is a usage error', (args, message) => {
    const { status, stderr } = run(...args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr).not.toBe('');
  });
});
