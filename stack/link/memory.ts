// A pair of links joined in memory: what one side sends the other receives, after a fixed delay in virtual time.
// For tests, and for a program that plays the other side frame by frame (`sendFrame`, `takeFrame`).
// Knows frames and time only.

import { CHECKSUM_PARTIAL, CHECKSUM_VERIFIED, type PoolParty } from '../channel/pool.js';
import { FrameQueue } from './frame-queue.js';
import type { Link } from './link.js';

/** Told of each frame that a side receives or sends. The bytes are valid during the call only. */
export type FrameTap = (
  now: number,
  direction: 'in' | 'out',
  bytes: Uint8Array,
  start: number,
  length: number,
) => void;

export interface MemoryLinkOptions {
  name?: string;
  /** Default 'ethernet'. Both sides must agree. */
  framing?: 'ethernet' | 'ip';
  /** Default 1500. */
  mtu?: number;
  /** Largest super-packet that this side takes for sending; default 0: none. */
  gsoMaxSize?: number;
  /** Leave checksums out: partial ones are passed on and arrive marked as verified. Default false. */
  checksumOffload?: boolean;
  /** Six bytes; default 02:00:00:00:00:01 for the first side, …:02 for the second. */
  hardwareAddress?: Uint8Array;
  tap?: FrameTap;
}

export interface MemoryPairOptions {
  /** Time from one side to the other in µs, default 0. */
  delay?: number;
  /** Frames under way in each direction at most; more are dropped and counted. Default 65,536. */
  limit?: number;
  /** For both sides. */
  common?: MemoryLinkOptions;
  /** Over `common`, for one side. */
  a?: MemoryLinkOptions;
  b?: MemoryLinkOptions;
}

/** A frame taken out of a link by `takeFrame`. */
export interface TakenFrame {
  /** When it arrived, µs. */
  time: number;
  bytes: Uint8Array;
}

/** Wrong options of a pair. */
export class MemoryLinkError extends Error {
  readonly code = 'ERR_MEMORY_LINK';
  constructor(message: string) {
    super(message);
    this.name = 'MemoryLinkError';
  }
}

export class MemoryLink implements Link {
  readonly name: string;
  readonly framing: 'ethernet' | 'ip';
  /** May be written while the link is up. */
  mtu: number;
  gsoMaxSize: number;
  readonly checksumOffload: boolean;
  readonly hardwareAddress: Uint8Array | null;
  /** May be set and cleared at any time. */
  tap: FrameTap | null;
  /** Frames that found the queue to the other side full, or the link closed, or were too long for the MTU. */
  dropped = 0;
  readonly #delay: number;
  readonly #incoming: FrameQueue;
  #peer: MemoryLink | null = null;
  #closed = false;

  /** Use `memoryPair`. */
  constructor(options: MemoryLinkOptions, delay: number, limit: number, side: number) {
    this.name = options.name ?? `mem${side}`;
    this.framing = options.framing ?? 'ethernet';
    this.mtu = options.mtu ?? 1500;
    this.gsoMaxSize = options.gsoMaxSize ?? 0;
    this.checksumOffload = options.checksumOffload ?? false;
    this.hardwareAddress =
      this.framing === 'ethernet'
        ? (options.hardwareAddress ?? Uint8Array.of(2, 0, 0, 0, 0, side + 1))
        : null;
    this.tap = options.tap ?? null;
    this.#delay = delay;
    this.#incoming = new FrameQueue(limit);
  }

  /** Frames on their way to this side. */
  get pending(): number {
    return this.#incoming.size;
  }

  connect(peer: MemoryLink): void {
    this.#peer = peer;
  }

  receive(now: number, party: PoolParty, out: Uint32Array, max: number): number {
    let n = 0;
    while (n < max && this.#incoming.nextTime <= now) {
      const index = this.#incoming.popBuffer(party);
      if (index < 0) break;
      if (this.tap !== null) this.tap(now, 'in', party.bytes, party.start(index), party.length(index));
      out[n++] = index;
    }
    return n;
  }

  transmit(now: number, party: PoolParty, indices: Uint32Array, count: number): number {
    const peer = this.#peer;
    for (let i = 0; i < count; i++) {
      const index = indices[i];
      const start = party.start(index);
      const length = party.length(index);
      if (this.tap !== null) this.tap(now, 'out', party.bytes, start, length);
      if (peer === null || this.#closed || peer.#closed || !this.#fits(length, party.gsoSize(index))) {
        this.dropped++;
        continue;
      }
      const partial = party.checksum(index) === CHECKSUM_PARTIAL;
      const kept = peer.#incoming.push(
        now + this.#delay,
        party.bytes,
        start,
        length,
        party.gsoSize(index),
        partial ? CHECKSUM_VERIFIED : 0,
      );
      if (!kept) this.dropped++;
    }
    return count;
  }

  nextEvent(): number {
    return this.#incoming.nextTime;
  }

  /** Sends a frame of one's own making; no buffer, no tap. False when it was dropped. */
  sendFrame(now: number, frame: Uint8Array): boolean {
    const peer = this.#peer;
    if (peer === null || this.#closed || peer.#closed) return false;
    return peer.#incoming.push(now + this.#delay, frame, 0, frame.length);
  }

  /** The next frame that has arrived by `now`, null when there is none. */
  takeFrame(now: number): TakenFrame | null {
    const time = this.#incoming.nextTime;
    if (time > now) return null;
    const bytes = this.#incoming.pop();
    return bytes === null ? null : { time, bytes };
  }

  close(): void {
    this.#closed = true;
    this.#incoming.clear();
  }

  #fits(length: number, gsoSize: number): boolean {
    const header = this.framing === 'ethernet' ? 18 : 0;
    return length <= header + (gsoSize > 0 ? Math.max(this.gsoMaxSize, this.mtu) : this.mtu);
  }
}

/** Two joined links, [a, b]. Throws MemoryLinkError. */
export function memoryPair(options: MemoryPairOptions = {}): [MemoryLink, MemoryLink] {
  const { delay = 0, limit = 65536 } = options;
  if (!(delay >= 0)) throw new MemoryLinkError(`a delay of ${delay} µs`);
  if (!Number.isInteger(limit) || limit < 1) throw new MemoryLinkError(`a limit of ${limit} frames`);
  const a = new MemoryLink({ ...options.common, ...options.a }, delay, limit, 0);
  const b = new MemoryLink({ ...options.common, ...options.b }, delay, limit, 1);
  if (a.framing !== b.framing)
    throw new MemoryLinkError(`one side has ${a.framing} frames, the other ${b.framing}`);
  a.connect(b);
  b.connect(a);
  return [a, b];
}
