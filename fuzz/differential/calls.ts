// The calls of a program: arguments in the form that targets take, and what came back in words.

import type { CallResult } from '../../conformance/targets/target.js';
import type { Ends } from './connection.js';
import type { CallRef } from './program.js';

const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;
const SO_ERROR = 4;
const MSG_PEEK = 2;
const SIOCINQ = 0x541b;
const SIOCOUTQ = 0x5411;
const EVERY_EVENT = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x2000;

/** Options by name: level, number. `SO_LINGER` takes two numbers, `TCP_CONGESTION` a name. */
export const OPTIONS: Readonly<Record<string, readonly [level: number, name: number]>> = {
  TCP_NODELAY: [IPPROTO_TCP, 1],
  TCP_MAXSEG: [IPPROTO_TCP, 2],
  TCP_CORK: [IPPROTO_TCP, 3],
  TCP_KEEPIDLE: [IPPROTO_TCP, 4],
  TCP_KEEPINTVL: [IPPROTO_TCP, 5],
  TCP_KEEPCNT: [IPPROTO_TCP, 6],
  TCP_SYNCNT: [IPPROTO_TCP, 7],
  TCP_LINGER2: [IPPROTO_TCP, 8],
  TCP_DEFER_ACCEPT: [IPPROTO_TCP, 9],
  TCP_WINDOW_CLAMP: [IPPROTO_TCP, 10],
  TCP_QUICKACK: [IPPROTO_TCP, 12],
  TCP_CONGESTION: [IPPROTO_TCP, 13],
  TCP_THIN_LINEAR_TIMEOUTS: [IPPROTO_TCP, 16],
  TCP_USER_TIMEOUT: [IPPROTO_TCP, 18],
  TCP_NOTSENT_LOWAT: [IPPROTO_TCP, 25],
  TCP_RTO_MAX_MS: [IPPROTO_TCP, 44],
  TCP_RTO_MIN_US: [IPPROTO_TCP, 45],
  TCP_DELACK_MAX_US: [IPPROTO_TCP, 46],
  SO_KEEPALIVE: [SOL_SOCKET, 9],
  SO_SNDBUF: [SOL_SOCKET, 7],
  SO_RCVBUF: [SOL_SOCKET, 8],
  SO_LINGER: [SOL_SOCKET, 13],
  SO_RCVLOWAT: [SOL_SOCKET, 18],
  SO_OOBINLINE: [SOL_SOCKET, 10],
  SO_MAX_PACING_RATE: [SOL_SOCKET, 47],
};

/** What the value of TCP_CONGESTION counts. */
export const CONGESTION = ['reno', 'cubic', 'bbr'] as const;

const int = (...values: number[]): Uint8Array => {
  const bytes = new Uint8Array(4 * values.length);
  for (const [i, v] of values.entries()) new DataView(bytes.buffer).setInt32(4 * i, v, true);
  return bytes;
};

function optionBytes({ option, value }: CallRef): Uint8Array {
  if (option === 'TCP_CONGESTION') return new TextEncoder().encode(CONGESTION[value]);
  return option === 'SO_LINGER' ? int(1, value) : int(value);
}

/** Name and arguments of a call on `fd`. */
export function callArguments(call: CallRef, fd: number, ends: Ends): [string, unknown[]] {
  const { value } = call;
  switch (call.name) {
    case 'write':
      return ['send', [fd, new Uint8Array(value), value, call.flags]];
    case 'read':
      return ['recv', [fd, new Uint8Array(value), value, call.flags]];
    case 'peek':
      return ['recv', [fd, new Uint8Array(value), value, MSG_PEEK]];
    case 'close':
      return ['close', [fd]];
    case 'shutdown':
      return ['shutdown', [fd, value]];
    case 'accept':
      return ['accept4', [fd, 0]];
    case 'connect':
      return ['connect', [fd, { family: ends.family === 'ipv4' ? 2 : 10, ...ends.remote }]];
    case 'error':
      return ['getsockopt', [fd, SOL_SOCKET, SO_ERROR, 4]];
    case 'poll':
      return ['poll', [[{ fd, events: EVERY_EVENT }], 0]];
    case 'inq':
      return ['ioctl', [fd, SIOCINQ, 0]];
    case 'outq':
      return ['ioctl', [fd, SIOCOUTQ, 0]];
    case 'set': {
      const bytes = optionBytes(call);
      return ['setsockopt', [fd, ...OPTIONS[call.option]!, bytes, bytes.length]];
    }
    case 'get':
      return ['getsockopt', [fd, ...OPTIONS[call.option]!, 4]];
  }
}

/** What a call gave back, comparable between targets. */
export function returnText(call: CallRef, result: CallResult): string {
  const value = result.value < 0 ? `-1 ${result.errno}` : String(result.value);
  const out = result.out?.[0];
  if (result.value < 0) return value;
  if (out instanceof Uint8Array && call.name !== 'read' && call.name !== 'peek') {
    return `${value} [${out.length < 4 ? '' : new DataView(out.buffer, out.byteOffset).getInt32(0, true)}]`;
  }
  if (call.name === 'poll') return `${value} [0x${((out as number[])[0] ?? 0).toString(16)}]`;
  return call.name === 'inq' || call.name === 'outq' ? `${value} [${String(out)}]` : value;
}
