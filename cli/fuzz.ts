// `netchannel fuzz`: the fuzzers and what they have filed. The fuzzers are fuzz/; they are loaded only here, because they
// need fast-check, which is a development dependency.

import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import type { FuzzOptions, TargetOutcome } from '../fuzz/index.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './exit.js';
import { checkCorpus, distillCorpus } from './fuzz-corpus.js';
import { fuzzDifferential } from './fuzz-differential.js';
import { integer, seconds } from './numbers.js';

/** Real time, root and a kernel: never among the targets that run without being named. */
const DIFFERENTIAL = 'differential';

interface Given {
  readonly runs?: number;
  readonly time?: number;
  readonly seed?: number;
  readonly jobs?: number;
  readonly shard?: { index: number; count: number };
  readonly file?: string | false;
  readonly state?: string;
  readonly stopOnFind?: boolean;
  readonly replay?: boolean;
  readonly script?: boolean;
  readonly corpus?: boolean;
  readonly distill?: boolean;
  readonly list?: boolean;
  readonly ci?: boolean;
  readonly freshFails?: boolean;
  readonly json?: boolean;
}

function shard(text: string): { index: number; count: number } {
  const [, i, n] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (i === undefined || Number(i) < 1 || Number(i) > Number(n)) {
    throw new InvalidArgumentError('--shard needs i/n with i from 1 to n.');
  }
  return { index: Number(i) - 1, count: Number(n) };
}

