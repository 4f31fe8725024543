// Received bytes in order, in memory of the socket's own: copied out of the packet buffer at receipt, so that a slow
// reader pins no buffer. Charges each packet's truesize until its last byte is read, as Linux does. Knows no windows.
import { copyFromShared } from '../channel/copy.js';
import { bareTailroom, bareTruesize, chargeMemory } from './memory.js';
import type { Tcb } from './tcb.js';

const FIRST_BYTES = 16_384;
const FIRST_PACKETS = 32;

/** A byte ring that grows, with a parallel ring of the packets that the bytes came in. */
export class ReceiveQueue {
  private bytes = new Uint8Array(0);
  private head = 0;
  /** Bytes that can be read. */
  length = 0;
  private ends = new Float64Array(FIRST_PACKETS); // absolute byte position behind the packet
  private costs = new Float64Array(FIRST_PACKETS);
  private stamps = new Float64Array(FIRST_PACKETS);
  private firstPacket = 0;
  /** Absolute position of that packet's first byte; below `readAt` when it is partly read. */
  private firstStart = 0;
  /** Packets whose memory is charged. */
  packets = 0;
  /** Bytes that still fit into the last packet's own buffer. */
  private room = 0;
  /** Absolute position of the next byte to read and of the next one to append. */
  private readAt = 0;
  private writeAt = 0;

  /** Appends the bytes of one packet, one at least, or of a part of it; `charge` follows when all of it is there. */
  append(source: Uint8Array, from: number, length: number): void {
    this.reserve(length);
    // Begins where the bytes lie alike: such copies are cheaper (channel/copy.ts), and those that follow stay so.
    if (this.length === 0) this.head = (source.byteOffset + from) & 7;
    const size = this.bytes.length;
    const tail = (this.head + this.length) % size;
    const first = Math.min(length, size - tail);
    copyFromShared(this.bytes, tail, source, from, first);
    if (first < length) copyFromShared(this.bytes, 0, source, from + first, length - first);
    this.length += length;
    this.writeAt += length;
  }

  /**
   * The bytes just appended are a packet of their own, which is charged `truesize`; `tailroom` bytes fit behind it, and
   * `arrival` is its time stamp, µs.
   */
  charge(tcb: Tcb, truesize: number, tailroom: number, arrival: number): void {
    this.pushPacket(this.writeAt, truesize, arrival);
    this.room = tailroom;
    tcb.rcv.memoryAllocated += truesize;
    chargeMemory(tcb, truesize);
  }

  /**
   * Appends a whole payload to the last packet, in whose buffer it fits: true, and it costs nothing (tcp_try_coalesce). The
   * packet then has the later time stamp.
   */
  coalesce(source: Uint8Array, from: number, length: number, arrival: number): boolean {
    if (this.packets === 0 || length > this.room) return false;
    this.append(source, from, length);
    this.room -= length;
    const last = (this.firstPacket + this.packets - 1) & (this.ends.length - 1);
    this.ends[last] = this.writeAt;
    this.stamps[last] = arrival;
    return true;
  }

  private pushPacket(end: number, truesize: number, arrival: number): void {
    const capacity = this.ends.length;
    if (this.packets === capacity) this.growPackets();
    const at = (this.firstPacket + this.packets) & (this.ends.length - 1);
    this.ends[at] = end;
    this.costs[at] = truesize;
    this.stamps[at] = arrival;
    this.packets++;
  }

  private growPackets(): void {
    const capacity = this.ends.length;
    const ends = new Float64Array(capacity * 2);
    const costs = new Float64Array(capacity * 2);
    const stamps = new Float64Array(capacity * 2);
    for (let i = 0; i < this.packets; i++) {
      const at = (this.firstPacket + i) & (capacity - 1);
      ends[i] = this.ends[at]!;
      costs[i] = this.costs[at]!;
      stamps[i] = this.stamps[at]!;
    }
    this.ends = ends;
    this.costs = costs;
    this.stamps = stamps;
    this.firstPacket = 0;
  }

