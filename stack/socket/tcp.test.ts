// TCP sockets of two stacks over memory links in virtual time: connect, accept, transfer, close, both families, a bad network,
// blocking and non-blocking calls.
import { describe, expect, test } from 'vitest';
import type { ImpairedOptions } from '../link/impaired.js';
import { emptyAddress, socketAddress } from './address.js';
import * as c from './constants.js';
import * as e from './errno.js';
import * as o from './options.js';
import { type Pair, twoStacks } from './two-stacks.test.helper.js';

const PORT = 8080;
const NOTHING = {
  descriptors: 0,
  connections: 0,
  listeners: 0,
  requests: 0,
  timeWaits: 0,
  ports: 0,
  flows: 0,
  channels: 0,
  timers: 0,
  buffers: 0,
  payloadPages: 0,
  pendingCalls: 0,
};

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8)) & 255);
}

/** `length` bytes at `from` of the data written over and over. */
function repeated(data: Uint8Array, from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => data[(from + i) % data.length]!);
}

/** A listener on b, a connection from a: [client on a, server on b, listener on b]. */
function connected(pair: Pair, to = '10.0.0.2', from = to.includes(':') ? c.AF_INET6 : c.AF_INET): number[] {
  const listener = pair.b.posix.socket(to.includes(':') ? c.AF_INET6 : c.AF_INET, c.SOCK_STREAM, 0);
  expect(pair.b.posix.setInt(listener, o.SOL_SOCKET, o.SO_REUSEADDR, 1)).toBe(0);
  expect(pair.b.posix.bind(listener, socketAddress(to.includes(':') ? '::' : '0.0.0.0', PORT))).toBe(0);
  expect(pair.b.posix.listen(listener, 8)).toBe(0);
  const client = pair.a.posix.socket(from, c.SOCK_STREAM, 0);
  const accepted = pair.b.posix.accept(listener);
  const connect = pair.a.posix.connect(client, socketAddress(to, PORT));
  expect(connect.result).toBe(null);
  expect(pair.until(connect)).toBe(0);
  return [client, pair.until(accepted), listener];
}

/** Sends everything from a to b and checks what arrives; both calls block. */
function transfer(pair: Pair, client: number, server: number, data: Uint8Array, limit = 3600e6): void {
  const sent = pair.a.posix.write(client, data);
  const got = new Uint8Array(data.length);
  let at = 0;
  while (at < data.length) {
    const count = pair.until(pair.b.posix.read(server, got.subarray(at)), limit);
    expect(count).toBeGreaterThan(0);
    at += count;
  }
  expect(Buffer.compare(got, data)).toBe(0);
  expect(pair.until(sent, limit)).toBe(data.length);
}