export function fuzzCommand(): Command {
  return new Command('fuzz')
    .description('Fuzz the stack, the language and the capture readers; replay what was found')
    .argument('[names...]', 'targets (default: all; --list names them) or differential, with --replay files')
    .option('--runs <n>', 'runs a target (default 2000, unless --time is given)', integer('--runs'))
    .option('--time <seconds>', 'for all targets together', seconds('--time'))
    .option('--seed <n>', 'of the campaign (default: a fresh one, which is printed)', integer('--seed', 0))
    .option('--jobs <n>', 'threads (default 1)', integer('--jobs'))
    .option('--shard <i/n>', "this machine's part of a campaign that n machines share", shard)
    .option('--state <file>', 'keep the state here, and take the campaign up from it')
    .option('--file <folder>', 'file finds below this folder (default: fuzz/regressions)')
    .option('--no-file', 'file nothing')
    .option('--stop-on-find', 'end with the first failure')
    .option('--replay', 'replay filed failures (default: all); one alone is shown step by step')
    .option(
      '--script',
      'with --replay, on the mended stack: write the exchange beside each failure, a capture and a packetdrill script',
    )
    .option('--corpus', 'run the corpus alone: each input passes and reaches what it is kept for')
    .option('--distill', 'add inputs to the corpus that reach more, for --time a target (default 30)')
    .option('--ci', 'the bounded share of a CI run: every target with fixed seeds and with one fresh seed')
    .option('--fresh-fails', 'with --ci: what the fresh seed finds fails the run')
    .option('--list', 'name the targets and end')
    .option('--json', 'one object a line')
    .exitOverride()
    .action(async (names: string[], given: Given) => {
      process.exitCode = await fuzz(names, given);
    });
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function fuzz(names: readonly string[], given: Given): Promise<number> {
  const seed = given.seed ?? randomInt(2 ** 31);
  if (names.length === 1 && names[0] === DIFFERENTIAL && !given.replay)
    return await fuzzDifferential(given, seed);
  const library = await import('../fuzz/index.js');
  try {
    if (given.list) {
      print(
        `${DIFFERENTIAL.padEnd(10)} the running kernel and the stack side by side (root; asked for by name only)`,
      );
      for (const name of library.TARGET_NAMES)
        print(`${name.padEnd(10)} ${(await library.loadTarget(name)).about}`);
      return EXIT_OK;
    }
    if (given.script) return await writeExchanges(names);
    if (given.replay) return await replay(names, given.json === true);
    if (given.corpus) return await checkCorpus(names);
    if (given.distill) return await distillCorpus(names, seed, given.time ?? 30);
    if (given.ci) return await ciShare(names, given);
    return summary(await campaign(names, given, seed), given.json === true);
  } catch (error) {
    if (!(error instanceof Error) || typeof (error as { code?: unknown }).code !== 'string') throw error;
    process.stderr.write(`netchannel fuzz: ${error.message}\n`);
    return EXIT_USAGE;
  }
}

/** The fixed seeds of a CI run. */
const CI_SEEDS = [1, 2];
const CI_SECONDS = 15;

/**
 * Each target has a share of the time to itself, and at least one slice: on a slow machine, too, each runs.
 * Fixed seeds and filed failures judge a change; the fresh seed looks for what nobody knows yet. What it finds is filed and
 * printed whole, since a CI machine is thrown away, and says nothing of the change that happened to be under test.
 */
async function ciShare(names: readonly string[], given: Given): Promise<number> {
  const { TARGET_NAMES } = await import('../fuzz/index.js');
  const targets = names.length > 0 ? names : TARGET_NAMES;
  const fresh = randomInt(2 ** 31);
  const seeds = [...CI_SEEDS, fresh];
  const share = { ...given, time: (given.time ?? CI_SECONDS) / (seeds.length * targets.length) };
  const outcomes: TargetOutcome[] = [];
  for (const seed of seeds) {
    for (const target of targets) {
      for (const outcome of await campaign([target], share, seed)) {
        const named = { ...outcome, target: `${outcome.target} (seed ${seed})` };
        outcomes.push(seed === fresh && given.freshFails !== true ? excuseFresh(named) : named);
      }
    }
  }
  return summary(outcomes, given.json === true);
}

/** A find of the fresh seed is no verdict on the change under test; that a target broke or ran nothing is. */
export function excuseFresh(outcome: TargetOutcome): TargetOutcome {
  const finds = Object.keys(outcome.finds);
  if (outcome.verdict !== 'failed' || finds.length === 0) return outcome;
  const reason = `found by a fresh seed, filed and shown above, to be mended: ${finds.join('; ')}`;
  return { ...outcome, verdict: 'skipped', reason };
}

async function campaign(
  names: readonly string[],
  given: Given,
  seed: number,
): Promise<readonly TargetOutcome[]> {
  const { runFuzz, REGRESSIONS } = await import('../fuzz/index.js');
  const json = given.json === true;
  const terminal = process.stderr.isTTY;
  let drawn = 0;
  const clear = (): void => {
    if (terminal && drawn > 0) process.stderr.write('\r\x1b[2K');
  };
  print(json ? JSON.stringify({ event: 'start', seed }) : `seed ${seed}`);
  const folder = given.file === false ? undefined : (given.file ?? REGRESSIONS);
  let interrupt: (() => void) | undefined;
  const options: FuzzOptions = {
    targets: names,
    seed,
    jobs: given.jobs ?? 1,
    clock: () => performance.now(),
    today: new Date().toISOString().slice(0, 10),
    ...(given.runs === undefined ? {} : { runs: given.runs }),
    ...(given.time === undefined ? {} : { time: given.time }),
    ...(given.shard === undefined ? {} : { shard: given.shard }),
    ...(folder === undefined ? {} : { file: folder }),
    ...(given.state === undefined ? {} : { state: given.state }),
    stopOnFind: given.stopOnFind === true,
    onStart(stop) {
      interrupt = stop;
      process.once('SIGINT', stop);
    },
    onProgress(line) {
      const now = Date.now();
      // On a terminal a line that stays in its place; elsewhere one now and then.
      if (now - drawn < (terminal ? 200 : 30_000)) return;
      if (!terminal && drawn === 0) {
        drawn = now;
        return;
      }
      drawn = now;
      process.stderr.write(terminal ? `\r\x1b[2K${line}` : `${line}\n`);
    },
    onFind(target, find, { runs, ms, path, fresh }) {
      clear();
      if (json) {
        const { id, message, shrinks } = find;
        print(
          JSON.stringify({
            event: 'find',
            target,
            id,
            message,
            runs,
            seconds: ms / 1000,
            shrinks,
            path,
            fresh,
            findSeed: find.seed,
            findPath: find.path,
            input: find.input,
          }),
        );
        return;
      }
      print(`FAILED ${target}: ${find.message}`);
      print(
        `  after ${runs} runs, ${(ms / 1000).toFixed(1)} s; shrunk ${find.shrinks} times; seed ${find.seed}, path ${find.path}`,
      );
      if (path !== undefined) print(`  ${fresh ? 'filed as' : 'known as'} ${path}`);
      if (path === undefined || given.ci) print(`  input ${JSON.stringify(find.input)}`);
    },
  };
  try {
    return await runFuzz(options);
  } finally {
    clear();
    if (interrupt !== undefined) process.off('SIGINT', interrupt);
  }
}

function summary(outcomes: readonly TargetOutcome[], json: boolean): number {
  // A target that ran nothing has shown nothing.
  const judged = outcomes.map((one) =>
    one.verdict === 'passed' && one.runs === 0 ? { ...one, verdict: 'failed' as const } : one,
  );
  const count = (verdict: string): number => judged.filter((one) => one.verdict === verdict).length;
  for (const one of judged) {
    if (json) {
      print(JSON.stringify({ event: 'target', ...one }));
      continue;
    }
    const rate = one.seconds > 0 ? Math.round(one.runs / one.seconds) : 0;
    const what = one.verdict === 'skipped' ? one.reason : `${one.runs} runs, ${rate}/s`;
    const finds = Object.keys(one.finds).length;
    print(`${one.verdict.padEnd(7)} ${one.target}: ${what}${finds > 0 ? `, ${finds} failures` : ''}`);
  }
  const line = `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`;
  if (json) process.stderr.write(`${line}\n`);
  else print(line);
  return count('failed') > 0 ? EXIT_FAILED : EXIT_OK;
}

/** The exchange of each filed failure, as this stack goes through it, beside its file. */
async function writeExchanges(files: readonly string[]): Promise<number> {
  const { ExchangeError, filedRegressions, REGRESSIONS, writeExchange } = await import('../fuzz/index.js');
  const list = files.length > 0 ? files : filedRegressions(REGRESSIONS).map(({ path }) => path);
  let failed = 0;
  for (const path of list) {
    try {
      const { files: written, scriptless } = await writeExchange(path);
      for (const name of written) print(`wrote   ${name}`);
      if (scriptless !== undefined) print(`no script of ${path}: ${scriptless}`);
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      failed++;
      print(`failed  ${path}: ${error.message}`);
    }
  }
  print(`${list.length - failed} passed, ${failed} failed, 0 skipped`);
  return failed > 0 ? EXIT_FAILED : EXIT_OK;
}

async function replay(files: readonly string[], json: boolean): Promise<number> {
  const library = await import('../fuzz/index.js');
  const list =
    files.length > 0
      ? files.map((path) => ({ path, file: library.readRegression(path) }))
      : library.filedRegressions(library.REGRESSIONS);
  const alone = list.length === 1 && files.length === 1 && !json;
  let failed = 0;
  for (const { path, file } of list) {
    const witness = new library.Recording(alone ? print : undefined);
    const { failure } = await library.replayRegression(file, alone ? witness : undefined);
    if (failure !== undefined) failed++;
    if (json)
      print(
        JSON.stringify({
          path,
          target: file.target,
          id: file.id,
          verdict: failure ? 'failed' : 'passed',
          failure,
        }),
      );
    else if (failure !== undefined) print(`failed  ${path}: ${failure}`);
    else print(`passed  ${path}`);
  }
  const line = `${list.length - failed} passed, ${failed} failed, 0 skipped`;
  if (json) process.stderr.write(`${line}\n`);
  else print(line);
  return failed > 0 ? EXIT_FAILED : EXIT_OK;
}
