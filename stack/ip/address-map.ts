// A bounded map from (16-byte address, zone) to an object: the base of the neighbour cache, the path-MTU cache and
// rate limits, all of which strangers can make grow. A lookup allocates nothing; the hash is keyed, so that nobody can
// choose addresses that collide; when full, the entry used longest ago makes room. Knows nothing of its values.

import { getU32 } from '../wire/bytes.js';

const KEY_WORDS = 5;
const NONE = -1;

export class AddressMap<V> {
  readonly #limit: number;
  readonly #seed: number;
  readonly #keys: Int32Array;
  readonly #values: (V | undefined)[];
  readonly #heads: Int32Array;
  /** Next of the same bucket; for free entries, next free one. */
  readonly #next: Int32Array;
  /** Use order: neighbours in a ring through the pseudo-entry #limit. */
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  #free = 0;
  #size = 0;
  /** Told of each entry that had to make room, before it is gone. */
  onEvict: ((value: V) => void) | null = null;

  /** `limit`: most entries; `seed`: any secret number for the hash. */
  constructor(limit: number, seed: number) {
    this.#limit = limit;
    this.#seed = seed | 0;
    this.#keys = new Int32Array(limit * KEY_WORDS);
    this.#values = new Array<V | undefined>(limit).fill(undefined);
    this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, limit)))).fill(NONE);
    this.#next = Int32Array.from({ length: limit }, (_, i) => (i + 1 < limit ? i + 1 : NONE));
    this.#newer = new Int32Array(limit + 1).fill(limit);
    this.#older = new Int32Array(limit + 1).fill(limit);
  }

  get size(): number {
    return this.#size;
  }

  get limit(): number {
    return this.#limit;
  }

  /** The value of an address, undefined when there is none. Does not count as use. */
  get(a: Uint8Array, o: number, zone: number): V | undefined {
    const at = this.#find(a, o, zone);
    return at === NONE ? undefined : this.#values[at];
  }

  /** As `get`, and the entry now counts as the one used last. */
  use(a: Uint8Array, o: number, zone: number): V | undefined {
    const at = this.#find(a, o, zone);
    if (at === NONE) return undefined;
    if (this.#newer[at] !== this.#limit) {
      this.#unlink(at);
      this.#link(at);
    }
    return this.#values[at];
  }

  /** Sets the value of an address; when the map is full the entry used longest ago goes (`onEvict`). */
  set(a: Uint8Array, o: number, zone: number, value: V): void {
    const old = this.#find(a, o, zone);
    if (old !== NONE) {
      this.#values[old] = value;
      return;
    }
    if (this.#size === this.#limit) {
      const victim = this.#newer[this.#limit];
      this.onEvict?.(this.#values[victim] as V);
      // The call may have removed something itself.
      if (this.#size === this.#limit) this.#remove(this.#newer[this.#limit]);
    }
    const at = this.#free;
    this.#free = this.#next[at];
    const k = at * KEY_WORDS;
    for (let i = 0; i < 4; i++) this.#keys[k + i] = getU32(a, o + 4 * i);
    this.#keys[k + 4] = zone;
    const bucket = this.#bucketOf(at);
    this.#next[at] = this.#heads[bucket];
    this.#heads[bucket] = at;
    this.#values[at] = value;
    this.#link(at);
    this.#size++;
  }

  /** Removes an address; false when it was not there. */
  delete(a: Uint8Array, o: number, zone: number): boolean {
    const at = this.#find(a, o, zone);
    if (at === NONE) return false;
    this.#remove(at);
    return true;
  }

  /** Calls `visit` for each value, longest unused first; `visit` may delete the entry it is given. */
  forEach(visit: (value: V) => void): void {
    let at = this.#newer[this.#limit];
    while (at !== this.#limit) {
      const next = this.#newer[at];
      visit(this.#values[at] as V);
      at = next;
    }
  }

  clear(): void {
    while (this.#size > 0) this.#remove(this.#newer[this.#limit]);
  }

  // MurmurHash3's mixing over five words, keyed by the seed.
  #hash(w0: number, w1: number, w2: number, w3: number, zone: number): number {
    let h = this.#seed;
    h = mix(h, w3);
    h = mix(h, w2);
    h = mix(h, w1);
    h = mix(h, w0);
    h = mix(h, zone);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return (h ^ (h >>> 16)) & (this.#heads.length - 1);
  }

  #bucketOf(at: number): number {
    const k = at * KEY_WORDS;
    const keys = this.#keys;
    return this.#hash(keys[k], keys[k + 1], keys[k + 2], keys[k + 3], keys[k + 4]);
  }

  #find(a: Uint8Array, o: number, zone: number): number {
    const w0 = getU32(a, o) | 0;
    const w1 = getU32(a, o + 4) | 0;
    const w2 = getU32(a, o + 8) | 0;
    const w3 = getU32(a, o + 12) | 0;
    const keys = this.#keys;
    let at = this.#heads[this.#hash(w0, w1, w2, w3, zone)];
    while (at !== NONE) {
      const k = at * KEY_WORDS;
      if (
        keys[k + 3] === w3 &&
        keys[k + 2] === w2 &&
        keys[k + 1] === w1 &&
        keys[k] === w0 &&
        keys[k + 4] === zone
      ) {
        return at;
      }
      at = this.#next[at];
    }
    return NONE;
  }

  #remove(at: number): void {
    const bucket = this.#bucketOf(at);
    let before = this.#heads[bucket];
    if (before === at) this.#heads[bucket] = this.#next[at];
    else {
      while (this.#next[before] !== at) before = this.#next[before];
      this.#next[before] = this.#next[at];
    }
    this.#unlink(at);
    this.#values[at] = undefined;
    this.#next[at] = this.#free;
    this.#free = at;
    this.#size--;
  }

  #link(at: number): void {
    const newest = this.#older[this.#limit];
    this.#older[at] = newest;
    this.#newer[at] = this.#limit;
    this.#newer[newest] = at;
    this.#older[this.#limit] = at;
  }

  #unlink(at: number): void {
    this.#newer[this.#older[at]] = this.#newer[at];
    this.#older[this.#newer[at]] = this.#older[at];
  }
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let x = h ^ Math.imul(k, 0x1b873593);
  x = (x << 13) | (x >>> 19);
  return (Math.imul(x, 5) + 0xe6546b64) | 0;
}
