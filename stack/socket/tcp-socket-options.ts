// Options of a TCP socket by level: SOL_TCP here, the others in option-socket.ts and option-ip.ts. The core holds most
// values; what it is told is remembered, so that a connection after this one on the same socket starts with the same.
import {
  TCP_CLOSE,
  TCP_LISTEN,
  type Tcb,
  tcpGetOption,
  tcpInfo,
  tcpMemInfo,
  tcpSetCongestion,
  tcpSetFastOpenKey,
  tcpSetKeepalive,
  tcpSetMaxPacingRate,
  tcpSetMd5,
  tcpSetOption,
  tcpSetReceiveBuffer,
  tcpSetReceiveLowat,
  tcpSetSendBuffer,
  tcpSetTos,
} from '../tcp/index.js';
import { mapIpv4 } from '../wire/address.js';
import { AF_INET, AF_INET6, SOF_TIMESTAMPING_OPT_ID, SOF_TIMESTAMPING_OPT_ID_TCP } from './constants.js';
import { EINVAL, ENOENT, ENOPROTOOPT, EPERM } from './errno.js';
import { getIpOption, type IpOptionHooks, setIpOption } from './option-ip.js';
import { getSocketOption, type SocketOptionHooks, setSocketOption } from './option-socket.js';
import { formatInt32, readInt32 } from './option-value.js';
import * as o from './options.js';
import { formatCcInfo, formatTcpInfo } from './tcp-info-format.js';
import type { TcpSocket } from './tcp-socket.js';

const KEY_MAX = 80;
const MD5SIG_SIZE = 216;
const MD5SIG_FLAG_PREFIX = 1;
const CONGESTION_NAME_MAX = 16;

class TcpOptionHooks implements SocketOptionHooks, IpOptionHooks {
  socket!: TcpSocket;

  setSendBuffer(bytes: number, force: boolean): void {
    tcpSetSendBuffer(this.socket.tcb, this.socket.env.now(), bytes, force);
  }
  setReceiveBuffer(bytes: number, force: boolean): void {
    tcpSetReceiveBuffer(this.socket.tcb, bytes, force);
  }
  sendBuffer(): number {
    return this.socket.tcb.snd.buffer;
  }
  receiveBuffer(): number {
    return this.socket.tcb.rcv.buffer;
  }
  setReceiveLowat(bytes: number): void {
    tcpSetReceiveLowat(this.socket.tcb, this.socket.env.now(), bytes);
  }
  receiveLowat(): number {
    return this.socket.tcb.rcv.lowat;
  }
  setPeekOffset(offset: number): number {
    this.socket.tcb.rcv.peekOffset = offset;
    return 0;
  }
  peekOffset(): number {
    return this.socket.tcb.rcv.peekOffset;
  }
  setBufferLocks(locks: number): void {
    const { snd, rcv } = this.socket.tcb;
    snd.bufferLocked = (locks & o.SOCK_SNDBUF_LOCK) !== 0;
    rcv.bufferLocked = (locks & o.SOCK_RCVBUF_LOCK) !== 0;
  }
  bufferLocks(): number {
    const { snd, rcv } = this.socket.tcb;
    return (snd.bufferLocked ? o.SOCK_SNDBUF_LOCK : 0) | (rcv.bufferLocked ? o.SOCK_RCVBUF_LOCK : 0);
  }
  listening(): boolean {
    return this.socket.tcb.state === TCP_LISTEN;
  }
  memInfo(): number[] {
    return tcpMemInfo(this.socket.tcb);
  }
  changed(name: number): void {
    const { tcb, options, env, handle } = this.socket;
    switch (name) {
      case o.SO_KEEPALIVE:
        tcpSetKeepalive(tcb, env.now(), options.keepalive);
        return;
      case o.SO_MAX_PACING_RATE:
        tcpSetMaxPacingRate(tcb, options.maxPacingRate);
        return;
      case o.SO_REUSEADDR:
        tcb.reuse = options.reuseAddress;
        handle.binding.reuseAddress = options.reuseAddress;
        return;
      case o.SO_REUSEPORT:
        handle.binding.reusePort = options.reusePort;
        return;
      default:
        syncTcb(this.socket);
    }
  }
  startTimestampKeys(flags: number): number {
    const { tcb, options } = this.socket;
    if (flags & SOF_TIMESTAMPING_OPT_ID_TCP && !(flags & SOF_TIMESTAMPING_OPT_ID)) return -EINVAL;
    if (!(flags & SOF_TIMESTAMPING_OPT_ID) || options.timestamping & SOF_TIMESTAMPING_OPT_ID) return 0;
    if (tcb.state === TCP_CLOSE || tcb.state === TCP_LISTEN) return -EINVAL;
    tcb.snd.timestampKeyBase = flags & SOF_TIMESTAMPING_OPT_ID_TCP ? tcb.snd.writeSeq : tcb.snd.una;
    return 0;
  }
  bound(): boolean {
    return this.socket.handle.binding.inTable;
  }
  pathMtu(): number {
    const { tcb } = this.socket;
    if (tcb.remotePort === 0 || tcb.state === TCP_CLOSE) return 0;
    return tcb.snd.pathMtu || (tcb.host.route(tcb)?.mtu ?? 0);
  }
  ipChanged(): void {
    syncTcb(this.socket);
  }
}

