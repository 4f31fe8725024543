// Router discovery, the host's part, for one link: routers, on-link prefixes and parameters that router advertisements name
// (RFC 4861 section 6.3, preferences of RFC 4191), and the solicitations that ask for them (with RFC 7559's backoff).
// Sans-IO and bounded: what strangers announce beyond the bounds is ignored, and pushes nothing out that is there.
import { equalAddress, isLinkLocal, isMulticast } from '../wire/address.js';
import { IPV6_MIN_MTU } from '../wire/ipv6.js';
import * as nd from '../wire/nd.js';

/** Routers and on-link prefixes of one link. */
export const MAX_ROUTERS = 8;
export const MAX_PREFIXES = 32;
/** RFC 4861 section 10, RFC 7559 section 2; µs. */
const SOLICITATION_INTERVAL = 4e6;
const MAX_SOLICITATION_INTERVAL = 3600e6;
/** A lifetime that never ends. */
const INFINITE = 0xffff_ffff;
/**
 * What is believed of the neighbour parameters, in µs. Reachable Time has its bound in RFC 4861 section 6.2.1; Retrans
 * Timer has none, and one of days would end all resolution: Linux's default is a second.
 */
const MAX_REACHABLE = 3600e6;
const MIN_RETRANS = 10e3;
const MAX_RETRANS = 60e6;

const NEVER = Number.POSITIVE_INFINITY;

export interface RouterDiscoveryIo {
  /** Send a router solicitation (section 6.3.7). */
  solicit(now: number): void;
  /** The default router is now this one; null: there is none. */
  defaultRouter(router: Uint8Array | null): void;
  /** The prefix is on the link now, or no more. */
  onLink(prefix: Uint8Array, bits: number, present: boolean): void;
  /** An autonomous prefix was named, lifetimes in µs: RFC 4862 section 5.5.3 decides. */
  autonomous(now: number, prefix: Uint8Array, bits: number, preferred: number, valid: number): void;
  /** The link's MTU for IPv6. */
  linkMtu(mtu: number): void;
  hopLimit(hops: number): void;
  /** µs, 0: unspecified. */
  neighbourTimes(reachable: number, retrans: number): void;
}

interface Router {
  readonly address: Uint8Array;
  until: number;
  /** RFC 4191: 1 high, 0 medium, -1 low. */
  preference: number;
  /** Not answering (neighbour unreachability detection): used only if all are so (RFC 4861 section 6.3.6). */
  unreachable: boolean;
}

interface OnLinkPrefix {
  readonly prefix: Uint8Array;
  readonly bits: number;
  until: number;
}

/** Seconds of a lifetime field in µs. */
export function lifetime(seconds: number): number {
  return seconds === INFINITE ? NEVER : seconds * 1e6;
}

export class RouterDiscovery {
  readonly #io: RouterDiscoveryIo;
  readonly #random32: () => number;
  readonly #routers: Router[] = [];
  readonly #prefixes: OnLinkPrefix[] = [];
  #solicitDue = NEVER;
  #interval = 0;
  #selected: Router | null = null;

  constructor(io: RouterDiscoveryIo, random32: () => number) {
    this.#io = io;
    this.#random32 = random32;
  }

