// Sorted chains of nodes in shared memory, and the rule that lets one set of chains serve two bucket arrays while a
// resize is under way ("sorted chains", netdev, February 2007): insert and remove in the merged chain of the array with
// fewer buckets, then mend the head in the larger. A head points into its own bucket or is empty, never at a
// neighbour's node. Only the control thread calls this. It must never know when a resize starts or ends.
//
// The control thread is the only writer of all these words, so it reads them plainly; what readers can see already is
// stored through Atomics, and what they cannot see yet (a node before it is linked, heads before they are published)
// plainly, because the store that shows it comes after.

import type { Arena } from '../channel/arena.js';
import { KEY_WORDS } from './key.js';
import { Descriptor, LINE_SHIFT, Node } from './layout.js';

const { NEXT, HASH, VALUE, KEY } = Node;

/** One array of bucket heads with its seed: what a descriptor publishes. */
export interface Buckets {
  bits: number;
  shift: number;
  /** First word of the heads. */
  heads: number;
  seed0: number;
  seed1: number;
  /** Line of the descriptor. */
  line: number;
}

export function allocBuckets(arena: Arena, bits: number, seed0: number, seed1: number): Buckets {
  const heads = arena.alloc(4 * 2 ** bits) >>> 2;
  let line: number;
  try {
    line = arena.alloc(Descriptor.BYTES) / 64;
  } catch (error) {
    arena.free(heads * 4, 4 * 2 ** bits);
    throw error;
  }
  const words = arena.words;
  const at = line << LINE_SHIFT;
  const shift = 32 - bits;
  words[at + Descriptor.SHIFT] = shift;
  words[at + Descriptor.SEED0] = seed0;
  words[at + Descriptor.SEED1] = seed1;
  words[at + Descriptor.HEADS] = heads;
  return { bits, shift, heads, seed0, seed1, line };
}

export function freeBuckets(arena: Arena, buckets: Buckets): void {
  arena.free(buckets.heads * 4, 4 * 2 ** buckets.bits);
  arena.free(buckets.line * 64, Descriptor.BYTES);
}

/** Where a walk ended: the node with the key (0: none), what is before it, and how many nodes were passed. */
export class Spot {
  found = 0;
  before = 0;
  after = 0;
  passed = 0;
}

/**
 * Finds the key in the chain that begins at `head`. `spot.before` is the node after which one with this hash belongs
 * (0: the head), `after` the one it would precede.
 */
export function seek(
  words: Int32Array,
  head: number,
  hash: number,
  key: Int32Array,
  at: number,
  spot: Spot,
): void {
  let before = 0;
  let node = words[head];
  spot.passed = 0;
  spot.found = 0;
  while (node !== 0) {
    const w = node << LINE_SHIFT;
    const other = words[w + HASH];
    if (other >>> 0 > hash >>> 0) break;
    spot.passed++;
    if (other === hash) {
      let i = 0;
      while (i < KEY_WORDS && words[w + KEY + i] === key[at + i]) i++;
      if (i === KEY_WORDS) {
        spot.found = node;
        spot.before = before;
        spot.after = words[w + NEXT];
        return;
      }
    }
    before = node;
    node = words[w + NEXT];
  }
  spot.before = before;
  spot.after = node;
}

/** Fills a node that no reader can see yet; it will stand before `next`. */
export function fillNode(
  words: Int32Array,
  node: number,
  next: number,
  hash: number,
  value: number,
  key: Int32Array,
  at: number,
): void {
  const w = node << LINE_SHIFT;
  words[w + NEXT] = next;
  words[w + HASH] = hash;
  words[w + VALUE] = value;
  for (let i = 0; i < KEY_WORDS; i++) words[w + KEY + i] = key[at + i];
}

/** Links a filled node, whose NEXT is `spot.after`, at `spot` into the chain at `head`. */
export function linkNode(words: Int32Array, head: number, node: number, spot: Spot): void {
  if (spot.before === 0) Atomics.store(words, head, node);
  else Atomics.store(words, (spot.before << LINE_SHIFT) + NEXT, node);
}

/** Takes `spot.found` out of the chain at `head`. Its own NEXT stays, for readers that stand on it. */
export function unlinkNode(words: Int32Array, head: number, spot: Spot): void {
  if (spot.before === 0) Atomics.store(words, head, spot.after);
  else Atomics.store(words, (spot.before << LINE_SHIFT) + NEXT, spot.after);
}

function bucketOf(words: Int32Array, node: number, shift: number): number {
  return words[(node << LINE_SHIFT) + HASH] >>> shift;
}

/** After an insert into the merged chain: the larger array's head, if the node is now first in its bucket there. */
export function mendInserted(
  words: Int32Array,
  larger: Buckets,
  hash: number,
  node: number,
  before: number,
): void {
  const bucket = hash >>> larger.shift;
  if (before === 0 || bucketOf(words, before, larger.shift) !== bucket) {
    Atomics.store(words, larger.heads + bucket, node);
  }
}

/** After a removal from the merged chain: the larger array's head, if it pointed at the node. */
export function mendRemoved(
  words: Int32Array,
  larger: Buckets,
  hash: number,
  node: number,
  after: number,
): void {
  const bucket = hash >>> larger.shift;
  if (words[larger.heads + bucket] !== node) return;
  const stays = after !== 0 && bucketOf(words, after, larger.shift) === bucket;
  Atomics.store(words, larger.heads + bucket, stays ? after : 0);
}

/** Growing: gives the two heads of pair `pair` in the larger array their first nodes. The chain stays joined. */
export function splitHeads(words: Int32Array, smaller: Buckets, larger: Buckets, pair: number): void {
  let low = 0;
  let high = 0;
  for (let node = words[smaller.heads + pair]; node !== 0; ) {
    if ((bucketOf(words, node, larger.shift) & 1) === 1) {
      high = node;
      break;
    }
    if (low === 0) low = node;
    node = words[(node << LINE_SHIFT) + NEXT];
  }
  words[larger.heads + 2 * pair] = low;
  words[larger.heads + 2 * pair + 1] = high;
}

/** Growing, after the grace period: ends the low half's chain. The cut is looked for now, never remembered. */
export function cutChain(words: Int32Array, larger: Buckets, pair: number): void {
  const bucket = 2 * pair;
  for (let node = words[larger.heads + bucket]; node !== 0; ) {
    const next = words[(node << LINE_SHIFT) + NEXT];
    if (next !== 0 && bucketOf(words, next, larger.shift) !== bucket) {
      Atomics.store(words, (node << LINE_SHIFT) + NEXT, 0);
      return;
    }
    node = next;
  }
}

/** Shrinking: joins the chains of a pair, then gives the smaller array its head. */
export function joinChains(words: Int32Array, smaller: Buckets, larger: Buckets, pair: number): void {
  const low = words[larger.heads + 2 * pair];
  const high = words[larger.heads + 2 * pair + 1];
  if (low !== 0 && high !== 0) {
    let last = low;
    for (let next = low; next !== 0; ) {
      last = next;
      next = words[(next << LINE_SHIFT) + NEXT];
    }
    Atomics.store(words, (last << LINE_SHIFT) + NEXT, high);
  }
  words[smaller.heads + pair] = low !== 0 ? low : high;
}
