// A failure's whole way: the stack is broken on purpose, the fuzzer finds it, shrinks it and files it; from then on the
// ordinary tests fail, until the stack is whole again.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filedRegressions } from './filing.js';

const ROOT = join(import.meta.dirname, '../..');
const BROKEN = 'dist/stack/tcp/transmit.js';
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'netchannel-whole-way-'));
  cpSync(join(ROOT, 'dist'), join(copy, 'dist'), { recursive: true });
  mkdirSync(join(copy, 'test'));
  for (const name of ['package.json', 'vitest.config.js', 'test/setup.js'])
    cpSync(join(ROOT, name), join(copy, name));
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
}, 120_000);
afterAll(() => rmSync(copy, { recursive: true, force: true }));

function node(...args: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

const fuzz = (...args: string[]): { status: number | null; text: string } =>
  node('dist/cli/main.js', 'fuzz', ...args);
const ordinaryTest = (): { status: number | null; text: string } =>
  node('node_modules/vitest/vitest.mjs', 'run', 'dist/fuzz/regressions.test.js', '-t', 'filed regressions');

test('a broken stack, a find, a file, a failing test, the fix, a pass', { timeout: 240_000 }, () => {
  const whole = readFileSync(join(copy, BROKEN), 'utf8');
  const anchor = '? tcb.rcv.nxt : 0';
  expect(whole.split(anchor)).toHaveLength(2);
  writeFileSync(join(copy, BROKEN), whole.replace(anchor, '? (tcb.rcv.nxt + 1) >>> 0 : 0'));

  const found = fuzz('tcp', '--runs', '50', '--seed', '1', '--stop-on-find');
  expect(found.status).toBe(1);
  expect(found.text).toContain('what was never sent is acknowledged');
  expect(found.text).toMatch(/^0 passed, 1 failed, 0 skipped$/m);

  const filed = filedRegressions(join(copy, 'fuzz/regressions'));
  expect(filed).toHaveLength(1);
  const { path, file } = filed[0];
  expect(path).toMatch(/tcp\/what-was-never-sent-is-acknowledged\.json$/);
  // The handshake alone shows it: nothing is left of the commands.
  expect((file.input as { commands: unknown[] }).commands).toHaveLength(0);

  // The exchange lies beside it: at least the SYN, and the answer that acknowledges too much.
  const capture = readFileSync(path.replace(/\.json$/, '.pcap'));
  expect(capture.readUInt32LE(0)).toBe(0xa1b2c3d4);
  expect(capture.length).toBeGreaterThan(24 + 2 * (16 + 40));

  // Found again it is recognised, and its seed and path lead to it.
  expect(fuzz('tcp', '--runs', '50', '--seed', '2', '--stop-on-find').text).toContain(`known as ${path}`);
  const shown = fuzz('--replay', path);
  expect(shown.status).toBe(1);
  expect(shown.text).toContain('Flags [S');

  const failing = ordinaryTest();
  expect(failing.status).toBe(1);
  expect(failing.text).toContain('what-was-never-sent-is-acknowledged');

  writeFileSync(join(copy, BROKEN), whole);
  expect(fuzz('--replay', path).status).toBe(0);
  expect(ordinaryTest().status).toBe(0);

  // The whole stack writes the script that a broken one fails, alone and in the ordinary tests.
  const script = path.replace(/\.json$/, '.pkt');
  const conform = (): number | null => node('dist/cli/main.js', 'conform', script).status;
  expect(fuzz('--replay', '--script', path).text).toContain(`wrote   ${script}`);
  expect(conform()).toBe(0);
  expect(ordinaryTest().status).toBe(0);
  writeFileSync(join(copy, BROKEN), whole.replace(anchor, '? (tcb.rcv.nxt + 1) >>> 0 : 0'));
  expect(conform()).toBe(1);
  expect(fuzz('--replay', '--script', path).text).toContain('this stack still fails');
});
