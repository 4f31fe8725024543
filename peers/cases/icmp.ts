// Ping and traceroute to the stack, ARP and neighbour discovery with the kernel, UDP and its errors.

import { emptyAddress, socketAddress } from '../../stack/socket/address.js';
import { MSG_DONTWAIT } from '../../stack/socket/constants.js';
import { returned } from '../applications.js';
import { check, type PeerCase } from '../types.js';
import { eventually, ours } from './common.js';

export const ping: PeerCase = {
  name: 'ping',
  about: 'the kernel pings the stack: small, large, fragmented',
  needs: ['ping', 'nstat'],
  async run(c) {
    // With a deadline ping ends when it has so many answers; without, it waits for the last one for two round trips only.
    for (const size of ['0', '56', '1400', '4000', '20000']) {
      const args = ['-n', '-c', '3', '-i', '0.05', '-w', '60', '-s', size, c.ours];
      const said = (await c.programs.run('ping', args)).stdout.toString();
      check(!/wrong data byte/.test(said), `ping -s ${size}: damaged answer`);
      const [sent, got] = /(\d+) packets transmitted, (\d+) received/.exec(said)?.slice(1) ?? [];
      c.note(`${size} bytes: ${got} of ${sent}, ${/= ([\d.]+)\/([\d.]+)/.exec(said)?.[2] ?? '?'} ms`);
    }
    if (c.condition !== 'clean') return;
    const names =
      c.family === 4 ? ['IcmpOutEchos', 'IcmpInEchoReps'] : ['Icmp6OutEchos', 'Icmp6InEchoReplies'];
    await eventually(c, 'an echo request was not answered', async () => {
      const n = await c.programs.nstat();
      return n[names[0]] >= 15 && n[names[0]] === n[names[1]];
    });
  },
};

export const traceroute: PeerCase = {
  name: 'traceroute',
  about: 'traceroute by UDP, ICMP echo and TCP SYN arrives at the stack in one hop',
  needs: ['traceroute'],
  conditions: ['clean'],
  async run(c) {
    const listener = c.apps.listen(80);
    for (const how of [[], ['-I'], ['-T', '-p', '80']]) {
      const args = ['-n', '-m', '3', '-q', '2', '-w', '60', `-${c.family}`, ...how, c.ours];
      const { stdout } = await c.programs.run('traceroute', args);
      const hops = stdout.toString().trim().split('\n').slice(1);
      check(
        hops.length === 1 && hops[0].includes(`1  ${c.ours}`) && !hops[0].includes('*'),
        `${how.join(' ')}: ${stdout}`,
      );
    }
    await c.apps.close(listener);
  },
};

export const neighbour: PeerCase = {
  name: 'neighbour',
  about:
    'the kernel resolves the stack by ARP or neighbour discovery, confirms it, and finds a new hardware address',
  needs: ['ip', 'ping'],
  devices: ['tap', 'packet'],
  conditions: ['clean'],
  async run(c) {
    const state = async (): Promise<string> =>
      (await c.programs.run('ip', ['neigh', 'show', 'to', c.ours, 'dev', c.device])).stdout.toString();
    await c.programs.run('ping', ['-n', '-c', '1', '-w', '60', c.ours]);
    check(/REACHABLE|DELAY|STALE/.test(await state()), `the kernel's entry: ${await state()}`);
    // Probing by unicast: an entry in PROBE becomes REACHABLE only by our answer.
    await c.programs.run('ip', ['neigh', 'change', c.ours, 'dev', c.device, 'nud', 'probe']);
    await eventually(c, 'the stack answers the probe', async () => /REACHABLE/.test(await state()));
    // The kernel forgets us; what we send finds it, and its answer must find us.
    await c.programs.run('ip', ['neigh', 'flush', 'dev', c.device]);
    const fd = c.apps.socket(2);
    const to = socketAddress(c.theirs, 9);
    await returned(c.stack.posix.sendto(fd, Buffer.from('x'), 0, to));
    // The kernel's interface gets another address: the stack's entry goes stale and is asked again.
    await c.programs.run('ip', ['link', 'set', c.device, 'down']);
    await c.programs.run('ip', ['link', 'set', c.device, 'address', '02:00:00:00:99:99', 'up']);
    if (c.family === 6)
      await c.programs.run('ip', ['addr', 'replace', `${c.theirs}/64`, 'dev', c.device, 'nodad']);
    await eventually(c, 'the kernel answers at its new hardware address', async () => {
      const got = await c.programs.run('ping', ['-n', '-c', '1', '-W', '1', c.ours], { status: null });
      return got.status === 0;
    });
    check((await returned(c.stack.posix.close(fd))) === 0, 'close');
  },
};

export const conflict: PeerCase = {
  name: 'address-conflict',
  about: 'the kernel wants an address of the stack for itself and is told that it is taken',
  needs: ['ip', 'arping'],
  devices: ['tap', 'packet'],
  conditions: ['clean'],
  families: [4],
  async run(c) {
    // RFC 5227 section 2.1.1: an ARP probe, from no address; arping -D ends with 1 when it is answered.
    const { status } = await c.programs.run(
      'arping',
      ['-D', '-c', '20', '-w', '60', '-I', c.device, c.ours],
      {
        status: null,
      },
    );
    check(status === 1, `arping -D ends with ${status}: the stack did not defend its address`);
  },
};

