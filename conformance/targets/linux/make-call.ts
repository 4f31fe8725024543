// One system call of a script on the kernel: arguments in the forms of call-forms.ts become memory and numbers, what
// the kernel wrote becomes `out`. Blocks as long as the kernel does.
import type { NativeMemory } from '../../../stack/link/linux/native-memory.js';
import { isPosixName, type PosixResult, posix } from '../../../stack/link/linux/posix.js';
import { errnoName } from '../../language/symbols.js';
import type { CallAddress, CallEpollEvent, ReceiveMessage, SendMessage } from '../call-forms.js';
import type { CallResult } from '../target.js';
import {
  getAddress,
  getControl,
  MSG_CONTROL_LENGTH,
  MSG_FLAGS,
  putAddress,
  putBuffer,
  putControl,
  putMessage,
  putVectors,
  SOCKADDR_MAX,
  takeVectors,
} from './structures.js';

type Arguments = readonly unknown[];
type Maker = (memory: NativeMemory, args: Arguments) => CallResult;

const POLLFD = 8;
/** struct epoll_event is packed on x86-64 and naturally aligned elsewhere. */
const EPOLL_EVENT = process.arch === 'x64' ? 12 : 16;
const EPOLL_DATA = EPOLL_EVENT - 8;
/** Requests that fill in an int: SIOCINQ, SIOCOUTQ, SIOCOUTQNSD and the like; everything else fails as the kernel says. */
const IOCTL_VALUE = 8;

const SEEK_SET = 0;

const number = (args: Arguments, index: number): number => args[index] as number;

function finish(result: PosixResult, ...out: unknown[]): CallResult {
  const { value, errno } = result;
  if (errno !== 0) return { value, errno: errnoName(errno) ?? `errno ${errno}`, out };
  return { value, out };
}

function sending(name: 'write' | 'send' | 'sendto', flags: boolean, to: boolean): Maker {
  return (memory, args) => {
    const buffer = memory.pointer(putBuffer(memory, args[1] as Uint8Array | null));
    const list: (number | bigint)[] = [number(args, 0), buffer, number(args, 2)];
    if (flags) list.push(number(args, 3));
    if (to) {
      const address = putAddress(memory, args[4] as CallAddress | null);
      list.push(memory.pointer(address.at), address.length);
    }
    return finish(posix(name, ...list));
  };
}

function receiving(name: 'read' | 'recv' | 'recvfrom', flags: boolean, from: boolean): Maker {
  return (memory, args) => {
    const bytes = args[1] as Uint8Array | null;
    const at = bytes === null ? -1 : memory.alloc(bytes.length);
    const list: (number | bigint)[] = [number(args, 0), memory.pointer(at), number(args, 2)];
    if (flags) list.push(number(args, 3));
    const name_ = memory.alloc(SOCKADDR_MAX);
    const length = memory.alloc(4);
    if (from) {
      memory.view.setUint32(length, SOCKADDR_MAX, true);
      list.push(memory.pointer(name_), memory.pointer(length));
    }
    const result = posix(name, ...list);
    if (bytes !== null && result.value > 0) {
      bytes.set(memory.bytes.subarray(at, at + Math.min(result.value, bytes.length)));
    }
    if (!from) return finish(result);
    return finish(result, getAddress(memory, name_, memory.view.getUint32(length, true)));
  };
}

/** Calls that give back a socket address. */
function naming(
  name: 'accept4' | 'getsockname' | 'getpeername',
  flags: (args: Arguments) => number[],
): Maker {
  return (memory, args) => {
    const at = memory.alloc(SOCKADDR_MAX);
    const length = memory.alloc(4);
    memory.view.setUint32(length, SOCKADDR_MAX, true);
    const result = posix(name, number(args, 0), memory.pointer(at), memory.pointer(length), ...flags(args));
    return finish(
      result,
      result.value < 0 ? null : getAddress(memory, at, memory.view.getUint32(length, true)),
    );
  };
}

