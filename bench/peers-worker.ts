// One measurement of bench/peers.ts, in a thread and a namespace of its own: this stack on a TAP device, or Node's net on a
// veth pair, does the work in this thread; a Python program on the kernel's sockets is at the other end of both.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { Applications, returned } from '../peers/applications.js';
import { KERNEL, OURS, openPeerNetwork, setSysctl } from '../peers/network.js';
import { Programs } from '../peers/programs.js';
import { setUp } from '../stack/link/linux/interface.js';
import { unshareNetwork } from '../stack/link/linux/namespace.js';

export interface PeerMeasure {
  /** `corked`: Node's net by somebody who corks the socket for CORKED writes at a time. */
  subject: 'netchannel' | 'net' | 'corked';
  task: 'send' | 'receive' | 'messages' | 'latency';
  /** Bytes, messages or round trips. */
  amount: number;
}

export interface PeerMeasured {
  /** s */
  seconds: number;
  /** CPU time of the thread that does the work, s. */
  cpu: number;
  /** Its system calls that read or write (proc(5), io: syscr and syscw); waiting in poll is not counted. */
  calls: number;
}

const MESSAGE = 128;
const CORKED = 512;
const { subject, task, amount } = workerData as PeerMeasure;
const PORT = 7000;

/** What the task needs of either subject. */
interface Connection {
  send(bytes: Uint8Array, count: number): Promise<void>;
  receive(bytes: number): Promise<void>;
  echo(count: number): Promise<void>;
  end(): Promise<void>;
}

const SERVER = `
task, n = A[1], int(A[2])
l = listen(A[0], ${PORT}); s, _ = l.accept()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
if task == 'receive':
    b = bytes(1 << 20)
    while n > 0: n -= s.send(b[:min(n, 1 << 20)])
elif task == 'latency':
    for i in range(n): s.sendall(s.recv(1))
else:
    b = bytearray(1 << 20)
    left = n if task == 'send' else n * ${MESSAGE}
    while left > 0: left -= s.recv_into(b)
    s.sendall(b'!')
s.recv(1)
`;

/** CPU time of this thread in seconds, and no other's (proc(5), schedstat: ns on a processor). */
const cpuTime = (): number =>
  Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e9;

/** Calls of this thread that read or wrote. */
function transfers(): number {
  const text = readFileSync('/proc/thread-self/io', 'latin1');
  return Number(/syscr: (\d+)/.exec(text)![1]) + Number(/syscw: (\d+)/.exec(text)![1]);
}

let broken: (error: unknown) => void = () => {};
const failure = new Promise<never>((_, reject) => {
  broken = reject;
});
failure.catch(() => {});
const programs = new Programs(broken);

async function overStack(): Promise<Connection> {
  const stack = { batchTransmit: true };
  const network = openPeerNetwork(
    { name: 'bench', about: '', stack, run: async () => {} },
    { family: 4, condition: 'clean', device: 'tap' },
    broken,
  );
  setSysctl('net.ipv4.tcp_congestion_control', 'reno');
  network.stack.setSysctl('net.ipv4.tcp_congestion_control', 'reno');
  const apps = new Applications(network.stack.posix, 4);
  const server = programs.python(SERVER, KERNEL[4], task, amount);
  await server.says('listening');
  const fd = await apps.connect(KERNEL[4], PORT, (each) => apps.set(each, 6, 1, 1));
  const { posix } = network.stack;
  const room = new Uint8Array(1 << 18);
  return {
    async send(bytes, count) {
      for (let i = 0; i < count; i++) {
        for (let at = 0; at < bytes.length; ) {
          const call = posix.send(fd, at === 0 ? bytes : bytes.subarray(at), 0);
          at += apps.ok('send', call.result ?? (await returned(call)));
        }
      }
      await apps.read(fd, room);
    },
    async receive(bytes) {
      for (let left = bytes; left > 0; ) {
        const call = posix.recv(fd, room, 0);
        left -= apps.ok('recv', call.result ?? (await returned(call)));
      }
    },
    async echo(count) {
      const one = new Uint8Array(1);
      for (let i = 0; i < count; i++) {
        apps.ok('send', posix.send(fd, one, 0).result ?? -1);
        await returned(posix.recv(fd, one, 0));
      }
    },
    async end() {
      await apps.close(fd);
      await programs.close();
      await network.close();
    },
  };
}

async function overNet(): Promise<Connection> {
  unshareNetwork();
  setUp('lo', true);
  setSysctl('net.ipv4.tcp_congestion_control', 'reno');
  // The other end of the pair is in a namespace that a sleeping program holds.
  const holder = programs.start('unshare', ['-n', 'sh', '-c', 'echo here; read x']);
  await holder.says('here');
  const pid = String(holder.process.pid);
  const within = ['-t', pid, '-n'];
  await programs.run('ip', ['link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', pid]);
  await programs.run('ip', ['addr', 'add', `${OURS[4]}/24`, 'dev', 'v0']);
  await programs.run('ip', ['link', 'set', 'v0', 'up']);
  await programs.run('nsenter', [...within, 'ip', 'addr', 'add', `${KERNEL[4]}/24`, 'dev', 'v1']);
  await programs.run('nsenter', [...within, 'ip', 'link', 'set', 'v1', 'up']);
  const set = 'echo reno > /proc/sys/net/ipv4/tcp_congestion_control';
  await programs.run('nsenter', [...within, 'sh', '-c', set]);
  const { PRELUDE } = await import('../peers/python.js');
  const args = ['/usr/bin/env', 'python3', '-u', '-c', PRELUDE + SERVER, KERNEL[4], task, String(amount)];
  const server = programs.start('nsenter', [...within, ...args]);
  await server.says('listening');
  const socket: Socket = connect({ host: KERNEL[4], port: PORT, noDelay: true });
  await once(socket, 'connect');
  socket.on('error', broken);
  return {
    async send(bytes, count) {
      const corked = subject === 'corked' ? CORKED : 1;
      for (let i = 0; i < count; ) {
        if (corked > 1) socket.cork();
        let room = true;
        for (let n = 0; n < corked && i < count; n++, i++) room = socket.write(bytes);
        if (corked > 1) socket.uncork();
        if (!room) await once(socket, 'drain');
      }
      await once(socket, 'data');
    },
    receive: (bytes) =>
      new Promise((resolve) => {
        let left = bytes;
        socket.on('data', (data: Buffer) => {
          left -= data.length;
          if (left <= 0) resolve();
        });
      }),
    echo: (count) =>
      new Promise((resolve) => {
        const one = new Uint8Array(1);
        let left = count;
        socket.on('data', () => {
          if (--left === 0) resolve();
          else socket.write(one);
        });
        socket.write(one);
      }),
    async end() {
      socket.destroy();
      await programs.close();
    },
  };
}

const connection = await Promise.race([subject === 'netchannel' ? overStack() : overNet(), failure]);
const calls = transfers();
const cpu = cpuTime();
const start = performance.now();
const work = {
  send: () => connection.send(new Uint8Array(1 << 16), Math.ceil(amount / (1 << 16))),
  receive: () => connection.receive(amount),
  messages: () => connection.send(new Uint8Array(MESSAGE), amount),
  latency: () => connection.echo(amount),
}[task];
await Promise.race([work(), failure]);
const measured: PeerMeasured = {
  seconds: (performance.now() - start) / 1e3,
  cpu: cpuTime() - cpu,
  calls: transfers() - calls,
};
await connection.end();
parentPort!.postMessage(measured);
process.exit(0);
