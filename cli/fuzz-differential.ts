// `netchannel fuzz differential`: generated programs on the running kernel and on the stack.

import { EXIT_FAILED, EXIT_OK } from './exit.js';

export interface DifferentialGiven {
  readonly runs?: number;
  readonly time?: number;
  readonly jobs?: number;
  readonly file?: string | false;
  readonly json?: boolean;
}

const DEFAULT_RUNS = 480;
const DEFAULT_LANES = 2;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs a campaign and tells what differs; a difference that is not justified is a failure. */
export async function fuzzDifferential(given: DifferentialGiven, seed: number): Promise<number> {
  const { lackOfKernel, runDifferential } = await import('../fuzz/differential/index.js');
  const lack = lackOfKernel();
  if (lack !== null) {
    print(`skipped differential: ${lack}`);
    print('0 passed, 0 failed, 1 skipped');
    return EXIT_OK;
  }
  const json = given.json === true;
  print(json ? JSON.stringify({ event: 'start', seed }) : `seed ${seed}`);
  const outcome = await runDifferential({
    seed,
    runs: given.runs ?? (given.time === undefined ? DEFAULT_RUNS : Number.POSITIVE_INFINITY),
    ...(given.time === undefined ? {} : { time: given.time }),
    lanes: given.jobs ?? DEFAULT_LANES,
    ...(typeof given.file === 'string' ? { folder: given.file } : {}),
    clock: () => performance.now(),
    onProgress: (line) => void process.stderr.write(`${line}\n`),
    onFind({ divergence, script, steps, path }) {
      const { kind, linux, stack } = divergence;
      if (json) {
        print(JSON.stringify({ event: 'find', kind, linux, stack, steps, path, script }));
        return;
      }
      print(`DIFFERS ${kind} (shrunk to ${steps} steps)${path === undefined ? '' : `: ${path}`}`);
      print(`  linux: ${linux}\n  stack: ${stack}`);
      if (path === undefined) print(script.replace(/^/gm, '  '));
    },
  });
  const kinds = [...outcome.kinds].sort((a, b) => b[1] - a[1]);
  if (json) print(JSON.stringify({ event: 'end', ...outcome, kinds: Object.fromEntries(kinds) }));
  else for (const [kind, count] of kinds) print(`${String(count).padStart(5)} ${kind}`);
  const { runs, differed, justified, unstable } = outcome;
  const failed = differed - justified;
  const words = `${runs} programs: ${differed} differed, of these ${justified} as the table says; ${unstable} once only (timing)`;
  (json ? process.stderr : process.stdout).write(
    `${words}\n${runs - failed} passed, ${failed} failed, 0 skipped\n`,
  );
  return failed > 0 ? EXIT_FAILED : EXIT_OK;
}
