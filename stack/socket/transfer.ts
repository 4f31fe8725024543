// read, write, send, receive and their relatives: argument checks in Linux's order, then the file's own operation, waiting
// where that is allowed. splice and sendfile are in splice.ts.
import { MSG_DONTWAIT, MSG_ERRQUEUE, MSG_PEEK } from './constants.js';
import { EAGAIN, EBADF, EFAULT, EINVAL, EMSGSIZE } from './errno.js';
import type { OpenFile } from './file.js';
import { KernelCore, MAX_PARTS, MAX_TRANSFER } from './kernel-core.js';
import { ReceiveRequest, SendRequest } from './message.js';
import { BLOCK } from './pending.js';
import { Socket } from './socket.js';
import type { ControlMessage, MessageHeader, PendingCall, SocketAddress } from './types.js';

type Parts = readonly (Uint8Array | null)[];

export class TransferFace extends KernelCore {
  read(fd: number, buffer: Uint8Array | null, length = buffer?.length ?? 0): PendingCall {
    const bytes = cut(buffer, length);
    const got = this.receivePlain(fd, bytes, 0);
    return got !== 0 ? this.finished(got) : this.readv(fd, [bytes], length);
  }

  write(fd: number, buffer: Uint8Array | null, length = buffer?.length ?? 0): PendingCall {
    const bytes = cut(buffer, length);
    const done = this.sendPlain(fd, bytes, 0);
    if (this.sentPlainly(fd, bytes, 0, done)) return this.finished(done);
    return this.writev(fd, [bytes], length, done);
  }

  tryRead(fd: number, buffer: Uint8Array): number {
    const got = this.receivePlain(fd, buffer, MSG_DONTWAIT);
    if (got === 0) return this.recv(fd, buffer, MSG_DONTWAIT).result!;
    this.env.settle();
    return got;
  }

  tryWrite(fd: number, buffer: Uint8Array): number {
    const done = this.sendPlain(fd, buffer, MSG_DONTWAIT);
    if (done === 0) return this.send(fd, buffer, MSG_DONTWAIT).result!;
    this.env.settle();
    return done;
  }

  /**
   * What goes without an object for the call: bytes, -EAGAIN where the call may not wait, or 0: this needs the whole call,
   * which goes on from there.
   */
  private sendPlain(fd: number, bytes: Uint8Array | null, flags: number): number {
    if (bytes === null) return 0;
    const file = this.file(fd);
    if (!(file instanceof Socket) || !file.writable) return 0;
    return file.sendPlain(bytes, this.nonblocking(file, flags) ? flags | MSG_DONTWAIT : flags);
  }

  /** Whether what `sendPlain` answered is the whole call's result: all bytes, or what a call that may not wait could do. */
  private sentPlainly(fd: number, bytes: Uint8Array | null, flags: number, done: number): boolean {
    if (bytes === null || done === 0) return false;
    return done === bytes.length || this.nonblocking(this.file(fd)!, flags);
  }

  /** The same for what is there to be read. */
  private receivePlain(fd: number, bytes: Uint8Array | null, flags: number): number {
    if (bytes === null) return 0;
    const file = this.file(fd);
    if (!(file instanceof Socket) || !file.readable) return 0;
    return file.receivePlain(bytes, this.nonblocking(file, flags) ? flags | MSG_DONTWAIT : flags);
  }

  readv(fd: number, iov: Parts, length = 0): PendingCall {
    const file = this.file(fd);
    if (file === null || file.checkAccess(false) !== 0) return this.finished(-EBADF);
    if (iov.length > MAX_PARTS) return this.finished(-EINVAL);
    const parts = usable(iov, length);
    if (parts === null) return this.finished(-EFAULT);
    if (file instanceof Socket) return this.receive(file, new ReceiveRequest(parts, 0));
    return this.wait([file], file.nonblocking, file.readTimeout, () => readParts(file, parts));
  }

  writev(fd: number, iov: Parts, length = 0, done = 0): PendingCall {
    const file = this.file(fd);
    if (file === null || file.checkAccess(true) !== 0) return this.finished(-EBADF);
    if (iov.length > MAX_PARTS) return this.finished(-EINVAL);
    const parts = usable(iov, length);
    if (parts === null) return this.badSend(file, 0);
    const request = new SendRequest(parts, 0);
    request.done = done;
    if (file instanceof Socket) return this.sendOn(file, request);
    return this.wait(
      [file],
      file.nonblocking,
      file.writeTimeout,
      () => writeAll(file, request),
      () => request.done || -EAGAIN,
    );
  }

  send(fd: number, buffer: Uint8Array | null, flags: number, length = buffer?.length ?? 0): PendingCall {
    return this.sendto(fd, buffer, flags, null, length);
  }

  recv(fd: number, buffer: Uint8Array | null, flags: number, length = buffer?.length ?? 0): PendingCall {
    return this.recvfrom(fd, buffer, flags, undefined, length);
  }

  sendto(
    fd: number,
    buffer: Uint8Array | null,
    flags: number,
    address: SocketAddress | null,
    length = buffer?.length ?? 0,
  ): PendingCall {
    const bytes = cut(buffer, length);
    const done = address === null ? this.sendPlain(fd, bytes, flags) : 0;
    if (this.sentPlainly(fd, bytes, flags, done)) return this.finished(done);
    return this.sendParts(fd, [bytes], flags, address, [], length, done);
  }

