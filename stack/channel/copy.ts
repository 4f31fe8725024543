// Copying between shared memory (packet buffers) and ordinary memory. Knows nothing of what is copied.
//
// V8 copies to and from a SharedArrayBuffer by whole words only where both sides lie alike modulo 8; otherwise byte by
// byte. Measured on Node 20, 1,448 bytes: alike 124 ns, unlike 700 to 1,300 ns; 64 KiB: 3 µs against 26 to 35 µs. So
// whoever can choose lets both sides lie alike (`PoolParty.align`), and an unlike copy goes through ordinary memory,
// where any alignment is fast (144 ns and 3 µs): about 270 ns and 6 µs in all.
//
// `set` takes a part of an array only by way of a view of it, which is an object (100 bytes, 35 to 77 ns). Views of packet
// buffers are kept, because a connection's packets lie at the same places of the same buffers again and again. A loop over
// 64-bit words needs no view, but cost a segment of 1,460 bytes 20 % more in all (bench tcp, 4.0 against 3.3 µs).

const STAGE_BYTES = 1 << 17;
const stage = new Uint8Array(STAGE_BYTES + 8);
const SHORT = 64;

/** Views of one arena that were asked for last, one for each half of 4,096 small buffers. */
class SharedViews {
  private readonly bytes: Uint8Array;
  private readonly table: Uint8Array[] = new Array(KEPT_VIEWS).fill(stage);

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
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

/** Copies `length` bytes of ordinary memory at `from` to packet-buffer memory at `to`. */
export function copyToShared(
  target: Uint8Array,
  to: number,
  source: Uint8Array,
  from: number,
  length: number,
): void {
  if (length < SHORT) copyShort(target, to, source, from, length);
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
  else if (alike(target, to, source, from)) target.set(viewsOf(source).at(from, length), to);
  else copyUnlike(target, to, source, from, length, (source.byteOffset + from) & 7);
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
