// Makes and checks the corpus: which inputs reach functions that an ordinary slice does not, each made as small as it can be
// and still reach its own. One thread; whoever calls says for how long.

import * as fc from 'fast-check';
import { type CorpusEntry, type CorpusFile, readCorpus, writeCorpus } from './corpus.js';
import { CoverageProbe, type Reached } from './coverage.js';
import { guided } from './guided.js';
import { runSlice, sliceSeed } from './slice.js';
import type { Json, Target } from './target.js';
import { loadTarget } from './targets/index.js';

export interface DistillOptions {
  readonly folder: string;
  readonly seed: number;
  /** ms a target. */
  readonly time: number;
  readonly clock: () => number;
  readonly onKept?: (path: string) => void;
}

/** A key without its place in the text, which moves. */
function nameOf({ key }: Reached): string {
  return key.slice(0, key.lastIndexOf(' '));
}

/** Functions that nobody else tells apart: no name, no entry. */
function named(reached: Reached): boolean {
  return /^\S+ \w+$/.test(nameOf(reached));
}

async function passes(target: Target, input: unknown): Promise<boolean> {
  try {
    await target.run(input);
    return true;
  } catch {
    return false;
  }
}

/** The functions that `input` enters, or undefined where it does not pass. */
async function trace(target: Target, probe: CoverageProbe, input: unknown): Promise<Reached[] | undefined> {
  probe.take();
  const passed = await passes(target, input);
  const reached = probe.take();
  return passed ? reached : undefined;
}

/** What is wrong with an entry: it must pass and enter the function that it is kept for. */
export async function checkEntry(entry: CorpusEntry, probe: CoverageProbe): Promise<string | undefined> {
  const { file } = entry;
  const target = await loadTarget(file.target);
  const reached = await trace(target, probe, target.decode(file.input));
  if (reached === undefined) return 'its input fails';
  return reached.some((one) => nameOf(one) === file.reaches)
    ? undefined
    : `it no longer reaches ${file.reaches}`;
}

/** Every way to leave out a part of a list somewhere in `json`: halves, quarters, then single elements. */
export function* smaller(json: Json): Generator<Json> {
  if (Array.isArray(json)) {
    const list = json as readonly Json[];
    for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = list.length - size; at >= 0; at -= size)
        yield [...list.slice(0, at), ...list.slice(at + size)];
    }
    for (const [i, element] of list.entries())
      for (const less of smaller(element)) yield [...list.slice(0, i), less, ...list.slice(i + 1)];
  } else if (json !== null && typeof json === 'object') {
    const record = json as { readonly [key: string]: Json };
    for (const [key, value] of Object.entries(record))
      for (const less of smaller(value)) yield { ...record, [key]: less };
  }
}

/** Tries that one input may cost. */
const TRIES = 400;

async function minimise(target: Target, probe: CoverageProbe, file: CorpusFile): Promise<CorpusFile> {
  let { input } = file;
  for (let tries = 0, less = true; less && tries < TRIES; ) {
    less = false;
    for (const candidate of smaller(input)) {
      if (++tries > TRIES) break;
      try {
        const reached = await trace(target, probe, target.decode(candidate));
        if (reached?.some((one) => nameOf(one) === file.reaches) !== true) continue;
      } catch {
        continue; // no input of this target
      }
      input = candidate;
      less = true;
      break;
    }
  }
  return { ...file, input };
}

/** The inputs of a slice, in order. */
async function sliceInputs(inputs: fc.Arbitrary<unknown>, seed: number, runs: number): Promise<unknown[]> {
  const list: unknown[] = [];
  await fc.check(
    fc.asyncProperty(inputs, async (input) => void list.push(input)),
    { seed, numRuns: runs },
  );
  return list;
}

/**
 * Adds to the corpus of `name` what reaches functions that neither an ordinary slice nor the corpus does. Returns how many
 * entries were written.
 */
export async function distill(name: string, options: DistillOptions): Promise<number> {
  const target = await loadTarget(name);
  const probe = new CoverageProbe();
  const seen = new Set<string>();
  const note = (reached: readonly Reached[]): void => {
    for (const one of reached) seen.add(nameOf(one));
  };
  const fresh = (reached: readonly Reached[]): Reached | undefined =>
    reached.find((one) => named(one) && !seen.has(nameOf(one)));
  const entries = readCorpus(options.folder, name).map(({ file }) => target.decode(file.input));
  const until = options.clock() + options.time;
  let kept = 0;
  const inputs = guided(target, entries);
  try {
    for (const entry of entries) note((await trace(target, probe, entry)) ?? []);
    for (let index = 0; index === 0 || options.clock() < until; index++) {
      const seed = sliceSeed(options.seed, name, index);
      probe.take();
      const slice = { seed, runs: target.sliceRuns, known: new Set<string>(), limit: 20_000 };
      const { find } = await runSlice(target, slice, inputs);
      const reached = probe.take();
      // What an ordinary slice reaches needs no entry.
      if (index === 0) note(reached);
      if (find !== undefined || fresh(reached) === undefined) continue;
      for (const input of await sliceInputs(inputs, seed, target.sliceRuns)) {
        const here = (await trace(target, probe, input)) ?? [];
        const reason = fresh(here);
        if (reason === undefined) continue;
        const file: CorpusFile = {
          format: 1,
          target: name,
          reaches: nameOf(reason),
          input: target.encode(input),
        };
        const least = await minimise(target, probe, file);
        note((await trace(target, probe, target.decode(least.input))) ?? []);
        options.onKept?.(writeCorpus(options.folder, least));
        kept++;
      }
    }
  } finally {
    probe.close();
  }
  return kept;
}
