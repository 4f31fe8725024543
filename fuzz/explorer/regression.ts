// Files and replays failing schedules. The file format is everybody's (fuzz/regressions/README.md); this is the
// explorer's part of it. It must never count a schedule that diverged as passed.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Edit } from './load.js';
import type { Finding } from './machine.js';
import { MODELS } from './models/index.js';
import { mutants } from './mutate.js';
import { Session } from './run.js';
import { parseSchedule, ReplayStrategy, ScheduleError } from './schedule.js';

export interface RegressionFile {
  format: 1;
  target: 'explore';
  id: string;
  invariant: string;
  seed?: number;
  /** A schedule string. */
  input: string;
  commit?: string;
  found: string;
  break?: { mutant: string; kind: string };
}

export interface Replay {
  /** What the run found, undefined when the invariant held. */
  finding: Finding | undefined;
  /** Whether every segment of the schedule was followed. */
  complete: boolean;
  /** Why it was not. */
  diverged?: string;
  steps: { thread: string; access: string }[];
}

/** Runs one schedule string on the shipped code, or with edits. Throws SCHEDULE_SYNTAX when it cannot be read. `prepare()` has been awaited. */
export function replay(text: string, edits: readonly Edit[] = []): Replay {
  const { model, params, segments, everyAccess } = parseSchedule(text, MODELS);
  const session = new Session(build(edits, everyAccess), model, params);
  const strategy = new ReplayStrategy(model, segments);
  strategy.begin();
  const outcome = session.run(strategy);
  const steps: Replay['steps'] = [];
  for (let i = 0; i < session.steps; i++) {
    steps.push({ thread: model.threads[session.trace[i]], access: session.machine.label(session.sites[i]) });
  }
  if (outcome && outcome.kind === 'exception' && outcome.message.includes('ScheduleError')) {
    return { finding: undefined, complete: false, diverged: outcome.message, steps };
  }
  const complete = strategy.complete(session.machine);
  return {
    finding: outcome || undefined,
    complete,
    steps,
    ...(complete ? {} : { diverged: 'ended before its last segment' }),
  };
}

/**
 * Checks a filed schedule: on the shipped code it must be followed as far as the schedule goes without a finding; under
 * its `break`, if it has one, it must fail as noted. Returns what is wrong, undefined when nothing is.
 */
export function checkRegression(file: RegressionFile): string | undefined {
  try {
    if (file.break) {
      const mutant = mutants().find((m) => m.id === file.break?.mutant);
      if (!mutant) return `its break no longer applies: no mutant "${file.break.mutant}"`;
      const broken = replay(file.input, mutant.edits);
      if (broken.finding?.kind !== file.break.kind) {
        return `broken as noted it gives ${broken.finding?.kind ?? broken.diverged ?? 'nothing'}, not ${file.break.kind}`;
      }
      // The shipped code may take other accesses after the broken place, so it need only not fail.
      const whole = replay(file.input);
      return whole.finding ? `${whole.finding.kind}: ${whole.finding.message}` : undefined;
    }
    const result = replay(file.input);
    if (result.finding) return `${result.finding.kind}: ${result.finding.message}`;
    return result.complete ? undefined : `diverged: ${result.diverged}`;
  } catch (error) {
    if (error instanceof ScheduleError) return error.message;
    throw error;
  }
}

/** Reads and checks the shape of a regression file. */
export function readRegression(path: string): RegressionFile {
  const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<RegressionFile>;
  if (value.format !== 1 || value.target !== 'explore' || typeof value.input !== 'string' || !value.id) {
    throw new Error(`${path}: not an explorer's regression of format 1`);
  }
  return value as RegressionFile;
}

/** All filed schedules below `directory` (…/fuzz/regressions). */
export function filedSchedules(directory: string): { path: string; file: RegressionFile }[] {
  const folder = join(directory, 'explore');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({ path: join(folder, name), file: readRegression(join(folder, name)) }));
}

/** Files a failure under a name made from its id; one that is known already is left as it is. Returns the path. */
export function fileSchedule(directory: string, file: RegressionFile): string {
  const folder = join(directory, 'explore');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${file.id.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.json`);
  try {
    writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return path;
}
