// What happens to the frames of one direction: the settings, their counters, and the decision for each frame.
// A frame is put into a queue for the time it comes out, not at all, or twice. Knows frames and time only.

import type { PoolParty } from '../channel/pool.js';
import type { FrameQueue } from './frame-queue.js';
import type { Link } from './link.js';
import { SeededRandom } from './random.js';

/** Loss in bursts (Gilbert and Elliott): two states, each with its own chance of loss; chances are per frame. */
export interface BurstLoss {
  /** Chance to go from good to bad, and back. */
  enter: number;
  leave: number;
  /** Chance of loss in either state; default 0 and 1. */
  good?: number;
  bad?: number;
}

/** All chances are 0 … 1 per frame, all times µs. Everything defaults to "does not happen". */
export interface Impairment {
  loss?: number | BurstLoss;
  duplicate?: number;
  /** One bit, anywhere in the frame behind its Ethernet header. */
  corrupt?: number;
  delay?: number;
  /** Added to `delay`, uniform in 0 … jitter. Frames keep their order unless `jitterReorders`. */
  jitter?: number;
  jitterReorders?: boolean;
  /** Chance that a frame comes `reorderDelay` later than it would, so that others overtake it. */
  reorder?: number;
  reorderDelay?: number;
  /** Bits a second of the frames' bytes; 0: no limit. */
  rate?: number;
  /** Frames that wait for the rate limit at most (the one being sent not counted); more are dropped. Default 1000. */
  queue?: number;
}

export interface ImpairmentCounters {
  /** Frames that went in. */
  seen: number;
  lost: number;
  duplicated: number;
  corrupted: number;
  reordered: number;
  /** Found the rate limit's queue, or the store of held frames, full. */
  dropped: number;
}

/** A setting out of range. */
export class ImpairmentError extends Error {
  readonly code = 'ERR_IMPAIRMENT';
  constructor(message: string) {
    super(`impaired link: ${message}`);
    this.name = 'ImpairmentError';
  }
}

export class ImpairmentState {
  readonly counters: ImpairmentCounters = {
    seen: 0,
    lost: 0,
    duplicated: 0,
    corrupted: 0,
    reordered: 0,
    dropped: 0,
  };
  readonly #random: SeededRandom;
  #s: Required<Omit<Impairment, 'loss'>> & { loss: number; burst: Required<BurstLoss> | null };
  #bad = false;
  /** When the rate limiter has sent all that it took. */
  #free = 0;
  /** Departure of each frame waiting for the rate limiter, a ring. */
  #departures = new Float64Array(0);
  #head = 0;
  #waiting = 0;
  #lastOut = 0;

  constructor(settings: Impairment, seed: number) {
    this.#random = new SeededRandom(seed);
    this.#s = complete(settings);
    this.#departures = new Float64Array(this.#s.queue + 1);
  }

