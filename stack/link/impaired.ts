// Middleware that turns any link into a bad one: loss, duplication, corruption, delay, jitter, reordering and a rate
// limit with a bounded queue, each way by itself, from a seeded generator and in virtual time.
// Knows frames and time only; what a frame means it never asks.

import type { PoolParty } from '../channel/pool.js';
import { FrameQueue } from './frame-queue.js';
import { type Impairment, ImpairmentError, ImpairmentState } from './impairment.js';
import type { Link } from './link.js';

export interface ImpairedOptions {
  /** What happens to frames sent through this link. */
  tx?: Impairment;
  /** What happens to frames received through it. */
  rx?: Impairment;
  /** For both ways, under `tx` and `rx`. */
  both?: Impairment;
  /** Default 1. The two ways draw from generators of their own, so that one does not disturb the other. */
  seed?: number;
  /** Frames held each way at most, over all reasons; default 65,536. */
  limit?: number;
  /**
   * Offer the inner link's super-packets and checksum offload. Default false: a bad network carries packets of the
   * MTU's size, and damage must meet real checksums.
   */
  offloads?: boolean;
}

export class ImpairedLink implements Link {
  readonly inner: Link;
  /** What has happened to each way so far; settings may be changed while the link is up with `set`. */
  readonly tx: ImpairmentState;
  readonly rx: ImpairmentState;
  readonly #offloads: boolean;
  readonly #txHeld: FrameQueue;
  readonly #rxHeld: FrameQueue;
  /** Time of the last look at the inner link. */
  #looked = Number.NEGATIVE_INFINITY;
  readonly #one = new Uint32Array(1);
  readonly #batch = new Uint32Array(64);

  /** Throws ImpairmentError for settings out of range. */
  constructor(inner: Link, options: ImpairedOptions = {}) {
    const { seed = 1, limit = 65536, both = {}, offloads = false } = options;
    if (!Number.isInteger(limit) || limit < 1) throw new ImpairmentError(`limit ${limit}`);
    this.inner = inner;
    this.tx = new ImpairmentState({ ...both, ...options.tx }, seed * 2 + 1);
    this.rx = new ImpairmentState({ ...both, ...options.rx }, seed * 2 + 2);
    this.#offloads = offloads;
    this.#txHeld = new FrameQueue(limit);
    this.#rxHeld = new FrameQueue(limit);
  }

  get name(): string {
    return this.inner.name;
  }
  get framing(): 'ethernet' | 'ip' {
    return this.inner.framing;
  }
  get mtu(): number {
    return this.inner.mtu;
  }
  get gsoMaxSize(): number {
    return this.#offloads ? this.inner.gsoMaxSize : 0;
  }
  get checksumOffload(): boolean {
    return this.#offloads && this.inner.checksumOffload;
  }
  get hardwareAddress(): Uint8Array | null {
    return this.inner.hardwareAddress;
  }

  /** Frames held, both ways. */
  get held(): number {
    return this.#txHeld.size + this.#rxHeld.size;
  }

  receive(now: number, party: PoolParty, out: Uint32Array, max: number): number {
    this.#forward(now, party);
    this.#takeIn(now, party);
    let n = 0;
    while (n < max && this.#rxHeld.nextTime <= now) {
      const index = this.#rxHeld.popBuffer(party);
      if (index < 0) break;
      out[n++] = index;
    }
    return n;
  }

  transmit(now: number, party: PoolParty, indices: Uint32Array, count: number): number {
    for (let i = 0; i < count; i++) this.tx.apply(now, party, indices[i], this.#txHeld, this.framing);
    this.#forward(now, party);
    return count;
  }

  /** The frames of the inner link may come out later than it says: `receive` then knows. */
  nextEvent(): number {
    return Math.min(this.inner.nextEvent(), this.#txHeld.nextTime, this.#rxHeld.nextTime);
  }

  close(): void {
    this.#txHeld.clear();
    this.#rxHeld.clear();
    this.inner.close();
  }

  // Sends what is due. A frame that the inner link refuses now is lost, as in a router whose next queue is full.
  #forward(now: number, party: PoolParty): void {
    while (this.#txHeld.nextTime <= now) {
      const time = this.#txHeld.nextTime;
      const index = this.#txHeld.popBuffer(party);
      if (index < 0) return;
      this.#one[0] = index;
      // At the time it was due: the driver may come late, the network does not.
      if (this.inner.transmit(time, party, this.#one, 1) === 0) this.tx.counters.dropped++;
      party.release(index);
    }
  }

  #takeIn(now: number, party: PoolParty): void {
    for (;;) {
      const n = this.inner.receive(now, party, this.#batch, this.#batch.length);
      for (let i = 0; i < n; i++) {
        const index = this.#batch[i];
        // A stamp since the last look is the inner link's; any other is what the buffer's last use left there.
        const stamp = party.stamp(index);
        const time = stamp > this.#looked && stamp <= now ? stamp : now;
        this.rx.apply(time, party, index, this.#rxHeld, this.framing);
        party.release(index);
      }
      if (n < this.#batch.length) break;
    }
    this.#looked = now;
  }
}
