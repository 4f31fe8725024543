// The packet pool: buffers in two classes in shared memory, each with one line of metadata. A buffer is named by a
// 32-bit index that travels through rings; whoever took the index out of a ring holds the buffer until it releases it.
// This file must never know what a packet means, nor which channel a ring belongs to.
//
// Every buffer belongs for good to one *party* (the driver for received packets, each endpoint for those it sends).
// A party allocates from its own free list, which nobody else touches; a buffer released elsewhere comes home through
// a ring of its own per pair of parties, so there is no lock and no compare-and-swap here either.

import type { Arena } from './arena.js';
import {
  LARGE_BYTES,
  MAX_PARTIES,
  Meta,
  PacketBuffers,
  PoolLayout,
  SITE_BYTES,
  SMALL_BYTES,
  STATE_FREE,
} from './buffers.js';
import { PoolParty } from './party.js';
import { PoolError } from './pool-error.js';
import { freeConsumer, freeProducer, initRing, ringBytes } from './ring.js';

export {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_VERIFIED,
  HEADROOM,
  LARGE_BYTES,
  PacketBuffers,
  SMALL_BYTES,
  TO_LINK,
  TO_STACK,
} from './buffers.js';
export { PoolParty } from './party.js';
export { PoolError } from './pool-error.js';

export interface PoolOptions {
  /** Buffers of 2 KiB, over all parties. */
  small: number;
  /** Buffers of 64 KiB, over all parties. */
  large: number;
  /** Poison released buffers and check every access; for tests. */
  debug?: boolean;
}

export interface PartyOptions {
  small: number;
  large: number;
}

export class PacketPool extends PacketBuffers {
  /** Control thread: reserves the buffers. Pages are committed by the system when first written. */
  static create(arena: Arena, options: PoolOptions): PacketPool {
    const { small, large, debug = false } = options;
    if (!Number.isInteger(small) || !Number.isInteger(large) || small < 0 || large < 0 || small + large < 1) {
      throw new PoolError('POOL_BAD', `a pool of ${small} small and ${large} large buffers`);
    }
    const offset = arena.alloc((PoolLayout.RECORDS + MAX_PARTIES * PoolLayout.RECORD_WORDS) * 4);
    const words = arena.words;
    const at = offset >>> 2;
    words[at + PoolLayout.SMALL] = small;
    words[at + PoolLayout.LARGE] = large;
    words[at + PoolLayout.META] = arena.alloc((small + large) * 64) / 64;
    words[at + PoolLayout.SMALL_AT] = small > 0 ? arena.alloc(small * SMALL_BYTES) / 64 : 0;
    words[at + PoolLayout.LARGE_AT] = large > 0 ? arena.alloc(large * LARGE_BYTES) / 64 : 0;
    words[at + PoolLayout.RETURNS] = arena.alloc(MAX_PARTIES * MAX_PARTIES * 4) / 64;
    words[at + PoolLayout.SITES] = debug ? arena.alloc((small + large) * SITE_BYTES) / 64 : 0;
    return new PacketPool(arena, offset);
  }

  /** Uses the pool that another thread created at `offset` of the same arena. */
  static attach(arena: Arena, offset: number): PacketPool {
    return new PacketPool(arena, offset);
  }

  /**
   * Control thread: gives a new party its share of the buffers and rings for their return; returns the party's id, for
   * `party(id)` in the thread that will use it. Throws POOL_EXHAUSTED.
   */
  addParty(options: PartyOptions): number {
    const { words, header, smallTotal } = this;
    const id = this.parties;
    if (id >= MAX_PARTIES) throw new PoolError('POOL_EXHAUSTED', `a pool has at most ${MAX_PARTIES} parties`);
    const small = words[header + PoolLayout.NEXT_SMALL];
    const large = words[header + PoolLayout.NEXT_LARGE];
    const smallLeft = smallTotal - small;
    const largeLeft = this.count - smallTotal - large;
    if (options.small > smallLeft || options.large > largeLeft) {
      throw new PoolError(
        'POOL_EXHAUSTED',
        `${options.small} small and ${options.large} large buffers asked, ${smallLeft} and ${largeLeft} left`,
      );
    }
    words[header + PoolLayout.NEXT_SMALL] = small + options.small;
    words[header + PoolLayout.NEXT_LARGE] = large + options.large;
    const record = this.record(id);
    words[record] = small;
    words[record + 1] = options.small;
    words[record + 2] = smallTotal + large;
    words[record + 3] = options.large;
    for (let i = 0; i < options.small; i++) words[this.meta(small + i) + Meta.OWNER] = id;
    for (let i = 0; i < options.large; i++) words[this.meta(smallTotal + large + i) + Meta.OWNER] = id;
    for (let other = 0; other < id; other++) {
      this.#addReturn(other, id);
      this.#addReturn(id, other);
    }
    Atomics.store(words, header + PoolLayout.PARTIES, id + 1);
    return id;
  }

  /** Buffers that the party was given. */
  share(id: number): PartyOptions {
    const record = this.record(id);
    return { small: this.words[record + 1], large: this.words[record + 3] };
  }

  /**
   * Control thread: the party's thread has died and nobody holds any of its buffers: all are free again, for whoever takes
   * the party next. The ways back between it and the others continue where they stand.
   */
  renewParty(id: number): void {
    const { words } = this;
    const record = this.record(id);
    const { small, large } = this.share(id);
    for (let i = 0; i < small; i++) this.#free(words[record] + i, id);
    for (let i = 0; i < large; i++) this.#free(words[record + 2] + i, id);
    for (let other = 0; other < this.parties; other++) {
      if (other === id) continue;
      freeConsumer(this.arena, Atomics.load(words, this.returnWord(other, id)) * 64);
      freeProducer(this.arena, Atomics.load(words, this.returnWord(id, other)) * 64);
    }
    Atomics.store(words, record + PoolLayout.CLAIM, 0);
  }

  /** Attaches to a party that `addParty` made. One thread at a time uses a party; throws PARTY_TAKEN otherwise. */
  party(id: number): PoolParty {
    return new PoolParty(this.arena, this.poolOffset, id);
  }

  #free(index: number, party: number): void {
    this.words[this.meta(index) + Meta.STATE] = STATE_FREE;
    if (this.debug) this.poison(index, `the end of party ${party}`);
  }

  #addReturn(from: number, to: number): void {
    const ring = this.arena.alloc(ringBytes(this.returnCapacity(to)));
    initRing(this.arena, ring);
    Atomics.store(this.words, this.returnWord(from, to), ring / 64);
  }
}