function addressed(name: 'bind' | 'connect'): Maker {
  return (memory, args) => {
    const address = putAddress(memory, args[1] as CallAddress | null);
    return finish(posix(name, number(args, 0), memory.pointer(address.at), address.length));
  };
}

/** An optional 64-bit offset, as splice and sendfile take. */
function offset(memory: NativeMemory, value: number | null): bigint {
  if (value === null) return 0n;
  const at = memory.alloc(8);
  memory.view.setBigInt64(at, BigInt(value), true);
  return memory.pointer(at);
}

const SPECIAL: Readonly<Record<string, Maker>> = {
  accept: naming('accept4', () => [0]),
  accept4: naming('accept4', (args) => [number(args, 1)]),
  getsockname: naming('getsockname', () => []),
  getpeername: naming('getpeername', () => []),
  bind: addressed('bind'),
  connect: addressed('connect'),
  write: sending('write', false, false),
  send: sending('send', true, false),
  sendto: sending('sendto', true, true),
  read: receiving('read', false, false),
  recv: receiving('recv', true, false),
  recvfrom: receiving('recvfrom', true, true),
  writev: (memory, args) => {
    const vectors = putVectors(memory, args[1] as (Uint8Array | null)[]);
    return finish(posix('writev', number(args, 0), memory.pointer(vectors.at), vectors.count));
  },
  readv: (memory, args) => {
    const vectors = putVectors(memory, args[1] as (Uint8Array | null)[]);
    const result = posix('readv', number(args, 0), memory.pointer(vectors.at), vectors.count);
    takeVectors(memory, vectors, result.value);
    return finish(result);
  },
  sendmsg: (memory, args) => {
    const message = args[1] as SendMessage;
    const name = putAddress(memory, message.name);
    const at = putMessage(memory, name, putVectors(memory, message.iov), putControl(memory, message.control));
    return finish(posix('sendmsg', number(args, 0), memory.pointer(at), number(args, 2)));
  },
  recvmsg: (memory, args) => {
    const message = args[1] as ReceiveMessage;
    const room = message.controlLength;
    const control = { at: room > 0 ? memory.alloc(room) : -1, length: room };
    const name = { at: memory.alloc(SOCKADDR_MAX), length: SOCKADDR_MAX };
    const vectors = putVectors(memory, message.iov);
    const at = putMessage(memory, name, vectors, control);
    const result = posix('recvmsg', number(args, 0), memory.pointer(at), number(args, 2));
    if (result.value < 0) return finish(result);
    takeVectors(memory, vectors, result.value);
    const written = Number(memory.view.getBigUint64(at + MSG_CONTROL_LENGTH, true));
    const flags = memory.view.getInt32(at + MSG_FLAGS, true);
    return finish(result, { flags, control: room > 0 ? getControl(memory, control.at, written) : [] });
  },
  ioctl: (memory, args) => {
    const at = memory.alloc(IOCTL_VALUE);
    memory.view.setInt32(at, (args[2] as number | null) ?? 0, true);
    const result = posix('ioctl', number(args, 0), number(args, 1), memory.pointer(at));
    return finish(result, memory.view.getInt32(at, true));
  },
  getsockopt: (memory, args) => {
    const room = number(args, 3);
    const at = memory.alloc(Math.max(room, 1));
    const length = memory.alloc(4);
    memory.view.setInt32(length, room, true);
    const target = [number(args, 0), number(args, 1), number(args, 2)];
    const result = posix('getsockopt', ...target, memory.pointer(at), memory.pointer(length));
    const written = result.value < 0 ? 0 : memory.view.getInt32(length, true);
    return finish(result, memory.bytes.slice(at, at + written));
  },
  setsockopt: (memory, args) => {
    const at = putBuffer(memory, args[3] as Uint8Array | null);
    const target = [number(args, 0), number(args, 1), number(args, 2)];
    return finish(posix('setsockopt', ...target, memory.pointer(at), number(args, 4)));
  },
  poll: (memory, args) => {
    const entries = args[0] as { fd: number; events: number }[];
    const at = memory.alloc(POLLFD * Math.max(1, entries.length));
    for (const [i, { fd, events }] of entries.entries()) {
      memory.view.setInt32(at + POLLFD * i, fd, true);
      memory.view.setInt16(at + POLLFD * i + 4, events, true);
    }
    const result = posix('poll', memory.pointer(at), entries.length, number(args, 1));
    return finish(
      result,
      entries.map((_, i) => memory.view.getInt16(at + POLLFD * i + 6, true)),
    );
  },
  epoll_ctl: (memory, args) => {
    const event = args[3] as CallEpollEvent | null;
    const at = event === null ? -1 : memory.alloc(EPOLL_EVENT);
    if (event !== null) {
      memory.view.setUint32(at, event.events >>> 0, true);
      memory.view.setBigUint64(at + EPOLL_DATA, BigInt.asUintN(64, BigInt(event.data)), true);
    }
    return finish(posix('epoll_ctl', number(args, 0), number(args, 1), number(args, 2), memory.pointer(at)));
  },
  epoll_wait: (memory, args) => {
    const most = number(args, 1);
    const at = memory.alloc(EPOLL_EVENT * Math.max(1, most));
    const result = posix('epoll_wait', number(args, 0), memory.pointer(at), most, number(args, 2));
    const events = Array.from({ length: Math.max(0, result.value) }, (_, i) => ({
      events: memory.view.getUint32(at + EPOLL_EVENT * i, true),
      data: memory.view.getBigUint64(at + EPOLL_EVENT * i + EPOLL_DATA, true),
    }));
    return finish(result, events);
  },
  pipe: (memory) => {
    const at = memory.alloc(8);
    const result = posix('pipe', memory.pointer(at));
    return finish(result, [memory.view.getInt32(at, true), memory.view.getInt32(at + 4, true)]);
  },
  splice: (memory, args) => {
    const from = offset(memory, args[1] as number | null);
    const to = offset(memory, args[3] as number | null);
    return finish(
      posix('splice', number(args, 0), from, number(args, 2), to, number(args, 4), number(args, 5)),
    );
  },
  sendfile: (memory, args) => {
    const from = offset(memory, args[2] as number | null);
    return finish(posix('sendfile', number(args, 0), number(args, 1), from, number(args, 3)));
  },
  open: (memory, args) => {
    const bytes = args[2] as Uint8Array | undefined;
    if (bytes === undefined) return finish(posix('open', args[0] as string, number(args, 1), 0));
    return finish(memoryFile(memory, args[0] as string, bytes));
  },
};

