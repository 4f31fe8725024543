// Options of level SOL_SOCKET that all sockets share (Linux's sk_setsockopt and sk_getsockopt). What a protocol adds or
// must be told goes through `SocketOptionHooks`.
import type { StackConfig } from '../config/config.js';
import { roundUpToTick } from '../tcp/index.js';
import {
  SOF_TIMESTAMPING_MASK,
  SOF_TIMESTAMPING_OPT_STATS,
  SOF_TIMESTAMPING_OPT_TSONLY,
} from './constants.js';
import { EDOM, EINVAL, ENOPROTOOPT, EPERM } from './errno.js';
import { getKeptOption, setKeptOption } from './option-kept.js';
import {
  formatInt32,
  formatInt32s,
  formatTimeval,
  formatUint64,
  readInt32,
  readTimeval,
  readUint64,
} from './option-value.js';
import * as o from './options.js';
import type { Socket, SocketOptions } from './socket.js';

/** What depends on the protocol. Numbers are 0 or -errno. */
export interface SocketOptionHooks {
  setSendBuffer(bytes: number, force: boolean): void;
  setReceiveBuffer(bytes: number, force: boolean): void;
  sendBuffer(): number;
  receiveBuffer(): number;
  setReceiveLowat(bytes: number): void;
  receiveLowat(): number;
  listening(): boolean;
  memInfo(): number[];
  /** SO_PEEK_OFF: 0 or -errno. */
  setPeekOffset(offset: number): number;
  peekOffset(): number;
  /** SO_BUF_LOCK: which buffers keep the size that was set (SOCK_SNDBUF_LOCK, SOCK_RCVBUF_LOCK). */
  setBufferLocks(locks: number): void;
  bufferLocks(): number;
  /** A plain option (mark, keepalive, oobInline, pacing …) changed: the protocol takes what it needs. */
  changed(name: number): void;
  /** SO_TIMESTAMPING with OPT_ID set for the first time. */
  startTimestampKeys(flags: number): number;
}

type Flag = { [K in keyof SocketOptions]: SocketOptions[K] extends boolean ? K : never }[keyof SocketOptions];

const flags = new Map<number, Flag>([
  [o.SO_DEBUG, 'debug'],
  [o.SO_REUSEADDR, 'reuseAddress'],
  [o.SO_REUSEPORT, 'reusePort'],
  [o.SO_BROADCAST, 'broadcast'],
  [o.SO_KEEPALIVE, 'keepalive'],
  [o.SO_OOBINLINE, 'oobInline'],
  [o.SO_NO_CHECK, 'noCheck'],
  [o.SO_RXQ_OVFL, 'rxqOverflow'],
]);

const MAX_TIMEOUT = Number.MAX_SAFE_INTEGER;

export function setSocketOption(
  socket: Socket,
  hooks: SocketOptionHooks,
  name: number,
  value: Uint8Array,
): number {
  const { options, env } = socket;
  if (value.length < 4) return -EINVAL;
  const number = readInt32(value);
  const flag = flags.get(name);
  if (flag !== undefined) {
    options[flag] = number !== 0;
    hooks.changed(name);
    return 0;
  }
  switch (name) {
    case o.SO_SNDBUF:
      hooks.setSendBuffer(number, false);
      return 0;
    case o.SO_RCVBUF:
      hooks.setReceiveBuffer(number, false);
      return 0;
    case o.SO_SNDBUFFORCE:
    case o.SO_RCVBUFFORCE:
      if (!env.privileged) return -EPERM;
      if (name === o.SO_SNDBUFFORCE) hooks.setSendBuffer(Math.max(0, number), true);
      else hooks.setReceiveBuffer(Math.max(0, number), true);
      return 0;
    case o.SO_PRIORITY:
      if ((number < 0 || number > 6) && !env.privileged) return -EPERM;
      options.priority = number;
      return 0;
    case o.SO_MARK:
      if (!env.privileged) return -EPERM;
      options.mark = number >>> 0;
      hooks.changed(name);
      return 0;
    case o.SO_LINGER:
      if (value.length < 8) return -EINVAL;
      options.linger = number !== 0;
      if (options.linger) options.lingerTime = Math.max(0, readInt32(value, 4)) * 1e6;
      return 0;
    case o.SO_RCVLOWAT:
      hooks.setReceiveLowat(number < 0 ? 0x7fff_ffff : number || 1);
      return 0;
    case o.SO_RCVTIMEO:
    case o.SO_SNDTIMEO:
    case o.SO_RCVTIMEO_NEW:
    case o.SO_SNDTIMEO_NEW:
      return setTimeout(options, env.config, name, value);
    case o.SO_TIMESTAMP:
    case o.SO_TIMESTAMPNS:
      options.timestamp = number !== 0 ? name : 0;
      return 0;
    case o.SO_TIMESTAMPING:
      return setTimestamping(options, hooks, number);
    case o.SO_ZEROCOPY:
      if (number !== 0 && number !== 1) return -EINVAL;
      options.zerocopy = number === 1;
      return 0;
    case o.SO_PEEK_OFF:
      return hooks.setPeekOffset(number);
    case o.SO_BUF_LOCK:
      if ((number & ~(o.SOCK_SNDBUF_LOCK | o.SOCK_RCVBUF_LOCK)) !== 0) return -EINVAL;
      hooks.setBufferLocks(number);
      return 0;
    case o.SO_MAX_PACING_RATE: {
      const wide = value.length >= 8;
      const rate = wide ? readUint64(value) : number >>> 0;
      const unlimited = wide ? rate >= 2 ** 63 : rate === 0xffff_ffff;
      options.maxPacingRate = unlimited ? Number.POSITIVE_INFINITY : rate;
      hooks.changed(name);
      return 0;
    }
    case o.SO_TXREHASH:
      if (number < -1 || number > 1) return -EINVAL;
      options.txRehash = number === -1 ? 1 : number;
      return 0;
    default:
      // SO_TYPE, SO_PROTOCOL, SO_DOMAIN, SO_ERROR, SO_SNDLOWAT can only be read; the rest is not there.
      return setKeptOption(options, name, number) ?? -ENOPROTOOPT;
  }
}

