// Fast open through the socket face (RFC 7413): sendto(MSG_FASTOPEN), TCP_FASTOPEN_CONNECT, servers, blocking and not.
import { describe, expect, test } from 'vitest';
import { socketAddress } from './address.js';
import * as c from './constants.js';
import * as e from './errno.js';
import * as o from './options.js';
import { type Pair, twoStacks } from './two-stacks.test.helper.js';

const PORT = 8080;
const hello = new TextEncoder().encode('hello fast world');

function fastPair(to: string): { pair: Pair; listener: number; family: number } {
  const sysctls = { 'net.ipv4.tcp_fastopen': '3' };
  const pair = twoStacks({ a: { sysctls }, b: { sysctls } });
  const { family } = socketAddress(to, 0);
  const listener = pair.b.posix.socket(family, c.SOCK_STREAM, 0);
  pair.b.posix.bind(listener, socketAddress(to, PORT));
  expect(pair.b.posix.setInt(listener, o.SOL_TCP, o.TCP_FASTOPEN, 8)).toBe(0);
  pair.b.posix.listen(listener, 8);
  return { pair, listener, family };
}

/** One connection whose data goes by sendto(MSG_FASTOPEN); µs from the call until the server has it. */
function exchange(pair: Pair, listener: number, family: number, to: string): number {
  const start = pair.now;
  const client = pair.a.posix.socket(family, c.SOCK_STREAM, 0);
  const sent = pair.a.posix.sendto(client, hello, c.MSG_FASTOPEN, socketAddress(to, PORT));
  const server = pair.until(pair.b.posix.accept(listener));
  const buffer = new Uint8Array(100);
  expect(pair.until(pair.b.posix.read(server, buffer))).toBe(hello.length);
  const took = pair.now - start;
  expect(buffer.subarray(0, hello.length)).toEqual(hello);
  expect(pair.until(sent)).toBe(hello.length);
  pair.a.posix.close(client);
  expect(pair.until(pair.b.posix.read(server, buffer))).toBe(0);
  pair.b.posix.close(server);
  return took;
}

describe('fast open', () => {
  for (const to of ['10.0.0.2', 'fd00::2']) {
    test(`the first connection asks for a cookie, the next ones save a round trip: ${to}`, () => {
      const { pair, listener, family } = fastPair(to);
      expect(exchange(pair, listener, family, to)).toBe(3000);
      expect(exchange(pair, listener, family, to)).toBe(1000);
      expect(pair.a.counters.get('TcpExtTCPFastOpenActive')).toBe(1);
      expect(pair.b.counters.get('TcpExtTCPFastOpenPassive')).toBe(1);
      pair.a.flushTcpMetrics();
      expect(exchange(pair, listener, family, to)).toBe(3000);
      pair.close();
      expect(pair.a.usage().connections + pair.b.usage().connections).toBe(0);
    });
  }

  test('TCP_FASTOPEN_CONNECT: connect returns at once, the first write carries the SYN', () => {
    const { pair, listener, family } = fastPair('10.0.0.2');
    exchange(pair, listener, family, '10.0.0.2');
    const { posix } = pair.a;
    const client = posix.socket(family, c.SOCK_STREAM, 0);
    expect(posix.setInt(client, o.SOL_TCP, o.TCP_FASTOPEN_CONNECT, 1)).toBe(0);
    expect(posix.connect(client, socketAddress('10.0.0.2', PORT)).result).toBe(0);
    const polled = [{ fd: client, events: c.POLLOUT, revents: 0 }];
    expect(posix.poll(polled, 0).result).toBe(1);
    const accepted = pair.b.posix.accept(listener);
    pair.advance(10_000);
    expect(accepted.result).toBe(null);
    const start = pair.now;
    const write = posix.write(client, hello);
    expect(pair.until(accepted)).toBeGreaterThan(0);
    expect(pair.now - start).toBe(1000);
    expect(pair.until(write)).toBe(hello.length);
    const info = posix.tcpInfo(client);
    expect(info.tcpi_options & o.TCPI_OPT_SYN_DATA).toBe(o.TCPI_OPT_SYN_DATA);
    pair.close();
  });

  test('results of non-blocking and refused sends', () => {
    const { pair, family } = fastPair('10.0.0.2');
    const { posix } = pair.a;
    const address = socketAddress('10.0.0.2', PORT);
    const client = posix.socket(family, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0);
    expect(posix.sendto(client, hello, c.MSG_FASTOPEN, null).result).toBeLessThan(0);
    expect(posix.sendto(client, hello, c.MSG_FASTOPEN, address).result).toBe(-e.EINPROGRESS);
    expect(posix.sendto(client, hello, c.MSG_FASTOPEN, address).result).toBe(-e.EALREADY);
    pair.advance(10_000);
    expect(posix.sendto(client, hello, c.MSG_FASTOPEN, address).result).toBe(hello.length);
    expect(posix.sendto(client, hello, c.MSG_FASTOPEN, address).result).toBe(-e.EISCONN);
    const refused = posix.socket(family, c.SOCK_STREAM, 0);
    const call = posix.sendto(refused, hello, c.MSG_FASTOPEN, socketAddress('10.0.0.2', PORT + 1));
    expect(pair.until(call)).toBe(-e.ECONNREFUSED);
    pair.a.setSysctl('net.ipv4.tcp_fastopen', '0');
    const off = posix.socket(family, c.SOCK_STREAM, 0);
    expect(posix.sendto(off, hello, c.MSG_FASTOPEN, address).result).toBe(-e.EOPNOTSUPP);
    pair.close();
  });

  test('keys of a listener can be read back', () => {
    const { pair, listener } = fastPair('10.0.0.2');
    const key = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(pair.b.posix.setsockopt(listener, o.SOL_TCP, o.TCP_FASTOPEN_KEY, key)).toBe(0);
    const back = new Uint8Array(32);
    const length = [32];
    expect(pair.b.posix.getsockopt(listener, o.SOL_TCP, o.TCP_FASTOPEN_KEY, back, length)).toBe(0);
    expect([length[0], back]).toEqual([32, key]);
    pair.b.setSysctl('net.ipv4.tcp_fastopen_key', '04030201-08070605-0c0b0a09-100f0e0d');
    const other = pair.b.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    expect(pair.b.posix.getsockopt(other, o.SOL_TCP, o.TCP_FASTOPEN_KEY, back, length)).toBe(0);
    expect([length[0], ...back.subarray(0, 16)]).toEqual([
      16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    ]);
    pair.close();
  });
});
