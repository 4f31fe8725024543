// Runs a plan, in this thread or over workers, and hands out results in the plan's order whatever order they come in:
// a report is the same every time.

import { Worker } from 'node:worker_threads';
import type { RunResult } from '../runner/result.js';
import type { PlannedRun } from './discover.js';
import { runFile, type SuiteOptions } from './run-file.js';

export interface PoolOptions {
  /** Threads; 1: no worker at all. */
  readonly jobs: number;
  /** Called for each result in the plan's order; false ends the suite. */
  readonly onResult: (result: RunResult, run: PlannedRun, index: number) => boolean;
  /** Called whenever a run has ended, in any order. */
  readonly onProgress?: (done: number) => void;
}

/** Runs that are handed to a worker at a time: small, so that a slow one does not hold others back. */
const BATCH = 4;

/** From worker to pool. */
export interface WorkerReply {
  readonly index: number;
  readonly result: RunResult;
}

/** From pool to worker; an empty batch ends it. */
export interface WorkerRequest {
  readonly batch: readonly (readonly [index: number, run: PlannedRun])[];
}

/** Resolves when all results are handed out or the suite was ended. */
export async function runPlan(
  plan: readonly PlannedRun[],
  options: SuiteOptions,
  pool: PoolOptions,
): Promise<void> {
  if (pool.jobs <= 1 || plan.length <= 1) await runHere(plan, options, pool);
  else await new WorkerPool(plan, options, pool).run();
}

async function runHere(plan: readonly PlannedRun[], options: SuiteOptions, pool: PoolOptions): Promise<void> {
  for (const [index, run] of plan.entries()) {
    const result = await runFile(run, options);
    pool.onProgress?.(index + 1);
    if (!pool.onResult(result, run, index)) return;
  }
}

class WorkerPool {
  private readonly plan: readonly PlannedRun[];
  private readonly options: SuiteOptions;
  private readonly pool: PoolOptions;
  private readonly results: (RunResult | undefined)[] = [];
  private nextToStart = 0;
  private nextToHandOut = 0;
  private done = 0;
  private ended = false;

  constructor(plan: readonly PlannedRun[], options: SuiteOptions, pool: PoolOptions) {
    this.plan = plan;
    this.options = options;
    this.pool = pool;
  }

  async run(): Promise<void> {
    const count = Math.min(this.pool.jobs, Math.ceil(this.plan.length / BATCH));
    await Promise.all(Array.from({ length: count }, () => this.worker()));
  }

  private batch(): WorkerRequest {
    const batch: (readonly [number, PlannedRun])[] = [];
    while (!this.ended && batch.length < BATCH && this.nextToStart < this.plan.length) {
      batch.push([this.nextToStart, this.plan[this.nextToStart]!]);
      this.nextToStart++;
    }
    return { batch };
  }

  private worker(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: this.options });
      let open = 0;
      const feed = (): void => {
        const request = this.batch();
        open = request.batch.length;
        worker.postMessage(request);
      };
      worker.on('message', (reply: WorkerReply) => {
        try {
          this.take(reply);
        } catch (error) {
          // What takes the results has failed: nothing more is started, and the caller learns why.
          this.ended = true;
          reject(error);
        }
        if (--open === 0) feed();
      });
      worker.on('error', reject);
      worker.on('exit', (code) => {
        if (code === 0) resolve();
        else reject(new Error(`a worker thread ended with status ${code}`));
      });
      feed();
    });
  }

  private take({ index, result }: WorkerReply): void {
    this.results[index] = result;
    this.pool.onProgress?.(++this.done);
    while (!this.ended && this.results[this.nextToHandOut]) {
      const i = this.nextToHandOut++;
      const ready = this.results[i]!;
      this.results[i] = undefined;
      if (!this.pool.onResult(ready, this.plan[i]!, i)) this.ended = true;
    }
  }
}
