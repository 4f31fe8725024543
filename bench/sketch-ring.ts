// The plain sketch of a ring that ours has to be as good as: cached indices, 4,096 u32 slots, one publish and one release a
// batch, and nothing else: no claims, no limits, no counters, no wrap-free copies. Only bench/ring.ts uses it.

export const SKETCH_SLOTS = 4096;
const MASK = SKETCH_SLOTS - 1;
/** Words of the two indices, on lines of their own, and bytes before the slots. */
const TAIL = 0;
const HEAD = 32;
const SLOTS_AT = 256;

export function sketchBuffer(): SharedArrayBuffer {
  return new SharedArrayBuffer(SLOTS_AT + SKETCH_SLOTS * 4);
}

export class SketchProducer {
  private readonly words: Int32Array;
  private readonly slots: Uint32Array;
  private tail = 0;
  private head = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
    this.slots = new Uint32Array(buffer, SLOTS_AT);
  }

  /** Appends what there is room for and publishes it; returns how many. */
  push(values: Uint32Array, count: number): number {
    const { slots, tail } = this;
    if (SKETCH_SLOTS - (tail - this.head) < count) this.head = Atomics.load(this.words, HEAD);
    const n = Math.min(count, (SKETCH_SLOTS - (tail - this.head)) | 0);
    for (let i = 0; i < n; i++) slots[(tail + i) & MASK] = values[i];
    this.tail = (tail + n) | 0;
    Atomics.store(this.words, TAIL, this.tail);
    return n;
  }
}

export class SketchConsumer {
  private readonly words: Int32Array;
  private readonly slots: Uint32Array;
  private tail = 0;
  private head = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
    this.slots = new Uint32Array(buffer, SLOTS_AT);
  }

  /** Takes up to `max`; returns how many. */
  pop(out: Uint32Array, max: number): number {
    const { slots, head } = this;
    if (((this.tail - head) | 0) < max) this.tail = Atomics.load(this.words, TAIL);
    const n = Math.min(max, (this.tail - head) | 0);
    for (let i = 0; i < n; i++) out[i] = slots[(head + i) & MASK];
    if (n === 0) return 0;
    this.head = (head + n) | 0;
    Atomics.store(this.words, HEAD, this.head);
    return n;
  }
}
