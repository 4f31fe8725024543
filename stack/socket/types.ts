// Structures that cross the POSIX face: what Linux's calls take and fill, as objects. No behaviour.

/** struct sockaddr_in and sockaddr_in6 in one. */
export interface SocketAddress {
  /** AF_INET, AF_INET6 or AF_UNSPEC. */
  family: number;
  /** 16 bytes; IPv4 in its mapped form ::ffff:a.b.c.d, for AF_INET too. */
  address: Uint8Array;
  /** Host order. */
  port: number;
  /** sin6_flowinfo: the 20-bit flow label, host order. */
  flowInfo?: number;
  /** sin6_scope_id. */
  scopeId?: number;
  /** The length that the caller claims, for EINVAL on short ones; default: right for the family. */
  length?: number;
}

/** One control message; `data` in the machine's (little-endian) layout without header and padding. */
export interface ControlMessage {
  level: number;
  type: number;
  data: Uint8Array;
}

/** struct msghdr. For sending, `name`, `iov` and `control` are read; for receiving, the caller sets `iov` and
 * `controlLength`, and `name`, `control`, `flags` are filled. */
export interface MessageHeader {
  name?: SocketAddress | null;
  iov: readonly (Uint8Array | null)[];
  control?: readonly ControlMessage[];
  /** Room for control messages when receiving, in bytes as CMSG_SPACE counts them; default: none. */
  controlLength?: number;
  flags?: number;
}

/** struct pollfd. */
export interface PollFd {
  fd: number;
  events: number;
  revents: number;
}

/** struct epoll_event; `data` is given back as it came (any u64, as a number or bigint). */
export interface EpollEvent {
  events: number;
  data: number | bigint;
}

/** struct sock_extended_err with SO_EE_OFFENDER. */
export interface ExtendedError {
  errno: number;
  origin: number;
  type: number;
  code: number;
  info: number;
  data: number;
  offender: SocketAddress | null;
}

/**
 * A call that may block. It is a continuation, never a blocked thread: when its condition comes true, or its time is up,
 * inside `Stack.run`, `result` is set. A call that did not have to wait has its result at once.
 */
export interface PendingCall {
  /** What the system call returns: ≥ 0, or -errno; null while it waits. */
  readonly result: number | null;
  /** Stack time in µs at which it returned; NaN while it waits. */
  readonly returnedAt: number;
  /** Called once with the result when it returns; at once when it already has. */
  onReturn(callback: (result: number) => void): void;
}
