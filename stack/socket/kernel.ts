// The POSIX face itself: making sockets and files, what belongs to descriptors, options and addresses. Transfers and
// readiness are in the classes below it. Each call checks its arguments in Linux's order and hands over to a file.
import {
  AF_INET,
  AF_INET6,
  F_DUPFD,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FIONBIO,
  IPPROTO_TCP,
  IPPROTO_UDP,
  O_ACCMODE,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  SHUT_RDWR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOCK_STREAM,
  SOCK_TYPE_MASK,
} from './constants.js';
import { Epoll } from './epoll.js';
import {
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  EROFS,
  ESOCKTNOSUPPORT,
  errnoName,
  strerror,
} from './errno.js';
import { ccInfoOf, memInfoOf, tcpInfoOf } from './info.js';
import { formatInt32, readInt32 } from './option-value.js';
import { BLOCK } from './pending.js';
import { makePipe } from './pipe.js';
import { type Posix, PosixError } from './posix.js';
import { ReadinessFace } from './readiness.js';
import type { Socket } from './socket.js';
import { TcpSocket } from './tcp-socket.js';
import type { PendingCall, SocketAddress } from './types.js';
import { UdpSocket } from './udp-socket.js';
import { VirtualFile } from './virtual-file.js';

const TYPE_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC;

export class Kernel extends ReadinessFace implements Posix {
  get descriptors(): readonly number[] {
    return this.table.list();
  }

  socket(domain: number, type: number, protocol: number): number {
    const flags = type & ~SOCK_TYPE_MASK;
    const kind = type & SOCK_TYPE_MASK;
    if (flags & ~TYPE_FLAGS) return -EINVAL;
    if (domain !== AF_INET && domain !== AF_INET6) return -EAFNOSUPPORT;
    const status = flags & SOCK_NONBLOCK ? O_NONBLOCK : 0;
    let socket: Socket;
    if (kind === SOCK_STREAM) {
      if (protocol !== 0 && protocol !== IPPROTO_TCP) return -EPROTONOSUPPORT;
      socket = new TcpSocket(this.env, domain, status);
    } else if (kind === SOCK_DGRAM) {
      if (protocol !== 0 && protocol !== IPPROTO_UDP) return -EPROTONOSUPPORT;
      socket = new UdpSocket(this.env, domain, status);
    } else {
      return kind === SOCK_RAW && !this.env.privileged ? -EPERM : -ESOCKTNOSUPPORT;
    }
    return this.install(socket, (flags & SOCK_CLOEXEC) !== 0);
  }

  bind(fd: number, address: SocketAddress | null): number {
    return this.onSocket(fd, (socket) => (address === null ? -EFAULT : socket.bind(address)));
  }

  listen(fd: number, backlog: number): number {
    return this.onSocket(fd, (socket) => socket.listen(backlog));
  }

  accept(fd: number, peer?: SocketAddress): PendingCall {
    return this.accept4(fd, peer, 0);
  }

  accept4(fd: number, peer: SocketAddress | undefined, flags: number): PendingCall {
    if (flags & ~TYPE_FLAGS) return this.finished(-EINVAL);
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return this.finished(socket);
    const attempt = () => {
      const child = socket.accept(flags & SOCK_NONBLOCK ? O_NONBLOCK : 0);
      if (typeof child === 'number') return child;
      const made = this.install(child, (flags & SOCK_CLOEXEC) !== 0);
      if (made >= 0 && peer) child.remoteAddress(peer);
      return made;
    };
    return this.wait([socket], socket.nonblocking, socket.readTimeout, attempt);
  }

  connect(fd: number, address: SocketAddress | null): PendingCall {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return this.finished(socket);
    if (address === null) return this.finished(-EFAULT);
    let first = true;
    const attempt = () => {
      const result = socket.connect(address, first);
      first = false;
      return result;
    };
    const interrupted = () => (socket instanceof TcpSocket ? socket.connectPending : -EAGAIN);
    return this.wait([socket], socket.nonblocking, socket.writeTimeout, attempt, interrupted);
  }

  shutdown(fd: number, how: number): number {
    return this.onSocket(fd, (socket) => (how < 0 || how > SHUT_RDWR ? -EINVAL : socket.shutdown(how)));
  }

  close(fd: number): PendingCall {
    const file = this.table.remove(fd);
    if (file === null) return this.finished(-EBADF);
    if (file.references > 1) {
      this.drop(file);
      return this.finished(0);
    }
    for (const epoll of this.epolls) epoll.forget(file);
    if (file instanceof Epoll) this.epolls.delete(file);
    if (file instanceof TcpSocket && file.beginLinger()) {
      // SO_LINGER with a time: close() itself waits, whatever O_NONBLOCK says.
      const done = () => {
        this.drop(file);
        return 0;
      };
      const attempt = () => (file.lingering ? BLOCK : done());
      return this.wait([file], false, file.options.lingerTime, attempt, done);
    }
    this.drop(file);
    return this.finished(0);
  }

  dup(fd: number): number {
    const file = this.file(fd);
    return file === null ? -EBADF : this.table.install(file, false);
  }

