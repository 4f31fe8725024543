// The form of every system call between runner and target: what `Target.call(name, args)` gets and which `out` comes
// back. Numbers are Linux's (x86-64); structures that Linux defines byte by byte (option values, control messages)
// are little-endian bytes in Linux's layout, so that a kernel takes them as they are.
//
//   socket       [domain, type, protocol]                              value: descriptor
//   bind         [fd, SocketAddress | null]
//   listen       [fd, backlog]
//   accept       [fd]                                                  value: descriptor; out: [SocketAddress]
//   accept4      [fd, flags]                                           likewise
//   connect      [fd, SocketAddress | null]
//   getsockname, getpeername [fd]                                      out: [SocketAddress]
//   dup, close   [fd]
//   shutdown     [fd, how]
//   read         [fd, Uint8Array | null, count]                        the array is filled
//   recv         [fd, Uint8Array | null, count, flags]
//   recvfrom     [fd, Uint8Array | null, count, flags]                 out: [SocketAddress | null]
//   readv        [fd, (Uint8Array | null)[]]
//   recvmsg      [fd, ReceiveMessage, flags]                           out: [ReceivedMessage]
//   write        [fd, Uint8Array | null, count]                        bytes are not changed
//   send         [fd, Uint8Array | null, count, flags]
//   sendto       [fd, Uint8Array | null, count, flags, SocketAddress | null]
//   writev       [fd, (Uint8Array | null)[]]
//   sendmsg      [fd, SendMessage, flags]
//   fcntl        [fd, command, argument]
//   ioctl        [fd, request, number | null]                          out: [number]
//   getsockopt   [fd, level, name, length]                             out: [Uint8Array] as long as was written
//   setsockopt   [fd, level, name, Uint8Array | null, length]
//   poll         [{ fd, events }[], timeout in ms]                     out: [revents[]]
//   epoll_create [size]                                                value: descriptor
//   epoll_create1 [flags]
//   epoll_ctl    [epfd, op, fd, { events, data } | null]
//   epoll_wait   [epfd, maxEvents, timeout in ms]                      out: [{ events, data }[]]
//   pipe         []                                                    out: [[reading fd, writing fd]]
//   splice       [fdIn, offset | null, fdOut, offset | null, length, flags]
//   sendfile     [outFd, inFd, offset | null, count]
//   open         [path, flags]                                         value: descriptor
//   cap_set      [flag, value, operation]
//   fsync        [fd]

export interface CallAddress {
  /** AF_INET, AF_INET6 or AF_UNSPEC. */
  family: number;
  /** In text, in the family's own form: `192.0.2.1`, `::ffff:192.0.2.1`, `2001:db8::1`; empty for AF_UNSPEC. */
  address: string;
  port: number;
}

export interface CallControlMessage {
  level: number;
  type: number;
  data: Uint8Array;
}

export interface SendMessage {
  name: CallAddress | null;
  iov: (Uint8Array | null)[];
  control: CallControlMessage[];
}

export interface ReceiveMessage {
  iov: (Uint8Array | null)[];
  /** Room for control messages, as CMSG_SPACE counts it. */
  controlLength: number;
}

export interface ReceivedMessage {
  flags: number;
  control: CallControlMessage[];
}

export interface CallEpollEvent {
  events: number;
  data: number | bigint;
}
