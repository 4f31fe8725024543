// Wake counters after Van Jacobson: a side that goes idle says so and looks once more; the other side, after it has
// published, wakes it only if it sleeps. One wakeup per idle period and waker, none while the sleeper runs.
// It must never know what the sleeper waits for.
//
//   sleeper line: ASK odd while asleep, even while running; raised by one on each change. HOW it sleeps, and an argument
//   waker line:   BELL, raised by whoever wakes. Several wakers may share it, hence an atomic add: only in the rare case
//                 that somebody sleeps, never per packet.
//
// The order that makes it safe: the sleeper reads BELL, stores ASK, looks for work, and waits while BELL is unchanged;
// the waker publishes work, reads ASK, raises BELL, notifies. Either the sleeper sees the work, or the waker sees ASK,
// and then BELL has changed before the sleeper waits, or the notification finds it waiting.

import type { Arena } from './arena.js';
import { PAIR_BYTES } from './arena.js';

export const DoorbellLayout = {
  ASK: 0,
  HOW: 1,
  ARGUMENT: 2,
  BELL: PAIR_BYTES / 4,
} as const;

const { ASK, HOW, ARGUMENT, BELL } = DoorbellLayout;

export const DOORBELL_BYTES = 2 * PAIR_BYTES;

/** How the sleeper sleeps. `WAKE_KERNEL`: blocked in the kernel, the waker's hook (an eventfd write) ends that. */
export const WAKE_NOTIFY = 0;
export const WAKE_KERNEL = 1;

/** Called in the waker's thread for a sleeper that is blocked in the kernel, with the argument it left (an eventfd). */
export type KernelKick = (argument: number) => void;

/** A waker met a sleeper that is blocked in the kernel, but was given no hook to end that. */
export class DoorbellError extends Error {
  readonly code = 'DOORBELL_NO_KICK';
  constructor() {
    super('the sleeper is blocked in the kernel: the waker needs a hook that writes its eventfd');
    this.name = 'DoorbellError';
  }
}

export class DoorbellSleeper {
  private readonly words: Int32Array;
  private readonly at: number;
  private ask: number;
  private bell = 0;

  constructor(arena: Arena, offset: number) {
    this.words = arena.words;
    this.at = offset >>> 2;
    this.ask = Atomics.load(this.words, this.at + ASK) & ~1;
    Atomics.store(this.words, this.at + ASK, this.ask);
  }

  /**
   * First step: say that we are about to sleep. The caller then looks for work once more, and either calls one of the
   * waits (or blocks in the kernel, having passed WAKE_KERNEL and its eventfd) or `awake` at once.
   */
  prepare(how: number = WAKE_NOTIFY, argument = 0): void {
    Atomics.store(this.words, this.at + HOW, how);
    Atomics.store(this.words, this.at + ARGUMENT, argument);
    this.bell = Atomics.load(this.words, this.at + BELL);
    this.ask = (this.ask + 1) | 0;
    Atomics.store(this.words, this.at + ASK, this.ask);
  }

  /** Blocks this thread until rung or for `milliseconds`. May return early: look again. Not in the main thread. */
  wait(milliseconds: number = Number.POSITIVE_INFINITY): void {
    Atomics.wait(this.words, this.at + BELL, this.bell, milliseconds);
  }

  /** The same for a thread that may not block. Resolves when rung or timed out; never keeps the process alive. */
  waitAsync(milliseconds: number = Number.POSITIVE_INFINITY): Promise<void> {
    const atomics = Atomics as unknown as WaitAsync;
    const result = atomics.waitAsync(this.words, this.at + BELL, this.bell, milliseconds);
    return result.async ? result.value.then(ignore) : Promise.resolve();
  }

  /** Spins up to `rounds` looks; true when rung. For a core that has nothing better to do. */
  spin(rounds: number): boolean {
    for (let i = 0; i < rounds; i++) {
      if (Atomics.load(this.words, this.at + BELL) !== this.bell) return true;
    }
    return false;
  }

  /** Last step, whatever ended the sleep: from here on nobody rings. */
  awake(): void {
    this.ask = (this.ask + 1) | 0;
    Atomics.store(this.words, this.at + ASK, this.ask);
  }
}

function ignore(): void {}

/** ES2024's `Atomics.waitAsync`, which Node 20 has and the ES2023 library does not name. */
interface WaitAsync {
  waitAsync(
    words: Int32Array,
    index: number,
    value: number,
    timeout: number,
  ): { async: false; value: string } | { async: true; value: Promise<string> };
}

export class DoorbellWaker {
  private readonly words: Int32Array;
  private readonly at: number;
  private readonly kick: KernelKick | undefined;
  private seen = 0;
  /** Wakeups this waker caused. */
  rings = 0;

  constructor(arena: Arena, offset: number, kick?: KernelKick) {
    this.words = arena.words;
    this.at = offset >>> 2;
    this.kick = kick;
  }

  /** After publishing: wakes the sleeper if it sleeps and this waker has not yet woken it. True when it did. */
  ring(): boolean {
    const ask = Atomics.load(this.words, this.at + ASK);
    if ((ask & 1) === 0 || ask === this.seen) return false;
    this.seen = ask;
    this.force();
    return true;
  }

  /** Rings unconditionally: for shutting down. */
  force(): void {
    this.rings++;
    Atomics.add(this.words, this.at + BELL, 1);
    if (Atomics.load(this.words, this.at + HOW) === WAKE_KERNEL) {
      if (!this.kick) throw new DoorbellError();
      this.kick(Atomics.load(this.words, this.at + ARGUMENT));
    } else {
      Atomics.notify(this.words, this.at + BELL);
    }
  }
}
