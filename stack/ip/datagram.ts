// One packet being put together from its fragments: which ranges are there, the bytes, the first fragment's header,
// and the ECN bits of all. Knows one packet only; limits over all of them are reassembly.ts's.

import * as ipv4 from '../wire/ipv4.js';
import * as ipv6 from '../wire/ipv6.js';
import type { IpPacket } from './packet.js';

const EMPTY = new Uint8Array(0);

export class Datagram {
  readonly ipv6: boolean;
  readonly id: number;
  readonly link: number;
  readonly protocol: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly deadline: number;
  /** Overlapped or contradicted itself: nothing more of it is taken until its time is up. */
  dead = false;
  /** The first fragment, whole, for an error that quotes it; empty until it came. */
  first: Uint8Array = EMPTY;
  /** Its header without a fragment header, and where in it the next header is named (IPv6). */
  #header: Uint8Array = EMPTY;
  #nextHeaderAt = 0;
  #next = 0;
  #data: Uint8Array = EMPTY;
  /** Sorted ranges [start, end), pairs; they never touch each other. */
  #ranges: number[] = [];
  /** Bytes of the whole payload, -1 until the last fragment came. */
  #total = -1;
  /** Bit n: a fragment had ECN code point n. */
  #ecn = 0;

  constructor(packet: IpPacket, link: number, deadline: number) {
    this.ipv6 = packet.ipv6;
    this.id = packet.fragmentId;
    this.link = link;
    this.protocol = packet.protocol;
    this.source = Uint8Array.from(packet.source);
    this.destination = Uint8Array.from(packet.destination);
    this.deadline = deadline;
  }

  /** Bytes held. */
  get memory(): number {
    return this.#data.length + this.first.length + this.#header.length;
  }

  get isComplete(): boolean {
    return (
      this.#total >= 0 &&
      this.#ranges.length === 2 &&
      this.#ranges[0] === 0 &&
      this.#ranges[1] === this.#total
    );
  }

  get packetLength(): number {
    return this.#header.length + this.#total;
  }

  /** RFC 3168 section 5.3: Not-ECT among ECN-capable fragments is a fault, and the packet is dropped. */
  get ecnAgrees(): boolean {
    return (this.#ecn & 1) === 0 || this.#ecn === 1;
  }

  /** Drops the bytes, keeps the key. */
  forget(): void {
    this.first = EMPTY;
    this.#header = EMPTY;
    this.#data = EMPTY;
    this.#ranges = [];
  }

  /**
   * Adds a fragment; false when it is not taken: an exact duplicate, one range too many, or a contradiction (`dead`).
   */
  insert(b: Uint8Array, packet: IpPacket, maxRanges: number): boolean {
    const start = packet.fragmentOffset;
    const end = start + packet.payloadLength;
    const r = this.#ranges;
    let at = 0;
    while (at < r.length && r[at] < start) at += 2;
    // Ranges hold joined fragments, so a piece inside one is a duplicate or an overlap: only the bytes can tell.
    const inside = (at < r.length && r[at] <= start && end <= r[at + 1]) || (at > 0 && end <= r[at - 1]);
    if (inside) {
      const same = this.#same(b, packet, start);
      const last = packet.moreFragments ? end < this.#total || this.#total < 0 : end === this.#total;
      if (!same || !last) this.dead = true;
      return false;
    }
    const overlaps = (at > 0 && r[at - 1] > start) || (at < r.length && r[at] < end);
    const beyond = this.#total >= 0 && (end > this.#total || (!packet.moreFragments && end !== this.#total));
    const short = !packet.moreFragments && r.length > 0 && r[r.length - 1] > end;
    if (overlaps || beyond || short) {
      this.dead = true;
      return false;
    }
    if (r.length >= 2 * maxRanges && !(at > 0 && r[at - 1] === start) && !(at < r.length && r[at] === end))
      return false;
    if (!packet.moreFragments) this.#total = end;
    this.#ecn |= 1 << packet.ecn;
    this.#grow(end);
    this.#data.set(b.subarray(packet.payload, packet.end), start);
    if (start === 0) this.#keepHeader(b, packet);
    this.#join(at, start, end);
    return true;
  }

  /** Writes the whole packet to `out[o]`; returns its length. Only when complete. */
  copyTo(out: Uint8Array, o: number): number {
    const head = this.#header.length;
    out.set(this.#header, o);
    out.set(this.#data.subarray(0, this.#total), o + head);
    const ce = (this.#ecn & 8) !== 0;
    if (this.ipv6) {
      out[o + this.#nextHeaderAt] = this.#next;
      const payload = head - ipv6.IPV6_HEADER + this.#total;
      out[o + ipv6.IPV6_OFF_PAYLOAD_LENGTH] = payload >>> 8;
      out[o + ipv6.IPV6_OFF_PAYLOAD_LENGTH + 1] = payload;
      if (ce) ipv6.setEcn(out, o, 3);
    } else {
      const total = head + this.#total;
      out[o + ipv4.IPV4_OFF_TOTAL_LENGTH] = total >>> 8;
      out[o + ipv4.IPV4_OFF_TOTAL_LENGTH + 1] = total;
      // No longer a fragment: offset and MF go.
      out[o + ipv4.IPV4_OFF_FRAGMENT] &= 0xc0;
      out[o + ipv4.IPV4_OFF_FRAGMENT + 1] = 0;
      if (ce) out[o + ipv4.IPV4_OFF_TOS] |= 3;
      ipv4.finishHeader(out, o);
    }
    return head + this.#total;
  }

  #same(b: Uint8Array, packet: IpPacket, start: number): boolean {
    for (let i = 0; i < packet.payloadLength; i++)
      if (this.#data[start + i] !== b[packet.payload + i]) return false;
    return true;
  }

  #keepHeader(b: Uint8Array, packet: IpPacket): void {
    // Whole, although an error quotes less: whoever answers it judges it as a packet first.
    this.first = b.slice(packet.start, packet.end);
    if (this.ipv6) {
      this.#header = b.slice(packet.start, packet.fragmentHeader);
      this.#nextHeaderAt = packet.nextHeaderAt - packet.start;
      this.#next = b[packet.fragmentHeader];
    } else this.#header = b.slice(packet.start, packet.payload);
  }

  #grow(end: number): void {
    if (end <= this.#data.length) return;
    const more = new Uint8Array(this.#total >= 0 ? this.#total : Math.min(65536, Math.max(2048, end * 2)));
    more.set(this.#data);
    this.#data = more;
  }

  #join(at: number, start: number, end: number): void {
    const r = this.#ranges;
    const left = at > 0 && r[at - 1] === start;
    const right = at < r.length && r[at] === end;
    if (left && right) r.splice(at - 1, 2);
    else if (left) r[at - 1] = end;
    else if (right) r[at] = start;
    else r.splice(at, 0, start, end);
  }
}
