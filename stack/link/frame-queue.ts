// Frames on their way: copies of bytes with the metadata that travels along, given out in order of their time and,
// at one time, in the order they came. Bounded; storage is reused. Knows frames and times, no links and no protocols.

import { copyFromShared, copyToShared, wordsOf } from '../channel/copy.js';
import type { PoolParty } from '../channel/pool.js';

/** Frames above this are never stored: the large buffer class takes no more (headroom included). */
export const MAX_FRAME = 65536 + 256;
const SMALL_FRAME = 2048;
const NOTHING = new Uint8Array(0);
const NO_WORDS: Int32Array = new Int32Array(0);
/** Slots whose storage an empty queue keeps at least. */
const KEPT = 64;
/** Bursts that tell how much storage is needed. */
const BURSTS = 64;

export class FrameQueue {
  readonly #limit: number;
  #times = new Float64Array(16);
  #orders = new Float64Array(16);
  #lengths = new Int32Array(16);
  #gsoSizes = new Int32Array(16);
  #checksums = new Int32Array(16);
  #csumStarts = new Int32Array(16);
  #csumOffsets = new Int32Array(16);
  readonly #data: Uint8Array[] = [];
  /** The same memory as words (channel/copy.ts), and where in it a slot's frame begins. */
  readonly #words: Int32Array[] = [];
  #starts = new Int32Array(16);
  /** Slot numbers: a binary heap in [0, #size), free slots behind it. */
  #heap = new Int32Array(16);
  #size = 0;
  /** Bursts (the queue was empty before and after) since storage was last looked at; most frames held in them. */
  #bursts = 0;
  #peak = 0;
  #count = 0;
  #bytes = 0;

  /** `limit`: most frames held at a time. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of all frames held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Time of the next frame, Infinity when there is none. */
  get nextTime(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#times[this.#heap[0]];
  }

