// Where the flow table's words are in shared memory. Pure layout: it must never touch memory itself.
//
//   control block   ROOT names (in lines) the descriptor that readers use; DEFAULT the channel of strangers; statistics
//   descriptor      one immutable line: shift, two seed words, place of the bucket heads. ROOT publishes it in one word
//   bucket heads    one word a bucket: the line of the first node, 0 for none; bucket = the hash's high bits
//   nodes           one line each: NEXT, HASH, VALUE (channel), the ten key words. Chains are sorted by hash

import { LINE_WORDS } from '../channel/arena.js';

export const TableLayout = {
  ROOT: 0,
  DEFAULT: 1,
  EPOCHS: 2,
  /** Keys of addresses in the table: while there are none, nobody looks for them. */
  ADDRESSES: 3,
  /** Statistics, stored by the control thread: see stats.ts. */
  STATS: LINE_WORDS,
  BYTES: 4 * LINE_WORDS * 4,
} as const;

export const Descriptor = { SHIFT: 0, SEED0: 1, SEED1: 2, HEADS: 3, BYTES: LINE_WORDS * 4 } as const;

export const Node = { NEXT: 0, HASH: 1, VALUE: 2, KEY: 3 } as const;

/** Nodes and descriptors are named by line number: this turns one into its first word. */
export const LINE_SHIFT = 4;

export const MIN_BITS = 1;
export const MAX_BITS = 25;

/** No channel. */
export const NONE = -1;
