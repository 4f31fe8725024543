// A campaign: slices of several targets over several threads, round robin by time spent, until runs or time are used up.
// Its state is a few numbers a target, so that it can be killed at any moment and taken up again. Files nothing itself:
// whoever runs it is told of finds.

import { Worker } from 'node:worker_threads';
import { CoverageMap } from './coverage.js';
import { campaignInputs } from './guided.js';
import { type Find, inputOfRun, sliceSeed } from './slice.js';
import { loadTarget } from './targets/index.js';
import type { WorkerOrder, WorkerReport } from './worker.js';

export interface CampaignOptions {
  readonly targets: readonly string[];
  readonly seed: number;
  /** Runs a target; Infinity: no bound. */
  readonly runs: number;
  /** ms for all targets together; Infinity: no bound. */
  readonly time: number;
  readonly jobs: number;
  /** This machine's part: slices whose number is `index` modulo `count`, `index` from 0. */
  readonly shard: { readonly index: number; readonly count: number };
  /** End with the first new failure. */
  readonly stopOnFind: boolean;
  /**
   * ms of work without a run coming back after which it counts as hanging. Work is the process's, divided by `jobs`: on a
   * busy machine a run that is merely slow is not blamed. One that waits and does nothing has ten times as long.
   */
  readonly hang: number;
  readonly state: CampaignState;
  readonly clock: () => number;
  readonly onFind: (target: string, find: Find, at: { runs: number; ms: number }) => void;
  readonly onProgress: (campaign: Campaign) => void;
}

export interface TargetState {
  /** Slices of the whole campaign that are given out or passed over. */
  next: number;
  runs: number;
  /** ms of work. */
  ms: number;
  /** Failures by id, and how often each was seen again. */
  finds: Record<string, number>;
}

export interface CampaignState {
  readonly seed: number;
  readonly targets: Record<string, TargetState>;
}

interface Job {
  readonly beats: Int32Array;
  worker: Worker;
  target: string;
  seed: number;
  beat: number;
  beatAt: number;
  /** ms that the process had worked at `beatAt`. */
  beatWork: number;
}

