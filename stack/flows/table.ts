// The flow table as its one writer, the control thread, sees it: keys to channels, under RCU, resizing itself if asked.
// Readers (reader.ts) take no lock and never wait for this. It must never know what a channel is.
//
// Nothing here runs on the packet path: the control thread calls `tick` from a timer or between batches, and that is
// where resizing, reseeding and reclaiming happen, a bounded slice at a time.

import { type Arena, ArenaError } from '../channel/arena.js';
import { allocBuckets } from './chains.js';
import { EPOCHS_BYTES, EpochWriter } from './epochs.js';
import { KEY_WORDS, keyText } from './key.js';
import { MAX_BITS, MIN_BITS, NONE, TableLayout } from './layout.js';
import { NodeStore } from './nodes.js';
import { FlowReader } from './reader.js';
import { IDLE, Resizer } from './resize.js';
import { StatWord, type TableStats, tableStats } from './stats.js';

export { NONE } from './layout.js';
export { FlowReader } from './reader.js';
export type { TableStats } from './stats.js';

export class FlowTableError extends Error {
  readonly code: 'FLOW_EXISTS' | 'FLOW_BAD';
  constructor(code: FlowTableError['code'], message: string) {
    super(message);
    this.name = 'FlowTableError';
    this.code = code;
  }
}

export interface FlowTableOptions {
  /** Secret random 32-bit words, from a secure source; called twice at the start and at each reseed. */
  secret: () => number;
  /** Starts with 2^bits buckets, and never has fewer. Default 8. */
  bits?: number;
  /** Grow above 3 keys in 4 buckets, shrink below 3 in 10, by itself. Default true. */
  autoResize?: boolean;
  /** An insert that passes more nodes than this asks for a new seed. Default 24, raised with the load. */
  chainBound?: number;
  /** Nodes per allocation from the arena. */
  slab?: number;
}

/** Above this load the table doubles, below SHRINK_BELOW it halves; after either it is well inside. */
export const GROW_ABOVE = 0.75;
export const SHRINK_BELOW = 0.3;
/** Buckets that one `tick` works on by default: some tens of microseconds. */
export const TICK_BUCKETS = 1024;

export class FlowTable {
  readonly offset: number;
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #stats: number;
  readonly #secret: () => number;
  readonly #floor: number;
  readonly #chainBound: number;
  readonly #epochs: EpochWriter;
  readonly #nodes: NodeStore;
  readonly #resizer: Resizer;
  #flows = 0;
  #longest = 0;
  #wantReseed = false;
  /** After a reseed none before the table has doubled or this many inserts have passed: it may not have helped. */
  #reseedAfter = 0;
  #inserts = 0;
  /** Grows and shrinks by itself; may be changed at any time. */
  autoResize: boolean;

  constructor(arena: Arena, options: FlowTableOptions) {
    const { secret, bits = 8, autoResize = true, chainBound = 24, slab } = options;
    if (!Number.isInteger(bits) || bits < MIN_BITS || bits > MAX_BITS) {
      throw new FlowTableError(
        'FLOW_BAD',
        `a table has 2^${MIN_BITS} to 2^${MAX_BITS} buckets, not 2^${bits}`,
      );
    }
    this.#arena = arena;
    this.#words = arena.words;
    this.#secret = secret;
    this.#floor = bits;
    this.#chainBound = chainBound;
    this.autoResize = autoResize;
    this.offset = arena.alloc(TableLayout.BYTES);
    this.#stats = (this.offset >>> 2) + TableLayout.STATS;
    const epochs = arena.alloc(EPOCHS_BYTES);
    this.#words[(this.offset >>> 2) + TableLayout.EPOCHS] = epochs / 64;
    this.#epochs = new EpochWriter(arena, epochs);
    this.#nodes = new NodeStore(arena, this.#epochs, slab);
    const first = allocBuckets(arena, bits, secret() | 0, secret() | 0);
    this.#resizer = new Resizer(arena, this.offset, this.#epochs, this.#nodes, first);
    this.#publish();
  }

  /** A place for one more reader; the number goes to `new FlowReader(arena, offset, number)` in its thread. */
  addReader(): number {
    return this.#epochs.register();
  }

  /** The reader let go, or its thread died inside a read section: grace periods no longer wait for it. */
  removeReader(reader: number): void {
    this.#epochs.unregister(reader);
  }

