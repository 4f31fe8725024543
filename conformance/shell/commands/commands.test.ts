import { describe, expect, test } from 'vitest';
import { fakeHost } from '../fake-host.test.support.js';
import { Shell } from '../shell.js';

const place = { file: 'x.pkt', line: 1 };

function logOf(text: string): unknown[][] {
  const host = fakeHost();
  expect(new Shell(host).runOrFail(text, place).stdout).toBe('');
  return host.log;
}

const refused = (text: string) => expect(() => logOf(text), text).toThrow(/^x\.pkt:1: /);

describe('sysctl', () => {
  const run = (text: string) => {
    const host = fakeHost({ 'net.ipv4.a': '1', 'net.ipv4.conf.eth0/1.b': '2' });
    return { host, ...new Shell(host).run(text, place) };
  };

  test('shows and sets, names with dots and slashes', () => {
    expect(run('sysctl net.ipv4.a').stdout).toBe('net.ipv4.a = 1\n');
    expect(run('sysctl -n net/ipv4/a').stdout).toBe('1\n');
    expect(run('sysctl -w net.ipv4.a=5').stdout).toBe('net.ipv4.a = 5\n');
    const { stdout, host } = run('sysctl -q net/ipv4/a="4 5" net/ipv4/conf/eth0.1/b=3');
    expect([stdout, ...host.sysctls.values()]).toEqual(['', '4 5', '3']);
    expect(run('echo 7 > /proc/sys/net/ipv4/a; cat /proc/sys/net/ipv4/a').stdout).toBe('7\n');
    expect(run('cat /proc/sys/net/ipv4/conf/eth0.1/b').stdout).toBe('2\n');
  });

  test('an unknown name fails, except with -e; the others are still set', () => {
    const { status, stderr, host } = run('sysctl -q net.none=1 net.ipv4.a=3');
    expect([status, host.sysctls.get('net.ipv4.a')]).toEqual([255, '3']);
    expect(stderr).toBe('sysctl: cannot stat /proc/sys/net/none: No such file or directory\n');
    expect(run('sysctl -e -q net.none=1').status).toBe(0);
    expect(run('echo 1 > /proc/sys/net/none').status).toBe(1);
  });
});

describe('ip', () => {
  test('routes with metrics', () => {
    const [first, second] = logOf(
      'ip route change 192.0.2.1 via 192.168.0.2 dev tun0 advmss 600 mtu lock 640 initcwnd 11; ' +
        'ip -6 route replace 2001:db8::1/64 via inet6 fd3d::1 dev tun0 mtu 1500 rto_min 5ms quickack 1 congctl cubic proto static',
    );
    expect(first).toMatchObject([
      'route',
      {
        operation: 'change',
        family: 4,
        destination: '192.0.2.1',
        via: '192.168.0.2',
        device: 'tun0',
        advmss: { value: 600, lock: false },
        mtu: { value: 640, lock: true },
        initcwnd: 11,
        initrwnd: null,
        quickack: null,
      },
    ]);
    expect(second).toMatchObject([
      'route',
      {
        family: 6,
        via: 'fd3d::1',
        mtu: { lock: false },
        rtoMin: 5000,
        quickack: true,
        congestionControl: 'cubic',
      },
    ]);
  });

  test('link, address, metrics', () => {
    expect(
      logOf(
        'ip link set dev tun0 mtu 1400 up; ip link set tun0 gso_max_size 5; ip addr add 1.2.3.4/24 dev tun0; ' +
          'ip tcp_metrics flush all > /dev/null 2>&1; ip tcp_metrics delete 1.2.3.4',
      ),
    ).toMatchObject([
      ['link', { device: 'tun0', mtu: 1400, up: true, gsoMaxSize: null }],
      ['link', { device: 'tun0', mtu: null, gsoMaxSize: 5 }],
      ['address', { operation: 'add', address: '1.2.3.4', prefix: 24, device: 'tun0' }],
      ['flush', null],
      ['flush', '1.2.3.4'],
    ]);
  });

  test('what it does not know is refused, nothing is guessed', () => {
    for (const text of [
      'ip',
      'ip netns add x',
      'ip route show',
      'ip route add',
      'ip route add 1.2.3.4 frobnicate 5',
      'ip route add 1.2.3.4 mtu',
      'ip route add 1.2.3.4 mtu big',
      'ip link show',
      'ip link set tun0',
      'ip link set tun0 alias x',
      'ip addr add x dev tun0',
      'ip addr add 1.2.3.4',
      'ip tcp_metrics show',
      'ip -s route add 1.2.3.4',
    ]) {
      refused(text);
    }
  });
});

