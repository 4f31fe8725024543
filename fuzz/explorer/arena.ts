// The arena of a model: a small shared buffer that is reset for each run and hands freed memory out again at once, so
// that a use after free shows. It looks to instrumented code like stack/channel/arena.ts; its own writes to memory that
// is handed out a second time are race-checked, as the real one's zeroing would race.

import { type Machine, SITE_FREE, SITE_ZERO } from './machine.js';

export class ModelArena {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly slots: Uint32Array;
  readonly floats: Float64Array;
  readonly size: number;
  machine: Machine | undefined;
  /** Set while threads run: from then on allocation is part of a thread. */
  running = false;
  used = 0;
  #bump = 128;
  #free = new Map<number, number[]>();

  constructor(bytes: number) {
    this.buffer = new SharedArrayBuffer(bytes);
    this.size = bytes;
    this.bytes = new Uint8Array(this.buffer);
    this.words = new Int32Array(this.buffer);
    this.slots = new Uint32Array(this.buffer);
    this.floats = new Float64Array(this.buffer);
  }

  reset(): void {
    this.words.fill(0, 0, this.#bump >>> 2);
    this.#bump = 128;
    if (this.#free.size > 0) this.#free = new Map();
    this.used = 0;
    this.running = false;
  }

  alloc(bytes: number): number {
    const size = Math.ceil(bytes / 64) * 64;
    const offset = this.#free.get(size)?.pop() ?? -1;
    this.used += size;
    if (offset < 0) {
      const fresh = this.#bump;
      this.#bump += size;
      if (this.#bump > this.size) throw new Error('the model needs a larger arena');
      return fresh;
    }
    if (this.running && this.machine)
      this.machine.fill(SITE_ZERO, this.words, 0, offset >>> 2, (offset + size) >>> 2);
    else this.words.fill(0, offset >>> 2, (offset + size) >>> 2);
    return offset;
  }

  free(offset: number, bytes: number): void {
    const size = Math.ceil(bytes / 64) * 64;
    this.used -= size;
    // Whoever still reads it now races with this write.
    if (this.running && this.machine) {
      this.machine.fill(SITE_FREE, this.words, 0x5ead5ead, offset >>> 2, (offset + size) >>> 2);
    }
    const list = this.#free.get(size);
    if (list) list.push(offset);
    else this.#free.set(size, [offset]);
  }
}
