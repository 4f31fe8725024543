// Descriptors, pipes, files, poll and epoll, and the errors that calls give before any protocol is asked.
import { describe, expect, test } from 'vitest';
import { createStack } from '../stack.js';
import { emptyAddress, socketAddress } from './address.js';
import * as c from './constants.js';
import * as e from './errno.js';
import * as o from './options.js';
import { PosixError } from './posix.js';
import { testSecrets } from './two-stacks.test.helper.js';

const stack = () =>
  createStack({
    secrets: testSecrets(1),
    maxDescriptors: 16,
    files: { read: (path) => (path === '/data' ? Uint8Array.from({ length: 100 }, (_, i) => i) : null) },
  });

describe('errno', () => {
  test('names and texts are those of glibc', () => {
    expect(e.errnoName(e.EAGAIN)).toBe('EAGAIN');
    expect(e.strerror(e.EINPROGRESS)).toBe('Operation now in progress');
    expect(e.strerror(e.EPIPE)).toBe('Broken pipe');
    expect(e.errnoNumber('EWOULDBLOCK')).toBe(11);
    expect(e.errnoNumber('ENOTSUP')).toBe(95);
    expect(e.errnoNumber('ENOSUCHTHING')).toBe(undefined);
    expect(e.errnoName(9999)).toBe('E9999');
    expect(e.strerror(9999)).toBe('Unknown error 9999');
  });
});

