import { describe, expect, test } from 'vitest';
import { emptyAddress, socketAddress } from '../socket/address.js';
import { AF_INET, AF_INET6, MSG_PEEK, MSG_TRUNC, SOCK_DGRAM } from '../socket/constants.js';
import { EADDRINUSE, EAGAIN, ECONNREFUSED, EDESTADDRREQ, EMSGSIZE, ENOTCONN } from '../socket/errno.js';
import { IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_RECVTTL, IP_TTL, SOL_IP } from '../socket/options.js';
import { twoStacks } from '../socket/two-stacks.test.helper.js';
import { formatAddress } from '../wire/address.js';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

for (const framing of ['ip', 'ethernet'] as const) {
  for (const [family, from, to] of [
    [AF_INET, '10.0.0.1', '10.0.0.2'],
    [AF_INET6, 'fd00::1', 'fd00::2'],
  ] as const) {
    test(`a datagram and its answer over ${framing}, ${to}`, () => {
      const pair = twoStacks({ link: { common: { framing } } });
      const server = pair.b.posix.socket(family, SOCK_DGRAM, 0);
      expect(pair.b.posix.bind(server, socketAddress(to, 53))).toBe(0);
      const client = pair.a.posix.socket(family, SOCK_DGRAM, 0);
      const buffer = new Uint8Array(100);
      const peer = emptyAddress();
      const received = pair.b.posix.recvfrom(server, buffer, 0, peer);
      expect(pair.until(pair.a.posix.sendto(client, bytes('question'), 0, socketAddress(to, 53)))).toBe(8);
      expect(received.result).toBe(null);
      expect(pair.until(received)).toBe(8);
      expect(text(buffer.subarray(0, 8))).toBe('question');
      expect(formatAddress(peer.address)).toBe(from);
      expect(pair.until(pair.b.posix.sendto(server, bytes('answer'), 0, peer))).toBe(6);
      expect(pair.until(pair.a.posix.recv(client, buffer, 0))).toBe(6);
      expect(text(buffer.subarray(0, 6))).toBe('answer');
      expect(pair.a.counters.get(family === AF_INET ? 'UdpInDatagrams' : 'Udp6InDatagrams')).toBe(1);
      pair.close();
      expect(pair.a.usage()).toEqual({
        descriptors: 0,
        connections: 0,
        listeners: 0,
        requests: 0,
        timeWaits: 0,
        ports: 0,
        flows: 0,
        channels: 0,
        timers: 0,
        buffers: 0,
        payloadPages: 0,
        pendingCalls: 0,
      });
    });
  }
}

describe('UDP sockets', () => {
  test('a dual-stack socket takes IPv4 as mapped addresses and answers over IPv4', () => {
    const pair = twoStacks();
    const server = pair.b.posix.socket(AF_INET6, SOCK_DGRAM, 0);
    expect(pair.b.posix.bind(server, socketAddress('::', 7))).toBe(0);
    const client = pair.a.posix.socket(AF_INET, SOCK_DGRAM, 0);
    expect(pair.a.posix.connect(client, socketAddress('10.0.0.2', 7)).result).toBe(0);
    expect(pair.a.posix.write(client, bytes('x')).result).toBe(1);
    const peer = emptyAddress();
    expect(pair.until(pair.b.posix.recvfrom(server, new Uint8Array(10), 0, peer))).toBe(1);
    expect(peer.family).toBe(AF_INET6);
    expect([...peer.address.subarray(10)]).toEqual([255, 255, 10, 0, 0, 1]);
    expect(pair.b.posix.sendto(server, bytes('yz'), 0, peer).result).toBe(2);
    expect(pair.until(pair.a.posix.read(client, new Uint8Array(10)))).toBe(2);
    pair.close();
  });

  test('a closed port answers with ICMP, and the connected sender learns it once', () => {
    for (const to of ['10.0.0.2', 'fd00::2']) {
      const pair = twoStacks();
      const address = socketAddress(to, 9);
      const client = pair.a.posix.socket(address.family, SOCK_DGRAM, 0);
      expect(pair.a.posix.connect(client, address).result).toBe(0);
      expect(pair.a.posix.write(client, bytes('anybody?')).result).toBe(8);
      expect(pair.until(pair.a.posix.read(client, new Uint8Array(10)))).toBe(-ECONNREFUSED);
      expect(pair.a.posix.recv(client, new Uint8Array(10), 0x40).result).toBe(-EAGAIN);
      pair.close();
    }
  });

  test('large datagrams are fragmented, unless that is forbidden', () => {
    for (const to of ['10.0.0.2', 'fd00::2']) {
      const pair = twoStacks();
      const address = socketAddress(to, 9);
      const server = pair.b.posix.socket(address.family, SOCK_DGRAM, 0);
      pair.b.posix.bind(server, address);
      const client = pair.a.posix.socket(address.family, SOCK_DGRAM, 0);
      const data = Uint8Array.from({ length: 9000 }, (_, i) => i * 7);
      expect(pair.a.posix.sendto(client, data, 0, address).result).toBe(9000);
      const got = new Uint8Array(10_000);
      expect(pair.until(pair.b.posix.recv(server, got, 0))).toBe(9000);
      expect(got.subarray(0, 9000)).toEqual(data);
      expect(pair.a.posix.sendto(client, new Uint8Array(65_508), 0, address).result).toBe(-EMSGSIZE);
      if (address.family === AF_INET) {
        expect(pair.a.posix.setInt(client, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)).toBe(0);
        expect(pair.a.posix.sendto(client, data, 0, address).result).toBe(-EMSGSIZE);
      }
      pair.close();
    }
  });

  test('peek, truncation, control messages, and errors of unbound and unconnected sockets', () => {
    const pair = twoStacks();
    const server = pair.b.posix.socket(AF_INET, SOCK_DGRAM, 0);
    const client = pair.a.posix.socket(AF_INET, SOCK_DGRAM, 0);
    expect(pair.a.posix.write(client, bytes('x')).result).toBe(-EDESTADDRREQ);
    expect(pair.a.posix.getpeername(client, emptyAddress())).toBe(-ENOTCONN);
    expect(pair.b.posix.bind(server, socketAddress('0.0.0.0', 9))).toBe(0);
    const rival = pair.b.posix.socket(AF_INET, SOCK_DGRAM, 0);
    expect(pair.b.posix.bind(rival, socketAddress('10.0.0.2', 9))).toBe(-EADDRINUSE);
    expect(pair.b.posix.setInt(server, SOL_IP, IP_RECVTTL, 1)).toBe(0);
    expect(pair.a.posix.setInt(client, SOL_IP, IP_TTL, 17)).toBe(0);
    pair.a.posix.sendto(client, bytes('0123456789'), 0, socketAddress('10.0.0.2', 9));
    pair.advance(5000);
    const small = new Uint8Array(4);
    expect(pair.b.posix.recv(server, small, MSG_PEEK | MSG_TRUNC).result).toBe(10);
    const message = {
      iov: [new Uint8Array(2), small],
      controlLength: 64,
      control: [],
      flags: 0,
    } as Parameters<typeof pair.b.posix.recvmsg>[1] & { flags: number };
    expect(pair.b.posix.recvmsg(server, message, 0).result).toBe(6);
    expect(text(small)).toBe('2345');
    expect(message.flags & MSG_TRUNC).toBe(MSG_TRUNC);
    expect(message.control).toEqual([{ level: SOL_IP, type: IP_TTL, data: Uint8Array.of(17, 0, 0, 0) }]);
    pair.close();
  });
});