  private reserve(more: number): void {
    const needed = this.length + more;
    const { length } = this.bytes;
    if (needed <= length) return;
    let size = Math.max(length, FIRST_BYTES);
    while (size < needed) size *= 2;
    const bytes = new Uint8Array(size);
    this.copyOut(0, this.length, bytes, 0);
    this.bytes = bytes;
    this.head = 0;
  }

  private copyOut(skip: number, length: number, target: Uint8Array, offset: number): void {
    if (length === 0) return;
    const { bytes } = this;
    const size = bytes.length;
    const start = (this.head + skip) % size;
    const first = Math.min(length, size - start);
    target.set(bytes.subarray(start, start + first), offset);
    if (first < length) target.set(bytes.subarray(0, length - first), offset + first);
  }

  /** Copies `length` bytes from `skip` bytes behind the front, without taking them. */
  peek(skip: number, length: number, target: Uint8Array | null, offset: number): void {
    if (target !== null) this.copyOut(skip, length, target, offset);
  }

  /** One byte, for the urgent pointer. */
  byteAt(skip: number): number {
    const { bytes } = this;
    return bytes[(this.head + skip) % bytes.length]!;
  }

  /** Takes `length` bytes off the front (0: an empty packet at most); memory of packets that are wholly read is given back. */
  drop(tcb: Tcb, length: number): void {
    if (length > 0) {
      this.head = (this.head + length) % this.bytes.length;
      this.length -= length;
      this.readAt += length;
    }
    const mask = this.ends.length - 1;
    while (this.packets > 0 && this.ends[this.firstPacket]! <= this.readAt) {
      // That of a FIN alone waits until somebody looks for what is behind the last byte.
      if (length > 0 && this.ends[this.firstPacket] === this.firstStart) return;
      const cost = this.costs[this.firstPacket]!;
      this.firstStart = this.ends[this.firstPacket]!;
      tcb.rcv.lastReadStamp = this.stamps[this.firstPacket]!;
      tcb.rcv.memoryAllocated -= cost;
      chargeMemory(tcb, -cost);
      this.firstPacket = (this.firstPacket + 1) & mask;
      this.packets--;
    }
  }

  /** Arrival stamp of the packet that holds the byte `skip` bytes behind the front, µs (0: none). */
  stampAt(skip: number): number {
    const mask = this.ends.length - 1;
    for (let i = 0; i < this.packets; i++) {
      const at = (this.firstPacket + i) & mask;
      if (this.ends[at]! > this.readAt + skip) return this.stamps[at]!;
    }
    return 0;
  }

  /**
   * The buffer is overdrawn: from the first packet that is mostly empty or partly read on, the bytes move into full buffers
   * of up to `unit` (tcp_collapse). True when there was such a packet.
   * @param bloated whether a packet of `length` bytes is charged more than a window of that size would be
   */
  collapse(tcb: Tcb, unit: number, bloated: (truesize: number, length: number) => boolean): boolean {
    const mask = this.ends.length - 1;
    let start = this.firstStart;
    let kept = 0;
    for (; kept < this.packets; kept++) {
      const at = (this.firstPacket + kept) & mask;
      if (start < this.readAt || bloated(this.costs[at]!, this.ends[at]! - start)) break;
      start = this.ends[at]!;
    }
    if (kept === this.packets) return false;
    let change = 0;
    for (let i = kept; i < this.packets; i++) change -= this.costs[(this.firstPacket + i) & mask]!;
    const stamp = this.stampAt(this.length - 1);
    this.packets = kept;
    this.room = 0;
    let from = Math.max(start, this.readAt);
    if (kept === 0) this.firstStart = from;
    while (from < this.writeAt) {
      const length = Math.min(unit, this.writeAt - from);
      from += length;
      const truesize = bareTruesize(length);
      this.pushPacket(from, truesize, stamp);
      change += truesize;
      this.room = bareTailroom(length);
    }
    tcb.rcv.memoryAllocated += change;
    chargeMemory(tcb, change);
    return true;
  }

  /** Forgets everything and gives its memory back. */
  clear(tcb: Tcb): void {
    this.drop(tcb, this.length);
    this.drop(tcb, 0);
    this.bytes = new Uint8Array(0);
    this.head = 0;
    this.length = 0;
  }
}
