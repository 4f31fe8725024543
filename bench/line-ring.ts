// What two cores can hand over at all: 64-byte lines that carry their own mark, so that nothing else changes cores. No ring
// of 16 values a line can pass more than this; it has no index, no batch, no wakeup. Only bench/ring.ts uses it.

/** Values of one line: the first is its mark as well. */
export const LINE_WORDS = 16;
const LINES = 256;
/** Lines after which the reader says how far it is. */
const RELEASE = 64;
const SLOTS_AT = 64;

export function lineBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * (SLOTS_AT + LINES * LINE_WORDS));
}

/** Writes the values 0 to `lines` × 16; returns their sum, as the reader's. A line's mark is its number plus one. */
export function writeLines(buffer: SharedArrayBuffer, lines: number): number {
  const words = new Int32Array(buffer);
  let sum = 0;
  let read = 0;
  for (let line = 0; line < lines; line++) {
    while (line - read >= LINES) read = Atomics.load(words, 0);
    const at = SLOTS_AT + (line & (LINES - 1)) * LINE_WORDS;
    for (let w = 1; w < LINE_WORDS; w++) {
      words[at + w] = line + w;
      sum = (sum + line + w) | 0;
    }
    Atomics.store(words, at, line + 1);
  }
  return sum;
}

export function readLines(buffer: SharedArrayBuffer, lines: number): number {
  const words = new Int32Array(buffer);
  let sum = 0;
  for (let line = 0; line < lines; line++) {
    const at = SLOTS_AT + (line & (LINES - 1)) * LINE_WORDS;
    while (Atomics.load(words, at) !== line + 1);
    for (let w = 1; w < LINE_WORDS; w++) sum = (sum + words[at + w]) | 0;
    if ((line + 1) % RELEASE === 0) Atomics.store(words, 0, line + 1);
  }
  return sum;
}
