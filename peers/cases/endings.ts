// The ways a connection ends: half-close both ways, resets both ways, a refused port, and silence.

import { SHUT_WR } from '../../stack/socket/constants.js';
import { ECONNREFUSED, ECONNRESET, EPIPE } from '../../stack/socket/errno.js';
import { SO_LINGER, SOL_SOCKET } from '../../stack/socket/options.js';
import { CallFailure, pattern } from '../applications.js';
import { check, type PeerCase } from '../types.js';
import { eventually, ours } from './common.js';

async function errnoOf(call: Promise<unknown>): Promise<number> {
  try {
    await call;
    return 0;
  } catch (error) {
    if (error instanceof CallFailure) return error.errno;
    throw error;
  }
}

export const halfClose: PeerCase = {
  name: 'half-close',
  about: 'each side in turn says FIN first and goes on receiving',
  needs: ['python3'],
  async run(c) {
    const listener = c.apps.listen(9);
    const client = c.programs.python(
      `
s = connect(A[0], 9)
s.sendall(b'first'); s.shutdown(socket.SHUT_WR)
n = recv_all(s); say('late', n)
s2 = connect(A[0], 9)
n = recv_all(s2); say('eof', n)
s2.sendall(b'x' * 200000); s2.shutdown(socket.SHUT_WR); s2.close(); say('over')
`,
      c.ours,
    );
    const one = await c.apps.accept(listener);
    check((await c.apps.readAll(one)).toString() === 'first', 'the words before the FIN');
    await c.sleep(50);
    await c.apps.write(one, pattern(150_000, 1));
    await c.apps.close(one);
    check((await client.says('late')) === '150000', 'bytes after the peer closed its half');
    const two = await c.apps.accept(listener);
    c.apps.ok('shutdown', c.stack.posix.shutdown(two, SHUT_WR));
    check((await client.says('eof')) === '0', 'end of file at the kernel');
    check((await errnoOf(c.apps.write(two, Buffer.from('x'), 0x4000))) === EPIPE, 'EPIPE after shutdown');
    check((await c.apps.readAll(two)).length === 200_000, 'bytes after our FIN');
    await c.apps.close(two);
    await c.apps.close(listener);
    await client.finished;
  },
};

export const abort: PeerCase = {
  name: 'abort',
  about: 'SO_LINGER 0 on either side resets the connection; the other side has ECONNRESET',
  needs: ['python3', 'nstat'],
  async run(c) {
    const listener = c.apps.listen(9);
    const client = c.programs.python(
      `
s = connect(A[0], 9)
s.sendall(b'hello'); s.recv(2)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close(); say('reset')
s = connect(A[0], 9)
s.sendall(b'hello')
try:
    while s.recv(100): pass
    say('got', 'eof')
except OSError as e: say('got', errno.errorcode[e.errno])
`,
      c.ours,
    );
    const room = new Uint8Array(100);
    const one = await c.apps.accept(listener);
    await c.apps.read(one, room);
    await c.apps.write(one, Buffer.from('ok'));
    await client.says('reset');
    // Under loss the reset itself may be lost: what we send then meets a port that knows nothing of us.
    let errno = 0;
    for (let i = 0; i < 1000 && errno === 0; i++) {
      errno = await errnoOf(
        c.condition === 'clean' ? c.apps.read(one, room) : c.apps.write(one, room, 0x4000),
      );
      await c.sleep(20);
    }
    check(
      errno === ECONNRESET || (c.condition === 'impaired' && errno === EPIPE),
      `errno ${errno}, not ECONNRESET`,
    );
    await c.apps.close(one);
    const two = await c.apps.accept(listener);
    await c.apps.read(two, room);
    const linger = new Uint8Array(8);
    new DataView(linger.buffer).setInt32(0, 1, true);
    c.apps.ok('SO_LINGER', c.stack.posix.setsockopt(two, SOL_SOCKET, SO_LINGER, linger));
    await c.apps.close(two);
    if (c.condition === 'clean') {
      const got = await client.says('got');
      check(got === 'ECONNRESET', `the kernel's program has ${got}`);
      check((await c.programs.nstat()).TcpEstabResets >= 2, 'the kernel counts both resets');
    }
    await c.apps.close(listener);
  },
};

export const refused: PeerCase = {
  name: 'refused',
  about: 'a port that nobody listens on: ECONNREFUSED both ways',
  needs: ['python3'],
  async run(c) {
    check((await c.apps.tryConnect(c.theirs, 4)) === -ECONNREFUSED, 'connect from the stack');
    const client = c.programs.python(
      `
try: connect(A[0], 4); say('result', 'connected')
except OSError as e: say('result', errno.errorcode.get(e.errno, e))
`,
      c.ours,
    );
    const got = await client.says('result');
    check(got === 'ECONNREFUSED', `the kernel's program has ${got}`);
    check(ours(c, 'TcpOutRsts') >= 1, 'our resets are counted');
  },
};

export const keepalive: PeerCase = {
  name: 'keepalive',
  about:
    'the kernel probes the stack and is answered; the stack probes the kernel and is answered; then silence ends it',
  needs: ['python3', 'nstat', 'ip'],
  conditions: ['clean'],
  async run(c) {
    const listener = c.apps.listen(9);
    const client = c.programs.python(
      `
T = socket.IPPROTO_TCP
s = connect(A[0], 9, set=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (T, socket.TCP_KEEPIDLE, 1), (T, socket.TCP_KEEPINTVL, 1), (T, socket.TCP_KEEPCNT, 30)])
q = connect(A[0], 9)
say('up'); sys.stdin.readline()
`,
      c.ours,
    );
    const probed = await c.apps.accept(listener);
    const probing = await c.apps.accept(listener);
    c.apps.set(probing, SOL_SOCKET, 9, 1);
    c.apps.set(probing, 6, 4, 1);
    c.apps.set(probing, 6, 5, 1);
    c.apps.set(probing, 6, 6, 5);
    await client.says('up');
    await eventually(
      c,
      'the kernel sends keepalive probes',
      async () => (await c.programs.nstat()).TcpExtTCPKeepAlive >= 2,
    );
    await eventually(c, 'the stack sends keepalive probes', () => ours(c, 'TcpExtTCPKeepAlive') >= 2);
    check(c.apps.readNow(probed, new Uint8Array(1)) === -11, 'answered probes end nothing');
    check(c.apps.readNow(probing, new Uint8Array(1)) === -11, 'answered probes end nothing here');
    // The kernel's side goes silent: nobody answers the stack's probes any more.
    await c.programs.run('ip', ['link', 'set', c.device, 'down']);
    const errno = await errnoOf(c.apps.read(probing, new Uint8Array(1)));
    check(errno === 110 || errno === 113, `errno ${errno}, not ETIMEDOUT or EHOSTUNREACH`);
    c.note(`the dead peer was noticed: errno ${errno}`);
    await c.programs.run('ip', ['link', 'set', c.device, 'up']);
    for (const fd of [probed, probing, listener]) await c.apps.close(fd);
  },
};