export function getSocketOption(
  socket: Socket,
  hooks: SocketOptionHooks,
  name: number,
  length: number,
): Uint8Array | number {
  const { options } = socket;
  const flag = flags.get(name);
  if (flag !== undefined) return formatInt32(options[flag] ? 1 : 0);
  switch (name) {
    case o.SO_TYPE:
      return formatInt32(socket.type);
    case o.SO_PROTOCOL:
      return formatInt32(socket.protocol);
    case o.SO_DOMAIN:
      return formatInt32(socket.family);
    case o.SO_ERROR:
      return formatInt32(socket.takeError());
    case o.SO_SNDBUF:
      return formatInt32(hooks.sendBuffer());
    case o.SO_RCVBUF:
      return formatInt32(hooks.receiveBuffer());
    case o.SO_PRIORITY:
      return formatInt32(options.priority);
    case o.SO_MARK:
      return formatInt32(options.mark | 0);
    case o.SO_LINGER:
      return formatInt32s([options.linger ? 1 : 0, options.lingerTime / 1e6]);
    case o.SO_RCVLOWAT:
      return formatInt32(hooks.receiveLowat());
    case o.SO_SNDLOWAT:
      return formatInt32(1);
    case o.SO_RCVTIMEO:
    case o.SO_RCVTIMEO_NEW:
      return formatTimeval(options.receiveTimeout);
    case o.SO_SNDTIMEO:
    case o.SO_SNDTIMEO_NEW:
      return formatTimeval(options.sendTimeout);
    case o.SO_TIMESTAMP:
    case o.SO_TIMESTAMPNS:
      return formatInt32(options.timestamp === name ? 1 : 0);
    case o.SO_TIMESTAMPING:
      return formatInt32s([options.timestamping, 0]);
    case o.SO_ACCEPTCONN:
      return formatInt32(hooks.listening() ? 1 : 0);
    case o.SO_ZEROCOPY:
      return formatInt32(options.zerocopy ? 1 : 0);
    case o.SO_PEEK_OFF:
      return formatInt32(hooks.peekOffset());
    case o.SO_BUF_LOCK:
      return formatInt32(hooks.bufferLocks());
    case o.SO_MAX_PACING_RATE: {
      const rate = options.maxPacingRate;
      if (length >= 8)
        return formatUint64(rate === Number.POSITIVE_INFINITY ? -1n : BigInt(Math.floor(rate)));
      return formatInt32(rate > 0xffff_ffff ? -1 : rate | 0);
    }
    case o.SO_MEMINFO:
      return formatInt32s(hooks.memInfo());
    case o.SO_COOKIE:
      return length < 8 ? -EINVAL : formatUint64(socket.cookie);
    case o.SO_TXREHASH:
      return formatInt32(options.txRehash);
    default:
      return getKeptOption(options, name) ?? -ENOPROTOOPT;
  }
}

function setTimeout(options: SocketOptions, config: StackConfig, name: number, value: Uint8Array): number {
  if (value.length < 16) return -EINVAL;
  const micros = readTimeval(value);
  if (Number.isNaN(micros)) return -EDOM;
  // Zero is for ever; negative is no waiting at all.
  let timeout = micros === 0 ? Number.POSITIVE_INFINITY : roundUpToTick(config, Math.max(0, micros));
  if (timeout > MAX_TIMEOUT) timeout = Number.POSITIVE_INFINITY;
  if (name === o.SO_RCVTIMEO || name === o.SO_RCVTIMEO_NEW) options.receiveTimeout = timeout;
  else options.sendTimeout = timeout;
  return 0;
}

function setTimestamping(options: SocketOptions, hooks: SocketOptionHooks, flags: number): number {
  if ((flags & ~SOF_TIMESTAMPING_MASK) !== 0) return -EINVAL;
  if (flags & SOF_TIMESTAMPING_OPT_STATS && !(flags & SOF_TIMESTAMPING_OPT_TSONLY)) return -EINVAL;
  const started = hooks.startTimestampKeys(flags);
  if (started !== 0) return started;
  options.timestamping = flags;
  hooks.changed(o.SO_TIMESTAMPING);
  return 0;
}
