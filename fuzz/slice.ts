// One slice of fuzzing over fast-check: so many runs of one target from one seed, and the first new failure, shrunk.
// The same slice gives the same runs on every machine. Knows no files, threads or clocks of its own but fast-check's limit.

import * as fc from 'fast-check';
import { failureId, type Json, type Target } from './target.js';

export interface SliceOrder {
  readonly seed: number;
  readonly runs: number;
  /** Failures that are known: passed over, and counted. */
  readonly known: ReadonlySet<string>;
  /** ms after which no further run is begun, shrinking included. */
  readonly limit: number;
  /** Called before each run. */
  readonly beat?: (input: unknown) => void;
}

export interface Find {
  readonly id: string;
  /** What was broken, with numbers. */
  readonly message: string;
  readonly stack: string;
  readonly seed: number;
  readonly path: string;
  readonly input: Json;
  readonly shrinks: number;
  /** Runs in this slice until it was first seen. */
  readonly runs: number;
}

export interface SliceResult {
  /** Runs made, those of shrinking left out. */
  readonly runs: number;
  readonly find?: Find;
  /** Failures that were known, by id. */
  readonly seen: Readonly<Record<string, number>>;
}

/** The seed of slice `index` of a campaign; neighbouring slices share nothing. */
export function sliceSeed(seed: number, target: string, index: number): number {
  let h = (seed ^ 0x9e3779b9) | 0;
  const mix = (word: number): void => {
    h = Math.imul(h ^ word, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
  };
  for (let i = 0; i < target.length; i++) mix(target.charCodeAt(i));
  mix(index);
  return h | 0;
}

const arbitraries = new Map<string, fc.Arbitrary<unknown>>();

/** A target's generator, made once. */
export function inputsOf(target: Target): fc.Arbitrary<unknown> {
  let made = arbitraries.get(target.name);
  if (made === undefined) {
    made = target.inputs();
    arbitraries.set(target.name, made);
  }
  return made;
}

/** Runs one slice of `inputs`. Throws only for what is wrong with the generator or the engine. */
export async function runSlice(
  target: Target,
  order: SliceOrder,
  inputs = inputsOf(target),
): Promise<SliceResult> {
  const seen: Record<string, number> = {};
  let chosen: string | undefined;
  let runs = 0;
  let runsUntil = 0;
  const property = fc.asyncProperty(inputs, async (input) => {
    order.beat?.(input);
    if (chosen === undefined) runs++;
    try {
      const pending = target.run(input);
      if (pending !== undefined) await pending;
    } catch (error) {
      const id = failureId(error);
      if (order.known.has(id)) {
        seen[id] = (seen[id] ?? 0) + 1;
        return;
      }
      // Shrinking must not slide from one failure into another.
      if (chosen === undefined) {
        chosen = id;
        runsUntil = runs;
      }
      if (id === chosen) throw error;
    }
  });
  const details = await fc.check(property, {
    seed: order.seed,
    numRuns: order.runs,
    interruptAfterTimeLimit: order.limit,
  });
  if (!details.failed || details.counterexample === null || chosen === undefined) return { runs, seen };
  const error = details.errorInstance;
  return {
    runs,
    seen,
    find: {
      id: chosen,
      message: error instanceof Error ? error.message : String(error),
      stack: error instanceof Error ? (error.stack ?? '') : '',
      seed: order.seed,
      path: details.counterexamplePath ?? '',
      input: target.encode(details.counterexample[0]),
      shrinks: details.numShrinks,
      runs: runsUntil,
    },
  };
}

/** The input of run `run` (from 0) of a slice: for a run that never came back. */
export async function inputOfRun(inputs: fc.Arbitrary<unknown>, seed: number, run: number): Promise<unknown> {
  let found: unknown;
  const property = fc.asyncProperty(inputs, async (input) => {
    found = input;
  });
  await fc.check(property, { seed, path: String(run), numRuns: 1 });
  return found;
}