export const duplicateAddress: PeerCase = {
  name: 'dad',
  about:
    'duplicate address detection: the kernel takes the stack’s address and finds it in use; a free one it gets',
  needs: ['ip'],
  devices: ['tap', 'packet'],
  conditions: ['clean'],
  families: [6],
  kernelDad: true,
  async run(c) {
    const shown = async (): Promise<string> =>
      (await c.programs.run('ip', ['-6', 'addr', 'show', 'dev', c.device])).stdout.toString();
    await eventually(c, 'the kernel keeps its own address', async () => !/tentative/.test(await shown()));
    await c.programs.run('ip', ['addr', 'add', `${c.ours}/64`, 'dev', c.device]);
    await c.programs.run('ip', ['addr', 'add', '2001:db8::77/64', 'dev', c.device]);
    await eventually(c, 'dadfailed on the address of the stack', async () =>
      new RegExp(`${c.ours}/64.*dadfailed`).test(await shown()),
    );
    await eventually(c, 'a free address is not refused', async () =>
      /2001:db8::77\/64 scope global *\n/.test(await shown()),
    );
  },
};

export const udp: PeerCase = {
  name: 'udp',
  about: 'datagrams of all sizes both ways, fragmented above the MTU; a closed port is ECONNREFUSED to both',
  needs: ['python3'],
  conditions: ['clean'],
  async run(c) {
    const fd = c.apps.udp(53);
    const client = c.programs.python(
      `
d = socket.socket(socket.AF_INET6 if ':' in A[0] else socket.AF_INET, socket.SOCK_DGRAM)
d.settimeout(60); d.connect((A[0], 53))
d.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
bad = []
for n in (0, 1, 2, 511, 1452, 1472, 1473, 4000, 20000, 65000):
    m = bytes((i * 7 + n) & 255 for i in range(n))
    d.send(m)
    try:
        if d.recv(70000) != m: bad.append(n)
    except OSError as e: bad.append((n, str(e)))
say('bad', bad)
d.connect((A[0], 54)); d.send(b'x')
try: d.recv(10); say('closed', 'data')
except OSError as e: say('closed', errno.errorcode.get(e.errno, e))
`,
      c.ours,
    );
    const room = new Uint8Array(70_000);
    for (let i = 0; i < 10; i++) {
      const from = emptyAddress();
      const got = c.apps.ok('recvfrom', await returned(c.stack.posix.recvfrom(fd, room, 0, from)));
      c.apps.ok('sendto', await returned(c.stack.posix.sendto(fd, room.subarray(0, got), 0, from)));
    }
    check((await client.says('bad')) === '[]', `sizes that failed: ${client.output()}`);
    check(
      (await client.says('closed')) === 'ECONNREFUSED',
      `port unreachable to the kernel: ${client.output()}`,
    );
    const connected = c.apps.socket(2);
    c.apps.ok('connect', await returned(c.stack.posix.connect(connected, socketAddress(c.theirs, 54))));
    await c.apps.write(connected, Buffer.from('x'));
    await eventually(
      c,
      'ECONNREFUSED on our connected socket',
      () => c.apps.readNow(connected, room, MSG_DONTWAIT) === -111,
    );
    const whole = ours(c, c.family === 4 ? 'IpReasmOKs' : 'Ip6ReasmOKs');
    // 1473, 4000, 20000 and 65000 bytes are above the MTU, with an IPv6 header 1472 too.
    check(whole === (c.family === 4 ? 4 : 5), `${whole} datagrams were reassembled`);
    c.note(`reassembled ${whole}`);
    await c.apps.close(connected);
    await c.apps.close(fd);
  },
};

export const snooping: PeerCase = {
  name: 'mld-snooping',
  about: 'behind a bridge that passes multicast to reported groups only, a third host still finds the stack',
  needs: ['ip', 'bridge', 'ping', 'unshare', 'nsenter'],
  devices: ['tap', 'packet'],
  conditions: ['clean'],
  families: [6],
  async run(c) {
    const ip = (...args: string[]) => c.programs.run('ip', args);
    const holder = c.programs.start('unshare', ['-n', 'sh', '-c', 'echo here; read x']);
    await holder.says('here');
    const pid = String(holder.process.pid);
    const within = (...args: string[]) =>
      c.programs.run('nsenter', ['-t', pid, '-n', ...args], { status: null });
    // The bridge asks at once, and trusts its table a second later instead of ten.
    const own = ['mcast_snooping', '1', 'mcast_querier', '1', 'mcast_query_response_interval', '100'];
    await ip('link', 'add', 'br0', 'type', 'bridge', ...own, 'mcast_startup_query_interval', '100');
    await ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', pid);
    await ip('link', 'set', c.device, 'master', 'br0');
    await ip('link', 'set', 'near', 'master', 'br0', 'up');
    await ip('link', 'set', 'br0', 'up');
    await within('sysctl', '-qw', 'net.ipv6.conf.far.accept_dad=0');
    await within('ip', 'addr', 'add', '2001:db8::3/64', 'dev', 'far', 'nodad');
    await within('ip', 'link', 'set', 'far', 'up');
    const table = async (): Promise<string> =>
      (await c.programs.run('bridge', ['mdb', 'show'])).stdout.toString();
    await eventually(c, 'the bridge has our solicited-node group', async () =>
      new RegExp(`port ${c.device} grp ff02::1:ff00:2`).test(await table()),
    );
    // A flooded solicitation would find us without any report: wait until the bridge filters.
    await c.sleep(2500);
    const { stdout, status } = await within('ping', '-n', '-c', '3', '-i', '0.2', '-w', '60', c.ours);
    check(status === 0, `the third host: ${stdout}`);
    holder.tell('');
  },
};
