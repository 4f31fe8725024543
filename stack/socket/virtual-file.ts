// A file that `open` gave: bytes that the stack's owner provided, read-only, with a position. For sendfile and splice.
import { O_ACCMODE, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from './constants.js';
import { OpenFile } from './file.js';

export class VirtualFile extends OpenFile {
  readonly bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array, flags: number) {
    super(flags & O_ACCMODE);
    this.bytes = bytes;
  }

  poll(): number {
    return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
  }

  override readNow(target: Uint8Array, from: number, length: number): number {
    const count = this.readAt(this.position, target, from, length);
    this.position += count;
    return count;
  }

  /** Bytes at `offset`: how many there were, 0 at the end. */
  readAt(offset: number, target: Uint8Array, from: number, length: number): number {
    const count = Math.max(0, Math.min(length, this.bytes.length - offset));
    target.set(this.bytes.subarray(offset, offset + count), from);
    return count;
  }

  release(): void {}
}
