// Multicast options of levels SOL_IP and SOL_IPV6 (ip(7), ipv6(7); Linux's ip_mc_join_group, ipv6_sock_mc_join): memberships,
// and where and how far datagrams to groups go.
import { indexOfLink, linkOfIndex } from '../host/network.js';
import { isIpv4, isMulticast, mapIpv4 } from '../wire/address.js';
import { SOCK_STREAM } from './constants.js';
import { EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS, ENODEV, ENOPROTOOPT, EPROTO } from './errno.js';
import { formatInt32, readInt32 } from './option-value.js';
import * as o from './options.js';
import type { Socket } from './socket.js';

/** net.ipv4.igmp_max_memberships. */
const MAX_MEMBERSHIPS = 20;
/** IPv6 memberships of a socket are bounded by its option memory (net.core.optmem_max), as in Linux: struct ipv6_mc_socklist. */
const MEMBERSHIP_BYTES = 56;

const IP_OPTIONS = new Set([
  o.IP_MULTICAST_IF,
  o.IP_MULTICAST_TTL,
  o.IP_MULTICAST_LOOP,
  o.IP_ADD_MEMBERSHIP,
  o.IP_DROP_MEMBERSHIP,
  o.MCAST_JOIN_GROUP,
  o.MCAST_LEAVE_GROUP,
  o.IP_MULTICAST_ALL,
]);
const IPV6_OPTIONS = new Set([
  o.IPV6_MULTICAST_IF,
  o.IPV6_MULTICAST_HOPS,
  o.IPV6_MULTICAST_LOOP,
  o.IPV6_JOIN_GROUP,
  o.IPV6_LEAVE_GROUP,
  o.MCAST_JOIN_GROUP,
  o.MCAST_LEAVE_GROUP,
  o.IPV6_MULTICAST_ALL,
]);

export function isMulticastOption(level: number, name: number): boolean {
  return (level === o.SOL_IPV6 ? IPV6_OPTIONS : IP_OPTIONS).has(name);
}

/** Sets an option for which `isMulticastOption` says yes: 0 or -errno. */
export function setMulticastOption(socket: Socket, level: number, name: number, value: Uint8Array): number {
  if (name === o.MCAST_JOIN_GROUP || name === o.MCAST_LEAVE_GROUP) {
    return changeByRequest(socket, level, name === o.MCAST_JOIN_GROUP, value);
  }
  return level === o.SOL_IPV6 ? setOption6(socket, name, value) : setOption4(socket, name, value);
}

function setOption4(socket: Socket, name: number, value: Uint8Array): number {
  const { options } = socket;
  if (name === o.IP_ADD_MEMBERSHIP || name === o.IP_DROP_MEMBERSHIP) {
    return changeByMreq(socket, name === o.IP_ADD_MEMBERSHIP, value);
  }
  if (socket.type === SOCK_STREAM && name !== o.IP_MULTICAST_LOOP && name !== o.IP_MULTICAST_ALL)
    return -EINVAL;
  if (name === o.IP_MULTICAST_IF) return setInterface4(socket, value);
  if (value.length < 1) return -EINVAL;
  const number = value.length >= 4 ? readInt32(value) : value[0];
  if (name === o.IP_MULTICAST_TTL) {
    if (number < -1 || number > 255) return -EINVAL;
    options.multicastTtl = number === -1 ? 1 : number;
  } else if (name === o.IP_MULTICAST_LOOP) {
    options.multicastLoop = number !== 0;
  } else {
    if (number !== 0 && number !== 1) return -EINVAL;
    options.multicastAll = number === 1;
  }
  return 0;
}

function setOption6(socket: Socket, name: number, value: Uint8Array): number {
  const { options, env } = socket;
  if (name === o.IPV6_JOIN_GROUP || name === o.IPV6_LEAVE_GROUP) {
    if (value.length < 20) return -EINVAL;
    if (socket.type === SOCK_STREAM) return -EPROTO;
    const group = value.slice(0, 16);
    return change(socket, name === o.IPV6_JOIN_GROUP, group, readInt32(value.subarray(16)));
  }
  if (value.length < 4) return -EINVAL;
  const number = readInt32(value);
  if (name === o.IPV6_MULTICAST_HOPS) {
    if (socket.type === SOCK_STREAM) return -ENOPROTOOPT;
    if (number < -1 || number > 255) return -EINVAL;
    options.multicastHops = number === -1 ? 1 : number;
  } else if (name === o.IPV6_MULTICAST_IF) {
    if (socket.type === SOCK_STREAM) return -ENOPROTOOPT;
    if (number < 0) return -EINVAL;
    if (number !== 0 && env.network.devices[linkOfIndex(number)] === undefined) return -ENODEV;
    options.multicastIndex6 = number;
  } else {
    if (number !== 0 && number !== 1) return -EINVAL;
    if (name === o.IPV6_MULTICAST_LOOP) options.multicastLoop6 = number === 1;
    else options.multicastAll6 = number === 1;
  }
  return 0;
}

// struct in_addr, ip_mreq (group, address) or ip_mreqn (group, address, index), whatever has room.
function setInterface4(socket: Socket, value: Uint8Array): number {
  const { options, env } = socket;
  if (value.length < 4) return -EINVAL;
  const address = value.length >= 8 ? value.subarray(4, 8) : value.subarray(0, 4);
  const index = value.length >= 12 ? readInt32(value.subarray(8)) : 0;
  const word = new DataView(address.buffer, address.byteOffset).getUint32(0);
  if (index === 0 && word === 0) {
    options.multicastIndex = 0;
    options.multicastAddress = 0;
    return 0;
  }
  const link = index === 0 ? linkOfAddress(socket, address) : linkOfIndex(index);
  if (env.network.devices[link] === undefined) return -EADDRNOTAVAIL;
  options.multicastIndex = indexOfLink(link);
  options.multicastAddress = word;
  return 0;
}

