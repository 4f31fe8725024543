import { describe, expect, test } from 'vitest';
import { parseAddress } from '../wire/address.js';
import { emptyAddress, socketAddress } from './address.js';
import { AF_INET, AF_INET6, MSG_DONTWAIT, SOCK_DGRAM, SOCK_STREAM } from './constants.js';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENETUNREACH, ENOBUFS, ENODEV, EPROTO } from './errno.js';
import { formatInt32, readInt32 } from './option-value.js';
import * as o from './options.js';
import { type Pair, twoStacks } from './two-stacks.test.helper.js';

const G4 = '239.1.2.3';
const G6 = 'ff02::1234';
/** The first link, as Linux numbers devices. */
const INDEX = 2;

const four = (text: string) => parseAddress(text).subarray(12);
const mreq = (group: string, address = '0.0.0.0') => Uint8Array.of(...four(group), ...four(address));
const mreqn = (group: string, index: number) => Uint8Array.of(...mreq(group), ...formatInt32(index));
const mreq6 = (group: string, index: number) => Uint8Array.of(...parseAddress(group), ...formatInt32(index));
const ethernet = () => twoStacks({ link: { common: { framing: 'ethernet' } } });

function bound(pair: Pair, side: 'a' | 'b', family: number, port: number): number {
  const { posix } = pair[side];
  const fd = posix.socket(family, SOCK_DGRAM, 0);
  expect(posix.setsockopt(fd, o.SOL_SOCKET, o.SO_REUSEADDR, formatInt32(1))).toBe(0);
  expect(posix.bind(fd, socketAddress(family === AF_INET ? '0.0.0.0' : '::', port))).toBe(0);
  return fd;
}

function received(pair: Pair, side: 'a' | 'b', fd: number): number {
  pair.advance(10_000);
  return pair[side].posix.recvfrom(fd, new Uint8Array(100), MSG_DONTWAIT, emptyAddress()).result ?? 0;
}

for (const [family, group, level, join, leave, request] of [
  [AF_INET, G4, o.SOL_IP, o.IP_ADD_MEMBERSHIP, o.IP_DROP_MEMBERSHIP, mreqn(G4, INDEX)],
  [AF_INET6, G6, o.SOL_IPV6, o.IPV6_JOIN_GROUP, o.IPV6_LEAVE_GROUP, mreq6(G6, INDEX)],
] as const) {
  test(`a datagram to ${group} reaches members, and them only`, () => {
    const pair = ethernet();
    const server = bound(pair, 'b', family, 5000);
    const client = pair.a.posix.socket(family, SOCK_DGRAM, 0);
    const [name, value] =
      family === AF_INET
        ? [o.IP_MULTICAST_IF, mreqn('0.0.0.0', INDEX)]
        : [o.IPV6_MULTICAST_IF, formatInt32(INDEX)];
    expect(pair.a.posix.setsockopt(client, level, name, value)).toBe(0);
    const send = () => pair.a.posix.sendto(client, Uint8Array.of(1, 2), 0, socketAddress(group, 5000)).result;
    // IPv6: a host's tables are still being told about its own addresses.
    pair.advance(3e6);
    expect(send()).toBe(2);
    expect(received(pair, 'b', server)).toBe(-11);
    expect(pair.b.posix.setsockopt(server, level, join, request)).toBe(0);
    expect(pair.b.posix.setsockopt(server, level, join, request)).toBe(-EADDRINUSE);
    expect(send()).toBe(2);
    expect(received(pair, 'b', server)).toBe(2);
    expect(pair.b.posix.setsockopt(server, level, leave, request)).toBe(0);
    expect(pair.b.posix.setsockopt(server, level, leave, request)).toBe(-EADDRNOTAVAIL);
    expect(send()).toBe(2);
    expect(received(pair, 'b', server)).toBe(-11);
    pair.close();
  });

  test(`closing a socket leaves ${group}; another member stays in it`, () => {
    const pair = ethernet();
    const { groups } = pair.b.network.addresses;
    const [one, two] = [bound(pair, 'b', family, 5000), bound(pair, 'b', family, 5000)];
    for (const fd of [one, two]) expect(pair.b.posix.setsockopt(fd, level, join, request)).toBe(0);
    expect(groups.size).toBe(1);
    expect(pair.b.posix.close(one).result).toBe(0);
    expect(groups.size).toBe(1);
    expect(pair.b.posix.close(two).result).toBe(0);
    expect(groups.size).toBe(0);
    pair.close();
  });

  test(`what is sent to ${group} comes back to a member of the same host, unless IP_MULTICAST_LOOP is off`, () => {
    const pair = ethernet();
    pair.advance(3e6);
    const fd = bound(pair, 'a', family, 5000);
    expect(pair.a.posix.setsockopt(fd, level, join, request)).toBe(0);
    const name = family === AF_INET ? o.IP_MULTICAST_IF : o.IPV6_MULTICAST_IF;
    expect(
      pair.a.posix.setsockopt(
        fd,
        level,
        name,
        family === AF_INET ? mreqn('0.0.0.0', INDEX) : formatInt32(INDEX),
      ),
    ).toBe(0);
    const send = () => pair.a.posix.sendto(fd, Uint8Array.of(1, 2, 3), 0, socketAddress(group, 5000)).result;
    expect(send()).toBe(3);
    expect(received(pair, 'a', fd)).toBe(3);
    const loop = family === AF_INET ? o.IP_MULTICAST_LOOP : o.IPV6_MULTICAST_LOOP;
    expect(pair.a.posix.setsockopt(fd, level, loop, formatInt32(0))).toBe(0);
    expect(send()).toBe(3);
    expect(received(pair, 'a', fd)).toBe(-11);
    pair.close();
  });
}