describe('tc, ethtool', () => {
  test('queue disciplines', () => {
    expect(
      logOf(
        'tc qdisc replace dev tun0 root pfifo limit 0; tc qdisc del dev tun0 root 2>/dev/null; ' +
          'tc qdisc add dev tun0 root handle 1: fq flow_limit 5',
      ),
    ).toEqual([
      [
        'qdisc',
        { operation: 'replace', device: 'tun0', kind: 'pfifo', handle: null, parameters: ['limit', '0'] },
      ],
      ['qdisc', { operation: 'delete', device: 'tun0', kind: null, handle: null, parameters: [] }],
      [
        'qdisc',
        { operation: 'add', device: 'tun0', kind: 'fq', handle: '1:', parameters: ['flow_limit', '5'] },
      ],
    ]);
    const failed = new Shell(fakeHost()).run('tc qdisc add dev tun0 root no_such', place);
    expect([failed.status, failed.stderr]).toEqual([1, 'tc: Specified qdisc kind is unknown.\n']);
    for (const text of [
      'tc filter add',
      'tc qdisc show',
      'tc qdisc add dev tun0 pfifo',
      'tc qdisc add root pfifo',
    ]) {
      refused(text);
    }
    refused('tc qdisc add dev tun0 root');
    refused('tc qdisc add dev tun0 parent 1: pfifo');
  });

  test('device features', () => {
    expect(logOf('ethtool -K tun0 gso off tso on')).toEqual([
      ['feature', 'tun0', 'gso', false],
      ['feature', 'tun0', 'tso', true],
    ]);
    for (const text of [
      'ethtool tun0',
      'ethtool -K tun0',
      'ethtool -K tun0 gso',
      'ethtool -K tun0 gso maybe',
    ]) {
      refused(text);
    }
  });
});

describe('nstat and grep', () => {
  test('counters since the last time', () => {
    const host = fakeHost();
    const shell = new Shell(host);
    const matches = (text: string) => shell.run(text, place).status === 0;
    host.counterValues = { TcpExtA: 1, TcpExtZero: 0 };
    expect(matches('nstat > /dev/null')).toBe(true);
    expect(matches('nstat | grep TcpExtA > /dev/null')).toBe(false);
    host.counterValues = { TcpExtA: 3, TcpExtZero: 0 };
    expect(shell.run('nstat', place).stdout).toBe(`#kernel\n${'TcpExtA'.padEnd(31)} ${'2'.padEnd(18)} 0.0\n`);
    expect(shell.run('nstat -az "TcpExt*"', place).stdout.split('\n')).toHaveLength(4);
    expect(() => shell.run('nstat --json', place)).toThrow(/not supported/);
  });

  test('grep', () => {
    const shell = new Shell(fakeHost());
    const grep = (args: string) => {
      const { stdout, status } = shell.run(`cat /tmp/in | grep ${args}`, place);
      return [stdout, status];
    };
    shell.run('printf "one 1\\ntwo 2\\nTWO\\na+b\\n" > /tmp/in', place);
    expect(grep('two')).toEqual(['two 2\n', 0]);
    expect(grep('-i two')).toEqual(['two 2\nTWO\n', 0]);
    expect(grep('-c -i two')).toEqual(['2\n', 0]);
    expect(grep('-v "[a-z]"')).toEqual(['TWO\n', 0]);
    expect(grep('-o "^o.."')).toEqual(['one\n', 0]);
    expect(grep('"a+b"')).toEqual(['a+b\n', 0]);
    expect(grep('-E "^t|1$"')).toEqual(['one 1\ntwo 2\n', 0]);
    expect(grep('-F "."')).toEqual(['', 1]);
    expect(grep('-w tw')).toEqual(['', 1]);
    expect(grep('-q one')).toEqual(['', 0]);
    const files = shell.run('grep " 0A" /proc/net/tcp /proc/net/tcp6 | grep ":1F90"', place);
    expect([files.status, files.stdout]).toEqual([0, '/proc/net/tcp: 0: 0100007F:1F90 00000000:0000 0A\n']);
    expect(shell.run('grep x /proc/none', place).status).toBe(2);
    for (const text of ['grep', 'grep -P x', 'grep "\\(a*\\)*b"', 'grep -E "(a+)+b"', 'grep "[" /tmp/in']) {
      expect(() => shell.run(text, place), text).toThrow();
    }
  });
});