describe('a connection from open to close', () => {
  for (const framing of ['ip', 'ethernet'] as const) {
    for (const to of ['10.0.0.2', 'fd00::2']) {
      test(`${to} over ${framing}`, () => {
        const pair = twoStacks({ link: { common: { framing } } });
        const [client, server, listener] = connected(pair, to);
        transfer(pair, client, server, pattern(100_000));
        const name = emptyAddress();
        expect(pair.b.posix.getpeername(server, name)).toBe(0);
        const own = emptyAddress();
        expect(pair.a.posix.getsockname(client, own)).toBe(0);
        expect([name.port, [...name.address]]).toEqual([own.port, [...own.address]]);
        // The client ends its half; the server answers and ends the other.
        expect(pair.a.posix.shutdown(client, c.SHUT_WR)).toBe(0);
        expect(pair.until(pair.b.posix.read(server, new Uint8Array(10)))).toBe(0);
        expect(pair.b.posix.write(server, pattern(10)).result).toBe(10);
        expect(pair.until(pair.a.posix.read(client, new Uint8Array(100)))).toBe(10);
        expect(pair.b.posix.close(server).result).toBe(0);
        expect(pair.until(pair.a.posix.read(client, new Uint8Array(100)))).toBe(0);
        expect(pair.a.posix.close(client).result).toBe(0);
        pair.advance(1e6);
        expect(pair.a.usage().timeWaits).toBe(1);
        expect(pair.b.usage().connections).toBe(0);
        pair.advance(61e6);
        expect(pair.a.usage()).toEqual(NOTHING);
        pair.b.posix.close(listener);
        pair.advance(1);
        expect({ ...pair.b.usage(), timers: 0 }).toEqual(NOTHING);
        pair.close();
      });
    }
  }

  test('an AF_INET6 listener takes IPv4 and shows it mapped; an AF_INET6 client reaches IPv4', () => {
    const pair = twoStacks();
    const listener = pair.b.posix.socket(c.AF_INET6, c.SOCK_STREAM, 0);
    pair.b.posix.bind(listener, socketAddress('::', PORT));
    pair.b.posix.listen(listener, 8);
    const four = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    expect(pair.until(pair.a.posix.connect(four, socketAddress('10.0.0.2', PORT)))).toBe(0);
    const six = pair.a.posix.socket(c.AF_INET6, c.SOCK_STREAM, 0);
    expect(pair.until(pair.a.posix.connect(six, socketAddress('::ffff:10.0.0.2', PORT)))).toBe(0);
    for (let i = 0; i < 2; i++) {
      const peer = emptyAddress();
      const fd = pair.until(pair.b.posix.accept(listener, peer));
      expect(fd).toBeGreaterThan(0);
      expect([peer.family, [...peer.address.subarray(10)]]).toEqual([c.AF_INET6, [255, 255, 10, 0, 0, 1]]);
    }
    const only = pair.a.posix.socket(c.AF_INET6, c.SOCK_STREAM, 0);
    pair.a.posix.setInt(only, o.SOL_IPV6, o.IPV6_V6ONLY, 1);
    expect(pair.a.posix.connect(only, socketAddress('::ffff:10.0.0.2', PORT)).result).toBe(-e.ENETUNREACH);
    pair.close();
    expect(pair.a.usage()).toEqual(NOTHING);
    expect(pair.b.usage()).toEqual(NOTHING);
  });

  test('loopback: both ends on one stack', () => {
    for (const to of ['127.0.0.1', '::1', '10.0.0.1']) {
      const pair = twoStacks();
      const { posix } = pair.a;
      const family = to.includes(':') ? c.AF_INET6 : c.AF_INET;
      const listener = posix.socket(family, c.SOCK_STREAM, 0);
      posix.bind(listener, socketAddress(to, PORT));
      posix.listen(listener, 8);
      const client = posix.socket(family, c.SOCK_STREAM, 0);
      expect(pair.until(posix.connect(client, socketAddress(to, PORT)))).toBe(0);
      const server = pair.until(posix.accept(listener));
      const data = pattern(200_000);
      const sent = posix.write(client, data);
      const got = new Uint8Array(data.length);
      let at = 0;
      while (at < data.length) at += pair.until(posix.read(server, got.subarray(at)));
      expect(Buffer.compare(got, data)).toBe(0);
      expect(pair.until(sent)).toBe(data.length);
      pair.close();
      expect(pair.a.usage()).toEqual(NOTHING);
    }
  });
});

describe('a bad network', () => {
  const cases: [string, ImpairedOptions][] = [
    ['2 % loss', { seed: 7, both: { loss: 0.02 } }],
    ['reordering and duplication', { seed: 8, both: { reorder: 0.1, duplicate: 0.05 } }],
    ['corruption', { seed: 9, both: { corrupt: 0.03 } }],
  ] as unknown as [string, ImpairedOptions][];
  for (const [name, impair] of cases) {
    test(`every byte arrives, once and in order: ${name}`, () => {
      for (const to of ['10.0.0.2', 'fd00::2']) {
        const pair = twoStacks({ impair, link: { delay: 10_000 } });
        const [client, server] = connected(pair, to);
        transfer(pair, client, server, pattern(300_000));
        pair.close();
        expect(pair.a.usage()).toEqual(NOTHING);
        expect(pair.b.usage()).toEqual(NOTHING);
      }
    });
  }
});

