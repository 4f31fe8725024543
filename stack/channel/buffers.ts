// Packet buffers as everybody sees them: where a buffer's bytes are, and its line of metadata, by index.
// It must never know what a packet means, nor who may allocate (see pool.ts and party.ts).

import type { Arena } from './arena.js';
import { LINE_WORDS } from './arena.js';
import { PoolError } from './pool-error.js';

/** Room kept before a packet for the headers that lower layers add. */
export const HEADROOM = 128;
/** The small class: anything up to an Ethernet MTU of 1,500 and some. */
export const SMALL_BYTES = 2048;
/** The large class: a 64 KiB super-packet or a jumbo frame, its headroom and a virtio header. */
export const LARGE_BYTES = 65536 + 512;
export const MAX_PARTIES = 64;

/** What is known about a packet's transport checksum. */
export const CHECKSUM_NONE = 0;
export const CHECKSUM_VERIFIED = 1;
/** The pseudo-header sum is in the checksum field; the rest is to be added from csumStart (csumOffset has the field). */
export const CHECKSUM_PARTIAL = 2;

/** Word offsets in a buffer's metadata line. */
export const Meta = {
  LENGTH: 0,
  OFFSET: 1,
  /** One 64-bit float: arrival in microseconds. */
  STAMP: 2,
  GSO_SIZE: 4,
  CHECKSUM: 5,
  /** csumStart in the low half, csumOffset in the high one. */
  CSUM_PLACE: 6,
  DIRECTION: 7,
  L3_OFFSET: 8,
  CHANNEL: 9,
  INTERFACE: 10,
  TAG: 11,
  OWNER: 12,
  STATE: 13,
  /** One 64-bit float: earliest departure in microseconds. */
  DEPARTURE: 14,
} as const;

const {
  LENGTH,
  OFFSET,
  STAMP,
  GSO_SIZE,
  CHECKSUM,
  CSUM_PLACE,
  DIRECTION,
  L3_OFFSET,
  CHANNEL,
  INTERFACE,
  TAG,
  DEPARTURE,
} = Meta;

export const TO_LINK = 0;
export const TO_STACK = 1;
/** As TO_STACK: a packet put together here, whose fragments came and were counted. */
export const TO_STACK_WHOLE = 2;

export const STATE_FREE = 0;
export const STATE_USED = 1;

/** Word offsets in the pool's header. */
export const PoolLayout = {
  SMALL: 0,
  LARGE: 1,
  META: 2,
  SMALL_AT: 3,
  LARGE_AT: 4,
  RETURNS: 5,
  PARTIES: 6,
  SITES: 7,
  NEXT_SMALL: 8,
  NEXT_LARGE: 9,
  /** Party records: first small, small count, first large, large count, claim. */
  RECORDS: 2 * LINE_WORDS,
  RECORD_WORDS: 8,
  /** In a record: whether a thread uses the party. */
  CLAIM: 4,
} as const;

/** In debug pools each buffer has this many bytes for the place of its last release. */
export const SITE_BYTES = 192;
export const POISON = 0xdb;

export class PacketBuffers {
  /** Every byte of the arena: a packet starts at `bytes[start(index)]`. */
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly arena: Arena;
  /** The pool's place in the arena, to attach to it from another thread. */
  readonly poolOffset: number;
  /** Released buffers are poisoned and every access is checked. */
  readonly debug: boolean;
  /** Buffers in the pool; indices are 0 to count - 1, small ones first. */
  readonly count: number;
  readonly smallTotal: number;
  protected readonly header: number;
  readonly #meta: number;
  readonly #smallAt: number;
  readonly #largeAt: number;
  readonly #sites: number;
  readonly #returns: number;

  constructor(arena: Arena, poolOffset: number) {
    this.arena = arena;
    this.poolOffset = poolOffset;
    this.bytes = arena.bytes;
    this.words = arena.words;
    this.floats = arena.floats;
    const header = poolOffset >>> 2;
    this.header = header;
    this.smallTotal = this.words[header + PoolLayout.SMALL];
    this.count = this.smallTotal + this.words[header + PoolLayout.LARGE];
    if (this.count === 0) throw new PoolError('POOL_BAD', `no pool at offset ${poolOffset}`);
    this.#meta = this.words[header + PoolLayout.META] * LINE_WORDS;
    this.#smallAt = this.words[header + PoolLayout.SMALL_AT] * 64;
    this.#largeAt = this.words[header + PoolLayout.LARGE_AT] * 64;
    this.#returns = this.words[header + PoolLayout.RETURNS] * LINE_WORDS;
    this.#sites = this.words[header + PoolLayout.SITES] * 64;
    this.debug = this.#sites !== 0;
  }

