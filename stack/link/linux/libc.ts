// The one place that talks to the kernel: libc functions through koffi, loaded when first used, so that everything
// else runs on any system. Each function returns what the call returned, or throws SystemCallError.
import koffi from 'koffi';
import { SystemCallError } from './system-call-error.js';

type Bytes = Uint8Array;

interface Libc {
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
  read(fd: number, to: Bytes, count: number): number;
  write(fd: number, from: Bytes, count: number): number;
  ioctl(fd: number, request: number, argument: Bytes): number;
  /** ioctl whose argument is a number, not a pointer. */
  ioctlValue(fd: number, request: number, argument: number): number;
  poll(fds: Bytes, count: number, milliseconds: number): number;
  /** `timeout`: a struct timespec, or null for no end; no signal mask. */
  ppoll(fds: Bytes, count: number, timeout: Bytes | null, mask: null): number;
  eventfd(initial: number, flags: number): number;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Bytes, length: number): number;
  setsockopt(fd: number, level: number, name: number, value: Bytes, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Bytes, length: Bytes): number;
  /** Returns the address of the mapping; -1n in an unsigned 64-bit form on failure. */
  mmap(at: null, length: number, protection: number, flags: number, fd: number, offset: number): unknown;
  munmap(address: bigint, length: number): number;
  sendto(
    fd: number,
    from: Bytes | null,
    count: number,
    flags: number,
    to: Bytes | null,
    toLength: number,
  ): number;
  unshare(flags: number): number;
  sched_getscheduler(thread: number): number;
  /** `parameters`: a struct sched_param. */
  sched_setscheduler(thread: number, policy: number, parameters: Bytes): number;
}

let loaded: Libc | null = null;

/** The C library's functions, raw. Throws SystemCallError ENOSYS where there is no Linux libc. */
export function libc(): Libc {
  if (loaded !== null) return loaded;
  if (process.platform !== 'linux') {
    throw new SystemCallError('ENOSYS', 'dlopen', `this needs Linux, the system is ${process.platform}`);
  }
  const lib = koffi.load('libc.so.6');
  loaded = {
    open: lib.func('int open(const char *path, int flags, int mode)'),
    close: lib.func('int close(int fd)'),
    read: lib.func('long read(int fd, void *to, size_t count)'),
    write: lib.func('long write(int fd, const void *from, size_t count)'),
    ioctl: lib.func('int ioctl(int fd, unsigned long request, void *argument)'),
    ioctlValue: lib.func('int ioctl(int fd, unsigned long request, unsigned long argument)'),
    poll: lib.func('int poll(void *fds, unsigned long count, int timeout)'),
    ppoll: lib.func('int ppoll(void *fds, unsigned long count, const void *timeout, const void *mask)'),
    eventfd: lib.func('int eventfd(unsigned int initial, int flags)'),
    socket: lib.func('int socket(int domain, int type, int protocol)'),
    bind: lib.func('int bind(int fd, const void *address, unsigned int length)'),
    setsockopt: lib.func(
      'int setsockopt(int fd, int level, int name, const void *value, unsigned int length)',
    ),
    getsockopt: lib.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
    mmap: lib.func('void *mmap(void *at, size_t length, int protection, int flags, int fd, long offset)'),
    munmap: lib.func('int munmap(uint64_t address, size_t length)'),
    sendto: lib.func(
      'long sendto(int fd, const void *from, size_t count, int flags, const void *to, unsigned int toLength)',
    ),
    unshare: lib.func('int unshare(int flags)'),
    sched_getscheduler: lib.func('int sched_getscheduler(int thread)'),
    sched_setscheduler: lib.func('int sched_setscheduler(int thread, int policy, const void *parameters)'),
  };
  return loaded;
}

/** errno of the last call of this thread, as a number. Read it before anything else is called. */
export const lastErrno = (): number => koffi.errno();

/** Passes a result through; a negative one is thrown as what errno says of `call`. */
export function checked(call: string, result: number, hint?: string): number {
  if (result >= 0) return result;
  throw SystemCallError.fromErrno(lastErrno(), call, hint);
}

export const EAGAIN = 11;
export const EINTR = 4;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/** Memory that the kernel shares with this process. The view works in the thread that asked for it. */
export interface Mapping {
  readonly bytes: Uint8Array;
  readonly address: bigint;
  unmap(): void;
}

/** Maps `length` bytes of what `fd` offers. The view must never be transferred, nor used after `unmap`. */
export function mapShared(fd: number, length: number): Mapping {
  const pointer = libc().mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, 0);
  const address = pointer === null ? 0n : koffi.address(pointer);
  if (address === 0n || address === MAP_FAILED) checked('mmap', -1, `${length} bytes`);
  const bytes = new Uint8Array(koffi.view(pointer, length));
  return { bytes, address, unmap: () => void libc().munmap(address, length) };
}
