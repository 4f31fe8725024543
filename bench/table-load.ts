// Keys and a loaded table, the same in both threads of bench/table.ts.

import { Arena } from '../stack/channel/arena.js';
import { KEY_WORDS } from '../stack/flows/key.js';
import { type FlowReader, FlowTable } from '../stack/flows/table.js';

/** Small seeded generator of 32-bit words. */
export function xorshift(seed: number): () => number {
  let s = seed;
  return () => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return s;
  };
}

/** Random IPv4 flows to one local port, as keys one after the other. */
export function randomKeys(flows: number, seed = 12345): Int32Array {
  const next = xorshift(seed);
  const keys = new Int32Array(flows * KEY_WORDS);
  for (let n = 0; n < flows; n++) {
    const at = n * KEY_WORDS;
    keys[at] = 6 | (4 << 8);
    keys[at + 1] = (80 << 16) | (1024 + ((next() >>> 0) % 60000));
    keys[at + 4] = 0xffff;
    keys[at + 5] = 0x0a000001;
    keys[at + 8] = 0xffff;
    keys[at + 9] = next();
  }
  return keys;
}

export interface Loaded {
  arena: Arena;
  table: FlowTable;
  reader: FlowReader;
}

/** A table with all keys in it, grown and at rest; its reader is online. */
export function loadTable(keys: Int32Array, flows: number): Loaded {
  const arena = Arena.create(Math.max(4 << 20, Math.ceil(flows * 110)));
  let n = 42;
  const table = new FlowTable(arena, { secret: () => n++ });
  const reader = table.reader();
  reader.online();
  for (let i = 0; i < flows; i++) {
    table.insert(keys, i, i * KEY_WORDS);
    if ((i & 63) === 0) {
      reader.quiescent();
      table.tick(4096);
    }
  }
  while (table.tick(65536)) reader.quiescent();
  reader.quiescent();
  return { arena, table, reader };
}
