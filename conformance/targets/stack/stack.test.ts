import { describe, expect, it } from 'vitest';
import { runScript } from '../../runner/run.js';
import { StackTarget } from './index.js';

const target = (setup: ConstructorParameters<typeof StackTarget>[0]) => new StackTarget(setup);
const run = (text: string, options: object = {}) => runScript(text, { target, file: 'test.pkt', ...options });

const OPEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.02 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`;

describe('time', () => {
  it('is virtual: a day of it passes in no time, and the stack sees it', async () => {
    const began = performance.now();
    const result = await run(`${OPEN}+86400 < P. 1:101(100) ack 1 win 257\n+0 read(4, ..., 1000) = 100\n`);
    expect(result.reason).toBe('');
    expect(result.scriptMicroseconds).toBe(86_400_020_000);
    expect(performance.now() - began).toBeLessThan(2000);
  });

  it('gives the same bytes in two runs', async () => {
    const once = async () =>
      (await run(`${OPEN}+.1 write(4, ..., 5000) = 5000\n+0 > P. 1:5001(5000) ack 1\n`)).packets;
    const [a, b] = [await once(), await once()];
    expect(a.length).toBeGreaterThan(3);
    expect(a).toEqual(b);
  });

  it('passes in a sleeping command', async () => {
    const result = await run(`${OPEN}+.1 \`sleep 2\`\n+.1 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n`);
    expect(result.reason).toBe('');
    expect(result.scriptMicroseconds).toBe(2_220_000);
  });
});

describe('calls that block', () => {
  it('return when what they wait for has come', async () => {
    const result = await run(
      `${OPEN}+.1...0.32 read(4, ..., 1000) = 100\n+.2 < P. 1:101(100) ack 1 win 257\n`,
    );
    expect(result.reason).toBe('');
  });

  it('keep their time-outs', async () => {
    const text = `${OPEN}+.1...0.62 poll([{fd=4, events=POLLIN, revents=0}], 1, 500) = 0\n`;
    expect((await run(text)).reason).toBe('');
    expect((await run(text.replace('0.62', '0.52'))).reason).toContain('system call return');
  });
});

describe('commands', () => {
  it('set and read what they name, on the stack alone', async () => {
    const result = await run(`\`sysctl -q net.ipv4.tcp_sack=0
echo 0 > /proc/sys/net/ipv4/tcp_window_scaling
test "$(sysctl -n net.ipv4.tcp_sack)" = 0
ip route change 192.0.2.1 dev tun0 advmss 900
ethtool -K tun0 tso off gso off
tc qdisc replace dev tun0 root pfifo\`
${OPEN.replace('<...>', '<mss 900>').replace('win 257', 'win 30000')}+0 write(4, ..., 2000) = 2000
+0 > . 1:1001(1000) ack 1
+0 > P. 1001:2001(1000) ack 1
+0 \`nstat -az TcpPassiveOpens | grep -q TcpPassiveOpens\`
`);
    expect(result.reason).toBe('');
  });

  it.each([
    ['sysctl -q net.ipv4.no_such_thing=1', 'failed', 'no_such_thing'],
    ['rm -rf /', 'failed', ''],
    ['curl http://127.0.0.1/', 'failed', 'curl'],
    [
      'echo 1 > /sys/module/tcp_cubic/parameters/hystart_detect',
      'skipped',
      'hystart_detect with the value 1',
    ],
    ['ip route change 192.0.2.1 dev tun0 congctl vegas', 'skipped', 'congctl'],
    ['ethtool -K tun0 tls-hw-tx-offload on', 'skipped', 'tls-hw-tx-offload'],
    ['kldload -n cc_dctcp', 'skipped', "FreeBSD's command kldload"],
    ['tcpdrop -a', 'skipped', "FreeBSD's command tcpdrop"],
    ['sysctl net.inet.tcp.rexmit_min=200', 'skipped', "FreeBSD's sysctl net.inet.tcp.rexmit_min"],
  ])('%s: %s', async (command, verdict, message) => {
    const result = await run(`0 \`${command}\`\n`);
    expect([result.verdict, result.reason]).toEqual([verdict, expect.stringContaining(message)]);
  });

  it('list listeners as the kernel does', async () => {
    const result = await run(
      `${OPEN}+0 \`grep " 0A " /proc/net/tcp | grep "0100A8C0:1F90 00000000:0000"\`\n`,
    );
    expect(result.reason).toBe('');
    const v6 = await run(`${OPEN}+0 \`grep " 01 " /proc/net/tcp6 | grep ":1F90"\`\n`, { ipVersion: 'ipv6' });
    expect(v6.reason).toBe('');
  });
});

it('names a symbol of another system instead of calling it a mistake', async () => {
  const block = 'setsockopt(4, IPPROTO_TCP, TCP_FUNCTION_BLK, {function_set_name="rack", pcbcnt=0}, 36) = 0';
  const result = await run(`${OPEN}+0 ${block}\n`, { dialect: 'nplab' });
  expect([result.verdict, result.reason]).toEqual([
    'skipped',
    expect.stringContaining("FreeBSD's TCP_FUNCTION_BLK"),
  ]);
});