describe('non-blocking calls', () => {
  test('connect: EINPROGRESS, EALREADY, 0, EISCONN; writable when it is done', () => {
    const pair = twoStacks();
    const listener = pair.b.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    pair.b.posix.bind(listener, socketAddress('0.0.0.0', PORT));
    pair.b.posix.listen(listener, 8);
    const { posix } = pair.a;
    const fd = posix.socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0);
    const address = socketAddress('10.0.0.2', PORT);
    const fds = [{ fd, events: c.POLLIN | c.POLLOUT, revents: 0 }];
    expect(posix.read(fd, new Uint8Array(1)).result).toBe(-e.ENOTCONN);
    expect(posix.write(fd, new Uint8Array(1)).result).toBe(-e.EPIPE);
    expect(posix.connect(fd, address).result).toBe(-e.EINPROGRESS);
    expect(posix.connect(fd, address).result).toBe(-e.EALREADY);
    expect(posix.read(fd, new Uint8Array(1)).result).toBe(-e.EAGAIN);
    expect(posix.write(fd, new Uint8Array(1)).result).toBe(-e.EAGAIN);
    expect(posix.getpeername(fd, emptyAddress())).toBe(-e.ENOTCONN);
    expect(posix.poll(fds, 0).result).toBe(0);
    pair.advance(10_000);
    expect([posix.poll(fds, 0).result, fds[0].revents]).toEqual([1, c.POLLOUT]);
    expect(posix.getInt(fd, o.SOL_SOCKET, o.SO_ERROR)).toBe(0);
    expect(posix.connect(fd, address).result).toBe(0);
    expect(posix.connect(fd, address).result).toBe(-e.EISCONN);
    expect(posix.read(fd, new Uint8Array(1)).result).toBe(-e.EAGAIN);
    expect(posix.listen(fd, 1)).toBe(-e.EINVAL);
    expect(posix.accept(fd).result).toBe(-e.EINVAL);
    pair.b.posix.fcntl(listener, c.F_SETFL, c.O_NONBLOCK);
    const server = pair.b.posix.accept4(listener, undefined, c.SOCK_NONBLOCK).result!;
    expect(server).toBeGreaterThan(0);
    expect(pair.b.posix.accept(listener).result).toBe(-e.EAGAIN);
    expect(pair.b.posix.read(listener, new Uint8Array(1)).result).toBe(-e.ENOTCONN);
    expect(pair.b.posix.connect(listener, address).result).toBe(-e.EISCONN);
    expect(pair.b.posix.read(server, new Uint8Array(1)).result).toBe(-e.EAGAIN);
    pair.close();
  });

  test('tryRead and tryWrite answer what recv and send with MSG_DONTWAIT do', () => {
    const pair = twoStacks();
    const { posix } = pair.a;
    const room = new Uint8Array(100);
    expect([posix.tryRead(99, room), posix.tryWrite(99, room)]).toEqual([-e.EBADF, -e.EBADF]);
    const alone = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    expect([posix.tryRead(alone, room), posix.tryWrite(alone, room)]).toEqual([-e.ENOTCONN, -e.EPIPE]);
    const [client, server] = connected(pair) as [number, number];
    expect(posix.tryRead(client, room)).toBe(-e.EAGAIN);
    // Until there is no room: a short write, then none; whole calls say the same.
    const data = pattern(100_000);
    let sent = 0;
    for (let taken = 1; taken > 0; ) {
      taken = posix.tryWrite(client, data);
      if (taken > 0) sent += taken;
      else expect(taken).toBe(-e.EAGAIN);
    }
    expect(sent % data.length).not.toBe(0);
    expect(posix.send(client, data, c.MSG_DONTWAIT).result).toBe(-e.EAGAIN);
    let got = 0;
    for (let turn = 0; turn < 1000 && got < sent; turn++) {
      pair.advance(10_000);
      for (let n = 1; n > 0; ) {
        n = pair.b.posix.tryRead(server, room);
        if (n > 0) {
          expect(room.subarray(0, n)).toEqual(repeated(data, got, n));
          got += n;
        } else expect(n).toBe(-e.EAGAIN);
      }
    }
    expect(got).toBe(sent);
    posix.shutdown(client, c.SHUT_WR);
    pair.advance(10_000);
    expect(pair.b.posix.tryRead(server, room)).toBe(0);
    expect(posix.tryWrite(client, data)).toBe(-e.EPIPE);
    pair.close();
  });

  test('refused, then used again', () => {
    for (const blocking of [true, false]) {
      const pair = twoStacks();
      const { posix } = pair.a;
      const fd = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
      if (!blocking) posix.fcntl(fd, c.F_SETFL, c.O_NONBLOCK);
      const address = socketAddress('10.0.0.2', PORT);
      const fds = [{ fd, events: c.POLLIN | c.POLLOUT, revents: 0 }];
      const call = posix.connect(fd, address);
      if (blocking) {
        expect(pair.until(call)).toBe(-e.ECONNREFUSED);
      } else {
        expect(call.result).toBe(-e.EINPROGRESS);
        pair.advance(10_000);
        expect(posix.poll(fds, 0).result).toBe(1);
        expect(fds[0].revents).toBe(c.POLLIN | c.POLLOUT | c.POLLERR | c.POLLHUP);
        expect(posix.getInt(fd, o.SOL_SOCKET, o.SO_ERROR)).toBe(e.ECONNREFUSED);
        expect(posix.getInt(fd, o.SOL_SOCKET, o.SO_ERROR)).toBe(0);
        expect(posix.connect(fd, address).result).toBe(-e.ECONNABORTED);
      }
      const listener = pair.b.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
      pair.b.posix.bind(listener, socketAddress('0.0.0.0', PORT));
      pair.b.posix.listen(listener, 8);
      const again = posix.connect(fd, address);
      if (!blocking) expect(again.result).toBe(-e.EINPROGRESS);
      pair.advance(10_000);
      if (blocking) expect(again.result).toBe(0);
      else expect(posix.connect(fd, address).result).toBe(0);
      pair.close();
      expect(pair.a.usage()).toEqual(NOTHING);
    }
  });

  test('a full send buffer takes part of a write, then nothing, and tells when there is room', () => {
    const pair = twoStacks();
    const [client, server] = connected(pair);
    const { posix } = pair.a;
    posix.fcntl(client, c.F_SETFL, c.O_NONBLOCK);
    const data = pattern(8_000_000);
    const first = posix.write(client, data).result!;
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(data.length);
    expect(posix.write(client, data.subarray(first)).result).toBe(-e.EAGAIN);
    const epoll = posix.epoll_create(1);
    posix.epoll_ctl(epoll, c.EPOLL_CTL_ADD, client, { events: c.EPOLLOUT | c.EPOLLET, data: 5 });
    expect(posix.epoll_wait(epoll, [], 1, 0).result).toBe(0);
    const room = posix.epoll_wait(epoll, [], 1, -1);
    const got = new Uint8Array(data.length);
    let at = 0;
    while (room.result === null) at += pair.until(pair.b.posix.read(server, got.subarray(at)));
    expect(room.result).toBe(1);
    expect(posix.write(client, data.subarray(first)).result).toBeGreaterThan(0);
    pair.close();
  });
});

