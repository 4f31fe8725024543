import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lackOfTun, skipWithoutTun } from '../../stack/link/require-tun.test.helper.js';
import { runScript } from '../runner/run.js';
import { LinuxTarget } from './linux.js';

// Tolerance is wide: what is asked here is what the kernel does, not how fast this machine is at the moment.
const run = (text: string, ipVersion: 'ipv4' | 'ipv6') =>
  runScript(`--tolerance_usecs=500000\n${text}`, {
    target: (setup) => new LinuxTarget(setup),
    ipVersion,
  });

const HYSTART = '/sys/module/tcp_cubic/parameters/hystart_detect';

const accept = `
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
   +0 bind(3, ..., ...) = 0
   +0 listen(3, 1) = 0
   +0 < S 0:0(0) win 32792 <mss 1000>
   +0 > S. 0:0(0) ack 1 <mss 1460>
  +.1 < . 1:1(0) ack 1 win 32792
   +0 accept(3, ..., ...) = 4
`;

describe.skipIf(skipWithoutTun())(`the kernel as a target (skipped: ${lackOfTun()})`, () => {
  it.each(['ipv4', 'ipv6'] as const)('accepts, reads, writes and reports over %s', async (version) => {
    const text = `${accept}
   +0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
   +0 read(4, ..., 100) = -1 EAGAIN (Resource temporarily unavailable)
   +0 < P. 1:101(100) ack 1 win 32792
   +0 > . 1:1(0) ack 101
   +0 read(4, ..., 1000) = 100
   +0 write(4, ..., 1000) = 1000
   +0 > P. 1:1001(1000) ack 101
   +0 %{ assert tcpi_unacked == 1, tcpi_unacked; assert tcpi_snd_mss == 1000 }%
  +.1 < . 101:101(0) ack 1001 win 32792
   +0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
   +0 < R. 101:101(0) ack 1001 win 32792
   +0 read(4, ..., 100) = -1 ECONNRESET (Connection reset by peer)`;
    expect(await run(text, version)).toMatchObject({ verdict: 'passed', reason: '' });
  });

  it('lets one call block while the script goes on', async () => {
    const text = `${accept}
   +0...0.4 read(4, ..., 2000) = 500
  +.2 < P. 1:501(500) ack 1 win 32792
   +0 > . 1:1(0) ack 501
   +0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1
   +0 close(4) = 0
   +0 > F. 1:1(0) ack 501`;
    expect(await run(text, 'ipv4')).toMatchObject({ verdict: 'passed', reason: '' });
  });

  it('sends and receives messages, and runs commands on its own namespace only', async () => {
    const text = `
\`sysctl -q net.ipv4.tcp_timestamps=0\`
${accept}
   +0 sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 300}, {..., 200}], msg_flags=0}, 0) = 500
   +0 > P. 1:501(500) ack 1
   +0 \`ip route change default dev tun0 2>/dev/null || true\``;
    const result = await run(text, 'ipv4');
    expect(result).toMatchObject({ verdict: 'passed', reason: '' });
  });

  it('opens files that commands of the script made, and none of the host is written', async () => {
    const name = `/tmp/netchannel-linux-target-${process.pid}`;
    const text = `
\`dd bs=1 count=5 if=/dev/zero of=${name} status=none\`
${accept}
   +0 open("${name}", O_RDONLY) = 5
   +0 sendfile(4, 5, [0], 5) = 5
   +0 > P. 1:6(5) ack 1
   +0 open("${name}-missing", O_RDONLY) = -1 ENOENT (No such file or directory)`;
    expect(await run(text, 'ipv4')).toMatchObject({ verdict: 'passed', reason: '' });
    expect(existsSync(name)).toBe(false);
  });

  it('says where the kernel differs', async () => {
    const text = `${accept}
   +0 write(4, ..., 1000) = 1000
   +0 > P. 1:1001(1000) ack 2`;
    const result = await run(text, 'ipv4');
    expect(result.verdict).toBe('failed');
    expect(result.failure).toMatchObject({ kind: 'packet', expected: '2', actual: '1' });
  });

  it.skipIf(!existsSync(HYSTART))('takes a command that changes nothing of the whole machine', async () => {
    const now = readFileSync(HYSTART, 'latin1').trim();
    expect(await run(`\`echo ${now} > ${HYSTART}\`\n${accept}`, 'ipv4')).toMatchObject({ reason: '' });
    const result = await run(`\`echo ${1 + (Number(now) % 3)} > ${HYSTART}\`\n${accept}`, 'ipv4');
    expect(result.reason).toContain('tcp_cubic.hystart_detect belongs to the whole machine');
    expect(readFileSync(HYSTART, 'latin1').trim()).toBe(now);
  });

  it('ends while a call blocks', async () => {
    const text = `
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 bind(3, ..., ...) = 0
   +0 listen(3, 1) = 0
   +0...9 accept(3, ..., ...) = 4
   +0 < S 0:0(0) win 32792 <mss 1000>
   +0 > S. 5:5(0) ack 1 <mss 7>`;
    const began = performance.now();
    expect(await run(text, 'ipv4')).toMatchObject({ verdict: 'failed' });
    expect(performance.now() - began).toBeLessThan(9000);
  });
});