describe('multicast options', () => {
  const pair = ethernet();
  const { posix } = pair.a;
  const udp = posix.socket(AF_INET, SOCK_DGRAM, 0);
  const udp6 = posix.socket(AF_INET6, SOCK_DGRAM, 0);
  const tcp = posix.socket(AF_INET, SOCK_STREAM, 0);
  const ip = (fd: number, name: number, value: Uint8Array) => posix.setsockopt(fd, o.SOL_IP, name, value);
  const value = (fd: number, level: number, name: number) => {
    const out = new Uint8Array(4);
    expect(posix.getsockopt(fd, level, name, out, [4])).toBe(0);
    return out;
  };
  const ipv6 = (name: number, value: Uint8Array) => posix.setsockopt(udp6, o.SOL_IPV6, name, value);

  test('refuse what is no group, no device, or too short, with Linux’s errors', () => {
    expect(ip(udp, o.IP_ADD_MEMBERSHIP, mreqn('10.1.2.3', INDEX))).toBe(-EINVAL);
    expect(ip(udp, o.IP_ADD_MEMBERSHIP, mreqn(G4, 77))).toBe(-ENODEV);
    expect(ip(udp, o.IP_ADD_MEMBERSHIP, mreq(G4, '10.9.9.9'))).toBe(-ENODEV);
    // Without a route to the group there is no device either.
    expect(ip(udp, o.IP_ADD_MEMBERSHIP, mreq(G4))).toBe(-ENODEV);
    expect(ip(udp, o.IP_ADD_MEMBERSHIP, four(G4))).toBe(-EINVAL);
    expect(ip(tcp, o.IP_ADD_MEMBERSHIP, mreqn(G4, INDEX))).toBe(-EPROTO);
    expect(ipv6(o.IPV6_JOIN_GROUP, mreq6('2001:db8::1', INDEX))).toBe(-EINVAL);
    expect(ipv6(o.IPV6_JOIN_GROUP, mreq6(G6, 77))).toBe(-ENODEV);
    expect(ipv6(o.IPV6_JOIN_GROUP, parseAddress(G6))).toBe(-EINVAL);
    expect(ipv6(o.IPV6_MULTICAST_IF, formatInt32(77))).toBe(-ENODEV);
    expect(ip(udp, o.IP_MULTICAST_IF, four('10.9.9.9'))).toBe(-EADDRNOTAVAIL);
  });

  test('an interface is named by its address as well; RFC 3678’s form takes both families', () => {
    expect(ip(udp, o.IP_ADD_MEMBERSHIP, mreq(G4, '10.0.0.1'))).toBe(0);
    expect(ip(udp, o.IP_MULTICAST_IF, four('10.0.0.1'))).toBe(0);
    expect([...value(udp, o.SOL_IP, o.IP_MULTICAST_IF)]).toEqual([10, 0, 0, 1]);
    const request = new Uint8Array(136);
    request.set(formatInt32(INDEX));
    request[8] = AF_INET6;
    request.set(parseAddress('ff02::77'), 16);
    expect(posix.setsockopt(udp6, o.SOL_IPV6, o.MCAST_JOIN_GROUP, request)).toBe(0);
    expect(posix.setsockopt(udp6, o.SOL_IPV6, o.MCAST_LEAVE_GROUP, request)).toBe(0);
    request.set([AF_INET, 0, 0, 0, ...four('239.7.7.7')], 8);
    expect(posix.setsockopt(udp, o.SOL_IP, o.MCAST_JOIN_GROUP, request)).toBe(0);
  });

  test('no more than igmp_max_memberships for one socket', () => {
    const fd = posix.socket(AF_INET, SOCK_DGRAM, 0);
    for (let i = 0; i < 20; i++) expect(ip(fd, o.IP_ADD_MEMBERSHIP, mreqn(`239.3.3.${i}`, INDEX))).toBe(0);
    expect(ip(fd, o.IP_ADD_MEMBERSHIP, mreqn('239.3.3.99', INDEX))).toBe(-ENOBUFS);
    posix.close(fd);
  });

  test('TTL, loop and all: what goes in comes out', () => {
    for (const [name, number] of [
      [o.IP_MULTICAST_TTL, 33],
      [o.IP_MULTICAST_LOOP, 0],
      [o.IP_MULTICAST_ALL, 0],
    ]) {
      expect(ip(udp, name, formatInt32(number))).toBe(0);
      expect(readInt32(value(udp, o.SOL_IP, name))).toBe(number);
    }
    expect(ip(udp, o.IP_MULTICAST_TTL, formatInt32(256))).toBe(-EINVAL);
    expect(ipv6(o.IPV6_MULTICAST_HOPS, formatInt32(-1))).toBe(0);
    expect(readInt32(value(udp6, o.SOL_IPV6, o.IPV6_MULTICAST_HOPS))).toBe(1);
    expect(ipv6(o.IPV6_MULTICAST_LOOP, formatInt32(2))).toBe(-EINVAL);
    expect(posix.sendto(udp, Uint8Array.of(1), 0, socketAddress('239.4.4.4', 9)).result).toBe(1);
  });

  test('broadcasts need SO_BROADCAST, those of a subnet too; a group without route or device is unreachable', () => {
    const fd = posix.socket(AF_INET, SOCK_DGRAM, 0);
    expect(posix.sendto(fd, Uint8Array.of(1), 0, socketAddress('10.0.0.255', 9)).result).toBe(-EACCES);
    expect(posix.sendto(fd, Uint8Array.of(1), 0, socketAddress('255.255.255.255', 9)).result).toBe(-EACCES);
    expect(posix.sendto(fd, Uint8Array.of(1), 0, socketAddress('239.4.4.4', 9)).result).toBe(-ENETUNREACH);
    pair.close();
  });
});