  /**
   * Ask for routers from now on. Duplicate address detection of the link-local address went before, and with it the random
   * delay that RFC 4861 section 6.3.7 wants.
   */
  start(now: number): void {
    this.#interval = 0;
    if (this.#routers.length === 0) this.#solicitDue = now;
  }

  get routers(): readonly { address: Uint8Array; until: number }[] {
    return this.#routers;
  }

  /**
   * A router advertisement at `b[o]`, which `nd.checkNd` has found good (RFC 4861 section 6.1.2: hop limit 255, code 0, lengths),
   * from `source`, by a link of `linkMtu`. False when it is not from a link-local address and is ignored.
   */
  advertisement(
    now: number,
    b: Uint8Array,
    o: number,
    source: Uint8Array,
    options: nd.NdOptions,
    linkMtu: number,
  ): boolean {
    if (!isLinkLocal(source)) return false;
    const hops = nd.routerHopLimit(b, o);
    if (hops !== 0) this.#io.hopLimit(hops);
    this.#times(b, o);
    this.#router(now, source, lifetime(nd.routerLifetime(b, o)), nd.routerPreference(b, o));
    // Below IPv6's least or above the link's own it is ignored (section 6.3.4).
    if (options.mtu >= IPV6_MIN_MTU && options.mtu <= linkMtu) this.#io.linkMtu(options.mtu);
    for (let i = 0; i < options.prefixCount; i++) this.#prefix(now, b, options.prefixes[i]);
    return true;
  }

  /** A neighbour did not answer: if it is a router, another one is taken, if there is one that may answer. */
  neighbourFailed(address: Uint8Array): void {
    const router = this.#find(address);
    if (router === undefined || router.unreachable) return;
    router.unreachable = true;
    this.#select();
  }

  nextTimeout(): number {
    let next = this.#solicitDue;
    for (const { until } of this.#routers) next = Math.min(next, until);
    for (const { until } of this.#prefixes) next = Math.min(next, until);
    return next;
  }

  onTimer(now: number): void {
    if (this.#solicitDue <= now) this.#solicit(now);
    for (let i = this.#prefixes.length - 1; i >= 0; i--) {
      const { prefix, bits, until } = this.#prefixes[i];
      if (until > now) continue;
      this.#prefixes.splice(i, 1);
      this.#io.onLink(prefix, bits, false);
    }
    const before = this.#routers.length;
    for (let i = before - 1; i >= 0; i--) if (this.#routers[i].until <= now) this.#routers.splice(i, 1);
    if (this.#routers.length < before) this.#select();
  }

  // RFC 7559 section 2: about 4 s, then doubled with a tenth of chance, up to an hour, until a router is there.
  #solicit(now: number): void {
    this.#io.solicit(now);
    const chance = 0.2 * this.#chance() - 0.1;
    this.#interval =
      this.#interval === 0 ? SOLICITATION_INTERVAL * (1 + chance) : this.#interval * (2 + chance);
    if (this.#interval > MAX_SOLICITATION_INTERVAL) this.#interval = MAX_SOLICITATION_INTERVAL * (1 + chance);
    this.#solicitDue = now + this.#interval;
  }

  #times(b: Uint8Array, o: number): void {
    const reachable = nd.routerReachableTime(b, o) * 1e3;
    const retrans = nd.routerRetransTimer(b, o) * 1e3;
    this.#io.neighbourTimes(
      reachable <= MAX_REACHABLE ? reachable : 0,
      retrans >= MIN_RETRANS && retrans <= MAX_RETRANS ? retrans : 0,
    );
  }

  #router(now: number, address: Uint8Array, life: number, preference: number): void {
    let router = this.#find(address);
    if (life === 0) {
      if (router === undefined) return;
      this.#routers.splice(this.#routers.indexOf(router), 1);
    } else {
      if (router === undefined) {
        if (this.#routers.length >= MAX_ROUTERS) return;
        router = { address: Uint8Array.from(address), until: 0, preference, unreachable: false };
        this.#routers.push(router);
      }
      router.until = now + life;
      router.preference = preference;
      // It is heard, so it is there.
      router.unreachable = false;
      this.#solicitDue = NEVER;
    }
    this.#select();
  }

  // RFC 4861 section 6.3.6, RFC 4191 section 3.2: reachable ones first, then by preference; the one in use stays among equals.
  #select(): void {
    let best: Router | null = null;
    for (const each of this.#routers) {
      if (
        best === null ||
        rank(each) > rank(best) ||
        (rank(each) === rank(best) && each === this.#selected)
      ) {
        best = each;
      }
    }
    if (best === this.#selected) return;
    this.#selected = best;
    this.#io.defaultRouter(best === null ? null : best.address);
  }

  #prefix(now: number, b: Uint8Array, p: number): void {
    const bits = nd.prefixLength(b, p);
    const prefix = b.slice(p + nd.ND_PREFIX_OFF_ADDRESS, p + nd.ND_PREFIX_OFF_ADDRESS + 16);
    if (bits > 128 || isLinkLocal(prefix) || isMulticast(prefix)) return;
    // Bits behind the length are reserved and ignored (section 4.6.2).
    for (let bit = bits; bit < 128; bit++) prefix[bit >> 3] &= ~(0x80 >> (bit & 7));
    const valid = lifetime(nd.prefixValidLifetime(b, p));
    if (nd.prefixOnLink(b, p)) this.#onLink(now, prefix, bits, valid);
    if (!nd.prefixAutonomous(b, p)) return;
    this.#io.autonomous(now, prefix, bits, lifetime(nd.prefixPreferredLifetime(b, p)), valid);
  }

  #onLink(now: number, prefix: Uint8Array, bits: number, valid: number): void {
    const known = this.#prefixes.find(
      (each) => each.bits === bits && equalAddress(each.prefix, 0, prefix, 0),
    );
    if (valid === 0) {
      if (known === undefined) return;
      this.#prefixes.splice(this.#prefixes.indexOf(known), 1);
      this.#io.onLink(prefix, bits, false);
    } else if (known !== undefined) {
      known.until = now + valid;
    } else if (this.#prefixes.length < MAX_PREFIXES && bits > 0) {
      // A prefix of no bits would call the whole world a neighbour.
      this.#prefixes.push({ prefix, bits, until: now + valid });
      this.#io.onLink(prefix, bits, true);
    }
  }

  #find(address: Uint8Array): Router | undefined {
    return this.#routers.find((each) => equalAddress(each.address, 0, address, 0));
  }

  #chance(): number {
    return this.#random32() / 2 ** 32;
  }
}

function rank(router: Router): number {
  return (router.unreachable ? 0 : 10) + router.preference;
}
