// One side's handle on the packet pool: allocation from its own buffers, release of anybody's, buffers coming home.
// It must never know what the party does with packets.
//
// Only the thread that holds the party uses it. Whoever holds one of its buffers is noted privately (`holder`), so
// that the buffers of a reader that died can be taken back without anybody writing to shared words.

import type { Arena } from './arena.js';
import {
  HEADROOM,
  LARGE_BYTES,
  Meta,
  PacketBuffers,
  PoolLayout,
  place,
  SMALL_BYTES,
  STATE_FREE,
  STATE_USED,
} from './buffers.js';
import { PoolError } from './pool-error.js';
import { RingConsumer, RingProducer } from './ring.js';

const DRAIN = 64;

export class PoolParty extends PacketBuffers {
  readonly id: number;
  private readonly firstSmall: number;
  private readonly firstLarge: number;
  /** Small buffers of this party's own. */
  readonly smallCount: number;
  private readonly smallStack: Int32Array;
  private readonly largeStack: Int32Array;
  private smallFree: number;
  private largeFree: number;
  private readonly holder: Uint8Array;
  private readonly home: (RingConsumer | undefined)[] = [];
  private readonly away: (RingProducer | undefined)[] = [];
  private readonly batch = new Uint32Array(DRAIN);
  /** Called for each of this party's buffers that another party has returned: what was sent has left. */
  onReturn: ((index: number) => void) | undefined;

  constructor(arena: Arena, poolOffset: number, id: number) {
    super(arena, poolOffset);
    this.id = id;
    if (!Number.isInteger(id) || id < 0 || id >= this.parties)
      throw new PoolError('POOL_BAD', `no party ${id}`);
    const record = this.record(id);
    if (Atomics.compareExchange(this.words, record + PoolLayout.CLAIM, 0, 1) !== 0) {
      throw new PoolError('PARTY_TAKEN', `party ${id} is already in use: one thread a party`);
    }
    this.firstSmall = this.words[record];
    this.smallCount = this.words[record + 1];
    this.firstLarge = this.words[record + 2];
    const largeCount = this.words[record + 3];
    this.smallStack = new Int32Array(this.smallCount);
    this.largeStack = new Int32Array(largeCount);
    this.holder = new Uint8Array(this.smallCount + largeCount);
    // The lowest index on top: a pool that is hardly used touches few pages.
    for (let i = 0; i < this.smallCount; i++) this.smallStack[i] = this.firstSmall + this.smallCount - 1 - i;
    for (let i = 0; i < largeCount; i++) this.largeStack[i] = this.firstLarge + largeCount - 1 - i;
    this.smallFree = this.smallCount;
    this.largeFree = largeCount;
  }

  /**
   * A buffer for a packet of `bytes` with HEADROOM before it; -1 when the class is used up. Metadata is reset: length 0,
   * offset HEADROOM, no GSO, checksum unknown, not stamped.
   */
  alloc(bytes: number): number {
    let index = -1;
    if (bytes <= SMALL_BYTES - HEADROOM) {
      if (this.smallFree === 0) this.collect();
      if (this.smallFree > 0) index = this.smallStack[--this.smallFree];
    } else if (bytes <= LARGE_BYTES - HEADROOM) {
      if (this.largeFree === 0) this.collect();
      if (this.largeFree > 0) index = this.largeStack[--this.largeFree];
    } else {
      throw new PoolError('POOL_BAD', `no buffer takes ${bytes} bytes`);
    }
    if (index < 0) return -1;
    const words = this.words;
    const meta = this.meta(index);
    if (this.debug) this.checkPoison(index);
    words[meta + Meta.STATE] = STATE_USED;
    words[meta + Meta.LENGTH] = 0;
    words[meta + Meta.OFFSET] = HEADROOM;
    words[meta + Meta.GSO_SIZE] = 0;
    words[meta + Meta.CHECKSUM] = 0;
    words[meta + Meta.CSUM_PLACE] = 0;
    words[meta + Meta.DIRECTION] = 0;
    words[meta + Meta.L3_OFFSET] = 0;
    words[meta + Meta.CHANNEL] = 0;
    words[meta + Meta.INTERFACE] = 0;
    words[meta + Meta.TAG] = 0;
    this.floats[(meta + Meta.STAMP) >>> 1] = -1;
    this.floats[(meta + Meta.DEPARTURE) >>> 1] = 0;
    this.holder[this.slot(index)] = this.id + 1;
    return index;
  }

