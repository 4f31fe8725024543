// splice and sendfile: bytes from file to file. In user space they are copied once, through a buffer of the call; never more
// than the other side takes.
import { SPLICE_F_NONBLOCK } from './constants.js';
import { EAGAIN, EBADF, EINVAL, ESPIPE } from './errno.js';
import type { OpenFile } from './file.js';
import { BLOCK } from './pending.js';
import { PIPE_CAPACITY, PipeReader, PipeWriter } from './pipe.js';
import { Socket } from './socket.js';
import { TcpSocket } from './tcp-socket.js';
import { TransferFace } from './transfer.js';
import type { PendingCall } from './types.js';
import { VirtualFile } from './virtual-file.js';

/** sendfile moves this much at a time: the pages of one pipe, as in Linux. */
const CHUNK = PIPE_CAPACITY;

export class SpliceFace extends TransferFace {
  splice(
    fdIn: number,
    offsetIn: number[] | null,
    fdOut: number,
    offsetOut: number[] | null,
    length: number,
    flags: number,
  ): PendingCall {
    const from = this.file(fdIn);
    const to = this.file(fdOut);
    if (from === null || to === null) return this.finished(-EBADF);
    if (from.checkAccess(false) !== 0 || to.checkAccess(true) !== 0) return this.finished(-EBADF);
    if (!(from instanceof PipeReader) && !(to instanceof PipeWriter)) return this.finished(-EINVAL);
    if (offsetIn !== null && !(from instanceof VirtualFile)) return this.finished(-ESPIPE);
    if (offsetOut !== null) return this.finished(-ESPIPE);
    if (length === 0) return this.finished(0);
    // SPLICE_F_NONBLOCK is for the pipe; a socket follows its own flag as well.
    const quick = (flags & SPLICE_F_NONBLOCK) !== 0 || (from.nonblocking && to.nonblocking);
    const timeout = Math.min(from.readTimeout, to.writeTimeout);
    if (from instanceof PipeReader) {
      const nonblocking = quick || (to instanceof Socket && to.nonblocking);
      return this.wait([from, to], nonblocking, timeout, () => fromPipe(from, to, length));
    }
    const writer = to as PipeWriter;
    const nonblocking = quick || (from instanceof Socket && from.nonblocking);
    return this.wait([from, to], nonblocking, timeout, () => intoPipe(from, offsetIn, writer, length));
  }

  sendfile(outFd: number, inFd: number, offset: number[] | null, count: number): PendingCall {
    const from = this.file(inFd);
    const to = this.file(outFd);
    if (from === null || to === null) return this.finished(-EBADF);
    if (from.checkAccess(false) !== 0 || to.checkAccess(true) !== 0) return this.finished(-EBADF);
    if (!(from instanceof VirtualFile)) return this.finished(-EINVAL);
    if (offset !== null && offset[0] < 0) return this.finished(-EINVAL);
    let at = offset === null ? from.position : offset[0];
    let sent = 0;
    const end = Math.min(from.bytes.length, at + count);
    const attempt = () => {
      while (at < end) {
        const result = to.writeNow(from.bytes, at, Math.min(CHUNK, end - at));
        if (result < 0) return result === BLOCK || sent === 0 ? result : sent;
        at += result;
        sent += result;
        if (offset === null) from.position = at;
        else offset[0] = at;
      }
      return sent;
    };
    return this.wait([to], to.nonblocking, to.writeTimeout, attempt, () => (sent > 0 ? sent : -EAGAIN));
  }
}

function fromPipe(pipe: PipeReader, to: OpenFile, length: number): number {
  const buffer = new Uint8Array(Math.min(length, PIPE_CAPACITY));
  const there = pipe.look(buffer, buffer.length);
  if (there === 0) return pipe.readNow(buffer, 0, 1); // the end, or BLOCK
  const result = to.writeNow(buffer, 0, there);
  if (result > 0) pipe.consume(result);
  return result;
}

function intoPipe(from: OpenFile, offset: number[] | null, pipe: PipeWriter, length: number): number {
  // As tcp_splice_read: an urgent byte is never spliced, it stops the call.
  if (from instanceof TcpSocket && from.atMark) return 0;
  const room = Math.min(length, pipe.pipe.space);
  if (!pipe.pipe.readers) return pipe.writeNow(EMPTY, 0, 0);
  if (room === 0) return BLOCK;
  const buffer = new Uint8Array(room);
  let result: number;
  if (offset !== null && from instanceof VirtualFile) {
    result = from.readAt(offset[0], buffer, 0, room);
    offset[0] += result;
  } else {
    result = from.readNow(buffer, 0, room);
  }
  if (result <= 0) return result;
  // Room was looked at, and a large write needs no room for all of it.
  pipe.pipe.put(buffer, 0, result);
  pipe.pipe.reader?.waiters.wake(0);
  return result;
}

const EMPTY = new Uint8Array(0);