  sendmsg(fd: number, message: MessageHeader | null, flags: number): PendingCall {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return this.finished(socket);
    if (message === null) return this.finished(-EFAULT);
    if (message.iov.length > MAX_PARTS) return this.finished(-EMSGSIZE);
    return this.sendParts(fd, message.iov, flags, message.name ?? null, message.control ?? []);
  }

  recvfrom(
    fd: number,
    buffer: Uint8Array | null,
    flags: number,
    from?: SocketAddress,
    length = buffer?.length ?? 0,
  ): PendingCall {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return this.finished(socket);
    const bytes = cut(buffer, length);
    const got = this.receivePlain(fd, bytes, flags);
    if (got !== 0) return this.finished(got);
    const parts = usable([bytes], length);
    if (parts === null) return this.badReceive(socket, flags);
    const request = new ReceiveRequest(parts, flags);
    return this.receive(socket, request, () => {
      if (from && request.source) copySocketAddress(from, request.source);
    });
  }

  recvmsg(fd: number, message: MessageHeader | null, flags: number): PendingCall {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return this.finished(socket);
    if (message === null) return this.finished(-EFAULT);
    if (message.iov.length > MAX_PARTS) return this.finished(-EMSGSIZE);
    const parts = usable(message.iov, 0);
    if (parts === null) return this.badReceive(socket, flags);
    const request = new ReceiveRequest(parts, flags, true, message.controlLength ?? 0);
    return this.receive(socket, request, () => {
      message.name = request.source;
      message.control = request.control;
      message.flags = request.outFlags;
    });
  }

  private sendParts(
    fd: number,
    iov: Parts,
    flags: number,
    address: SocketAddress | null,
    control: readonly ControlMessage[],
    length = 0,
    done = 0,
  ): PendingCall {
    const socket = this.socketOf(fd);
    if (typeof socket === 'number') return this.finished(socket);
    const parts = usable(iov, length);
    if (parts === null) return this.badSend(socket, flags);
    const request = new SendRequest(parts, flags, address, control);
    request.done = done;
    return this.sendOn(socket, request);
  }

  private sendOn(socket: Socket, request: SendRequest): PendingCall {
    const nonblocking = this.nonblocking(socket, request.flags);
    if (nonblocking) request.flags |= MSG_DONTWAIT; // the protocol then takes a short write for the end of the call
    const call = this.wait(
      [socket],
      nonblocking,
      socket.writeTimeout,
      () => socket.send(request),
      () => socket.sendInterrupted(request),
    );
    // A fast open whose data is all in the SYN has nothing more to write: it waits for the connection only.
    if (call.result === null && request.done < request.length) {
      socket.writerWaits(true);
      call.onReturn(() => socket.writerWaits(false));
    }
    return call;
  }

  private receive(socket: Socket, request: ReceiveRequest, done?: () => void): PendingCall {
    // The error queue is never waited for.
    const nonblocking = this.nonblocking(socket, request.flags) || (request.flags & MSG_ERRQUEUE) !== 0;
    const finish = (result: number) => {
      if (result >= 0) done?.();
      return result;
    };
    return this.wait(
      [socket],
      nonblocking,
      socket.readTimeout,
      () => {
        const result = socket.receive(request);
        return result === BLOCK ? BLOCK : finish(result);
      },
      () => finish(socket.receiveInterrupted(request)),
    );
  }

  /** A bad pointer is met only where there would be bytes to copy: what comes before it in Linux comes first here. */
  private badSend(file: OpenFile, flags: number): PendingCall {
    if (!(file instanceof Socket)) return this.finished(-EFAULT);
    const probe = new SendRequest([new Uint8Array(0)], flags);
    const result = file.send(probe);
    return this.finished(result < 0 && result !== BLOCK ? result : -EFAULT);
  }

  private badReceive(socket: Socket, flags: number): PendingCall {
    return this.wait([socket], this.nonblocking(socket, flags), socket.readTimeout, () => {
      const result = socket.receive(new ReceiveRequest([new Uint8Array(1)], flags | MSG_PEEK));
      return result > 0 ? -EFAULT : result;
    });
  }
}

/** The first `length` bytes; a null buffer with a length stays null. */
function cut(buffer: Uint8Array | null, length: number): Uint8Array | null {
  if (buffer === null) return length === 0 ? EMPTY : null;
  return length < buffer.length ? buffer.subarray(0, Math.max(0, length)) : buffer;
}

/** The parts, at most MAX_TRANSFER bytes, or null when one is a bad pointer. */
function usable(iov: Parts, _length: number): Uint8Array[] | null {
  const parts: Uint8Array[] = [];
  let total = 0;
  for (const part of iov) {
    if (part === null) return null;
    if (total + part.length > MAX_TRANSFER) break;
    total += part.length;
    parts.push(part);
  }
  return parts;
}

function readParts(file: OpenFile, parts: readonly Uint8Array[]): number {
  let total = 0;
  for (const part of parts) {
    const result = file.readNow(part, 0, part.length);
    if (result < 0) return total > 0 ? total : result;
    total += result;
    if (result < part.length) break;
  }
  return total;
}

function writeAll(file: OpenFile, request: SendRequest): number {
  while (request.done < request.length) {
    const result = file.writeNow(request.bytes, request.done, request.length - request.done);
    if (result < 0) return result === BLOCK || request.done === 0 ? result : request.done;
    request.done += result;
  }
  return request.done;
}

function copySocketAddress(to: SocketAddress, from: SocketAddress): void {
  to.family = from.family;
  to.address = from.address.slice();
  to.port = from.port;
  to.flowInfo = from.flowInfo ?? 0;
  to.scopeId = from.scopeId ?? 0;
}

const EMPTY = new Uint8Array(0);
