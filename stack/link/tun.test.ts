import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { workerReport } from '../../test/worker-report.js';
import { lackOfTun, skipWithoutTun } from './require-tun.test.helper.js';

const run = (kind: 'tun' | 'tap', offload: boolean): Promise<Record<string, unknown>> =>
  workerReport(new URL('./tun-worker.test.helper.js', import.meta.url), { kind, offload });

describe.skipIf(skipWithoutTun())(`a real device (skipped: ${lackOfTun()})`, () => {
  it.each([true, false])('tun: the kernel answers a ping, offload %s', async (offload) => {
    const report = await run('tun', offload);
    expect(report).toMatchObject({ mtu: 1400, sent: 1, length: 32, woken: true, taken: 'EBUSY' });
    expect(report.reply).toMatch(/^0000....0007000901020304$/);
  });

  it('tap: the kernel answers an ARP request', async () => {
    const report = await run('tap', true);
    expect(report).toMatchObject({ sent: 1, reply: '10.77.0.1', differs: true, woken: true, taken: 'EBUSY' });
  });

  it('says what to do without the right', () => {
    const script = `
      import { TunLink } from ${JSON.stringify(new URL('./tun.js', import.meta.url).href)};
      process.setgid(65534); process.setuid(65534);
      try { new TunLink({ kind: 'tun' }); } catch (error) { console.log(error.code, error.message); }`;
    const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(ran.stdout).toMatch(/^(EPERM|EACCES) .*(CAP_NET_ADMIN|may this user open it)/);
  });
});
