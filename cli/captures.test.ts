// `netchannel replay` and `convert` as a user runs them: output, exit statuses, files.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileHeader, record } from '../stack/link/pcap-format.js';

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

  it('takes captures in a folder by what they begin with, and goes on behind one that cannot be read', () => {
    const all = mkdtempSync(join(folder, 'all-'));
    const capture = readFileSync(join(corpus, 'http-curl.pcap'));
    writeFileSync(join(all, 'a.pcap'), 'this is no capture');
    writeFileSync(join(all, 'b.trace'), capture);
    writeFileSync(join(all, 'c.PCAP.1'), gzipSync(capture));
    writeFileSync(join(all, 'd.cap'), fileHeader(1));
    writeFileSync(join(all, 'README.md'), 'nothing to read');
    writeFileSync(join(all, 'notes.gz'), gzipSync('nothing to read'));
    const { status, out, err } = netchannel('replay', all);
    expect(status).toBe(2);
    expect(err).toMatch(/a\.pcap: unknown magic number/);
    expect(err).toMatch(/d\.cap: no TCP stream in it/);
    expect(out).toMatch(/\n4 passed, 0 failed, 1 skipped\n$/);
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

describe('netchannel streams', () => {
  const curl = join(corpus, 'http-curl.pcap');

  it('lists streams, from a file or a pipe, in gzip or not', () => {
    const listed = netchannel('streams', curl);
    expect(listed.out).toMatch(
      /^stream 0 {2}10\.99\.0\.1:\d+ > 10\.99\.0\.2:8123 {2}\d+ packets {2}\d+ bytes >, \d+ <\n$/,
    );
    const main = join(root, 'dist/cli/main.js');
    const piped = spawnSync(process.execPath, [main, 'streams', '-', '--json'], {
      input: gzipSync(readFileSync(curl)),
      encoding: 'utf8',
    });
    const { ends } = JSON.parse(piped.stdout);
    const answer = spawnSync(process.execPath, [main, 'streams', curl, '--stream', '0', '--from', 'server']);
    const text = answer.stdout.toString('latin1');
    expect([text.slice(0, 17), text.slice(-9004)]).toEqual([
      'HTTP/1.0 200 OK\r\n',
      `\r\n\r\n${'x'.repeat(9000)}`,
    ]);
    expect(createHash('sha256').update(answer.stdout).digest('hex')).toBe(ends[1].sha256);
  });

  it('says what it could not read', () => {
    const strange = join(folder, 'strange.pcap');
    writeFileSync(
      strange,
      Buffer.concat([fileHeader(147), record({ seconds: 1, nanoseconds: 0 }, new Uint8Array(9))]),
    );
    expect(netchannel('streams', strange)).toEqual({
      status: 0,
      out: '',
      err: 'netchannel streams: 1 frames of link type 147 cannot be read\n',
    });
    const cut = join(folder, 'cut.pcap');
    writeFileSync(cut, readFileSync(curl).subarray(0, -5));
    const { status, out, err } = netchannel('streams', cut);
    expect([status, out]).toEqual([2, expect.stringMatching(/^stream 0 /)]);
    expect(err).toMatch(/cut\.pcap: the file ends inside record/);
    expect(netchannel('streams', curl, '--from', 'client').status).toBe(2);
    expect(netchannel('streams', curl, '--stream', '7').status).toBe(2);
  });
});

describe('netchannel convert', () => {
  it('says when its script does not pass, and writes it all the same', () => {
    const script = join(folder, 'untold.pkt');
    const args = [join(corpus, 'reordering.pcap'), '--as', 'client', '-o', script];
    const told = netchannel('convert', ...args);
    expect(told.status).toBe(1);
    expect(told.err).toMatch(/does not pass on this stack: .*untold\.pkt:\d+/);
    expect(readFileSync(script, 'utf8')).toContain('Made by netchannel convert');
    expect(netchannel('convert', ...args, '--no-run').status).toBe(0);
    const begins = [join(corpus, 'begins-mid-stream.pcap'), '--as', 'client', '-o', script];
    const lacking = netchannel('convert', ...begins);
    expect(lacking.status).toBe(1);
    expect(lacking.err).toMatch(/note: .* handshake is made up.*capture lacks too much .*untold\.pkt:\d+/s);
  });

  it('says on whose ticks a script passes that the usual ones fail', () => {
    const { status, err } = netchannel('convert', join(corpus, 'reordering.pcap'));
    expect(status).toBe(0);
    expect(err).toMatch(/HZ=250: --target stack:hz=250\n$/);
  });

  it('makes scripts of all streams, and a line about each', () => {
    const scripts = join(folder, 'scripts');
    const all = ['--stream', 'all', '--as', 'both', '-o', scripts];
    const made = netchannel('convert', join(corpus, 'port-reused.pcap'), ...all);
    expect(made).toMatchObject({ status: 0, err: '' });
    expect(made.out).toMatch(
      /^(passed {2}.*stream-[0-2]-(client|server)\.pkt\n){6}6 scripts pass, 0 do not, 0 /,
    );
    expect(readFileSync(join(scripts, 'stream-2-server.pkt'), 'utf8')).toContain('as server:');
    // The beginning is missing: one side passes nevertheless.
    const begins = netchannel('convert', join(corpus, 'begins-mid-stream.pcap'), ...all);
    expect(begins.status).toBe(1);
    expect(begins.out).toMatch(
      /failed .*stream-0-client\.pkt:\d+:\d+: .* \(the capture lacks too much\)\npassed .*\n1 scripts pass, 1 do not/,
    );
    // A capture that breaks off: what came before is converted.
    const cut = join(folder, 'cut.pcap');
    writeFileSync(cut, Buffer.concat([readFileSync(join(corpus, 'http-curl.pcap')), Buffer.alloc(16, 0xff)]));
    const broken = netchannel('convert', cut, ...all);
    expect(broken.status).toBe(2);
    expect(broken.out).toMatch(/2 scripts pass/);
    expect(broken.err).toMatch(/^netchannel convert: .*cut\.pcap/);
    expect(netchannel('convert', cut, '-o', join(folder, 'x.pkt'))).toMatchObject({ status: 2 });
    expect(netchannel('convert', cut, '--stream', 'all').err).toMatch(/name a folder with -o/);
  });

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
    const usb = join(folder, 'usb.pcap');
    writeFileSync(
      usb,
      Buffer.concat([fileHeader(189), record({ seconds: 1, nanoseconds: 0 }, new Uint8Array(60))]),
    );
    expect(netchannel('convert', usb).err).toMatch(/1 frames of link type 189 .*\n.*no stream 0/);
  });
});
