// The fuzzers as a library: what `netchannel fuzz` runs. Loads targets only when they are asked for.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Campaign, type CampaignState } from './campaign.js';
import { writeFailedExchange } from './exchange-files.js';
import { fileRegression, regressionOf } from './filing.js';
import { knownAs } from './known.js';
import type { Find } from './slice.js';
import { InputError } from './target.js';
import { loadTarget, TARGET_NAMES } from './targets/index.js';

export { CORPUS, type CorpusEntry, readCorpus } from './corpus.js';
export { CoverageProbe } from './coverage.js';
export { checkEntry, distill } from './distill.js';
export { checkExchange, ExchangeError, type Written, writeExchange } from './exchange-files.js';
export { filedRegressions, REGRESSIONS, type Regression, readRegression } from './filing.js';
export { Recording, type Replay, replayRegression } from './replay.js';
export { failureId, InputError, type Json, type Target, Violation, type Witness } from './target.js';
export { loadTarget, TARGET_NAMES, UnknownTarget } from './targets/index.js';

export interface FuzzOptions {
  readonly targets: readonly string[];
  readonly seed: number;
  readonly runs?: number;
  /** Seconds for all targets together. */
  readonly time?: number;
  readonly jobs: number;
  readonly shard?: { readonly index: number; readonly count: number };
  /** Folder to file finds in; undefined: they are told only. */
  readonly file?: string;
  /** Where the campaign's state is kept, to be taken up again. */
  readonly state?: string;
  readonly stopOnFind?: boolean;
  readonly hangSeconds?: number;
  readonly clock: () => number;
  /** `YYYY-MM-DD`, for files. */
  readonly today: string;
  readonly onFind?: (target: string, find: Find, told: Told) => void;
  readonly onProgress?: (line: string) => void;
  /** Told once, to end the campaign early. */
  readonly onStart?: (stop: () => void) => void;
}

export interface Told {
  readonly runs: number;
  readonly ms: number;
  /** Where it is filed, and whether that is new. */
  readonly path?: string;
  readonly fresh?: boolean;
}

export interface TargetOutcome {
  readonly target: string;
  readonly verdict: 'passed' | 'failed' | 'skipped';
  readonly runs: number;
  /** Seconds of work. */
  readonly seconds: number;
  readonly finds: Readonly<Record<string, number>>;
  readonly reason?: string;
}

const DEFAULT_RUNS = 2000;

/** Runs a campaign. Throws UnknownTarget, InputError for a state of another campaign. */
export async function runFuzz(options: FuzzOptions): Promise<readonly TargetOutcome[]> {
  const names = options.targets.length > 0 ? options.targets : TARGET_NAMES;
  const outcomes: TargetOutcome[] = [];
  const able: string[] = [];
  for (const name of names) {
    const reason = (await loadTarget(name)).unavailable?.();
    if (reason === undefined) able.push(name);
    else outcomes.push({ target: name, verdict: 'skipped', runs: 0, seconds: 0, finds: {}, reason });
  }
  const state = readState(options.state, options.seed);
  let saved = options.clock();
  /** Finds are filed one after the other, beside the campaign. */
  let filing: Promise<unknown> = Promise.resolve();
  const campaign = new Campaign({
    targets: able,
    seed: options.seed,
    runs: options.runs ?? (options.time === undefined ? DEFAULT_RUNS : Number.POSITIVE_INFINITY),
    time: (options.time ?? Number.POSITIVE_INFINITY) * 1000,
    jobs: options.jobs,
    shard: options.shard ?? { index: 0, count: 1 },
    stopOnFind: options.stopOnFind ?? false,
    hang: hangLimit(options),
    state,
    clock: options.clock,
    onFind(target, find, at) {
      filing = filing.then(async () => {
        const filed = await fileFind(options, target, find);
        options.onFind?.(target, find, { ...at, ...filed });
      });
    },
    onProgress(one) {
      options.onProgress?.(progressLine(one));
      if (options.state !== undefined && options.clock() - saved > 2000) {
        saved = options.clock();
        writeState(options.state, state);
      }
    },
  });
  options.onStart?.(() => campaign.stop());
  try {
    await campaign.run();
  } finally {
    if (options.state !== undefined) writeState(options.state, state);
    await filing;
  }
  for (const target of able) {
    const { runs, ms, finds } = state.targets[target];
    const verdict = Object.keys(finds).length > 0 ? 'failed' : 'passed';
    outcomes.push({ target, verdict, runs, seconds: ms / 1000, finds });
  }
  return outcomes;
}

/** Files a find, with its exchange beside it, unless a file stands for it already. */
async function fileFind(
  options: FuzzOptions,
  target: string,
  find: Find,
): Promise<Pick<Told, 'path' | 'fresh'>> {
  if (options.file === undefined) return {};
  const known = await knownAs(options.file, target, find.id, hangLimit(options));
  if (known !== undefined) return { path: known, fresh: false };
  const path = fileRegression(options.file, regressionOf(target, find, options.today));
  await writeFailedExchange(path);
  return { path, fresh: true };
}

/** After how long a run does not end, ms. */
const hangLimit = ({ hangSeconds = 30 }: FuzzOptions): number => hangSeconds * 1000;

function progressLine(campaign: Campaign): string {
  const seconds = campaign.elapsed / 1000;
  const rate = seconds > 0 ? Math.round(campaign.runs / seconds) : 0;
  const last =
    campaign.lastFind === undefined
      ? ''
      : `, the last ${Math.round(seconds - campaign.lastFind / 1000)} s ago`;
  const { coverage, lastReached } = campaign;
  const covered =
    coverage.pieces === 0
      ? ''
      : `, ${coverage.pieces} functions and branches, a new one ${Math.round(seconds - lastReached / 1000)} s ago`;
  return `${Math.floor(seconds)} s, ${campaign.runs} runs, ${rate}/s${covered}, ${campaign.finds} finds${last}`;
}

function readState(path: string | undefined, seed: number): CampaignState {
  if (path === undefined) return { seed, targets: {} };
  let state: CampaignState;
  try {
    state = JSON.parse(readFileSync(path, 'utf8')) as CampaignState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { seed, targets: {} };
    throw new InputError(`${path}: ${(error as Error).message}`);
  }
  if (state.seed !== seed) throw new InputError(`${path} is the state of seed ${state.seed}, not ${seed}`);
  return state;
}

/** Whole or not at all: the process may be killed at any moment. */
function writeState(path: string, state: CampaignState): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(state)}\n`);
  renameSync(`${path}.new`, path);
}
