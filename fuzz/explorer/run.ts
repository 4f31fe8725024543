// Runs a model's threads on a machine under a strategy, again and again, and counts. It must never know what is modelled.

import { ModelArena } from './arena.js';
import type { Program } from './load.js';
import { DONE, Finding, Machine } from './machine.js';
import type { Strategy } from './strategies.js';

// biome-ignore lint/suspicious/noExplicitAny: instrumented modules have no static types
export type Loader = (module: string) => any;

/** A model: threads over instrumented code, with oracles that throw a Finding. */
export interface Model {
  readonly name: string;
  /** What it does, for `--list`. */
  readonly about: string;
  readonly threads: readonly string[];
  readonly arenaBytes: number;
  /** Default parameters; all numbers, so that they can be printed and shrunk. */
  readonly params: Readonly<Record<string, number>>;
  /** Binds it to instrumented code. `load('channel/ring.js')` gives a module's exports. */
  bind(load: Loader, arena: ModelArena, params: Record<string, number>, machine: Machine): Instance;
}

export interface Instance {
  /** Sets everything up anew and returns the threads' bodies. */
  start(): Generator<unknown, void, unknown>[];
  /** After all threads ended: the final checks. */
  finish(): void;
}

export const MAX_STEPS = 4096;

/** One model bound to one program. */
export class Session {
  readonly model: Model;
  /** Whether plain accesses are scheduling points too. */
  readonly everyAccess: boolean;
  readonly params: Record<string, number>;
  readonly machine: Machine;
  readonly arena: ModelArena;
  readonly instance: Instance;
  /** Of the last run: the thread of each step, the site of each step's access, and how many steps. */
  readonly trace = new Uint8Array(MAX_STEPS);
  readonly sites = new Int32Array(MAX_STEPS);
  steps = 0;
  /** Two 32-bit hashes of the last run's choices, to tell runs apart. */
  #hash0 = 0;
  #hash1 = 0;

  constructor(program: Program, model: Model, params: Record<string, number> = {}) {
    this.model = model;
    this.everyAccess = program.everyAccess;
    this.params = { ...model.params, ...params };
    this.arena = new ModelArena(model.arenaBytes);
    this.machine = new Machine(this.arena.buffer, program.sites);
    this.arena.machine = this.machine;
    this.instance = model.bind(program.bind(this.machine), this.arena, this.params, this.machine);
  }

  /** A number that differs between runs that chose differently (53 bits). */
  get fingerprint(): number {
    return (this.#hash0 >>> 0) * 2097152 + (this.#hash1 >>> 11);
  }

  /** One run. Returns what it found, undefined when nothing; `false` when the strategy gave it up as a repetition. */
  run(strategy: Strategy): Finding | undefined | false {
    this.steps = 0;
    this.#hash0 = 0;
    this.#hash1 = 0;
    try {
      const complete = this.#loop(strategy);
      strategy.end(this.steps);
      return complete ? undefined : false;
    } catch (error) {
      strategy.end(this.steps);
      if (error instanceof Finding) return error;
      const e = error as Error;
      return new Finding('exception', `${e.name}: ${e.message}`);
    }
  }

  #loop(strategy: Strategy): boolean {
    const { machine, arena, trace, sites } = this;
    arena.reset();
    machine.spins = 0;
    const bodies = this.instance.start();
    arena.running = true;
    machine.begin(bodies, this.model.threads);
    const { threads } = machine;
    let last = -1;
    for (;;) {
      let mask = 0;
      let live = false;
      for (let t = 0; t < threads.length; t++) {
        const thread = threads[t];
        if (thread.kind === DONE) continue;
        live = true;
        if (machine.runnable(thread)) mask |= 1 << t;
      }
      if (mask === 0) {
        if (live) throw this.#stuck();
        break;
      }
      const t = strategy.pick(mask, last, this.steps, machine);
      if (t < 0) return false;
      if (this.steps >= MAX_STEPS) throw new Finding('livelock', `no end after ${MAX_STEPS} steps`);
      trace[this.steps] = t;
      sites[this.steps] = threads[t].site;
      this.steps++;
      // Only real choices tell runs apart.
      if ((mask & (mask - 1)) !== 0) {
        this.#hash0 = Math.imul(this.#hash0 ^ (t + 1), 0x01000193) + (this.#hash0 >>> 15);
        this.#hash1 = Math.imul(this.#hash1 + t + 7, 0x85ebca6b) ^ (this.#hash1 >>> 13);
      }
      last = t;
      machine.step(threads[t]);
    }
    machine.spins = 0;
    arena.running = false;
    this.instance.finish();
    return true;
  }

  #stuck(): Finding {
    const waiting = this.machine.threads
      .filter((t) => t.kind !== DONE)
      .map((t) => `${t.name} ${t.parked ? 'sleeps' : 'spins'} at ${this.machine.label(t.site)}`);
    const parked = this.machine.threads.some((t) => t.parked);
    return new Finding(parked ? 'lost-wakeup' : 'stuck', `nobody can go on: ${waiting.join(', ')}`);
  }
}

export interface Exploration {
  runs: number;
  distinct: number;
  seconds: number;
  steps: number;
  /** The strategy has tried everything. */
  exhausted: boolean;
  finding: Finding | undefined;
}

export interface Budget {
  runs?: number;
  seconds?: number;
  /** Count distinct schedules (costs memory). */
  distinct?: boolean;
}

/** Explores until something is found, the strategy is exhausted or the budget is spent. `clock` gives milliseconds. */
export function explore(
  session: Session,
  strategy: Strategy,
  budget: Budget,
  clock: () => number,
): Exploration {
  const limit = budget.runs ?? Infinity;
  const until = budget.seconds === undefined ? Infinity : clock() + budget.seconds * 1000;
  const seen = new Set<number>();
  const begun = clock();
  const result: Exploration = {
    runs: 0,
    distinct: 0,
    seconds: 0,
    steps: 0,
    exhausted: false,
    finding: undefined,
  };
  while (result.runs < limit) {
    if ((result.runs & 255) === 255 && clock() > until) break;
    if (!strategy.begin()) {
      result.exhausted = true;
      break;
    }
    const outcome = session.run(strategy);
    if (outcome === false) continue;
    result.runs++;
    result.steps += session.steps;
    if (budget.distinct) seen.add(session.fingerprint);
    if (outcome) {
      result.finding = outcome;
      break;
    }
  }
  result.seconds = (clock() - begun) / 1000;
  result.distinct = budget.distinct ? seen.size : result.exhausted ? result.runs : 0;
  return result;
}
