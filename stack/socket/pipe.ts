// A pipe: two files over one bounded queue of bytes (64 KiB, as Linux). splice moves bytes through it.
import {
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
} from './constants.js';
import { EPIPE } from './errno.js';
import { OpenFile } from './file.js';
import { BLOCK } from './pending.js';

export const PIPE_CAPACITY = 65_536;
/** A write of at most this many bytes is not mixed with others, so it waits until all of it fits (PIPE_BUF). */
const PIPE_BUF = 4096;
const FIONREAD = 0x541b;

class PipeBuffer {
  readonly bytes = new Uint8Array(PIPE_CAPACITY);
  start = 0;
  length = 0;
  readers = true;
  writers = true;
  reader: PipeReader | null = null;
  writer: PipeWriter | null = null;

  get space(): number {
    return PIPE_CAPACITY - this.length;
  }

  put(source: Uint8Array, from: number, length: number): number {
    const count = Math.min(length, this.space);
    for (let done = 0; done < count; ) {
      const at = (this.start + this.length) % PIPE_CAPACITY;
      const run = Math.min(count - done, PIPE_CAPACITY - at);
      this.bytes.set(source.subarray(from + done, from + done + run), at);
      this.length += run;
      done += run;
    }
    return count;
  }

  take(target: Uint8Array, from: number, length: number, keep = false): number {
    const count = Math.min(length, this.length);
    let at = this.start;
    for (let done = 0; done < count; ) {
      const run = Math.min(count - done, PIPE_CAPACITY - at);
      target.set(this.bytes.subarray(at, at + run), from + done);
      at = (at + run) % PIPE_CAPACITY;
      done += run;
    }
    if (!keep) this.drop(count);
    return count;
  }

  drop(count: number): void {
    this.start = (this.start + count) % PIPE_CAPACITY;
    this.length -= count;
  }
}

export class PipeReader extends OpenFile {
  readonly pipe: PipeBuffer;

  constructor(pipe: PipeBuffer, flags: number) {
    super(O_RDONLY | (flags & O_NONBLOCK));
    this.pipe = pipe;
    pipe.reader = this;
  }

  poll(): number {
    const { pipe } = this;
    return (pipe.length > 0 ? POLLIN | POLLRDNORM : 0) | (pipe.writers ? 0 : POLLHUP);
  }

  override readNow(target: Uint8Array, from: number, length: number): number {
    const { pipe } = this;
    if (length === 0) return 0;
    if (pipe.length === 0) return pipe.writers ? BLOCK : 0;
    const count = pipe.take(target, from, length);
    pipe.writer?.waiters.wake(POLLOUT | POLLWRNORM);
    return count;
  }

  /** Looks at up to `length` bytes without taking them: for splice, which takes only what the other side took. */
  look(target: Uint8Array, length: number): number {
    return this.pipe.take(target, 0, length, true);
  }

  consume(count: number): void {
    this.pipe.drop(count);
    this.pipe.writer?.waiters.wake(POLLOUT | POLLWRNORM);
  }

  override ioctl(request: number, value: Int32Array | number[]): number {
    if (request !== FIONREAD) return super.ioctl(request, value);
    value[0] = this.pipe.length;
    return 0;
  }

  release(): void {
    this.pipe.readers = false;
    this.pipe.reader = null;
    this.pipe.writer?.waiters.wake(0);
  }
}

export class PipeWriter extends OpenFile {
  readonly pipe: PipeBuffer;

  constructor(pipe: PipeBuffer, flags: number) {
    super(O_WRONLY | (flags & O_NONBLOCK));
    this.pipe = pipe;
    pipe.writer = this;
  }

  poll(): number {
    const { pipe } = this;
    return (pipe.space >= PIPE_BUF ? POLLOUT | POLLWRNORM : 0) | (pipe.readers ? 0 : POLLERR);
  }

  override writeNow(source: Uint8Array, from: number, length: number): number {
    const { pipe } = this;
    if (!pipe.readers) return -EPIPE;
    if (length === 0) return 0;
    if (pipe.space === 0 || (length <= PIPE_BUF && pipe.space < length)) return BLOCK;
    const count = pipe.put(source, from, length);
    pipe.reader?.waiters.wake(POLLIN | POLLRDNORM);
    return count;
  }

  release(): void {
    this.pipe.writers = false;
    this.pipe.writer = null;
    this.pipe.reader?.waiters.wake(0);
  }
}

/** A new pipe: its reading and its writing end. */
export function makePipe(flags: number): [PipeReader, PipeWriter] {
  const pipe = new PipeBuffer();
  return [new PipeReader(pipe, flags), new PipeWriter(pipe, flags)];
}
