// Packet sizes: device MTUs from 576 to 9000, and a path that is narrower than both devices.
import { check, type Family, type PeerCase, type PeerContext } from '../types.js';
import { negotiated, ours } from './common.js';

const BYTES = 1_000_000;

async function bothWays(c: PeerContext): Promise<void> {
  const listener = c.apps.listen(6100);
  const peer = c.programs.python(
    `
n = int(A[1])
s = connect(A[0], 6100)
h = hashlib.sha256(); got = []
t = threading.Thread(target=lambda: got.append(recv_all(s, h))); t.start()
m = os.urandom(n); s.sendall(m); s.shutdown(socket.SHUT_WR); t.join()
say('sums', hashlib.sha256(m).hexdigest(), h.hexdigest()); sys.stdin.readline()
`,
    c.ours,
    BYTES,
  );
  const fd = await c.apps.accept(listener);
  const options = await negotiated(c, 6100);
  const [sent, got] = await Promise.all([c.apps.source(fd, BYTES, 31), c.apps.sink(fd)]);
  const [theirs, back] = (await peer.says('sums')).split(' ');
  check(back === sent.sha256 && got.sha256 === theirs, 'a SHA-256 differs');
  c.note(`${options}; our MSS ${c.stack.posix.tcpInfo(fd).tcpi_snd_mss}`);
  peer.tell('');
  await c.apps.close(fd);
  await c.apps.close(listener);
  await peer.finished;
}

function atMtu(mtu: number, families: readonly Family[]): PeerCase {
  return {
    name: `mtu-${mtu}`,
    about: `a megabyte each way over a device with an MTU of ${mtu}; segments as large as it takes, no larger`,
    needs: ['python3', 'ss', 'ping'],
    mtu,
    families,
    async run(c) {
      await bothWays(c);
      const head = c.family === 4 ? 28 : 48;
      const args = ['-n', '-M', 'do', '-c', '1', '-i', '0.05', '-w', '60', '-s', String(mtu - head), c.ours];
      // Its status says whether an answer came.
      await c.programs.run('ping', args);
    },
  };
}

export const MTU_CASES: readonly PeerCase[] = [
  atMtu(576, [4]),
  atMtu(1280, [4, 6]),
  atMtu(1500, [4, 6]),
  atMtu(9000, [4, 6]),
];

export const pathMtu: PeerCase = {
  name: 'path-mtu',
  about: 'a second namespace behind a narrower veth: our packets meet "fragmentation needed" and shrink',
  needs: ['python3', 'ip', 'unshare', 'nsenter'],
  conditions: ['clean'],
  async run(c) {
    // The kernel routes between the device and a veth of MTU 1300 into a namespace that a sleeping program holds.
    const holder = c.programs.start('unshare', ['-n', 'sh', '-c', 'echo here; read x']);
    await holder.says('here');
    const pid = String(holder.process.pid);
    const ip = (...args: string[]) => c.programs.run('ip', args);
    const within = (...args: string[]) => c.programs.run('nsenter', ['-t', pid, '-n', ...args]);
    const [near, far, net, prefix] =
      c.family === 4
        ? ['198.51.100.1', '198.51.100.2', '198.51.100.0/24', '24']
        : ['2001:db8:1::1', '2001:db8:1::2', '2001:db8:1::/64', '64'];
    const nodad = c.family === 6 ? ['nodad'] : [];
    await ip(
      'link',
      'add',
      'vnear',
      'mtu',
      '1300',
      'type',
      'veth',
      'peer',
      'name',
      'vfar',
      'netns',
      pid,
      'mtu',
      '1300',
    );
    await ip('addr', 'add', `${near}/${prefix}`, 'dev', 'vnear', ...nodad);
    await ip('link', 'set', 'vnear', 'up');
    await within('ip', 'addr', 'add', `${far}/${prefix}`, 'dev', 'vfar', ...nodad);
    await within('ip', 'link', 'set', 'vfar', 'up');
    await within('ip', `-${c.family}`, 'route', 'add', 'default', 'via', near);
    c.sysctl('net.ipv4.ip_forward', '1');
    c.sysctl('net.ipv6.conf.all.forwarding', '1');
    c.stack.addRoute({ destination: net, gateway: c.theirs });
    // Its MSS says 1460 although its path is narrower: only ICMP can tell us.
    await within(
      'ip',
      `-${c.family}`,
      'route',
      'change',
      'default',
      'via',
      near,
      'advmss',
      c.family === 4 ? '1460' : '1440',
    );
    const server = c.programs.start('nsenter', [
      '-t',
      pid,
      '-n',
      '/usr/bin/env',
      'python3',
      '-u',
      '-c',
      (await import('../python.js')).PRELUDE +
        `
l = listen(A[0], 6101)
s, _ = l.accept()
h = hashlib.sha256(); n = recv_all(s, h)
say('sum', n, h.hexdigest())
`,
      far,
    ]);
    await server.says('listening');
    const fd = await c.apps.connect(far, 6101);
    check(c.stack.posix.tcpInfo(fd).tcpi_snd_mss > 1300, 'starts with the large MSS');
    const sent = await c.apps.source(fd, 500_000, 33);
    const sum = await server.says('sum');
    check(sum === `500000 ${sent.sha256}`, `what arrived: ${sum}`);
    const info = c.stack.posix.tcpInfo(fd);
    check(info.tcpi_pmtu === 1300, `path MTU ${info.tcpi_pmtu}, not 1300`);
    const errors = ours(c, c.family === 4 ? 'IcmpInDestUnreachs' : 'Icmp6InPktTooBigs');
    check(errors >= 1, 'no ICMP was counted');
    c.note(
      `MSS ${info.tcpi_snd_mss}, path MTU ${info.tcpi_pmtu}, ${errors} ICMP errors, ${info.tcpi_total_retrans} retransmits`,
    );
    await c.apps.close(fd);
    holder.tell('');
  },
};
