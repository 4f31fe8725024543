// `netchannel fuzz` from outside: its options, its exit codes, its last line, and taking a campaign up again.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { excuseFresh } from './fuzz.js';

const main = join(import.meta.dirname, 'main.js');
const folder = mkdtempSync(join(tmpdir(), 'netchannel-cli-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fuzz(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, 'fuzz', ...args], { encoding: 'utf8' });
}

test('what there is, and what is asked wrongly', { timeout: 60_000 }, () => {
  const list = fuzz('--list');
  expect(list.status).toBe(0);
  expect(list.stdout).toMatch(/^tcp {8}.+RFC 9293/m);
  const unknown = fuzz('nothing', '--runs', '1', '--no-file');
  expect(unknown.status).toBe(2);
  expect(unknown.stderr).toContain('no fuzz target "nothing"');
  expect(fuzz('wire', '--shard', '3/2').status).toBe(2);
  expect(fuzz('--replay', join(folder, 'missing.json')).status).toBe(2);
});

test('a campaign ends with its count, and goes on where its state says', { timeout: 60_000 }, () => {
  const state = join(folder, 'state.json');
  const args = ['wire', '--seed', '5', '--state', state, '--no-file', '--json'];
  const first = fuzz(...args, '--runs', '1500');
  expect(first.status).toBe(0);
  expect(first.stderr).toMatch(/^1 passed, 0 failed, 0 skipped$/m);
  const slices = (): { next: number; runs: number } => JSON.parse(readFileSync(state, 'utf8')).targets.wire;
  expect(slices()).toMatchObject({ next: 2, runs: 1500 });
  const second = fuzz(...args, '--runs', '2500');
  expect(second.status).toBe(0);
  expect(slices()).toMatchObject({ next: 3, runs: 2500 });
  // A state belongs to its seed.
  const other = fuzz('wire', '--seed', '6', '--state', state, '--no-file', '--runs', '1');
  expect(other.status).toBe(2);
  expect(other.stderr).toContain('the state of seed 5');
});

test('progress says what was newly reached', { timeout: 60_000 }, () => {
  // Empty, not left out: Node passes its own on to children that have none.
  const env = { ...process.env, NODE_V8_COVERAGE: '' };
  // The first line comes at 30 s on a pipe: the campaign's own line is asked for here.
  const script = join(folder, 'progress.mjs');
  const text = `
    import { runFuzz } from ${JSON.stringify(join(import.meta.dirname, '../fuzz/index.js'))};
    let last = '';
    const clock = () => performance.now();
    await runFuzz({ targets: ['wire'], seed: 5, runs: 2000, jobs: 1, clock, today: '', onProgress: (line) => (last = line) });
    console.log(last);`;
  writeFileSync(script, text);
  const { stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8', env });
  const [, pieces] =
    /^\d+ s, 2000 runs, \d+\/s, (\d+) functions and branches, a new one \d+ s ago, 0 finds$/m.exec(stdout) ??
    [];
  expect(Number(pieces)).toBeGreaterThan(100);
});

test('what the fresh seed of a CI run finds is told and does not judge; a target that broke does', () => {
  const outcome = { target: 'tcp (seed 9)', verdict: 'failed', runs: 5, seconds: 1, finds: {} } as const;
  expect(excuseFresh(outcome)).toBe(outcome);
  expect(excuseFresh({ ...outcome, finds: { 'a byte is lost': 1 } })).toMatchObject({
    verdict: 'skipped',
    reason: expect.stringContaining('a byte is lost'),
  });
  expect(excuseFresh({ ...outcome, verdict: 'passed' }).verdict).toBe('passed');
});
