// The kernel's own socket calls, for whoever wants Linux as a reference: libc functions whose pointers are addresses in
// NativeMemory. Each returns what libc returns, and errno. 64-bit little-endian Linux.

import koffi from 'koffi';
import { lastErrno } from './libc.js';

/** Every function here: name and signature. Pointers are 64-bit addresses; 0n is NULL. */
const SIGNATURES = {
  socket: 'int socket(int, int, int)',
  bind: 'int bind(int, uint64_t, unsigned int)',
  listen: 'int listen(int, int)',
  accept4: 'int accept4(int, uint64_t, uint64_t, int)',
  connect: 'int connect(int, uint64_t, unsigned int)',
  getsockname: 'int getsockname(int, uint64_t, uint64_t)',
  getpeername: 'int getpeername(int, uint64_t, uint64_t)',
  dup: 'int dup(int)',
  close: 'int close(int)',
  shutdown: 'int shutdown(int, int)',
  read: 'long read(int, uint64_t, size_t)',
  readv: 'long readv(int, uint64_t, int)',
  recv: 'long recv(int, uint64_t, size_t, int)',
  recvfrom: 'long recvfrom(int, uint64_t, size_t, int, uint64_t, uint64_t)',
  recvmsg: 'long recvmsg(int, uint64_t, int)',
  write: 'long write(int, uint64_t, size_t)',
  writev: 'long writev(int, uint64_t, int)',
  send: 'long send(int, uint64_t, size_t, int)',
  sendto: 'long sendto(int, uint64_t, size_t, int, uint64_t, unsigned int)',
  sendmsg: 'long sendmsg(int, uint64_t, int)',
  fcntl: 'int fcntl(int, int, long)',
  ioctl: 'int ioctl(int, unsigned long, uint64_t)',
  getsockopt: 'int getsockopt(int, int, int, uint64_t, uint64_t)',
  setsockopt: 'int setsockopt(int, int, int, uint64_t, unsigned int)',
  poll: 'int poll(uint64_t, unsigned long, int)',
  epoll_create: 'int epoll_create(int)',
  epoll_create1: 'int epoll_create1(int)',
  epoll_ctl: 'int epoll_ctl(int, int, int, uint64_t)',
  epoll_wait: 'int epoll_wait(int, uint64_t, int, int)',
  pipe: 'int pipe(uint64_t)',
  splice: 'long splice(int, uint64_t, int, uint64_t, size_t, unsigned int)',
  sendfile: 'long sendfile(int, int, uint64_t, size_t)',
  open: 'int open(const char *, int, int)',
  memfd_create: 'int memfd_create(const char *, unsigned int)',
  lseek: 'long lseek(int, long, int)',
  fsync: 'int fsync(int)',
  gettid: 'int gettid()',
} as const;

export type PosixName = keyof typeof SIGNATURES;
export type PosixArgument = number | bigint | string;

export interface PosixResult {
  readonly value: number;
  /** Linux's number when `value` is -1, otherwise 0. */
  readonly errno: number;
}

const functions = new Map<string, (...args: PosixArgument[]) => number | bigint>();
let library: ReturnType<typeof koffi.load> | null = null;

/** True when `name` can be called here. */
export const isPosixName = (name: string): name is PosixName => name in SIGNATURES;

/** Makes the call in this thread, blocking it as long as the kernel does. */
export function posix(name: PosixName, ...args: PosixArgument[]): PosixResult {
  let call = functions.get(name);
  if (call === undefined) {
    library ??= koffi.load('libc.so.6');
    call = library.func(SIGNATURES[name]) as (...args: PosixArgument[]) => number | bigint;
    functions.set(name, call);
  }
  const value = Number(call(...args));
  return { value, errno: value === -1 ? lastErrno() : 0 };
}
