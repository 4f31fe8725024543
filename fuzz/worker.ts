// A fuzzing thread: takes slices, runs them, reports. Its heart beats in shared memory, so that a run that never ends is
// noticed from outside. It files nothing and decides nothing.

import { parentPort, workerData } from 'node:worker_threads';
import { CoverageMap, CoverageProbe, type Reached } from './coverage.js';
import { campaignInputs } from './guided.js';
import { runSlice, type SliceResult } from './slice.js';
import { loadTarget } from './targets/index.js';

export interface WorkerOrder {
  readonly target: string;
  readonly seed: number;
  readonly runs: number;
  readonly known: readonly string[];
  readonly limit: number;
}

export interface WorkerReport extends SliceResult {
  readonly ms: number;
  /** Code that no slice of this thread had reached before. */
  readonly reached: readonly Reached[];
  /** The engine itself failed. */
  readonly error?: string;
}

const beats = new Int32Array((workerData as { beats: SharedArrayBuffer }).beats);

// Under c8 the counts are its own: a second taker would take them away.
const probe = !process.env.NODE_V8_COVERAGE ? new CoverageProbe() : undefined;
const map = new CoverageMap();

parentPort?.on('message', async (order: WorkerOrder) => {
  const began = performance.now();
  try {
    const target = await loadTarget(order.target);
    Atomics.store(beats, 0, 0);
    const slice = {
      seed: order.seed,
      runs: order.runs,
      known: new Set(order.known),
      limit: order.limit,
      beat: () => void Atomics.add(beats, 0, 1),
    };
    const result = await runSlice(target, slice, campaignInputs(target));
    const reached = map.merge(probe?.take() ?? []);
    parentPort?.postMessage({ ...result, reached, ms: performance.now() - began } satisfies WorkerReport);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    parentPort?.postMessage({
      runs: 0,
      seen: {},
      reached: [],
      ms: performance.now() - began,
      error: text,
    } satisfies WorkerReport);
  }
});
