// `netchannel stats` as a user runs it: which counters it prints, in which form, with which exit status.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const script = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+1 > S. 0:0(0) ack 1 <...>
`;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'netchannel-cli-'));
  writeFileSync(join(folder, 'good.pkt'), script);
  writeFileSync(join(folder, 'bad.pkt'), `${script}+0 > R 9:9(0)\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function stats(...args: string[]) {
  const ran = spawnSync(process.execPath, [join(root, 'dist/cli/main.js'), 'stats', ...args], {
    encoding: 'utf8',
    cwd: folder,
  });
  return { status: ran.status, out: ran.stdout, err: ran.stderr };
}

describe('netchannel stats', () => {
  it('prints what moved', () => {
    const { status, out } = stats('good.pkt');
    expect(status).toBe(0);
    expect(out).toMatch(/^TcpRetransSegs +1$/m);
    expect(out).not.toContain('TcpExtTCPTimeouts');
  });

  it('only what is asked for, zeros too, as JSON', () => {
    const { out } = stats(
      'good.pkt',
      'TcpExtTCPSyn*',
      'Tcp*Segs',
      '--zeros',
      '--json',
      '--ip-version',
      'ipv6',
    );
    // The SYN, and the reset by which the runner ends what is open.
    const found = JSON.parse(out) as Record<string, number>;
    expect(found).toMatchObject({ TcpInSegs: 2, TcpOutSegs: 2, TcpRetransSegs: 1, TcpExtTCPSynRetrans: 1 });
    expect(Object.keys(found).every((name) => /^(Tcp.*Segs|TcpExtTCPSyn.*)$/.test(name))).toBe(true);
  });

  it('says that the script failed, or is not there', () => {
    const failed = stats('bad.pkt', 'TcpInSegs');
    expect([failed.status, failed.out]).toEqual([1, `${'TcpInSegs'.padEnd(31)} 1\n`]);
    expect(failed.err).toContain('bad.pkt');
    expect(stats('none.pkt').status).toBe(2);
    expect(stats('good.pkt', '--ip-version', 'ipv5').status).toBe(2);
  });
});