  /** New settings from now on; frames on their way are not touched. Throws ImpairmentError. */
  set(settings: Impairment): void {
    this.#s = complete(settings);
    const old: number[] = [];
    for (let i = 0; i < this.#waiting; i++)
      old.push(this.#departures[(this.#head + i) % this.#departures.length]);
    this.#departures = new Float64Array(Math.max(this.#s.queue, old.length) + 1);
    this.#departures.set(old);
    this.#head = 0;
  }

  /** Decides about the frame in buffer `index`, which stays the caller's, and puts copies into `held`. */
  apply(now: number, party: PoolParty, index: number, held: FrameQueue, framing: Link['framing']): void {
    const s = this.#s;
    const c = this.counters;
    c.seen++;
    if (this.#loses()) {
      c.lost++;
      return;
    }
    this.#put(now, party, index, held, framing);
    if (this.#happens(s.duplicate)) {
      c.duplicated++;
      this.#put(now, party, index, held, framing);
    }
  }

  #put(now: number, party: PoolParty, index: number, held: FrameQueue, framing: Link['framing']): void {
    const s = this.#s;
    const c = this.counters;
    let out = this.#serialize(now, party.length(index));
    if (out < 0) {
      c.dropped++;
      return;
    }
    out += s.delay;
    if (s.jitter > 0) {
      out += this.#random.unit() * s.jitter;
      if (!s.jitterReorders) out = Math.max(out, this.#lastOut);
    }
    // A frame set back on purpose must not hold up those behind it.
    if (this.#happens(s.reorder)) {
      c.reordered++;
      out += s.reorderDelay;
    } else this.#lastOut = out;
    const damaged = this.#happens(s.corrupt);
    let kept: boolean;
    if (damaged) {
      const start = party.start(index);
      const head = framing === 'ethernet' ? 14 : 0;
      const bits = Math.max(0, party.length(index) - head) * 8;
      const bit = this.#random.below(Math.max(1, bits));
      const at = start + head + (bit >>> 3);
      // The buffer belongs to the sender: the bit is flipped back once the copy is taken.
      if (bits > 0) party.bytes[at] ^= 1 << (bit & 7);
      kept = held.pushBuffer(out, party, index);
      if (bits > 0) party.bytes[at] ^= 1 << (bit & 7);
    } else kept = held.pushBuffer(out, party, index);
    if (!kept) c.dropped++;
    else if (damaged) c.corrupted++;
  }

  /** When the last bit of a frame of `bytes` has been sent, -1 when the queue is full. */
  #serialize(now: number, bytes: number): number {
    const s = this.#s;
    if (s.rate === 0) return now;
    while (this.#waiting > 0 && this.#departures[this.#head] <= now) {
      this.#head = (this.#head + 1) % this.#departures.length;
      this.#waiting--;
    }
    // One frame is being sent, the others wait.
    if (this.#waiting > s.queue) return -1;
    this.#free = Math.max(this.#free, now) + (bytes * 8e6) / s.rate;
    this.#departures[(this.#head + this.#waiting++) % this.#departures.length] = this.#free;
    return this.#free;
  }

  #loses(): boolean {
    const { burst, loss } = this.#s;
    if (burst === null) return this.#happens(loss);
    if (this.#happens(this.#bad ? burst.leave : burst.enter)) this.#bad = !this.#bad;
    return this.#happens(this.#bad ? burst.bad : burst.good);
  }

  // Draws nothing for what is switched off: switching one thing on leaves the others' fortune as it was.
  #happens(chance: number): boolean {
    return chance > 0 && this.#random.unit() < chance;
  }
}

function complete(i: Impairment): Required<Omit<Impairment, 'loss'>> & {
  loss: number;
  burst: Required<BurstLoss> | null;
} {
  const loss = i.loss ?? 0;
  const burst = typeof loss === 'number' ? null : { good: 0, bad: 1, ...loss };
  const s = {
    loss: typeof loss === 'number' ? loss : 0,
    burst,
    duplicate: i.duplicate ?? 0,
    corrupt: i.corrupt ?? 0,
    delay: i.delay ?? 0,
    jitter: i.jitter ?? 0,
    jitterReorders: i.jitterReorders ?? false,
    reorder: i.reorder ?? 0,
    reorderDelay: i.reorderDelay ?? 0,
    rate: i.rate ?? 0,
    queue: i.queue ?? 1000,
  };
  const chances = { loss: s.loss, duplicate: s.duplicate, corrupt: s.corrupt, reorder: s.reorder, ...burst };
  for (const [name, v] of Object.entries(chances)) {
    if (!(v >= 0 && v <= 1)) throw new ImpairmentError(`${name} ${v} is no probability`);
  }
  for (const name of ['delay', 'jitter', 'reorderDelay', 'rate'] as const) {
    if (!(s[name] >= 0 && s[name] < Number.POSITIVE_INFINITY))
      throw new ImpairmentError(`${name} ${s[name]}`);
  }
  if (!Number.isInteger(s.queue) || s.queue < 0) throw new ImpairmentError(`queue ${s.queue}`);
  return s;
}
