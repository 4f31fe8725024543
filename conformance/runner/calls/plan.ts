// What one system call of a script comes to: the call on the target, what its return value may be, and what is to be
// checked or remembered when it has returned. A file per family makes plans; perform.ts carries them out.

import type { Expression, SyscallBody } from '../../language/ast.js';
import type { CallAddress } from '../../targets/call-forms.js';
import type { CallResult } from '../../targets/target.js';
import { RunFailure, ScriptProblem } from '../errors.js';
import { describe, integer, isEllipsis } from '../expressions.js';
import type { Sockets } from '../sockets.js';

export interface CallPlan {
  /** Name for `Target.call`. */
  readonly name: string;
  readonly args: readonly unknown[];
  /** `exact`: the value must be the script's; `descriptor`: any that is not negative will do when the script's is not. */
  readonly result: 'exact' | 'descriptor';
  /** Runs when the call has returned as the script says; throws through `mismatch`. */
  readonly after?: (result: CallResult) => void;
}

/** Addresses, times and descriptors of the run, as far as calls need them. */
export interface CallContext {
  readonly sockets: Sockets;
  /** For `...` as the domain of socket(). */
  readonly socketFamily: 'AF_INET' | 'AF_INET6';
  readonly bindAddress: CallAddress;
  readonly connectAddress: CallAddress;
  readonly toleranceMicroseconds: number;
  /** Wall-clock time, in µs, at which the script began. */
  readonly wallStart: number;
}

export type CallMaker = (call: SyscallBody, context: CallContext) => CallPlan;

/** A value that came back is not what the script says. */
export function mismatch(call: SyscallBody, field: string, expected: unknown, actual: unknown): never {
  throw new RunFailure(
    'call',
    `${call.name}(): ${field}: expected ${String(expected)}, got ${String(actual)}`,
    call.span,
    { field, expected: String(expected), actual: String(actual) },
  );
}

export function expectArguments(call: SyscallBody, least: number, most = least): void {
  const { length } = call.args;
  if (length >= least && length <= most) return;
  const wanted = least === most ? String(least) : `${least} to ${most}`;
  throw new ScriptProblem(`${call.name} takes ${wanted} arguments, not ${length}`, call.span);
}

export function integerArgument(call: SyscallBody, index: number): number {
  return integer(call.args[index]!);
}

/** The target's descriptor for the script's. */
export function descriptor(call: SyscallBody, context: CallContext, index = 0): number {
  return liveDescriptor(call.args[index]!, context);
}

export function liveDescriptor(e: Expression, context: CallContext): number {
  const script = integer(e);
  const live = context.sockets.liveFd(script);
  if (live === undefined) throw new RunFailure('call', `the script has no open descriptor ${script}`, e.span);
  return live;
}

/** An argument whose value the runner supplies itself: `...`, or NULL or a length as some dialects write it. */
export function expectPlaceholder(call: SyscallBody, index: number): void {
  const e = call.args[index]!;
  if (isEllipsis(e) || e.kind === 'integer' || (e.kind === 'word' && integer(e) === 0)) return;
  if (e.kind === 'list') return;
  throw new ScriptProblem(`argument ${index + 1} of ${call.name} must be '...', not ${describe(e)}`, e.span);
}

const LARGEST_BUFFER = 1 << 30;
let zeros = new Uint8Array(1 << 16);

/** `count` zero bytes that nobody may write to: what scripts send. */
export function zeroBytes(count: number): Uint8Array {
  if (count > zeros.length) zeros = new Uint8Array(Math.max(count, 2 * zeros.length));
  return zeros.subarray(0, count);
}

/** True for `...`, false for NULL. */
function isBuffer(call: SyscallBody, index: number): boolean {
  const e = call.args[index]!;
  if (isEllipsis(e)) return true;
  if ((e.kind === 'integer' || e.kind === 'word') && integer(e) === 0) return false;
  throw new ScriptProblem(
    `argument ${index + 1} of ${call.name} must be '...' or NULL, not ${describe(e)}`,
    e.span,
  );
}

function bufferLength(call: SyscallBody, count: number): number {
  if (count < 0 || count > LARGEST_BUFFER) {
    throw new ScriptProblem(`${call.name} with ${count} bytes: the runner has no such buffer`, call.span);
  }
  return count;
}

export function sendBuffer(call: SyscallBody, index: number, count: number): Uint8Array | null {
  return isBuffer(call, index) ? zeroBytes(bufferLength(call, count)) : null;
}

export function receiveBuffer(call: SyscallBody, index: number, count: number): Uint8Array | null {
  return isBuffer(call, index) ? new Uint8Array(bufferLength(call, count)) : null;
}

/** An address argument: `...` is `fallback`, a number is an address family alone, a sockaddr is itself. */
export function addressArgument(
  call: SyscallBody,
  index: number,
  context: CallContext,
  fallback: CallAddress,
): CallAddress | null {
  const e = call.args[index]!;
  if (isEllipsis(e)) return fallback;
  if (e.kind === 'sockaddr')
    return fitFamily({ family: e.family === 4 ? 2 : 10, address: e.address, port: e.port }, context);
  if (e.kind === 'word' && e.name === 'NULL') return null;
  return { family: integer(e), address: '', port: 0 };
}

/** An IPv4 address becomes its mapped form for the sockets of ipv4-mapped-ipv6 runs. */
function fitFamily(address: CallAddress, context: CallContext): CallAddress {
  if (context.socketFamily !== 'AF_INET6' || address.family !== 2) return address;
  return { family: 10, address: `::ffff:${address.address}`, port: address.port };
}
