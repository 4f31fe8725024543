// The control thread's store of chain nodes: where new ones come from, and where unlinked ones wait until no reader can
// stand on them. It must never know what a node contains.

import type { Arena } from '../channel/arena.js';
import type { EpochWriter } from './epochs.js';

/** Nodes that one allocation from the arena brings. */
const SLAB = 1024;

export class NodeStore {
  readonly #arena: Arena;
  readonly #epochs: EpochWriter;
  readonly #slab: number;
  readonly #free: number[] = [];
  /** Unlinked and not yet under a grace period; unlinked and under the one that `#ticket` names. */
  #pending: number[] = [];
  #waiting: number[] = [];
  #pendingCalls: (() => void)[] = [];
  #waitingCalls: (() => void)[] = [];
  #ticket = 0;
  /** Lines taken from the arena in all. */
  lines = 0;

  constructor(arena: Arena, epochs: EpochWriter, slab: number = SLAB) {
    this.#arena = arena;
    this.#epochs = epochs;
    this.#slab = slab;
  }

  /** The line of a node that nobody sees. Throws ARENA_FULL. */
  take(): number {
    if (this.#free.length === 0) this.#grow();
    return this.#free.pop() as number;
  }

  /** Gives back a node that was never linked. */
  untake(node: number): void {
    this.#free.push(node);
  }

  /** An unlinked node: reused after a grace period. */
  retire(node: number): void {
    this.#pending.push(node);
  }

  /** Calls `call` after a grace period that begins no earlier than now. */
  defer(call: () => void): void {
    this.#pendingCalls.push(call);
  }

  /** Unlinked nodes and calls that wait. */
  get limbo(): number {
    return (
      this.#pending.length + this.#waiting.length + this.#pendingCalls.length + this.#waitingCalls.length
    );
  }

  get available(): number {
    return this.#free.length;
  }

  /** Ends the grace period if it has elapsed, and begins the next if anything waits. True while something waits. */
  tick(): boolean {
    if (this.#waiting.length + this.#waitingCalls.length > 0) {
      if (!this.#epochs.elapsed(this.#ticket)) return true;
      for (const node of this.#waiting) this.#free.push(node);
      this.#waiting.length = 0;
      const calls = this.#waitingCalls;
      this.#waitingCalls = [];
      for (const call of calls) call();
    }
    if (this.#pending.length + this.#pendingCalls.length === 0) return false;
    [this.#pending, this.#waiting] = [this.#waiting, this.#pending];
    [this.#pendingCalls, this.#waitingCalls] = [this.#waitingCalls, this.#pendingCalls];
    this.#ticket = this.#epochs.begin();
    return true;
  }

  #grow(): void {
    const first = this.#arena.alloc(this.#slab * 64) / 64;
    this.lines += this.#slab;
    // The lowest on top: nodes inserted one after the other lie one after the other.
    for (let i = this.#slab - 1; i >= 0; i--) this.#free.push(first + i);
  }
}
