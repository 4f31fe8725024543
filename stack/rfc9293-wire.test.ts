// Requirements of RFC 9293, Appendix B, that show at the border to IP: what is let in, what goes out, and whose address it
// carries. Packets are made by hand, with checksums of their own.
import { describe, expect, test } from 'vitest';
import { memoryPair } from './link/memory.js';
import { emptyAddress, socketAddress } from './socket/address.js';
import { AF_INET, POLLERR, POLLOUT, SOCK_NONBLOCK, SOCK_STREAM } from './socket/constants.js';
import { EADDRINUSE, EINPROGRESS, ENETUNREACH, ETIMEDOUT } from './socket/errno.js';
import { IP_TOS, IP_TTL, SO_ERROR, SO_REUSEADDR, SOL_IP, SOL_SOCKET } from './socket/options.js';
import { connectPair, testSecrets, twoStacks } from './socket/two-stacks.test.helper.js';
import { createStack } from './stack.js';

const PORT = 80;
const PEER = '10.0.0.9';
const [SYN, RST, ACK] = [2, 4, 16];

/** The Internet checksum, bit by bit as RFC 1071 has it: none of the stack's own code. */
function naiveChecksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i] * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65_536);
  return 0xffff - sum;
}

const octets = (address: string): number[] => address.split('.').map(Number);
const word = (n: number): number[] => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];

interface Segment {
  flags: number;
  seq?: number;
  ack?: number;
  from?: string;
  to?: string;
  fromPort?: number;
  port?: number;
  /** IP options, padded to words. */
  ipOptions?: number[];
  options?: number[];
  data?: number[];
}

/** An IPv4 packet with a TCP segment in it. */
function packet(s: Segment): Uint8Array {
  const { from = PEER, to = '10.0.0.2', ipOptions = [], options = [], data = [] } = s;
  const ports = [0x12, 0x34, 0, s.port ?? PORT];
  const offset = (20 + options.length) * 4;
  const tcp = [...ports, ...word(s.seq ?? 1), ...word(s.ack ?? 0), offset, s.flags, 0xff, 0xff, 0, 0, 0, 0];
  tcp.push(...options, ...data);
  const pseudo = [...octets(from), ...octets(to), 0, 6, 0, tcp.length];
  const sum = naiveChecksum([...pseudo, ...tcp]);
  tcp[16] = sum >>> 8;
  tcp[17] = sum & 255;
  const head = 20 + ipOptions.length;
  const ip = [
    0x40 + head / 4,
    0,
    0,
    head + tcp.length,
    0,
    1,
    0,
    0,
    64,
    6,
    0,
    0,
    ...octets(from),
    ...octets(to),
  ];
  ip.push(...ipOptions);
  const headSum = naiveChecksum(ip);
  ip[10] = headSum >>> 8;
  ip[11] = headSum & 255;
  return Uint8Array.from([...ip, ...tcp]);
}

/** A stack at 10.0.0.2/24 and 10.0.0.3/24 with a listener, and the far side of its link. */
function host() {
  const [link, peer] = memoryPair({ common: { framing: 'ip' } });
  const stack = createStack({
    links: [link],
    addresses: [
      { address: '10.0.0.2', prefix: 24 },
      { address: '10.0.0.3', prefix: 24 },
      { address: '192.0.2.1', prefix: 24 },
    ],
    secrets: testSecrets(1),
    smallBuffers: 256,
    largeBuffers: 4,
  });
  let now = 0;
  const run = (span = 0): Uint8Array[] => {
    now += span;
    stack.run(now);
    const frames: Uint8Array[] = [];
    for (let frame = peer.takeFrame(now); frame; frame = peer.takeFrame(now))
      frames.push(frame.bytes.slice());
    return frames;
  };
  const send = (bytes: Uint8Array): Uint8Array[] => {
    now += 10_000;
    peer.sendFrame(now, bytes);
    return run();
  };
  const { posix } = stack;
  const listener = posix.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  posix.bind(listener, socketAddress('0.0.0.0', PORT));
  expect(posix.listen(listener, 8)).toBe(0);
  return { stack, posix, listener, send, run };
}

