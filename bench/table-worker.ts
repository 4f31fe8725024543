// The control thread of bench/table.ts: owns the table, and on command grows and shrinks it without end, or does the same
// amount of unrelated memory work, or sleeps, while the main thread looks up.
import { parentPort, workerData } from 'node:worker_threads';
import { KEY_WORDS } from '../stack/flows/key.js';
import { loadTable, randomKeys } from './table-load.js';
import { END, MEMORY, REST } from './table-modes.js';

const { flows, go } = workerData as { flows: number; go: Int32Array };
const keys = randomKeys(flows);
const { arena, table, reader } = loadTable(keys, flows);
reader.offline();
table.autoResize = false;
const number = table.addReader();
parentPort?.postMessage({ buffer: arena.buffer, table: table.offset, reader: number });

const { bits } = table.progress;
// As many lines as the table has nodes, and as many words as it has heads, but nobody else's.
const lines = new Int32Array(flows * 16);
const heads = new Int32Array(2 ** (bits + 1));
let at = 0;

/** Touches what one tick of a grow touches: per pair of buckets a node or two, and two heads. */
function memoryWork(pairs: number): void {
  let sum = 0;
  for (let i = 0; i < pairs; i++) {
    at = (at + 7919 * 131) % flows;
    sum = (sum + lines[at * 16]) | 0;
    const next = (at * 2 + 1) % flows;
    sum = (sum + lines[next * 16]) | 0;
    heads[(at * 2) & (heads.length - 1)] = sum;
    heads[(at * 2 + 1) & (heads.length - 1)] = sum;
  }
}

let grow = true;
for (;;) {
  const mode = Atomics.load(go, 0);
  if (mode === END) break;
  if (mode === REST) {
    if (table.tick(4096)) continue;
    Atomics.wait(go, 0, REST, 100);
  } else if (mode === MEMORY) memoryWork(4096);
  else {
    if (table.progress.operation === 'none') {
      table.resize(grow ? 'grow' : 'shrink');
      grow = !grow;
      Atomics.add(go, 1, 1);
    }
    table.tick(4096);
  }
}
if (table.get(keys, (flows - 1) * KEY_WORDS) !== flows - 1) throw new Error('a key was lost');
