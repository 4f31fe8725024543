// Stacks whose drivers are threads blocked in the kernel, with hosts in this thread and in workers: traffic between several
// of them, and the end of each part in each way.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { socketAddress } from '../socket/address.js';
import { AF_INET, SOCK_STREAM } from '../socket/constants.js';
import { ECONNREFUSED, ECONNRESET } from '../socket/errno.js';
import { returnOf } from '../socket/return-of.js';
import type { StackUsage } from '../stack-types.js';
import type { ThreadedHost } from './host.js';
import { openThreadedStack, type ThreadedStack } from './threaded-stack.js';
import { makeWire } from './wire-links.test.helper.js';

const links = new URL('./wire-links.test.helper.js', import.meta.url);
const echoHost = new URL('./echo-host.test.helper.js', import.meta.url);

const BUFFERS = { small: 512, large: 8 };

/** `server` at 10.0.0.1 and `client` at 10.0.0.9, a wire between them. */
async function pair(onCrash?: (error: Error) => void) {
  const wire = makeWire();
  const open = (side: 0 | 1, address: string) =>
    openThreadedStack({
      links: { module: links, options: wire.ends[side] },
      addresses: [{ address, prefix: 24 }],
      arenaBytes: 64 << 20,
      smallBuffers: 8192,
      largeBuffers: 64,
      driverBuffers: { small: 4096, large: 8 },
      buffers: BUFFERS,
      maxChannels: 1024,
      ...(onCrash && side === 0 ? { onCrash } : {}),
    });
  const server = await open(0, '10.0.0.1');
  const client = await open(1, '10.0.0.9');
  return { server, client, crash: wire.crash, close: () => Promise.all([server.close(), client.close()]) };
}

/** Starts an echo host in a worker and waits until it serves; what it says instead when it does not. */
async function echoAt(server: ThreadedStack, address: string): Promise<{ worker: Worker; first: unknown }> {
  const worker = server.spawn(echoHost, { addresses: [{ address, prefix: 24 }], buffers: BUFFERS });
  worker.on('error', () => {});
  const first = await new Promise((resolve) => worker.once('message', resolve));
  return { worker, first };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 1));

/** What `make` makes once a dead host has been cleared away, which takes a grace period and the driver's word. */
async function freed<T>(make: () => T): Promise<Awaited<T>> {
  for (;;) {
    try {
      return await make();
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'POOL_EXHAUSTED' && code !== 'ENDPOINT_EXHAUSTED') throw error;
      await pause();
    }
  }
}

const exitOf = (worker: Worker) => new Promise<number>((resolve) => worker.once('exit', resolve));
const answer = <T>(worker: Worker, what: string) =>
  new Promise<T>((resolve) => {
    worker.once('message', resolve);
    worker.postMessage(what);
  });

async function connect(host: ThreadedHost, address: string): Promise<number> {
  const fd = host.posix.socket(AF_INET, SOCK_STREAM, 0);
  const result = await returnOf(host.posix.connect(fd, socketAddress(address, 7)));
  return result < 0 ? result : fd;
}

/** Sends `bytes` bytes and reads them back; how many were what they should be. */
async function echoed(host: ThreadedHost, fd: number, bytes: number): Promise<number> {
  const { posix } = host;
  const data = Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >> 8)) & 255);
  const sending = (async () => {
    for (let at = 0; at < bytes; ) {
      const n = await returnOf(posix.write(fd, data.subarray(at)));
      if (n < 0) return;
      at += n;
    }
  })();
  const buffer = new Uint8Array(4096);
  let right = 0;
  for (let got = 0; got < bytes; ) {
    const n = await returnOf(posix.read(fd, buffer));
    if (n <= 0) return right;
    for (let i = 0; i < n; i++) if (buffer[i] === data[got + i]) right++;
    got += n;
  }
  await sending;
  return right;
}

/** A server in this thread's host. */
function serveHere(host: ThreadedHost): void {
  const { posix } = host;
  const listener = posix.socket(AF_INET, SOCK_STREAM, 0);
  posix.bind(listener, socketAddress('0.0.0.0', 7));
  posix.listen(listener, 8);
  const accept = () =>
    posix.accept(listener).onReturn((fd) => {
      if (fd < 0) return;
      accept();
      const buffer = new Uint8Array(4096);
      const read = () =>
        posix.read(fd, buffer).onReturn((length) => {
          if (length <= 0) posix.close(fd);
          else posix.write(fd, buffer.slice(0, length)).onReturn(read);
        });
      read();
    });
  accept();
}

const NOTHING: Partial<StackUsage> = { descriptors: 0, connections: 0, listeners: 0, ports: 0, channels: 0 };

