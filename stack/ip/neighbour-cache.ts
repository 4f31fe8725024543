// The neighbour cache: address resolution and unreachability detection of RFC 4861 section 7 for IPv6, and the same for
// ARP. Bounded in neighbours and in waiting packets, whoever sends what. Sans-IO: what must be asked, sent on or given
// up is told through `NeighbourIo` during a call; time comes in, the next deadline goes out.

import { copyBytes, equalBytes } from '../wire/bytes.js';
import { AddressMap } from './address-map.js';
import {
  Neighbour,
  NUD_DELAY,
  NUD_FAILED,
  NUD_INCOMPLETE,
  NUD_PERMANENT,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
} from './neighbour.js';

/** Linux's defaults (net.ipv4.neigh.default.*); times in µs. */
export interface NeighbourOptions {
  /** base_reachable_time: 30 s. */
  reachableTime?: number;
  /** retrans_time: 1 s between questions. */
  retransTime?: number;
  /** delay_first_probe_time: 5 s. */
  delayProbeTime?: number;
  /** mcast_solicit and ucast_solicit: 3 each. */
  multicastProbes?: number;
  unicastProbes?: number;
  /** Packets that wait per neighbour (unres_qlen): 101. The oldest gives way. */
  queueLimit?: number;
  /**
   * Packets that wait for all neighbours together: 1024. Above it each neighbour keeps those that it has, the new for the old,
   * and strangers one each, up to twice as many. Linux has no such bound, but does not take its packets from a pool of 4,096:
   * a flood from 41 addresses on the link that nobody has would else hold them all.
   */
  waitingLimit?: number;
  /** gc_thresh3: 1024 neighbours. */
  limit?: number;
}

export interface NeighbourIo {
  /** Ask who has `n.address`: by unicast to `n.hardware` when `unicast`, else by multicast or broadcast. */
  solicit(now: number, n: Neighbour, unicast: boolean): void;
  /** Send a packet that waited: `n.hardware` is known now. */
  release(now: number, n: Neighbour, packet: number): void;
  /** A waiting packet is given up: `unreachable` when nobody answered, else for want of room. */
  drop(now: number, n: Neighbour, packet: number, unreachable: boolean): void;
  /** It did not answer: it is taken for unreachable (RFC 4861 section 7.3.3: a router is not to be used any more). */
  failed?(now: number, n: Neighbour): void;
}

export class NeighbourCache {
  readonly #io: NeighbourIo;
  readonly #random: () => number;
  readonly #options: Required<NeighbourOptions>;
  readonly #map: AddressMap<Neighbour>;
  /** No deadline lies before this; when the earliest one was put off, it is too early until looked for again. */
  #next = Number.POSITIVE_INFINITY;
  #early = false;
  readonly #due: Neighbour[] = [];
  /** Packets that wait, of all neighbours. */
  #waiting = 0;
  /** During a call that may evict: the call's time. */
  #now = 0;

