// The routing table: longest prefix first, then lowest metric, for both families in one. Knows addresses and numbers
// of links; nothing of neighbours, sockets or path-MTU discovery. Small tables (a host's) are walked in order; a flow
// keeps what it found until `generation` changes.

import { formatPrefix, inPrefix, isIpv4, isLinkLocal, type Prefix } from '../wire/address.js';

/** What a route gives to connections; 0 or false: not set. Sizes in bytes, windows in segments, times in µs. */
export interface RouteAttributes {
  mtu: number;
  /** The MTU stands against path-MTU discovery, and packets may be fragmented (no DF). */
  mtuLocked: boolean;
  advmss: number;
  initcwnd: number;
  initrwnd: number;
  rtoMin: number;
  quickack: boolean;
  fastOpenNoCookie: boolean;
  ecn: boolean;
  hopLimit: number;
}

export interface RouteSpec extends Partial<RouteAttributes> {
  destination: Prefix;
  /** Next hop; null or absent: the destination is on the link. */
  gateway?: Uint8Array | null;
  /** Number of the link. */
  link: number;
  /** Preferred source address. */
  source?: Uint8Array | null;
  /** Lower is better; default 0 for IPv4, 1024 for IPv6, as in Linux. */
  metric?: number;
  /** Made by the stack for an address of its own: goes when the address goes. */
  connected?: boolean;
}

/** Changes to the table that cannot be; codes are those of `ip route`. */
export class RouteError extends Error {
  readonly code: 'EEXIST' | 'ESRCH' | 'EINVAL' | 'ENETUNREACH';
  constructor(code: RouteError['code'], message: string) {
    super(`${code}: ${message}`);
    this.name = 'RouteError';
    this.code = code;
  }
}

/** A route in the table. Never changed once there: a replaced route is a new object. */
export class Route implements RouteAttributes {
  readonly destination: Prefix;
  readonly ipv4: boolean;
  readonly gateway: Uint8Array | null;
  readonly link: number;
  readonly source: Uint8Array | null;
  readonly metric: number;
  readonly connected: boolean;
  readonly mtu: number;
  readonly mtuLocked: boolean;
  readonly advmss: number;
  readonly initcwnd: number;
  readonly initrwnd: number;
  readonly rtoMin: number;
  readonly quickack: boolean;
  readonly fastOpenNoCookie: boolean;
  readonly ecn: boolean;
  readonly hopLimit: number;

  constructor(spec: RouteSpec) {
    this.destination = { address: Uint8Array.from(spec.destination.address), bits: spec.destination.bits };
    this.ipv4 = isIpv4(this.destination.address) && this.destination.bits >= 96;
    this.gateway = spec.gateway ? Uint8Array.from(spec.gateway) : null;
    this.link = spec.link;
    this.source = spec.source ? Uint8Array.from(spec.source) : null;
    this.metric = spec.metric ?? (this.ipv4 ? 0 : 1024);
    this.connected = spec.connected ?? false;
    this.mtu = spec.mtu ?? 0;
    this.mtuLocked = spec.mtuLocked ?? false;
    this.advmss = spec.advmss ?? 0;
    this.initcwnd = spec.initcwnd ?? 0;
    this.initrwnd = spec.initrwnd ?? 0;
    this.rtoMin = spec.rtoMin ?? 0;
    this.quickack = spec.quickack ?? false;
    this.fastOpenNoCookie = spec.fastOpenNoCookie ?? false;
    this.ecn = spec.ecn ?? false;
    this.hopLimit = spec.hopLimit ?? 0;
  }

  /** As `ip route` prints it, in short. */
  toString(): string {
    return `${formatPrefix(this.destination)} link ${this.link} metric ${this.metric}`;
  }
}

export class RouteTable {
  /** Changes with every change of the table: what was looked up before must be looked up again. */
  generation = 1;
  readonly #routes: Route[] = [];

  get all(): readonly Route[] {
    return this.#routes;
  }

  /**
   * Adds a route. One with the same destination and metric is replaced when `replace` is set; otherwise EEXIST.
   * EINVAL for host bits beyond the prefix or mixed families, ENETUNREACH for a gateway that is on no link.
   */
  add(spec: RouteSpec, replace = false): Route {
    const route = new Route(spec);
    const { address, bits } = route.destination;
    if (!hostBitsClear(address, bits))
      throw new RouteError('EINVAL', `${formatPrefix(spec.destination)} has host bits`);
    if (route.gateway !== null) {
      if (isIpv4(route.gateway) !== route.ipv4)
        throw new RouteError('EINVAL', `${route}: gateway of another family`);
      const via = this.lookup(route.gateway, 0, route.link);
      if (!isLinkLocal(route.gateway) && (via === null || via.gateway !== null)) {
        throw new RouteError('ENETUNREACH', `${route}: the gateway is not on the link`);
      }
    }
    const at = this.#routes.findIndex((r) => sameDestination(r, route) && r.metric === route.metric);
    if (at >= 0) {
      if (!replace) throw new RouteError('EEXIST', `${route} is there already`);
      this.#routes[at] = route;
    } else {
      const before = this.#routes.findIndex(
        (r) => r.destination.bits < bits || (r.destination.bits === bits && r.metric > route.metric),
      );
      this.#routes.splice(before < 0 ? this.#routes.length : before, 0, route);
    }
    this.generation++;
    return route;
  }

  /** Removes the first route to `destination` (of `link`, when given). Throws ESRCH when there is none. */
  remove(destination: Prefix, link = -1): void {
    const wanted = new Route({ destination, link: 0 });
    const at = this.#routes.findIndex((r) => sameDestination(r, wanted) && (link < 0 || r.link === link));
    if (at < 0) throw new RouteError('ESRCH', `no route to ${formatPrefix(destination)}`);
    this.#routes.splice(at, 1);
    this.generation++;
  }

  /** Removes every route that `goes` says yes to; returns how many. */
  removeWhere(goes: (route: Route) => boolean): number {
    let n = 0;
    for (let i = this.#routes.length - 1; i >= 0; i--) {
      if (!goes(this.#routes[i])) continue;
      this.#routes.splice(i, 1);
      n++;
    }
    if (n > 0) this.generation++;
    return n;
  }

  /** The best route to the address at `a[o]`, only by `link` when that is given (link-local scope); null: none. */
  lookup(a: Uint8Array, o: number, link = -1): Route | null {
    const v4 = isIpv4(a, o);
    for (let i = 0; i < this.#routes.length; i++) {
      const r = this.#routes[i];
      if (r.ipv4 !== v4 || (link >= 0 && r.link !== link)) continue;
      if (inPrefix(a, o, r.destination.address, 0, r.destination.bits)) return r;
    }
    return null;
  }
}

function sameDestination(x: Route, y: Route): boolean {
  const { address, bits } = x.destination;
  return (
    bits === y.destination.bits && x.ipv4 === y.ipv4 && inPrefix(address, 0, y.destination.address, 0, bits)
  );
}

function hostBitsClear(a: Uint8Array, bits: number): boolean {
  for (let i = 0; i < 128; i++) if (i >= bits && (a[i >>> 3] & (0x80 >>> (i & 7))) !== 0) return false;
  return true;
}
