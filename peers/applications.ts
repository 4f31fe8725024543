// Applications on the stack's POSIX face for the cases: calls as promises, sinks and sources with SHA-256. Everything here
// is an ordinary user of the socket face.
import { createHash } from 'node:crypto';
import { emptyAddress, socketAddress } from '../stack/socket/address.js';
import {
  AF_INET,
  AF_INET6,
  MSG_DONTWAIT,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_STREAM,
} from '../stack/socket/constants.js';
import { errnoName } from '../stack/socket/errno.js';
import { SO_RCVBUF, SO_REUSEADDR, SO_SNDBUF, SOL_SOCKET } from '../stack/socket/options.js';
import type { PendingCall, Posix } from '../stack/socket/posix.js';
import type { Family } from './types.js';
import { PeerFailure } from './types.js';

/** -errno of a call that failed, with its name. */
export class CallFailure extends PeerFailure {
  readonly errno: number;
  constructor(call: string, result: number) {
    super(`${call}: ${errnoName(-result)}`);
    this.errno = -result;
  }
}

/** A call's result, when it returns. */
export function returned(call: PendingCall): Promise<number> {
  return new Promise((resolve) => call.onReturn(resolve));
}

export interface Transferred {
  bytes: number;
  sha256: string;
  /** ms */
  time: number;
}

export class Applications {
  readonly posix: Posix;
  private readonly domain: number;
  private readonly any: string;

  constructor(posix: Posix, family: Family) {
    this.posix = posix;
    this.domain = family === 6 ? AF_INET6 : AF_INET;
    this.any = family === 6 ? '::' : '0.0.0.0';
  }

  socket(type: number = SOCK_STREAM): number {
    return this.ok('socket', this.posix.socket(this.domain, type, 0));
  }

  udp(port: number): number {
    const fd = this.socket(SOCK_DGRAM);
    this.ok('bind', this.posix.bind(fd, socketAddress(this.any, port)));
    return fd;
  }

  set(fd: number, level: number, name: number, value: number): void {
    this.ok(`setsockopt ${level}/${name}`, this.posix.setInt(fd, level, name, value));
  }

  /** Send and receive buffers, bytes as setsockopt takes them (Linux doubles). */
  buffers(fd: number, bytes: number): void {
    this.set(fd, SOL_SOCKET, SO_RCVBUF, bytes);
    this.set(fd, SOL_SOCKET, SO_SNDBUF, bytes);
  }

  listen(port: number, options: { backlog?: number; prepare?: (fd: number) => void } = {}): number {
    const fd = this.socket();
    this.set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    options.prepare?.(fd);
    this.ok('bind', this.posix.bind(fd, socketAddress(this.any, port)));
    this.ok('listen', this.posix.listen(fd, options.backlog ?? 128));
    return fd;
  }

  async accept(listener: number): Promise<number> {
    return this.ok('accept', await returned(this.posix.accept(listener)));
  }

  async connect(address: string, port: number, prepare?: (fd: number) => void): Promise<number> {
    const fd = this.socket();
    prepare?.(fd);
    this.ok('connect', await returned(this.posix.connect(fd, socketAddress(address, port))));
    return fd;
  }

  /** Result of connect: 0 or -errno; the socket is closed when it failed. */
  async tryConnect(address: string, port: number): Promise<number> {
    const fd = this.socket();
    const result = await returned(this.posix.connect(fd, socketAddress(address, port)));
    this.posix.close(fd);
    return result;
  }

  async write(fd: number, bytes: Uint8Array, flags = 0): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      at += this.ok('send', await returned(this.posix.send(fd, bytes.subarray(at), flags)));
    }
  }

  /** One recv: bytes, 0 at the end. Throws CallFailure. */
  async read(fd: number, into: Uint8Array, flags = 0): Promise<number> {
    return this.ok('recv', await returned(this.posix.recv(fd, into, flags)));
  }

  /** -errno or bytes of a recv that does not wait. */
  readNow(fd: number, into: Uint8Array, flags = 0): number {
    return this.posix.recv(fd, into, flags | MSG_DONTWAIT).result ?? 0;
  }

  async readAll(fd: number, limit = Number.POSITIVE_INFINITY): Promise<Buffer> {
    const parts: Buffer[] = [];
    const room = Buffer.alloc(65_536);
    let total = 0;
    while (total < limit) {
      const got = await this.read(fd, room.subarray(0, Math.min(room.length, limit - total)));
      if (got === 0) break;
      total += got;
      parts.push(Buffer.from(room.subarray(0, got)));
    }
    return Buffer.concat(parts);
  }

  /** Reads to the end, hashing. */
  async sink(fd: number): Promise<Transferred> {
    const hash = createHash('sha256');
    const room = new Uint8Array(1 << 18);
    const start = performance.now();
    let bytes = 0;
    for (let got = await this.read(fd, room); got > 0; got = await this.read(fd, room)) {
      hash.update(room.subarray(0, got));
      bytes += got;
    }
    return { bytes, sha256: hash.digest('hex'), time: performance.now() - start };
  }

  /** Sends `bytes` made from `seed` and then FIN. */
  async source(fd: number, bytes: number, seed = 1): Promise<Transferred> {
    const hash = createHash('sha256');
    const chunk = pattern(Math.min(bytes, 1 << 16), seed);
    const start = performance.now();
    for (let left = bytes; left > 0; ) {
      const part = left < chunk.length ? chunk.subarray(0, left) : chunk;
      hash.update(part);
      await this.write(fd, part);
      left -= part.length;
    }
    this.ok('shutdown', this.posix.shutdown(fd, SHUT_WR));
    return { bytes, sha256: hash.digest('hex'), time: performance.now() - start };
  }

  async close(fd: number): Promise<void> {
    this.ok('close', await returned(this.posix.close(fd)));
  }

  peer(fd: number): { address: Uint8Array; port: number } {
    const address = emptyAddress();
    this.ok('getpeername', this.posix.getpeername(fd, address));
    return address;
  }

  ok(call: string, result: number): number {
    if (result < 0) throw new CallFailure(call, result);
    return result;
  }
}

/** Bytes that compress and repeat nowhere nearby: a multiplicative generator's. */
export function pattern(bytes: number, seed: number): Uint8Array {
  const out = new Uint8Array(bytes);
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}