  /** Stores a copy of `b[start, start+length)` for `time`; false when the queue is full or the frame too long. */
  push(
    time: number,
    b: Uint8Array,
    start: number,
    length: number,
    gsoSize = 0,
    checksum = 0,
    csumStart = 0,
    csumOffset = 0,
  ): boolean {
    if (this.#size >= this.#limit || length > MAX_FRAME) return false;
    if (this.#size === this.#data.length) this.#addSlot();
    const slot = this.#heap[this.#size];
    let data = this.#data[slot];
    // Lies in its slot, and later in a buffer, as it lay before: such copies are cheaper (channel/copy.ts).
    const at = (b.byteOffset + start) & 7;
    if (data.length < at + length) {
      data = new Uint8Array(8 + roomFor(length));
      this.#data[slot] = data;
      this.#words[slot] = wordsOf(data);
    }
    copyFromShared(data, at, b, start, length);
    this.#starts[slot] = at;
    this.#times[slot] = time;
    this.#orders[slot] = this.#count++;
    this.#lengths[slot] = length;
    this.#gsoSizes[slot] = gsoSize;
    this.#checksums[slot] = checksum;
    this.#csumStarts[slot] = csumStart;
    this.#csumOffsets[slot] = csumOffset;
    this.#bytes += length;
    this.#up(this.#size++, slot);
    if (this.#size > this.#peak) this.#peak = this.#size;
    return true;
  }

  /** Stores a copy of a packet buffer's frame with its metadata; the buffer stays the caller's. */
  pushBuffer(time: number, party: PoolParty, index: number): boolean {
    return this.push(
      time,
      party.bytes,
      party.start(index),
      party.length(index),
      party.gsoSize(index),
      party.checksum(index),
      party.csumStart(index),
      party.csumOffset(index),
    );
  }

  /**
   * Moves the next frame into a buffer of `party`, stamped with the frame's time. Returns the buffer's index, or -1 when
   * the queue is empty or the pool is: then the frame stays.
   */
  popBuffer(party: PoolParty): number {
    if (this.#size === 0) return -1;
    const slot = this.#heap[0];
    const length = this.#lengths[slot];
    const index = party.alloc(length);
    if (index < 0) return -1;
    const at = this.#starts[slot];
    party.align(index, 0, at);
    copyToShared(party.bytes, party.start(index), this.#data[slot], at, length, this.#words[slot]);
    party.setLength(index, length);
    party.setStamp(index, this.#times[slot]);
    party.setGsoSize(index, this.#gsoSizes[slot]);
    party.setChecksum(index, this.#checksums[slot]);
    party.setCsumPlace(index, this.#csumStarts[slot], this.#csumOffsets[slot]);
    this.#shift();
    return index;
  }

  /** Removes the next frame and returns a copy of its bytes, null when there is none. */
  pop(): Uint8Array | null {
    if (this.#size === 0) return null;
    const slot = this.#heap[0];
    const at = this.#starts[slot];
    const copy = this.#data[slot].slice(at, at + this.#lengths[slot]);
    this.#shift();
    return copy;
  }

  clear(): void {
    this.#size = 0;
    this.#bytes = 0;
  }

  #shift(): void {
    const slot = this.#heap[0];
    this.#bytes -= this.#lengths[slot];
    const last = this.#heap[--this.#size];
    if (this.#size > 0) this.#down(last);
    this.#heap[this.#size] = slot;
    if (this.#size === 0) this.#letGo();
  }

  /**
   * A burst is over. What none of the last BURSTS needed of the storage goes back, an eighth of all at a time, so that
   * bursts of like size find theirs, also when small ones come in between (that of 180 segments, made anew for each
   * beyond the 64th, was 80 bytes of the heap a segment and its 2 KiB; looking at each burst alone it was still 38).
   */
  #letGo(): void {
    if (++this.#bursts < BURSTS) return;
    const { length } = this.#data;
    const kept = Math.max(KEPT, this.#peak, length - (length >>> 3));
    this.#bursts = 0;
    this.#peak = 0;
    if (length <= kept) return;
    this.#data.length = kept;
    this.#words.length = kept;
    for (let slot = 0; slot < kept; slot++) this.#heap[slot] = slot;
  }

  #before(x: number, y: number): boolean {
    const d = this.#times[x] - this.#times[y];
    return d < 0 || (d === 0 && this.#orders[x] < this.#orders[y]);
  }

  #up(from: number, slot: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.#before(slot, this.#heap[parent])) break;
      this.#heap[at] = this.#heap[parent];
      at = parent;
    }
    this.#heap[at] = slot;
  }

  #down(slot: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#before(this.#heap[child + 1], this.#heap[child])) child++;
      if (!this.#before(this.#heap[child], slot)) break;
      this.#heap[at] = this.#heap[child];
      at = child;
    }
    this.#heap[at] = slot;
  }

  #addSlot(): void {
    const n = this.#data.length;
    if (n === this.#times.length) {
      const more = n * 2;
      this.#times = grown(new Float64Array(more), this.#times);
      this.#orders = grown(new Float64Array(more), this.#orders);
      this.#starts = grown(new Int32Array(more), this.#starts);
      this.#lengths = grown(new Int32Array(more), this.#lengths);
      this.#gsoSizes = grown(new Int32Array(more), this.#gsoSizes);
      this.#checksums = grown(new Int32Array(more), this.#checksums);
      this.#csumStarts = grown(new Int32Array(more), this.#csumStarts);
      this.#csumOffsets = grown(new Int32Array(more), this.#csumOffsets);
      this.#heap = grown(new Int32Array(more), this.#heap);
    }
    this.#data.push(NOTHING);
    this.#words.push(NO_WORDS);
    this.#heap[n] = n;
  }
}

/** Jumbo frames in slots of their own size: one for the largest super-packet is seven times as large. */
function roomFor(length: number): number {
  return Math.min(MAX_FRAME, Math.max(SMALL_FRAME, 2 ** Math.ceil(Math.log2(length))));
}

function grown<T extends Float64Array | Int32Array>(next: T, old: T): T {
  next.set(old);
  return next;
}
