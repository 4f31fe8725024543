// `netchannel replay` and `convert` as a user runs them: output, exit statuses, files.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const corpus = join(root, 'captures/corpus');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'netchannel-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function netchannel(...args: string[]) {
  const ran = spawnSync(process.execPath, [join(root, 'dist/cli/main.js'), ...args], { encoding: 'utf8' });
  return { status: ran.status, out: ran.stdout, err: ran.stderr };
}

describe('netchannel replay', () => {
  it('replays a capture in both roles and ends with the totals', () => {
    const { status, out } = netchannel('replay', join(corpus, 'http-curl.pcap'));
    expect(status).toBe(0);
    expect(out).toMatch(/^passed .*stream 0 as client .*\n/);
    expect(out).toMatch(/\n2 passed, 0 failed, 0 skipped\n$/);
  });

  it('takes one stream and one role, as JSON, and writes a page', () => {
    const page = join(folder, 'report.html');
    const { status, out, err } = netchannel(
      'replay',
      join(corpus, 'http-two-in-a-row.pcap'),
      '--stream',
      '1',
      '--as',
      'server',
      '--json',
      '--html',
      page,
    );
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ stream: 1, role: 'server', verdict: 'passed' });
    expect(err).toBe('1 passed, 0 failed, 0 skipped\n');
    expect(readFileSync(page, 'utf8')).toContain('<title>1 passed, 0 failed, 0 skipped</title>');
  });

  it('says what is wrong with what it is given', () => {
    const bad = join(folder, 'bad.pcap');
    writeFileSync(bad, 'this is no capture');
    for (const [args, message] of [
      [['/nonexistent'], /no such file or folder/],
      [[bad], /unknown magic number/],
      [[join(corpus, 'http-curl.pcap'), '--stream', 'x'], /--stream: a number or all/],
      [[join(corpus, 'http-curl.pcap'), '--as', 'nobody'], /Allowed choices are client, server, both/],
    ] as const) {
      const { status, err } = netchannel('replay', ...args);
      expect(err).toMatch(message);
      expect(status).toBe(2);
    }
  });
});

describe('netchannel convert', () => {
  it('makes a script that conform runs', () => {
    const script = join(folder, 'x.pkt');
    expect(netchannel('convert', join(corpus, 'loss-one.pcap'), '-o', script).status).toBe(0);
    const { status, out } = netchannel('conform', script, '--ip-version', 'ipv4');
    expect(out).toMatch(/1 passed, 0 failed, 0 skipped\n$/);
    expect(status).toBe(0);
  });

  it('makes an anonymous capture that replays as well', () => {
    const to = join(folder, 'x.pcapng');
    const made = netchannel('convert', join(corpus, 'http-curl-ipv6.pcap'), '--anonymise', '-o', to);
    expect(made).toMatchObject({ status: 0, err: expect.stringContaining('anonymous') });
    expect(readFileSync(to).includes('GET /page.html')).toBe(false);
    expect(netchannel('replay', to).out).toMatch(/2001:db8::1.*\n(.*\n)*2 passed, 0 failed, 0 skipped\n$/);
  });

  it('refuses what makes no sense', () => {
    expect(netchannel('convert', join(corpus, 'http-curl.pcap'), '--anonymise')).toMatchObject({
      status: 2,
      err: expect.stringContaining('name one with -o'),
    });
    expect(netchannel('convert', join(corpus, 'http-curl.pcap'), '--stream', '9')).toMatchObject({
      status: 2,
      err: expect.stringContaining('no stream 9'),
    });
  });
});
