// Flow control: small and large windows, a window that closes for seconds, urgent data.

import { createHash } from 'node:crypto';
import { MSG_OOB, POLLPRI, SIOCATMARK } from '../../stack/socket/constants.js';
import { SO_SNDBUF, SOL_SOCKET } from '../../stack/socket/options.js';
import { returned } from '../applications.js';
import { check, type PeerCase, type PeerContext } from '../types.js';
import { eventually, negotiated, ours } from './common.js';

const MIB = 1 << 20;

async function transfer(c: PeerContext, window: number, bytes: number): Promise<void> {
  const port = 6000;
  const listener = c.apps.listen(port, { prepare: (fd) => c.apps.buffers(fd, window) });
  // Both directions of one connection, the buffers set on both ends.
  const peer = c.programs.python(
    `
B = int(A[1]); n = int(A[2])
s = connect(A[0], ${port}, set=[(socket.SOL_SOCKET, 33, B), (socket.SOL_SOCKET, 32, B)])
h = hashlib.sha256(); got = []
t = threading.Thread(target=lambda: got.append(recv_all(s, h))); t.start()
m = hashlib.sha256(); block = bytes((i * 31 + i // 251) & 255 for i in range(65536)); left = n
while left:
    b = block[:min(left, 65536)]; s.sendall(b); m.update(b); left -= len(b)
s.shutdown(socket.SHUT_WR); t.join()
say('sums', m.hexdigest(), h.hexdigest(), got[0]); sys.stdin.readline()
`,
    c.ours,
    window,
    bytes,
  );
  const fd = await c.apps.accept(listener);
  const options = await negotiated(c, port);
  const start = performance.now();
  const [sent, got] = await Promise.all([c.apps.source(fd, bytes, 21), c.apps.sink(fd)]);
  const time = performance.now() - start;
  const [theirs, back, count] = (await peer.says('sums')).split(' ');
  check(Number(count) === bytes && back === sent.sha256, `what we sent: ${count} bytes`);
  check(got.bytes === bytes && got.sha256 === theirs, `what we got: ${got.bytes} bytes`);
  c.note(`${window >> 10} KiB: ${((bytes * 2) / 1e3 / time).toFixed(1)} MB/s both ways; ${options}`);
  peer.tell('');
  await c.apps.close(fd);
  await c.apps.close(listener);
  await peer.finished;
}

export const windowSmall: PeerCase = {
  name: 'window-64k',
  about: 'both directions at once with buffers of 64 KiB on both ends',
  needs: ['python3', 'ss'],
  run: (c) => transfer(c, 65_536, c.condition === 'clean' ? 8 * MIB : MIB),
};

export const windowLarge: PeerCase = {
  name: 'window-4m',
  about: 'both directions at once with buffers of 4 MiB on both ends',
  needs: ['python3', 'ss'],
  run: (c) => transfer(c, 4 * MIB, c.condition === 'clean' ? 16 * MIB : 2 * MIB),
};

export const zeroWindow: PeerCase = {
  name: 'zero-window',
  about: 'each reader in turn stops until the sender probes, and goes on when the window opens',
  needs: ['python3', 'nstat'],
  async run(c) {
    const listener = c.apps.listen(6001, { prepare: (fd) => c.apps.buffers(fd, 16_384) });
    const bytes = 400_000;
    const peer = c.programs.python(
      `
n = int(A[1])
s = connect(A[0], 6001, set=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)])
m = bytes((i * 31 + i // 251) & 255 for i in range(n)); s.sendall(m); say('sum', hashlib.sha256(m).hexdigest())
sys.stdin.readline()
h = hashlib.sha256(); say('got', recv_all(s, h), h.hexdigest())
`,
      c.ours,
      bytes,
    );
    const fd = await c.apps.accept(listener);
    await eventually(c, 'our window never closed', () => ours(c, 'TcpExtTCPToZeroWindowAdv') >= 1);
    await eventually(c, 'the kernel probes', async () => (await c.programs.nstat()).TcpExtTCPWinProbe >= 1);
    const before = await c.programs.nstat();
    check(
      before.TcpExtTCPToZeroWindowAdv === 0 && before.TcpExtTCPFromZeroWindowAdv === 0,
      'the window that closed is ours',
    );
    const [sum] = await Promise.all([
      peer.says('sum'),
      (async () => {
        const got = await c.apps.readAll(fd, bytes);
        check(got.length === bytes, `${got.length} bytes`);
        return createHash('sha256').update(got).digest('hex');
      })(),
    ]).then(([theirs, own]) => {
      check(theirs === own, 'the SHA-256 of what came through the closed window differs');
      return [theirs];
    });
    check(sum.length === 64, 'a sum');
    const sending = c.apps.source(fd, bytes, 22);
    await eventually(c, 'the stack sends window probes', () => ours(c, 'TcpExtTCPWinProbe') >= 1);
    peer.tell('now you');
    const sent = await sending;
    const got = await peer.says('got');
    check(got === `${bytes} ${sent.sha256}`, `the kernel's reader: ${got}`);
    const after = await c.programs.nstat();
    check(after.TcpExtTCPToZeroWindowAdv >= 1, "the kernel's window never closed");
    c.note(`the kernel's probes ${before.TcpExtTCPWinProbe}, ours ${ours(c, 'TcpExtTCPWinProbe')}`);
    await c.apps.close(fd);
    await c.apps.close(listener);
  },
};

