// The machine on which instrumented code runs: it keeps each thread's pending access, performs accesses one at a time,
// and has each checked against the others (clocks.ts). It must never choose who runs: strategies do.

import { RaceClocks } from './clocks.js';
import {
  DONE,
  Finding,
  LOAD,
  MODEL_SITES,
  NONE,
  NOTIFY,
  PAUSE,
  PLAIN_READ,
  PLAIN_WRITE,
  RMW,
  SITE_PAUSE,
  STORE,
  ThreadState,
  WAIT,
} from './thread-state.js';
import type { Site } from './transform.js';

export * from './thread-state.js';

export class Machine {
  readonly sites: Site[];
  readonly threads: ThreadState[] = [];
  current: ThreadState = new ThreadState(0, '-');
  /** Stores, read-modify-writes and wakes of this run: what a pausing thread waits for. */
  writes = 0;
  /** Rounds of loops since the last access: the transform counts them. */
  spins = 0;
  readonly #buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #slots: Uint32Array;
  readonly #clocks: RaceClocks;

  constructor(buffer: SharedArrayBuffer, sites: Site[]) {
    this.sites = sites;
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#slots = new Uint32Array(buffer);
    this.#clocks = new RaceClocks(this.#words.length, this);
  }

  /** A new run: what set-up wrote happens before every thread. */
  begin(bodies: readonly Generator<unknown, void, unknown>[], names: readonly string[]): void {
    this.writes = 0;
    this.#clocks.begin(bodies.length);
    for (let t = 0; t < bodies.length; t++) {
      let thread = this.threads[t];
      if (!thread || thread.name !== names[t]) {
        thread = new ThreadState(t, names[t]);
        this.threads[t] = thread;
      }
      thread.body = bodies[t];
      thread.kind = NONE;
      thread.parked = false;
      thread.pausedAt = -1;
      thread.writes = 0;
    }
    this.threads.length = bodies.length;
    for (const thread of this.threads) this.#resume(thread, undefined);
  }

  runnable(thread: ThreadState): boolean {
    if (thread.kind === DONE) return false;
    if (thread.parked) return thread.timed;
    return thread.kind !== PAUSE || this.writes - thread.writes !== thread.pausedAt;
  }

  /** Performs a thread's pending access and runs it to its next one. Throws a Finding. */
  step(thread: ThreadState): void {
    const { index } = thread;
    const words = this.#words;
    let result: unknown;
    switch (thread.kind) {
      case LOAD:
        result = words[index];
        this.#clocks.acquire(thread, index);
        break;
      case STORE:
        this.#clocks.checkAtomicWrite(thread, index);
        words[index] = thread.value;
        this.#clocks.release(thread, index);
        result = thread.value;
        this.#wrote(thread);
        break;
      case RMW:
        result = this.#modify(thread, index);
        break;
      case WAIT:
        if (thread.parked) {
          // Resumed: rung, or timed out because the strategy says so.
          thread.parked = false;
          result = thread.timed ? 'timed-out' : 'ok';
          break;
        }
        this.#clocks.acquire(thread, index);
        if (words[index] !== thread.expected) result = 'not-equal';
        else {
          thread.parked = true;
          return;
        }
        break;
      case NOTIFY: {
        let woken = 0;
        for (const other of this.threads) {
          if (!other.parked || other.index !== index || woken >= thread.value) continue;
          other.timed = true; // runnable again: its next step resumes it
          woken++;
          // Notify and the wake-up synchronise (the waiter list's critical section).
          this.#clocks.join(other.id, thread.id);
        }
        this.#clocks.tick(thread.id);
        result = woken;
        if (woken > 0) this.#wrote(thread);
        break;
      }
      case PLAIN_READ:
      case PLAIN_WRITE: {
        this.current = thread;
        const array = thread.array as Int32Array;
        if (thread.kind === PLAIN_READ) result = this.r(thread.site, array, index);
        else result = this.w(thread.site, array, index, thread.value);
        break;
      }
      default:
        thread.pausedAt = -1;
        result = undefined;
    }
    this.#resume(thread, result);
  }