const flagsOf = (frame: Uint8Array): number => frame[33];
const seqOf = (frame: Uint8Array): number => new DataView(frame.buffer).getUint32(24);
const sourceOf = (frame: Uint8Array): string => frame.slice(12, 16).join('.');
const TIMESTAMP = [68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const RECORD_ROUTE = [7, 7, 4, 0, 0, 0, 0, 1];
const SOURCE_ROUTE = [131, 7, 8, 10, 0, 0, 1, 0];

describe('segments that arrive', () => {
  test('carry IP options that mean nothing to TCP, and are answered without any (MUST-50)', () => {
    for (const ipOptions of [TIMESTAMP, RECORD_ROUTE, [148, 4, 0, 0], [1, 1, 1, 0]]) {
      const { send } = host();
      const [answer] = send(packet({ flags: SYN, ipOptions }));
      expect([answer[0], flagsOf(answer)]).toEqual([0x45, SYN | ACK]);
    }
    // A source route never reaches TCP: that is the condition of three other requirements.
    expect(host().send(packet({ flags: SYN, ipOptions: SOURCE_ROUTE }))).toEqual([]);
  });

  test('to a broadcast or multicast address are dropped without a word (MUST-57)', () => {
    const { send, stack } = host();
    for (const to of ['255.255.255.255', '10.0.0.255', '224.0.0.1']) {
      for (const flags of [SYN, ACK, RST]) {
        expect(send(packet({ flags, to })), to).toEqual([]);
        expect(send(packet({ flags, to, port: 81 })), to).toEqual([]);
      }
    }
    expect(stack.counters.get('TcpOutRsts')).toBe(0);
    expect(send(packet({ flags: SYN }))).toHaveLength(1);
  });

  test('from an impossible address are ignored (MUST-63)', () => {
    const { send } = host();
    for (const from of ['0.0.0.0', '255.255.255.255', '224.0.0.1', '239.1.2.3', '127.0.0.1']) {
      expect(send(packet({ flags: SYN, from })), from).toEqual([]);
    }
  });

  test('with a damaged checksum are dropped; ours satisfies an independent sum (MUST-2, MUST-3)', () => {
    const { send } = host();
    const good = packet({ flags: SYN });
    for (let at = 20; at < 40; at++) {
      const bad = good.slice();
      bad[at] ^= 1;
      expect(send(bad), `byte ${at}`).toEqual([]);
    }
    const [answer] = send(good);
    const length = answer.length - 20;
    const sum = naiveChecksum([...answer.slice(12, 20), 0, 6, 0, length, ...answer.slice(20)]);
    expect(sum).toBe(0);
  });

  test('may be a RST with data in it (SHLD-2)', () => {
    const { posix, listener, send } = host();
    const [synAck] = send(packet({ flags: SYN }));
    const ack = (seqOf(synAck) + 1) >>> 0;
    send(packet({ flags: ACK, seq: 2, ack }));
    const fd = posix.accept(listener).result as number;
    send(packet({ flags: RST | ACK, seq: 2, ack, data: [...Buffer.from('why')] }));
    const buffer = new Uint8Array(10);
    expect(posix.recv(fd, buffer, 0).result).toBe(-104); // ECONNRESET
    expect(send(packet({ flags: ACK, seq: 2, ack })).map(flagsOf)).toEqual([RST]);
  });

  test('may have an option of impossible length, or options that end nowhere (MUST-7)', () => {
    for (const options of [
      [2, 0, 5, 180],
      [3, 1, 0, 0],
      [254, 40, 0, 0],
      [2, 5, 5, 180],
      [1, 1, 1, 2],
    ]) {
      const { send } = host();
      expect(send(packet({ flags: SYN, options })).map(flagsOf)).toEqual([SYN | ACK]);
    }
  });
});

describe('opening a connection', () => {
  const open = (posix: ReturnType<typeof host>['posix']): number =>
    posix.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

  test('towards a broadcast or multicast address is an error (MUST-46)', () => {
    const { posix, run } = host();
    for (const to of ['224.0.0.1', '239.1.2.3', '255.255.255.255', '10.0.0.255', '192.0.2.255']) {
      expect(posix.connect(open(posix), socketAddress(to, PORT)).result, to).toBe(-ENETUNREACH);
    }
    expect(run()).toEqual([]);
    expect(posix.connect(open(posix), socketAddress(PEER, PORT)).result).toBe(-EINPROGRESS);
  });

  test('takes the address that the network layer chooses, or the one that was asked for, and keeps it (MUST-43, MUST-44, MUST-45)', () => {
    const { posix, run } = host();
    for (const [bound, to, expected] of [
      ['', '10.0.0.9', '10.0.0.2'],
      ['', '192.0.2.9', '192.0.2.1'],
      ['10.0.0.3', '10.0.0.9', '10.0.0.3'],
    ]) {
      const fd = open(posix);
      if (bound !== '') expect(posix.bind(fd, socketAddress(bound, 0))).toBe(0);
      expect(posix.connect(fd, socketAddress(to, PORT)).result).toBe(-EINPROGRESS);
      const own = emptyAddress();
      posix.getsockname(fd, own);
      expect(own).toEqual({ ...own, ...socketAddress(expected, own.port) });
      // The SYN and each of its repetitions.
      const frames = [...run(), ...run(1_100_000), ...run(1_100_000)];
      expect(frames.map(sourceOf)).toEqual([expected, expected, expected]);
      posix.close(fd);
      run();
    }
  });

  test('a passive one leaves what exists alone, and may share the port of one that is opening (MUST-41, MUST-42)', () => {
    const { posix, send, run } = host();
    const opening = open(posix);
    posix.setInt(opening, SOL_SOCKET, SO_REUSEADDR, 1);
    posix.bind(opening, socketAddress('10.0.0.2', 4000));
    expect(posix.connect(opening, socketAddress(PEER, 9)).result).toBe(-EINPROGRESS);
    const [syn] = run();
    const passive = open(posix);
    posix.setInt(passive, SOL_SOCKET, SO_REUSEADDR, 1);
    expect(posix.bind(passive, socketAddress('10.0.0.2', 4000))).toBe(0);
    expect(posix.listen(passive, 1)).toBe(0);
    // The one that is opening goes on: its SYN is repeated with the same number.
    const [again] = run(1_100_000);
    expect([flagsOf(again), seqOf(again)]).toEqual([SYN, seqOf(syn)]);
    // A second listener is refused and the first still answers.
    const other = open(posix);
    expect(posix.bind(other, socketAddress('0.0.0.0', PORT))).toBe(-EADDRINUSE);
    expect(send(packet({ flags: SYN })).map(flagsOf)).toEqual([SYN | ACK]);
  });

  test('an application sets Diffserv field and TTL, at any time, and IP sends them as they are (MUST-48, MUST-49, SHLD-21, SHLD-22)', () => {
    const { posix, run } = host();
    const fd = open(posix);
    posix.setInt(fd, SOL_IP, IP_TOS, 0xb8);
    posix.setInt(fd, SOL_IP, IP_TTL, 7);
    posix.connect(fd, socketAddress(PEER, 9));
    const [syn] = run();
    expect([syn[1], syn[8]]).toEqual([0xb8, 7]);
    posix.setInt(fd, SOL_IP, IP_TOS, 0x28);
    posix.setInt(fd, SOL_IP, IP_TTL, 99);
    const [again] = run(1_100_000);
    expect([again[1], again[8]]).toEqual([0x28, 99]);
  });
});

describe('a peer that falls silent', () => {
  test('is reported by poll and SO_ERROR in the strict profile before the connection ends (MUST-47, SHLD-9)', () => {
    for (const profile of ['linux', 'strict'] as const) {
      const pair = twoStacks({ a: { config: { profile } } });
      const [client] = connectPair(pair);
      const { posix } = pair.a;
      posix.send(client, Uint8Array.of(1), 0);
      // The other stack is not run any more: it takes nothing and says nothing.
      const end = pair.now + 20e6;
      for (let at = pair.now; at <= end; at = Math.max(at + 1, pair.a.nextTimeout())) pair.a.run(at);
      const look = (): number => {
        const fds = [{ fd: client, events: POLLOUT, revents: 0 }];
        posix.poll(fds, 0);
        return fds[0].revents;
      };
      expect(look()).toBe(profile === 'strict' ? POLLOUT | POLLERR : POLLOUT);
      expect(posix.getInt(client, SOL_SOCKET, SO_ERROR)).toBe(profile === 'strict' ? ETIMEDOUT : 0);
      // Told once; the connection lives on.
      expect(look()).toBe(POLLOUT);
      expect(posix.send(client, Uint8Array.of(2), 0).result).toBe(1);
      pair.close();
    }
  });
});