  /** `random32`: uniform 32-bit numbers, for the reachable time and the hash. */
  constructor(io: NeighbourIo, random32: () => number, options: NeighbourOptions = {}) {
    this.#io = io;
    this.#random = random32;
    this.#options = {
      reachableTime: options.reachableTime ?? 30e6,
      retransTime: options.retransTime ?? 1e6,
      delayProbeTime: options.delayProbeTime ?? 5e6,
      multicastProbes: options.multicastProbes ?? 3,
      unicastProbes: options.unicastProbes ?? 3,
      queueLimit: options.queueLimit ?? 101,
      waitingLimit: options.waitingLimit ?? 1024,
      limit: options.limit ?? 1024,
    };
    this.#map = new AddressMap<Neighbour>(this.#options.limit, random32());
    this.#map.onEvict = (n) => {
      this.#early = true;
      this.#giveUp(this.#now, n, false);
    };
  }

  /** Base reachable time and time between questions, µs, as a router announced them (RFC 4861 section 6.3.4); 0: as it was. */
  setTimes(reachable: number, retrans: number): void {
    if (reachable > 0) this.#options.reachableTime = reachable;
    if (retrans > 0) this.#options.retransTime = retrans;
  }

  /** The neighbour is a router: it said so. */
  markRouter(address: Uint8Array, o: number, link: number): void {
    const n = this.#map.get(address, o, link);
    if (n !== undefined) n.isRouter = true;
  }

  get size(): number {
    return this.#map.size;
  }

  get(address: Uint8Array, o: number, link: number): Neighbour | undefined {
    return this.#map.get(address, o, link);
  }

  forEach(visit: (n: Neighbour) => void): void {
    this.#map.forEach(visit);
  }

  /**
   * A packet wants to go to the next hop at `address[o]` on `link`. Returns the neighbour when the packet may go at once
   * to its hardware address; null when the packet now waits here (`release` or `drop` follows, for each packet once).
   */
  output(now: number, address: Uint8Array, o: number, link: number, packet: number): Neighbour | null {
    const n = this.#map.use(address, o, link) ?? this.#create(now, address, o, link);
    n.used = now;
    if (n.state === NUD_REACHABLE || n.state === NUD_PERMANENT) return n;
    if (n.state === NUD_STALE) {
      this.#arm(n, NUD_DELAY, now + this.#options.delayProbeTime);
      n.probes = 0;
      return n;
    }
    if (n.usable) return n;
    this.#wait(now, n, packet);
    if (n.state === NUD_FAILED || n.deadline === Number.POSITIVE_INFINITY) {
      n.probes = 1;
      this.#arm(n, NUD_INCOMPLETE, now + this.#options.retransTime);
      this.#io.solicit(now, n, false);
    }
    return null;
  }

  #wait(now: number, n: Neighbour, packet: number): void {
    const { queueLimit, waitingLimit } = this.#options;
    const { queue } = n;
    if (queue.length === 0 && this.#waiting >= 2 * waitingLimit) {
      this.#io.drop(now, n, packet, false);
      return;
    }
    if (queue.length >= queueLimit || (queue.length > 0 && this.#waiting >= waitingLimit)) {
      this.#io.drop(now, n, queue.shift() as number, false);
      this.#waiting--;
    }
    queue.push(packet);
    this.#waiting++;
  }

  /** An upper layer made progress with the neighbour (RFC 4861 section 7.3.1): new data was acknowledged. */
  confirm(now: number, n: Neighbour): void {
    // The timer finds it and waits on.
    if (n.state === NUD_REACHABLE) n.confirmed = now;
    else if (n.state === NUD_STALE || n.state === NUD_DELAY || n.state === NUD_PROBE) this.#reachable(now, n);
  }

  /** The neighbour at `address[o]` asked us and gave its hardware address at `hw[ho]` (RFC 4861 section 7.2.3). */
  solicited(
    now: number,
    address: Uint8Array,
    o: number,
    link: number,
    hw: Uint8Array,
    ho: number,
  ): Neighbour {
    const n = this.#map.use(address, o, link) ?? this.#create(now, address, o, link);
    if (n.state === NUD_PERMANENT) return n;
    if (n.state === NUD_INCOMPLETE || n.state === NUD_FAILED || !equalBytes(n.hardware, 0, hw, ho, 6)) {
      this.#learn(now, n, hw, ho);
      this.#stale(n);
      this.#flush(now, n);
    }
    return n;
  }

  /**
   * The neighbour announced itself (RFC 4861 section 7.2.5; an ARP reply or announcement). `hw` null: without a hardware
   * address. `answer`: in answer to a question of ours; `override`: may replace a different address. Those never asked
   * about are ignored.
   */
  advertised(
    now: number,
    address: Uint8Array,
    o: number,
    link: number,
    hw: Uint8Array | null,
    ho: number,
    answer: boolean,
    override: boolean,
    router: boolean,
  ): void {
    const n = this.#map.get(address, o, link);
    if (n === undefined || n.state === NUD_PERMANENT) return;
    if (n.state === NUD_INCOMPLETE || n.state === NUD_FAILED) {
      if (hw === null) return;
      this.#learn(now, n, hw, ho);
      n.isRouter = router;
      if (answer) this.#reachable(now, n);
      else this.#stale(n);
      this.#flush(now, n);
      return;
    }
    const differs = hw !== null && !equalBytes(n.hardware, 0, hw, ho, 6);
    if (differs && !override) {
      if (n.state === NUD_REACHABLE) this.#stale(n);
      return;
    }
    if (differs) this.#learn(now, n, hw, ho);
    n.isRouter = router;
    if (answer) this.#reachable(now, n);
    else if (differs) this.#stale(n);
  }

  /** Sets a neighbour by hand. */
  setPermanent(now: number, address: Uint8Array, o: number, link: number, hw: Uint8Array): Neighbour {
    const n = this.#map.use(address, o, link) ?? this.#create(now, address, o, link);
    this.#learn(now, n, hw, 0);
    this.#arm(n, NUD_PERMANENT, Number.POSITIVE_INFINITY);
    this.#flush(now, n);
    return n;
  }

  /** Forgets the neighbours of a link (all links: -1); what waits is dropped. */
  flush(now: number, link = -1): void {
    const gone: Neighbour[] = [];
    this.#map.forEach((n) => {
      if (link < 0 || n.link === link) gone.push(n);
    });
    this.#early = true;
    for (const n of gone) {
      this.#map.delete(n.address, 0, n.link);
      this.#giveUp(now, n, false);
    }
  }

  /** When `onTimer` has something to do, Infinity when nothing is planned. */
  nextTimeout(): number {
    if (this.#early) this.#plan();
    return this.#next;
  }

  /** Runs the timers due at `now`. */
  onTimer(now: number): void {
    if (now < this.#next) return;
    // What is due is noted first: the calls that follow may change the map's order.
    const due = this.#due;
    this.#map.forEach((n) => {
      if (n.deadline <= now) due.push(n);
    });
    for (const n of due) this.#expire(now, n);
    due.length = 0;
    this.#plan();
  }

  #plan(): void {
    this.#early = false;
    this.#next = Number.POSITIVE_INFINITY;
    this.#map.forEach((n) => {
      if (n.deadline < this.#next) this.#next = n.deadline;
    });
  }

  #expire(now: number, n: Neighbour): void {
    const { retransTime, delayProbeTime, multicastProbes, unicastProbes } = this.#options;
    switch (n.state) {
      case NUD_REACHABLE:
        // Confirmed meanwhile, in use, or idle: as Linux's neigh_timer_handler.
        if (now < n.confirmed + n.reachableTime) this.#arm(n, NUD_REACHABLE, n.confirmed + n.reachableTime);
        else if (now < n.used + delayProbeTime) {
          n.probes = 0;
          this.#arm(n, NUD_DELAY, now + delayProbeTime);
        } else this.#stale(n);
        return;
      case NUD_DELAY:
        n.probes = 1;
        this.#arm(n, NUD_PROBE, now + retransTime);
        this.#io.solicit(now, n, true);
        return;
      case NUD_PROBE:
      case NUD_INCOMPLETE: {
        const unicast = n.state === NUD_PROBE;
        if (n.probes < (unicast ? unicastProbes : multicastProbes)) {
          n.probes++;
          this.#arm(n, n.state, now + retransTime);
          this.#io.solicit(now, n, unicast);
          return;
        }
        this.#arm(n, NUD_FAILED, Number.POSITIVE_INFINITY);
        this.#giveUp(now, n, true);
        this.#io.failed?.(now, n);
        return;
      }
      default:
        n.deadline = Number.POSITIVE_INFINITY;
    }
  }

  #create(now: number, address: Uint8Array, o: number, link: number): Neighbour {
    // Those set by hand do not make room for strangers: they count as used, and the next one goes.
    if (this.#map.size === this.#map.limit) this.#sparePermanent();
    this.#now = now;
    const n = new Neighbour(address, o, link);
    this.#map.set(address, o, link, n);
    return n;
  }

  #sparePermanent(): void {
    let found = false;
    this.#map.forEach((n) => {
      if (found) return;
      if (n.state === NUD_PERMANENT) this.#map.use(n.address, 0, n.link);
      else found = true;
    });
  }

  #reachable(now: number, n: Neighbour): void {
    // Uniform in 0.5 … 1.5 of the base (RFC 4861 section 6.3.2).
    n.reachableTime = this.#options.reachableTime * (0.5 + this.#random() / 0x100000000);
    n.confirmed = now;
    n.probes = 0;
    this.#arm(n, NUD_REACHABLE, now + n.reachableTime);
  }

  #stale(n: Neighbour): void {
    this.#arm(n, NUD_STALE, Number.POSITIVE_INFINITY);
  }

  #learn(now: number, n: Neighbour, hw: Uint8Array, ho: number): void {
    copyBytes(n.hardware, 0, hw, ho, 6);
    n.updated = now;
  }

  #arm(n: Neighbour, state: number, deadline: number): void {
    if (n.deadline === this.#next) this.#early = true;
    n.state = state;
    n.deadline = deadline;
    if (deadline < this.#next) this.#next = deadline;
  }

  #flush(now: number, n: Neighbour): void {
    // `release` may call `output` again: only what waited before is sent.
    const waiting = this.#takeWaiting(n);
    for (const packet of waiting) this.#io.release(now, n, packet);
    if (waiting.length > 0 && n.state === NUD_STALE) {
      n.used = now;
      n.probes = 0;
      this.#arm(n, NUD_DELAY, now + this.#options.delayProbeTime);
    }
  }

  #giveUp(now: number, n: Neighbour, unreachable: boolean): void {
    for (const packet of this.#takeWaiting(n)) this.#io.drop(now, n, packet, unreachable);
  }

  #takeWaiting(n: Neighbour): number[] {
    this.#waiting -= n.queue.length;
    return n.queue.splice(0);
  }
}