  #wrote(thread: ThreadState): void {
    this.writes++;
    thread.writes++;
  }

  #resume(thread: ThreadState, result: unknown): void {
    this.current = thread;
    this.spins = 0;
    const body = thread.body as Generator<unknown, void, unknown>;
    if (body.next(result).done) thread.kind = DONE;
  }

  /** A loop does not end by itself. */
  spun(): never {
    this.spins = 0;
    throw new Finding(
      'livelock',
      `${this.current.name} loops without end after ${this.label(this.current.site)}`,
    );
  }

  // ---- called by instrumented code: scheduling points. Each notes the access; the caller yields.

  load(site: number, array: Int32Array, index: number): void {
    this.#pend(LOAD, site, array, index);
  }

  store(site: number, array: Int32Array, index: number, value: number): void {
    this.#pend(STORE, site, array, index);
    this.current.value = value;
  }

  #rmw(site: number, array: Int32Array, index: number, value: number, operation: string, expected = 0): void {
    this.#pend(RMW, site, array, index);
    const thread = this.current;
    thread.value = value;
    thread.operation = operation;
    thread.expected = expected;
  }

  add(site: number, array: Int32Array, index: number, value: number): void {
    this.#rmw(site, array, index, value, 'add');
  }
  sub(site: number, array: Int32Array, index: number, value: number): void {
    this.#rmw(site, array, index, -value, 'add');
  }
  exchange(site: number, array: Int32Array, index: number, value: number): void {
    this.#rmw(site, array, index, value, 'exchange');
  }
  compareExchange(site: number, array: Int32Array, index: number, expected: number, value: number): void {
    this.#rmw(site, array, index, value, 'compareExchange', expected);
  }

  wait(site: number, array: Int32Array, index: number, expected: number, timeout = Infinity): void {
    this.#pend(WAIT, site, array, index);
    this.current.expected = expected;
    this.current.timed = timeout !== Infinity;
  }

  notify(site: number, array: Int32Array, index: number, count = Infinity): void {
    this.#pend(NOTIFY, site, array, index);
    this.current.value = count;
  }

  /** For models: what others have written so far; taken before a look whose failure leads to `pause`. */
  others(): number {
    return this.writes - this.current.writes;
  }

  /** For models: something changed that only JavaScript variables show, but that others wait for. */
  touch(): void {
    this.#wrote(this.current);
  }

  /** For models: a spin loop's round. The thread goes on once others have written since `others` gave `since`. */
  pause(since: number): void {
    const thread = this.current;
    thread.kind = PAUSE;
    thread.site = SITE_PAUSE;
    thread.index = -1;
    thread.pausedAt = since;
  }

  #pend(kind: number, site: number, array: Int32Array, index: number): void {
    if (array.buffer !== this.#buffer)
      throw new Finding('model', `atomic access outside the arena at ${this.label(site)}`);
    const thread = this.current;
    thread.kind = kind;
    thread.site = site;
    thread.index = index;
  }

  // ---- plain accesses: performed at once, race-checked

  /** Plain read of `array[index]`. */
  r(site: number, array: Int32Array | Uint32Array | Uint8Array | Float64Array, index: number): number {
    const at = this.#place(array, index);
    if (at >= 0) {
      this.#clocks.read(this.current, site, at);
      if (array.BYTES_PER_ELEMENT === 8) this.#clocks.read(this.current, site, at + 1);
    }
    return array[index];
  }

  /** Plain write of `array[index]`. */
  w(
    site: number,
    array: Int32Array | Uint32Array | Uint8Array | Float64Array,
    index: number,
    value: number,
  ): number {
    const at = this.#place(array, index);
    if (at >= 0) {
      this.#clocks.write(this.current, site, at);
      if (array.BYTES_PER_ELEMENT === 8) this.#clocks.write(this.current, site, at + 1);
    }
    array[index] = value;
    return value;
  }

  /** Plain read as a scheduling point. */
  pr(site: number, array: Int32Array, index: number): void {
    const thread = this.current;
    thread.kind = PLAIN_READ;
    thread.site = site;
    thread.array = array;
    thread.index = index;
  }

  /** Plain write as a scheduling point. */
  pw(site: number, array: Int32Array, index: number, value: number): void {
    this.pr(site, array, index);
    this.current.kind = PLAIN_WRITE;
    this.current.value = value;
  }

  fill(
    site: number,
    array: Int32Array | Uint8Array,
    value: number,
    from = 0,
    to: number = array.length,
  ): unknown {
    this.#range(site, array, from, to, true);
    return array.fill(value, from, to);
  }

  set(site: number, array: Int32Array | Uint8Array, source: ArrayLike<number>, at = 0): void {
    if (ArrayBuffer.isView(source)) this.#range(site, source as Uint8Array, 0, source.length, false);
    this.#range(site, array, at, at + source.length, true);
    array.set(source, at);
  }

  copyWithin(
    site: number,
    array: Int32Array | Uint8Array,
    target: number,
    from: number,
    to: number,
  ): unknown {
    this.#range(site, array, from, to, false);
    this.#range(site, array, target, target + to - from, true);
    return array.copyWithin(target, from, to);
  }

  slice(site: number, array: Int32Array | Uint8Array, from = 0, to: number = array.length): unknown {
    this.#range(site, array, from, to, false);
    return array.slice(from, to);
  }

  #range(site: number, array: Int32Array | Uint8Array, from: number, to: number, write: boolean): void {
    if (to <= from) return;
    const first = this.#place(array, from);
    if (first < 0) return;
    const last = this.#place(array, to - 1);
    for (let at = first; at <= last; at++) {
      if (write) this.#clocks.write(this.current, site, at);
      else this.#clocks.read(this.current, site, at);
    }
  }

  /** Location (32-bit word) of an element, -1 when the array is not shared. */
  #place(
    array: { buffer: ArrayBufferLike; BYTES_PER_ELEMENT: number; byteOffset: number },
    index: number,
  ): number {
    if (array === this.#words || array === this.#slots) return index;
    if (array.buffer !== this.#buffer) return -1;
    return (array.byteOffset + index * array.BYTES_PER_ELEMENT) >>> 2;
  }

  #modify(thread: ThreadState, at: number): number {
    const words = this.#words;
    this.#clocks.acquire(thread, at);
    const old = words[at];
    if (thread.operation === 'compareExchange' && old !== thread.expected) return old;
    this.#clocks.checkAtomicWrite(thread, at);
    words[at] = thread.operation === 'add' ? old + thread.value : thread.value;
    this.#clocks.release(thread, at);
    this.#wrote(thread);
    return old;
  }

  label(site: number): string {
    return site < 0 ? (MODEL_SITES[-site] ?? 'model') : (this.sites[site]?.label ?? `site ${site}`);
  }
}
