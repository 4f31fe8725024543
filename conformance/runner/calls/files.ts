// open, pipe, splice, sendfile and fsync.

import type { Expression } from '../../language/ast.js';
import { ScriptProblem } from '../errors.js';
import { bracketed, describe, integer } from '../expressions.js';
import { type CallMaker, descriptor, expectArguments, integerArgument } from './plan.js';

const open: CallMaker = (call, context) => {
  expectArguments(call, 2, 3);
  const path = call.args[0]!;
  if (path.kind !== 'string') throw new ScriptProblem(`open needs a path, not ${describe(path)}`, path.span);
  return {
    name: 'open',
    args: [path.value, integerArgument(call, 1)],
    result: 'descriptor',
    after: (result) => {
      if (result.value >= 0) context.sockets.add(integer(call.result), result.value, null, 'open');
    },
  };
};

const pipe: CallMaker = (call, context) => {
  expectArguments(call, 1);
  const list = call.args[0]!;
  if (list.kind !== 'list' || list.items.length !== 2) {
    throw new ScriptProblem(`pipe needs [fd, fd], not ${describe(list)}`, list.span);
  }
  const script = list.items.map(integer);
  return {
    name: 'pipe',
    args: [],
    result: 'exact',
    after: (result) => {
      if (result.value < 0) return;
      const live = result.out?.[0] as [number, number];
      script.forEach((fd, i) => {
        context.sockets.add(fd, live[i]!, null, 'pipe');
      });
    },
  };
};

/** NULL is null; `[n]` or a plain number is an offset. */
function offset(e: Expression): number | null {
  if (e.kind === 'list') return integer(bracketed(e));
  return integer(e) === 0 ? null : integer(e);
}

const splice: CallMaker = (call, context) => {
  expectArguments(call, 6);
  return {
    name: 'splice',
    args: [
      descriptor(call, context, 0),
      offset(call.args[1]!),
      descriptor(call, context, 2),
      offset(call.args[3]!),
      integerArgument(call, 4),
      integerArgument(call, 5),
    ],
    result: 'exact',
  };
};

const sendfile: CallMaker = (call, context) => {
  expectArguments(call, 4);
  return {
    name: 'sendfile',
    args: [
      descriptor(call, context, 0),
      descriptor(call, context, 1),
      offset(call.args[2]!),
      integerArgument(call, 3),
    ],
    result: 'exact',
  };
};

const fsync: CallMaker = (call, context) => {
  expectArguments(call, 1);
  return { name: 'fsync', args: [descriptor(call, context)], result: 'exact' };
};

export const FILE_CALLS: Readonly<Record<string, CallMaker>> = { open, pipe, splice, sendfile, fsync };
