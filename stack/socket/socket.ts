// What all sockets have in common: family, options of level SOL_SOCKET, pending errors, timeouts. TCP and UDP sockets add
// their protocol. It knows no descriptors.

import { equalAddress } from '../wire/address.js';
import { O_RDWR } from './constants.js';
import type { SocketEnvironment } from './environment.js';
import { EOPNOTSUPP } from './errno.js';
import { ErrorQueue } from './error-queue.js';
import { OpenFile } from './file.js';
import { ReceiveRequest, SendRequest } from './message.js';
import { BLOCK } from './pending.js';
import type { SocketAddress } from './types.js';

/** Options that every socket keeps; times in µs. */
export class SocketOptions {
  reuseAddress = false;
  reusePort = false;
  broadcast = false;
  debug = false;
  keepalive = false;
  oobInline = false;
  linger = false;
  lingerTime = 0;
  receiveTimeout = Number.POSITIVE_INFINITY;
  sendTimeout = Number.POSITIVE_INFINITY;
  priority = 0;
  mark = 0;
  timestamp = 0;
  timestamping = 0;
  zerocopy = false;
  noCheck = false;
  rxqOverflow = false;
  peekOffset = -1;
  maxPacingRate = Number.POSITIVE_INFINITY;
  /** Values of options that change nothing (option-kept.ts). */
  kept = new Map<number, number>();
  receiveLowat = 1;
  bufferLocks = 0;
  minTtl = 0;
  minHopCount = 0;
  txRehash = 1;
  // level SOL_IP
  tos = 0;
  ttl = -1;
  mtuDiscover = 1;
  freebind = false;
  transparent = false;
  receiveError = false;
  receiveTtl = false;
  receiveTos = false;
  packetInfo = false;
  multicastTtl = 1;
  multicastLoop = true;
  multicastAll = true;
  /** Index of the device for groups, 0: by route; IP_MULTICAST_IF's address, as it was given. */
  multicastIndex = 0;
  multicastAddress = 0;
  // level SOL_IPV6
  v6only = false;
  trafficClass = 0;
  hopLimit = -1;
  multicastHops = 1;
  multicastLoop6 = true;
  multicastAll6 = true;
  multicastIndex6 = 0;
  mtuDiscover6 = 1;
  receiveError6 = false;
  receiveHopLimit = false;
  receiveTrafficClass = false;
  packetInfo6 = false;
  dontFragment = false;
}

export abstract class Socket extends OpenFile {
  readonly env: SocketEnvironment;
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  readonly options = new SocketOptions();
  readonly errorQueue = new ErrorQueue();
  /** Groups that this socket has joined. */
  readonly memberships: { group: Uint8Array; link: number }[] = [];
  /** SO_COOKIE. */
  readonly cookie: number;

  constructor(env: SocketEnvironment, family: number, type: number, protocol: number, flags: number) {
    super(O_RDWR | flags);
    this.env = env;
    this.family = family;
    this.type = type;
    this.protocol = protocol;
    this.cookie = env.nextCookie();
    this.options.v6only = env.config.ipv6Bindv6only !== 0;
    const discover = env.config.ipNoPmtuDisc !== 0 ? 0 : 1;
    this.options.mtuDiscover = discover;
    this.options.mtuDiscover6 = 1;
  }

  abstract bind(address: SocketAddress): number;
  /** Starts or continues a connect: 0, BLOCK while it is under way, or -errno. `first`: not yet tried by this call. */
  abstract connect(address: SocketAddress, first: boolean): number;
  abstract shutdown(how: number): number;
  /** Sends what it can: total bytes when done, BLOCK when it must wait, or -errno. */
  abstract send(request: SendRequest): number;
  /**
   * The same for a plain piece of bytes, without an object for the call: all of them, or as many as there is room for now,
   * -EAGAIN for none with MSG_DONTWAIT; 0: this needs the whole call.
   */
  sendPlain(_bytes: Uint8Array, _flags: number): number {
    return 0;
  }

  /** Receives: bytes, BLOCK when it must wait, or -errno. */
  abstract receive(request: ReceiveRequest): number;
  /** The same into one piece, without an object for the call: bytes, -EAGAIN with MSG_DONTWAIT; 0: this needs the whole call. */
  receivePlain(_bytes: Uint8Array, _flags: number): number {
    return 0;
  }

  abstract localAddress(out: SocketAddress): number;
  abstract remoteAddress(out: SocketAddress): number;
  /** Pending error (a positive errno), cleared by reading: SO_ERROR. */
  abstract takeError(): number;
  abstract setOption(level: number, name: number, value: Uint8Array): number;
  /** The value's bytes, or -errno. `length` is what the caller has room for. */
  abstract getOption(level: number, name: number, length: number): Uint8Array | number;

  isMember(group: Uint8Array, link: number): boolean {
    return this.memberships.some((each) => each.link === link && equalAddress(each.group, 0, group, 0));
  }

  listen(_backlog: number): number {
    return -EOPNOTSUPP;
  }

  /** An accepted socket, BLOCK, or -errno. */
  accept(_flags: number): Socket | number {
    return -EOPNOTSUPP;
  }

  override get readTimeout(): number {
    return this.options.receiveTimeout;
  }

  override get writeTimeout(): number {
    return this.options.sendTimeout;
  }

  override readNow(target: Uint8Array, from: number, length: number): number {
    return this.receive(new ReceiveRequest([target.subarray(from, from + length)], 0));
  }

  override writeNow(source: Uint8Array, from: number, length: number): number {
    const request = new SendRequest([source.subarray(from, from + length)], 0);
    const result = this.send(request);
    return result === BLOCK && request.done > 0 ? request.done : result;
  }

  /** A blocked call waits to write (Linux's sk_write_pending), or no longer. */
  writerWaits(_waits: boolean): void {}

  /** What a blocked send answers when its time is up, or when it may not block at all. */
  sendInterrupted(request: SendRequest): number {
    return request.done > 0 ? request.done : -11;
  }

  receiveInterrupted(request: ReceiveRequest): number {
    return request.done > 0 ? request.done : -11;
  }
}
