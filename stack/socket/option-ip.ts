// Options of levels SOL_IP and SOL_IPV6 (Linux's do_ip_setsockopt and do_ipv6_setsockopt): values kept with the socket, of
// which the protocol takes what it needs through `changed`. What is missing answers ENOPROTOOPT.
import { AF_INET6, SOCK_STREAM } from './constants.js';
import { EINVAL, ENOPROTOOPT, ENOTCONN } from './errno.js';
import { getMulticastOption, isMulticastOption, setMulticastOption } from './option-multicast.js';
import { formatInt32, readInt32 } from './option-value.js';
import * as o from './options.js';
import type { Socket, SocketOptions } from './socket.js';

export interface IpOptionHooks {
  /** Whether the socket is bound to a port already (IPV6_V6ONLY can then not change). */
  bound(): boolean;
  /** Path MTU of a connected socket, 0 when not connected. */
  pathMtu(): number;
  /** An option of the level changed. */
  ipChanged(level: number, name: number): void;
}

type Key<T> = { [K in keyof SocketOptions]: SocketOptions[K] extends T ? K : never }[keyof SocketOptions];

const ipFlags = new Map<number, Key<boolean>>([
  [o.IP_RECVERR, 'receiveError'],
  [o.IP_RECVTTL, 'receiveTtl'],
  [o.IP_RECVTOS, 'receiveTos'],
  [o.IP_PKTINFO, 'packetInfo'],
  [o.IP_FREEBIND, 'freebind'],
  [o.IP_TRANSPARENT, 'transparent'],
]);

const ipv6Flags = new Map<number, Key<boolean>>([
  [o.IPV6_RECVERR, 'receiveError6'],
  [o.IPV6_RECVPKTINFO, 'packetInfo6'],
  [o.IPV6_RECVHOPLIMIT, 'receiveHopLimit'],
  [o.IPV6_RECVTCLASS, 'receiveTrafficClass'],
  [o.IPV6_FREEBIND, 'freebind'],
  [o.IPV6_DONTFRAG, 'dontFragment'],
]);

/** One integer option: its field and what Linux accepts. `minus1` is what -1 stands for. */
interface Range {
  field: Key<number>;
  min: number;
  max: number;
  minus1?: number;
  /** Zero is not valid although it is within the range. */
  notZero?: boolean;
}

const ipNumbers = new Map<number, Range>([
  // RFC 9293 MUST-48, SHLD-21
  [o.IP_TOS, { field: 'tos', min: -0x8000_0000, max: 0x7fff_ffff }],
  // RFC 9293 MUST-49
  [o.IP_TTL, { field: 'ttl', min: -1, max: 255, notZero: true }],
  [o.IP_MTU_DISCOVER, { field: 'mtuDiscover', min: 0, max: 5 }],
  [o.IP_MINTTL, { field: 'minTtl', min: 0, max: 255 }],
]);

const ipv6Numbers = new Map<number, Range>([
  [o.IPV6_TCLASS, { field: 'trafficClass', min: -1, max: 255, minus1: 0 }],
  [o.IPV6_UNICAST_HOPS, { field: 'hopLimit', min: -1, max: 255 }],
  [o.IPV6_MTU_DISCOVER, { field: 'mtuDiscover6', min: 0, max: 5 }],
  [o.IPV6_MINHOPCOUNT, { field: 'minHopCount', min: 0, max: 255 }],
]);

export function setIpOption(
  socket: Socket,
  hooks: IpOptionHooks,
  level: number,
  name: number,
  value: Uint8Array,
): number {
  const inet6 = level === o.SOL_IPV6;
  if (inet6 && socket.family !== AF_INET6) return -ENOPROTOOPT;
  if (isMulticastOption(level, name)) return setMulticastOption(socket, level, name, value);
  // IPv4 takes a single byte as well (ip(7)); IPv6 wants an int.
  if (value.length < (inet6 ? 4 : 1)) return -EINVAL;
  const number = value.length >= 4 ? readInt32(value) : value[0];
  if (inet6 && name === o.IPV6_V6ONLY) {
    if (hooks.bound()) return -EINVAL;
    socket.options.v6only = number !== 0;
    return 0;
  }
  const flag = (inet6 ? ipv6Flags : ipFlags).get(name);
  if (flag !== undefined) {
    socket.options[flag] = number !== 0;
    if ((name === o.IP_RECVERR && !inet6) || (name === o.IPV6_RECVERR && inet6)) {
      if (number === 0) socket.errorQueue.clear();
    }
    hooks.ipChanged(level, name);
    return 0;
  }
  const range = (inet6 ? ipv6Numbers : ipNumbers).get(name);
  if (range === undefined) return -ENOPROTOOPT;
  if (number < range.min || number > range.max || (range.notZero && number === 0)) return -EINVAL;
  socket.options[range.field] = number === -1 && range.minus1 !== undefined ? range.minus1 : number;
  // One octet; the ECN bits of a stream are not the user's.
  const octet = range.field === 'tos' || range.field === 'trafficClass';
  if (octet) socket.options[range.field] &= socket.type === SOCK_STREAM ? 0xfc : 0xff;
  hooks.ipChanged(level, name);
  return 0;
}

export function getIpOption(
  socket: Socket,
  hooks: IpOptionHooks,
  level: number,
  name: number,
): Uint8Array | number {
  const { options, env } = socket;
  const inet6 = level === o.SOL_IPV6;
  if (inet6 && socket.family !== AF_INET6) return -ENOPROTOOPT;
  if (isMulticastOption(level, name)) return getMulticastOption(socket, level, name);
  if (inet6 && name === o.IPV6_V6ONLY) return formatInt32(options.v6only ? 1 : 0);
  if (name === (inet6 ? o.IPV6_MTU : o.IP_MTU)) {
    const mtu = hooks.pathMtu();
    return mtu === 0 ? -ENOTCONN : formatInt32(mtu);
  }
  if (!inet6 && name === o.IP_PROTOCOL) return formatInt32(socket.protocol);
  const flag = (inet6 ? ipv6Flags : ipFlags).get(name);
  if (flag !== undefined) return formatInt32(options[flag] ? 1 : 0);
  const range = (inet6 ? ipv6Numbers : ipNumbers).get(name);
  if (range === undefined) return -ENOPROTOOPT;
  if (range.field === 'ttl' && options.ttl < 0) return formatInt32(env.config.ipDefaultTtl);
  if (range.field === 'hopLimit' && options.hopLimit < 0) return formatInt32(env.config.ipv6HopLimit);
  return formatInt32(options[range.field]);
}
