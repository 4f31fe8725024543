// Options of a UDP socket by level, and what they mean for a datagram that is sent.

import type { UdpSendOptions } from '../udp/udp-endpoint.js';
import { findInt } from './control-message.js';
import { EINVAL, ENOPROTOOPT, EOPNOTSUPP } from './errno.js';
import { getIpOption, type IpOptionHooks, setIpOption } from './option-ip.js';
import { getSocketOption, type SocketOptionHooks, setSocketOption } from './option-socket.js';
import { formatInt32 } from './option-value.js';
import * as o from './options.js';
import type { ControlMessage } from './types.js';
import type { UdpSocket } from './udp-socket.js';

/** Least buffers of Linux (SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF). */
const MIN_SEND = 4608;
const MIN_RECEIVE = 2304;

class UdpOptionHooks implements SocketOptionHooks, IpOptionHooks {
  socket!: UdpSocket;

  setSendBuffer(bytes: number, force: boolean): void {
    const { env } = this.socket;
    const most = force ? 0x3fff_ffff : env.config.wmemMax;
    this.socket.options.bufferLocks |= o.SOCK_SNDBUF_LOCK;
    this.socket.sendBuffer = Math.max(2 * Math.min(bytes >>> 0, most), MIN_SEND);
  }
  setReceiveBuffer(bytes: number, force: boolean): void {
    const { env } = this.socket;
    const most = force ? 0x3fff_ffff : env.config.rmemMax;
    this.socket.options.bufferLocks |= o.SOCK_RCVBUF_LOCK;
    this.socket.receiveBuffer = Math.max(2 * Math.min(bytes >>> 0, most), MIN_RECEIVE);
  }
  sendBuffer(): number {
    return this.socket.sendBuffer;
  }
  receiveBuffer(): number {
    return this.socket.receiveBuffer;
  }
  setReceiveLowat(bytes: number): void {
    this.socket.options.receiveLowat = bytes;
  }
  receiveLowat(): number {
    return this.socket.options.receiveLowat;
  }
  setPeekOffset(offset: number): number {
    // Datagrams are looked at from their beginning only.
    return offset === -1 ? 0 : -EOPNOTSUPP;
  }
  peekOffset(): number {
    return -1;
  }
  setBufferLocks(locks: number): void {
    this.socket.options.bufferLocks = locks;
  }
  bufferLocks(): number {
    return this.socket.options.bufferLocks;
  }
  listening(): boolean {
    return false;
  }
  memInfo(): number[] {
    const { queued, receiveBuffer, sending, sendBuffer, drops } = this.socket;
    return [queued, receiveBuffer, sending, sendBuffer, 0, 0, 0, 0, drops];
  }
  changed(name: number): void {
    const { binding, options } = this.socket;
    if (name === o.SO_REUSEADDR) binding.reuseAddress = options.reuseAddress;
    else if (name === o.SO_REUSEPORT) binding.reusePort = options.reusePort;
  }
  startTimestampKeys(): number {
    return 0;
  }
  bound(): boolean {
    return this.socket.binding.inTable;
  }
  pathMtu(): number {
    const { peer, env } = this.socket;
    if (peer === null) return 0;
    const path = env.network.path(peer.remoteAddress, peer.zone);
    return path === null ? 0 : env.network.mtu(path, peer.remoteAddress, peer.zone, env.now());
  }
  ipChanged(): void {}
}

const hooks = new UdpOptionHooks();

export function setUdpSocketOption(
  socket: UdpSocket,
  level: number,
  name: number,
  value: Uint8Array,
): number {
  hooks.socket = socket;
  if (level === o.SOL_SOCKET) return setSocketOption(socket, hooks, name, value);
  if (level === o.SOL_IP || level === o.SOL_IPV6) return setIpOption(socket, hooks, level, name, value);
  if (level === o.SOL_UDP && value.length < 4) return -EINVAL;
  return -ENOPROTOOPT;
}

export function getUdpSocketOption(
  socket: UdpSocket,
  level: number,
  name: number,
  length: number,
): Uint8Array | number {
  hooks.socket = socket;
  if (level === o.SOL_SOCKET) return getSocketOption(socket, hooks, name, length);
  if (level === o.SOL_IP || level === o.SOL_IPV6) return getIpOption(socket, hooks, level, name);
  if (level === o.SOL_UDP && name === o.UDP_CORK) return formatInt32(0);
  return -ENOPROTOOPT;
}

/** How a datagram is sent: the socket's options, and those of its control messages (IP_TOS, IP_TTL, …). */
export function udpSendOptions(
  socket: UdpSocket,
  ipv6: boolean,
  group: boolean,
  control: readonly ControlMessage[],
): UdpSendOptions {
  const { options, env } = socket;
  const { config } = env;
  if (ipv6) {
    const unicast = options.hopLimit < 0 ? config.ipv6HopLimit : options.hopLimit;
    const discover = options.mtuDiscover6;
    return {
      tos: findInt(control, o.SOL_IPV6, o.IPV6_TCLASS) ?? options.trafficClass,
      ttl: findInt(control, o.SOL_IPV6, o.IPV6_HOPLIMIT) ?? (group ? options.multicastHops : unicast),
      flowLabel: 0,
      df: options.dontFragment || discover === o.IP_PMTUDISC_DO || discover === o.IP_PMTUDISC_PROBE,
      ignorePathMtu: discover >= o.IP_PMTUDISC_PROBE,
      checksum: true,
      loop: options.multicastLoop6,
      link: -1,
    };
  }
  const unicast = options.ttl < 0 ? config.ipDefaultTtl : options.ttl;
  const discover = options.mtuDiscover;
  return {
    tos: findInt(control, o.SOL_IP, o.IP_TOS) ?? options.tos,
    ttl: findInt(control, o.SOL_IP, o.IP_TTL) ?? (group ? options.multicastTtl : unicast),
    flowLabel: 0,
    df: discover === o.IP_PMTUDISC_DO || discover === o.IP_PMTUDISC_PROBE,
    ignorePathMtu: discover >= o.IP_PMTUDISC_PROBE,
    checksum: !options.noCheck,
    loop: options.multicastLoop,
    link: -1,
  };
}
