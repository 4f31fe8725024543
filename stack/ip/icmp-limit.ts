// How often this stack may send ICMP errors: a bucket for the whole stack and one per destination, by Linux's rules
// (net.ipv4.icmp_ratelimit, icmp_ratemask, icmp_msgs_per_sec, icmp_msgs_burst; net.ipv6.icmp.ratelimit), which meet
// RFC 1812 section 4.3.2.8 and RFC 4443 section 2.4 (f). Knows no packets.

import { type IpCounters, ipCounterIndex } from '../host/ip-counters.js';
import * as icmp from '../wire/icmp.js';
import * as icmpv6 from '../wire/icmpv6.js';
import { AddressMap } from './address-map.js';

export interface IcmpLimitConfig {
  /** ms between errors to one destination; 0: no limit. */
  readonly icmpRatelimit: number;
  /** Bit n set: ICMPv4 type n is limited. */
  readonly icmpRatemask: number;
  readonly icmpMsgsPerSec: number;
  readonly icmpMsgsBurst: number;
  readonly ipv6IcmpRatelimit: number;
}

// Linux has one counter for the limit over all, of both families.
const REFUSED_OF_ALL = ipCounterIndex('IcmpOutRateLimitGlobal');
const REFUSED_BY_HOST = ipCounterIndex('IcmpOutRateLimitHost');
const REFUSED_BY_HOST_6 = ipCounterIndex('Icmp6OutRateLimitHost');

interface Bucket {
  /** µs of credit, and when it was counted. */
  credit: number;
  at: number;
}

/** A destination that was quiet may get this many at once. */
const BURST = 6;
/** Destinations remembered. */
const DESTINATIONS = 1024;

export class IcmpLimiter {
  readonly #config: IcmpLimitConfig;
  readonly #destinations: AddressMap<Bucket>;
  readonly #counters: IpCounters;
  #credit = Number.NaN;
  #at = 0;
  /** Errors not sent for the limits' sake. */
  suppressed = 0;

  constructor(config: IcmpLimitConfig, seed: number, counters: IpCounters) {
    this.#config = config;
    this.#counters = counters;
    this.#destinations = new AddressMap<Bucket>(DESTINATIONS, seed);
  }

  /** Whether a message of `type` and `code` may go to the address at `a[o]` now; counts it if so. */
  allows(now: number, v6: boolean, type: number, code: number, a: Uint8Array, o: number): boolean {
    if (!this.#limited(v6, type, code)) return true;
    const within = this.#global(now);
    if (within && this.#destination(now, v6, a, o)) return true;
    this.suppressed++;
    this.#counters.add(within ? (v6 ? REFUSED_BY_HOST_6 : REFUSED_BY_HOST) : REFUSED_OF_ALL);
    return false;
  }

  // What path-MTU discovery needs is never held back; neither are answers to queries, as the mask has it.
  #limited(v6: boolean, type: number, code: number): boolean {
    if (v6) return icmpv6.isError(type) && type !== icmpv6.ICMPV6_PACKET_TOO_BIG;
    if (type === icmp.ICMP_UNREACHABLE && code === icmp.ICMP_FRAGMENTATION_NEEDED) return false;
    return type < 32 && ((this.#config.icmpRatemask >>> type) & 1) === 1;
  }

  #global(now: number): boolean {
    const { icmpMsgsPerSec, icmpMsgsBurst } = this.#config;
    if (Number.isNaN(this.#credit)) this.#credit = icmpMsgsBurst;
    else {
      this.#credit = Math.min(icmpMsgsBurst, this.#credit + ((now - this.#at) * icmpMsgsPerSec) / 1e6);
    }
    this.#at = now;
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    return true;
  }

  #destination(now: number, v6: boolean, a: Uint8Array, o: number): boolean {
    const cost = (v6 ? this.#config.ipv6IcmpRatelimit : this.#config.icmpRatelimit) * 1000;
    if (cost === 0) return true;
    let bucket = this.#destinations.use(a, o, 0);
    if (bucket === undefined) {
      bucket = { credit: cost * BURST, at: now };
      this.#destinations.set(a, o, 0, bucket);
    }
    bucket.credit = Math.min(cost * BURST, bucket.credit + now - bucket.at);
    bucket.at = now;
    if (bucket.credit < cost) return false;
    bucket.credit -= cost;
    return true;
  }
}
