// What ends negotiate: ECN, Fast Open in both roles, and each of timestamps, SACK and window scaling left out.

import { socketAddress } from '../../stack/socket/address.js';
import { MSG_FASTOPEN } from '../../stack/socket/constants.js';
import { SOL_TCP, TCP_FASTOPEN } from '../../stack/socket/options.js';
import { returned } from '../applications.js';
import { check, type PeerCase, type PeerContext } from '../types.js';
import { negotiated, ours } from './common.js';

/** A short exchange with the kernel as server: options as the kernel's ss shows them. */
async function exchange(c: PeerContext, port: number, bytes = 200_000): Promise<string> {
  const server = c.programs.python(
    `
l = listen(A[0], ${port})
s, _ = l.accept()
n = recv_all(s); s.sendall(b'%d' % n); say('held'); sys.stdin.readline()
`,
    c.theirs,
  );
  await server.says('listening');
  const fd = await c.apps.connect(c.theirs, port);
  await c.apps.source(fd, bytes);
  await server.says('held');
  const options = await negotiated(c, port);
  server.tell('');
  const answer = await c.apps.readAll(fd);
  check(answer.toString() === String(bytes), `the kernel got ${answer} bytes of ${bytes}`);
  await c.apps.close(fd);
  await server.finished;
  return options;
}

export const ecn: PeerCase = {
  name: 'ecn',
  about: 'ECN asked for by either side; marks set on the way are echoed and answered',
  needs: ['python3', 'ss', 'nstat'],
  conditions: ['clean'],
  async run(c) {
    c.sysctl('net.ipv4.tcp_ecn', '1');
    c.stack.setSysctl('net.ipv4.tcp_ecn', '1');
    const options = await exchange(c, 6200);
    c.note(`kernel: ${options}`);
    check(/\becn\b/.test(options) && /\becnseen\b/.test(options), `no ECN in "${options}"`);
    const listener = c.apps.listen(6201);
    const client = c.programs.python(
      `
s = connect(A[0], 6201); s.sendall(b'x' * 200000); s.shutdown(socket.SHUT_WR)
say('n', recv_all(s)); sys.stdin.readline()
`,
      c.ours,
    );
    const fd = await c.apps.accept(listener);
    check((await c.apps.readAll(fd)).length === 200_000, 'bytes');
    const theirs = await negotiated(c, 6201);
    check(/\becn\b/.test(theirs), `no ECN with the kernel as client: "${theirs}"`);
    check((c.stack.posix.tcpInfo(fd).tcpi_options & 8) !== 0, 'TCPI_OPT_ECN on our side');
    await c.apps.close(fd);
    client.tell('');
    await client.finished;
    await c.apps.close(listener);
    const n = await c.programs.nstat();
    check(n.IpExtInECT0Pkts > 0 || c.family === 6, `the kernel saw ${n.IpExtInECT0Pkts} packets with ECT(0)`);
    c.note(`kernel received: ECT0 ${n.IpExtInECT0Pkts || n.Ip6InECT0Pkts}, CE ${n.IpExtInCEPkts}`);
  },
};

export const plainTcp: PeerCase = {
  name: 'no-options',
  about: 'without timestamps, without SACK, without window scaling: each alone, then all, at either end',
  needs: ['python3', 'ss'],
  async run(c) {
    const names = ['tcp_timestamps', 'tcp_sack', 'tcp_window_scaling'] as const;
    const word = { tcp_timestamps: /\bts\b/, tcp_sack: /\bsack\b/, tcp_window_scaling: /wscale/ };
    let port = 6210;
    for (const off of [[names[0]], [names[1]], [names[2]], names]) {
      for (const end of ['kernel', 'stack'] as const) {
        const set = (name: string, value: string): void =>
          end === 'kernel'
            ? c.sysctl(`net.ipv4.${name}`, value)
            : c.stack.setSysctl(`net.ipv4.${name}`, value);
        for (const name of off) set(name, '0');
        const options = await exchange(c, port++, c.condition === 'clean' ? 200_000 : 60_000);
        for (const name of names) {
          const there = word[name].test(options);
          check(there !== off.includes(name as never), `${name} off at the ${end}: "${options}"`);
        }
        for (const name of off) set(name, '1');
      }
    }
  },
};

