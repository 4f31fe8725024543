// A channel: a ring with its packet limit, its quota of pinned buffers, its drop counters, the endpoint it belongs to
// and the key in whose name it may send. It is protocol-agnostic, and a channel is not a flow: several keys of the flow
// table may name one channel, by its small number. It must never know what a packet means.
//
// A directory in the arena maps number to region and generation, so that channels appear and go without a message to
// a busy worker: the driver attaches when it first meets a number, and again when the generation has changed.

import type { Arena } from './arena.js';
import { LINE_WORDS, PAIR_BYTES } from './arena.js';
import type { PoolParty } from './party.js';
import { initRing, RingConsumer, RingLayout, RingProducer, ringBytes } from './ring.js';

export const DEFAULT_PACKET_LIMIT = 1024;
/** An established flow's ring. */
export const FLOW_SLOTS = 256;
export const DEFAULT_MAX_CHANNELS = 65536;

/** Words of a channel's configuration lines; written by the control thread before the channel is published. */
export const ChannelLayout = {
  CAPACITY: 0,
  LIMIT: 1,
  QUOTA: 2,
  ENDPOINT: 3,
  PARTY: 4,
  NUMBER: 5,
  /** How its key binds what it may send: see SPEAKS_*. */
  SPEAKS: 6,
  /** Ten words, as the flow table keeps them (flows/key.ts). */
  KEY: LINE_WORDS,
  RING: 2 * LINE_WORDS,
} as const;

/** May send anything: the default channel, which owns ARP, ICMP, handshakes without a channel and TIME-WAIT. */
export const SPEAKS_ANY = 0;
/** May send only from the local and to the remote side of its key. */
export const SPEAKS_FLOW = 1;
/** May send from its key's local port, and its local address unless that is wild, to anybody. */
export const SPEAKS_LOCAL = 2;

/** May send from the addresses whose keys name it: a host of its own among several. */
export const SPEAKS_ADDRESS = 3;

export const CHANNEL_KEY_WORDS = 10;

export class ChannelError extends Error {
  readonly code: 'CHANNEL_BAD' | 'CHANNEL_EXHAUSTED' | 'CHANNEL_CLOSED';
  constructor(code: ChannelError['code'], message: string) {
    super(message);
    this.name = 'ChannelError';
    this.code = code;
  }
}

export interface ChannelOptions {
  /** Slots of the ring, a power of two; 256 for a flow. */
  slots?: number;
  /** Packets that may wait in it; 1,024 by default, and never more than its slots. */
  limit?: number;
  /** Buffers that it may pin, in the ring and with its reader together; by default twice its slots. */
  quota?: number;
  /** Number of the endpoint that reads it, and the pool party of that endpoint. */
  endpoint: number;
  party: number;
  speaks?: number;
  /** CHANNEL_KEY_WORDS words, needed by what speaks for one flow or port. */
  key?: Int32Array;
  /** First index of the ring; tests start near 2^32. */
  first?: number;
}

/** Directory of a stack's channels, as the control thread sees it: opens and closes. */
export class ChannelDirectory {
  readonly offset: number;
  readonly max: number;
  readonly #arena: Arena;
  readonly #free: number[] = [];
  #next = 0;
  #open = 0;

  private constructor(arena: Arena, offset: number, max: number) {
    this.#arena = arena;
    this.offset = offset;
    this.max = max;
  }

  static create(arena: Arena, max: number = DEFAULT_MAX_CHANNELS): ChannelDirectory {
    return new ChannelDirectory(arena, arena.alloc(max * 8), max);
  }

  /** Channels now open. */
  get size(): number {
    return this.#open;
  }

