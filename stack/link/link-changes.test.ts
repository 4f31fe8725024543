// Devices that cannot be had, and devices that change under a running stack.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { workerReport } from '../../test/worker-report.js';
import { lackOfTun, skipWithoutTun } from './require-tun.test.helper.js';

/** What `code` prints as a user without rights, or in another setting that `shell` makes before it. */
function child(code: string, shell?: string): string {
  const script = `
    import { TunLink } from ${JSON.stringify(new URL('./tun.js', import.meta.url).href)};
    import { PacketLink } from ${JSON.stringify(new URL('./packet.js', import.meta.url).href)};
    import { unshareNetwork } from ${JSON.stringify(new URL('./linux/namespace.js', import.meta.url).href)};
    const drop = () => { process.setgid(65534); process.setuid(65534); };
    try { ${code}; console.log('none'); } catch (error) { console.log(error.code, error.message); }`;
  const node = [process.execPath, '--input-type=module', '-e', script];
  const [command, ...args] =
    shell === undefined ? node : ['unshare', '-m', 'sh', '-c', `${shell}; exec "$@"`, 'sh', ...node];
  return spawnSync(command, args, { encoding: 'utf8' }).stdout.trim();
}

describe.skipIf(skipWithoutTun())(`links (skipped: ${lackOfTun()})`, () => {
  it('say what to do without rights', () => {
    expect(child("drop(); new TunLink({ kind: 'tap' })")).toMatch(
      /^(EPERM|EACCES) .*(CAP_NET_ADMIN|may this user)/,
    );
    expect(child("drop(); new PacketLink({ interface: 'lo' })")).toMatch(/^EPERM .*CAP_NET_RAW/);
    expect(child('drop(); unshareNetwork()')).toMatch(/^EPERM .*needs root/);
  });

  it('say what to do without a device', () => {
    const none = 'mount -t tmpfs none /dev/net 2>/dev/null';
    expect(child("new TunLink({ kind: 'tap' })", none)).toMatch(
      /^ENOENT .*modprobe tun.*--device \/dev\/net\/tun/,
    );
  });

  it('taken, gone, too small, changed: each is said, and what can go on goes on', async () => {
    const report = await workerReport(new URL('./link-changes-worker.test.helper.js', import.meta.url), {});
    expect(report).toEqual({
      taken: expect.stringMatching(/^EBUSY .*another program holds held/),
      otherKind: expect.stringMatching(/^EINVAL .*lo is there already and is no tap device/),
      longName: expect.stringMatching(/is longer than 15 bytes/),
      smallMtu: expect.stringMatching(/^EINVAL .*MTU 60 on small: IPv4 needs 68 bytes, IPv6 1280/),
      left: expect.stringMatching(/does not exist/),
      noOffload: expect.stringMatching(/ioctl TUNSETOFFLOAD: .*offload: false/),
      mtuSeen: true,
      routesLookedUpAgain: true,
      answersAfterDown: true,
      tapRemoved: expect.stringMatching(/^ENODEV interface tap0 was removed/),
      packetRemoved: expect.stringMatching(/^ENODEV interface near was removed/),
    });
  });
});
