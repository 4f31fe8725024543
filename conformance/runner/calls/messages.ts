// sendmsg and recvmsg. A receiving call gets exactly as much room for control messages as the script expects, so that
// one message more shows as MSG_CTRUNC.

import type { Expression, MessageHeaderExpression, SyscallBody } from '../../language/ast.js';
import type { ReceivedMessage, ReceiveMessage, SendMessage } from '../../targets/call-forms.js';
import { ScriptProblem } from '../errors.js';
import { describe, integer, isEllipsis } from '../expressions.js';
import { compareControl, controlSpace, type ExpectedControl, expectedControl } from './control-messages.js';
import { iovecBuffers } from './data.js';
import {
  addressArgument,
  type CallContext,
  type CallMaker,
  descriptor,
  expectArguments,
  integerArgument,
  mismatch,
  zeroBytes,
} from './plan.js';
import { beginConnection } from './sockets.js';

function header(call: SyscallBody): MessageHeaderExpression {
  const e = call.args[1]!;
  if (e.kind === 'msghdr') return e;
  throw new ScriptProblem(`${call.name} needs a message header, not ${describe(e)}`, e.span);
}

function buffers(
  call: SyscallBody,
  h: MessageHeaderExpression,
  fill: (n: number) => Uint8Array,
): (Uint8Array | null)[] {
  const list = iovecBuffers(call, h.iov, fill);
  const count = integer(h.iovLength);
  if (count !== list.length) {
    throw new ScriptProblem(`msg_iovlen ${count} does not match ${list.length} iovecs`, h.span);
  }
  return list;
}

function controlList(e: Expression | null, context: CallContext): ExpectedControl[] {
  if (!e) return [];
  if (e.kind !== 'list') throw new ScriptProblem(`msg_control is a list, not ${describe(e)}`, e.span);
  return e.items.map((item) => expectedControl(item, context));
}

const sendmsg: CallMaker = (call, context) => {
  expectArguments(call, 3);
  const fd = descriptor(call, context);
  const h = header(call);
  if (integer(h.flags) !== 0)
    throw new ScriptProblem('sendmsg ignores msg_flags of the message header', h.flags.span);
  const name = isEllipsis(h.name)
    ? context.connectAddress
    : addressArgument({ ...call, args: [h.name] }, 0, context, context.connectAddress);
  const message: SendMessage = {
    name,
    iov: buffers(call, h, zeroBytes),
    control: controlList(h.control, context).map(({ level, type, data }) => ({ level, type, data })),
  };
  beginConnection(context.sockets.flowOf(integerArgument(call, 0)), name);
  return { name: 'sendmsg', args: [fd, message, integerArgument(call, 2)], result: 'exact' };
};

const recvmsg: CallMaker = (call, context) => {
  expectArguments(call, 3);
  const h = header(call);
  const expected = controlList(h.control, context);
  const message: ReceiveMessage = {
    iov: buffers(call, h, (n) => new Uint8Array(n)),
    controlLength: expected.reduce((sum, c) => sum + controlSpace(c.data.length), 0),
  };
  return {
    name: 'recvmsg',
    args: [descriptor(call, context), message, integerArgument(call, 2)],
    result: 'exact',
    after: (result) => {
      if (result.value < 0) return;
      const got = result.out?.[0] as ReceivedMessage;
      const flags = integer(h.flags);
      if (flags !== got.flags) mismatch(call, 'msg_flags', hex(flags), hex(got.flags));
      compareControl(call, expected, got.control, context);
    },
  };
};

const hex = (v: number): string => `0x${(v >>> 0).toString(16)}`;

export const MESSAGE_CALLS: Readonly<Record<string, CallMaker>> = { sendmsg, recvmsg };