  /** A reader for this very thread. */
  reader(): FlowReader {
    return new FlowReader(this.#arena, this.offset, this.addReader());
  }

  /** Keys in the table. */
  get size(): number {
    return this.#flows;
  }

  /**
   * Inserts a key; several keys may name one channel. Visible to every reader when it returns.
   * Throws FLOW_EXISTS, ARENA_FULL (then nothing has changed).
   */
  insert(key: Int32Array, channel: number, at = 0): void {
    this.#check(key, channel, at);
    if (this.#resizer.locate(key, at) !== 0) {
      throw new FlowTableError('FLOW_EXISTS', `${keyText(key, at)} is in the table`);
    }
    const passed = this.#resizer.insert(key, at, channel);
    this.#flows++;
    this.#inserts++;
    if (passed > this.#longest) this.#longest = passed;
    const bound = this.#chainBound + 8 * (this.#flows / 2 ** this.#resizer.current.bits);
    if (passed > bound && this.#inserts >= this.#reseedAfter) this.#wantReseed = true;
  }

  /** Removes a key: true when it was there. Readers may still see it until a grace period has passed (`defer`). */
  remove(key: Int32Array, at = 0): boolean {
    if (!this.#resizer.remove(key, at)) return false;
    this.#flows--;
    return true;
  }

  /** Points a key at another channel, at once for every reader: true when it was there. */
  replace(key: Int32Array, channel: number, at = 0): boolean {
    this.#check(key, channel, at);
    return this.#resizer.replace(key, at, channel);
  }

  /** Channel of exactly this key, NONE (-1) when there is none. For the control thread; readers use FlowReader. */
  get(key: Int32Array, at = 0): number {
    const node = this.#resizer.locate(key, at);
    return node === 0 ? NONE : this.#resizer.valueOf(node);
  }

  /** Where whatever matches no key goes; NONE to drop it. */
  setDefault(channel: number): void {
    Atomics.store(this.#words, (this.offset >>> 2) + TableLayout.DEFAULT, channel + 1);
  }

  /** Tells readers how many keys of addresses there are: none, and they look for none. */
  setAddresses(count: number): void {
    Atomics.store(this.#words, (this.offset >>> 2) + TableLayout.ADDRESSES, count);
  }

  /** Calls `call` once no reader can still use what has been removed so far: from a later `tick`. */
  defer(call: () => void): void {
    this.#nodes.defer(call);
  }

  /**
   * One slice of whatever is to be done: policy, resize, reclaiming. Call it from a timer or between batches, never on
   * the packet path. True while more is waiting. An arena too full to resize leaves the table as it is.
   */
  tick(buckets: number = TICK_BUCKETS): boolean {
    const resizer = this.#resizer;
    if (resizer.phase === IDLE) this.#policy();
    let more = resizer.phase !== IDLE;
    if (more) {
      try {
        more = resizer.step(buckets);
      } catch (error) {
        if (!(error instanceof ArenaError) || error.code !== 'ARENA_FULL') throw error;
        resizer.abandon();
        this.#reseedAfter = this.#inserts + this.#flows;
        more = false;
      }
    }
    const limbo = this.#nodes.tick();
    this.#publish();
    return more || limbo || this.#wantsResize() !== 'none';
  }

  /** Starts an operation by hand; false while another is under way. */
  resize(operation: 'grow' | 'shrink' | 'reseed'): boolean {
    const { bits } = this.#resizer.current;
    if (operation === 'grow' && bits >= MAX_BITS) return false;
    if (operation === 'shrink' && bits <= MIN_BITS) return false;
    if (operation !== 'reseed') return this.#resizer.start(operation);
    if (this.#resizer.phase !== IDLE) return false;
    this.#longest = 0;
    this.#wantReseed = false;
    this.#reseedAfter = this.#inserts + Math.max(1024, this.#flows);
    return this.#resizer.start('reseed', this.#secret() | 0, this.#secret() | 0);
  }

  /** What is under way, and how far: for printing and tests. */
  get progress(): { operation: string; phase: number; cursor: number; bits: number; heads: number } {
    const { operation, phase, cursor, current } = this.#resizer;
    return { operation, phase, cursor, bits: current.bits, heads: current.heads };
  }

  /** Chain nodes taken from the arena, and those of them that are free: what is neither is in a chain or in limbo. */
  get nodes(): { taken: number; free: number } {
    return { taken: this.#nodes.lines, free: this.#nodes.available };
  }

  get stats(): TableStats {
    this.#publish();
    return tableStats(this.#arena, this.offset);
  }

  #policy(): void {
    const wanted = this.#wantReseed ? 'reseed' : this.#wantsResize();
    if (wanted === 'none') return;
    try {
      this.resize(wanted);
    } catch (error) {
      if (!(error instanceof ArenaError) || error.code !== 'ARENA_FULL') throw error;
    }
  }

  #wantsResize(): 'grow' | 'shrink' | 'none' {
    if (!this.autoResize || this.#resizer.phase !== IDLE) return 'none';
    const { bits } = this.#resizer.current;
    const load = this.#flows / 2 ** bits;
    if (load > GROW_ABOVE && bits < MAX_BITS) return 'grow';
    if (load < SHRINK_BELOW && bits > this.#floor) return 'shrink';
    return 'none';
  }

  #publish(): void {
    const { grows, shrinks, reseeds, current } = this.#resizer;
    this.#put(StatWord.FLOWS, this.#flows);
    this.#put(StatWord.BITS, current.bits);
    this.#put(StatWord.GROWS, grows);
    this.#put(StatWord.SHRINKS, shrinks);
    this.#put(StatWord.RESEEDS, reseeds);
    this.#put(StatWord.GRACES, this.#epochs.graces);
    this.#put(StatWord.LIMBO, this.#nodes.limbo);
    this.#put(StatWord.LONGEST_INSERT, this.#longest);
  }

  #put(word: number, value: number): void {
    Atomics.store(this.#words, this.#stats + word, value);
  }

  #check(key: Int32Array, channel: number, at: number): void {
    if (at + KEY_WORDS > key.length) throw new FlowTableError('FLOW_BAD', 'the key has fewer than ten words');
    if (!Number.isInteger(channel) || channel < 0 || channel > 0x7ffffffe) {
      throw new FlowTableError('FLOW_BAD', `channel ${channel}`);
    }
  }
}
