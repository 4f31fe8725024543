// An open file: what a descriptor refers to. Sockets, epoll instances, pipe ends and virtual files are such.
// It knows its flags, who waits for it, and answers readiness as a level; calls that a kind of file lacks are errors.
import { O_ACCMODE, O_APPEND, O_NONBLOCK } from './constants.js';
import { EBADF, EINVAL } from './errno.js';
import { WaitQueue } from './wait-queue.js';

/** What F_SETFL may change (O_ASYNC, O_DIRECT and O_NOATIME mean nothing here). */
const SETTABLE = O_NONBLOCK | O_APPEND;

export abstract class OpenFile {
  readonly waiters = new WaitQueue();
  /** Access mode and status flags (O_*). */
  flags: number;
  /** Descriptors (and splices in progress) that refer to it. */
  references = 0;

  constructor(flags: number) {
    this.flags = flags;
  }

  get nonblocking(): boolean {
    return (this.flags & O_NONBLOCK) !== 0;
  }

  setFlags(flags: number): void {
    this.flags = (this.flags & ~SETTABLE) | (flags & SETTABLE);
  }

  get readable(): boolean {
    return (this.flags & O_ACCMODE) !== 1;
  }

  get writable(): boolean {
    return (this.flags & O_ACCMODE) !== 0;
  }

  /** POLL* bits that hold now. */
  abstract poll(): number;

  /** The last descriptor is gone. */
  abstract release(): void;

  /** Reads now into `target[from, from+length)`: bytes, 0 at the end, BLOCK when it must wait, or -errno. */
  readNow(_target: Uint8Array, _from: number, _length: number): number {
    return -EINVAL;
  }

  /** Writes now: bytes taken (possibly fewer), BLOCK when it must wait, or -errno. */
  writeNow(_source: Uint8Array, _from: number, _length: number): number {
    return -EINVAL;
  }

  /** ioctl: 0 or -errno; the value goes to or comes from `value[0]`. */
  ioctl(_request: number, _value: Int32Array | number[]): number {
    return -25; // ENOTTY
  }

  /** µs that a read or write may wait: Infinity unless SO_RCVTIMEO or SO_SNDTIMEO says otherwise. */
  get readTimeout(): number {
    return Number.POSITIVE_INFINITY;
  }

  get writeTimeout(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** EBADF when the mode forbids it, as the system call layer does. */
  checkAccess(write: boolean): number {
    return (write ? this.writable : this.readable) ? 0 : -EBADF;
  }
}
