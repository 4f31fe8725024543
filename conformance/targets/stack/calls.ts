// The calls of call-forms.ts on the POSIX face of our stack: arguments are translated, -errno becomes value -1 with a
// name. No behaviour of its own.

import {
  errno,
  type MessageHeader,
  type Posix,
  type PendingCall as PosixCall,
  type SocketAddress,
} from '../../../stack/index.js';
import { formatAddress, parseAddress, unmapIpv4 } from '../../runner/addresses.js';
import type { CallAddress, CallEpollEvent, ReceiveMessage, SendMessage } from '../call-forms.js';
import { type CallResult, type PendingCall, TargetUnsupported } from '../target.js';

const AF_INET = 2;

/** How a call is made: what it returns, and what it wrote through pointers. */
interface Made {
  readonly call: number | PosixCall;
  readonly out?: () => readonly unknown[];
}

type Maker = (posix: Posix, args: readonly never[]) => Made;

function toPosix(address: CallAddress | null): SocketAddress | null {
  if (!address) return null;
  const bytes = new Uint8Array(16);
  const parsed = address.address === '' ? null : parseAddress(address.address);
  if (parsed?.length === 4) {
    bytes[10] = 0xff;
    bytes[11] = 0xff;
    bytes.set(parsed, 12);
  } else if (parsed) {
    bytes.set(parsed);
  }
  return { family: address.family, address: bytes, port: address.port };
}

const emptyAddress = (): SocketAddress => ({ family: 0, address: new Uint8Array(16), port: 0 });

function fromPosix(address: SocketAddress): CallAddress {
  const text = formatAddress(address.address, 0, 16);
  return {
    family: address.family,
    address: address.family === AF_INET ? unmapIpv4(text) : text,
    port: address.port,
  };
}

/** Calls that write a peer's address. */
function withPeer(
  make: (posix: Posix, args: readonly never[], peer: SocketAddress) => number | PosixCall,
): Maker {
  return (posix, args) => {
    const peer = emptyAddress();
    return { call: make(posix, args, peer), out: () => [fromPosix(peer)] };
  };
}

const plain =
  (make: (posix: Posix, args: readonly never[]) => number | PosixCall): Maker =>
  (posix, args) => ({ call: make(posix, args) });

const getsockopt: Maker = (posix, args) => {
  const [fd, level, name, room] = args as unknown as [number, number, number, number];
  const value = new Uint8Array(Math.max(0, room));
  const length = [room];
  return {
    call: posix.getsockopt(fd, level, name, value, length),
    out: () => [value.subarray(0, length[0])],
  };
};

const ioctl: Maker = (posix, args) => {
  const [fd, request, given] = args as unknown as [number, number, number | null];
  const value = [given ?? 0];
  return { call: posix.ioctl(fd, request, given === null ? null : value), out: () => [value[0]] };
};

const sendmsg: Maker = (posix, args) => {
  const [fd, message, flags] = args as unknown as [number, SendMessage, number];
  const header: MessageHeader = { name: toPosix(message.name), iov: message.iov, control: message.control };
  return { call: posix.sendmsg(fd, header, flags) };
};

const recvmsg: Maker = (posix, args) => {
  const [fd, message, flags] = args as unknown as [number, ReceiveMessage, number];
  const header: MessageHeader = {
    name: emptyAddress(),
    iov: message.iov,
    controlLength: message.controlLength,
  };
  return {
    call: posix.recvmsg(fd, header, flags),
    out: () => [{ flags: header.flags ?? 0, control: header.control ?? [] }],
  };
};

const poll: Maker = (posix, args) => {
  const [wanted, timeout] = args as unknown as [{ fd: number; events: number }[], number];
  const fds = wanted.map((w) => ({ ...w, revents: 0 }));
  return { call: posix.poll(fds, timeout), out: () => [fds.map((f) => f.revents)] };
};

const epollWait: Maker = (posix, args) => {
  const [epfd, most, timeout] = args as unknown as [number, number, number];
  const events: CallEpollEvent[] = [];
  return { call: posix.epoll_wait(epfd, events, most, timeout), out: () => [events] };
};

const pipe: Maker = (posix) => {
  const fds: [number, number] = [-1, -1];
  return { call: posix.pipe(fds), out: () => [fds] };
};

const boxed = (offset: number | null): number[] | null => (offset === null ? null : [offset]);

