// Payload bytes of the send queue: references into shared, counted pages, so that a segment can be split,
// merged and trimmed without copying. Knows no sequence numbers.
import { copyToShared, part, wordsOf } from '../channel/copy.js';
import type { PayloadSource } from './segment.js';

const PAGE_BYTES = 65_536;

/** A page of payload memory; it goes back to its heap when nothing refers to it. */
export class PayloadPage {
  readonly bytes: Uint8Array;
  /** The same memory, for copies without a view; none when it is borrowed (zerocopy). */
  readonly words: Int32Array | undefined;
  references = 0;
  /** Bytes handed out so far; only the newest page of a heap is filled further. */
  used = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.words = bytes.length === PAGE_BYTES && bytes.byteOffset === 0 ? wordsOf(bytes) : undefined;
  }
}

/** Hands out pages and takes them back: steady traffic allocates nothing. One per endpoint. */
export class PayloadHeap {
  private readonly free: PayloadPage[] = [];
  private readonly keep: number;
  private current: PayloadPage | null = null;
  private held = 0;

  /** Pages that payload refers to, for leak tests: the page that is being filled counts once something is in it. */
  get pagesInUse(): number {
    return this.held - (this.current !== null && this.current.references === 1 ? 1 : 0);
  }

  /** @param keep how many free pages of 64 KiB are kept for reuse */
  constructor(keep = 256) {
    this.keep = keep;
  }

  /** The page that new payload is written to, with at least one free byte. The caller must not keep it unreferenced. */
  writable(): PayloadPage {
    const current = this.current;
    if (current !== null && current.references === 1) current.used = 0; // nobody refers to it: from the start again
    if (current !== null && current.used < PAGE_BYTES) return current;
    if (current !== null) this.unref(current);
    const page = this.free.pop() ?? new PayloadPage(new Uint8Array(PAGE_BYTES));
    page.used = 0;
    page.references = 1; // the heap's own, while it is current
    this.held++;
    this.current = page;
    return page;
  }

  ref(page: PayloadPage): void {
    page.references++;
  }

  unref(page: PayloadPage): void {
    if (--page.references > 0) return;
    if (page.bytes.length !== PAGE_BYTES) return; // borrowed memory (zerocopy): its owner keeps it
    this.held--;
    if (this.free.length < this.keep) this.free.push(page);
  }
}

/** What stands in a place of the list that is not used: no memory is kept by it. */
const NO_PAGE = new PayloadPage(new Uint8Array(0));

/** An ordered list of byte ranges in pages. Its arrays never shrink: V8 would make them anew for the next payload. */
export class Payload implements PayloadSource {
  length = 0;
  readonly heap: PayloadHeap;
  private readonly pages: PayloadPage[] = [];
  private readonly offsets: number[] = [];
  private readonly lengths: number[] = [];
  private count = 0;

  constructor(heap: PayloadHeap) {
    this.heap = heap;
  }

  /** Number of ranges (Linux bounds them by MAX_SKB_FRAGS). */
  get fragments(): number {
    return this.count;
  }

  /** Copies `length` bytes of `source` behind what is there. */
  append(source: Uint8Array, from: number, length: number): void {
    let done = 0;
    while (done < length) {
      const page = this.heap.writable();
      const take = Math.min(length - done, PAGE_BYTES - page.used);
      page.bytes.set(part(source, from + done, take), page.used);
      this.addRange(page, page.used, take);
      page.used += take;
      done += take;
    }
  }

  /** Refers to a page without copying (zerocopy, or a page of another payload). */
  addRange(page: PayloadPage, offset: number, length: number): void {
    const last = this.count - 1;
    if (last >= 0 && this.pages[last] === page && this.offsets[last]! + this.lengths[last]! === offset) {
      this.lengths[last]! += length;
    } else {
      this.heap.ref(page);
      this.pages[this.count] = page;
      this.offsets[this.count] = offset;
      this.lengths[this.count] = length;
      this.count++;
    }
    this.length += length;
  }

  residue(from: number): number {
    let skip = from;
    for (let i = 0; i < this.count; i++) {
      const have = this.lengths[i]!;
      if (skip < have) return (this.pages[i]!.bytes.byteOffset + this.offsets[i]! + skip) & 7;
      skip -= have;
    }
    return 0;
  }

  copyTo(from: number, length: number, target: Uint8Array, targetOffset: number): void {
    let skip = from;
    let left = length;
    let to = targetOffset;
    for (let i = 0; left > 0 && i < this.count; i++) {
      const have = this.lengths[i]!;
      if (skip >= have) {
        skip -= have;
        continue;
      }
      const take = Math.min(left, have - skip);
      const start = this.offsets[i]! + skip;
      copyToShared(target, to, this.pages[i]!.bytes, start, take, this.pages[i]!.words);
      to += take;
      left -= take;
      skip = 0;
    }
  }

  /** Keeps the first `length` bytes; the rest moves to `rest` (an empty payload), sharing pages. */
  split(length: number, rest: Payload): void {
    let at = 0;
    let keep = 0;
    for (let i = 0; i < this.count; i++) {
      const have = this.lengths[i]!;
      if (at >= length) {
        rest.addRange(this.pages[i]!, this.offsets[i]!, have);
        this.heap.unref(this.pages[i]!);
      } else if (at + have > length) {
        const stay = length - at;
        rest.addRange(this.pages[i]!, this.offsets[i]! + stay, have - stay);
        this.lengths[i] = stay;
        keep = i + 1;
      } else {
        keep = i + 1;
      }
      at += have;
    }
    this.shorten(keep);
    this.length = Math.min(this.length, length);
  }

  /** Takes over the first `length` bytes of `other`, behind what is there. */
  takeFront(other: Payload, length: number): void {
    let left = Math.min(length, other.length);
    for (let i = 0; left > 0; i++) {
      const take = Math.min(left, other.lengths[i]!);
      this.addRange(other.pages[i]!, other.offsets[i]!, take);
      left -= take;
    }
    other.trimFront(length);
  }

  /** Number of ranges with all of `other` behind what is there. */
  rangesWith(other: Payload): number {
    const last = this.count - 1;
    const continues =
      last >= 0 &&
      other.count > 0 &&
      this.pages[last] === other.pages[0] &&
      this.offsets[last]! + this.lengths[last]! === other.offsets[0];
    return this.count + other.count - (continues ? 1 : 0);
  }

  /** Drops the first `length` bytes. */
  trimFront(length: number): void {
    let left = Math.min(length, this.length);
    this.length -= left;
    let drop = 0;
    while (left > 0) {
      const have = this.lengths[drop]!;
      if (have > left) {
        this.offsets[drop]! += left;
        this.lengths[drop]! -= left;
        break;
      }
      left -= have;
      this.heap.unref(this.pages[drop]!);
      drop++;
    }
    if (drop === 0) return;
    for (let i = drop; i < this.count; i++) {
      this.pages[i - drop] = this.pages[i]!;
      this.offsets[i - drop] = this.offsets[i]!;
      this.lengths[i - drop] = this.lengths[i]!;
    }
    this.shorten(this.count - drop);
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) this.heap.unref(this.pages[i]!);
    this.shorten(0);
    this.length = 0;
  }

  /** The first `count` ranges stay. */
  private shorten(count: number): void {
    for (let i = count; i < this.count; i++) this.pages[i] = NO_PAGE;
    this.count = count;
  }
}
