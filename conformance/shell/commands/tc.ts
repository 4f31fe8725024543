// `tc qdisc add|replace|change|del dev DEVICE root KIND …`: the queue discipline of the target's device.

import { type BuiltIn, badArguments } from '../command.js';
import type { QdiscOperation } from '../host.js';

const OPERATIONS: Readonly<Record<string, QdiscOperation['operation']>> = {
  add: 'add',
  replace: 'replace',
  change: 'change',
  del: 'delete',
  delete: 'delete',
};

export const tc: BuiltIn = (context) => {
  const [object, verb, ...rest] = context.args;
  if (object !== 'qdisc' && object !== 'qd')
    throw badArguments(context, `'${object ?? ''}' is not supported, only qdisc`);
  const operation = OPERATIONS[verb ?? ''];
  if (operation === undefined) throw badArguments(context, `qdisc ${verb ?? ''} is not supported`);
  let device: string | null = null;
  let handle: string | null = null;
  let root = false;
  let kind: string | null = null;
  let parameters: string[] = [];
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!;
    if (word === 'dev') device = rest[++i] ?? null;
    else if (word === 'handle') handle = rest[++i] ?? null;
    else if (word === 'root') root = true;
    else if (word === 'parent' || word === 'ingress' || word === 'clsact') {
      throw badArguments(context, `'${word}' is not supported, only root`);
    } else {
      kind = word;
      parameters = rest.slice(i + 1);
      break;
    }
  }
  if (device === null) throw badArguments(context, 'dev DEVICE is missing');
  if (!root) throw badArguments(context, "'root' is missing");
  if (operation !== 'delete' && kind === null)
    throw badArguments(context, 'the kind of queue discipline is missing');
  context.host.changeQdisc({ operation, device, kind, handle, parameters });
  return 0;
};
