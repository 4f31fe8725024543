// What the lineage used before the table: the 65,536-bucket XOR hash of 2006 and a binary trie. They are here only to
// show why they went, and a Map with string keys because that is what a program has at hand.

import { KEY_WORDS } from '../stack/flows/key.js';

const OLD_BUCKETS = 65536;

/** Bucket of the old hash: the words of the key folded by XOR, nothing secret, nothing mixed. */
export function xorBucket(keys: Int32Array, at: number): number {
  const folded = keys[at + 5] ^ keys[at + 9] ^ keys[at + 1] ^ keys[at];
  return ((folded >>> 16) ^ folded) & (OLD_BUCKETS - 1);
}

/** Mean probes of a successful lookup in chains of the old hash. */
export function xorProbes(keys: Int32Array, flows: number): number {
  const chain = new Int32Array(OLD_BUCKETS);
  let probes = 0;
  for (let n = 0; n < flows; n++) probes += ++chain[xorBucket(keys, n * KEY_WORDS)];
  return probes / flows;
}

/** A binary trie over the 64 bits of remote address and ports: path of nodes, two children each. */
export class Trie {
  #children: Int32Array;
  #used = 1;
  constructor(nodes: number) {
    this.#children = new Int32Array(nodes * 2);
  }
  insert(keys: Int32Array, at: number, value: number): void {
    let node = 0;
    for (let depth = 0; depth < 64; depth++) {
      const word = keys[at + (depth < 32 ? 9 : 1)];
      const slot = node * 2 + ((word >>> (31 - (depth & 31))) & 1);
      if (depth === 63) this.#children[slot] = -value - 1;
      else {
        if (this.#children[slot] === 0) this.#children[slot] = this.#used++;
        node = this.#children[slot];
      }
    }
  }
  find(keys: Int32Array, at: number): number {
    let node = 0;
    for (let depth = 0; depth < 64; depth++) {
      const word = keys[at + (depth < 32 ? 9 : 1)];
      node = this.#children[node * 2 + ((word >>> (31 - (depth & 31))) & 1)];
      if (node <= 0) break;
    }
    return -node - 1;
  }
}

/** A key as text, as a program without a flow table would make it from a packet. */
export function stringKey(keys: Int32Array, at: number): string {
  return `${keys[at]}:${keys[at + 1]}:${keys[at + 5]}:${keys[at + 9]}`;
}
