// Vector clocks: whether plain accesses are ordered by happens-before (FastTrack's rules, PLDI 2009; JavaScript's
// happens-before: agent order, and a sequentially consistent load that reads from a sequentially consistent store).
// It must never perform an access.

import { Finding, MAX_THREADS, type ThreadState } from './thread-state.js';

/** Who can say what a race is between. */
export interface Names {
  readonly threads: readonly ThreadState[];
  label(site: number): string;
}

export class RaceClocks {
  readonly #names: Names;
  /** Clock matrix: clocks[t * MAX + u] is what thread t knows of u. */
  readonly #clocks = new Int32Array(MAX_THREADS * MAX_THREADS);
  /** Per location and thread: clock of its last plain read, plain write, atomic read, atomic write; release clock. */
  readonly #reads: Int32Array;
  readonly #writesOf: Int32Array;
  readonly #atomicReads: Int32Array;
  readonly #atomicWrites: Int32Array;
  readonly #release: Int32Array;
  /** Sites of those accesses, for messages. */
  readonly #lastWrite: Int32Array;
  readonly #lastRead: Int32Array;
  readonly #stamp: Int32Array;
  #run = 0;
  /** Threads of this run. */
  #count = 0;

  /** For `words` locations of 32 bits. */
  constructor(words: number, names: Names) {
    this.#names = names;
    this.#reads = new Int32Array(words * MAX_THREADS);
    this.#writesOf = new Int32Array(words * MAX_THREADS);
    this.#atomicReads = new Int32Array(words * MAX_THREADS);
    this.#atomicWrites = new Int32Array(words * MAX_THREADS);
    this.#release = new Int32Array(words * MAX_THREADS);
    this.#lastWrite = new Int32Array(words);
    this.#lastRead = new Int32Array(words);
    this.#stamp = new Int32Array(words);
  }

  /** A new run: what was written before it happens before every thread. */
  begin(threads: number): void {
    this.#run++;
    this.#count = threads;
    this.#clocks.fill(0);
    for (let t = 0; t < threads; t++) this.#clocks[t * MAX_THREADS + t] = 1;
  }

  /** What the thread does next does not happen before what others have seen of it. */
  tick(thread: number): void {
    this.#clocks[thread * MAX_THREADS + thread]++;
  }

  /** A plain read by `thread`. Throws a Finding. */
  read(thread: ThreadState, site: number, at: number): void {
    const t = thread.id;
    if (this.#stamp[at] !== this.#run) this.#reset(at);
    const base = at * MAX_THREADS;
    const clocks = this.#clocks;
    const count = this.#count;
    for (let u = 0; u < count; u++) {
      if (u === t) continue;
      const known = clocks[t * MAX_THREADS + u];
      if (this.#writesOf[base + u] > known || this.#atomicWrites[base + u] > known)
        this.#race(thread, site, at, u, 'read');
    }
    this.#reads[base + t] = clocks[t * MAX_THREADS + t];
    this.#lastRead[at] = site;
  }

  /** A plain write by `thread`. Throws a Finding. */
  write(thread: ThreadState, site: number, at: number): void {
    const t = thread.id;
    if (this.#stamp[at] !== this.#run) this.#reset(at);
    const base = at * MAX_THREADS;
    const clocks = this.#clocks;
    const count = this.#count;
    for (let u = 0; u < count; u++) {
      if (u === t) continue;
      const known = clocks[t * MAX_THREADS + u];
      if (this.#writesOf[base + u] > known || this.#atomicWrites[base + u] > known)
        this.#race(thread, site, at, u, 'write');
      if (this.#reads[base + u] > known || this.#atomicReads[base + u] > known)
        this.#race(thread, site, at, u, 'write');
    }
    this.#writesOf[base + t] = clocks[t * MAX_THREADS + t];
    this.#lastWrite[at] = site;
  }

  /** An atomic load: synchronises with the store it reads from; races with an unordered plain write. */
  acquire(thread: ThreadState, at: number): void {
    const t = thread.id;
    if (this.#stamp[at] !== this.#run) this.#reset(at);
    const base = at * MAX_THREADS;
    const clocks = this.#clocks;
    const count = this.#count;
    for (let u = 0; u < count; u++) {
      if (u !== t && this.#writesOf[base + u] > clocks[t * MAX_THREADS + u])
        this.#race(thread, thread.site, at, u, 'atomic read');
    }
    this.#atomicReads[base + t] = clocks[t * MAX_THREADS + t];
    for (let u = 0; u < count; u++) {
      if (this.#release[base + u] > clocks[t * MAX_THREADS + u])
        clocks[t * MAX_THREADS + u] = this.#release[base + u];
    }
    this.#lastRead[at] = thread.site;
  }

  /** Before an atomic write: races with unordered plain accesses. */
  checkAtomicWrite(thread: ThreadState, at: number): void {
    const t = thread.id;
    if (this.#stamp[at] !== this.#run) this.#reset(at);
    const base = at * MAX_THREADS;
    const clocks = this.#clocks;
    const count = this.#count;
    for (let u = 0; u < count; u++) {
      if (u === t) continue;
      const known = clocks[t * MAX_THREADS + u];
      if (this.#writesOf[base + u] > known || this.#reads[base + u] > known)
        this.#race(thread, thread.site, at, u, 'atomic write');
    }
    this.#lastWrite[at] = thread.site;
  }

  /** An atomic write: what the thread did before happens before whoever reads it. */
  release(thread: ThreadState, at: number): void {
    const t = thread.id;
    const base = at * MAX_THREADS;
    const clocks = this.#clocks;
    const count = this.#count;
    this.#atomicWrites[base + t] = clocks[t * MAX_THREADS + t];
    for (let u = 0; u < count; u++) this.#release[base + u] = clocks[t * MAX_THREADS + u];
    clocks[t * MAX_THREADS + t]++;
  }

  /** `into` learns all that `from` knows. */
  join(into: number, from: number): void {
    const clocks = this.#clocks;
    const count = this.#count;
    for (let u = 0; u < count; u++) {
      const known = clocks[from * MAX_THREADS + u];
      if (known > clocks[into * MAX_THREADS + u]) clocks[into * MAX_THREADS + u] = known;
    }
  }

  #reset(at: number): void {
    this.#stamp[at] = this.#run;
    const base = at * MAX_THREADS;
    const count = this.#count;
    for (let u = 0; u < count; u++) {
      this.#reads[base + u] = 0;
      this.#writesOf[base + u] = 0;
      this.#atomicReads[base + u] = 0;
      this.#atomicWrites[base + u] = 0;
      this.#release[base + u] = 0;
    }
  }

  #race(thread: ThreadState, site: number, at: number, other: number, how: string): never {
    const names = this.#names;
    const base = at * MAX_THREADS;
    const wrote = this.#writesOf[base + other] + this.#atomicWrites[base + other] > 0;
    const last = names.label(wrote ? this.#lastWrite[at] : this.#lastRead[at]);
    throw new Finding(
      'race',
      `${how} by ${thread.name} at ${names.label(site)} is not ordered with ${names.threads[other].name}'s access at ${last} (word ${at})`,
    );
  }
}