describe('blocking calls', () => {
  test('SO_RCVTIMEO and SO_SNDTIMEO end them', () => {
    const pair = twoStacks();
    const [client, server] = connected(pair);
    const time = new Uint8Array(16);
    new DataView(time.buffer).setBigInt64(8, 300_000n, true);
    expect(pair.b.posix.setsockopt(server, o.SOL_SOCKET, o.SO_RCVTIMEO, time)).toBe(0);
    const start = pair.now;
    const read = pair.b.posix.read(server, new Uint8Array(1));
    expect(pair.until(read)).toBe(-e.EAGAIN);
    expect(read.returnedAt - start).toBe(300_000);
    expect(pair.a.posix.setsockopt(client, o.SOL_SOCKET, o.SO_SNDTIMEO, time)).toBe(0);
    const write = pair.a.posix.write(client, new Uint8Array(20_000_000));
    const taken = pair.until(write);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(20_000_000);
    const connect = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    pair.a.posix.setsockopt(connect, o.SOL_SOCKET, o.SO_SNDTIMEO, time);
    expect(pair.until(pair.a.posix.connect(connect, socketAddress('10.0.0.77', 1)))).toBe(-e.EINPROGRESS);
    pair.close();
  });

  test('MSG_WAITALL waits for all, MSG_PEEK leaves it, readv and writev go over several buffers', () => {
    const pair = twoStacks();
    const [client, server] = connected(pair);
    const buffer = new Uint8Array(10);
    const all = pair.b.posix.recv(server, buffer, c.MSG_WAITALL);
    expect(pair.a.posix.writev(client, [pattern(3), pattern(2)]).result).toBe(5);
    pair.advance(50_000);
    expect(all.result).toBe(null);
    pair.a.posix.write(client, pattern(5));
    expect(pair.until(all)).toBe(10);
    expect([...buffer]).toEqual([...pattern(3), ...pattern(2), ...pattern(5)]);
    pair.a.posix.write(client, pattern(6));
    const peek = [new Uint8Array(2), new Uint8Array(10)];
    pair.advance(50_000);
    expect(pair.b.posix.recvmsg(server, { iov: peek }, c.MSG_PEEK).result).toBe(6);
    expect([...peek[0], ...peek[1].subarray(0, 4)]).toEqual([...pattern(6)]);
    expect(pair.b.posix.recvmsg(server, { iov: peek }, 0).result).toBe(6);
    expect(pair.b.posix.readv(server, [null]).result).toBe(-e.EFAULT);
    const inq = [0];
    pair.a.posix.write(client, pattern(7));
    pair.advance(50_000);
    expect(pair.b.posix.ioctl(server, c.SIOCINQ, inq)).toBe(0);
    expect(inq[0]).toBe(7);
    pair.b.posix.setInt(server, o.SOL_TCP, o.TCP_INQ, 1);
    const message = { iov: [new Uint8Array(4)], controlLength: 32, control: [] as unknown[] };
    expect(
      pair.b.posix.recvmsg(server, message as Parameters<typeof pair.b.posix.recvmsg>[1], 0).result,
    ).toBe(4);
    expect(message.control).toEqual([
      { level: o.SOL_TCP, type: o.TCP_CM_INQ, data: Uint8Array.of(3, 0, 0, 0) },
    ]);
    pair.close();
  });

  test('close with SO_LINGER waits for the peer, and with zero resets', () => {
    const pair = twoStacks();
    const [client, server] = connected(pair);
    const linger = new Uint8Array(8);
    const view = new DataView(linger.buffer);
    view.setInt32(0, 1, true);
    view.setInt32(4, 5, true);
    pair.a.posix.setsockopt(client, o.SOL_SOCKET, o.SO_LINGER, linger);
    pair.a.posix.write(client, pattern(1000));
    const close = pair.a.posix.close(client);
    expect(close.result).toBe(null);
    expect(pair.until(close)).toBe(0);
    expect(pair.until(pair.b.posix.read(server, new Uint8Array(2000)))).toBe(1000);
    expect(pair.until(pair.b.posix.read(server, new Uint8Array(2000)))).toBe(0);
    const [second, accepted] = connectedAgain(pair);
    view.setInt32(4, 0, true);
    pair.a.posix.setsockopt(second, o.SOL_SOCKET, o.SO_LINGER, linger);
    expect(pair.a.posix.close(second).result).toBe(0);
    pair.advance(10_000);
    expect(pair.b.posix.read(accepted, new Uint8Array(1)).result).toBe(-e.ECONNRESET);
    expect(pair.b.posix.read(accepted, new Uint8Array(1)).result).toBe(0);
    expect(pair.b.posix.write(accepted, new Uint8Array(1)).result).toBe(-e.EPIPE);
    pair.close();
    expect(pair.a.usage()).toEqual(NOTHING);
  });
});

