// Makes a failing schedule small: fewer operations first (smaller parameters that still fail), then fewer turns.
// The kind of finding must stay the same. It must never know what the parameters mean, only that smaller is simpler.

import type { Program } from './load.js';
import type { Finding } from './machine.js';
import { type Model, Session } from './run.js';
import { LenientStrategy, scheduleOf } from './schedule.js';
import { RandomStrategy } from './strategies.js';

/** Parameters that count operations, which may be lowered to 1 (0 where the model says so by its name). */
const COUNTS = new Set([
  'pushes',
  'pops',
  'rounds',
  'updates',
  'lookups',
  'packets',
  'batch',
  'take',
  'sleeps',
]);

export interface Shrunk {
  schedule: string;
  finding: Finding;
  params: Record<string, number>;
  turns: number;
}

type Turn = readonly [thread: number, steps: number];

function turnsOf(session: Session): Turn[] {
  const turns: Turn[] = [];
  for (let i = 0; i < session.steps; i++) {
    const last = turns.at(-1);
    if (last && last[0] === session.trace[i]) turns[turns.length - 1] = [last[0], last[1] + 1];
    else turns.push([session.trace[i], 1]);
  }
  return turns;
}

/**
 * Shrinks the failure that the session's last run was. `tries` random runs are spent per smaller configuration, and half
 * of `seconds` on each of the two stages at most.
 */
export function shrink(
  program: Program,
  failed: Session,
  finding: Finding,
  tries = 2000,
  seconds = 6,
  clock: () => number = () => performance.now(),
): Shrunk {
  const begun = clock();
  let { session, found } = lower(program, failed, finding, tries, () => clock() - begun > seconds * 500);
  let turns = turnsOf(session);
  const attempt = (candidate: Turn[]): boolean => {
    const strategy = new LenientStrategy(candidate);
    strategy.begin();
    const outcome = session.run(strategy);
    if (!outcome || outcome.kind !== found.kind) return false;
    const result = turnsOf(session);
    if (result.length > turns.length) return false;
    if (result.length === turns.length && session.steps >= total(turns)) return false;
    turns = result;
    found = outcome;
    return true;
  };
  for (let changed = true; changed && clock() - begun < seconds * 1000; ) {
    changed = false;
    for (let i = turns.length - 1; i >= 0 && !changed; i--) {
      changed = attempt(turns.filter((_, k) => k !== i)) || attempt(turns.slice(0, i));
      if (!changed && i + 1 < turns.length) {
        // The later turn of the same thread joins the earlier one.
        const later = turns.findIndex((t, k) => k > i && t[0] === turns[i][0]);
        if (later > 0) {
          const joined = turns.map((t, k): Turn => (k === i ? [t[0], t[1] + turns[later][1]] : t));
          changed = attempt(joined.filter((_, k) => k !== later));
        }
      }
    }
  }
  const strategy = new LenientStrategy(turns);
  strategy.begin();
  const last = session.run(strategy);
  session = session as Session;
  return {
    schedule: scheduleOf(session),
    finding: last || found,
    params: session.params,
    turns: turns.length,
  };
}

function total(turns: readonly Turn[]): number {
  return turns.reduce((sum, t) => sum + t[1], 0);
}

/** Lowers one counting parameter after the other while random runs still find the same kind. */
function lower(
  program: Program,
  failed: Session,
  finding: Finding,
  tries: number,
  late: () => boolean,
): { session: Session; found: Finding } {
  let session = failed;
  let found = finding;
  const model: Model = failed.model;
  for (let changed = true; changed; ) {
    changed = false;
    for (const key of Object.keys(model.params)) {
      if (!COUNTS.has(key) || session.params[key] <= 1) continue;
      const smaller = new Session(program, model, { ...session.params, [key]: session.params[key] - 1 });
      const strategy = new RandomStrategy(tries);
      for (let i = 0; i < tries && !late(); i++) {
        const outcome = smaller.run(strategy);
        if (outcome && outcome.kind === found.kind) {
          session = smaller;
          found = outcome;
          changed = true;
          break;
        }
      }
    }
  }
  return { session, found };
}
