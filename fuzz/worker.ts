// A fuzzing thread: takes slices, runs them, reports. Its heart beats in shared memory, so that a run that never ends is
// noticed from outside. It files nothing and decides nothing.

import { parentPort, workerData } from 'node:worker_threads';
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
  /** The engine itself failed. */
  readonly error?: string;
}

const beats = new Int32Array((workerData as { beats: SharedArrayBuffer }).beats);

parentPort?.on('message', async (order: WorkerOrder) => {
  const began = performance.now();
  try {
    const target = await loadTarget(order.target);
    Atomics.store(beats, 0, 0);
    const result = await runSlice(target, {
      seed: order.seed,
      runs: order.runs,
      known: new Set(order.known),
      limit: order.limit,
      beat: () => Atomics.add(beats, 0, 1),
    });
    parentPort?.postMessage({ ...result, ms: performance.now() - began } satisfies WorkerReport);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    parentPort?.postMessage({
      runs: 0,
      seen: {},
      ms: performance.now() - began,
      error: text,
    } satisfies WorkerReport);
  }
});
