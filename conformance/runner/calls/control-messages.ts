// Control messages as Linux lays them out: what a script expects, and how what came is compared. Error-queue entries
// field by field, timestamps with the script's tolerance, everything else byte by byte.

import type { Expression, ExtendedErrorExpression, SyscallBody } from '../../language/ast.js';
import type { CallControlMessage } from '../../targets/call-forms.js';
import { RunFailure, ScriptProblem } from '../errors.js';
import { describe, integer } from '../expressions.js';
import { bytesOfStats, compareStats } from './option-stats.js';
import { type CallContext, mismatch } from './plan.js';

const SOL_IP = 0;
const SOL_SOCKET = 1;
const SOL_IPV6 = 41;
const IP_RECVERR = 11;
const IPV6_RECVERR = 25;
const SCM_TIMESTAMPING = 37;
const SCM_TIMESTAMPING_OPT_STATS = 54;
const CMSG_HEADER = 16;
const ERROR_LENGTH = 16;
const SOCKADDR_IN = 16;
const SOCKADDR_IN6 = 28;

export interface ExpectedControl extends CallControlMessage {
  readonly expression: Expression;
}

/** CMSG_SPACE for `length` bytes of data on a 64-bit machine. */
export function controlSpace(length: number): number {
  return CMSG_HEADER + Math.ceil(length / 8) * 8;
}

/** A control message of a script, with its data as Linux has it. */
export function expectedControl(e: Expression, _context: CallContext): ExpectedControl {
  if (e.kind !== 'cmsg')
    throw new ScriptProblem(`expected {cmsg_level=..., ...}, not ${describe(e)}`, e.span);
  const level = integer(e.level);
  const type = integer(e.type);
  return { level, type, data: dataOf(e.data, level), expression: e.data };
}

function dataOf(e: Expression, level: number): Uint8Array {
  switch (e.kind) {
    case 'scm-timestamping': {
      // struct scm_timestamping: three timespecs, of which a script writes the first.
      const bytes = new Uint8Array(48);
      const view = new DataView(bytes.buffer);
      view.setBigInt64(0, BigInt(e.seconds), true);
      view.setBigInt64(8, BigInt(e.nanoseconds), true);
      return bytes;
    }
    case 'sock-extended-err':
      return extendedError(e, level);
    case 'list':
      return bytesOfStats(e);
    default: {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setInt32(0, integer(e), true);
      return bytes;
    }
  }
}

/** struct sock_extended_err, followed by the address that the kernel appends. */
function extendedError(e: ExtendedErrorExpression, level: number): Uint8Array {
  const bytes = new Uint8Array(ERROR_LENGTH + (level === SOL_IP ? SOCKADDR_IN : SOCKADDR_IN6));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, integer(e.errno), true);
  bytes[4] = integer(e.origin);
  bytes[5] = integer(e.type);
  bytes[6] = integer(e.code);
  view.setUint32(8, integer(e.info), true);
  view.setUint32(12, integer(e.data), true);
  return bytes;
}

/** Throws at the first control message that is missing, too many or different. */
export function compareControl(
  call: SyscallBody,
  expected: readonly ExpectedControl[],
  actual: readonly CallControlMessage[],
  context: CallContext,
): void {
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    const e = expected[i];
    const a = actual[i];
    const name = `control message ${i}`;
    if (!e || !a) mismatch(call, 'number of control messages', expected.length, actual.length);
    if (e.level !== a.level) mismatch(call, `${name} cmsg_level`, e.level, a.level);
    if (e.type !== a.type) mismatch(call, `${name} cmsg_type`, e.type, a.type);
    if (e.data.length !== a.data.length) {
      mismatch(call, `${name} cmsg_len`, CMSG_HEADER + e.data.length, CMSG_HEADER + a.data.length);
    }
    compareData(call, name, e, a, context);
  }
}

function compareData(
  call: SyscallBody,
  name: string,
  e: ExpectedControl,
  a: CallControlMessage,
  context: CallContext,
): void {
  const isError =
    (e.level === SOL_IP && e.type === IP_RECVERR) || (e.level === SOL_IPV6 && e.type === IPV6_RECVERR);
  if (isError) {
    compareError(call, name, e.data, a.data);
  } else if (e.level === SOL_SOCKET && e.type === SCM_TIMESTAMPING) {
    compareTimestamps(call, name, e.data, a.data, context);
  } else if (
    e.level === SOL_SOCKET &&
    e.type === SCM_TIMESTAMPING_OPT_STATS &&
    e.expression.kind === 'list'
  ) {
    compareStats(call, name, e.expression, a.data, context.toleranceMicroseconds);
  } else {
    const at = e.data.findIndex((v, i) => v !== a.data[i]);
    if (at >= 0) mismatch(call, `${name} data`, hexOf(e.data), hexOf(a.data));
  }
}

const hexOf = (b: Uint8Array): string => Array.from(b, (v) => v.toString(16).padStart(2, '0')).join('');

function compareError(call: SyscallBody, name: string, e: Uint8Array, a: Uint8Array): void {
  const ev = new DataView(e.buffer, e.byteOffset);
  const av = new DataView(a.buffer, a.byteOffset);
  const word = (field: string, at: number): void => {
    const [x, y] = [ev.getUint32(at, true), av.getUint32(at, true)];
    if (x !== y) mismatch(call, `${name} ${field}`, x, y);
  };
  const byte = (field: string, at: number): void => {
    if (e[at] !== a[at]) mismatch(call, `${name} ${field}`, e[at], a[at]);
  };
  word('ee_errno', 0);
  byte('ee_origin', 4);
  byte('ee_type', 5);
  byte('ee_code', 6);
  word('ee_info', 8);
  word('ee_data', 12);
}

/** A timestamp of zero is not compared; others count from the beginning of the script. */
function compareTimestamps(
  call: SyscallBody,
  name: string,
  e: Uint8Array,
  a: Uint8Array,
  context: CallContext,
): void {
  for (let i = 0; i < 3; i++) {
    const expected = timespecMicroseconds(e, 16 * i);
    if (expected === 0) continue;
    const actual = timespecMicroseconds(a, 16 * i) - context.wallStart;
    if (Math.abs(expected - actual) > context.toleranceMicroseconds) {
      // As with an event's own time: late, and perhaps only because the machine is.
      const field = `${name} timestamp ${i}`;
      const text = `${call.name}(): ${field}: expected ${expected} µs, got ${actual} µs`;
      throw new RunFailure('time', text, call.span, {
        field,
        expected: `${expected} µs`,
        actual: `${actual} µs`,
      });
    }
  }
}

function timespecMicroseconds(b: Uint8Array, at: number): number {
  const view = new DataView(b.buffer, b.byteOffset);
  return Number(view.getBigInt64(at, true)) * 1e6 + Math.trunc(Number(view.getBigInt64(at + 8, true)) / 1000);
}
