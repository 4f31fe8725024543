// Who runs next. Each strategy sees only which threads can run, which ran last, and (for partial-order reduction) what
// each is about to access. It must never know what a model checks.

import { LOAD, type Machine, NOTIFY, PAUSE, PLAIN_READ, type ThreadState, WAIT } from './machine.js';

export interface Strategy {
  readonly name: string;
  /** Before each run; false when there is nothing more to explore. */
  begin(): boolean;
  /** One of the bits of `mask`; -1 gives the run up as a repetition of an earlier one. */
  pick(mask: number, last: number, step: number, machine: Machine): number;
  /** After each run, with its number of steps. */
  end(steps: number): void;
}

/** xorshift32: fast, and good enough to choose threads. */
export class Chooser {
  #state: number;
  constructor(seed: number) {
    this.#state = (Math.imul(seed | 0, 0x9e3779b1) ^ 0x6a09e667) | 1;
  }
  next(below: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % below;
  }
}

const COUNT = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4];

/** The `n`-th thread of a mask of at most four. */
function nth(mask: number, n: number): number {
  let left = n;
  for (let t = 0; ; t++) if ((mask & (1 << t)) !== 0 && left-- === 0) return t;
}

export class RandomStrategy implements Strategy {
  readonly name = 'random';
  readonly #chooser: Chooser;
  constructor(seed: number) {
    this.#chooser = new Chooser(seed);
  }
  begin(): boolean {
    return true;
  }
  pick(mask: number): number {
    const count = COUNT[mask];
    return nth(mask, count === 1 ? 0 : this.#chooser.next(count));
  }
  end(): void {}
}

/**
 * Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): random priorities, and depth - 1 steps at which the
 * running thread falls behind all others. Finds a bug of that depth with probability at least 1 / (n * k^(depth - 1)).
 */
export class PctStrategy implements Strategy {
  readonly name: string;
  readonly #chooser: Chooser;
  readonly #depth: number;
  readonly #priority = [0, 0, 0, 0];
  readonly #change: number[] = [];
  #length = 16;
  #lowest = 0;

  constructor(seed: number, depth: number) {
    this.name = `pct${depth}`;
    this.#chooser = new Chooser(seed);
    this.#depth = depth;
  }
  begin(): boolean {
    this.#lowest = 0;
    const order = [1, 2, 3, 4];
    for (let t = 0; t < 4; t++) {
      const i = t + this.#chooser.next(4 - t);
      [order[t], order[i]] = [order[i], order[t]];
      this.#priority[t] = order[t];
    }
    this.#change.length = 0;
    for (let i = 1; i < this.#depth; i++) this.#change.push(this.#chooser.next(this.#length));
    return true;
  }
  pick(mask: number, last: number, step: number): number {
    // A thread that just paused or parked is not in the mask; strict priorities need no more for fairness here.
    if (last >= 0 && this.#change.includes(step)) this.#priority[last] = --this.#lowest;
    let best = -1;
    for (let t = 0; t < 4; t++) {
      if ((mask & (1 << t)) !== 0 && (best < 0 || this.#priority[t] > this.#priority[best])) best = t;
    }
    return best;
  }
  end(steps: number): void {
    if (steps > this.#length) this.#length = steps;
  }
}

/**
 * Depth-first search over all choices, with at most `preemptions` switches away from a thread that could go on
 * (Musuvathi and Qadeer, PLDI 2007). With `reduce` (and no bound) sleep sets (Godefroid, 1996) leave out runs that only
 * swap neighbouring independent accesses of an earlier one.
 */
export class DfsStrategy implements Strategy {
  readonly name: string;
  readonly #bound: number;
  readonly #reduce: boolean;
  readonly #choice: number[] = [];
  readonly #tried: number[] = [];
  readonly #allowed: number[] = [];
  readonly #sleep: number[] = [];
  #depth = 0;
  #used = 0;
  #sleeping = 0;
  #first = true;

  constructor(preemptions: number = Infinity, reduce = false) {
    this.#bound = preemptions;
    this.#reduce = reduce && preemptions === Infinity;
    this.name = `dfs${preemptions === Infinity ? '' : preemptions}${this.#reduce ? '-por' : ''}`;
  }

  begin(): boolean {
    this.#used = 0;
    this.#sleeping = 0;
    if (this.#first) {
      this.#first = false;
      this.#depth = 0;
      return true;
    }
    // Back to the deepest choice that has an untried alternative.
    while (this.#choice.length > 0) {
      const d = this.#choice.length - 1;
      const rest = this.#allowed[d] & ~this.#tried[d];
      if (rest !== 0) {
        const t = 31 - Math.clz32(rest & -rest);
        this.#choice[d] = t;
        this.#tried[d] |= 1 << t;
        this.#depth = 0;
        return true;
      }
      this.#choice.pop();
      this.#tried.pop();
      this.#allowed.pop();
      this.#sleep.pop();
    }
    return false;
  }

  pick(mask: number, last: number, _step: number, machine: Machine): number {
    const d = this.#depth++;
    const canStay = last >= 0 && (mask & (1 << last)) !== 0;
    if (d === this.#choice.length) {
      let allowed = mask;
      if (canStay && this.#used >= this.#bound) allowed = 1 << last;
      if (this.#reduce) {
        allowed &= ~this.#sleeping;
        if (allowed === 0) {
          this.#depth--;
          return -1;
        }
      }
      // Going on with the same thread first: the fewest switches come first.
      const t = canStay && (allowed & (1 << last)) !== 0 ? last : 31 - Math.clz32(allowed & -allowed);
      this.#choice.push(t);
      this.#tried.push(1 << t);
      this.#allowed.push(allowed);
      this.#sleep.push(this.#sleeping);
    }
    const t = this.#choice[d];
    if (canStay && t !== last) this.#used++;
    if (this.#reduce) {
      // Whoever was explored here before `t`, or slept already, sleeps on while it is independent of what `t` does.
      const candidates = (this.#sleep[d] | this.#tried[d]) & ~(1 << t);
      let next = 0;
      for (const other of machine.threads) {
        if ((candidates & (1 << other.id)) !== 0 && independent(other, machine.threads[t]))
          next |= 1 << other.id;
      }
      this.#sleeping = next;
    }
    return t;
  }

  end(): void {}
}

/** Two pending accesses that give the same result in either order. */
function independent(a: ThreadState, b: ThreadState): boolean {
  if (a.kind === PAUSE || b.kind === PAUSE || a.parked || b.parked) return false;
  if (a.kind === NOTIFY || b.kind === NOTIFY || a.kind === WAIT || b.kind === WAIT)
    return a.index !== b.index;
  const reads = (t: ThreadState): boolean => t.kind === LOAD || t.kind === PLAIN_READ;
  // Plain accesses may be of other widths: taken as one place.
  const plain = a.kind >= PLAIN_READ || b.kind >= PLAIN_READ;
  return (reads(a) && reads(b)) || (!plain && a.index !== b.index);
}
