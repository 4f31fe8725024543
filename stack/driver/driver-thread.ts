// Starts and stops the driver's worker thread, and makes sure that nothing the process does leaves it behind: `close`,
// `process.exit`, an uncaught throw, the end of main, and a crash of the driver itself. Control thread only.
// It must never know what links are: it passes a module's name on.

import { Worker } from 'node:worker_threads';
import { DoorbellWaker, type KernelKick } from '../channel/doorbell.js';
import type { Control } from './control.js';
import type { DriverCounters } from './driver.js';
import { readDriverCounters } from './driver-counters.js';
import type { DriverData, LinkDescription } from './driver-worker.js';
import { askStop, driverBell } from './endpoints.js';

export interface DriverThreadOptions {
  /** Absolute URL of a module whose `openLinks(options, bell)` opens the links in the driver's thread. */
  module: string;
  options?: unknown;
  /** An eventfd for the links' waiter; it stays the caller's. */
  bell?: number;
  /** The driver's share of packet buffers. */
  buffers?: { small: number; large: number };
  /** Rounds without work before it sleeps; default 32. */
  spin?: number;
  /** Ends a sleep in the kernel: writes the eventfd that it is given. Needed when the links wait in the kernel. */
  kick?: KernelKick;
  /** Stack time 0, in microseconds of Unix time; default now. */
  epoch?: number;
  /** Told when the thread ends without having been asked to: with its error, if it threw. */
  onCrash?: (error: Error) => void;
}

export class DriverThreadError extends Error {
  readonly code: 'DRIVER_START' | 'DRIVER_CRASHED';
  constructor(code: DriverThreadError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DriverThreadError';
    this.code = code;
  }
}

/** Milliseconds between slices of the control thread's background work while something waits, and while nothing does. */
const BUSY_TICK = 1;
const IDLE_TICK = 50;

export class DriverThread {
  readonly control: Control;
  /** The links as they were when the driver opened them. */
  links: readonly LinkDescription[] = [];
  readonly #worker: Worker;
  readonly #waker: DoorbellWaker;
  readonly #gone: Promise<void>;
  readonly #onExit: () => void;
  #timer: NodeJS.Timeout | undefined;
  #closing = false;
  #ended = false;
  #holders = 0;

  private constructor(control: Control, options: DriverThreadOptions) {
    this.control = control;
    const { small = 1024, large = 64 } = options.buffers ?? {};
    const data: DriverData = {
      address: control.address,
      party: control.pool.addParty({ small, large }),
      reader: control.table.addReader(),
      module: options.module,
      options: options.options ?? null,
      bell: options.bell ?? -1,
      spin: options.spin ?? 32,
      epoch: options.epoch ?? Date.now() * 1000,
    };
    this.#waker = new DoorbellWaker(control.arena, driverBell(control.register), options.kick);
    this.#worker = new Worker(new URL('./driver-worker.js', import.meta.url), {
      workerData: { netchannelDriver: data },
    });
    let error: Error | undefined;
    this.#worker.on('error', (e) => {
      error = e as Error;
    });
    this.#gone = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#ended = true;
        // A driver that died holds no read section any more: grace periods go on without it.
        control.table.removeReader(data.reader);
        if (!this.#closing) {
          this.#release();
          const cause = error ?? new Error('the driver thread ended by itself');
          options.onCrash?.(new DriverThreadError('DRIVER_CRASHED', `driver: ${cause.message}`, cause));
        }
        resolve();
      });
    });
    // A thread inside a system call cannot be ended: whatever ends the process must wake it first.
    this.#onExit = () => this.#askStop();
    process.on('exit', this.#onExit);
    this.#schedule(BUSY_TICK);
  }

  /**
   * Starts the driver and resolves when it runs. Rejects with DRIVER_START when it ends before (a link that cannot be
   * opened: the cause has the reason). The thread alone does not keep the process alive; see `hold`.
   */
  static async start(control: Control, options: DriverThreadOptions): Promise<DriverThread> {
    let failure: Error | undefined;
    let running = false;
    let told: () => void = () => {};
    const begun = new Promise<void>((resolve) => {
      told = resolve;
    });
    const thread = new DriverThread(control, {
      ...options,
      onCrash: (error) => {
        failure = error;
        if (running) options.onCrash?.(error);
      },
    });
    thread.#worker.once('message', (links: LinkDescription[]) => {
      thread.links = links;
      running = true;
      told();
    });
    await Promise.race([begun, thread.#gone]);
    if (!running) {
      const reason = failure?.message ?? 'no reason given';
      throw new DriverThreadError(
        'DRIVER_START',
        `the driver did not start: ${reason}`,
        failure?.cause ?? failure,
      );
    }
    thread.#worker.unref();
    return thread;
  }

  /** What the driver has counted (modulo 2^32), as of its last sleep or a moment ago. */
  get counters(): DriverCounters {
    return readDriverCounters(this.control.arena, this.control.register);
  }

  /** Whether the thread has ended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Keeps the process alive, as an open socket does; each `hold` needs its `letGo`. */
  hold(): void {
    if (++this.#holders === 1 && !this.#ended) this.#worker.ref();
  }

  letGo(): void {
    if (this.#holders === 0) return;
    if (--this.#holders === 0 && !this.#ended) this.#worker.unref();
  }

  /** Wakes the driver if it sleeps: after a change that it should look at. */
  wake(): void {
    this.#waker.ring();
  }

  /** Asks the driver to stop and resolves when its thread is gone. Idempotent. */
  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#release();
      if (!this.#ended) {
        this.#worker.ref();
        this.#askStop();
      }
    }
    await this.#gone;
  }

  #askStop(): void {
    askStop(this.control.arena, this.control.register);
    this.#waker.force();
  }

  #release(): void {
    process.off('exit', this.#onExit);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Background work of the control thread, for as long as the driver runs. */
  #schedule(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      const more = this.control.tick();
      if (this.control.dead.length > 0) this.#waker.ring();
      if (!this.#closing && !this.#ended) this.#schedule(more ? BUSY_TICK : IDLE_TICK);
    }, milliseconds);
    this.#timer.unref();
  }
}