  /** Word offset of a buffer's metadata line. */
  meta(index: number): number {
    return this.#meta + index * LINE_WORDS;
  }

  /** Byte offset in `bytes` of the buffer's first byte (of its headroom, not of its packet). */
  base(index: number): number {
    const small = this.smallTotal;
    return index < small
      ? this.#smallAt + index * SMALL_BYTES
      : this.#largeAt + (index - small) * LARGE_BYTES;
  }

  /** Byte offset in `bytes` of the packet's first byte. */
  start(index: number): number {
    if (this.debug) this.#check(index);
    return this.base(index) + this.words[this.meta(index) + OFFSET];
  }

  /** Bytes of the buffer, headroom included. */
  capacity(index: number): number {
    return index < this.smallTotal ? SMALL_BYTES : LARGE_BYTES;
  }

  length(index: number): number {
    return this.#get(index, LENGTH);
  }
  setLength(index: number, bytes: number): void {
    this.#set(index, LENGTH, bytes);
  }
  /** Where the packet begins within its buffer: what is before it is headroom. */
  offset(index: number): number {
    return this.#get(index, OFFSET);
  }
  setOffset(index: number, bytes: number): void {
    this.#set(index, OFFSET, bytes);
  }
  /** Arrival, microseconds of the stack's clock; negative until somebody has stamped it. */
  stamp(index: number): number {
    if (this.debug) this.#check(index);
    return this.floats[(this.meta(index) + STAMP) >>> 1];
  }
  setStamp(index: number, micros: number): void {
    if (this.debug) this.#check(index);
    this.floats[(this.meta(index) + STAMP) >>> 1] = micros;
  }
  /** Payload bytes a segment when this is a super-packet, 0 otherwise. */
  gsoSize(index: number): number {
    return this.#get(index, GSO_SIZE);
  }
  setGsoSize(index: number, bytes: number): void {
    this.#set(index, GSO_SIZE, bytes);
  }
  checksum(index: number): number {
    return this.#get(index, CHECKSUM);
  }
  setChecksum(index: number, state: number): void {
    this.#set(index, CHECKSUM, state);
  }
  /** For CHECKSUM_PARTIAL: where summing starts, in bytes from the packet's first byte. */
  csumStart(index: number): number {
    return this.#get(index, CSUM_PLACE) & 0xffff;
  }
  /** For CHECKSUM_PARTIAL: where the sum goes, in bytes from csumStart. */
  csumOffset(index: number): number {
    return this.#get(index, CSUM_PLACE) >>> 16;
  }
  /** Both, each less than 65,536. */
  setCsumPlace(index: number, start: number, offset: number): void {
    this.#set(index, CSUM_PLACE, start | (offset << 16));
  }
  /** TO_LINK, or TO_STACK and TO_STACK_WHOLE for a packet that the driver shall classify again (loopback, an ICMP error; reassembly). */
  direction(index: number): number {
    return this.#get(index, DIRECTION);
  }
  setDirection(index: number, direction: number): void {
    this.#set(index, DIRECTION, direction);
  }
  /** Earliest departure, microseconds; 0 for at once. For queue disciplines that pace. */
  departure(index: number): number {
    if (this.debug) this.#check(index);
    return this.floats[(this.meta(index) + DEPARTURE) >>> 1];
  }
  setDeparture(index: number, micros: number): void {
    if (this.debug) this.#check(index);
    this.floats[(this.meta(index) + DEPARTURE) >>> 1] = micros;
  }
  /** Where the IP (or ARP) header begins, in bytes from the packet's first byte. */
  l3Offset(index: number): number {
    return this.#get(index, L3_OFFSET);
  }
  setL3Offset(index: number, bytes: number): void {
    this.#set(index, L3_OFFSET, bytes);
  }
  /** The channel the packet came in by, or in whose name it is sent. */
  channel(index: number): number {
    return this.#get(index, CHANNEL);
  }
  setChannel(index: number, channel: number): void {
    this.#set(index, CHANNEL, channel);
  }
  /** Number of the link the packet came by or goes to. */
  interface(index: number): number {
    return this.#get(index, INTERFACE);
  }
  setInterface(index: number, value: number): void {
    this.#set(index, INTERFACE, value);
  }
  /** The sender's flow number, by which a fair queue discipline tells flows apart; 0 for none. */
  tag(index: number): number {
    return this.#get(index, TAG);
  }
  setTag(index: number, value: number): void {
    this.#set(index, TAG, value);
  }
  owner(index: number): number {
    return this.words[this.meta(index) + Meta.OWNER];
  }