function connectedAgain(pair: Pair): number[] {
  const listener = pair.b.posix.descriptors[0];
  const client = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
  expect(pair.until(pair.a.posix.connect(client, socketAddress('10.0.0.2', PORT)))).toBe(0);
  return [client, pair.until(pair.b.posix.accept(listener))];
}

describe('closing a stack', () => {
  test('ends every socket, timer, flow and waiting call, whatever state it is in', () => {
    const pair = twoStacks();
    const [client, server] = connected(pair);
    connectedAgain(pair);
    const { posix } = pair.a;
    const trying = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    const connect = posix.connect(trying, socketAddress('10.0.0.99', 1));
    const read = posix.read(client, new Uint8Array(1));
    const write = posix.write(client, pattern(50_000));
    const datagrams = posix.socket(c.AF_INET, c.SOCK_DGRAM, 0);
    posix.bind(datagrams, socketAddress('0.0.0.0', 0));
    expect(server).toBeGreaterThan(0);
    expect(pair.a.usage().connections).toBe(3);
    expect(pair.a.usage().pendingCalls).toBe(3);
    pair.close();
    expect([connect.result, read.result, write.result]).toEqual([-e.EBADF, -e.EBADF, -e.EBADF]);
    expect(pair.a.usage()).toEqual(NOTHING);
    expect(pair.b.usage()).toEqual(NOTHING);
    expect(() => pair.a.run(1e9)).toThrow(/closed/);
    pair.a.close();
  });
});

test('one IPv6 flow has one flow label from its SYN to its end, and other flows others', () => {
  for (const on of [true, false]) {
    const labels = new Map<number, Set<number>>();
    const tap = (_now: number, direction: string, b: Uint8Array, start: number) => {
      if (direction !== 'out' || b[start] >>> 4 !== 6) return;
      const port = (b[start + 40] << 8) | b[start + 41];
      const label = ((b[start + 1] & 15) << 16) | (b[start + 2] << 8) | b[start + 3];
      labels.set(port, (labels.get(port) ?? new Set()).add(label));
    };
    const sysctls = { 'net.ipv6.auto_flowlabels': on ? '1' : '0' };
    const pair = twoStacks({ link: { a: { tap } }, a: { sysctls } });
    const [client, server, listener] = connected(pair, 'fd00::2');
    transfer(pair, client, server, pattern(20_000));
    pair.b.posix.close(listener);
    pair.a.posix.close(client);
    connected(pair, 'fd00::2');
    pair.close();
    expect(labels.size).toBe(2);
    const all = [...labels.values()].flatMap((set) => [...set]);
    expect(all).toHaveLength(2);
    if (on) expect(all[0] !== 0 && all[1] !== 0 && all[0] !== all[1]).toBe(true);
    else expect(all).toEqual([0, 0]);
  }
});
