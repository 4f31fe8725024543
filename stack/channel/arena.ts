// The one shared memory of a stack: a reserved SharedArrayBuffer in which rings, the flow table, the packet pool and
// counters live at offsets. It hands out 64-byte aligned regions; it must never know what is kept in them.
//
// Allocation belongs to the stack's control thread alone (free lists are private to it), so it needs no lock; other
// threads attach by the buffer and use offsets they were told. Memory that was never touched costs address space only.

export const LINE_BYTES = 64;
export const LINE_WORDS = 16;
/** Two lines: keeps words of two sides apart although x86 prefetches lines in pairs. */
export const PAIR_BYTES = 128;

const MAGIC = 0x4e43_4152; // "NCAR"
const VERSION = 1;
const W_MAGIC = 0;
const W_VERSION = 1;
const W_LINES = 2;
const HEADER_BYTES = PAIR_BYTES;
const MAX_BYTES = 2 ** 32 - LINE_BYTES;

/** Reserved by default: address space, not memory. */
export const DEFAULT_ARENA_BYTES = 128 * 1024 * 1024;

export class ArenaError extends Error {
  readonly code: 'ARENA_FULL' | 'ARENA_BAD' | 'ARENA_NOT_OWNER';
  constructor(code: ArenaError['code'], message: string) {
    super(message);
    this.name = 'ArenaError';
    this.code = code;
  }
}

interface Region {
  offset: number;
  bytes: number;
}

export class Arena {
  readonly buffer: SharedArrayBuffer;
  /** Views over the whole arena; index a word by `offset >>> 2`, a double by `offset >>> 3`. */
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly slots: Uint32Array;
  readonly floats: Float64Array;
  /** Bytes reserved, header included. */
  readonly size: number;
  readonly #owner: boolean;
  #bump: number;
  #used = 0;
  #free = new Map<number, number[]>();

  private constructor(buffer: SharedArrayBuffer, owner: boolean) {
    this.buffer = buffer;
    this.size = buffer.byteLength;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.slots = new Uint32Array(buffer);
    this.floats = new Float64Array(buffer);
    this.#owner = owner;
    this.#bump = HEADER_BYTES;
  }

  /** Reserves `bytes` (rounded up to a line). The caller is the control thread: only it may allocate. */
  static create(bytes: number = DEFAULT_ARENA_BYTES): Arena {
    if (!Number.isInteger(bytes) || bytes < HEADER_BYTES || bytes > MAX_BYTES) {
      throw new ArenaError('ARENA_BAD', `an arena takes ${HEADER_BYTES} to ${MAX_BYTES} bytes, not ${bytes}`);
    }
    const rounded = Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;
    const arena = new Arena(new SharedArrayBuffer(rounded), true);
    arena.words[W_VERSION] = VERSION;
    arena.words[W_LINES] = rounded / LINE_BYTES;
    Atomics.store(arena.words, W_MAGIC, MAGIC);
    return arena;
  }

  /** Uses an arena that another thread made. Throws ARENA_BAD when the buffer is something else. */
  static attach(buffer: SharedArrayBuffer): Arena {
    if (!(buffer instanceof SharedArrayBuffer) || buffer.byteLength < HEADER_BYTES) {
      throw new ArenaError('ARENA_BAD', 'not the shared buffer of an arena');
    }
    const arena = new Arena(buffer, false);
    const magic = Atomics.load(arena.words, W_MAGIC);
    if (magic !== MAGIC || arena.words[W_VERSION] !== VERSION) {
      throw new ArenaError('ARENA_BAD', `not an arena of version ${VERSION}`);
    }
    return arena;
  }

  /** Bytes now handed out. */
  get used(): number {
    return this.#used;
  }

  /**
   * A zeroed region of at least `bytes`, aligned to 64; returns its byte offset.
   * Throws ARENA_FULL when nothing fits, ARENA_NOT_OWNER in a thread that only attached.
   */
  alloc(bytes: number): number {
    this.#mustOwn();
    if (!Number.isInteger(bytes) || bytes <= 0)
      throw new ArenaError('ARENA_BAD', `cannot allocate ${bytes} bytes`);
    const size = Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;
    const same = this.#free.get(size);
    let offset = same?.pop() ?? -1;
    if (offset < 0 && this.#bump + size <= this.size) {
      offset = this.#bump;
      this.#bump += size;
      this.#used += size;
      return offset; // fresh from the system: already zero
    }
    if (offset < 0) offset = this.#split(size);
    if (offset < 0) {
      throw new ArenaError('ARENA_FULL', `no ${size} bytes left of ${this.size} (${this.#used} in use)`);
    }
    this.words.fill(0, offset >>> 2, (offset + size) >>> 2);
    this.#used += size;
    return offset;
  }

  /** Gives a region back. The caller has made sure (grace period, closed ring) that no thread uses it any more. */
  free(offset: number, bytes: number): void {
    this.#mustOwn();
    const size = Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;
    if (offset < HEADER_BYTES || offset % LINE_BYTES !== 0 || offset + size > this.#bump) {
      throw new ArenaError('ARENA_BAD', `offset ${offset} with ${bytes} bytes was never allocated here`);
    }
    this.#used -= size;
    this.#put(offset, size);
  }

  #mustOwn(): void {
    if (!this.#owner)
      throw new ArenaError('ARENA_NOT_OWNER', 'only the thread that made the arena allocates in it');
  }

  #put(offset: number, size: number): void {
    const list = this.#free.get(size);
    if (list) list.push(offset);
    else this.#free.set(size, [offset]);
  }

  /** Nothing of the exact size and the bump is at its end: join neighbours, take the smallest that fits, keep the rest. */
  #split(size: number): number {
    const regions: Region[] = [];
    for (const [bytes, offsets] of this.#free) for (const offset of offsets) regions.push({ offset, bytes });
    regions.sort((a, b) => a.offset - b.offset);
    const joined: Region[] = [];
    for (const region of regions) {
      const last = joined.at(-1);
      if (last && last.offset + last.bytes === region.offset) last.bytes += region.bytes;
      else joined.push(region);
    }
    let best: Region | undefined;
    for (const region of joined) {
      if (region.bytes >= size && (!best || region.bytes < best.bytes)) best = region;
    }
    this.#free = new Map();
    for (const region of joined) {
      if (region !== best) this.#put(region.offset, region.bytes);
    }
    if (!best) return -1;
    if (best.bytes > size) this.#put(best.offset + size, best.bytes - size);
    return best.offset;
  }
}
