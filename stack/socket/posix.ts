// The POSIX-like face of a stack, as an interface: descriptors, and Linux's calls on them. What is behind it is in this
// folder, a file per concern (kernel.ts puts it together).
//
// Conventions. A call answers ≥ 0, or -errno (errno.ts); it throws only when it is misused from TypeScript's point of
// view. A `null` buffer, address or structure stands for a bad pointer (EFAULT, where Linux would look at it).
// Calls that can block answer a `PendingCall`; on a descriptor with O_NONBLOCK, or with MSG_DONTWAIT, it has its result
// (-EAGAIN, -EINPROGRESS, …) at once. Time is that of the last `Stack.run` or of the stack's clock.
import type {
  ControlMessage,
  EpollEvent,
  MessageHeader,
  PendingCall,
  PollFd,
  SocketAddress,
} from './types.js';

export interface Posix {
  /** `type` may carry SOCK_NONBLOCK | SOCK_CLOEXEC. EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EMFILE. */
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: SocketAddress | null): number;
  listen(fd: number, backlog: number): number;
  /** `peer`, when given, is filled. */
  accept(fd: number, peer?: SocketAddress): PendingCall;
  accept4(fd: number, peer: SocketAddress | undefined, flags: number): PendingCall;
  connect(fd: number, address: SocketAddress | null): PendingCall;
  /** `length` (default: the buffer's) may be given beside a null buffer: EFAULT. */
  read(fd: number, buffer: Uint8Array | null, length?: number): PendingCall;
  write(fd: number, buffer: Uint8Array | null, length?: number): PendingCall;
  /** recv() and send() with MSG_DONTWAIT and no object for the call: bytes, 0 at the end of the stream, or -errno. */
  tryRead(fd: number, buffer: Uint8Array): number;
  tryWrite(fd: number, buffer: Uint8Array): number;
  readv(fd: number, iov: readonly (Uint8Array | null)[]): PendingCall;
  writev(fd: number, iov: readonly (Uint8Array | null)[]): PendingCall;
  send(fd: number, buffer: Uint8Array | null, flags: number, length?: number): PendingCall;
  recv(fd: number, buffer: Uint8Array | null, flags: number, length?: number): PendingCall;
  sendto(
    fd: number,
    buffer: Uint8Array | null,
    flags: number,
    address: SocketAddress | null,
    length?: number,
  ): PendingCall;
  /** `from`, when given, is filled. */
  recvfrom(
    fd: number,
    buffer: Uint8Array | null,
    flags: number,
    from?: SocketAddress,
    length?: number,
  ): PendingCall;
  sendmsg(fd: number, message: MessageHeader | null, flags: number): PendingCall;
  /** Fills `message.name`, `message.control` and `message.flags`. */
  recvmsg(fd: number, message: MessageHeader | null, flags: number): PendingCall;
  shutdown(fd: number, how: number): number;
  /** Blocks with SO_LINGER. */
  close(fd: number): PendingCall;
  dup(fd: number): number;
  fcntl(fd: number, command: number, argument?: number): number;
  /** FIONREAD/SIOCINQ, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, FIONBIO: the value goes to or comes from `value[0]`. */
  ioctl(fd: number, request: number, value: Int32Array | number[] | null): number;
  /** `timeout` in ms, -1: for ever. The array's `revents` are filled when the call returns. */
  poll(fds: PollFd[] | null, timeout: number): PendingCall;
  epoll_create(size: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epfd: number, op: number, fd: number, event: EpollEvent | null): number;
  /** Fills `events` from 0; the result is how many. At most `maxEvents` (default: `events.length`, or 64 when it is
   * empty: missing entries are appended). `timeout` in ms, -1: for ever. */
  epoll_wait(epfd: number, events: EpollEvent[] | null, maxEvents: number, timeout: number): PendingCall;
  /** Fills `fds` with the reading and the writing end. */
  pipe(fds: [number, number] | number[] | null): number;
  pipe2(fds: [number, number] | number[] | null, flags: number): number;
  /** One of the two is a pipe. Offsets are null for pipes and sockets, else read and advanced in `[0]`. */
  splice(
    fdIn: number,
    offsetIn: number[] | null,
    fdOut: number,
    offsetOut: number[] | null,
    length: number,
    flags: number,
  ): PendingCall;
  sendfile(outFd: number, inFd: number, offset: number[] | null, count: number): PendingCall;
  /** Virtual files only, through the stack's injected file access; ENOENT without. */
  open(path: string, flags: number, mode?: number): number;

  /**
   * `value` receives up to `length[0]` (default: its size) bytes in Linux's little-endian layout; `length[0]` becomes
   * what was written. EBADF, ENOTSOCK, ENOPROTOOPT, EINVAL, EFAULT as Linux.
   */
  getsockopt(
    fd: number,
    level: number,
    name: number,
    value: Uint8Array | null,
    length: number[] | null,
  ): number;
  /** `length` defaults to the value's size; it may be smaller. */
  setsockopt(fd: number, level: number, name: number, value: Uint8Array | null, length?: number): number;
  getsockname(fd: number, address: SocketAddress | null): number;
  getpeername(fd: number, address: SocketAddress | null): number;

  /** A 4-byte option as Linux's `int`: 0 or -errno. */
  setInt(fd: number, level: number, name: number, value: number): number;
  /** Value of a 4-byte option; throws PosixError with the errno. */
  getInt(fd: number, level: number, name: number): number;
  /** struct tcp_info by Linux's names (tcpi_state, tcpi_snd_cwnd, … all 6.18 fields), read now; throws PosixError. */
  tcpInfo(fd: number): Record<string, number>;
  /** TCP_CC_INFO by Linux's names (empty: the algorithm has none); throws PosixError. */
  ccInfo(fd: number): Record<string, number>;
  /** SO_MEMINFO by name (SK_MEMINFO_RMEM_ALLOC, …); throws PosixError. */
  memInfo(fd: number): Record<string, number>;
  /** Descriptors now open, ascending. */
  readonly descriptors: readonly number[];
}

export type { ControlMessage, EpollEvent, MessageHeader, PendingCall, PollFd, SocketAddress };

/** Thrown by the convenience readers of the face; `errno` is positive, `code` its name. */
export class PosixError extends Error {
  readonly errno: number;
  readonly code: string;
  constructor(call: string, errno: number, code: string, text: string) {
    super(`${call}: ${code} (${text})`);
    this.name = 'PosixError';
    this.errno = errno;
    this.code = code;
  }
}
