// Two stacks joined by memory links, in virtual time: what tests of sockets stand on.

import { ImpairedLink, type ImpairedOptions } from '../link/impaired.js';
import type { Link } from '../link/link.js';
import { type MemoryPairOptions, memoryPair } from '../link/memory.js';
import { createStack, type InlineStack } from '../stack.js';
import type { StackOptions } from '../stack-options.js';
import { socketAddress } from './address.js';
import { AF_INET, AF_INET6, SOCK_STREAM } from './constants.js';
import { IPV6_V6ONLY, SOL_IPV6 } from './options.js';
import type { PendingCall } from './types.js';

export interface Pair {
  a: InlineStack;
  b: InlineStack;
  /** Virtual time, µs. */
  now: number;
  /** Runs both until nothing happens up to `now + micros`. */
  advance(micros: number): void;
  /** Runs until the call has returned, at most `limit` µs; its result. */
  until(call: PendingCall, limit?: number): number;
  close(): void;
}

export interface PairOptions {
  link?: MemoryPairOptions;
  /** Put around a's side. */
  impair?: ImpairedOptions;
  a?: StackOptions;
  b?: StackOptions;
}

/** Deterministic "secrets" for tests. */
export function testSecrets(seed: number): (bytes: Uint8Array) => void {
  let state = seed | 0;
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
      bytes[i] = state >>> 16;
    }
  };
}

export function twoStacks(options: PairOptions = {}): Pair {
  const common = { framing: 'ip' as const, ...options.link?.common };
  const [left, right] = memoryPair({ delay: 1000, ...options.link, common });
  const sideA: Link = options.impair ? new ImpairedLink(left, options.impair) : left;
  const make = (link: Link, last: number, extra: StackOptions | undefined) =>
    createStack({
      links: [link],
      addresses: [
        { address: `10.0.0.${last}`, prefix: 24 },
        { address: `fd00::${last}`, prefix: 64, detectDuplicates: false },
      ],
      secrets: testSecrets(last),
      seed: last,
      debugBuffers: true,
      smallBuffers: 512,
      largeBuffers: 8,
      ...extra,
    });
  const a = make(sideA, 1, options.a);
  const b = make(right, 2, options.b);
  const pair: Pair = {
    a,
    b,
    now: 0,
    advance(micros) {
      const end = pair.now + micros;
      step(pair, end, () => false);
      pair.now = end;
      a.run(end);
      b.run(end);
    },
    until(call, limit = 120e6) {
      step(pair, pair.now + limit, () => call.result !== null);
      if (call.result === null) throw new Error(`the call did not return within ${limit} µs`);
      return call.result;
    },
    close() {
      a.close();
      b.close();
    },
  };
  return pair;
}

function step(pair: Pair, end: number, done: () => boolean): void {
  for (let steps = 0; steps < 2_000_000; steps++) {
    pair.a.run(pair.now);
    pair.b.run(pair.now);
    if (done()) return;
    const next = Math.min(pair.a.nextTimeout(), pair.b.nextTimeout());
    if (next > end) return;
    pair.now = Math.max(pair.now, next);
  }
  throw new Error('two million steps and no end');
}

/** A listener on b's port 8080 and a connection from a: descriptors of client, server and listener. */
export function connectPair(pair: Pair, to = '10.0.0.2'): [client: number, server: number, listener: number] {
  const family = to.includes(':') ? AF_INET6 : AF_INET;
  const listener = pair.b.posix.socket(family, SOCK_STREAM, 0);
  if (to.includes(':')) pair.b.posix.setInt(listener, SOL_IPV6, IPV6_V6ONLY, 1);
  pair.b.posix.bind(listener, socketAddress(to.includes(':') ? '::' : '0.0.0.0', 8080));
  pair.b.posix.listen(listener, 8);
  const client = pair.a.posix.socket(family, SOCK_STREAM, 0);
  const accepted = pair.b.posix.accept(listener);
  const connected = pair.until(pair.a.posix.connect(client, socketAddress(to, 8080)));
  if (connected !== 0) throw new Error(`connect: ${connected}`);
  return [client, pair.until(accepted), listener];
}
