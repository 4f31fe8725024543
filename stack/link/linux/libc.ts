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
  eventfd(initial: number, flags: number): number;
  socket(domain: number, type: number, protocol: number): number;
  unshare(flags: number): number;
  setns(fd: number, type: number): number;
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
    eventfd: lib.func('int eventfd(unsigned int initial, int flags)'),
    socket: lib.func('int socket(int domain, int type, int protocol)'),
    unshare: lib.func('int unshare(int flags)'),
    setns: lib.func('int setns(int fd, int type)'),
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
