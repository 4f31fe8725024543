// One run of a script file: reads the text, runs it, and turns a file that cannot be read into a failed run.

import { readFileSync } from 'node:fs';
import type { OptionValues } from '../runner/config.js';
import type { RunResult } from '../runner/result.js';
import { runScript } from '../runner/run.js';
import { targetFactory } from '../targets/registry.js';
import { compareTargets } from './compare-targets.js';
import type { PlannedRun } from './discover.js';

/** What all runs of a suite have in common. Plain data: it crosses to worker threads. */
export interface SuiteOptions {
  /** `stack`, `silent`, `echo`, `linux`, or the path of a module with `createTarget(setup)`. */
  readonly target: string;
  readonly dialect: 'google' | 'nplab';
  readonly defines: Readonly<Record<string, string>>;
  readonly options: OptionValues;
  readonly strictEnd: boolean | number;
  /** Keep packets and events, for HTML and captures. */
  readonly record: boolean;
  /** Each script on the stack and on the kernel, whatever `target` says; the verdict is of the comparison. */
  readonly compare: boolean;
}

export async function runFile(run: PlannedRun, options: SuiteOptions): Promise<RunResult> {
  let text: string;
  try {
    text = readFileSync(run.path, 'utf8');
  } catch (error) {
    return unreadable(run, options, error);
  }
  const runOn = async (target: string, record: boolean, more: OptionValues = {}): Promise<RunResult> =>
    await runScript(text, {
      file: run.file,
      target: await targetFactory(target),
      targetName: target,
      ipVersion: run.ipVersion,
      dialect: options.dialect,
      defines: options.defines,
      options: { ...options.options, ...more },
      strictEnd: options.strictEnd,
      record,
    });
  if (options.compare) {
    return await compareTargets(async (target, tolerance) =>
      runOn(target, true, tolerance === null ? {} : { tolerance_usecs: String(tolerance) }),
    );
  }
  return await runOn(options.target, options.record);
}

function unreadable(run: PlannedRun, options: SuiteOptions, error: unknown): RunResult {
  const summary = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  const reason = `${run.file}: ${summary}`;
  return {
    script: run.file,
    ipVersion: run.ipVersion,
    target: options.target,
    verdict: 'failed',
    reason,
    failure: {
      ...{ kind: 'script', text: reason, summary, span: null, field: null, expected: null, actual: null },
      ...{ scriptPacket: null, actualPackets: [], since: [] },
    },
    milliseconds: 0,
    scriptMicroseconds: 0,
    packets: [],
    events: [],
    output: [],
  };
}
