// SO_REUSEPORT: listeners and datagram sockets of one address and port share what comes, by flow.
import { expect, test } from 'vitest';
import { emptyAddress, socketAddress } from './address.js';
import * as c from './constants.js';
import * as e from './errno.js';
import * as o from './options.js';
import { type Pair, twoStacks } from './two-stacks.test.helper.js';

const PORT = 8080;

function bound(pair: Pair, type: number, share = true): number {
  const { posix } = pair.b;
  const fd = posix.socket(c.AF_INET, type | c.SOCK_NONBLOCK, 0);
  if (share) expect(posix.setInt(fd, o.SOL_SOCKET, o.SO_REUSEPORT, 1)).toBe(0);
  return posix.bind(fd, socketAddress('0.0.0.0', PORT)) === 0 ? fd : -e.EADDRINUSE;
}

function listening(pair: Pair): number {
  const fd = bound(pair, c.SOCK_STREAM);
  expect(pair.b.posix.listen(fd, 64)).toBe(0);
  return fd;
}

function connects(pair: Pair, count: number): void {
  const calls = Array.from({ length: count }, () => {
    const fd = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    return pair.a.posix.connect(fd, socketAddress('10.0.0.2', PORT));
  });
  for (const call of calls) expect(pair.until(call)).toBe(0);
  pair.advance(10_000);
}

/** How many connections each listener has to accept; they are accepted. */
function accepted(pair: Pair, listeners: readonly number[]): number[] {
  return listeners.map((listener) => {
    for (let count = 0; ; count++) if (pair.b.posix.accept(listener).result! < 0) return count;
  });
}

test('listeners share connections; one that closes leaves its share to the others', () => {
  const pair = twoStacks();
  const listeners = [listening(pair), listening(pair), listening(pair)];
  connects(pair, 60);
  const shares = accepted(pair, listeners);
  expect(shares.reduce((sum, n) => sum + n)).toBe(60);
  for (const share of shares) expect(share).toBeGreaterThan(5);
  // The first one's channel brings everything: another takes it over.
  expect(pair.b.posix.close(listeners[0]).result).toBe(0);
  connects(pair, 40);
  const rest = accepted(pair, listeners.slice(1));
  expect(rest.reduce((sum, n) => sum + n)).toBe(40);
  for (const share of rest) expect(share).toBeGreaterThan(5);
  // A newcomer is one of them.
  const late = listening(pair);
  connects(pair, 30);
  expect(accepted(pair, [late])[0]).toBeGreaterThan(0);
  pair.close();
});

test('a handshake ends with the listener that it began with, whoever has come since', () => {
  const pair = twoStacks({ link: { delay: 50_000 } });
  const first = listening(pair);
  const calls = Array.from({ length: 20 }, () => {
    const fd = pair.a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    return pair.a.posix.connect(fd, socketAddress('10.0.0.2', PORT));
  });
  pair.advance(70_000); // the SYNs are there, the last ACKs are not
  const second = listening(pair);
  for (const call of calls) expect(pair.until(call)).toBe(0);
  pair.advance(100_000);
  expect(accepted(pair, [first, second])).toEqual([20, 0]);
  pair.close();
});

test('who does not ask for it shares nothing', () => {
  const pair = twoStacks();
  listening(pair);
  expect(bound(pair, c.SOCK_STREAM, false)).toBe(-e.EADDRINUSE);
  pair.close();
  const other = twoStacks();
  expect(bound(other, c.SOCK_STREAM, false)).toBeGreaterThan(0);
  expect(bound(other, c.SOCK_STREAM)).toBe(-e.EADDRINUSE);
  other.close();
});

test('datagrams of one flow go to one socket, those of many to all; a connected one has its own', () => {
  const pair = twoStacks();
  const sockets = [bound(pair, c.SOCK_DGRAM), bound(pair, c.SOCK_DGRAM), bound(pair, c.SOCK_DGRAM)];
  const senders = Array.from({ length: 30 }, () => pair.a.posix.socket(c.AF_INET, c.SOCK_DGRAM, 0));
  const to = socketAddress('10.0.0.2', PORT);
  for (const [i, fd] of senders.entries())
    for (let n = 0; n < 3; n++) expect(pair.a.posix.sendto(fd, Uint8Array.of(i), 0, to).result).toBe(1);
  pair.advance(10_000);
  const owner = new Map<number, number>();
  const counts = sockets.map((fd) => {
    const byte = new Uint8Array(1);
    for (let count = 0; ; count++) {
      if (pair.b.posix.recv(fd, byte, 0).result! < 0) return count;
      expect(owner.get(byte[0]) ?? fd).toBe(fd);
      owner.set(byte[0], fd);
    }
  });
  expect(counts.reduce((sum, n) => sum + n)).toBe(90);
  for (const count of counts) expect(count).toBeGreaterThan(5);
  // Connected to one sender, a socket of the group takes all of his, and only his.
  const address = emptyAddress();
  expect(pair.a.posix.getsockname(senders[7], address)).toBe(0);
  const other = sockets.find((fd) => fd !== owner.get(7)) as number;
  expect(pair.b.posix.connect(other, socketAddress('10.0.0.1', address.port)).result).toBe(0);
  for (const [i, fd] of senders.entries()) pair.a.posix.sendto(fd, Uint8Array.of(i), 0, to);
  pair.advance(10_000);
  const got: number[] = [];
  const byte = new Uint8Array(1);
  while (pair.b.posix.recv(other, byte, 0).result! > 0) got.push(byte[0]);
  expect(got).toEqual([7]);
  pair.close();
});