/* Arguments are checked by the runner's plans; `never` lets each line name the types that its call has. */
const MAKERS: Readonly<Record<string, Maker>> = {
  socket: plain((p, [domain, type, protocol]) => p.socket(domain!, type!, protocol!)),
  bind: plain((p, [fd, address]) => p.bind(fd!, toPosix(address!))),
  listen: plain((p, [fd, backlog]) => p.listen(fd!, backlog!)),
  accept: withPeer((p, [fd], peer) => p.accept(fd!, peer)),
  accept4: withPeer((p, [fd, flags], peer) => p.accept4(fd!, peer, flags!)),
  connect: plain((p, [fd, address]) => p.connect(fd!, toPosix(address!))),
  getsockname: withPeer((p, [fd], peer) => p.getsockname(fd!, peer)),
  getpeername: withPeer((p, [fd], peer) => p.getpeername(fd!, peer)),
  dup: plain((p, [fd]) => p.dup(fd!)),
  close: plain((p, [fd]) => p.close(fd!)),
  shutdown: plain((p, [fd, how]) => p.shutdown(fd!, how!)),
  read: plain((p, [fd, buffer, count]) => p.read(fd!, buffer!, count!)),
  recv: plain((p, [fd, buffer, count, flags]) => p.recv(fd!, buffer!, flags!, count!)),
  recvfrom: withPeer((p, [fd, buffer, count, flags], from) => p.recvfrom(fd!, buffer!, flags!, from, count!)),
  readv: plain((p, [fd, iov]) => p.readv(fd!, iov!)),
  recvmsg,
  write: plain((p, [fd, buffer, count]) => p.write(fd!, buffer!, count!)),
  send: plain((p, [fd, buffer, count, flags]) => p.send(fd!, buffer!, flags!, count!)),
  sendto: plain((p, [fd, buffer, count, flags, to]) => p.sendto(fd!, buffer!, flags!, toPosix(to!), count!)),
  writev: plain((p, [fd, iov]) => p.writev(fd!, iov!)),
  sendmsg,
  fcntl: plain((p, [fd, command, argument]) => p.fcntl(fd!, command!, argument!)),
  ioctl,
  getsockopt,
  setsockopt: plain((p, [fd, level, name, value, length]) =>
    p.setsockopt(fd!, level!, name!, value!, length!),
  ),
  poll,
  epoll_create: plain((p, [size]) => p.epoll_create(size!)),
  epoll_create1: plain((p, [flags]) => p.epoll_create1(flags!)),
  epoll_ctl: plain((p, [epfd, op, fd, event]) => p.epoll_ctl(epfd!, op!, fd!, event!)),
  epoll_wait: epollWait,
  pipe,
  splice: plain((p, [fdIn, offIn, fdOut, offOut, length, flags]) =>
    p.splice(fdIn!, boxed(offIn!), fdOut!, boxed(offOut!), length!, flags!),
  ),
  sendfile: plain((p, [out, from, offset, count]) => p.sendfile(out!, from!, boxed(offset!), count!)),
  open: plain((p, [path, flags]) => p.open(path!, flags!)),
};

/** Makes a call. Throws TargetUnsupported for those that the face does not have. */
export function callPosix(
  posix: Posix,
  name: string,
  args: readonly unknown[],
  now: () => number,
): PendingCall {
  const make = MAKERS[name];
  if (!make) throw new TargetUnsupported(`the call ${name}()`);
  const made = make(posix, args as readonly never[]);
  if (typeof made.call === 'number') return { result: resultOf(made.call, made.out), returnedAt: now() };
  return new Waiting(made.call, made.out);
}

function resultOf(value: number, out: Made['out']): CallResult {
  if (value < 0) {
    const name = errno.errnoName(-value);
    return { value: -1, errno: name, ...(out ? { out: out() } : {}) };
  }
  return { value, ...(out ? { out: out() } : {}) };
}

class Waiting implements PendingCall {
  private readonly call: PosixCall;
  private readonly out: Made['out'];
  private finished: CallResult | null = null;

  constructor(call: PosixCall, out: Made['out']) {
    this.call = call;
    this.out = out;
  }

  get result(): CallResult | null {
    if (this.finished === null && this.call.result !== null)
      this.finished = resultOf(this.call.result, this.out);
    return this.finished;
  }

  get returnedAt(): number {
    return this.call.returnedAt;
  }
}