export const fastOpenClient: PeerCase = {
  name: 'fastopen-client',
  about: 'the stack asks a kernel server for a cookie, and then sends data in its SYN',
  needs: ['python3', 'nstat'],
  conditions: ['clean'],
  async run(c) {
    c.sysctl('net.ipv4.tcp_fastopen', '3');
    c.stack.setSysctl('net.ipv4.tcp_fastopen', '3');
    const server = c.programs.python(
      `
l = listen(A[0], 6220, set=[(socket.IPPROTO_TCP, 23, 16)])
for i in range(3):
    s, _ = l.accept(); b = b''
    while len(b) < 5: b += s.recv(100)
    s.sendall(b); s.close()
say('done')
`,
      c.theirs,
    );
    await server.says('listening');
    for (let i = 0; i < 3; i++) {
      const fd = c.apps.socket();
      const to = socketAddress(c.theirs, 6220);
      const sent = await returned(c.stack.posix.sendto(fd, Buffer.from('hello'), MSG_FASTOPEN, to));
      check(c.apps.ok('sendto MSG_FASTOPEN', sent) === 5, `${sent} bytes taken`);
      check((await c.apps.readAll(fd)).toString() === 'hello', 'the echo');
      await c.apps.close(fd);
    }
    await server.says('done');
    const n = await c.programs.nstat();
    c.note(
      `kernel: cookies asked for ${n.TcpExtTCPFastOpenCookieReqd}, data in SYN accepted ${n.TcpExtTCPFastOpenPassive}`,
    );
    check(n.TcpExtTCPFastOpenCookieReqd === 1, `cookie requests: ${n.TcpExtTCPFastOpenCookieReqd}`);
    check(
      n.TcpExtTCPFastOpenPassive === 2,
      `data in SYN accepted ${n.TcpExtTCPFastOpenPassive} times, not 2`,
    );
    check(ours(c, 'TcpExtTCPFastOpenActive') === 2, `our count of it: ${ours(c, 'TcpExtTCPFastOpenActive')}`);
  },
};

export const fastOpenServer: PeerCase = {
  name: 'fastopen-server',
  about: 'the kernel asks the stack for a cookie, and then sends data in its SYN',
  needs: ['python3', 'nstat'],
  conditions: ['clean'],
  async run(c) {
    c.sysctl('net.ipv4.tcp_fastopen', '3');
    c.stack.setSysctl('net.ipv4.tcp_fastopen', '3');
    const listener = c.apps.listen(6221, { prepare: (fd) => c.apps.set(fd, SOL_TCP, TCP_FASTOPEN, 16) });
    const client = c.programs.python(
      `
for i in range(3):
    s = sock(A[0])
    s.sendto(b'hello', socket.MSG_FASTOPEN, (A[0], 6221))
    b = b''
    while len(b) < 5: b += s.recv(100)
    say('echo', b); s.close()
`,
      c.ours,
    );
    for (let i = 0; i < 3; i++) {
      const fd = await c.apps.accept(listener);
      await c.apps.write(fd, await c.apps.readAll(fd, 5));
      check((await client.says('echo')) === "b'hello'", 'the echo');
      await c.apps.close(fd);
    }
    await client.finished;
    const n = await c.programs.nstat();
    c.note(
      `kernel: data in SYN acknowledged ${n.TcpExtTCPFastOpenActive}, failed ${n.TcpExtTCPFastOpenActiveFail}`,
    );
    check(
      n.TcpExtTCPFastOpenActive === 2,
      `the kernel's SYN data was taken ${n.TcpExtTCPFastOpenActive} times, not 2`,
    );
    check(
      ours(c, 'TcpExtTCPFastOpenPassive') === 2,
      `our count of it: ${ours(c, 'TcpExtTCPFastOpenPassive')}`,
    );
    await c.apps.close(listener);
  },
};