/** An open file in memory with these bytes, to be read from the beginning (memfd_create(2)). */
function memoryFile(memory: NativeMemory, name: string, bytes: Uint8Array): PosixResult {
  const file = posix('memfd_create', name, 0);
  if (file.errno !== 0) return file;
  const at = memory.pointer(putBuffer(memory, bytes));
  for (let done = 0; done < bytes.length; ) {
    const written = posix('write', file.value, at + BigInt(done), bytes.length - done);
    if (written.errno !== 0) return written;
    done += written.value;
  }
  const rewound = posix('lseek', file.value, 0, SEEK_SET);
  return rewound.errno === 0 ? file : rewound;
}

/** Calls whose arguments are all numbers. */
const PLAIN = new Set([
  'socket',
  'listen',
  'dup',
  'close',
  'shutdown',
  'fcntl',
  'epoll_create',
  'epoll_create1',
  'fsync',
]);

/**
 * Makes the call; null when there is no such call here.
 * @param memory scratch memory of the calling thread, reset by this function
 */
export function makeCall(memory: NativeMemory, name: string, args: Arguments): CallResult | null {
  memory.reset();
  const special = SPECIAL[name];
  if (special !== undefined) return special(memory, args);
  if (!PLAIN.has(name) || !isPosixName(name)) return null;
  return finish(posix(name, ...(args as number[])));
}