describe('files, time, conditions', () => {
  test('dd, rm, mkdir, touch, chmod', () => {
    const shell = new Shell(fakeHost());
    const run = (text: string) => shell.run(text, place).status;
    expect(run('/bin/dd bs=2 count=3 if=/dev/zero of=/tmp/f status=none')).toBe(0);
    expect(shell.files.read('/tmp/f')).toEqual(new Uint8Array(6));
    expect(run('dd if=/tmp/f of=/tmp/g bs=1k')).toBe(0);
    expect(shell.files.read('/tmp/g')).toHaveLength(6);
    expect([run('mkdir /tmp/d'), run('mkdir /tmp/d'), run('mkdir -p /tmp/d')]).toEqual([0, 1, 0]);
    expect([
      run('touch /tmp/d/x'),
      run('[ -e /tmp/d/x ]'),
      run('[ -s /tmp/d/x ]'),
      run('test -d /tmp/d'),
    ]).toEqual([0, 0, 1, 0]);
    expect([run('rm -rf /tmp/d'), run('rm /tmp/d/x'), run('rm -f /tmp/d/x')]).toEqual([0, 1, 0]);
    expect([run('chmod +x /tmp/f'), run('chmod +x /tmp/none')]).toEqual([0, 1]);
    for (const text of [
      'dd if=/dev/sda of=/tmp/x',
      'dd if=/dev/zero of=/tmp/x',
      'dd of=/tmp/x',
      'chmod 1 /etc',
    ]) {
      expect(() => shell.run(text, place), text).toThrow();
    }
  });

  test('files are few and small', () => {
    const shell = new Shell(fakeHost());
    const many = Array.from({ length: 300 }, (_, i) => `/tmp/${i}`).join(' ');
    expect(() => shell.run(`touch ${many}`, place)).toThrow(/more than 256 files/);
    const big = Array.from({ length: 5 }, (_, i) => `dd if=/dev/zero of=/tmp/${i} bs=1M count=16`).join(';');
    expect(() => new Shell(fakeHost()).run(big, place)).toThrow(/bytes in files/);
  });

  test('sleep', () => {
    expect(logOf('sleep 1.5; sleep .1; sleep 5ms 1s')).toEqual([
      ['sleep', 1_500_000],
      ['sleep', 100_000],
      ['sleep', 1_005_000],
    ]);
    for (const text of ['sleep', 'sleep x', 'sleep 2h']) refused(text);
  });

  test('test and [', () => {
    const shell = new Shell(fakeHost());
    const truth = (text: string) => shell.run(text, place).status === 0;
    for (const text of [
      '[ a ]',
      '[ -n a ]',
      '[ -z "" ]',
      '[ 2 -gt 1 ]',
      '[ ! a = b ]',
      'test 1 -le 1',
      '[ a != b ]',
    ]) {
      expect(truth(text), text).toBe(true);
    }
    for (const text of ['[ "" ]', 'test', '[ 1 -ge 2 ]', '[ -f /tmp/none ]'])
      expect(truth(text), text).toBe(false);
    for (const text of ['[ a', '[ a -gt 1 ]', '[ a -a b -a c ]', '[ -q x ]', '[ 1 -xx 2 ]']) {
      expect(() => shell.run(text, place), text).toThrow();
    }
  });

  test('module parameters', () => {
    expect(logOf('echo 3 > /sys/module/tcp_cubic/parameters/hystart_detect')).toEqual([
      ['module', 'tcp_cubic.hystart_detect', '3'],
    ]);
  });

  test('sockstat and tcpdrop', () => {
    const host = fakeHost();
    const dropped: unknown[] = [];
    host.sockets = () => [
      { protocol: 'tcp4', fd: 3, local: '*:8080', remote: '*:*', state: 'LISTEN' },
      { protocol: 'tcp6', fd: 4, local: '::1:1', remote: '::2:2', state: 'ESTABLISHED' },
    ];
    host.dropConnection = (connection) => void dropped.push(connection);
    const shell = new Shell(host);
    const lines = (text: string) => shell.run(text, place).stdout.trimEnd().split('\n').length;
    expect([lines('sockstat'), lines('sockstat -q4'), lines('sockstat -qc'), lines('sockstat -ql')]).toEqual([
      3, 1, 1, 1,
    ]);
    shell.run('tcpdrop 1.2.3.4 5 6.7.8.9 10', place);
    expect(dropped).toEqual([
      { localAddress: '1.2.3.4', localPort: 5, remoteAddress: '6.7.8.9', remotePort: 10 },
    ]);
    expect(() => shell.run('tcpdrop 1.2.3.4', place)).toThrow(/are needed/);
    expect(() => shell.run('sockstat -x', place)).toThrow(/not supported/);
  });
});
