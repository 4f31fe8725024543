// Lookups in the flow table: no lock, no waiting, no allocation. Exact flows first, then listeners, then the default
// channel. It must never write shared memory except the reader's own line, nor know what a channel is.
//
// A reader is online while it may look up, announces a quiescent state once a batch, and goes offline before it parks:
// else the control thread waits for it. Between two quiescent states the table it uses stays valid, whatever happens.

import type { Arena } from '../channel/arena.js';
import { EpochReader, ReaderLine, readerLine } from './epochs.js';
import { hashKey } from './hash.js';
import { KEY_WORDS, toAddress, toAny, toListener } from './key.js';
import { Descriptor, LINE_SHIFT, NONE, Node, TableLayout } from './layout.js';

const { NEXT, HASH, VALUE, KEY } = Node;

/** Keys that one `findBatch` takes. */
export const LOOKUP_BATCH = 64;

export class FlowReader {
  /** The reader's number with the control thread, which gave it. */
  readonly reader: number;
  private readonly words: Int32Array;
  private readonly table: number;
  private readonly line: number;
  private readonly epoch: EpochReader;
  private readonly scratch = new Int32Array(KEY_WORDS);
  private readonly hashes = new Int32Array(LOOKUP_BATCH);
  private readonly first = new Int32Array(LOOKUP_BATCH);
  private readonly warm = new Int32Array(1);
  private shift = 31;
  private seed0 = 0;
  private seed1 = 0;
  private heads = 0;
  private lookups = 0;
  private probes = 0;
  private misses = 0;
  private longest = 0;

  /** `reader` is a number that the table's control thread registered for this thread. Starts offline. */
  constructor(arena: Arena, tableOffset: number, reader: number) {
    this.reader = reader;
    this.words = arena.words;
    this.table = tableOffset >>> 2;
    const epochs = arena.words[this.table + TableLayout.EPOCHS] * 64;
    this.epoch = new EpochReader(arena, epochs, reader);
    this.line = readerLine(epochs, reader);
  }

  /** Begins reading. */
  online(): void {
    this.epoch.online();
    this.adopt();
  }

  /** Between batches: nothing looked up before is used any more. One store, and the counters. */
  quiescent(): void {
    this.epoch.quiescent();
    this.adopt();
    this.count();
  }

  /** Before parking. No lookups until `online`. */
  offline(): void {
    this.epoch.offline();
    this.count();
  }

  /** Channel of exactly the key at `at`, NONE (-1) when there is no such key. Only while online. */
  find(key: Int32Array, at: number): number {
    const hash = hashKey(key, at, this.seed0, this.seed1);
    return this.walk(Atomics.load(this.words, this.heads + (hash >>> this.shift)), hash, key, at);
  }

  /**
   * Looks up `count` exact keys (at most LOOKUP_BATCH), which stand one after the other in `keys`; channels or NONE
   * into `out`. The heads and then the nodes of all keys are loaded before the first is compared, so that their cache
   * misses overlap instead of following one another.
   */
  findBatch(keys: Int32Array, count: number, out: Int32Array): void {
    const { words, hashes, first, heads, shift, seed0, seed1 } = this;
    for (let i = 0; i < count; i++) {
      const hash = hashKey(keys, i * KEY_WORDS, seed0, seed1);
      hashes[i] = hash;
      first[i] = Atomics.load(words, heads + (hash >>> shift));
    }
    let sum = 0;
    for (let i = 0; i < count; i++) {
      // Line 0 is the arena's header: harmless to read for an empty bucket.
      sum += words[(first[i] << LINE_SHIFT) + HASH];
    }
    this.warm[0] = sum; // keeps the loads above from being optimised away
    for (let i = 0; i < count; i++) out[i] = this.walk(first[i], hashes[i], keys, i * KEY_WORDS);
  }

  /**
   * The rest of the order after an exact miss: listener on the local address, that address itself, listener on any,
   * default channel.
   */
  findListener(key: Int32Array, at: number): number {
    const scratch = this.scratch;
    toListener(key, at, scratch);
    let channel = this.find(scratch, 0);
    if (channel !== NONE) return channel;
    if (this.addresses() > 0) {
      toAddress(scratch);
      channel = this.find(scratch, 0);
      if (channel !== NONE) return channel;
      toListener(key, at, scratch);
    }
    toAny(scratch);
    channel = this.find(scratch, 0);
    return channel !== NONE ? channel : this.defaultChannel();
  }

  /** Exact flow, then listeners, then the default channel; NONE only when there is no default channel. */
  lookup(key: Int32Array, at: number): number {
    const channel = this.find(key, at);
    return channel !== NONE ? channel : this.findListener(key, at);
  }

  /** Where ARP, ND, ICMP, fragments and strangers go; NONE while nobody takes them. */
  defaultChannel(): number {
    return Atomics.load(this.words, this.table + TableLayout.DEFAULT) - 1;
  }

  /** Keys of addresses in the table. */
  addresses(): number {
    return Atomics.load(this.words, this.table + TableLayout.ADDRESSES);
  }

  private walk(start: number, hash: number, key: Int32Array, at: number): number {
    const words = this.words;
    let node = start;
    let probes = 0;
    let channel = NONE;
    while (node !== 0) {
      const w = node << LINE_SHIFT;
      probes++;
      const other = words[w + HASH];
      if (other === hash) {
        let i = 0;
        while (i < KEY_WORDS && words[w + KEY + i] === key[at + i]) i++;
        if (i === KEY_WORDS) {
          channel = Atomics.load(words, w + VALUE);
          break;
        }
      } else if (other >>> 0 > hash >>> 0) break;
      node = Atomics.load(words, w + NEXT);
    }
    this.lookups++;
    this.probes += probes;
    if (channel === NONE) this.misses++;
    if (probes > this.longest) this.longest = probes;
    return channel;
  }

  /** Takes over the published descriptor; it stays valid until the next quiescent state. */
  private adopt(): void {
    const words = this.words;
    const descriptor = Atomics.load(words, this.table + TableLayout.ROOT) << LINE_SHIFT;
    this.shift = words[descriptor + Descriptor.SHIFT];
    this.seed0 = words[descriptor + Descriptor.SEED0];
    this.seed1 = words[descriptor + Descriptor.SEED1];
    this.heads = words[descriptor + Descriptor.HEADS];
  }

  private count(): void {
    const { words, line } = this;
    Atomics.store(words, line + ReaderLine.LOOKUPS, this.lookups | 0);
    Atomics.store(words, line + ReaderLine.PROBES, this.probes | 0);
    Atomics.store(words, line + ReaderLine.MISSES, this.misses | 0);
    Atomics.store(words, line + ReaderLine.LONGEST, this.longest | 0);
  }
}