describe('structures', () => {
  it('come back as the script writes them', async () => {
    const result =
      await run(`${OPEN}+0 getsockname(4, {sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.168.0.1")}, ...) = 0
+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=3}, 8) = 0
+0 getsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=3}, [8]) = 0
+0 getsockopt(4, SOL_TCP, TCP_CONGESTION, "cubic\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00", [16]) = 0
+0 < P. 1:101(100) ack 1 win 257
+0 ioctl(4, SIOCINQ, [100]) = 0
+0 readv(4, [{..., 30}, {..., 40}], 2) = 70
+0 epoll_create(1) = 5
+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0
+0 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, 0) = 1
+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}, 0) = 30
+0 pipe([6, 7]) = 0
+0 write(7, ..., 5) = 5
+0 splice(6, NULL, 4, NULL, 5, 0) = 5
+0 close(9) = -1 EBADF (Bad file descriptor)
`);
    expect(result.failure?.span?.line).toBe(22);
    expect(result.reason).toContain('no open descriptor 9');
  });

  it('reads files that the script made, and no others', async () => {
    const made = `${OPEN}+0 \`dd if=/dev/zero of=/tmp/testfile bs=1 count=5 status=none\`
+0 open("/tmp/testfile", O_RDONLY) = 5
+0 sendfile(4, 5, [0], 5) = 5
+0 open("/etc/passwd", O_RDONLY) = -1 ENOENT (No such file or directory)
`;
    expect((await run(made)).reason).toBe('');
  });
});

describe('several ends', () => {
  it('are two connections of one listener, each with its own numbers', async () => {
    const [one, two] = ['192.0.2.1:5000', '192.0.2.7:5001'];
    const result = await run(`0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 2) = 0
+0 < ${one} > 8080 S 0:0(0) win 1000 <mss 1000>
+0 > 8080 > ${one} S. 0:0(0) ack 1 <mss 1460>
+0 < ${two} > 8080 S 10:10(0) win 1000 <mss 900>
+0 > 8080 > ${two} S. 0:0(0) ack 11 <mss 1460>
+0 < ${two} > 8080 . 1:1(0) ack 1 win 1000
+0 < ${one} > 8080 . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
+0 accept(3, ..., ...) = 5
+0 write(4, ..., 100) = 100
+0 write(5, ..., 200) = 200
+0 > 8080 > ${two} P. 1:101(100) ack 1
+0 > 8080 > ${one} P. 1:201(200) ack 1
`);
    expect(result.reason).toBe('');
  });

  it.each(['ipv4', 'ipv6'] as const)(
    'are datagrams and ICMP errors about them over %s',
    async (ipVersion) => {
      const text = `0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3
+0 connect(3, ..., ...) = 0
+0 write(3, ..., 100) = 100
+0 > udp (100)
+.1 < udp (50)
+0 read(3, ..., 1000) = 50
+.1 < icmp unreachable port_unreachable [udp(100)]
+0 write(3, ..., 10) = -1 ECONNREFUSED (Connection refused)
+0 close(3) = 0
+0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3
+0 bind(3, ..., ...) = 0
+.1 < udp (70) checksum bad
+.1 < udp (60)
+0 recvfrom(3, ..., 100, 0, ..., ...) = 60
`;
      expect((await run(text, { ipVersion })).reason).toBe('');
    },
  );
});

describe('the nplab dialect', () => {
  const text = `--tcp_md5_secret=secret
#ifdef LINUX
\`sysctl -q net.ipv4.tcp_timestamps=1\`
#else
\`no-such-command\`
#endif
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < (ttl 64, tos 0x00) S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1000 ecr 0,gen-200 0102>
+0 > (ttl 64, dscp cs0) S. 0:0(0) ack 1 <mss *,sackOK,TS val ... ecr 1000>
+0 < (dscp af41, ecn ect0) . 1:1(0) ack 1 win 65535 <nop,nop,TS val 1000 ecr 0!>
+0 accept(3, NULL, NULL) = 4
+0 send(4, ..., 100, 0) = 100
+0 > P. 1:101(100) ack 1 <nop,nop,TS val ... ecr 1000>
+0 < . 1:1(0) ack 101 win 65535 <nop,nop,TS val 1010 ecr 5!>
+0 < R 1:1(0)! win 0
+0 read(4, ..., 100) = -1 ECONNRESET (Connection reset by peer)
`;
  const nplab = { dialect: 'nplab', defines: { LINUX: '1' } };

  it('runs where the stack has what it asks for', async () => {
    expect((await run(text, nplab)).reason).toBe('');
    expect((await run(text, { dialect: 'nplab' })).reason).toContain('no-such-command');
    expect((await run(text)).reason).toContain('nplab');
  });

  it('is skipped by name where it has not', async () => {
    const udp = await run(`${OPEN}+0 < . 1:1(0) ack 1 win 65535 /udp(9899 > 9899)\n`, nplab);
    expect(udp).toMatchObject({
      verdict: 'skipped',
      reason: expect.stringContaining('tcp-over-udp (line 8)'),
    });
    const gre = await run(`${OPEN}+0 < ipv4 10.0.0.1 > 10.0.0.2: gre: . 1:1(0) ack 1 win 5\n`);
    expect(gre).toMatchObject({ verdict: 'skipped', reason: expect.stringContaining('encapsulation:ipv4') });
  });
});

it('closes twice and leaves nothing behind', () => {
  const one = new StackTarget({
    addresses: {
      wire: 'ipv4',
      socketFamily: 'AF_INET',
      local: '192.168.0.1',
      remote: '192.0.2.1',
      gateway: '192.168.0.1',
      prefix: 16,
      mtu: 1500,
    },
    file: 'x.pkt',
    speed: 0,
  });
  one.call('socket', [2, 1, 6]);
  expect(one.stack.usage().descriptors).toBe(1);
  one.close();
  one.close();
  expect(Object.values(one.stack.usage()).every((n) => n === 0)).toBe(true);
});