function changeByMreq(socket: Socket, join: boolean, value: Uint8Array): number {
  if (value.length < 8) return -EINVAL;
  if (socket.type === SOCK_STREAM) return -EPROTO;
  const group = new Uint8Array(16);
  mapIpv4(group, 0, value, 0);
  let index = value.length >= 12 ? readInt32(value.subarray(8)) : 0;
  const address = value.subarray(4, 8);
  if (index === 0 && address.some((byte) => byte !== 0)) {
    const link = linkOfAddress(socket, address);
    if (link < 0) return -ENODEV;
    index = indexOfLink(link);
  }
  return change(socket, join, group, index);
}

// struct group_req: index, padding, sockaddr_storage (RFC 3678 section 5.1).
function changeByRequest(socket: Socket, level: number, join: boolean, value: Uint8Array): number {
  if (value.length < 136) return -EINVAL;
  if (socket.type === SOCK_STREAM) return -EPROTO;
  const family = value[8] | (value[9] << 8);
  const inet6 = level === o.SOL_IPV6;
  if (family !== (inet6 ? 10 : 2)) return inet6 ? -EADDRNOTAVAIL : -EINVAL;
  const group = new Uint8Array(16);
  if (inet6) group.set(value.subarray(16, 32));
  else mapIpv4(group, 0, value, 12);
  return change(socket, join, group, readInt32(value));
}

/** Joins or leaves `group` on the device of `index`; 0: where the routes lead. */
function change(socket: Socket, join: boolean, group: Uint8Array, index: number): number {
  const { network, config } = socket.env;
  const v4 = isIpv4(group);
  if (!isMulticast(group)) return -EINVAL;
  const link = index !== 0 ? linkOfIndex(index) : (network.path(group, 0)?.device.number ?? (v4 ? -1 : 0));
  if (network.devices[link] === undefined) return -ENODEV;
  const { memberships } = socket;
  if (!join) {
    const at = memberships.findIndex(
      (each) => each.link === link && each.group.every((byte, i) => byte === group[i]),
    );
    if (at < 0) return -EADDRNOTAVAIL;
    memberships.splice(at, 1);
    network.addresses.groups.leave(group, link);
    return 0;
  }
  if (socket.isMember(group, link)) return -EADDRINUSE;
  const most = v4 ? MAX_MEMBERSHIPS : Math.floor(config.optmemMax / MEMBERSHIP_BYTES);
  if (memberships.length >= most) return -ENOBUFS;
  memberships.push({ group, link });
  network.addresses.groups.join(group, link);
  return 0;
}

/** The socket is closed: it leaves what it joined. */
export function leaveAll(socket: Socket): void {
  for (const { group, link } of socket.memberships.splice(0)) {
    socket.env.network.addresses.groups.leave(group, link);
  }
}

/** The link for datagrams to a group: that of the address's scope id, then that of the option; -1: by route. */
export function multicastLink(socket: Socket, ipv6: boolean, scopeId: number): number {
  const { multicastIndex, multicastIndex6 } = socket.options;
  const index = ipv6 ? scopeId || multicastIndex6 : multicastIndex;
  return index === 0 ? -1 : linkOfIndex(index);
}

/** Value of an option for which `isMulticastOption` says yes, or -errno. */
export function getMulticastOption(socket: Socket, level: number, name: number): Uint8Array | number {
  const { options } = socket;
  if (level === o.SOL_IPV6) {
    if (name === o.IPV6_MULTICAST_IF) return formatInt32(options.multicastIndex6);
    if (name === o.IPV6_MULTICAST_HOPS) return formatInt32(options.multicastHops);
    if (name === o.IPV6_MULTICAST_LOOP) return formatInt32(options.multicastLoop6 ? 1 : 0);
    return name === o.IPV6_MULTICAST_ALL ? formatInt32(options.multicastAll6 ? 1 : 0) : -ENOPROTOOPT;
  }
  if (name === o.IP_MULTICAST_IF) {
    const address = new Uint8Array(4);
    new DataView(address.buffer).setUint32(0, options.multicastAddress);
    return address;
  }
  if (name === o.IP_MULTICAST_TTL) return formatInt32(options.multicastTtl);
  if (name === o.IP_MULTICAST_LOOP) return formatInt32(options.multicastLoop ? 1 : 0);
  return name === o.IP_MULTICAST_ALL ? formatInt32(options.multicastAll ? 1 : 0) : -ENOPROTOOPT;
}

/** An IPv4 address given as a number, in mapped form. */
export function fillIpv4(out: Uint8Array, word: number): void {
  mapIpv4(out, 0, Uint8Array.of(word >>> 24, word >>> 16, word >>> 8, word), 0);
}

/** Number of the link that has the IPv4 address; -1: none. */
function linkOfAddress(socket: Socket, address: Uint8Array): number {
  for (const each of socket.env.network.addresses.all) {
    if (!isIpv4(each.address)) continue;
    if (address.every((byte, i) => byte === each.address[12 + i])) return each.link;
  }
  return -1;
}