  /** Opens a channel and returns its number. Insert keys for it afterwards. Throws CHANNEL_EXHAUSTED, ARENA_FULL. */
  open(options: ChannelOptions): number {
    const {
      slots = FLOW_SLOTS,
      limit = DEFAULT_PACKET_LIMIT,
      endpoint,
      party,
      speaks = SPEAKS_ANY,
      key,
    } = options;
    const quota = options.quota ?? 2 * slots;
    if ((speaks === SPEAKS_FLOW || speaks === SPEAKS_LOCAL) && key?.length !== CHANNEL_KEY_WORDS) {
      throw new ChannelError('CHANNEL_BAD', 'a channel of one flow or port needs its key');
    }
    if (limit < 1 || quota < 1) throw new ChannelError('CHANNEL_BAD', `limit ${limit}, quota ${quota}`);
    const number = this.#free.pop() ?? this.#next++;
    if (number >= this.max) {
      this.#next--;
      throw new ChannelError('CHANNEL_EXHAUSTED', `all ${this.max} channels are open`);
    }
    let region: number;
    try {
      region = this.#arena.alloc(PAIR_BYTES + ringBytes(slots));
    } catch (error) {
      this.#free.push(number);
      throw error;
    }
    const words = this.#arena.words;
    const at = region >>> 2;
    words[at + ChannelLayout.CAPACITY] = slots;
    words[at + ChannelLayout.LIMIT] = limit;
    words[at + ChannelLayout.QUOTA] = quota;
    words[at + ChannelLayout.ENDPOINT] = endpoint;
    words[at + ChannelLayout.PARTY] = party;
    words[at + ChannelLayout.NUMBER] = number;
    words[at + ChannelLayout.SPEAKS] = speaks;
    if (key) words.set(key, at + ChannelLayout.KEY);
    initRing(this.#arena, region + PAIR_BYTES, options.first ?? 0);
    this.#open++;
    // The region first, then the generation: who sees the generation sees the region and what is in it.
    const entry = (this.offset >>> 2) + number * 2;
    Atomics.store(words, entry, region / 64);
    Atomics.store(words, entry + 1, (Atomics.load(words, entry + 1) + 1) | 0);
    return number;
  }

  /**
   * First half of closing: from here on nobody attaches. The keys have been removed from the flow table before.
   * After a grace period of the table the driver pushes no more, and `free` may follow.
   */
  close(number: number): void {
    const entry = this.#entry(number);
    Atomics.store(this.#arena.words, entry + 1, (Atomics.load(this.#arena.words, entry + 1) + 1) | 0);
  }

  /** Second half, after a grace period, and after the reader has let go: number and memory may be used again. */
  free(number: number): void {
    const entry = this.#entry(number);
    const words = this.#arena.words;
    const region = Atomics.load(words, entry) * 64;
    if ((Atomics.load(words, entry + 1) & 1) !== 0 || region === 0) {
      throw new ChannelError('CHANNEL_BAD', `channel ${number} is freed before it was closed`);
    }
    const slots = words[(region >>> 2) + ChannelLayout.CAPACITY];
    Atomics.store(words, entry, 0);
    this.#arena.free(region, PAIR_BYTES + ringBytes(slots));
    this.#free.push(number);
    this.#open--;
  }

  /** Packets that an open channel lost so far because its ring or limit was full, and because its quota was used up. */
  drops(number: number): { full: number; quota: number } {
    const words = this.#arena.words;
    const ring = (Atomics.load(words, this.#entry(number)) * 64 + PAIR_BYTES) >>> 2;
    return {
      full: Atomics.load(words, ring + RingLayout.DROPS) >>> 0,
      quota: Atomics.load(words, ring + RingLayout.DROPS_QUOTA) >>> 0,
    };
  }

  #entry(number: number): number {
    if (!Number.isInteger(number) || number < 0 || number >= this.#next) {
      throw new ChannelError('CHANNEL_BAD', `no channel ${number}`);
    }
    return (this.offset >>> 2) + number * 2;
  }
}

/** Word of the directory that holds a channel's generation: odd while it is open. */
export function generationWord(directory: number, number: number): number {
  return (directory >>> 2) + number * 2 + 1;
}

function regionOf(arena: Arena, directory: number, number: number): number {
  const generation = Atomics.load(arena.words, generationWord(directory, number));
  const region = Atomics.load(arena.words, generationWord(directory, number) - 1) * 64;
  if ((generation & 1) === 0 || region === 0) {
    throw new ChannelError('CHANNEL_CLOSED', `channel ${number} is not open`);
  }
  return region;
}

/** The driver's side of a channel. */
export class ChannelWriter {
  readonly number: number;
  readonly generation: number;
  readonly endpoint: number;
  readonly party: number;
  readonly speaks: number;
  /** Word offset of the channel's key in the arena. */
  readonly keyAt: number;
  readonly ring: RingProducer;
  /** The driver's note that this channel has something to publish. */
  touched = false;
  private readonly quota: number;

  /** Throws CHANNEL_CLOSED when the number names no open channel, RING_TAKEN when somebody else writes it. */
  constructor(arena: Arena, directory: number, number: number) {
    const words = arena.words;
    this.generation = Atomics.load(words, generationWord(directory, number));
    const region = regionOf(arena, directory, number);
    const at = region >>> 2;
    this.number = number;
    this.endpoint = words[at + ChannelLayout.ENDPOINT];
    this.party = words[at + ChannelLayout.PARTY];
    this.speaks = words[at + ChannelLayout.SPEAKS];
    this.keyAt = at + ChannelLayout.KEY;
    this.quota = words[at + ChannelLayout.QUOTA];
    this.ring = new RingProducer(arena, region + PAIR_BYTES, words[at + ChannelLayout.CAPACITY]);
    this.ring.setLimit(words[at + ChannelLayout.LIMIT]);
  }

  /** Hands a buffer to the reader; false (and counted) when the ring, its limit or its quota is used up. */
  push(index: number): boolean {
    const ring = this.ring;
    if (ring.pinned(this.quota) >= this.quota) {
      ring.countOverQuota();
      return false;
    }
    if (ring.push(index)) return true;
    ring.countDrop();
    return false;
  }
}

/** The endpoint's side of a channel. */
export class ChannelReader {
  readonly number: number;
  readonly ring: RingConsumer;
  private readonly party: PoolParty;
  private readonly words: Int32Array;
  private readonly stats: number;
  private releases = 0;

  /** Throws CHANNEL_CLOSED or RING_TAKEN. `party` is the endpoint's own, by which received buffers go back. */
  constructor(arena: Arena, directory: number, number: number, party: PoolParty) {
    const region = regionOf(arena, directory, number);
    this.number = number;
    this.party = party;
    this.words = arena.words;
    this.stats = (region + PAIR_BYTES) >>> 2;
    this.ring = new RingConsumer(
      arena,
      region + PAIR_BYTES,
      arena.words[(region >>> 2) + ChannelLayout.CAPACITY],
    );
  }

  /** The next packet's buffer, -1 when there is none (what was released is then accounted as well). */
  pop(): number {
    const index = this.ring.pop();
    if (index < 0) this.flush();
    return index;
  }

  /** Up to `max` packets' buffers into `out`; returns how many. */
  popBatch(out: Uint32Array, max: number): number {
    this.flush();
    return this.ring.popBatch(out, max);
  }

  /** Ends the use of a buffer that came by this channel; its quota is credited at the next `pop` that finds nothing, or `flush`. */
  release(index: number): void {
    this.party.release(index);
    if (++this.releases >= 32) this.flush();
  }

  /** Credits the channel's quota with what was released. Call before going idle. */
  flush(): void {
    this.ring.release();
    if (this.releases === 0) return;
    this.ring.releasedBuffers(this.releases);
    this.releases = 0;
  }

  /** Packets this channel lost because its ring or limit was full, and because its quota was used up. */
  drops(): { full: number; quota: number } {
    return {
      full: Atomics.load(this.words, this.stats + RingLayout.DROPS),
      quota: Atomics.load(this.words, this.stats + RingLayout.DROPS_QUOTA),
    };
  }

  /** Releases what still waits and gives the ring up. The channel's keys are gone and a grace period has passed. */
  close(): void {
    for (let index = this.ring.pop(); index >= 0; index = this.ring.pop()) this.release(index);
    this.flush();
    this.ring.detach();
  }
}
