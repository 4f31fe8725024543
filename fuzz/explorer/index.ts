// The explorer's face: `runExplore` is what `netchannel explore` calls. It prints nothing by itself but through `print`.

import { build, prepare } from './load.js';
import { MODELS } from './models/index.js';
import { fileSchedule, replay } from './regression.js';
import { explore, type Model, Session } from './run.js';
import { scheduleOf } from './schedule.js';
import { shrink } from './shrink.js';
import { DfsStrategy, PctStrategy, RandomStrategy, type Strategy } from './strategies.js';
import { allTasks, EXHAUSTED, type Task } from './suites.js';

export interface ExploreOptions {
  /** Names of models; all of them (with the exhaustive configurations) by default. */
  models?: readonly string[];
  /** By default what suits each configuration. */
  strategy?: 'random' | 'pct' | 'dfs';
  /** PCT's depth (default 3); DFS's bound on preemptions (default none). */
  depth?: number;
  /** Scheduling points: atomic accesses only, or every shared access; by default what each configuration says. */
  points?: 'atomics' | 'all';
  /** Schedules per configuration. */
  runs?: number;
  /** Seconds in all, shared among the configurations. */
  seconds?: number;
  seed?: number;
  /** Replays this one schedule instead. */
  schedule?: string;
  /** Directory of filed failures; finds are filed there when given. */
  file?: string;
  json?: boolean;
  print?: (line: string) => void;
  /** Milliseconds; the outermost edge passes performance.now. */
  clock?: () => number;
}

export interface ExploreResult {
  model: string;
  params: Record<string, number>;
  strategy: string;
  points: 'atomics' | 'all';
  schedules: number;
  distinct: number;
  perSecond: number;
  exhausted: boolean;
  passed: boolean;
  finding?: { kind: string; message: string; schedule: string; file?: string };
}

export interface ExploreSummary {
  passed: number;
  failed: number;
  skipped: number;
  results: ExploreResult[];
}

export class ExploreError extends Error {
  readonly code = 'EXPLORE_OPTION';
}

function strategyOf(options: ExploreOptions, task: Task, seed: number): Strategy {
  if (options.strategy === 'random') return new RandomStrategy(seed);
  if (options.strategy === 'pct') return new PctStrategy(seed, options.depth ?? 3);
  if (options.strategy === 'dfs') return new DfsStrategy(options.depth ?? Infinity);
  return task.strategy(seed);
}

function tasksOf(options: ExploreOptions): Task[] {
  const names = options.models ?? [];
  for (const name of names) {
    if (!MODELS.some((m) => m.name === name)) {
      throw new ExploreError(`no model "${name}"; known: ${MODELS.map((m) => m.name).join(', ')}`);
    }
  }
  const chosen = (task: Task) => names.length === 0 || names.includes(task.model);
  return [...EXHAUSTED, ...allTasks(1)].filter(chosen);
}

