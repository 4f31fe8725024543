// A failure's whole way: the stack is broken on purpose, the fuzzer finds it, shrinks it and files it; from then on the
// ordinary tests fail, until the stack is whole again and has written its exchange, which fails where it is broken again.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Break, BrokenCopy } from './broken-copy.test.helper.js';
import {
  type FiledRegression,
  filedRegressions,
  REGRESSIONS,
  readRegression,
  writeRegression,
} from './filing.js';

let copy: BrokenCopy;
beforeAll(() => {
  copy = new BrokenCopy();
}, 120_000);
afterAll(() => copy.remove());

const fuzz = (...args: string[]): { status: number | null; text: string } =>
  copy.node('dist/cli/main.js', 'fuzz', ...args);
const conform = (script: string): number | null => copy.node('dist/cli/main.js', 'conform', script).status;
/** The ordinary tests of what is filed, `name` alone. */
const ordinaryTest = (name: string): { status: number | null; text: string } =>
  copy.node(
    'node_modules/vitest/vitest.mjs',
    'run',
    'dist/fuzz/regressions.test.js',
    '-t',
    `filed regressions.*${name}`,
  );

/** Finds the one failure of `target` that `wrong` brings about, and files it. */
function find(target: string, wrong: Break, id: string): FiledRegression {
  copy.break(wrong);
  const found = fuzz(target, '--runs', '50', '--seed', '1', '--stop-on-find');
  expect(found.status).toBe(1);
  expect(found.text).toContain(id);
  expect(found.text).toMatch(/^0 passed, 1 failed, 0 skipped$/m);
  const filed = filedRegressions(join(copy.folder, 'fuzz/regressions', target));
  expect(filed).toHaveLength(1);
  expect(filed[0].path).toMatch(new RegExp(`${target}/${id.replaceAll(' ', '-')}\\.json$`));
  return filed[0];
}

/** From the file to the mended stack's capture and script, and back to the broken one. */
function mendAndBreakAgain(path: string, name: string, wrong: Break): void {
  const capture = path.replace(/\.json$/, '.pcap');
  const script = path.replace(/\.json$/, '.pkt');
  const failed = readFileSync(capture);
  expect(failed.readUInt32LE(0)).toBe(0xa1b2c3d4);
  const failing = ordinaryTest(name);
  expect(failing.status).toBe(1);
  expect(failing.text).toContain(name);

  copy.mend();
  expect(fuzz('--replay', path).status).toBe(0);
  // What lies beside it is still the exchange that failed.
  expect(ordinaryTest(name).text).toContain('the exchange is not the captured one');
  const written = fuzz('--replay', '--script', path);
  expect(written.text).toContain(`wrote   ${capture}`);
  expect(written.text).toContain(`wrote   ${script}`);
  expect(readFileSync(capture).equals(failed)).toBe(false);
  expect(conform(script)).toBe(0);
  expect(ordinaryTest(name).status).toBe(0);

  copy.break(wrong);
  expect(conform(script)).toBe(1);
  expect(ordinaryTest(name).status).toBe(1);
  expect(fuzz('--replay', '--script', path).text).toContain('this stack still fails');
  copy.mend();
}

test('one connection: a broken stack, a find, a file, a failing test, the fix, a pass', {
  timeout: 240_000,
}, () => {
  const wrong = {
    file: 'stack/tcp/transmit.ts',
    from: '? tcb.rcv.nxt : 0',
    to: '? (tcb.rcv.nxt + 1) >>> 0 : 0',
  };
  const { path, file } = find('tcp', wrong, 'what was never sent is acknowledged');
  // The handshake alone shows it: nothing is left of the commands.
  expect((file.input as { commands: unknown[] }).commands).toHaveLength(0);
  // The exchange lies beside it: at least the SYN, and the answer that acknowledges too much.
  expect(readFileSync(path.replace(/\.json$/, '.pcap')).length).toBeGreaterThan(24 + 2 * (16 + 40));
  // Found again it is recognised, and its seed and path lead to it.
  expect(fuzz('tcp', '--runs', '50', '--seed', '2', '--stop-on-find').text).toContain(`known as ${path}`);
  const shown = fuzz('--replay', path);
  expect(shown.status).toBe(1);
  expect(shown.text).toContain('Flags [S');
  mendAndBreakAgain(path, 'what-was-never-sent-is-acknowledged', wrong);
});

test('several hosts: the exchange is that of the end at which it showed', { timeout: 240_000 }, () => {
  const wrong = {
    file: 'stack/tcp/write.ts',
    from: 'const { cwnd } = tcb.cc;',
    to: 'const cwnd = tcb.cc.cwnd * 2;',
  };
  const { path, file } = find('network', wrong, 'more is in flight than the congestion window');
  expect(file.place?.host).toMatch(/^client \d$/);
  mendAndBreakAgain(path, 'more-is-in-flight-than-the-congestion-window', wrong);
});

test('another fault that breaks an invariant filed before is filed beside it', { timeout: 240_000 }, () => {
  const folder = join(copy.folder, 'fuzz/regressions/network');
  mkdirSync(folder, { recursive: true });
  const old = join(folder, 'a-fault-of-long-ago.json');
  // An older failure of the invariant that this break will be seen by, whose input meets no closed window.
  const file = readRegression(
    join(REGRESSIONS, 'network/a-neighbour-behind-a-partition-is-unreachable.json'),
  );
  writeRegression(old, { ...file, id: 'what waits is neither sent nor probed for' });
  copy.break({
    file: 'stack/tcp/timer-probe.ts',
    from: 'const result = writeWakeup(tcb, now, WIN_PROBE);',
    to: 'const result = tcb.orphan ? writeWakeup(tcb, now, WIN_PROBE) : 0;',
  });
  expect(fuzz('--replay', old).status).toBe(0);
  const found = fuzz('network', '--runs', '2000', '--seed', '1', '--stop-on-find').text;
  const path = /filed as (\S+)/.exec(found)?.[1] ?? found;
  expect(readRegression(path).id).toBe(readRegression(old).id);
  expect(fuzz('--replay', path).status).toBe(1);
  copy.mend();
  expect(fuzz('--replay', path).status).toBe(0);
});