describe('a stack in several threads', () => {
  it('serves from this thread and from workers at once, each at its own address', async () => {
    const { server, client, close } = await pair();
    serveHere(server.host);
    const two = await echoAt(server, '10.0.0.2');
    const three = await echoAt(server, '10.0.0.3');
    expect([two.first, three.first, server.hosts]).toEqual(['ready', 'ready', 2]);
    const targets = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.2', '10.0.0.3'];
    const fds = await Promise.all(targets.map((address) => connect(client.host, address)));
    expect(Math.min(...fds)).toBeGreaterThanOrEqual(0);
    const bytes = 60_000;
    const right = await Promise.all(fds.map((fd) => echoed(client.host, fd, bytes)));
    expect(right).toEqual(targets.map(() => bytes));
    // Each connection has a channel of its own: two hosts' homes and listeners come on top.
    const said = await answer<{ usage: StackUsage }>(two.worker, 'usage');
    expect(said.usage).toMatchObject({ connections: 2, listeners: 1 });
    const { table, channels, driver } = server.statistics();
    expect(table.flows).toBeGreaterThanOrEqual(5);
    expect(table.lookups).toBeGreaterThan(200);
    expect(channels?.open).toBeGreaterThanOrEqual(8);
    expect(driver).toMatchObject({ spoofed: 0, unwanted: 0 });
    expect(driver.received).toBeGreaterThan(200);
    for (const fd of fds) client.host.posix.close(fd);
    const closed = await answer<{ usage: StackUsage }>(three.worker, 'close');
    expect(closed.usage).toMatchObject(NOTHING);
    const exits = [exitOf(two.worker), exitOf(three.worker)];
    await close();
    await Promise.all(exits);
    expect([server.hosts, server.host.usage(), client.host.usage()]).toMatchObject([0, NOTHING, NOTHING]);
    // Again, and nothing happens.
    await server.close();
  }, 120_000);

  it('resets the peers of a host that dies, answers for it, and takes it in again, however it died', async () => {
    const { server, client, close } = await pair();
    await echoAt(server, '10.0.0.3');
    const kept = await connect(client.host, '10.0.0.3');
    for (const how of ['terminate', 'throw', 'exit']) {
      const { worker, first } = await echoAt(server, '10.0.0.2');
      expect(first).toBe('ready');
      const lost = await connect(client.host, '10.0.0.2');
      expect(await echoed(client.host, lost, 1000)).toBe(1000);
      // The peer only reads: nothing but a reset that is sent unasked can tell it.
      const read = returnOf(client.host.posix.read(lost, new Uint8Array(16)));
      const exit = exitOf(worker);
      if (how === 'terminate') void worker.terminate();
      else worker.postMessage(how);
      await exit;
      expect(await read).toBe(-ECONNRESET);
      expect(server.hosts).toBe(1);
      expect(await connect(client.host, '10.0.0.2')).toBe(-ECONNREFUSED);
    }
    expect(await echoed(client.host, kept, 1000)).toBe(1000);
    await close();
  }, 120_000);

  it('gives numbers and buffers of dead hosts to new ones, again and again', async () => {
    const { server, client, close } = await pair();
    // Buffers would be used up after eight hosts, numbers after 47.
    for (let i = 0; i < 60; i++) {
      const { commands } = await freed(() =>
        server.ticket({ addresses: [{ address: '10.0.0.2', prefix: 24 }], buffers: BUFFERS }),
      );
      commands.close();
      while (server.hosts > 0) await pause();
    }
    for (let i = 0; i < 3; i++) {
      const { worker, first } = await freed(() => echoAt(server, '10.0.0.2'));
      expect(first).toBe('ready');
      const fd = await connect(client.host, '10.0.0.2');
      expect(await echoed(client.host, fd, 60_000)).toBe(60_000);
      const exit = exitOf(worker);
      void worker.terminate();
      await exit;
      client.host.posix.close(fd);
    }
    await close();
  }, 120_000);

  it('refuses an address that another host has', async () => {
    const { server, close } = await pair();
    const one = await echoAt(server, '10.0.0.2');
    const two = await echoAt(server, '10.0.0.2');
    expect([one.first, two.first]).toEqual(['ready', { refused: 'FLOW_EXISTS' }]);
    await close();
  }, 120_000);

  it('says so when its driver crashes, and closes all the same', async () => {
    let told: (error: Error) => void = () => {};
    const crash = new Promise<Error>((resolve) => {
      told = resolve;
    });
    const { server, crash: cut, close } = await pair((error) => told(error));
    const { worker } = await echoAt(server, '10.0.0.2');
    const exit = exitOf(worker);
    cut();
    expect((await crash).message).toContain('the wire is cut');
    await close();
    await exit;
  }, 120_000);

  it('starts not at all when its links do not open, and says why', async () => {
    const opening = openThreadedStack({
      links: [{ kind: 'packet', interface: 'nc-none' }],
      arenaBytes: 64 << 20,
      smallBuffers: 4096,
      largeBuffers: 64,
      maxChannels: 64,
    });
    await expect(opening).rejects.toMatchObject({ code: 'DRIVER_START' });
  }, 60_000);

  it('keeps no process: exit, an uncaught throw, the end of main while idle; and does while sockets are open', () => {
    const main = fileURLToPath(new URL('./threaded-main.test.helper.js', import.meta.url));
    for (const [how, status] of [
      ['exit', 3],
      ['throw', 1],
      ['end', 0],
      ['serve', 0],
    ] as const) {
      const child = spawnSync(process.execPath, [main, how], { timeout: 60_000, encoding: 'utf8' });
      expect(`${how} ${child.status} ${child.signal} ${child.stdout.trim()}`).toBe(
        `${how} ${status} null ${how === 'serve' ? 'idle served' : 'idle'}`,
      );
    }
  }, 240_000);
});
