// The egress stage: what stands between the endpoints and one link. A queue discipline takes packet-buffer indices and
// says at once whether it kept them, so that an inline TCP learns of a local drop synchronously; the pump hands them to
// the link in batches as far as it takes them, and gives the buffers back to their owners: that return is the
// completion which frees a sender's small-queue share. It must never know flows' protocols, nor look into a packet
// beyond its priority.

import type { PoolParty } from '../channel/party.js';
import type { Link } from '../link/link.js';

/** Verdicts of `enqueue`, Linux's NET_XMIT_SUCCESS, _DROP and _CN. */
export const XMIT_OK = 0;
export const XMIT_DROP = 1;
export const XMIT_CN = 2;

/** A queue discipline. Indices are pool buffers that the stage holds; it never releases them itself. */
export interface Qdisc {
  readonly kind: string;
  /** Packets queued. */
  readonly length: number;
  /** Takes the packet or refuses it; on refusal the caller still holds the buffer. */
  enqueue(index: number, now: number): number;
  /** The next packet that may leave at `now`, -1 when there is none. */
  dequeue(now: number): number;
  /** Puts the packet of the last `dequeue` back in front: the link did not take it. */
  requeue(index: number): void;
  /** Earliest time at which a queued packet may leave: `now` or earlier when one may, Infinity when empty. */
  nextDeparture(now: number): number;
}

/** Lists of buffers by index, without allocation: a buffer stands in one list at most. */
export class BufferLists {
  readonly next: Int32Array;
  constructor(buffers: number) {
    this.next = new Int32Array(buffers);
  }
}

/** One first-in, first-out list. */
export class Fifo {
  head = -1;
  tail = -1;
  length = 0;
  push(lists: BufferLists, index: number): void {
    lists.next[index] = -1;
    if (this.tail < 0) this.head = index;
    else lists.next[this.tail] = index;
    this.tail = index;
    this.length++;
  }
  unshift(lists: BufferLists, index: number): void {
    lists.next[index] = this.head;
    this.head = index;
    if (this.tail < 0) this.tail = index;
    this.length++;
  }
  shift(lists: BufferLists): number {
    const index = this.head;
    if (index < 0) return -1;
    this.head = lists.next[index];
    if (this.head < 0) this.tail = -1;
    this.length--;
    return index;
  }
}

const BATCH = 64;

export interface EgressCounters {
  /** Packets and bytes that the link took. */
  packets: number;
  bytes: number;
  /** Refused by the queue discipline. */
  drops: number;
}

export class Egress {
  readonly link: Link;
  readonly counters: EgressCounters = { packets: 0, bytes: 0, drops: 0 };
  readonly #party: PoolParty;
  readonly #batch = new Uint32Array(BATCH);
  #qdisc: Qdisc;

  /** `party` is the driver's: by it buffers go home to whoever owns them. */
  constructor(link: Link, party: PoolParty, qdisc: Qdisc) {
    this.link = link;
    this.#party = party;
    this.#qdisc = qdisc;
  }

  get qdisc(): Qdisc {
    return this.#qdisc;
  }

  /** Replaces the discipline; what the old one still held is dropped, as `tc qdisc replace` does. */
  setQdisc(qdisc: Qdisc): void {
    this.purge();
    this.#qdisc = qdisc;
  }

  /**
   * Queues a packet, which from here on belongs to this stage (a refused one goes back to its owner at once).
   * A full queue is pumped first: what the link can take does not count against the limit.
   */
  submit(index: number, now: number): number {
    let verdict = this.#qdisc.enqueue(index, now);
    if (verdict === XMIT_DROP && this.pump(now) > 0) verdict = this.#qdisc.enqueue(index, now);
    if (verdict !== XMIT_DROP) return verdict;
    this.counters.drops++;
    this.#party.release(index);
    return XMIT_DROP;
  }

  /** Moves what may leave at `now` to the link, as far as it takes it; returns how many packets left. */
  pump(now: number): number {
    const batch = this.#batch;
    const party = this.#party;
    let total = 0;
    for (;;) {
      let count = 0;
      while (count < BATCH) {
        const index = this.#qdisc.dequeue(now);
        if (index < 0) break;
        batch[count++] = index;
      }
      if (count === 0) return total;
      const sent = this.link.transmit(now, party, batch, count);
      for (let i = 0; i < sent; i++) {
        this.counters.packets++;
        this.counters.bytes += party.length(batch[i]);
        party.release(batch[i]);
      }
      total += sent;
      if (sent < count) {
        for (let i = count - 1; i >= sent; i--) this.#qdisc.requeue(batch[i]);
        return total;
      }
      if (count < BATCH) return total;
    }
  }

  /** When `pump` will next have something to do, Infinity when the queue is empty. */
  nextDeparture(now: number): number {
    return this.#qdisc.nextDeparture(now);
  }

  /** Drops all that is queued. */
  purge(): void {
    for (let index = this.#qdisc.dequeue(Infinity); index >= 0; index = this.#qdisc.dequeue(Infinity)) {
      this.counters.drops++;
      this.#party.release(index);
    }
  }
}
