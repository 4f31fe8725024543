// poll and epoll: what is asked for, and the events that came.

import type { EpollEventExpression, Expression, SyscallBody } from '../../language/ast.js';
import type { CallEpollEvent } from '../../targets/call-forms.js';
import { ScriptProblem } from '../errors.js';
import { describe, exactInteger, integer } from '../expressions.js';
import {
  type CallContext,
  type CallMaker,
  descriptor,
  expectArguments,
  integerArgument,
  liveDescriptor,
  mismatch,
} from './plan.js';

const POLL_NAMES: readonly (readonly [number, string])[] = [
  [0x1, 'POLLIN'],
  [0x2, 'POLLPRI'],
  [0x4, 'POLLOUT'],
  [0x8, 'POLLERR'],
  [0x10, 'POLLHUP'],
  [0x20, 'POLLNVAL'],
  [0x40, 'POLLRDNORM'],
  [0x80, 'POLLRDBAND'],
  [0x100, 'POLLWRNORM'],
  [0x200, 'POLLWRBAND'],
  [0x2000, 'POLLRDHUP'],
];

/** `POLLIN|POLLOUT`, or `0`. */
export function pollNames(bits: number): string {
  const names = POLL_NAMES.filter(([bit]) => bits & bit).map(([, name]) => name);
  return names.join('|') || '0';
}

const poll: CallMaker = (call, context) => {
  expectArguments(call, 3);
  const list = call.args[0]!;
  if (list.kind !== 'list')
    throw new ScriptProblem(`poll needs a list of pollfds, not ${describe(list)}`, list.span);
  const entries = list.items.map((item) => {
    if (item.kind !== 'pollfd')
      throw new ScriptProblem(`expected a pollfd, not ${describe(item)}`, item.span);
    return {
      fd: liveDescriptor(item.fd, context),
      events: integer(item.events),
      revents: item.revents ? integer(item.revents) : 0,
    };
  });
  const count = integerArgument(call, 1);
  if (count !== entries.length) {
    throw new ScriptProblem(`nfds ${count} does not match ${entries.length} pollfds`, call.span);
  }
  return {
    name: 'poll',
    args: [entries.map(({ fd, events }) => ({ fd, events })), integerArgument(call, 2)],
    result: 'exact',
    after: (result) => {
      if (result.value < 0) return;
      const got = result.out?.[0] as number[];
      entries.forEach((entry, i) => {
        if (entry.revents !== got[i]) {
          mismatch(call, `revents of pollfd ${i}`, pollNames(entry.revents), pollNames(got[i] ?? 0));
        }
      });
    },
  };
};

function descriptorCall(name: 'epoll_create' | 'epoll_create1'): CallMaker {
  return (call, context) => {
    expectArguments(call, 1);
    return {
      name,
      args: [integerArgument(call, 0)],
      result: 'descriptor',
      after: (result) => {
        if (result.value >= 0) context.sockets.add(integer(call.result), result.value, null, name);
      },
    };
  };
}

function eventOf(e: Expression): EpollEventExpression | null {
  if (e.kind === 'epoll-event') return e;
  if (e.kind === 'word' && e.name === 'NULL') return null;
  throw new ScriptProblem(`expected an epoll_event, not ${describe(e)}`, e.span);
}

/** epoll_data: a descriptor is the target's own number. */
function dataOf(e: EpollEventExpression, context: CallContext): number | bigint {
  return e.member === 'fd' ? liveDescriptor(e.data, context) : exactInteger(e.data);
}

const epollCtl: CallMaker = (call, context) => {
  expectArguments(call, 4);
  const fd = descriptor(call, context, 2);
  const e = eventOf(call.args[3]!);
  if (e?.member === 'fd' && liveDescriptor(e.data, context) !== fd) {
    throw new ScriptProblem('wrong fd specified in epoll_event', e.span);
  }
  const event: CallEpollEvent | null = e && { events: integer(e.events), data: dataOf(e, context) };
  return {
    name: 'epoll_ctl',
    args: [descriptor(call, context), integerArgument(call, 1), fd, event],
    result: 'exact',
  };
};

const epollWait: CallMaker = (call, context) => {
  expectArguments(call, 4);
  const wanted = call.args[1]!;
  const expected = wanted.kind === 'list' ? wanted.items.map((item) => eventOf(item)!) : [eventOf(wanted)!];
  return {
    name: 'epoll_wait',
    args: [descriptor(call, context), integerArgument(call, 2), integerArgument(call, 3)],
    result: 'exact',
    after: (result) => {
      if (result.value < 0) return;
      const got = result.out?.[0] as CallEpollEvent[];
      expected.forEach((e, i) => {
        compareEvent(call, e, got[i] ?? { events: 0, data: 0 }, context);
      });
    },
  };
};

function compareEvent(
  call: SyscallBody,
  e: EpollEventExpression,
  got: CallEpollEvent,
  context: CallContext,
): void {
  const events = integer(e.events) >>> 0;
  if (events !== got.events >>> 0) mismatch(call, 'epoll events', pollNames(events), pollNames(got.events));
  const data = dataOf(e, context);
  const actual =
    e.member === 'u32' ? BigInt.asUintN(32, BigInt(got.data)) : BigInt.asUintN(64, BigInt(got.data));
  const wanted = BigInt.asUintN(e.member === 'u32' ? 32 : 64, BigInt(data));
  if (wanted !== actual) mismatch(call, `epoll data.${e.member}`, data, got.data);
}

export const READINESS_CALLS: Readonly<Record<string, CallMaker>> = {
  poll,
  epoll_create: descriptorCall('epoll_create'),
  epoll_create1: descriptorCall('epoll_create1'),
  epoll_ctl: epollCtl,
  epoll_wait: epollWait,
};
