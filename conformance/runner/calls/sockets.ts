// socket, bind, listen, accept, connect, close, shutdown and their kin: what they do to the flows of the run is the
// original's (which socket is under test, when a connection is one).

import type { SyscallBody } from '../../language/ast.js';
import type { CallAddress } from '../../targets/call-forms.js';
import type { CallResult } from '../../targets/target.js';
import { unmapIpv4 } from '../addresses.js';
import { RunFailure } from '../errors.js';
import { integer, isEllipsis } from '../expressions.js';
import type { Flow } from '../flow.js';
import {
  addressArgument,
  type CallContext,
  type CallMaker,
  type CallPlan,
  descriptor,
  expectArguments,
  expectPlaceholder,
  integerArgument,
  mismatch,
} from './plan.js';

const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_TYPE_MASK = 0xf;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

/** Protocol 0 is the type's own. */
function protocolOf(type: number, protocol: number): number {
  if (protocol !== 0) return protocol;
  if ((type & SOCK_TYPE_MASK) === 1) return IPPROTO_TCP;
  return (type & SOCK_TYPE_MASK) === 2 ? IPPROTO_UDP : 0;
}

const socket: CallMaker = (call, context) => {
  expectArguments(call, 3);
  const [first] = call.args;
  const domain = isEllipsis(first!)
    ? context.socketFamily === 'AF_INET'
      ? AF_INET
      : AF_INET6
    : integer(first!);
  const type = integerArgument(call, 1);
  const protocol = integerArgument(call, 2);
  return {
    name: 'socket',
    args: [domain, type, protocol],
    result: 'descriptor',
    after: (result) => {
      if (result.value < 0) return;
      const flow = context.sockets.newFlow(protocolOf(type, protocol));
      context.sockets.add(integer(call.result), result.value, flow, 'socket');
    },
  };
};

const bind: CallMaker = (call, context) => {
  expectArguments(call, 3);
  const fd = descriptor(call, context);
  const address = addressArgument(call, 1, context, context.bindAddress);
  const flow = context.sockets.flowOf(integerArgument(call, 0));
  return {
    name: 'bind',
    args: [fd, address],
    result: 'exact',
    after: (result) => {
      if (result.value < 0 || !flow || !address || address.port === 0) return;
      flow.live.local = { address: unmapIpv4(address.address), port: address.port };
      if (isWildcard(flow.live.local.address)) flow.live.local.address = '';
    },
  };
};

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

const listen: CallMaker = (call, context) => {
  expectArguments(call, 2);
  const flow = context.sockets.flowOf(integerArgument(call, 0));
  return {
    name: 'listen',
    args: [descriptor(call, context), integerArgument(call, 1)],
    result: 'exact',
    after: (result) => {
      if (flow && result.value >= 0) flow.state = 'listening';
    },
  };
};

function acceptPlan(name: string, call: SyscallBody, context: CallContext, args: unknown[]): CallPlan {
  expectPlaceholder(call, 1);
  expectPlaceholder(call, 2);
  return {
    name,
    args,
    result: 'descriptor',
    after: (result) => {
      if (result.value < 0) return;
      const peer = result.out?.[0] as CallAddress | undefined;
      const flow = context.sockets.accepted(peer ? { ...peer, address: unmapIpv4(peer.address) } : null);
      if (!flow)
        throw new RunFailure(
          'call',
          `${name}(): no connection of the script waits to be accepted`,
          call.span,
        );
      context.sockets.add(integer(call.result), result.value, flow, name);
    },
  };
}

const accept: CallMaker = (call, context) => {
  expectArguments(call, 3);
  return acceptPlan('accept', call, context, [descriptor(call, context)]);
};

const accept4: CallMaker = (call, context) => {
  expectArguments(call, 4);
  return acceptPlan('accept4', call, context, [descriptor(call, context), integerArgument(call, 3)]);
};

/**
 * A socket is about to talk to `address`: connect(), or sendto() and sendmsg() with one. A socket that has done so
 * before stays as it is; AF_UNSPEC takes it back to the beginning.
 */
export function beginConnection(flow: Flow | null, address: CallAddress | null): void {
  if (!flow || !address) return;
  if (address.family === AF_UNSPEC) {
    flow.state = 'new';
    return;
  }
  if (flow.state !== 'new' || address.address === '') return;
  flow.state = 'connecting';
  flow.live.remote = { address: unmapIpv4(address.address), port: address.port };
}

const connect: CallMaker = (call, context) => {
  expectArguments(call, 3);
  const fd = descriptor(call, context);
  const address = addressArgument(call, 1, context, context.connectAddress);
  expectPlaceholder(call, 2);
  beginConnection(context.sockets.flowOf(integerArgument(call, 0)), address);
  return { name: 'connect', args: [fd, address], result: 'exact' };
};

const close: CallMaker = (call, context) => {
  expectArguments(call, 1);
  return {
    name: 'close',
    args: [descriptor(call, context)],
    result: 'exact',
    after: (result) => {
      if (result.value >= 0) context.sockets.forget(integerArgument(call, 0));
    },
  };
};

const shutdown: CallMaker = (call, context) => {
  expectArguments(call, 2);
  return { name: 'shutdown', args: [descriptor(call, context), integerArgument(call, 1)], result: 'exact' };
};

const dup: CallMaker = (call, context) => {
  expectArguments(call, 1);
  return {
    name: 'dup',
    args: [descriptor(call, context)],
    result: 'descriptor',
    after: (result) => {
      if (result.value >= 0) context.sockets.add(integer(call.result), result.value, null, 'dup');
    },
  };
};

function nameCall(name: 'getsockname' | 'getpeername'): CallMaker {
  return (call, context) => {
    expectArguments(call, 3);
    const wanted = call.args[1]!;
    return {
      name,
      args: [descriptor(call, context)],
      result: 'exact',
      after: (result: CallResult) => {
        if (wanted.kind !== 'sockaddr' || result.value < 0) return;
        const got = result.out?.[0] as CallAddress;
        const address = unmapIpv4(got.address);
        if (wanted.address !== address) mismatch(call, 'address', wanted.address, address);
        if (wanted.port !== got.port) mismatch(call, 'port', wanted.port, got.port);
      },
    };
  };
}

export const SOCKET_CALLS: Readonly<Record<string, CallMaker>> = {
  socket,
  bind,
  listen,
  accept,
  accept4,
  connect,
  close,
  shutdown,
  dup,
  getsockname: nameCall('getsockname'),
  getpeername: nameCall('getpeername'),
};