/** Explores, or replays one schedule. Throws ExploreError (bad option) and ScheduleError (unreadable schedule). */
export async function runExplore(options: ExploreOptions = {}): Promise<ExploreSummary> {
  const { print = () => {}, clock = () => performance.now(), seed = 1 } = options;
  await prepare();
  if (options.schedule !== undefined) return replayOne(options.schedule, options);
  const tasks = tasksOf(options);
  const programs = { atomics: build(), all: build([], true) };
  const begun = clock();
  const summary: ExploreSummary = { passed: 0, failed: 0, skipped: 0, results: [] };
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i];
    const model = MODELS.find((m) => m.name === task.model) as Model;
    const points = options.points ?? task.points;
    const program = programs[points];
    const session = new Session(program, model, task.params);
    const strategy = strategyOf(options, task, seed);
    const exhaustive = strategy instanceof DfsStrategy;
    const budget: { runs?: number; seconds?: number; distinct: boolean } = { distinct: !exhaustive };
    if (options.runs !== undefined) budget.runs = options.runs;
    else if (!exhaustive && options.seconds === undefined) budget.runs = task.runs;
    if (options.seconds !== undefined) {
      // An exhaustive search may take a quarter of what is left, the others share it evenly.
      const left = options.seconds - (clock() - begun) / 1000;
      budget.seconds = Math.max(0.05, exhaustive ? left / 4 : left / (tasks.length - i));
    }
    const r = explore(session, strategy, budget, clock);
    const result: ExploreResult = {
      model: model.name,
      params: task.params,
      strategy: strategy.name,
      points,
      schedules: r.runs,
      distinct: r.distinct,
      perSecond: Math.round(r.runs / Math.max(r.seconds, 1e-6)),
      exhausted: r.exhausted,
      passed: r.finding === undefined,
    };
    if (r.finding) {
      const raw = scheduleOf(session);
      const small = shrink(program, session, r.finding);
      const { kind, message } = small.finding;
      result.finding = { kind, message, schedule: small.schedule || raw };
      if (options.file !== undefined) {
        const place = / at (\S+)/.exec(message)?.[1] ?? '';
        result.finding.file = fileSchedule(options.file, {
          format: 1,
          target: 'explore',
          id: `${model.name} ${kind} ${place}`.trim(),
          invariant: message,
          seed,
          input: small.schedule,
          found: new Date().toISOString().slice(0, 10),
        });
      }
      summary.failed++;
    } else summary.passed++;
    summary.results.push(result);
    print(options.json ? JSON.stringify(result) : lineOf(result));
  }
  if (!options.json) print(`${summary.passed} passed, ${summary.failed} failed, 0 skipped`);
  return summary;
}

function lineOf(r: ExploreResult): string {
  const params = Object.entries(r.params)
    .map(([k, v]) => `${k}=${v}`)
    .join(',');
  const head = `${r.passed ? 'ok  ' : 'FAIL'} ${r.model}${params ? `{${params}}` : ''} ${r.strategy}, ${r.points === 'all' ? 'every access' : 'atomics'}`;
  const count = `${r.schedules} schedules${r.exhausted ? ', exhausted' : r.strategy.startsWith('dfs') ? ', not exhausted' : `, ${r.distinct} distinct`}, ${r.perSecond} a second`;
  if (!r.finding) return `${head}: ${count}`;
  const { kind, message, schedule, file } = r.finding;
  const shown =
    schedule.length > 2000 ? `${schedule.slice(0, 2000)} … (${schedule.length} characters)` : schedule;
  return `${head}: ${kind}: ${message}\n     ${shown}${file ? `\n     filed as ${file}` : ''}`;
}

function replayOne(schedule: string, options: ExploreOptions): ExploreSummary {
  const print = options.print ?? (() => {});
  const r = replay(schedule);
  for (const step of r.steps) if (!options.json) print(`  ${step.thread.padEnd(10)} ${step.access}`);
  const ok = r.finding === undefined && r.complete;
  const result: ExploreResult = {
    model: schedule.split(/[{\s]/)[0],
    params: {},
    strategy: 'replay',
    points: 'all',
    schedules: 1,
    distinct: 1,
    perSecond: 0,
    exhausted: false,
    passed: ok,
  };
  if (r.finding) result.finding = { kind: r.finding.kind, message: r.finding.message, schedule };
  else if (!r.complete) result.finding = { kind: 'diverged', message: r.diverged ?? '', schedule };
  print(options.json ? JSON.stringify(result) : lineOf(result));
  if (!options.json) print(`${ok ? 1 : 0} passed, ${ok ? 0 : 1} failed, 0 skipped`);
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0, results: [result] };
}

/** Names and descriptions of the models, for `--list`. */
export function modelList(): { name: string; about: string; params: Readonly<Record<string, number>> }[] {
  return MODELS.map(({ name, about, params }) => ({ name, about, params }));
}
