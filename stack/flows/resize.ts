// Growing, shrinking and reseeding the flow table while readers go on: a state machine that the control thread's timer
// drives in slices. It decides which chain an update belongs to at each moment; it must never run on the packet path.
//
//   grow    build the larger heads over the same chains, publish, one grace period, cut every chain in two
//   shrink  join pairs of chains under the smaller heads, publish, one grace period
//   reseed  copy every node into a second table with another seed, publish, one grace period, free the first
//
// One grace period each way is the least any scheme with stable nodes has: readers of the old heads must have gone
// before a chain may be cut, or the old heads freed. chains.ts has the rule for updates in between.

import type { Arena } from '../channel/arena.js';
import {
  allocBuckets,
  type Buckets,
  cutChain,
  fillNode,
  freeBuckets,
  joinChains,
  linkNode,
  mendInserted,
  mendRemoved,
  Spot,
  seek,
  splitHeads,
  unlinkNode,
} from './chains.js';
import type { EpochWriter } from './epochs.js';
import { hashKey } from './hash.js';
import { LINE_SHIFT, Node, TableLayout } from './layout.js';
import type { NodeStore } from './nodes.js';

export const IDLE = 0;
/** The new heads (or the second table) are being filled; nobody sees them. */
export const BUILDING = 1;
/** Published; readers of the old heads may remain. */
export const GRACE = 2;
/** Grow only: all readers use the new heads, chains are being cut. */
export const CUTTING = 3;
/** Reseed only: the first table's nodes are being freed. */
export const FREEING = 4;

export type Operation = 'none' | 'grow' | 'shrink' | 'reseed';

export class Resizer {
  private readonly arena: Arena;
  private readonly words: Int32Array;
  private readonly root: number;
  private readonly epochs: EpochWriter;
  private readonly nodes: NodeStore;
  private readonly spot = new Spot();
  /** What readers use, or come from while an operation is under way. */
  current: Buckets;
  phase: number = IDLE;
  operation: Operation = 'none';
  /** Buckets (pairs of them, for grow and shrink) that the present phase has done. */
  cursor = 0;
  grows = 0;
  shrinks = 0;
  reseeds = 0;
  /** What readers go to; while FREEING, the first table. */
  private other: Buckets | undefined;
  private ticket = 0;
  /** Set by `place`: the head word of the chain to work in, and the array whose head is to be mended after it. */
  private head = 0;
  private mend: Buckets | undefined;

  constructor(arena: Arena, table: number, epochs: EpochWriter, nodes: NodeStore, first: Buckets) {
    this.arena = arena;
    this.words = arena.words;
    this.root = (table >>> 2) + TableLayout.ROOT;
    this.epochs = epochs;
    this.nodes = nodes;
    this.current = first;
    Atomics.store(this.words, this.root, first.line);
  }

  /** Starts an operation; false while another is under way. Throws ARENA_FULL, and then nothing has changed. */
  start(operation: 'grow' | 'shrink' | 'reseed', seed0 = 0, seed1 = 0): boolean {
    if (this.phase !== IDLE) return false;
    const { bits, seed0: old0, seed1: old1 } = this.current;
    if (operation === 'reseed') this.other = allocBuckets(this.arena, bits, seed0, seed1);
    else this.other = allocBuckets(this.arena, operation === 'grow' ? bits + 1 : bits - 1, old0, old1);
    this.operation = operation;
    this.phase = BUILDING;
    this.cursor = 0;
    return true;
  }

  /** Works on up to `budget` buckets, or looks whether the grace period is over. True while there is more to do. */
  step(budget: number): boolean {
    if (this.phase === IDLE) return false;
    if (this.phase === GRACE) return this.epochs.elapsed(this.ticket) ? this.arrived() : true;
    const total =
      2 **
      (this.operation === 'shrink'
        ? this.current.bits - 1
        : this.other!.bits - (this.operation === 'grow' ? 1 : 0));
    const end = Math.min(total, this.cursor + budget);
    while (this.cursor < end) {
      this.work(this.cursor);
      this.cursor++;
    }
    if (this.cursor < total) return true;
    if (this.phase === BUILDING) {
      this.phase = GRACE;
      Atomics.store(this.words, this.root, this.other!.line);
      this.ticket = this.epochs.begin();
      return true;
    }
    this.finish();
    return false;
  }

  /**
   * Gives up an operation whose result nobody has seen yet (the arena is full): only a reseed allocates while it builds.
   */
  abandon(): void {
    if (this.operation !== 'reseed' || this.phase !== BUILDING)
      throw new Error('only an unpublished reseed is abandoned');
    const second = this.other!;
    for (let bucket = 0; bucket < 2 ** second.bits; bucket++) this.freeChain(bucket);
    freeBuckets(this.arena, second);
    this.other = undefined;
    this.operation = 'none';
    this.phase = IDLE;
  }

  /** The node of a key, 0 when absent. */
  locate(key: Int32Array, at: number): number {
    const hash = hashKey(key, at, this.current.seed0, this.current.seed1);
    this.place(hash);
    seek(this.words, this.head, hash, key, at, this.spot);
    return this.spot.found;
  }

  /** Channel of a node that `locate` found. */
  valueOf(node: number): number {
    return this.words[(node << LINE_SHIFT) + Node.VALUE];
  }

