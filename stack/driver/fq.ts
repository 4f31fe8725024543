// The fair queue with pacing (Linux's sch_fq): a list per flow, served in turns of a byte quantum, new flows first; a
// packet waits for its earliest departure time, which the sender set. It must never know what a flow is beyond its
// number, nor who sets departure times.

import type { PacketBuffers } from '../channel/buffers.js';
import { type BufferLists, Fifo, type Qdisc, XMIT_DROP, XMIT_OK } from './egress.js';

/** sch_fq's defaults: packets in all, packets a flow, and how far ahead a departure may lie (µs). */
export const FQ_LIMIT = 10_000;
export const FQ_FLOW_LIMIT = 100;
export const FQ_HORIZON = 10_000_000;

class FqFlow {
  readonly number: number;
  readonly fifo = new Fifo();
  credit: number;
  /** Departure of the head packet while the flow is throttled. */
  wake = 0;
  /** Where it stands: 0 nowhere (empty), 1 new, 2 old, 3 throttled. */
  place = 0;
  constructor(number: number, credit: number) {
    this.number = number;
    this.credit = credit;
  }
}

const NOWHERE = 0;
const NEW = 1;
const OLD = 2;
const THROTTLED = 3;

export interface FqOptions {
  limit?: number;
  flowLimit?: number;
  /** Bytes a flow may send in its turn, and at its first: twice and ten times the MTU. */
  quantum?: number;
  initialQuantum?: number;
  horizon?: number;
}

export class FairQueue implements Qdisc {
  readonly kind = 'fq';
  readonly #buffers: PacketBuffers;
  readonly #lists: BufferLists;
  readonly #limit: number;
  readonly #flowLimit: number;
  readonly #quantum: number;
  readonly #initial: number;
  readonly #horizon: number;
  readonly #flows = new Map<number, FqFlow>();
  /** Packets without a flow (number 0: ARP, ICMP, resets): never paced, always first. */
  readonly #internal = new Fifo();
  #new: FqFlow[] = [];
  #old: FqFlow[] = [];
  /** Binary heap by `wake`. */
  readonly #throttled: FqFlow[] = [];
  #length = 0;

  constructor(buffers: PacketBuffers, lists: BufferLists, mtu: number, options: FqOptions = {}) {
    this.#buffers = buffers;
    this.#lists = lists;
    this.#limit = options.limit ?? FQ_LIMIT;
    this.#flowLimit = options.flowLimit ?? FQ_FLOW_LIMIT;
    this.#quantum = options.quantum ?? 2 * (mtu + 14);
    this.#initial = options.initialQuantum ?? 10 * (mtu + 14);
    this.#horizon = options.horizon ?? FQ_HORIZON;
  }

  get length(): number {
    return this.#length;
  }

  /** Flows that have packets here. */
  get flows(): number {
    return this.#flows.size;
  }

  enqueue(index: number, now: number): number {
    if (this.#length >= this.#limit) return XMIT_DROP;
    const number = this.#buffers.tag(index);
    if (number === 0) {
      this.#internal.push(this.#lists, index);
      this.#length++;
      return XMIT_OK;
    }
    if (this.#buffers.departure(index) > now + this.#horizon) return XMIT_DROP;
    let flow = this.#flows.get(number);
    if (!flow) {
      flow = new FqFlow(number, this.#initial);
      this.#flows.set(number, flow);
    }
    if (flow.fifo.length >= this.#flowLimit) return XMIT_DROP;
    flow.fifo.push(this.#lists, index);
    this.#length++;
    if (flow.place === NOWHERE) {
      flow.place = NEW;
      this.#new.push(flow);
    }
    return XMIT_OK;
  }

  dequeue(now: number): number {
    if (this.#length === 0) return -1;
    if (this.#internal.length > 0) {
      this.#length--;
      return this.#internal.shift(this.#lists);
    }
    while (this.#throttled.length > 0 && this.#throttled[0].wake <= now) {
      const flow = this.#unthrottle();
      flow.place = OLD;
      this.#old.push(flow);
    }
    for (;;) {
      const list = this.#new.length > 0 ? this.#new : this.#old;
      const flow = list[0];
      if (!flow) return -1;
      if (flow.credit <= 0) {
        flow.credit += this.#quantum;
        list.shift();
        flow.place = OLD;
        this.#old.push(flow);
        continue;
      }
      const head = flow.fifo.head;
      if (head < 0) {
        list.shift();
        // A flow that was new and is empty passes through the old list once, so that it cannot stay new for ever.
        if (flow.place === NEW && this.#old.length > 0) {
          flow.place = OLD;
          this.#old.push(flow);
        } else {
          flow.place = NOWHERE;
          this.#flows.delete(flow.number);
        }
        continue;
      }
      const departure = this.#buffers.departure(head);
      if (departure > now) {
        list.shift();
        this.#throttle(flow, departure);
        continue;
      }
      flow.fifo.shift(this.#lists);
      flow.credit -= this.#buffers.length(head);
      this.#length--;
      return head;
    }
  }

  requeue(index: number): void {
    this.#length++;
    const number = this.#buffers.tag(index);
    if (number === 0) {
      this.#internal.unshift(this.#lists, index);
      return;
    }
    let flow = this.#flows.get(number);
    if (!flow) {
      flow = new FqFlow(number, this.#initial);
      this.#flows.set(number, flow);
    }
    flow.fifo.unshift(this.#lists, index);
    // Not more than a flow starts with: turns that were taken for packets the link refused do not add up.
    flow.credit = Math.min(flow.credit + this.#buffers.length(index), this.#initial);
    if (flow.place === THROTTLED) this.#lift(flow);
    if (flow.place === NOWHERE || flow.place === THROTTLED) {
      flow.place = NEW;
      this.#new.unshift(flow);
    }
  }

  nextDeparture(now: number): number {
    if (this.#length === 0) return Infinity;
    if (this.#internal.length > 0) return now;
    let earliest = this.#throttled.length > 0 ? this.#throttled[0].wake : Infinity;
    for (const list of [this.#new, this.#old]) {
      for (const flow of list) {
        if (flow.fifo.head < 0) continue;
        earliest = Math.min(earliest, this.#buffers.departure(flow.fifo.head));
        if (earliest <= now) return earliest;
      }
    }
    return earliest;
  }

  #throttle(flow: FqFlow, wake: number): void {
    flow.wake = wake;
    flow.place = THROTTLED;
    const heap = this.#throttled;
    let i = heap.push(flow) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent].wake <= heap[i].wake) break;
      [heap[parent], heap[i]] = [heap[i], heap[parent]];
      i = parent;
    }
  }

  #unthrottle(): FqFlow {
    const heap = this.#throttled;
    const top = heap[0];
    const last = heap.pop() as FqFlow;
    if (heap.length > 0) {
      heap[0] = last;
      let i = 0;
      for (;;) {
        let least = i;
        for (const child of [2 * i + 1, 2 * i + 2]) {
          if (child < heap.length && heap[child].wake < heap[least].wake) least = child;
        }
        if (least === i) break;
        [heap[least], heap[i]] = [heap[i], heap[least]];
        i = least;
      }
    }
    return top;
  }

  /** Takes a flow out of the middle of the heap: rare (a link refused its packet), so it is rebuilt. */
  #lift(flow: FqFlow): void {
    const rest = this.#throttled.filter((other) => other !== flow);
    this.#throttled.length = 0;
    for (const other of rest) this.#throttle(other, other.wake);
  }
}
