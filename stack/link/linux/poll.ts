// Waiting in the kernel: poll(2) over a device and an eventfd. A thread inside a system call cannot be ended from
// outside, so everything that waits here waits for its eventfd as well, and whoever ends it rings that.
import { checked, EAGAIN, EINTR, lastErrno, libc } from './libc.js';
import { SystemCallError } from './system-call-error.js';

export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 16;
export const POLLNVAL = 32;
const LAST_RING = 1n << 32n;
const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;

/** A doorbell in the kernel: `ring` from any thread, `clear` from the one that waits. */
export class EventFd {
  readonly fd: number;
  /** The last ring was heard. */
  ended = false;
  private readonly value = Buffer.alloc(8);

  /** A new eventfd, or an existing one by its descriptor (descriptors are valid in every thread). */
  constructor(fd?: number) {
    this.fd = fd ?? checked('eventfd', libc().eventfd(0, EFD_CLOEXEC_NONBLOCK));
  }

  ring(): void {
    this.add(1n);
  }

  /** Rings for the last time: whoever clears it finds `ended` set. Rings add up, so this one is told from the others. */
  end(): void {
    this.add(LAST_RING);
  }

  /** True when it had been rung since the last clear. */
  clear(): boolean {
    if (libc().read(this.fd, this.value, 8) !== 8) return false;
    if (this.value.readBigUInt64LE() >= LAST_RING) this.ended = true;
    return true;
  }

  private add(count: bigint): void {
    this.value.writeBigUInt64LE(count);
    libc().write(this.fd, this.value, 8); // EAGAIN means that it rings already
  }

  close(): void {
    libc().close(this.fd);
  }
}

/** poll(2) over a fixed set of descriptors, reusing one array. */
export class PollSet {
  private readonly entries: Buffer;
  private readonly count: number;
  private readonly timespec = Buffer.alloc(16);

  constructor(fds: ReadonlyArray<{ readonly fd: number; readonly events: number }>) {
    this.count = fds.length;
    this.entries = Buffer.alloc(8 * fds.length);
    for (const [i, { fd, events }] of fds.entries()) {
      this.entries.writeInt32LE(fd, 8 * i);
      this.entries.writeInt16LE(events, 8 * i + 4);
    }
  }

  /**
   * Waits until one is ready or `milliseconds` have passed (-1: without end). Returns how many are ready; an
   * interrupting signal counts as a timeout.
   */
  wait(milliseconds: number): number {
    return this.counted(libc().poll(this.entries, this.count, milliseconds));
  }

  /** The same with a timeout in µs, as fine as the kernel's timers (ppoll; its slack is 50 µs). Infinity: without end. */
  waitMicros(microseconds: number): number {
    if (microseconds === Number.POSITIVE_INFINITY) return this.wait(-1);
    const whole = Math.floor(microseconds / 1e6);
    this.timespec.writeUInt32LE(whole, 0);
    this.timespec.writeUInt32LE(Math.floor((microseconds - whole * 1e6) * 1e3), 8);
    return this.counted(libc().ppoll(this.entries, this.count, this.timespec, null));
  }

  private counted(ready: number): number {
    if (ready >= 0) return ready;
    const errno = lastErrno();
    if (errno === EINTR || errno === EAGAIN) return 0;
    throw SystemCallError.fromErrno(errno, 'poll');
  }

  /** POLL… bits of the descriptor at `index` after the last wait. */
  ready(index: number): number {
    return this.entries.readInt16LE(8 * index + 6);
  }
}
