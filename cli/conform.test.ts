import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('./main.js', import.meta.url));
let folder = '';

const PASSES = '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 0\n';
const FAILS = '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 7\n';

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'netchannel-cli-'));
  mkdirSync(join(folder, 'set/deep'), { recursive: true });
  write('set/good.pkt', PASSES);
  write('set/deep/bad.pkt', FAILS);
  write('set/only-v6.pkt', PASSES);
  write('broken.pkt', '0 socket(..., SOCK_STREAM\n');
  write('named.pkt', `--ip_version=ipv6\n${PASSES}`);
  write('skips.pkt', `${PASSES}+0 cap_set(1, 2, 3) = 0\n`);
  write('echoed.pkt', `${PASSES}+0 < S 0:0(0) win 1000 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const ran = spawnSync(process.execPath, [main, 'conform', '--target', 'silent', ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 20_000,
  });
  return {
    status: ran.status,
    out: ran.stdout,
    err: ran.stderr,
    last: ran.stdout.trimEnd().split('\n').at(-1),
  };
}

describe('exit statuses', () => {
  it('are 0 for passes, 1 for failures, 2 for what cannot be run', () => {
    expect(run('set/good.pkt')).toMatchObject({ status: 0, last: '2 passed, 0 failed, 0 skipped' });
    expect(run('set')).toMatchObject({ status: 1, last: '3 passed, 2 failed, 0 skipped' });
    const broken = run('set/good.pkt', 'broken.pkt');
    expect(broken).toMatchObject({ status: 2, last: '2 passed, 2 failed, 0 skipped' });
    expect(broken.out).toMatch(/broken\.pkt:2:1: /);
    const missing = run('set/good.pkt', 'nowhere.pkt');
    expect(missing).toMatchObject({ status: 2, last: '2 passed, 0 failed, 0 skipped' });
    expect(missing.err).toContain('nowhere.pkt: no such file or folder');
    expect(run('skips.pkt')).toMatchObject({ status: 0, last: '0 passed, 0 failed, 2 skipped' });
  });

  it.each([
    [['--frob', 'set'], "unknown option '--frob'"],
    [['--reporter', 'lisst', 'set'], 'did you mean list?'],
    [['--ip-version', 'ipv5', 'set'], "unknown IP version 'ipv5'"],
    [['--jobs', '0', 'set'], '--jobs needs a number from 1'],
    [['--grep', '(', 'set'], '--grep:'],
    [['--grep', 'no such name', 'set'], 'no run is left'],
    [['--ip-version', 'ipv4', 'set/only-v6.pkt'], 'no run is left'],
    [['-D', 'X', 'set'], '-D needs NAME=VALUE'],
    [['--baseline', 'none', 'set'], 'no such file: none'],
    [['--update-baseline', 'set'], 'needs --baseline'],
    [['echoed.pkt', '--pcap', 'broken.pkt'], '--pcap:'],
    [['set', '--out', 'broken.pkt/x'], 'cannot write the report'],
    [[], "missing required argument 'paths'"],
    [['--target', 'stak', 'set'], 'did you mean stack?'],
  ])('%j is a usage error', (args, message) => {
    const ran = run(...args);
    expect([ran.status, ran.err]).toEqual([2, expect.stringContaining(message)]);
    expect(ran.err, 'a mistake is said in words, not by a stack trace').not.toMatch(/^ +at /m);
  });
});

describe('selection', () => {
  const scripts = (...args: string[]) =>
    run('--json', ...args)
      .out.trim()
      .split('\n')
      .map((l) => JSON.parse(l))
      .map((r) => `${r.script} ${r.ipVersion}`);

  it('follows names, option lines, versions and --grep', () => {
    expect(scripts('set')).toEqual([
      'set/deep/bad.pkt ipv4',
      'set/deep/bad.pkt ipv6',
      'set/good.pkt ipv4',
      'set/good.pkt ipv6',
      'set/only-v6.pkt ipv6',
    ]);
    expect(scripts('set/good.pkt', '--ip-version', 'all')).toHaveLength(3);
    expect(scripts('set/good.pkt', '--ip_version=ipv4')).toEqual(['set/good.pkt ipv4']);
    expect(scripts('named.pkt')).toEqual(['named.pkt ipv6']);
    expect(scripts('set', '--grep', 'good.*ipv6')).toEqual(['set/good.pkt ipv6']);
    expect(scripts('set', '--bail')).toEqual(['set/deep/bad.pkt ipv4']);
  });

  it('gives the same order over threads', () => {
    for (let i = 0; i < 60; i++) write(`set/deep/n${String(i).padStart(2, '0')}.pkt`, i % 3 ? PASSES : FAILS);
    const rows = (jobs: string) =>
      run('--json', '--jobs', jobs, 'set/deep').out.replace(/"milliseconds":[\d.]+/g, '');
    expect(rows('2')).toBe(rows('1'));
    for (let i = 0; i < 60; i++) rmSync(join(folder, `set/deep/n${String(i).padStart(2, '0')}.pkt`));
  });
});

describe('lists of verdicts', () => {
  it('turn known failures into passes and new passes into failures', () => {
    write('known', 'deep/bad.pkt  # on purpose\ngood.pkt ipv6\n');
    const ran = run('set', '--expect-fail', 'known');
    expect(ran).toMatchObject({ status: 1, last: '4 passed, 1 failed, 0 skipped' });
    expect(ran.out).toContain('set/good.pkt (ipv6)  [unexpected pass');
    write('known', 'deep/bad.pkt\n');
    expect(run('set', '--expect-fail', 'known').status).toBe(0);
    write('known', 'deep/bad.pkt ipv9\n');
    expect(run('set', '--expect-fail', 'known')).toMatchObject({ status: 2 });
  });

  it('are written as a baseline and compared with it', () => {
    expect(run('set', '--baseline', 'base', '--update-baseline').status).toBe(0);
    expect(readFileSync(join(folder, 'base'), 'utf8').split('\n').slice(1)).toEqual([
      'failed ipv4 deep/bad.pkt',
      'failed ipv6 deep/bad.pkt',
      'passed ipv4 good.pkt',
      'passed ipv6 good.pkt',
      'passed ipv6 only-v6.pkt',
      '',
    ]);
    expect(run('set', '--baseline', 'base')).toMatchObject({
      status: 0,
      last: '3 passed, 2 failed, 0 skipped',
    });
    write('set/good.pkt', FAILS);
    const worse = run('set', '--baseline', 'base');
    write('set/good.pkt', PASSES);
    expect(worse.status).toBe(1);
    expect(worse.out).toContain('changed set/good.pkt (ipv4): passed -> failed');
    expect(worse.out).toContain('baseline: 2 worse, 0 better');
    write('set/deep/bad.pkt', PASSES);
    const better = run('set', '--baseline', 'base');
    write('set/deep/bad.pkt', FAILS);
    expect([better.status, better.out]).toEqual([0, expect.stringContaining('baseline: 0 worse, 2 better')]);
  });
});

describe('--watch', () => {
  it('runs again when a script changes, until it is interrupted', async () => {
    const child = spawn(
      process.execPath,
      [main, 'conform', '--target', 'silent', '--watch', 'set/good.pkt'],
      { cwd: folder },
    );
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    const passes = async (count: number): Promise<void> => {
      const end = Date.now() + 10_000;
      while (out.split(' skipped\n').length - 1 < count && Date.now() < end) await setTimeout(20);
    };
    await passes(1);
    await setTimeout(200);
    write('set/good.pkt', FAILS);
    await passes(2);
    write('set/good.pkt', PASSES);
    child.kill('SIGINT');
    const status = await new Promise((resolve) => child.on('exit', resolve));
    const summaries = out.match(/\d+ passed, \d+ failed/g)!;
    expect(summaries.slice(0, 2)).toEqual(['2 passed, 0 failed', '0 passed, 2 failed']);
    expect([0, 1]).toContain(status);
  });
});

describe('output', () => {
  it('goes to files, and the summary stays off a machine format', () => {
    const ran = run(
      'set',
      '--reporter',
      'dot',
      '--reporter',
      'junit=out/r.xml',
      '--reporter',
      'html',
      '--out',
      'out/r.html',
    );
    expect(ran.last).toBe('3 passed, 2 failed, 0 skipped');
    expect(readFileSync(join(folder, 'out/r.xml'), 'utf8')).toContain('<testsuites');
    expect(readFileSync(join(folder, 'out/r.html'), 'utf8')).toContain('</html>');
    const tap = run('set', '--reporter', 'tap');
    expect(tap.out).toMatch(/^TAP version 13/);
    expect(tap.err).toContain('3 passed, 2 failed, 0 skipped');
  });

  it('writes captures that tshark reads', () => {
    const ran = run('echoed.pkt', '--target', 'echo', '--pcap', 'caps', '--ip-version', 'all');
    expect(ran.status).toBe(1);
    for (const version of ['ipv4', 'ipv4-mapped-ipv6', 'ipv6']) {
      const file = join(folder, `caps/echoed_${version}.pcap`);
      expect(existsSync(file)).toBe(true);
      const read = spawnSync(
        'tshark',
        ['-r', file, '-T', 'fields', '-e', 'tcp.flags', '-e', '_ws.malformed'],
        {
          encoding: 'utf8',
        },
      );
      if (read.error) {
        expect(process.env.NETCHANNEL_REQUIRE_TSHARK).toBeUndefined();
        continue;
      }
      expect(
        read.stdout
          .trim()
          .split('\n')
          .map((l) => l.trim()),
      ).toEqual(['0x0002', '0x0002']);
    }
  });

  it('parses without running', () => {
    expect(run('set', '--parse-only')).toMatchObject({ status: 0, last: '3 passed, 0 failed, 0 skipped' });
    const broken = run('broken.pkt', '--parse-only');
    expect([broken.status, broken.last]).toEqual([2, '0 passed, 1 failed, 0 skipped']);
  });

  it('has a help and a version', () => {
    const help = spawnSync(process.execPath, [main, 'conform', '--help'], { encoding: 'utf8' });
    expect([help.status, help.stdout]).toEqual([
      0,
      expect.stringContaining('--tolerance-usecs, --tolerance_usecs'),
    ]);
    const version = spawnSync(process.execPath, [main, '--version'], { encoding: 'utf8' });
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+/);
    expect(spawnSync(process.execPath, [main, 'conforn'], { encoding: 'utf8' }).status).toBe(2);
  });
});