  /** Inserts a key that is known to be absent; returns how many nodes it passed. Throws ARENA_FULL: nothing changed. */
  insert(key: Int32Array, at: number, value: number): number {
    const { words, spot, current } = this;
    const hash = hashKey(key, at, current.seed0, current.seed1);
    const node = this.nodes.take();
    if (this.doubled(hash)) {
      try {
        this.copy(key, at, value);
      } catch (error) {
        this.nodes.untake(node);
        throw error;
      }
    }
    this.place(hash);
    seek(words, this.head, hash, key, at, spot);
    fillNode(words, node, spot.after, hash, value, key, at);
    // Where readers go to is changed before where they come from, here as in `remove` and `replace`: a reader that
    // moves on in between never sees an update undone. Growing, that is the mended head; shrinking, the joined chain.
    if (this.mend && this.operation === 'grow') mendInserted(words, this.mend, hash, node, spot.before);
    linkNode(words, this.head, node, spot);
    if (this.mend && this.operation === 'shrink') mendInserted(words, this.mend, hash, node, spot.before);
    return spot.passed;
  }

  /** Removes a key: true when it was there. */
  remove(key: Int32Array, at: number): boolean {
    const { words, spot, current } = this;
    const hash = hashKey(key, at, current.seed0, current.seed1);
    if (this.doubled(hash) && this.seekCopy(key, at) !== 0) {
      unlinkNode(words, this.head, spot);
      this.nodes.retire(spot.found);
    }
    if (this.locate(key, at) === 0) return false;
    const { found, after } = spot;
    if (this.mend && this.operation === 'grow') mendRemoved(words, this.mend, hash, found, after);
    unlinkNode(words, this.head, spot);
    if (this.mend && this.operation === 'shrink') mendRemoved(words, this.mend, hash, found, after);
    this.nodes.retire(found);
    return true;
  }

  /** Points a key at another channel: true when it was there. */
  replace(key: Int32Array, at: number, value: number): boolean {
    const hash = hashKey(key, at, this.current.seed0, this.current.seed1);
    const twin = this.doubled(hash) ? this.seekCopy(key, at) : 0;
    if (twin !== 0) Atomics.store(this.words, (twin << LINE_SHIFT) + Node.VALUE, value);
    const node = this.locate(key, at);
    if (node === 0) return false;
    Atomics.store(this.words, (node << LINE_SHIFT) + Node.VALUE, value);
    return true;
  }

  /** Whether a reseed has already copied the bucket of `hash`, so that updates go to both tables. */
  private doubled(hash: number): boolean {
    if (this.operation !== 'reseed') return false;
    if (this.phase === GRACE) return true;
    return this.phase === BUILDING && hash >>> this.current.shift < this.cursor;
  }

  /** The rule: where a key of this hash is found and changed at this moment. Sets `head` and `mend`. */
  private place(hash: number): void {
    const { current } = this;
    this.mend = undefined;
    this.head = current.heads + (hash >>> current.shift);
    if (this.operation === 'grow') {
      const larger = this.other!;
      const passed = hash >>> current.shift < this.cursor;
      if (this.phase === CUTTING && passed) this.head = larger.heads + (hash >>> larger.shift);
      else if (this.phase !== BUILDING || passed) this.mend = larger;
    } else if (this.operation === 'shrink') {
      const smaller = this.other!;
      if (this.phase === BUILDING && hash >>> smaller.shift >= this.cursor) return;
      this.head = smaller.heads + (hash >>> smaller.shift);
      this.mend = current;
    }
  }

  private work(bucket: number): void {
    const { words, current, other } = this;
    if (this.phase === CUTTING) cutChain(words, other!, bucket);
    else if (this.phase === FREEING) this.freeChain(bucket);
    else if (this.operation === 'grow') splitHeads(words, current, other!, bucket);
    else if (this.operation === 'shrink') joinChains(words, other!, current, bucket);
    else this.copyChain(bucket);
  }

  /** The grace period is over: nobody uses what readers came from. */
  private arrived(): boolean {
    this.cursor = 0;
    if (this.operation === 'shrink') {
      this.finish();
      return false;
    }
    if (this.operation === 'grow') this.phase = CUTTING;
    else {
      // From here on only the second table is updated; `other` is the first, to be freed.
      const first = this.current;
      this.current = this.other!;
      this.other = first;
      this.phase = FREEING;
    }
    return true;
  }

  private finish(): void {
    const other = this.other!;
    if (this.operation === 'reseed') {
      freeBuckets(this.arena, other);
      this.reseeds++;
    } else {
      freeBuckets(this.arena, this.current);
      this.current = other;
      if (this.operation === 'grow') this.grows++;
      else this.shrinks++;
    }
    this.other = undefined;
    this.operation = 'none';
    this.phase = IDLE;
  }

  /** Reseed: finds a key in the second table, leaving `head` and `spot` there. */
  private seekCopy(key: Int32Array, at: number): number {
    const second = this.other!;
    const hash = hashKey(key, at, second.seed0, second.seed1);
    this.head = second.heads + (hash >>> second.shift);
    seek(this.words, this.head, hash, key, at, this.spot);
    return this.spot.found;
  }

  /** Reseed: puts a key into the second table with a node of its own. */
  private copy(key: Int32Array, at: number, value: number): void {
    const second = this.other!;
    const node = this.nodes.take();
    const hash = hashKey(key, at, second.seed0, second.seed1);
    this.seekCopy(key, at);
    fillNode(this.words, node, this.spot.after, hash, value, key, at);
    linkNode(this.words, this.head, node, this.spot);
  }

  private copyChain(bucket: number): void {
    const { words } = this;
    for (let node = words[this.current.heads + bucket]; node !== 0; ) {
      const w = node << LINE_SHIFT;
      this.copy(words, w + Node.KEY, words[w + Node.VALUE]);
      node = words[w + Node.NEXT];
    }
  }

  private freeChain(bucket: number): void {
    for (let node = this.words[this.other!.heads + bucket]; node !== 0; ) {
      const next = this.words[(node << LINE_SHIFT) + Node.NEXT];
      this.nodes.untake(node);
      node = next;
    }
  }
}
