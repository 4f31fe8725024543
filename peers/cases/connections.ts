// Many short connections, both roles, and nothing left behind.
import { check, type PeerCase, type PeerContext } from '../types.js';
import { ours } from './common.js';

const COUNT = { short: 300, full: 2000, soak: 50_000 };

/** Of the kernel's program, each with a port of ours. */
const THREADS = 8;
const FIRST_PORT = 7;

/** Connections of a cell: under impairment each loss of a SYN costs a second. */
const countOf = (c: PeerContext): number => COUNT[c.scale] / (c.condition === 'impaired' ? 4 : 1);

export const manyAccepted: PeerCase = {
  name: 'short-accepted',
  about: 'the kernel opens hundreds of connections, eight at a time; each asks and is answered',
  needs: ['python3', 'nstat'],
  soak: ['clean'],
  async run(c) {
    const count = countOf(c);
    // A port of ours for each thread: towards one, TIME-WAIT would leave the kernel no port of its own after 28,000.
    const listeners = Array.from({ length: THREADS }, (_, i) =>
      c.apps.listen(FIRST_PORT + i, { backlog: 64 }),
    );
    const client = c.programs.python(
      `
host, count, threads, first = A[0], int(A[1]), int(A[2]), int(A[3])
bad = []
def work(thread):
    try:
        for i in range(thread, count, threads): ask(first + thread, i)
    except OSError as e: bad.append(str(e))
def ask(port, i):
        s = connect(host, port)
        s.sendall(b'question %d' % i)
        s.shutdown(socket.SHUT_WR)
        b = b''
        while True:
            d = s.recv(100)
            if not d: break
            b += d
        if b != b'answer to question %d' % i: bad.append(b)
        s.close()
ts = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
[t.start() for t in ts]; [t.join() for t in ts]
say('done', bad[:3])
`,
      c.ours,
      count,
      THREADS,
      FIRST_PORT,
    );
    const start = performance.now();
    const answer = async (fd: number): Promise<void> => {
      const room = new Uint8Array(100);
      let text = '';
      for (let n = await c.apps.read(fd, room); n > 0; n = await c.apps.read(fd, room)) {
        text += Buffer.from(room.subarray(0, n)).toString();
      }
      await c.apps.write(fd, Buffer.from(`answer to ${text}`));
      await c.apps.close(fd);
    };
    const serve = async (thread: number): Promise<void> => {
      for (let i = thread; i < count; i += THREADS) await answer(await c.apps.accept(listeners[thread]));
    };
    const served = Promise.all(listeners.map((_, thread) => serve(thread)));
    // A client that gives up says so at once; who waits for it is then told by the end of the stack.
    served.catch(() => {});
    const bad = await client.says('done');
    check(bad === '[]', `wrong answers: ${bad}`);
    await served;
    c.note(`${count} connections, ${Math.round((count * 1e3) / (performance.now() - start))} a second`);
    check(ours(c, 'TcpPassiveOpens') >= count, `${ours(c, 'TcpPassiveOpens')} passive opens counted`);
    check(ours(c, 'TcpExtListenOverflows') === 0, 'the accept queue overflowed');
    for (const listener of listeners) await c.apps.close(listener);
  },
};

export const manyOpened: PeerCase = {
  name: 'short-opened',
  about: 'the stack opens hundreds of connections, eight at a time, to an echo server of the kernel',
  needs: ['python3', 'nstat'],
  soak: ['clean'],
  async run(c) {
    const count = countOf(c);
    const server = c.programs.python(
      `
l = listen(A[0], 7, 128)
def serve(s):
    while True:
        b = s.recv(1000)
        if not b: break
        s.sendall(b)
    s.close()
for i in range(int(A[1])):
    s, _ = l.accept()
    t = threading.Thread(target=serve, args=(s,)); t.start()
say('done')
`,
      c.theirs,
      count,
    );
    await server.says('listening');
    // Their number is what memory follows, and it follows the rate: a bound that a long run stays at makes it even.
    if (c.scale === 'soak') c.stack.setSysctl('net.ipv4.tcp_max_tw_buckets', '1000');
    const start = performance.now();
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < count) {
        const id = next++;
        const fd = await c.apps.connect(c.theirs, 7);
        const text = Buffer.from(`message ${id}`);
        await c.apps.write(fd, text);
        const back = await c.apps.readAll(fd, text.length);
        check(back.equals(text), `${back} came back for ${text}`);
        await c.apps.close(fd);
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    c.note(`${count} connections, ${Math.round((count * 1e3) / (performance.now() - start))} a second`);
    await server.says('done');
    const { TcpEstabResets } = await c.programs.nstat();
    check(TcpEstabResets === 0, `the kernel saw ${TcpEstabResets} resets`);
  },
};