/** ms of processor time that the process has used. */
function worked(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** ms that one slice may take, shrinking included. */
const SLICE_LIMIT = 20_000;

export class Campaign {
  readonly options: CampaignOptions;
  readonly began: number;
  /** ms at which the last new failure was found, since the beginning. */
  lastFind: number | undefined;
  /** What the threads have reached together, and when that last became more. */
  readonly coverage = new CoverageMap();
  lastReached = 0;
  private readonly sizes = new Map<string, number>();
  private readonly busy = new Set<Job>();
  private stopping = false;
  private failure: Error | undefined;
  private wake: () => void = () => {};

  constructor(options: CampaignOptions) {
    this.options = options;
    this.began = options.clock();
    for (const name of options.targets) {
      options.state.targets[name] ??= { next: 0, runs: 0, ms: 0, finds: {} };
    }
  }

  get elapsed(): number {
    return this.options.clock() - this.began;
  }

  get runs(): number {
    return this.options.targets.reduce((sum, name) => sum + this.options.state.targets[name].runs, 0);
  }

  get finds(): number {
    return this.options.targets.reduce(
      (sum, name) => sum + Object.keys(this.options.state.targets[name].finds).length,
      0,
    );
  }

  /** Ends after the slices under way; a second call has no more effect. */
  stop(): void {
    this.stopping = true;
  }

  /** Runs to the end. Throws when a target cannot be loaded or the engine fails. */
  async run(): Promise<void> {
    const { options } = this;
    for (const name of options.targets) this.sizes.set(name, (await loadTarget(name)).sliceRuns);
    const jobs = Array.from({ length: options.jobs }, () => this.newJob());
    const watch = setInterval(() => this.watch(), 500);
    try {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        for (const job of jobs) this.give(job);
        if (this.busy.size === 0) resolve();
      });
    } finally {
      clearInterval(watch);
      await Promise.all(jobs.map((job) => job.worker.terminate()));
    }
    if (this.failure !== undefined) throw this.failure;
  }

  private newJob(): Job {
    const beats = new Int32Array(new SharedArrayBuffer(4));
    const job: Job = {
      beats,
      worker: this.newWorker(beats),
      target: '',
      seed: 0,
      beat: 0,
      beatAt: 0,
      beatWork: 0,
    };
    this.listen(job);
    return job;
  }

  private newWorker(beats: Int32Array): Worker {
    return new Worker(new URL('./worker.js', import.meta.url), { workerData: { beats: beats.buffer } });
  }

  private listen(job: Job): void {
    const { worker } = job;
    worker.on('message', (report: WorkerReport) => this.take(job, report));
    worker.on('error', (error) => {
      if (worker !== job.worker) return;
      this.failure ??= error;
      this.stopping = true;
      this.done(job);
    });
  }

  /** The target that has had the least time among those that are not through. */
  private choose(): string | undefined {
    const { targets, runs, state, time } = this.options;
    if (this.stopping || this.elapsed >= time) return undefined;
    let best: string | undefined;
    for (const name of targets) {
      const one = state.targets[name];
      if (one.runs + this.givenOut(name) >= runs) continue;
      const spent = (target: string): number => state.targets[target].ms + this.underWay(target);
      if (best === undefined || spent(name) < spent(best)) best = name;
    }
    return best;
  }

  private givenOut(name: string): number {
    let sum = 0;
    for (const job of this.busy) if (job.target === name) sum += this.sizes.get(name) ?? 0;
    return sum;
  }

  /** A slice under way counts as a second, so that two threads do not fall upon one target. */
  private underWay(name: string): number {
    let sum = 0;
    for (const job of this.busy) if (job.target === name) sum += 1000;
    return sum;
  }

  private give(job: Job): void {
    const name = this.choose();
    if (name === undefined) {
      this.done(job);
      return;
    }
    const { seed, shard, time, runs, state } = this.options;
    const target = state.targets[name];
    while (target.next % shard.count !== shard.index) target.next++;
    job.target = name;
    job.seed = sliceSeed(seed, name, target.next++);
    job.beat = -1;
    this.felt(job);
    Atomics.store(job.beats, 0, 0);
    this.busy.add(job);
    const left = Number.isFinite(time) ? Math.max(1, time - this.elapsed) : SLICE_LIMIT;
    const order: WorkerOrder = {
      target: name,
      seed: job.seed,
      runs: Math.min(this.sizes.get(name) ?? 1, runs - target.runs),
      known: Object.keys(target.finds),
      // A failure found in the last moment still has five seconds to shrink.
      limit: Math.min(SLICE_LIMIT, left + 5000),
    };
    job.worker.postMessage(order);
  }

  private take(job: Job, report: WorkerReport): void {
    const target = this.options.state.targets[job.target];
    target.runs += report.runs;
    target.ms += report.ms;
    if (this.coverage.merge(report.reached).length > 0) this.lastReached = this.elapsed;
    for (const [id, count] of Object.entries(report.seen)) target.finds[id] = (target.finds[id] ?? 0) + count;
    if (report.find !== undefined) this.found(job.target, target, report.find, report.runs);
    if (report.error !== undefined) {
      this.failure ??= new Error(`${job.target}, slice of seed ${job.seed}: ${report.error}`);
      this.stopping = true;
    }
    this.busy.delete(job);
    this.options.onProgress(this);
    this.give(job);
    if (this.busy.size === 0) this.wake();
  }

  private found(name: string, target: TargetState, find: Find, sliceRuns: number): void {
    const known = target.finds[find.id] !== undefined;
    target.finds[find.id] = (target.finds[find.id] ?? 0) + 1;
    if (known) return;
    this.lastFind = this.elapsed;
    if (this.options.stopOnFind) this.stopping = true;
    this.options.onFind(name, find, { runs: target.runs - sliceRuns + find.runs, ms: this.elapsed });
  }

  private done(job: Job): void {
    this.busy.delete(job);
    if (this.busy.size === 0) this.wake();
  }

  private felt(job: Job): void {
    job.beatAt = this.options.clock();
    job.beatWork = worked();
  }

  /** Notices runs that do not come back: the thread is ended, and the input made again from seed and number. */
  private watch(): void {
    const { hang, jobs, clock } = this.options;
    for (const job of [...this.busy]) {
      const beat = Atomics.load(job.beats, 0);
      if (beat !== job.beat) {
        job.beat = beat;
        this.felt(job);
      } else if (worked() - job.beatWork > hang * jobs || clock() - job.beatAt > 10 * hang) {
        void this.hung(job, beat);
      }
    }
    this.options.onProgress(this);
  }

  private async hung(job: Job, beat: number): Promise<void> {
    const { worker, target: name, seed } = job;
    job.worker = this.newWorker(job.beats);
    this.listen(job);
    this.felt(job);
    await worker.terminate();
    const target = await loadTarget(name);
    const run = Math.max(0, beat - 1);
    const find: Find = {
      id: 'a run does not end',
      message: `run ${run} of the slice did not come back within ${this.options.hang} ms of work`,
      stack: '',
      seed,
      path: String(run),
      input: target.encode(await inputOfRun(campaignInputs(target), seed, run)),
      shrinks: 0,
      runs: beat,
    };
    this.take(job, { runs: beat, seen: {}, reached: [], ms: this.options.hang, find });
  }
}
