// The flow table's statistics: always on, kept in shared memory by their one writer each (control thread, readers), and
// readable from any thread. It must never influence the table.

import type { Arena } from '../channel/arena.js';
import { MAX_READERS, ReaderLine, readerLine } from './epochs.js';
import { LINE_SHIFT, TableLayout } from './layout.js';

/** Words of the control thread's statistics, from TableLayout.STATS. */
export const StatWord = {
  FLOWS: 0,
  BITS: 1,
  GROWS: 2,
  SHRINKS: 3,
  RESEEDS: 4,
  GRACES: 5,
  LIMBO: 6,
  LONGEST_INSERT: 7,
} as const;

export interface TableStats {
  /** Keys in the table, listeners included. */
  flows: number;
  buckets: number;
  /** Keys a bucket. */
  load: number;
  grows: number;
  shrinks: number;
  reseeds: number;
  /** Grace periods begun. */
  graces: number;
  /** Unlinked nodes and deferred calls that wait for a grace period. */
  limbo: number;
  /** Most nodes that an insert had to pass since the last reseed. */
  longestInsert: number;
  /** Over all readers (modulo 2^32): lookups of one key each, nodes they looked at, keys not found. */
  lookups: number;
  probes: number;
  misses: number;
  /** Most nodes that a lookup looked at. */
  longestLookup: number;
}

/** Reads the statistics of the table at `offset`, from any thread. Each number is right, the set is not one instant. */
export function tableStats(arena: Arena, offset: number): TableStats {
  const { words } = arena;
  const at = (offset >>> 2) + TableLayout.STATS;
  const get = (word: number) => Atomics.load(words, at + word) >>> 0;
  const epochs = words[(offset >>> 2) + TableLayout.EPOCHS] * 64;
  let lookups = 0;
  let probes = 0;
  let misses = 0;
  let longestLookup = 0;
  for (let reader = 0; reader < MAX_READERS; reader++) {
    const line = readerLine(epochs, reader);
    lookups += Atomics.load(words, line + ReaderLine.LOOKUPS) >>> 0;
    probes += Atomics.load(words, line + ReaderLine.PROBES) >>> 0;
    misses += Atomics.load(words, line + ReaderLine.MISSES) >>> 0;
    longestLookup = Math.max(longestLookup, Atomics.load(words, line + ReaderLine.LONGEST));
  }
  const buckets = 2 ** get(StatWord.BITS);
  return {
    flows: get(StatWord.FLOWS),
    buckets,
    load: get(StatWord.FLOWS) / buckets,
    grows: get(StatWord.GROWS),
    shrinks: get(StatWord.SHRINKS),
    reseeds: get(StatWord.RESEEDS),
    graces: get(StatWord.GRACES),
    limbo: get(StatWord.LIMBO),
    longestInsert: get(StatWord.LONGEST_INSERT),
    lookups,
    probes,
    misses,
    longestLookup,
  };
}

/** How many chains have each length: index 0 counts empty buckets. Walks the whole table: control thread, for printing. */
export function chainLengths(arena: Arena, heads: number, bits: number): number[] {
  const { words } = arena;
  const counts: number[] = [];
  for (let bucket = 0; bucket < 2 ** bits; bucket++) {
    let length = 0;
    for (let node = Atomics.load(words, heads + bucket); node !== 0; length++) {
      node = Atomics.load(words, node << LINE_SHIFT);
    }
    while (counts.length <= length) counts.push(0);
    counts[length]++;
  }
  return counts;
}
