// Copying between shared memory (packet buffers) and ordinary memory. Knows nothing of what is copied.
//
// V8 copies to and from a SharedArrayBuffer by whole words only where both sides lie alike modulo 8; otherwise byte by
// byte. Measured on Node 20, 1,448 bytes: alike 124 ns, unlike 700 to 1,300 ns; 64 KiB: 3 µs against 26 to 35 µs. So
// whoever can choose lets both sides lie alike (`PoolParty.align`), and an unlike copy goes through ordinary memory,
// where any alignment is fast (144 ns and 3 µs): about 270 ns and 6 µs in all.
//
// `set` takes a part of an array only by way of a view of it, which is an object (100 bytes, 35 to 77 ns). Views of packet
// buffers are kept, because a connection's packets lie at the same places of the same buffers again and again. What is sent
// lies at ever new places of the send queue's pages: up to LOOP_BYTES go by a loop over 32-bit words, which needs no view
// (1,460 bytes: 99 ns, by a view 86 ns and the collector's work for it).

const STAGE_BYTES = 1 << 17;
const stage = new Uint8Array(STAGE_BYTES + 8);
const SHORT = 64;
const LOOP_BYTES = 4096;
/** A super-packet and its headroom. */
const LARGEST_FRAME = 65_536 + 1024;
const NO_WORDS: Int32Array = new Int32Array(0);

/** An arena's words, and views of it that were asked for last, one for each half of 4,096 small buffers. */
class SharedViews {
  readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly table: Uint8Array[] = new Array(KEPT_VIEWS).fill(stage);

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.words = wordsOf(bytes);
  }

  at(from: number, length: number): Uint8Array {
    const { bytes, table } = this;
    // Small buffers are 2 KiB apart; payload of 1,460 bytes lies at two places of each that differ by four bytes.
    const slot = (((from >>> 11) << 1) | ((from >>> 2) & 1)) & (KEPT_VIEWS - 1);
    const kept = table[slot];
    if (kept.byteOffset === bytes.byteOffset + from && kept.length === length && kept !== stage) return kept;
    const view = bytes.subarray(from, from + length);
    table[slot] = view;
    return view;
  }
}

const KEPT_VIEWS = 8192;
const views = new WeakMap<Uint8Array, SharedViews>();
let lastShared: Uint8Array = stage;
let lastViews = new SharedViews(stage);

function viewsOf(shared: Uint8Array): SharedViews {
  if (shared === lastShared) return lastViews;
  let found = views.get(shared);
  if (found === undefined) {
    found = new SharedViews(shared);
    views.set(shared, found);
  }
  lastShared = shared;
  lastViews = found;
  return found;
}

/**
 * Views of an arena are kept. What is no larger than a frame is most likely one, made for this copy alone: a table for it would
 * be 64 KiB (replaying a stream of 16 MB held 0.95 GB).
 */
function viewOf(source: Uint8Array, from: number, length: number): Uint8Array {
  return source.length > LARGEST_FRAME ? viewsOf(source).at(from, length) : part(source, from, length);
}

/** Copies `length` bytes of ordinary memory at `from` to packet-buffer memory at `to`. `words`: see `wordsOf`. */
export function copyToShared(
  target: Uint8Array,
  to: number,
  source: Uint8Array,
  from: number,
  length: number,
  words: Int32Array = NO_WORDS,
): void {
  if (length < SHORT) copyShort(target, to, source, from, length);
  else if (length <= LOOP_BYTES && words.length > 0 && ((to ^ from) & 3) === 0 && target.byteOffset === 0)
    copyWords(target, viewsOf(target).words, to, source, words, from, length);
  else if (alike(target, to, source, from)) target.set(part(source, from, length), to);
  else copyUnlike(target, to, source, from, length, (target.byteOffset + to) & 7);
}

/** Copies `length` bytes of packet-buffer memory at `from` to ordinary memory at `to`. */
export function copyFromShared(
  target: Uint8Array,
  to: number,
  source: Uint8Array,
  from: number,
  length: number,
): void {
  if (length < SHORT) copyShort(target, to, source, from, length);
  else if (alike(target, to, source, from)) target.set(viewOf(source, from, length), to);
  else copyUnlike(target, to, source, from, length, (source.byteOffset + from) & 7);
}

/** Memory of one's own as 32-bit words, for `copyToShared`: kept with the bytes. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
}

/** The bytes as an array of their own; the array itself when they are all of it. */
export function part(bytes: Uint8Array, from: number, length: number): Uint8Array {
  return from === 0 && length === bytes.length ? bytes : bytes.subarray(from, from + length);
}

function alike(target: Uint8Array, to: number, source: Uint8Array, from: number): boolean {
  return ((target.byteOffset + to - source.byteOffset - from) & 7) === 0;
}

function copyShort(target: Uint8Array, to: number, source: Uint8Array, from: number, length: number): void {
  for (let i = 0; i < length; i++) target[to + i] = source[from + i];
}

/** Both sides lie alike modulo 4. */
function copyWords(
  target: Uint8Array,
  targetWords: Int32Array,
  to: number,
  source: Uint8Array,
  sourceWords: Int32Array,
  from: number,
  length: number,
): void {
  const ahead = -from & 3;
  for (let i = 0; i < ahead; i++) target[to + i] = source[from + i];
  let t = (to + ahead) >>> 2;
  let s = (from + ahead) >>> 2;
  const end = s + ((length - ahead) >>> 2);
  for (const last = end - 3; s < last; s += 4, t += 4) {
    targetWords[t] = sourceWords[s];
    targetWords[t + 1] = sourceWords[s + 1];
    targetWords[t + 2] = sourceWords[s + 2];
    targetWords[t + 3] = sourceWords[s + 3];
  }
  while (s < end) targetWords[t++] = sourceWords[s++];
  for (let i = ahead + ((length - ahead) & ~3); i < length; i++) target[to + i] = source[from + i];
}

/** `residue`: how the shared side lies, modulo 8. */
function copyUnlike(
  target: Uint8Array,
  to: number,
  source: Uint8Array,
  from: number,
  length: number,
  residue: number,
): void {
  for (let done = 0; done < length; done += STAGE_BYTES) {
    const size = Math.min(STAGE_BYTES, length - done);
    stage.set(source.subarray(from + done, from + done + size), residue);
    target.set(stage.subarray(residue, residue + size), to + done);
  }
}