  /** Gives buffer `to` the metadata of `from` (not owner and state), the packet beginning at the same distance. */
  copyMeta(from: number, to: number): void {
    const { words } = this;
    const source = this.meta(from);
    const target = this.meta(to);
    for (let i = 0; i < Meta.OWNER; i++) if (i !== OFFSET) words[target + i] = words[source + i];
    words[target + DEPARTURE] = words[source + DEPARTURE];
    words[target + DEPARTURE + 1] = words[source + DEPARTURE + 1];
  }

  /** Where a released buffer was released, as far as a debug pool recorded it. */
  releaseSite(index: number): string {
    if (!this.debug) return 'unknown place (not a debug pool)';
    let text = '';
    const at = this.#sites + index * SITE_BYTES;
    for (let i = 0; i < SITE_BYTES && this.bytes[at + i] !== 0; i++)
      text += String.fromCharCode(this.bytes[at + i]);
    return text || 'nowhere: it was never allocated';
  }

  /** Debug pools: marks the place of a release and poisons the bytes. For `Party`. */
  poison(index: number, site: string): void {
    const at = this.#sites + index * SITE_BYTES;
    for (let i = 0; i < SITE_BYTES; i++) this.bytes[at + i] = i < site.length ? site.charCodeAt(i) & 0x7f : 0;
    const base = this.base(index);
    this.bytes.fill(POISON, base, base + this.capacity(index));
  }

  /** Debug pools: throws when somebody wrote into a buffer after its release. For `Party`. */
  checkPoison(index: number): void {
    if (this.bytes[this.#sites + index * SITE_BYTES] === 0) return; // never released, so never poisoned
    const base = this.base(index);
    const end = base + this.capacity(index);
    for (let i = base; i < end; i++) {
      if (this.bytes[i] !== POISON) {
        throw new PoolError(
          'USE_AFTER_RELEASE',
          `buffer ${index} was written at byte ${i - base} after its release at ${this.releaseSite(index)}; found at ${place(ERROR_FRAMES)}`,
        );
      }
    }
  }

  /** Parties that exist. */
  get parties(): number {
    return Atomics.load(this.words, this.header + PoolLayout.PARTIES);
  }

  /** Word offset of a party's record. */
  record(id: number): number {
    return this.header + PoolLayout.RECORDS + id * PoolLayout.RECORD_WORDS;
  }

  /** Word that names (in lines) the ring by which `from` returns buffers to `to`; 0 while there is none. */
  returnWord(from: number, to: number): number {
    return this.#returns + from * MAX_PARTIES + to;
  }

  /** Slots of a ring by which buffers come home to `to`: never full, because it holds all of them. */
  returnCapacity(to: number): number {
    const record = this.record(to);
    const count = this.words[record + 1] + this.words[record + 3];
    return 2 ** Math.ceil(Math.log2(Math.max(2, count)));
  }

  #get(index: number, field: number): number {
    if (this.debug) this.#check(index);
    return this.words[this.meta(index) + field];
  }

  #set(index: number, field: number, value: number): void {
    if (this.debug) this.#check(index);
    this.words[this.meta(index) + field] = value;
  }

  #check(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.count) {
      throw new PoolError('POOL_BAD', `no buffer ${index} in a pool of ${this.count}`);
    }
    if (this.words[this.meta(index) + Meta.STATE] === STATE_USED) return;
    throw new PoolError(
      'USE_AFTER_RELEASE',
      `buffer ${index} used at ${place(ERROR_FRAMES)} after its release at ${this.releaseSite(index)}`,
    );
  }
}

/** Every release in a debug pool asks where it is, and what a trace costs is its frames: a fifth of a fuzzing run with ten. */
const RELEASE_FRAMES = 4;
/** Once there is an error the trace may cost what it will: accessors stand one upon the other. */
const ERROR_FRAMES = 16;

/** The innermost place outside the pool's own files, for messages of debug pools. */
export function place(frames = RELEASE_FRAMES): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = frames;
  const lines = (new Error().stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = limit;
  const outside = lines.find((line) => !/[/\\](pool|party|buffers)\.[jt]s/.test(line));
  return (outside ?? lines.at(-1) ?? 'an unknown place').trim().replace(/^at /, '');
}
