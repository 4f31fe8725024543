// The kernel's lanes as promises: each a thread with a namespace of its own.

import { Worker } from 'node:worker_threads';
import type { LaneReply, LaneSetup, LaneTask } from './kernel-lane.js';
import type { Program, Trace } from './program.js';
import type { Sysctls } from './surroundings.js';

/** How long a batch may take, ms: beyond, the lane is lost. */
const PATIENCE = 300_000;

export class Lane {
  private readonly worker: Worker;

  constructor(setup: LaneSetup) {
    this.worker = new Worker(new URL('./kernel-lane.js', import.meta.url), { workerData: setup });
  }

  /** Plays programs side by side under these sysctls. Rejects when the lane cannot be had or breaks. */
  async play(programs: readonly Program[], sysctls: Sysctls): Promise<readonly Trace[]> {
    const reply = await new Promise<LaneReply>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('a lane does not answer')), PATIENCE);
      this.worker.once('error', reject);
      this.worker.once('message', (message: LaneReply) => {
        clearTimeout(timer);
        this.worker.off('error', reject);
        resolve(message);
      });
      this.worker.postMessage({ programs, sysctls } satisfies LaneTask);
    });
    if ('error' in reply) throw new Error(reply.error);
    return reply.traces;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.worker.once('exit', resolve));
    this.worker.postMessage({ programs: [], sysctls: {} } satisfies LaneTask);
    await ended;
  }
}
