// An endpoint's connection to its stack: its own buffers, its tx ring to the driver, the channels it reads, and the two
// doorbells. The same in one thread and in several; in one thread (`inline`) a transmitted packet passes the source
// check and the queue discipline before `transmit` returns. It must never know a protocol.

import type { Arena } from '../channel/arena.js';
import { ChannelReader } from '../channel/channel.js';
import { DoorbellSleeper, DoorbellWaker, type KernelKick } from '../channel/doorbell.js';
import type { PacketPool, PoolParty } from '../channel/pool.js';
import { RingConsumer, RingProducer } from '../channel/ring.js';
import { XMIT_OK } from './egress.js';
import { driverBell, EndpointLine, endpointLine, READY_SLOTS } from './endpoints.js';

/** `transmit` found no slot in the tx ring: nobody took the packet; a threaded driver is behind. */
export const XMIT_BUSY = 3;

/** Where shared things are: what a worker is sent to find its way in the arena. Plain data, fit for `postMessage`. */
export interface StackAddress {
  buffer: SharedArrayBuffer;
  pool: number;
  directory: number;
  /** Channel numbers are 0 to channels - 1. */
  channels: number;
  table: number;
  register: number;
}

/** The inline driver, as the port needs it. */
export interface InlineDriver {
  drain(endpoint: number, now: number): number;
}

export class EndpointPort {
  /** The endpoint's number in its stack. */
  readonly number: number;
  /** The endpoint's own buffers, and the way by which received ones go back. */
  readonly party: PoolParty;
  /** Where this endpoint sleeps; the driver rings it. */
  readonly sleeper: DoorbellSleeper;
  readonly #arena: Arena;
  readonly #directory: number;
  readonly #line: number;
  readonly #bell: number;
  readonly #tx: RingProducer;
  readonly #driver: DoorbellWaker;
  /** Set in one thread: the driver that empties the tx ring at once. */
  inline: InlineDriver | undefined;

  /** `kick` ends the sleep of a driver that is blocked in the kernel (writes its eventfd). */
  constructor(arena: Arena, address: StackAddress, pool: PacketPool, number: number, kick?: KernelKick) {
    const { words } = arena;
    const line = endpointLine(address.register, number);
    this.number = number;
    this.#arena = arena;
    this.#directory = address.directory;
    this.#line = line;
    this.#bell = words[line + EndpointLine.BELL] * 64;
    this.party = pool.party(words[line + EndpointLine.PARTY]);
    this.sleeper = new DoorbellSleeper(arena, this.#bell);
    this.#tx = new RingProducer(
      arena,
      words[line + EndpointLine.TX] * 64,
      words[line + EndpointLine.TX_SLOTS],
    );
    this.#driver = new DoorbellWaker(arena, driverBell(address.register), kick);
  }

  /** Reads a channel that the control thread has opened for this endpoint. Throws CHANNEL_CLOSED, RING_TAKEN. */
  reader(channel: number): ChannelReader {
    return new ChannelReader(this.#arena, this.#directory, channel, this.party);
  }

  /**
   * Sends the packet in an own buffer, whose length, L3 offset, interface, channel (in whose name) and, where used,
   * direction, GSO, checksum, tag and departure are set. On XMIT_OK, XMIT_CN and XMIT_DROP the buffer is gone and comes
   * home by itself; on XMIT_BUSY the caller still has it. Inline, the verdict is the queue discipline's; in threads, and
   * when `more` packets follow before anybody needs to look, it is XMIT_OK when the ring took it, and `flush` or a
   * `transmit` without `more` must follow before going idle.
   */
  transmit(index: number, now: number, more = false): number {
    if (!this.#tx.push(index)) {
      this.flush();
      return XMIT_BUSY;
    }
    if (more || !this.inline) return XMIT_OK;
    this.#tx.publish();
    return this.inline.drain(this.number, now);
  }

  /** The numbers of channels that have something new, from a driver in another thread. Once; throws RING_TAKEN. */
  readyRing(): RingConsumer {
    const { words } = this.#arena;
    return new RingConsumer(this.#arena, words[this.#line + EndpointLine.READY] * 64, READY_SLOTS);
  }

  /** Packets that wait for `flush`. */
  get unflushed(): number {
    return this.#tx.pending();
  }

  /** Shows the driver what was transmitted; one in a thread of its own is woken if it sleeps. Once a batch. */
  flush(): void {
    if (this.#tx.pending() === 0) return;
    this.#tx.publish();
    if (!this.inline) this.#driver.ring();
  }

  /** Rings this endpoint's own bell, for others than the driver. */
  waker(): DoorbellWaker {
    return new DoorbellWaker(this.#arena, this.#bell);
  }

  /** Whether the driver has taken everything that was sent. */
  get allTaken(): boolean {
    return this.#tx.free() === this.#tx.capacity;
  }

  /** Wakes the driver whatever it does: for shutting down, or after another change that it should look at. */
  wakeDriver(): void {
    this.#driver.force();
  }

  /** Takes home own buffers that have left the host; `party.onReturn` is told of each. Returns how many. */
  collect(): number {
    return this.party.collect();
  }
}
