// What ICMP taught about the MTU towards destinations (RFC 1191, RFC 8201), bounded and forgotten in time, by the rules
// of Linux's route exceptions. Knows no connections: they see `generation` change and ask again.

import { isIpv4 } from '../wire/address.js';
import { IPV6_MIN_MTU } from '../wire/ipv6.js';
import { AddressMap } from './address-map.js';

/** The fields of the configuration that count here. */
export interface PathMtuConfig {
  /** net.ipv4.route.min_pmtu, bytes. */
  readonly routeMinPmtu: number;
  /** net.ipv4.route.mtu_expires, seconds. */
  readonly routeMtuExpires: number;
}

interface Entry {
  mtu: number;
  /** Below min_pmtu: the MTU is held there and packets go without DF. */
  locked: boolean;
  expires: number;
}

/** Destinations remembered at most. */
export const PATH_MTU_LIMIT = 4096;

export class PathMtuCache {
  /** Changes with everything learned. */
  generation = 1;
  readonly #config: PathMtuConfig;
  readonly #entries: AddressMap<Entry>;

  constructor(config: PathMtuConfig, seed: number, limit = PATH_MTU_LIMIT) {
    this.#config = config;
    this.#entries = new AddressMap<Entry>(limit, seed);
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * The MTU towards the address at `a[o]` when the route alone says `routeMtu`: that, or less as learned. µs.
   */
  get(now: number, a: Uint8Array, o: number, zone: number, routeMtu: number): number {
    const e = this.#live(now, a, o, zone);
    return e === undefined ? routeMtu : Math.min(e.mtu, routeMtu);
  }

  /** Whether packets to the address must go without DF because the path MTU fell below min_pmtu. */
  isLocked(now: number, a: Uint8Array, o: number, zone: number): boolean {
    return this.#live(now, a, o, zone)?.locked ?? false;
  }

  /** When what is known about the address ends, Infinity when nothing is. */
  expires(now: number, a: Uint8Array, o: number, zone: number): number {
    return this.#live(now, a, o, zone)?.expires ?? Number.POSITIVE_INFINITY;
  }

  /**
   * ICMP said `mtu` (the caller has matched the quoted packet to a flow: RFC 5927). `routeMtu` is the route's own, a
   * locked route never gets here. Returns whether the path MTU is now smaller than before.
   */
  learn(now: number, a: Uint8Array, o: number, zone: number, mtu: number, routeMtu: number): boolean {
    const old = this.get(now, a, o, zone, routeMtu);
    let value = mtu;
    let locked = false;
    if (isIpv4(a, o)) {
      // An MTU of 0 (routers older than RFC 1191) or an absurd one: hold min_pmtu and let routers fragment.
      if (value < this.#config.routeMinPmtu) {
        locked = true;
        value = Math.min(old, this.#config.routeMinPmtu);
      }
    } else if (value < IPV6_MIN_MTU) {
      // RFC 8201 section 4: such a message must be discarded.
      return false;
    }
    if (value > old) return false;
    if (value === old && !locked) return false;
    const expires = now + this.#config.routeMtuExpires * 1e6;
    const e = this.#live(now, a, o, zone);
    if (e === undefined) this.#entries.set(a, o, zone, { mtu: value, locked, expires });
    else {
      e.mtu = value;
      e.locked = locked;
      e.expires = expires;
    }
    this.generation++;
    return value < old;
  }

  /** Forgets everything (`ip route flush cache`). */
  clear(): void {
    if (this.#entries.size === 0) return;
    this.#entries.clear();
    this.generation++;
  }

  #live(now: number, a: Uint8Array, o: number, zone: number): Entry | undefined {
    const e = this.#entries.use(a, o, zone);
    if (e === undefined) return undefined;
    if (now < e.expires) return e;
    this.#entries.delete(a, o, zone);
    this.generation++;
    return undefined;
  }
}