// One object serves all sockets: options are set one at a time.
const hooks = new TcpOptionHooks();

/** Plain fields of the block that follow the socket's options, by the family on the wire. */
export function syncTcb(socket: TcpSocket): void {
  const { tcb, options, env } = socket;
  const v6 = tcb.ipv6 && socket.family === AF_INET6;
  tcpSetTos(tcb, v6 ? options.trafficClass : options.tos);
  if (v6) tcb.ttl = options.hopLimit < 0 ? env.config.ipv6HopLimit : options.hopLimit;
  else tcb.ttl = options.ttl < 0 ? env.config.ipDefaultTtl : options.ttl;
  tcb.pmtuDiscover = v6 ? options.mtuDiscover6 : options.mtuDiscover;
  tcb.mark = options.mark;
  tcb.minTtl = options.minTtl;
  tcb.minHopCount = options.minHopCount;
  tcb.oobInline = options.oobInline;
  tcb.receiveErrors = tcb.ipv6 ? options.receiveError6 : options.receiveError;
  tcb.reuse = options.reuseAddress;
  socket.env.tcp.setTimestamping(tcb, options.timestamping);
}

export function setTcpSocketOption(
  socket: TcpSocket,
  level: number,
  name: number,
  value: Uint8Array,
): number {
  hooks.socket = socket;
  if (level === o.SOL_SOCKET) {
    const result = setSocketOption(socket, hooks, name, value);
    if (result === 0 && appliesToTcb(name)) remember(socket, level, name, value);
    return result;
  }
  if (level === o.SOL_IP || level === o.SOL_IPV6) return setIpOption(socket, hooks, level, name, value);
  if (level !== o.SOL_TCP) return -ENOPROTOOPT;
  const result = setTcpLevel(socket, name, value);
  if (result === 0) remember(socket, level, name, value);
  return result;
}

/** SOL_SOCKET options whose value lives in the block alone. */
function appliesToTcb(name: number): boolean {
  return (
    name === o.SO_SNDBUF ||
    name === o.SO_RCVBUF ||
    name === o.SO_RCVLOWAT ||
    name === o.SO_PEEK_OFF ||
    name === o.SO_BUF_LOCK ||
    name === o.SO_KEEPALIVE ||
    name === o.SO_MAX_PACING_RATE
  );
}

function remember(socket: TcpSocket, level: number, name: number, value: Uint8Array): void {
  socket.replay.set(`${level}.${name}`, { level, name, value: value.slice() });
}

/** Sets an option again on a fresh block (after connect(AF_UNSPEC), or a connect that failed). */
export function applyToTcb(socket: TcpSocket, level: number, name: number, value: Uint8Array): void {
  hooks.socket = socket;
  if (level === o.SOL_SOCKET) setSocketOption(socket, hooks, name, value);
  else setTcpLevel(socket, name, value);
  syncTcb(socket);
}