describe('descriptors', () => {
  test('are the lowest free number from 3, and have a limit', () => {
    const { posix } = stack();
    const fds = Array.from({ length: 14 }, () => posix.socket(c.AF_INET, c.SOCK_DGRAM, 0));
    expect(fds.slice(0, 13)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    expect(fds[13]).toBe(-e.EMFILE);
    expect(posix.close(7).result).toBe(0);
    expect(posix.close(7).result).toBe(-e.EBADF);
    expect(posix.dup(3)).toBe(7);
    expect(posix.close(3).result).toBe(0);
    expect(posix.fcntl(7, c.F_GETFL)).toBe(c.O_RDWR);
    expect(posix.fcntl(7, c.F_DUPFD, 20)).toBe(-e.EMFILE);
    expect(posix.descriptors[0]).toBe(4);
  });

  test('fcntl keeps O_NONBLOCK and close-on-exec apart', () => {
    const { posix } = stack();
    const fd = posix.socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
    expect(posix.fcntl(fd, c.F_GETFL)).toBe(c.O_RDWR | c.O_NONBLOCK);
    expect(posix.fcntl(fd, c.F_GETFD)).toBe(c.FD_CLOEXEC);
    expect(posix.fcntl(fd, c.F_SETFL, c.O_RDWR)).toBe(0);
    expect(posix.fcntl(fd, c.F_GETFL)).toBe(c.O_RDWR);
    expect(posix.fcntl(fd, c.F_SETFD, 0)).toBe(0);
    expect(posix.fcntl(fd, c.F_GETFD)).toBe(0);
    expect(posix.fcntl(fd, 999)).toBe(-e.EINVAL);
    expect(posix.ioctl(fd, c.FIONBIO, [1])).toBe(0);
    expect(posix.fcntl(fd, c.F_GETFL)).toBe(c.O_RDWR | c.O_NONBLOCK);
    expect(posix.ioctl(fd, 0x1234, [0])).toBe(-e.ENOTTY);
    expect(posix.ioctl(fd, c.SIOCINQ, null)).toBe(-e.EFAULT);
  });

  test('socket() refuses what there is not', () => {
    const { posix } = stack();
    expect(posix.socket(c.AF_UNIX, c.SOCK_STREAM, 0)).toBe(-e.EAFNOSUPPORT);
    expect(posix.socket(c.AF_INET, c.SOCK_STREAM, c.IPPROTO_UDP)).toBe(-e.EPROTONOSUPPORT);
    expect(posix.socket(c.AF_INET, c.SOCK_STREAM, c.IPPROTO_MPTCP)).toBe(-e.EPROTONOSUPPORT);
    expect(posix.socket(c.AF_INET, c.SOCK_DGRAM, c.IPPROTO_TCP)).toBe(-e.EPROTONOSUPPORT);
    expect(posix.socket(c.AF_INET, c.SOCK_SEQPACKET, 0)).toBe(-e.ESOCKTNOSUPPORT);
    expect(posix.socket(c.AF_INET, c.SOCK_STREAM | 0x10, 0)).toBe(-e.EINVAL);
  });

  test('calls on what is no socket, and bad pointers', () => {
    const { posix } = stack();
    const ends = [0, 0];
    expect(posix.pipe(ends)).toBe(0);
    expect(posix.pipe(null)).toBe(-e.EFAULT);
    expect(posix.pipe2(ends, 1)).toBe(-e.EINVAL);
    const address = socketAddress('127.0.0.1', 1);
    expect(posix.bind(ends[0], address)).toBe(-e.ENOTSOCK);
    expect(posix.listen(99, 1)).toBe(-e.EBADF);
    expect(posix.accept(ends[0]).result).toBe(-e.ENOTSOCK);
    expect(posix.connect(99, address).result).toBe(-e.EBADF);
    expect(posix.send(ends[1], new Uint8Array(1), 0).result).toBe(-e.ENOTSOCK);
    expect(posix.getsockopt(ends[0], o.SOL_SOCKET, o.SO_ERROR, new Uint8Array(4), [4])).toBe(-e.ENOTSOCK);
    const fd = posix.socket(c.AF_INET, c.SOCK_DGRAM, 0);
    expect(posix.bind(fd, null)).toBe(-e.EFAULT);
    expect(posix.connect(fd, null).result).toBe(-e.EFAULT);
    expect(posix.getsockname(fd, null)).toBe(-e.EFAULT);
    expect(posix.sendmsg(fd, null, 0).result).toBe(-e.EFAULT);
    expect(posix.recvmsg(fd, null, 0).result).toBe(-e.EFAULT);
    expect(posix.shutdown(fd, 3)).toBe(-e.EINVAL);
    expect(posix.setsockopt(fd, o.SOL_SOCKET, o.SO_SNDBUF, null, 4)).toBe(-e.EFAULT);
    expect(posix.setsockopt(fd, o.SOL_SOCKET, o.SO_SNDBUF, new Uint8Array(3))).toBe(-e.EINVAL);
    expect(posix.setsockopt(fd, o.SOL_SOCKET, o.SO_SNDBUF, new Uint8Array(4), -1)).toBe(-e.EINVAL);
    expect(posix.poll(null, 0).result).toBe(-e.EFAULT);
  });
});

describe('bind', () => {
  test('addresses, families and ports as Linux', () => {
    const { posix } = stack();
    const four = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    const six = posix.socket(c.AF_INET6, c.SOCK_STREAM, 0);
    expect(posix.bind(four, socketAddress('::1', 80))).toBe(-e.EAFNOSUPPORT);
    expect(posix.bind(six, socketAddress('127.0.0.1', 80))).toBe(-e.EINVAL);
    expect(posix.bind(four, { ...socketAddress('127.0.0.1', 80), length: 8 })).toBe(-e.EINVAL);
    expect(posix.bind(four, socketAddress('10.9.9.9', 80))).toBe(-e.EADDRNOTAVAIL);
    expect(posix.bind(six, socketAddress('ff02::1', 80))).toBe(-e.EINVAL);
    expect(posix.bind(six, socketAddress('fe80::1', 80))).toBe(-e.EINVAL);
    expect(posix.bind(four, { family: c.AF_UNSPEC, address: new Uint8Array(16), port: 80 })).toBe(0);
    expect(posix.bind(four, socketAddress('127.0.0.1', 81))).toBe(-e.EINVAL);
    expect(posix.bind(six, socketAddress('::', 80))).toBe(-e.EADDRINUSE);
    expect(posix.setInt(six, o.SOL_IPV6, o.IPV6_V6ONLY, 1)).toBe(0);
    expect(posix.bind(six, socketAddress('::', 80))).toBe(0);
    expect(posix.setInt(six, o.SOL_IPV6, o.IPV6_V6ONLY, 0)).toBe(-e.EINVAL);
    const name = emptyAddress();
    expect(posix.getsockname(six, name)).toBe(0);
    expect([name.family, name.port]).toEqual([c.AF_INET6, 80]);
    const free = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    expect(posix.setInt(free, o.SOL_IP, o.IP_FREEBIND, 1)).toBe(0);
    expect(posix.bind(free, socketAddress('10.9.9.9', 0))).toBe(0);
    expect(posix.getsockname(free, name)).toBe(0);
    expect(name.port).toBeGreaterThanOrEqual(32_768);
    expect(name.port).toBeLessThanOrEqual(60_999);
  });

  test('low ports need privilege', () => {
    const { posix } = createStack({ secrets: testSecrets(2), privileged: false });
    const fd = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    expect(posix.bind(fd, socketAddress('127.0.0.1', 1023))).toBe(-e.EACCES);
    expect(posix.setInt(fd, o.SOL_SOCKET, o.SO_MARK, 1)).toBe(-e.EPERM);
    expect(posix.setInt(fd, o.SOL_SOCKET, o.SO_SNDBUFFORCE, 1)).toBe(-e.EPERM);
    expect(posix.bind(fd, socketAddress('127.0.0.1', 1024))).toBe(0);
  });
});

describe('options that all sockets have', () => {
  test('values come back as Linux keeps them', () => {
    const { posix } = stack();
    const fd = posix.socket(c.AF_INET, c.SOCK_DGRAM, 0);
    expect(posix.getInt(fd, o.SOL_SOCKET, o.SO_TYPE)).toBe(c.SOCK_DGRAM);
    expect(posix.getInt(fd, o.SOL_SOCKET, o.SO_DOMAIN)).toBe(c.AF_INET);
    expect(posix.getInt(fd, o.SOL_SOCKET, o.SO_PROTOCOL)).toBe(c.IPPROTO_UDP);
    expect(posix.setInt(fd, o.SOL_SOCKET, o.SO_SNDBUF, 10_000)).toBe(0);
    expect(posix.getInt(fd, o.SOL_SOCKET, o.SO_SNDBUF)).toBe(20_000);
    expect(posix.setInt(fd, o.SOL_SOCKET, o.SO_RCVBUF, 1)).toBe(0);
    expect(posix.getInt(fd, o.SOL_SOCKET, o.SO_RCVBUF)).toBe(2304);
    for (const option of [o.SO_REUSEADDR, o.SO_REUSEPORT, o.SO_BROADCAST, o.SO_ZEROCOPY]) {
      expect(posix.getInt(fd, o.SOL_SOCKET, option)).toBe(0);
      expect(posix.setInt(fd, o.SOL_SOCKET, option, 1)).toBe(0);
      expect(posix.getInt(fd, o.SOL_SOCKET, option)).toBe(1);
    }
    expect(posix.setInt(fd, o.SOL_SOCKET, o.SO_ZEROCOPY, 2)).toBe(-e.EINVAL);
    expect(posix.setInt(fd, o.SOL_SOCKET, o.SO_ERROR, 1)).toBe(-e.ENOPROTOOPT);
    // Not there, and said so.
    for (const option of [o.SO_TXTIME, o.SO_DONTROUTE, o.SO_BINDTODEVICE, o.SO_INCOMING_NAPI_ID]) {
      expect(posix.setInt(fd, o.SOL_SOCKET, option, 1)).toBe(-e.ENOPROTOOPT);
    }
    expect(posix.setInt(fd, o.SOL_SOCKET, o.SO_TIMESTAMPING, 1 << 30)).toBe(-e.EINVAL);
    expect(posix.setInt(fd, 12345, 1, 1)).toBe(-e.ENOPROTOOPT);
    const linger = new Uint8Array(8);
    new DataView(linger.buffer).setInt32(0, 1, true);
    new DataView(linger.buffer).setInt32(4, 7, true);
    expect(posix.setsockopt(fd, o.SOL_SOCKET, o.SO_LINGER, linger)).toBe(0);
    const back = new Uint8Array(8);
    expect(posix.getsockopt(fd, o.SOL_SOCKET, o.SO_LINGER, back, [8])).toBe(0);
    expect(back).toEqual(linger);
    const time = new Uint8Array(16);
    new DataView(time.buffer).setBigInt64(8, 1_000_000n, true);
    expect(posix.setsockopt(fd, o.SOL_SOCKET, o.SO_RCVTIMEO, time)).toBe(-e.EDOM);
    new DataView(time.buffer).setBigInt64(8, 250_000n, true);
    expect(posix.setsockopt(fd, o.SOL_SOCKET, o.SO_RCVTIMEO, time)).toBe(0);
    const length = [100];
    const room = new Uint8Array(100);
    expect(posix.getsockopt(fd, o.SOL_SOCKET, o.SO_RCVTIMEO, room, length)).toBe(0);
    expect(length[0]).toBe(16);
    expect(room.subarray(0, 16)).toEqual(time);
    expect(posix.getsockopt(fd, o.SOL_SOCKET, o.SO_ERROR, room, [-1])).toBe(-e.EINVAL);
    expect(() => posix.getInt(fd, o.SOL_SOCKET, 9999)).toThrow(PosixError);
    expect(() => posix.tcpInfo(fd)).toThrow(/EOPNOTSUPP/);
    expect(posix.memInfo(fd).SK_MEMINFO_SNDBUF).toBe(20_000);
  });

  test('IP levels keep to their ranges and families', () => {
    const { posix } = stack();
    const four = posix.socket(c.AF_INET, c.SOCK_DGRAM, 0);
    const six = posix.socket(c.AF_INET6, c.SOCK_DGRAM, 0);
    expect(posix.getInt(four, o.SOL_IP, o.IP_TTL)).toBe(64);
    expect(posix.setInt(four, o.SOL_IP, o.IP_TTL, 0)).toBe(-e.EINVAL);
    expect(posix.setInt(four, o.SOL_IP, o.IP_TTL, 256)).toBe(-e.EINVAL);
    expect(posix.setsockopt(four, o.SOL_IP, o.IP_TOS, Uint8Array.of(0x10))).toBe(0);
    expect(posix.getInt(four, o.SOL_IP, o.IP_TOS)).toBe(0x10);
    expect(posix.setInt(four, o.SOL_IP, o.IP_MTU_DISCOVER, 6)).toBe(-e.EINVAL);
    expect(posix.setInt(four, o.SOL_IPV6, o.IPV6_TCLASS, 1)).toBe(-e.ENOPROTOOPT);
    expect(posix.setInt(six, o.SOL_IPV6, o.IPV6_TCLASS, 256)).toBe(-e.EINVAL);
    expect(posix.setInt(six, o.SOL_IPV6, o.IPV6_TCLASS, 0x20)).toBe(0);
    expect(posix.getInt(six, o.SOL_IPV6, o.IPV6_TCLASS)).toBe(0x20);
    expect(posix.setInt(six, o.SOL_IP, o.IP_TOS, 4)).toBe(0);
    expect(posix.setInt(four, o.SOL_IP, o.IP_OPTIONS, 4)).toBe(-e.ENOPROTOOPT);
    expect(() => posix.getInt(four, o.SOL_IP, o.IP_MTU)).toThrow(/ENOTCONN/);
  });
});

describe('pipes and files', () => {
  test('a reader waits for a writer, and sees the end', () => {
    const it = stack();
    const { posix } = it;
    const ends = [0, 0];
    posix.pipe(ends);
    const [reader, writer] = ends;
    const buffer = new Uint8Array(10);
    const read = posix.read(reader, buffer);
    expect(read.result).toBe(null);
    expect(it.usage().pendingCalls).toBe(1);
    it.run(100);
    expect(posix.write(writer, Uint8Array.of(1, 2, 3)).result).toBe(3);
    expect(read.result).toBe(3);
    expect(read.returnedAt).toBe(100);
    expect(posix.write(reader, buffer).result).toBe(-e.EBADF);
    expect(posix.read(writer, buffer).result).toBe(-e.EBADF);
    const full = posix.write(writer, new Uint8Array(70_000));
    expect(full.result).toBe(null);
    const big = new Uint8Array(65_536);
    expect(posix.read(reader, big).result).toBe(65_536);
    expect(full.result).toBe(70_000);
    const left = [0];
    expect(posix.ioctl(reader, c.FIONREAD, left)).toBe(0);
    expect(left[0]).toBe(70_000 - 65_536);
    posix.read(reader, big);
    const last = posix.read(reader, big);
    expect(posix.close(writer).result).toBe(0);
    expect(last.result).toBe(0);
    posix.close(reader);
    posix.pipe2(ends, c.O_NONBLOCK);
    expect(posix.read(ends[0], buffer).result).toBe(-e.EAGAIN);
    posix.close(ends[0]);
    expect(posix.write(ends[1], buffer).result).toBe(-e.EPIPE);
    const polled = [{ fd: ends[1], events: c.POLLOUT, revents: 0 }];
    expect(posix.poll(polled, 0).result).toBe(1);
    expect(polled[0].revents).toBe(c.POLLOUT | c.POLLERR);
  });

  test('files of the stack: reading, sendfile and splice into a pipe', () => {
    const { posix } = stack();
    const file = posix.open('/data', c.O_RDONLY);
    expect(posix.open('/none', c.O_RDONLY)).toBe(-e.ENOENT);
    expect(posix.open('/data', c.O_RDWR)).toBe(-e.EROFS);
    const buffer = new Uint8Array(30);
    expect(posix.read(file, buffer).result).toBe(30);
    expect(buffer[29]).toBe(29);
    const ends = [0, 0];
    posix.pipe(ends);
    const offset = [90];
    expect(posix.sendfile(ends[1], file, offset, 50).result).toBe(10);
    expect(offset[0]).toBe(100);
    expect(posix.splice(file, null, ends[1], null, 20, 0).result).toBe(20);
    expect(posix.read(ends[0], buffer).result).toBe(30);
    expect([...buffer.subarray(8, 12)]).toEqual([98, 99, 30, 31]);
    expect(posix.splice(file, null, file, null, 20, 0).result).toBe(-e.EBADF);
    expect(posix.splice(ends[0], [1], ends[1], null, 20, 0).result).toBe(-e.ESPIPE);
    expect(posix.splice(ends[0], null, ends[1], null, 20, c.SPLICE_F_NONBLOCK).result).toBe(-e.EAGAIN);
    expect(posix.sendfile(ends[1], ends[0], null, 1).result).toBe(-e.EINVAL);
  });
});

describe('poll and epoll', () => {
  test('poll waits for its time or an event, and names bad descriptors', () => {
    const it = stack();
    const ends = [0, 0];
    it.posix.pipe(ends);
    const fds = [{ fd: ends[0], events: c.POLLIN, revents: 0 }];
    const timed = it.posix.poll(fds, 5);
    it.run(4999);
    expect(timed.result).toBe(null);
    expect(it.nextTimeout()).toBe(5000);
    it.run(5000);
    expect([timed.result, timed.returnedAt, fds[0].revents]).toEqual([0, 5000, 0]);
    const waiting = it.posix.poll(fds, -1);
    it.posix.write(ends[1], Uint8Array.of(1));
    expect([waiting.result, fds[0].revents]).toEqual([1, c.POLLIN]);
    expect(it.posix.poll([{ fd: 99, events: 0, revents: 0 }], 0).result).toBe(1);
    expect(it.posix.poll([{ fd: -1, events: 1, revents: 0 }], 0).result).toBe(0);
  });

  test('level, edge and one-shot', () => {
    const { posix } = stack();
    const ends = [0, 0];
    posix.pipe(ends);
    const level = posix.epoll_create(1);
    const edge = posix.epoll_create1(c.EPOLL_CLOEXEC);
    const once = posix.epoll_create1(0);
    const add = (fd: number, events: number) =>
      posix.epoll_ctl(fd, c.EPOLL_CTL_ADD, ends[0], { events, data: 42 });
    expect(add(level, c.EPOLLIN)).toBe(0);
    expect(add(edge, c.EPOLLIN | c.EPOLLET)).toBe(0);
    expect(add(once, c.EPOLLIN | c.EPOLLONESHOT)).toBe(0);
    const look = (fd: number) => {
      const events: { events: number; data: number | bigint }[] = [];
      const result = posix.epoll_wait(fd, events, 8, 0).result;
      return result === 1 ? events[0] : result;
    };
    expect([look(level), look(edge), look(once)]).toEqual([0, 0, 0]);
    posix.write(ends[1], new Uint8Array(10));
    const ready = { events: c.EPOLLIN, data: 42 };
    expect([look(level), look(edge), look(once)]).toEqual([ready, ready, ready]);
    expect([look(level), look(edge), look(once)]).toEqual([ready, 0, 0]);
    // More data is a new edge although there was some already; a one-shot entry stays silent.
    posix.write(ends[1], new Uint8Array(1));
    expect([look(level), look(edge), look(once)]).toEqual([ready, ready, 0]);
    expect(posix.epoll_ctl(once, c.EPOLL_CTL_MOD, ends[0], { events: c.EPOLLIN, data: 42 })).toBe(0);
    expect(look(once)).toEqual(ready);
    posix.read(ends[0], new Uint8Array(100));
    expect([look(level), look(edge), look(once)]).toEqual([0, 0, 0]);
    const waiting = posix.epoll_wait(level, [], 1, -1);
    expect(waiting.result).toBe(null);
    posix.close(ends[1]);
    expect(waiting.result).toBe(1);
    expect(look(edge)).toEqual({ events: c.EPOLLHUP, data: 42 });
    posix.close(ends[0]);
    expect([look(level), look(edge)]).toEqual([0, 0]);
  });

  test('errors of epoll calls', () => {
    const { posix } = stack();
    const ends = [0, 0];
    posix.pipe(ends);
    const epoll = posix.epoll_create(1);
    const other = posix.epoll_create(1);
    const event = { events: c.EPOLLIN, data: 1 };
    expect(posix.epoll_create(0)).toBe(-e.EINVAL);
    expect(posix.epoll_create1(1)).toBe(-e.EINVAL);
    expect(posix.epoll_ctl(epoll, c.EPOLL_CTL_ADD, ends[0], null)).toBe(-e.EFAULT);
    expect(posix.epoll_ctl(epoll, c.EPOLL_CTL_ADD, 99, event)).toBe(-e.EBADF);
    expect(posix.epoll_ctl(ends[0], c.EPOLL_CTL_ADD, epoll, event)).toBe(-e.EINVAL);
    expect(posix.epoll_ctl(epoll, c.EPOLL_CTL_ADD, epoll, event)).toBe(-e.EINVAL);
    expect(posix.epoll_ctl(epoll, c.EPOLL_CTL_MOD, ends[0], event)).toBe(-e.ENOENT);
    expect(posix.epoll_ctl(epoll, c.EPOLL_CTL_DEL, ends[0], null)).toBe(-e.ENOENT);
    expect(posix.epoll_ctl(epoll, c.EPOLL_CTL_ADD, ends[0], event)).toBe(0);
    expect(posix.epoll_ctl(epoll, c.EPOLL_CTL_ADD, ends[0], event)).toBe(-e.EEXIST);
    expect(posix.epoll_ctl(epoll, 9, ends[0], event)).toBe(-e.EINVAL);
    expect(posix.epoll_ctl(epoll, c.EPOLL_CTL_ADD, other, event)).toBe(0);
    expect(posix.epoll_ctl(other, c.EPOLL_CTL_ADD, epoll, event)).toBe(-e.ELOOP);
    expect(posix.epoll_wait(epoll, [], 0, 0).result).toBe(-e.EINVAL);
    expect(posix.epoll_wait(epoll, null, 1, 0).result).toBe(-e.EFAULT);
    expect(posix.epoll_wait(ends[0], [], 1, 0).result).toBe(-e.EINVAL);
    // An epoll instance in another one is readable when something in it is ready.
    posix.epoll_ctl(other, c.EPOLL_CTL_ADD, ends[0], event);
    posix.epoll_ctl(epoll, c.EPOLL_CTL_DEL, ends[0], null);
    posix.write(ends[1], Uint8Array.of(1));
    const events: { events: number; data: number }[] = [];
    expect(posix.epoll_wait(epoll, events, 4, 0).result).toBe(1);
  });
});
