// A system call of the script: made when it is due, checked when it returns. One blocking call may be under way while
// the script goes on; a further call waits for it first, up to a second, as the original does.

import type { Errno, SyscallBody } from '../language/ast.js';
import { errnoNumber, errnoText } from '../language/symbols.js';
import { type CallResult, type PendingCall, TargetUnsupported } from '../targets/target.js';
import { planCall } from './calls/index.js';
import type { CallContext, CallPlan } from './calls/plan.js';
import { socketAddress } from './config.js';
import { RunFailure, ScriptProblem, UnsupportedFeature } from './errors.js';
import { integer, isEllipsis } from './expressions.js';
import type { Machine } from './machine.js';
import { checkTime, type DueTime } from './time.js';

const LONGEST_IDLE_WAIT = 1e6;
/** A call written without `...T` that has not returned by then never will. */
const LONGEST_CALL = 24 * 3600 * 1e6;

export async function runSystemCall(machine: Machine, call: SyscallBody): Promise<void> {
  const { event, due } = machine.current!;
  if (machine.blocked) {
    await machine.advance(machine.now() + LONGEST_IDLE_WAIT, 'at-return');
    if (machine.blocked && call.end !== null) {
      throw new RunFailure(
        'call',
        'blocking system call while another blocking system call is already in progress',
        call.span,
      );
    }
  }
  await machine.waitForEvent('system call start');
  const plan = planCall(call, contextOf(machine));
  let pending: PendingCall;
  try {
    pending = await machine.target.call(plan.name, plan.args);
  } catch (error) {
    if (error instanceof TargetUnsupported) throw new UnsupportedFeature(error.feature, call.span);
    throw error;
  }
  if (call.end === null) {
    await complete(machine, call, plan, pending);
    return;
  }
  const end = (due.kind === 'relative' ? due.base : 0) + call.end;
  machine.blocked = {
    pending,
    event,
    finish: (finished) => {
      finishBlocking(machine, call, plan, finished, due, end);
    },
  };
  machine.collect();
}

async function complete(
  machine: Machine,
  call: SyscallBody,
  plan: CallPlan,
  pending: PendingCall,
): Promise<void> {
  if (pending.result === null) {
    const earlier = machine.blocked;
    let result: CallResult | null = null;
    machine.blocked = {
      pending,
      event: machine.current!.event,
      finish: (p) => {
        result = p.result;
      },
    };
    await machine.advance(machine.now() + LONGEST_CALL, 'at-return');
    machine.blocked = earlier;
    if (result === null) {
      throw new RunFailure(
        'call',
        `${call.name}() did not return: a call that blocks is written with its end, ...T`,
        call.span,
      );
    }
    checkResult(machine, call, plan, result);
    return;
  }
  checkResult(machine, call, plan, pending.result);
  machine.collect();
}

/** The end of a blocking call has its own span of time, from the call's beginning. */
function finishBlocking(
  machine: Machine,
  call: SyscallBody,
  plan: CallPlan,
  pending: PendingCall,
  due: DueTime,
  end: number,
): void {
  checkResult(machine, call, plan, pending.result!);
  const returned = machine.toScriptTime(pending.returnedAt);
  const times = { kind: due.kind === 'any' ? due.kind : 'absolute', at: end, until: end, base: 0 } as const;
  const problem = checkTime(times, returned, due.at, machine.tolerance, 'system call return');
  if (problem) throw new RunFailure('time', problem, call.span, { field: 'time of return' });
}

function checkResult(machine: Machine, call: SyscallBody, plan: CallPlan, result: CallResult): void {
  try {
    compareResult(call, plan, result);
    plan.after?.(result);
  } catch (error) {
    if (!(error instanceof RunFailure)) throw error;
    error.span ??= call.span;
    if (!machine.config.nonFatal.has('syscall')) throw error;
    machine.trace.output.push(`${call.span.file}:${call.span.line}: warning: ${error.message}`);
  }
}

function compareResult(call: SyscallBody, plan: CallPlan, result: CallResult): void {
  const { value } = result;
  const expected = isEllipsis(call.result) ? null : integer(call.result);
  const withErrno = result.errno ? ` with errno ${describeErrno(result.errno)}` : '';
  const fail = (wanted: string): never => {
    throw new RunFailure(
      'call',
      `${call.name}(): expected result ${wanted} but got ${value}${withErrno}`,
      call.span,
      {
        field: 'return value',
        expected: wanted,
        actual: `${value}${withErrno}`,
      },
    );
  };
  if (expected !== null) {
    if (plan.result === 'descriptor' && expected >= 0) {
      if (value < 0) fail('that is not negative');
    } else if (value !== expected && value !== expected >>> 0) {
      fail(String(expected));
    }
  }
  if (call.errno) compareErrno(call, call.errno, result);
}

function compareErrno(call: SyscallBody, expected: Errno, result: CallResult): void {
  const number = errnoNumber(expected.name);
  if (number === undefined) throw new ScriptProblem(`unknown errno ${expected.name}`, expected.span);
  const actual = result.errno ?? 'none';
  if (actual === expected.name || errnoNumber(actual) === number) return;
  throw new RunFailure(
    'call',
    `${call.name}(): expected errno ${describeErrno(expected.name)} but got ${describeErrno(actual)}`,
    call.span,
    { field: 'errno', expected: expected.name, actual },
  );
}

function describeErrno(name: string): string {
  const text = errnoText(name);
  return text ? `${name} (${text})` : name;
}

function contextOf(machine: Machine): CallContext {
  const { config, sockets } = machine;
  const { addresses } = config;
  return {
    sockets,
    socketFamily: addresses.socketFamily,
    bindAddress: socketAddress(config, addresses.local, config.bindPort),
    connectAddress: socketAddress(config, addresses.remote, config.connectPort),
    toleranceMicroseconds: config.toleranceMicroseconds,
    wallStart: machine.wallStart,
  };
}
