// read, write, send, recv and their vector forms. What is sent is zeros; what is received is only counted, as in the
// original.

import type { SyscallBody } from '../../language/ast.js';
import { ScriptProblem } from '../errors.js';
import { describe, integer, isEllipsis } from '../expressions.js';
import {
  addressArgument,
  type CallMaker,
  descriptor,
  expectArguments,
  expectPlaceholder,
  integerArgument,
  receiveBuffer,
  sendBuffer,
  zeroBytes,
} from './plan.js';
import { beginConnection } from './sockets.js';

const read: CallMaker = (call, context) => {
  expectArguments(call, 3);
  const count = integerArgument(call, 2);
  return {
    name: 'read',
    args: [descriptor(call, context), receiveBuffer(call, 1, count), count],
    result: 'exact',
  };
};

const write: CallMaker = (call, context) => {
  expectArguments(call, 3);
  const count = integerArgument(call, 2);
  return {
    name: 'write',
    args: [descriptor(call, context), sendBuffer(call, 1, count), count],
    result: 'exact',
  };
};

const recv: CallMaker = (call, context) => {
  expectArguments(call, 4);
  const count = integerArgument(call, 2);
  const buffer = receiveBuffer(call, 1, count);
  return {
    name: 'recv',
    args: [descriptor(call, context), buffer, count, integerArgument(call, 3)],
    result: 'exact',
  };
};

const recvfrom: CallMaker = (call, context) => {
  expectArguments(call, 6);
  const count = integerArgument(call, 2);
  const buffer = receiveBuffer(call, 1, count);
  expectPlaceholder(call, 4);
  expectPlaceholder(call, 5);
  return {
    name: 'recvfrom',
    args: [descriptor(call, context), buffer, count, integerArgument(call, 3)],
    result: 'exact',
  };
};

const send: CallMaker = (call, context) => {
  expectArguments(call, 4);
  const count = integerArgument(call, 2);
  const buffer = sendBuffer(call, 1, count);
  return {
    name: 'send',
    args: [descriptor(call, context), buffer, count, integerArgument(call, 3)],
    result: 'exact',
  };
};

const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;

/** What a socket of ICMP sends is an echo request, or the kernel refuses it: the type octet is filled in. */
function echoRequest(buffer: Uint8Array | null, protocol: number): Uint8Array | null {
  if (!buffer || buffer.length < 8 || (protocol !== IPPROTO_ICMP && protocol !== IPPROTO_ICMPV6))
    return buffer;
  const request = Uint8Array.from(buffer);
  request[0] = protocol === IPPROTO_ICMP ? 8 : 128;
  return request;
}

const sendto: CallMaker = (call, context) => {
  expectArguments(call, 6);
  const fd = descriptor(call, context);
  const count = integerArgument(call, 2);
  const flow = context.sockets.flowOf(integerArgument(call, 0));
  const buffer = echoRequest(sendBuffer(call, 1, count), flow?.protocol ?? 0);
  const flags = integerArgument(call, 3);
  const address = addressArgument(call, 4, context, context.connectAddress);
  beginConnection(flow, address);
  return { name: 'sendto', args: [fd, buffer, count, flags, address], result: 'exact' };
};

/** The buffers of `[{..., 10}, {..., 20}]`; `fill` makes them. */
export function iovecBuffers(
  call: SyscallBody,
  list: SyscallBody['args'][number],
  fill: (length: number) => Uint8Array,
): (Uint8Array | null)[] {
  if (list.kind !== 'list')
    throw new ScriptProblem(`expected a list of iovecs, not ${describe(list)}`, list.span);
  return list.items.map((item) => {
    if (item.kind !== 'iovec')
      throw new ScriptProblem(`expected {..., length}, not ${describe(item)}`, item.span);
    const length = integer(item.length);
    if (length < 0 || length > 1 << 30)
      throw new ScriptProblem(`${call.name} with ${length} bytes`, item.span);
    if (isEllipsis(item.base)) return fill(length);
    if (integer(item.base) === 0) return null;
    throw new ScriptProblem("the base of an iovec is '...' or NULL", item.base.span);
  });
}

function vectorCall(name: 'readv' | 'writev'): CallMaker {
  return (call, context) => {
    expectArguments(call, 3);
    const fill = name === 'writev' ? zeroBytes : (length: number) => new Uint8Array(length);
    const buffers = iovecBuffers(call, call.args[1]!, fill);
    const count = integerArgument(call, 2);
    if (count !== buffers.length) {
      throw new ScriptProblem(`iovec count ${count} does not match ${buffers.length} iovecs`, call.span);
    }
    return { name, args: [descriptor(call, context), buffers], result: 'exact' };
  };
}

export const DATA_CALLS: Readonly<Record<string, CallMaker>> = {
  read,
  write,
  recv,
  recvfrom,
  send,
  sendto,
  readv: vectorCall('readv'),
  writev: vectorCall('writev'),
};