function setTcpLevel(socket: TcpSocket, name: number, value: Uint8Array): number {
  const { tcb, env } = socket;
  const now = env.now();
  switch (name) {
    case o.TCP_CONGESTION: {
      if (value.length < 1) return -EINVAL;
      const end = value.indexOf(0);
      return tcpSetCongestion(tcb, now, new TextDecoder().decode(end < 0 ? value : value.subarray(0, end)));
    }
    case o.TCP_ULP:
      return -ENOENT;
    case o.TCP_FASTOPEN_KEY:
      if (value.length !== 16 && value.length !== 32) return -EINVAL;
      return tcpSetFastOpenKey(tcb, value);
    case o.TCP_MD5SIG:
    case o.TCP_MD5SIG_EXT:
      return setMd5(socket, name, value);
  }
  if (value.length < 4) return -EINVAL;
  const number = readInt32(value);
  switch (name) {
    case o.TCP_INQ:
      if (number !== 0 && number !== 1) return -EINVAL;
      socket.inq = number === 1;
      return 0;
    case o.TCP_REPAIR:
    case o.TCP_REPAIR_QUEUE:
    case o.TCP_REPAIR_OPTIONS:
    case o.TCP_REPAIR_WINDOW:
    case o.TCP_QUEUE_SEQ:
      return -EPERM;
    default:
      return tcpSetOption(tcb, now, name, number);
  }
}

/** The SYN's headers, once; with too little room nothing, and they stay. Who saved none has none. */
function takeSavedSyn(tcb: Tcb, length: number): Uint8Array | number {
  const { savedSyn } = tcb;
  if (savedSyn === null) return new Uint8Array(0);
  if (length < savedSyn.length) return -EINVAL;
  tcb.savedSyn = null;
  return savedSyn;
}

/** struct tcp_md5sig: sockaddr_storage, flags (u8), prefix length (u8), key length (u16), ifindex (int), key. */
function setMd5(socket: TcpSocket, name: number, value: Uint8Array): number {
  if (value.length < MD5SIG_SIZE) return -EINVAL;
  const view = new DataView(value.buffer, value.byteOffset);
  const family = view.getUint16(0, true);
  const peer = new Uint8Array(16);
  let prefix = 128;
  if (family === AF_INET) mapIpv4(peer, 0, value, 4);
  else if (family === AF_INET6 && socket.family === AF_INET6) peer.set(value.subarray(8, 24));
  else return -EINVAL;
  if (name === o.TCP_MD5SIG_EXT && value[128] & MD5SIG_FLAG_PREFIX) {
    const most = family === AF_INET ? 32 : 128;
    if (value[129] > most) return -EINVAL;
    prefix = value[129] + (128 - most);
  }
  const length = view.getUint16(130, true);
  if (length > KEY_MAX) return -EINVAL;
  return tcpSetMd5(socket.tcb, peer, prefix, value.slice(136, 136 + length));
}

export function getTcpSocketOption(
  socket: TcpSocket,
  level: number,
  name: number,
  length: number,
): Uint8Array | number {
  hooks.socket = socket;
  if (level === o.SOL_SOCKET) return getSocketOption(socket, hooks, name, length);
  if (level === o.SOL_IP || level === o.SOL_IPV6) return getIpOption(socket, hooks, level, name);
  if (level !== o.SOL_TCP) return -ENOPROTOOPT;
  const { tcb, env } = socket;
  switch (name) {
    case o.TCP_INFO:
      return formatTcpInfo(tcpInfo(tcb, env.now()));
    case o.TCP_CC_INFO:
      return formatCcInfo(tcb);
    case o.TCP_CONGESTION: {
      const bytes = new Uint8Array(CONGESTION_NAME_MAX);
      bytes.set(new TextEncoder().encode(tcb.cc.algorithm?.name ?? env.config.tcpCongestionControl));
      return bytes;
    }
    case o.TCP_ULP:
      return new Uint8Array(0);
    case o.TCP_INQ:
      return formatInt32(socket.inq ? 1 : 0);
    case o.TCP_FASTOPEN_KEY: {
      const own = socket.replay.get(`${o.SOL_TCP}.${name}`)?.value;
      return own?.slice() ?? env.tcp.fastOpenKeys();
    }
    case o.TCP_REPAIR:
    case o.TCP_IS_MPTCP:
      return formatInt32(0);
    case o.TCP_REPAIR_QUEUE:
    case o.TCP_QUEUE_SEQ:
    case o.TCP_REPAIR_WINDOW:
    case o.TCP_ZEROCOPY_RECEIVE:
      // Only for a connection under repair; what is mapped into memory is a process's own affair.
      return -EINVAL;
    case o.TCP_SAVED_SYN:
      return takeSavedSyn(tcb, length);
  }
  const value = tcpGetOption(tcb, name);
  return Number.isNaN(value) ? -ENOPROTOOPT : formatInt32(value);
}
