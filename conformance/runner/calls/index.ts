// Every system call that a script may make, by name.

import type { SyscallBody } from '../../language/ast.js';
import { nearest } from '../../language/suggest.js';
import { ScriptProblem, UnsupportedFeature } from '../errors.js';
import { CONTROL_CALLS } from './control.js';
import { DATA_CALLS } from './data.js';
import { FILE_CALLS } from './files.js';
import { MESSAGE_CALLS } from './messages.js';
import { OPTION_CALLS } from './options.js';
import type { CallContext, CallMaker, CallPlan } from './plan.js';
import { READINESS_CALLS } from './readiness.js';
import { SOCKET_CALLS } from './sockets.js';

const CALLS: ReadonlyMap<string, CallMaker> = new Map(
  [SOCKET_CALLS, DATA_CALLS, MESSAGE_CALLS, OPTION_CALLS, CONTROL_CALLS, READINESS_CALLS, FILE_CALLS].flatMap(
    (family) => Object.entries(family),
  ),
);

/** Calls whose meaning is known and which no target here can make. */
const ABSENT: ReadonlyMap<string, string> = new Map([
  ['psp_rx_assoc', 'PSP sockets'],
  ['psp_tx_assoc', 'PSP sockets'],
  ['psp_key_rotate', 'PSP sockets'],
]);

/**
 * The plan for a call.
 * @throws ScriptProblem for an unknown name or arguments of the wrong form, UnsupportedFeature for PSP
 */
export function planCall(call: SyscallBody, context: CallContext): CallPlan {
  const make = CALLS.get(call.name);
  if (make) return make(call, context);
  const feature = ABSENT.get(call.name);
  if (feature) throw new UnsupportedFeature(feature, call.span);
  const near = nearest(call.name, CALLS.keys());
  throw new ScriptProblem(
    `unknown system call '${call.name}'${near ? `: did you mean ${near}?` : ''}`,
    call.span,
  );
}
