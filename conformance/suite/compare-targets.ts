// One script on both targets, the stack and the kernel: where they agree, and where they do not both packet traces side
// by side. The kernel runs in real time, so that a miss of time alone is tried again and counted apart.

import type { RunResult } from '../runner/result.js';
import { type Difference, firstDifference, sideBySide } from './traces.js';

/**
 * What a time may be off on the kernel, µs, in one try after the other: first what the script asks for, then more and more,
 * since a busy machine wakes late; after the last a miss of time is what is reported.
 */
const TOLERANCES = [null, 25_000, 150_000] as const;

/**
 * Runs a script on both targets.
 * @returns a result whose verdict is of the comparison: passed when verdict and packets are the same; skipped when either
 *   target lacks something, or when the kernel missed a time in every try; failed with both traces otherwise. A script that
 *   makes no sense fails as it does on one target: that both refuse it is no agreement.
 *   `output` has a line for each try that was made again, with the tolerance of the next.
 */
export async function compareTargets(
  run: (target: 'stack' | 'linux', tolerance: number | null) => Promise<RunResult>,
): Promise<RunResult> {
  const stack = await run('stack', null);
  if (stack.failure?.kind === 'script') return stack;
  const misses: string[] = [];
  let linux = await run('linux', TOLERANCES[0]);
  let difference = differ(stack, linux);
  for (const tolerance of TOLERANCES.slice(1)) {
    if (difference?.kind !== 'time') break;
    misses.push(`linux missed a time, tried again with ${tolerance} µs: ${linux.failure?.summary}`);
    linux = await run('linux', tolerance);
    difference = differ(stack, linux);
  }
  const common = { ...stack, target: 'stack and linux', failure: null, output: misses };
  const result = (verdict: RunResult['verdict'], reason: string): RunResult => ({
    ...common,
    verdict,
    reason,
    milliseconds: stack.milliseconds + linux.milliseconds,
  });
  const lacking = [stack, linux].find((r) => r.verdict === 'skipped');
  if (lacking) return result('skipped', `${lacking.target}: ${lacking.reason}`);
  if (difference === null) return result('passed', '');
  if (difference.kind === 'time')
    return result('skipped', `linux missed a time in every try: ${linux.failure?.summary}`);
  return {
    ...result('failed', `${difference.text}\n${sideBySide(stack, linux)}`),
    failure: linux.failure ?? stack.failure,
  };
}

function differ(stack: RunResult, linux: RunResult): Difference | null {
  if (linux.failure?.kind === 'time' && stack.failure?.kind !== 'time') return { kind: 'time', text: '' };
  if (stack.verdict !== linux.verdict) {
    const why = [stack, linux].map(
      (r) => `  ${r.target}: ${r.verdict}${r.failure ? `: ${r.failure.summary}` : ''}`,
    );
    return { kind: 'verdict', text: `verdicts differ\n${why.join('\n')}` };
  }
  return firstDifference(stack, linux);
}
