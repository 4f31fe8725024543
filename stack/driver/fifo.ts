// Queue disciplines without flows: pfifo and bfifo with a limit in packets and in bytes, Linux's three-band pfifo_fast,
// and noqueue, which keeps nothing. They must never look further into a packet than its type-of-service byte.

import type { PacketBuffers } from '../channel/buffers.js';
import { type BufferLists, Fifo, type Qdisc, XMIT_DROP, XMIT_OK } from './egress.js';

/** Linux's default transmit queue length, in packets. */
export const TX_QUEUE_LENGTH = 1000;

/** One list with a limit in packets (pfifo) or bytes (bfifo). */
export class PlainFifo implements Qdisc {
  readonly kind: string;
  readonly #buffers: PacketBuffers;
  readonly #lists: BufferLists;
  readonly #limit: number;
  readonly #fifo = new Fifo();
  #backlog = 0;

  constructor(kind: 'pfifo' | 'bfifo', buffers: PacketBuffers, lists: BufferLists, limit: number) {
    this.kind = kind;
    this.#buffers = buffers;
    this.#lists = lists;
    this.#limit = limit;
  }

  get length(): number {
    return this.#fifo.length;
  }

  enqueue(index: number): number {
    const bytes = this.#buffers.length(index);
    const used = this.kind === 'pfifo' ? this.#fifo.length + 1 : this.#backlog + bytes;
    if (used > this.#limit) return XMIT_DROP;
    this.#backlog += bytes;
    this.#fifo.push(this.#lists, index);
    return XMIT_OK;
  }

  dequeue(): number {
    const index = this.#fifo.shift(this.#lists);
    if (index >= 0) this.#backlog -= this.#buffers.length(index);
    return index;
  }

  requeue(index: number): void {
    this.#backlog += this.#buffers.length(index);
    this.#fifo.unshift(this.#lists, index);
  }

  nextDeparture(now: number): number {
    return this.#fifo.length > 0 ? now : Infinity;
  }
}

/** Band by the four type-of-service bits of RFC 1349: pfifo_fast's priority map (tc-pfifo_fast(8)). */
const BAND = [1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1];
/** Priority by those bits: best effort, filler, bulk, interactive bulk, interactive (tc-prio(8), the TOS table). */
const PRIORITY = [0, 0, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4];

/** Three lists, the first served first, each with the whole limit. */
export class PfifoFast implements Qdisc {
  readonly kind = 'pfifo_fast';
  readonly #buffers: PacketBuffers;
  readonly #lists: BufferLists;
  readonly #limit: number;
  readonly #bands = [new Fifo(), new Fifo(), new Fifo()];

  constructor(buffers: PacketBuffers, lists: BufferLists, limit: number = TX_QUEUE_LENGTH) {
    this.#buffers = buffers;
    this.#lists = lists;
    this.#limit = limit;
  }

  get length(): number {
    return this.#bands[0].length + this.#bands[1].length + this.#bands[2].length;
  }

  enqueue(index: number): number {
    const band = this.#bands[this.#band(index)];
    if (band.length >= this.#limit) return XMIT_DROP;
    band.push(this.#lists, index);
    return XMIT_OK;
  }

  dequeue(): number {
    for (const band of this.#bands) {
      if (band.length > 0) return band.shift(this.#lists);
    }
    return -1;
  }

  requeue(index: number): void {
    this.#bands[this.#band(index)].unshift(this.#lists, index);
  }

  nextDeparture(now: number): number {
    return this.length > 0 ? now : Infinity;
  }

  #band(index: number): number {
    const buffers = this.#buffers;
    const at = buffers.start(index) + buffers.l3Offset(index);
    if (buffers.length(index) - buffers.l3Offset(index) < 2) return 1;
    const version = buffers.bytes[at] >> 4;
    // IPv6 takes its priority from the socket alone, which is best effort here.
    if (version !== 4) return 1;
    return BAND[PRIORITY[(buffers.bytes[at + 1] >> 1) & 15]];
  }
}

/** Nothing is kept: what the link does not take at once is dropped. One packet stands here between the two. */
export class NoQueue implements Qdisc {
  readonly kind = 'noqueue';
  #index = -1;

  get length(): number {
    return this.#index < 0 ? 0 : 1;
  }

  enqueue(index: number): number {
    if (this.#index >= 0) return XMIT_DROP;
    this.#index = index;
    return XMIT_OK;
  }

  dequeue(): number {
    const index = this.#index;
    this.#index = -1;
    return index;
  }

  requeue(index: number): void {
    this.#index = index;
  }

  nextDeparture(now: number): number {
    return this.#index < 0 ? Infinity : now;
  }
}
