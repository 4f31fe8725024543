// Options, information and less common calls of TCP sockets on a live connection.
import { describe, expect, test } from 'vitest';
import { emptyAddress, socketAddress } from './address.js';
import * as c from './constants.js';
import * as e from './errno.js';
import * as o from './options.js';
import { TCP_INFO_NAMES } from './tcp-info-format.js';
import { connectPair, twoStacks } from './two-stacks.test.helper.js';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replace(/\0.*$/, '');

describe('options', () => {
  test('integers of level SOL_TCP come back as they were set, within their bounds', () => {
    const pair = twoStacks();
    const [client] = connectPair(pair);
    const { posix } = pair.a;
    for (const [name, value] of [
      [o.TCP_NODELAY, 1],
      [o.TCP_CORK, 1],
      [o.TCP_KEEPIDLE, 11],
      [o.TCP_KEEPINTVL, 12],
      [o.TCP_KEEPCNT, 13],
      [o.TCP_SYNCNT, 14],
      [o.TCP_USER_TIMEOUT, 15_000],
      [o.TCP_NOTSENT_LOWAT, 16_000],
      [o.TCP_INQ, 1],
    ]) {
      expect(posix.setInt(client, o.SOL_TCP, name, value), `option ${name}`).toBe(0);
      expect(posix.getInt(client, o.SOL_TCP, name), `option ${name}`).toBe(value);
    }
    expect(posix.setInt(client, o.SOL_TCP, o.TCP_KEEPCNT, 0)).toBe(-e.EINVAL);
    expect(posix.setInt(client, o.SOL_TCP, o.TCP_KEEPIDLE, 40_000)).toBe(-e.EINVAL);
    expect(posix.setInt(client, o.SOL_TCP, o.TCP_INQ, 2)).toBe(-e.EINVAL);
    expect(posix.setInt(client, o.SOL_TCP, o.TCP_REPAIR, 1)).toBe(-e.EPERM);
    expect(posix.setInt(client, o.SOL_TCP, 999, 1)).toBe(-e.ENOPROTOOPT);
    expect(() => posix.getInt(client, o.SOL_TCP, 999)).toThrow(/ENOPROTOOPT/);
    expect(posix.setsockopt(client, o.SOL_TCP, o.TCP_NODELAY, new Uint8Array(2))).toBe(-e.EINVAL);
    expect(posix.setsockopt(client, o.SOL_TCP, o.TCP_FASTOPEN_KEY, new Uint8Array(15))).toBe(-e.EINVAL);
    expect(posix.setsockopt(client, o.SOL_TCP, o.TCP_ULP, new TextEncoder().encode('tls'))).toBe(-e.ENOENT);
    pair.close();
  });

  test('congestion control by name', () => {
    const pair = twoStacks();
    const [client] = connectPair(pair);
    const { posix } = pair.a;
    const name = new Uint8Array(16);
    expect(posix.getsockopt(client, o.SOL_TCP, o.TCP_CONGESTION, name, [16])).toBe(0);
    expect(text(name)).toBe('cubic');
    const set = (value: string) =>
      posix.setsockopt(client, o.SOL_TCP, o.TCP_CONGESTION, new TextEncoder().encode(value));
    expect(set('reno')).toBe(0);
    posix.getsockopt(client, o.SOL_TCP, o.TCP_CONGESTION, name, [16]);
    expect(text(name)).toBe('reno');
    expect(set('nosuch')).toBe(-e.ENOENT);
    expect(set('')).toBe(-e.EINVAL);
    pair.close();
  });

  test('SO_MARK, SO_KEEPALIVE, buffers, pacing, TOS and TTL reach the connection', () => {
    const pair = twoStacks();
    const [client] = connectPair(pair);
    const { posix } = pair.a;
    const [handle] = [...pair.a.tcp.handles];
    posix.setInt(client, o.SOL_SOCKET, o.SO_MARK, 7);
    posix.setInt(client, o.SOL_IP, o.IP_TTL, 9);
    posix.setInt(client, o.SOL_IP, o.IP_TOS, 0x28);
    posix.setInt(client, o.SOL_SOCKET, o.SO_OOBINLINE, 1);
    posix.setInt(client, o.SOL_SOCKET, o.SO_MAX_PACING_RATE, 1_000_000);
    const { tcb } = handle;
    expect([tcb.mark, tcb.ttl, tcb.tos & 0xfc, tcb.oobInline]).toEqual([7, 9, 0x28, true]);
    expect(posix.getInt(client, o.SOL_SOCKET, o.SO_MAX_PACING_RATE)).toBe(1_000_000);
    posix.setInt(client, o.SOL_SOCKET, o.SO_SNDBUF, 30_000);
    posix.setInt(client, o.SOL_SOCKET, o.SO_RCVBUF, 40_000);
    expect(posix.getInt(client, o.SOL_SOCKET, o.SO_SNDBUF)).toBe(60_000);
    expect(posix.getInt(client, o.SOL_SOCKET, o.SO_RCVBUF)).toBe(80_000);
    posix.setInt(client, o.SOL_SOCKET, o.SO_RCVLOWAT, 100);
    expect(posix.getInt(client, o.SOL_SOCKET, o.SO_RCVLOWAT)).toBe(100);
    posix.setInt(client, o.SOL_SOCKET, o.SO_KEEPALIVE, 1);
    expect(pair.a.nextTimeout()).toBeLessThan(7201e6);
    expect(posix.getInt(client, o.SOL_SOCKET, o.SO_ACCEPTCONN)).toBe(0);
    expect(posix.getInt(client, o.SOL_IP, o.IP_MTU)).toBe(1500);
    pair.close();
  });

  test('TCP_INFO names every field of Linux, and its bytes agree with them', () => {
    const pair = twoStacks();
    const [client] = connectPair(pair);
    const info = pair.a.posix.tcpInfo(client);
    expect(TCP_INFO_NAMES.filter((name) => !(name in info))).toEqual([]);
    expect(info.tcpi_state).toBe(1);
    expect(info.tcpi_rtt).toBe(2000);
    const bytes = new Uint8Array(400);
    const length = [400];
    expect(pair.a.posix.getsockopt(client, o.SOL_TCP, o.TCP_INFO, bytes, length)).toBe(0);
    expect(length[0]).toBeGreaterThanOrEqual(248);
    const view = new DataView(bytes.buffer);
    expect(bytes[0]).toBe(1);
    expect(view.getUint32(68, true)).toBe(info.tcpi_rtt);
    expect(view.getUint32(80, true)).toBe(info.tcpi_snd_cwnd);
    const short = new Uint8Array(8);
    expect(pair.a.posix.getsockopt(client, o.SOL_TCP, o.TCP_INFO, short, [1])).toBe(0);
    expect([...short]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
    expect(Object.keys(pair.a.posix.memInfo(client))).toHaveLength(9);
    // Linux has no structure for cubic.
    expect(pair.a.posix.getsockopt(client, o.SOL_TCP, o.TCP_CC_INFO, bytes, length)).toBe(0);
    expect(length[0]).toBe(0);
    pair.a.posix.setsockopt(client, o.SOL_TCP, o.TCP_CONGESTION, new TextEncoder().encode('bbr'));
    length[0] = 100;
    expect(pair.a.posix.getsockopt(client, o.SOL_TCP, o.TCP_CC_INFO, bytes, length)).toBe(0);
    expect(length[0]).toBe(20);
    expect(view.getUint32(8, true)).toBe(pair.a.posix.ccInfo(client).bbr_min_rtt);
    pair.close();
  });
});

describe('less common calls', () => {
  test('urgent data: out of line, in line, at the mark', () => {
    for (const inline of [false, true]) {
      const pair = twoStacks();
      const [client, server] = connectPair(pair);
      const { posix } = pair.b;
      if (inline) posix.setInt(server, o.SOL_SOCKET, o.SO_OOBINLINE, 1);
      pair.a.posix.send(client, Uint8Array.of(1, 2, 3), c.MSG_OOB);
      pair.advance(10_000);
      const fds = [{ fd: server, events: c.POLLIN | c.POLLPRI, revents: 0 }];
      posix.poll(fds, 0);
      expect(fds[0].revents & c.POLLPRI).toBe(c.POLLPRI);
      const buffer = new Uint8Array(10);
      expect(posix.read(server, buffer).result).toBe(2);
      const mark = [0];
      expect(posix.ioctl(server, c.SIOCATMARK, mark)).toBe(0);
      expect(mark[0]).toBe(1);
      const urgent = posix.recv(server, buffer, c.MSG_OOB).result;
      expect(urgent).toBe(inline ? -e.EINVAL : 1);
      if (!inline) expect(buffer[0]).toBe(3);
      else expect([posix.read(server, buffer).result, buffer[0]]).toEqual([1, 3]);
      pair.close();
    }
  });

  test('sendfile and splice between file, pipe and connection', () => {
    const data = Uint8Array.from({ length: 150_000 }, (_, i) => i * 13);
    const pair = twoStacks({ a: { files: { read: () => data } } });
    const [client, server] = connectPair(pair);
    const { posix } = pair.a;
    const file = posix.open('/data', c.O_RDONLY);
    const sent = posix.sendfile(client, file, null, 1_000_000);
    const ends = [0, 0];
    pair.b.posix.pipe(ends);
    const got = new Uint8Array(data.length);
    let at = 0;
    while (at < data.length) {
      const moved = pair.until(pair.b.posix.splice(server, null, ends[1], null, 100_000, 0));
      expect(moved).toBeGreaterThan(0);
      expect(pair.b.posix.read(ends[0], got.subarray(at)).result).toBe(moved);
      at += moved;
    }
    expect(pair.until(sent)).toBe(data.length);
    expect(Buffer.compare(got, data)).toBe(0);
    pair.b.posix.write(ends[1], data.subarray(0, 5000));
    expect(pair.until(pair.b.posix.splice(ends[0], null, server, null, 5000, 0))).toBe(5000);
    pair.advance(20_000);
    expect(posix.recv(client, new Uint8Array(9000), 0).result).toBe(5000);
    pair.close();
  });

  test('connect(AF_UNSPEC) dissolves, and the socket connects again with its options', () => {
    const pair = twoStacks();
    const [client, server] = connectPair(pair);
    const { posix } = pair.a;
    posix.setInt(client, o.SOL_TCP, o.TCP_KEEPCNT, 5);
    posix.setInt(client, o.SOL_IP, o.IP_TTL, 33);
    expect(posix.connect(client, emptyAddress()).result).toBe(0);
    expect(posix.getpeername(client, emptyAddress())).toBe(-e.ENOTCONN);
    pair.advance(10_000);
    expect(pair.b.posix.read(server, new Uint8Array(1)).result).toBe(-e.ECONNRESET);
    expect(pair.until(posix.connect(client, socketAddress('10.0.0.2', 8080)))).toBe(0);
    expect(posix.getInt(client, o.SOL_TCP, o.TCP_KEEPCNT)).toBe(5);
    expect([...pair.a.tcp.handles][0].tcb.ttl).toBe(33);
    pair.close();
    expect(pair.a.usage().connections).toBe(0);
  });

  test('a bound port is kept when a connection is dissolved', () => {
    const pair = twoStacks();
    connectPair(pair);
    const { posix } = pair.a;
    const fd = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    expect(posix.bind(fd, socketAddress('10.0.0.1', 4321))).toBe(0);
    const name = emptyAddress();
    for (let i = 0; i < 2; i++) {
      expect(pair.until(posix.connect(fd, socketAddress('10.0.0.2', 8080)))).toBe(0);
      posix.getsockname(fd, name);
      expect(name.port).toBe(4321);
      posix.connect(fd, emptyAddress());
      pair.advance(10_000);
    }
    pair.close();
  });

  test('shutdown of a listener, and of sockets that are not connected', () => {
    const pair = twoStacks();
    const [client, server, listener] = connectPair(pair);
    const { posix } = pair.b;
    const waiting = posix.accept(listener);
    expect(posix.shutdown(listener, c.SHUT_WR)).toBe(0);
    expect(waiting.result).toBe(null);
    expect(posix.shutdown(listener, c.SHUT_RD)).toBe(0);
    expect(waiting.result).toBe(-e.EINVAL);
    expect(posix.shutdown(listener, c.SHUT_RD)).toBe(-e.ENOTCONN);
    // The accepted connection holds the port without SO_REUSEADDR, so nobody listens on it again while it lives.
    expect(posix.listen(listener, 1)).toBe(-e.EADDRINUSE);
    posix.close(server);
    pair.a.posix.close(client);
    pair.advance(61e6);
    expect(posix.listen(listener, 1)).toBe(0);
    const again = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    expect(pair.until(pair.a.posix.connect(again, socketAddress('10.0.0.2', 8080)))).toBe(0);
    pair.close();
  });

  test('accept inherits; a listener on a port that is taken does not start', () => {
    const pair = twoStacks();
    const { posix } = pair.b;
    const listener = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    posix.setInt(listener, o.SOL_TCP, o.TCP_NODELAY, 1);
    posix.setInt(listener, o.SOL_SOCKET, o.SO_REUSEADDR, 1);
    posix.bind(listener, socketAddress('0.0.0.0', 8080));
    const rival = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    posix.setInt(rival, o.SOL_SOCKET, o.SO_REUSEADDR, 1);
    expect(posix.bind(rival, socketAddress('10.0.0.2', 8080))).toBe(0);
    expect(posix.listen(listener, 4)).toBe(0);
    expect(posix.listen(listener, 5)).toBe(0);
    expect(posix.listen(rival, 4)).toBe(-e.EADDRINUSE);
    const client = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    pair.until(pair.a.posix.connect(client, socketAddress('10.0.0.2', 8080)));
    const server = pair.until(posix.accept4(listener, emptyAddress(), c.SOCK_NONBLOCK | c.SOCK_CLOEXEC));
    expect(posix.getInt(server, o.SOL_TCP, o.TCP_NODELAY)).toBe(1);
    expect(posix.getInt(server, o.SOL_SOCKET, o.SO_REUSEADDR)).toBe(1);
    expect(posix.fcntl(server, c.F_GETFL) & c.O_NONBLOCK).toBe(c.O_NONBLOCK);
    expect(posix.fcntl(server, c.F_GETFD)).toBe(c.FD_CLOEXEC);
    expect(posix.accept4(listener, undefined, 1).result).toBe(-e.EINVAL);
    const late = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    expect(posix.listen(late, 1)).toBe(0);
    const name = emptyAddress();
    posix.getsockname(late, name);
    expect(name.port).toBeGreaterThan(0);
    pair.close();
  });

  test('receive timestamps in both forms', () => {
    const pair = twoStacks({ b: { wallEpoch: 1_000_000_000e6 } });
    const [client, server] = connectPair(pair);
    const { posix } = pair.b;
    posix.setInt(server, o.SOL_SOCKET, o.SO_TIMESTAMPNS, 1);
    posix.setInt(
      server,
      o.SOL_SOCKET,
      o.SO_TIMESTAMPING,
      c.SOF_TIMESTAMPING_RX_SOFTWARE | c.SOF_TIMESTAMPING_SOFTWARE,
    );
    pair.a.posix.write(client, Uint8Array.of(1));
    const sentAt = pair.now;
    pair.advance(50_000);
    const message = {
      iov: [new Uint8Array(9)],
      controlLength: 200,
      control: [] as { data: Uint8Array; type: number }[],
    };
    expect(posix.recvmsg(server, message as unknown as Parameters<typeof posix.recvmsg>[1], 0).result).toBe(
      1,
    );
    expect(message.control.map((m) => m.type)).toEqual([o.SCM_TIMESTAMPNS, o.SCM_TIMESTAMPING]);
    for (const { data } of message.control) {
      const view = new DataView(data.buffer);
      expect(view.getBigInt64(0, true)).toBe(1_000_000_000n);
      expect(Number(view.getBigInt64(8, true))).toBe((sentAt + 1000) * 1000);
    }
    const short = { iov: [new Uint8Array(9)], controlLength: 40, control: [], flags: 0 };
    pair.a.posix.write(client, Uint8Array.of(1));
    pair.advance(50_000);
    posix.recvmsg(server, short as Parameters<typeof posix.recvmsg>[1], 0);
    expect(short.control).toHaveLength(1);
    expect(short.flags & c.MSG_CTRUNC).toBe(c.MSG_CTRUNC);
    pair.close();
  });
});
