// Which code of the project runs have reached, from V8's own block coverage: per function the intervals of its text that no
// run has entered yet. Maps of several threads come together by `merge`. Knows no targets and no files.

import { type Profiler, Session } from 'node:inspector';

/** Offsets into a module's text, start inclusive, end exclusive, pair by pair, ascending and apart. */
export type Intervals = readonly number[];

/** What one thread saw of one function: never entered parts of it. */
export interface Reached {
  /** Module below `dist/`, name and place: `stack/tcp/undo.js undoRecovery 1204`. */
  readonly key: string;
  readonly missed: Intervals;
}

/** The parts of a function that a profile calls unentered: its ranges nest, and the innermost says. */
export function missedOf(ranges: readonly Profiler.CoverageRange[]): Intervals {
  const bounds = [...new Set(ranges.flatMap((range) => [range.startOffset, range.endOffset]))];
  bounds.sort((a, b) => a - b);
  const missed: number[] = [];
  for (let i = 0; i + 1 < bounds.length; i++) {
    const from = bounds[i];
    const to = bounds[i + 1];
    let inner = ranges[0];
    for (const range of ranges) {
      const within = range.startOffset <= from && range.endOffset >= to;
      if (within && range.endOffset - range.startOffset <= inner.endOffset - inner.startOffset) inner = range;
    }
    if (inner.count > 0) continue;
    if (missed.at(-1) === from) missed[missed.length - 1] = to;
    else missed.push(from, to);
  }
  return missed;
}

/** What both leave out. */
export function intersect(a: Intervals, b: Intervals): Intervals {
  const both: number[] = [];
  for (let i = 0, k = 0; i < a.length && k < b.length; ) {
    const from = Math.max(a[i], b[k]);
    const to = Math.min(a[i + 1], b[k + 1]);
    if (from < to) both.push(from, to);
    if (a[i + 1] <= b[k + 1]) i += 2;
    else k += 2;
  }
  return both;
}

function length(intervals: Intervals): number {
  let sum = 0;
  for (let i = 0; i < intervals.length; i += 2) sum += intervals[i + 1] - intervals[i];
  return sum;
}

/** All that was reached so far. */
export class CoverageMap {
  private readonly functions = new Map<string, Intervals>();
  /** Functions entered, and branches of them entered later than they. */
  pieces = 0;

  has(key: string): boolean {
    return this.functions.has(key);
  }

  /** Takes in what a thread saw; returns what of it was new. */
  merge(seen: readonly Reached[]): Reached[] {
    const fresh: Reached[] = [];
    for (const one of seen) {
      const known = this.functions.get(one.key);
      if (known === undefined) {
        this.functions.set(one.key, one.missed);
      } else {
        const left = intersect(known, one.missed);
        if (length(left) === length(known)) continue;
        this.functions.set(one.key, left);
      }
      this.pieces++;
      fresh.push(one);
    }
    return fresh;
  }
}

/** V8's coverage of this thread. A tenth of the time of target tcp, a third of target wire, 5 ms a look (20 slices each). */
export class CoverageProbe {
  private readonly session = new Session();

  constructor() {
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
  }

  /** The project's functions that were entered since the last look; the fuzzers themselves left out. */
  take(): Reached[] {
    const reached: Reached[] = [];
    this.session.post('Profiler.takePreciseCoverage', (error, profile) => {
      if (error !== null) throw error;
      for (const { url, functions } of profile.result) {
        const module = /\/dist\/((?!fuzz\/|.*\.test)[\w/.-]+)$/.exec(url)?.[1];
        if (module === undefined) continue;
        for (const { functionName, ranges, isBlockCoverage } of functions) {
          if (ranges[0].count === 0) continue;
          const key = `${module} ${functionName} ${ranges[0].startOffset}`;
          reached.push({ key, missed: isBlockCoverage ? missedOf(ranges) : [] });
        }
      }
    });
    return reached;
  }

  close(): void {
    this.session.disconnect();
  }
}