  /**
   * Moves the start of a fresh buffer's packet down by up to 7 bytes, into the headroom, so that byte `from` of it lies
   * at `residue` modulo 8.
   */
  align(index: number, from: number, residue: number): void {
    const shift = (this.start(index) + from - residue) & 7;
    if (shift !== 0) this.setOffset(index, this.offset(index) - shift);
  }

  /** Ends the use of a buffer, own or another's. It must not be touched afterwards. Throws DOUBLE_RELEASE. */
  release(index: number): void {
    const meta = this.meta(index);
    if (!(index >= 0 && index < this.count)) throw new PoolError('POOL_BAD', `no buffer ${index} to release`);
    if (this.words[meta + Meta.STATE] !== STATE_USED) {
      throw new PoolError(
        'DOUBLE_RELEASE',
        `buffer ${index} released at ${place()} was released before at ${this.releaseSite(index)}`,
      );
    }
    this.words[meta + Meta.STATE] = STATE_FREE;
    if (this.debug) this.poison(index, place());
    const owner = this.words[meta + Meta.OWNER];
    if (owner === this.id) {
      this.keep(index);
      return;
    }
    const ring = this.away[owner] ?? this.openAway(owner);
    // Cannot be full: the ring has a slot for every buffer of its owner.
    if (!ring.push(index))
      throw new PoolError('POOL_BAD', `more buffers than party ${owner} has came back to it`);
    ring.publish();
  }

  /** Notes that an own buffer now belongs to `party`'s reading (it was pushed into a ring of that party). */
  lend(index: number, party: number): void {
    this.holder[this.slot(index)] = party + 1;
  }

  /** Takes home what others have returned; returns how many. `alloc` does it by itself when it runs dry. */
  collect(): number {
    let total = 0;
    const parties = this.parties;
    for (let from = 0; from < parties; from++) {
      if (from !== this.id) total += this.collectFrom(from);
    }
    return total;
  }

  /**
   * The party `dead` will never release anything again: takes back every own buffer that it held.
   * The caller has made sure that its thread has ended and that its rings are closed. Returns how many.
   */
  reclaim(dead: number): number {
    let total = this.collectFrom(dead);
    for (let i = 0; i < this.holder.length; i++) {
      if (this.holder[i] !== dead + 1) continue;
      const index = i < this.smallCount ? this.firstSmall + i : this.firstLarge + i - this.smallCount;
      this.words[this.meta(index) + Meta.STATE] = STATE_FREE;
      if (this.debug) this.poison(index, `reclaim of dead party ${dead}`);
      this.keep(index);
      total++;
    }
    return total;
  }

  /** Own buffers that are free here now (what others hold or have not returned is not). */
  get available(): number {
    return this.smallFree + this.largeFree;
  }

  /** Own buffers in all. */
  get size(): number {
    return this.holder.length;
  }

  private slot(index: number): number {
    return index < this.firstLarge ? index - this.firstSmall : this.smallCount + index - this.firstLarge;
  }

  private keep(index: number): void {
    this.holder[this.slot(index)] = 0;
    if (index < this.firstLarge) this.smallStack[this.smallFree++] = index;
    else this.largeStack[this.largeFree++] = index;
  }

  private collectFrom(from: number): number {
    const ring = this.home[from] ?? this.openHome(from);
    if (!ring) return 0;
    let total = 0;
    for (;;) {
      const count = ring.popBatch(this.batch, DRAIN);
      for (let i = 0; i < count; i++) {
        const index = this.batch[i];
        this.keep(index);
        if (this.onReturn) this.onReturn(index);
      }
      total += count;
      if (count < DRAIN) return total;
    }
  }

  private openHome(from: number): RingConsumer | undefined {
    const offset = Atomics.load(this.words, this.returnWord(from, this.id)) * 64;
    if (offset === 0) return undefined;
    const ring = new RingConsumer(this.arena, offset, this.returnCapacity(this.id));
    this.home[from] = ring;
    return ring;
  }

  private openAway(owner: number): RingProducer {
    const offset = Atomics.load(this.words, this.returnWord(this.id, owner)) * 64;
    if (offset === 0) throw new PoolError('POOL_BAD', `no way back from party ${this.id} to party ${owner}`);
    const ring = new RingProducer(this.arena, offset, this.returnCapacity(owner));
    this.away[owner] = ring;
    return ring;
  }
}