  fcntl(fd: number, command: number, argument = 0): number {
    const file = this.file(fd);
    if (file === null) return -EBADF;
    switch (command) {
      case F_DUPFD:
        return argument < 0 ? -EINVAL : this.table.install(file, false, argument);
      case F_GETFD:
        return this.table.getFlags(fd);
      case F_SETFD:
        return this.table.setFlags(fd, argument);
      case F_GETFL:
        return file.flags;
      case F_SETFL:
        file.setFlags(argument);
        return 0;
      default:
        return -EINVAL;
    }
  }

  ioctl(fd: number, request: number, value: Int32Array | number[] | null): number {
    const file = this.file(fd);
    if (file === null) return -EBADF;
    if (value === null) return -EFAULT;
    if (request === FIONBIO) {
      file.setFlags(value[0] ? file.flags | O_NONBLOCK : file.flags & ~O_NONBLOCK);
      return 0;
    }
    return file.ioctl(request, value);
  }

  pipe(fds: number[] | null): number {
    return this.pipe2(fds, 0);
  }

  pipe2(fds: number[] | null, flags: number): number {
    if (flags & ~(O_NONBLOCK | O_CLOEXEC)) return -EINVAL;
    if (fds === null) return -EFAULT;
    const [reader, writer] = makePipe(flags);
    const close = (flags & O_CLOEXEC) !== 0;
    const first = this.install(reader, close);
    if (first < 0) return first;
    const second = this.install(writer, close);
    if (second < 0) {
      this.table.remove(first);
      reader.release();
      return second;
    }
    fds[0] = first;
    fds[1] = second;
    return 0;
  }

  open(path: string, flags: number): number {
    const bytes = this.env.files?.read(path) ?? null;
    if (bytes === null) return -ENOENT;
    if ((flags & O_ACCMODE) !== O_RDONLY) return -EROFS;
    return this.install(new VirtualFile(bytes, flags), (flags & O_CLOEXEC) !== 0);
  }

  getsockopt(
    fd: number,
    level: number,
    name: number,
    value: Uint8Array | null,
    length: number[] | null,
  ): number {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    if (length === null && value === null) return -EFAULT;
    const room = length === null ? value!.length : length[0];
    if (room < 0) return -EINVAL;
    const result = socket.getOption(level, name, room);
    if (typeof result === 'number') return result;
    const count = Math.min(room, result.length);
    if (count > 0 && value === null) return -EFAULT;
    if (count > 0) value!.set(result.subarray(0, Math.min(count, value!.length)));
    if (length !== null) length[0] = count;
    return 0;
  }

  setsockopt(
    fd: number,
    level: number,
    name: number,
    value: Uint8Array | null,
    length = value?.length ?? 0,
  ): number {
    return this.onSocket(fd, (socket) => {
      if (length < 0) return -EINVAL;
      if (value === null) return length > 0 ? -EFAULT : socket.setOption(level, name, new Uint8Array(0));
      return socket.setOption(level, name, length < value.length ? value.subarray(0, length) : value);
    });
  }

  getsockname(fd: number, address: SocketAddress | null): number {
    return this.onSocket(fd, (socket) => (address === null ? -EFAULT : socket.localAddress(address)));
  }

  getpeername(fd: number, address: SocketAddress | null): number {
    return this.onSocket(fd, (socket) => (address === null ? -EFAULT : socket.remoteAddress(address)));
  }

  setInt(fd: number, level: number, name: number, value: number): number {
    return this.setsockopt(fd, level, name, formatInt32(value));
  }

  getInt(fd: number, level: number, name: number): number {
    const value = new Uint8Array(4);
    const length = [4];
    this.mustSucceed('getsockopt', this.getsockopt(fd, level, name, value, length));
    return length[0] === 4 ? readInt32(value) : value[0];
  }

  tcpInfo(fd: number): Record<string, number> {
    return tcpInfoOf(this.tcpSocket(fd, 'TCP_INFO'));
  }

  ccInfo(fd: number): Record<string, number> {
    return ccInfoOf(this.tcpSocket(fd, 'TCP_CC_INFO'));
  }

  memInfo(fd: number): Record<string, number> {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') throw this.error('SO_MEMINFO', -socket);
    return memInfoOf(socket);
  }

  /** Ends every call that waits, and every file: the stack closes. */
  closeAll(): void {
    for (const call of [...this.env.blocked]) call.finish(-EBADF);
    for (const fd of this.table.list()) {
      const file = this.table.remove(fd)!;
      if (file instanceof TcpSocket) file.abortOnRelease();
      for (const epoll of this.epolls) epoll.forget(file);
      this.drop(file);
    }
    this.epolls.clear();
  }

  private onSocket(fd: number, act: (socket: Socket) => number): number {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return socket;
    const result = act(socket);
    this.env.settle();
    return result;
  }

  private tcpSocket(fd: number, call: string): TcpSocket {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') throw this.error(call, -socket);
    if (!(socket instanceof TcpSocket)) throw this.error(call, EOPNOTSUPP);
    return socket;
  }

  private mustSucceed(call: string, result: number): void {
    if (result < 0) throw this.error(call, -result);
  }

  private error(call: string, errno: number): PosixError {
    return new PosixError(call, errno, errnoName(errno), strerror(errno));
  }
}