export const urgent: PeerCase = {
  name: 'urgent',
  about: 'one urgent byte each way: out of line, the mark where it belongs',
  needs: ['python3'],
  async run(c) {
    const listener = c.apps.listen(6002);
    const peer = c.programs.python(
      `
s = connect(A[0], 6002)
s.sendall(b'abc'); s.send(b'!', socket.MSG_OOB); s.sendall(b'def')
say('sent')
r, w, x = select.select([], [], [s], 100)
say('urgent', s.recv(1, socket.MSG_OOB) if x else 'none')
b = b''
while True:
    d = s.recv(100)
    if not d: break
    b += d
say('rest', b); s.close()
`,
      c.ours,
    );
    const fd = await c.apps.accept(listener);
    await peer.says('sent');
    const set = [{ fd, events: POLLPRI, revents: 0 }];
    check((await returned(c.stack.posix.poll(set, 100_000))) === 1, 'POLLPRI for the urgent byte');
    const room = new Uint8Array(100);
    check((await c.apps.read(fd, room, MSG_OOB)) === 1 && room[0] === 0x21, 'the urgent byte');
    let text = '';
    let mark = -1;
    const value = [0];
    while (text.length < 6) {
      const n = await c.apps.read(fd, room);
      check(n > 0, `end of file after "${text}"`);
      text += Buffer.from(room.subarray(0, n)).toString();
      c.apps.ok('SIOCATMARK', c.stack.posix.ioctl(fd, SIOCATMARK, value));
      if (value[0] === 1) mark = text.length;
    }
    check(text === 'abcdef', `in line: "${text}"`);
    check(mark === 3, `the mark is at ${mark}, not 3`);
    await c.apps.write(fd, Buffer.from('uvw'));
    await c.apps.write(fd, Buffer.from('?'), MSG_OOB);
    await c.apps.write(fd, Buffer.from('xyz'));
    const got = await peer.says('urgent');
    check(got === "b'?'", `the kernel's urgent byte: ${got}`);
    await c.apps.close(fd);
    const rest = await peer.says('rest');
    check(rest === "b'uvwxyz'", `the kernel in line: ${rest}`);
    await c.apps.close(listener);
  },
};

export const smallMessages: PeerCase = {
  name: 'small-messages',
  about: 'a thousand messages of 128 bytes each way with Nagle off, order and bytes checked',
  needs: ['python3'],
  async run(c) {
    const count = c.condition === 'clean' ? 2000 : 400;
    const listener = c.apps.listen(6003);
    const peer = c.programs.python(
      `
n = int(A[1])
s = connect(A[0], 6003, set=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])
bad = 0
for i in range(n):
    m = b'%08d' % i + b'.' * 120
    s.sendall(m)
    b = b''
    while len(b) < 128:
        d = s.recv(128 - len(b))
        if not d: break
        b += d
    if b != m: bad += 1
say('bad', bad)
`,
      c.ours,
      count,
    );
    const fd = await c.apps.accept(listener);
    c.apps.set(fd, 6, 1, 1);
    c.apps.set(fd, SOL_SOCKET, SO_SNDBUF, 4096);
    const room = Buffer.alloc(4096);
    const start = performance.now();
    for (let n = await c.apps.read(fd, room); n > 0; n = await c.apps.read(fd, room)) {
      await c.apps.write(fd, room.subarray(0, n));
    }
    check((await peer.says('bad')) === '0', 'messages came back wrong');
    c.note(`${Math.round(((performance.now() - start) * 1e3) / count)} µs a round trip`);
    await c.apps.close(fd);
    await c.apps.close(listener);
  },
};
