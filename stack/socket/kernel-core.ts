// What every call of the POSIX face needs: finding a descriptor's file, and waiting as a continuation. The faces for
// transfers and readiness, and the kernel itself, are built on it.
import { MSG_DONTWAIT } from './constants.js';
import { DescriptorTable } from './descriptors.js';
import type { SocketEnvironment } from './environment.js';
import { EAGAIN, EBADF, ENOTSOCK } from './errno.js';
import type { OpenFile } from './file.js';
import { BLOCK, BlockedCall, FinishedCall } from './pending.js';
import { Socket } from './socket.js';
import type { PendingCall } from './types.js';

/** Most bytes of one read or write (MAX_RW_COUNT), and parts of one iovec (UIO_MAXIOV). */
export const MAX_TRANSFER = 0x7fff_f000;
export const MAX_PARTS = 1024;

export class KernelCore {
  readonly env: SocketEnvironment;
  readonly table: DescriptorTable;

  constructor(env: SocketEnvironment, maxDescriptors: number) {
    this.env = env;
    this.table = new DescriptorTable(maxDescriptors);
  }

  file(fd: number): OpenFile | null {
    return this.table.get(fd);
  }

  /** The socket behind a descriptor, or -EBADF, -ENOTSOCK. */
  socketOf(fd: number): Socket | number {
    const file = this.table.get(fd);
    if (file === null) return -EBADF;
    return file instanceof Socket ? file : -ENOTSOCK;
  }

  /** A call that has its result; what it set in motion is settled first. */
  finished(result: number): PendingCall {
    this.env.settle();
    return new FinishedCall(result, this.env.now());
  }

  /**
   * Tries at once, and if that says BLOCK waits for `files` for at most `timeout` µs, unless `nonblocking`;
   * `interrupted` is the result when it may not wait, or not any longer.
   */
  wait(
    files: readonly OpenFile[],
    nonblocking: boolean,
    timeout: number,
    attempt: () => number,
    interrupted: () => number = again,
  ): PendingCall {
    const result = attempt();
    if (result !== BLOCK) return this.finished(result);
    if (nonblocking || timeout === 0) return this.finished(interrupted());
    const call = new BlockedCall(this.env, files, this.env.now() + timeout, attempt, interrupted);
    this.env.settle();
    return call;
  }

  nonblocking(file: OpenFile, flags = 0): boolean {
    return file.nonblocking || (flags & MSG_DONTWAIT) !== 0;
  }

  /** Installs a new file: its descriptor, or -EMFILE and the file is released. */
  install(file: OpenFile, closeOnExec: boolean): number {
    const fd = this.table.install(file, closeOnExec);
    if (fd < 0) file.release();
    return fd;
  }

  /** One reference less; the last one releases the file. */
  drop(file: OpenFile): void {
    if (--file.references === 0) file.release();
  }
}

function again(): number {
  return -EAGAIN;
}
