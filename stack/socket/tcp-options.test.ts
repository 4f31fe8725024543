// Options, information and less common calls of TCP sockets on a live connection.
import { describe, expect, test } from 'vitest';
import { emptyAddress, socketAddress } from './address.js';
import * as c from './constants.js';
import * as e from './errno.js';
import * as o from './options.js';
import { TCP_INFO_NAMES } from './tcp-info-format.js';
import { connectPair, type Pair, twoStacks } from './two-stacks.test.helper.js';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replace(/\0.*$/, '');

/** One more connection to the listener on b: the accepted socket. */
function another(pair: Pair, listener: number): number {
  const client = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
  const accepted = pair.b.posix.accept(listener);
  pair.until(pair.a.posix.connect(client, socketAddress('10.0.0.2', 8080)));
  return pair.until(accepted);
}

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

  test('what Linux has for devices, filters and other families answers as there, and is kept', () => {
    const pair = twoStacks();
    const [client, server, listener] = connectPair(pair);
    const { posix } = pair.a;
    const get = (name: number, room = 12) => {
      const value = new Uint8Array(room);
      const length = [room];
      const result = posix.getsockopt(client, o.SOL_SOCKET, name, value, length);
      return result < 0 ? result : Buffer.from(value.subarray(0, length[0])).toString('hex');
    };
    const set = (name: number, value: number) => posix.setInt(client, o.SOL_SOCKET, name, value);
    // As measured on 6.18, one socket after the other.
    expect([get(o.SO_PEERCRED), get(o.SO_BPF_EXTENSIONS), get(o.SO_INCOMING_NAPI_ID)]).toEqual([
      '00000000ffffffffffffffff',
      '40000000',
      '00000000',
    ]);
    expect([get(o.SO_PEERGROUPS), get(o.SO_PEERPIDFD), get(o.SO_ATTACH_FILTER)]).toEqual([
      -e.ENODATA,
      -e.ENODATA,
      '',
    ]);
    for (const name of [o.SO_PASSCRED, o.SO_PASSSEC, o.SO_PASSPIDFD, o.SO_PASSRIGHTS])
      expect([set(name, 1), get(name)]).toEqual([-e.EOPNOTSUPP, -e.EOPNOTSUPP]);
    expect([set(o.SO_RESERVE_MEM, -1), set(o.SO_RESERVE_MEM, 1), get(o.SO_RESERVE_MEM)]).toEqual([
      -e.EINVAL,
      -e.EOPNOTSUPP,
      '00000000',
    ]);
    for (const name of [o.SO_WIFI_STATUS, o.SO_NOFCS, o.SO_LOCK_FILTER, o.SO_PREFER_BUSY_POLL])
      expect([get(name), set(name, -1), get(name)]).toEqual(['00000000', 0, '01000000']);
    expect([set(o.SO_BUSY_POLL, -1), set(o.SO_BUSY_POLL, 50), get(o.SO_BUSY_POLL)]).toEqual([
      -e.EINVAL,
      0,
      '32000000',
    ]);
    expect([get(o.SO_INCOMING_CPU), set(o.SO_INCOMING_CPU, 3), get(o.SO_INCOMING_CPU)]).toEqual([
      'ffffffff',
      0,
      '03000000',
    ]);
    expect([set(o.SO_CNX_ADVICE, 1), get(o.SO_CNX_ADVICE)]).toEqual([0, -e.ENOPROTOOPT]);
    expect([set(o.SO_BUSY_POLL_BUDGET, 65_536), set(o.SO_BSDCOMPAT, 1), get(o.SO_BSDCOMPAT)]).toEqual([
      -e.EINVAL,
      0,
      '00000000',
    ]);
    // Sockets do not share what they keep, and an accepted one begins with its listener's.
    expect(pair.b.posix.getInt(server, o.SOL_SOCKET, o.SO_NOFCS)).toBe(0);
    expect(pair.b.posix.setInt(listener, o.SOL_SOCKET, o.SO_NOFCS, 1)).toBe(0);
    const second = another(pair, listener);
    expect(pair.b.posix.getInt(second, o.SOL_SOCKET, o.SO_NOFCS)).toBe(1);
    expect(pair.b.posix.setInt(second, o.SOL_SOCKET, o.SO_NOFCS, 0)).toBe(0);
    expect(pair.b.posix.getInt(listener, o.SOL_SOCKET, o.SO_NOFCS)).toBe(1);
    pair.close();
  });

  test('SO_BUF_LOCK says which buffers keep their size, and lets them grow again', () => {
    const pair = twoStacks();
    const [client] = connectPair(pair);
    const { posix } = pair.a;
    const locks = () => posix.getInt(client, o.SOL_SOCKET, o.SO_BUF_LOCK);
    expect(locks()).toBe(0);
    posix.setInt(client, o.SOL_SOCKET, o.SO_SNDBUF, 20_000);
    expect(locks()).toBe(o.SOCK_SNDBUF_LOCK);
    posix.setInt(client, o.SOL_SOCKET, o.SO_RCVBUF, 20_000);
    expect(locks()).toBe(o.SOCK_SNDBUF_LOCK | o.SOCK_RCVBUF_LOCK);
    expect(posix.setInt(client, o.SOL_SOCKET, o.SO_BUF_LOCK, 4)).toBe(-e.EINVAL);
    expect(posix.setInt(client, o.SOL_SOCKET, o.SO_BUF_LOCK, 0)).toBe(0);
    expect(locks()).toBe(0);
    pair.close();
  });

  test('TCP_SAVE_SYN: the headers of the SYN, once, for whoever accepts', () => {
    const pair = twoStacks();
    const [, first, listener] = connectPair(pair);
    const { posix } = pair.b;
    const room = new Uint8Array(200);
    const saved = (fd: number, length = room.length): number | Buffer => {
      const got = [length];
      const result = posix.getsockopt(fd, o.SOL_TCP, o.TCP_SAVED_SYN, room, got);
      return result < 0 ? result : Buffer.from(room.subarray(0, got[0]));
    };
    expect(saved(first)).toHaveLength(0);
    expect(posix.setInt(listener, o.SOL_TCP, o.TCP_SAVE_SYN, 3)).toBe(-e.EINVAL);
    expect(posix.setInt(listener, o.SOL_TCP, o.TCP_SAVE_SYN, 1)).toBe(0);
    const second = another(pair, listener);
    expect(posix.getInt(second, o.SOL_TCP, o.TCP_SAVE_SYN)).toBe(1);
    expect(saved(second, 10)).toBe(-e.EINVAL);
    const syn = saved(second) as Buffer;
    // An IPv4 header and a TCP header with the 20 bytes of options that our SYN has: 10.0.0.1 asked.
    expect([syn.length, syn[0], syn.subarray(12, 16).join('.'), syn[33]]).toEqual([60, 0x45, '10.0.0.1', 2]);
    expect(saved(second)).toHaveLength(0);
    pair.close();
  });

  test('timeouts are whole ticks', () => {
    const pair = twoStacks({ a: { config: { hz: 250 } } });
    const fd = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    const value = new Uint8Array(16);
    new DataView(value.buffer).setBigInt64(0, 1n, true);
    new DataView(value.buffer).setBigInt64(8, 5n, true);
    expect(pair.a.posix.setsockopt(fd, o.SOL_SOCKET, o.SO_RCVTIMEO, value)).toBe(0);
    const back = new Uint8Array(16);
    expect(pair.a.posix.getsockopt(fd, o.SOL_SOCKET, o.SO_RCVTIMEO, back, [16])).toBe(0);
    const view = new DataView(back.buffer);
    expect([view.getBigInt64(0, true), view.getBigInt64(8, true)]).toEqual([1n, 4000n]);
    pair.close();
  });

  test('TCP_INFO of a listener is its queue, and little else', () => {
    const pair = twoStacks();
    const fd = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    pair.a.posix.bind(fd, socketAddress('0.0.0.0', 99));
    pair.a.posix.listen(fd, 5);
    const info = new Uint8Array(256);
    pair.a.posix.getsockopt(fd, o.SOL_TCP, o.TCP_INFO, info, [256]);
    const word = (at: number) => new DataView(info.buffer).getUint32(at, true);
    expect(word(24)).toBe(0);
    // State, RTO, send MSS, backlog, congestion window.
    expect([info[0], word(8), word(16), word(28), word(80)]).toEqual([10, 0, 0, 5, 10]);
    pair.close();
  });

  test('TCP_MAXSEG outlives the connection, as measured on 6.18', () => {
    const pair = twoStacks();
    const { posix } = pair.a;
    const fd = posix.socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0);
    const size = () => posix.getInt(fd, o.SOL_TCP, o.TCP_MAXSEG);
    expect(size()).toBe(536);
    expect(posix.connect(fd, socketAddress('10.0.0.99', 8080)).result).toBe(-e.EINPROGRESS);
    expect(size()).toBe(524); // room for timestamps
    expect(posix.shutdown(fd, c.SHUT_RD)).toBe(0);
    expect(size()).toBe(524);
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
    // Chosen before there is a connection: Linux tells zeros.
    const idle = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    pair.a.posix.setsockopt(idle, o.SOL_TCP, o.TCP_CONGESTION, new TextEncoder().encode('bbr'));
    bytes.fill(1);
    length[0] = 100;
    expect(pair.a.posix.getsockopt(idle, o.SOL_TCP, o.TCP_CC_INFO, bytes, length)).toBe(0);
    expect([length[0], ...bytes.subarray(0, 20)]).toEqual([20, ...new Uint8Array(20)]);
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
