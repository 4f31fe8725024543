// Addresses made from announced prefixes (stateless address autoconfiguration, RFC 4862 section 5.5) with stable identifiers
// (RFC 7217), for one link: formed, claimed, kept, deprecated and let go by their lifetimes. Sans-IO and bounded.
import { equalAddress, isMulticast } from '../wire/address.js';
import { stableAddress } from './stable-address.js';

/** Addresses of one link, as Linux's net.ipv6.conf.*.max_addresses. */
export const MAX_ADDRESSES = 16;
/** RFC 7217 section 6: IDGEN_RETRIES. */
const MAX_DUPLICATES = 3;
/** RFC 4862 section 5.5.3 (e): no announcement cuts a life to less than this, µs. */
const TWO_HOURS = 7200e6;
const IDENTIFIER_BITS = 64;
const LINK_LOCAL = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

const NEVER = Number.POSITIVE_INFINITY;

export interface SlaacIo {
  /** Begin duplicate address detection for the address. */
  claim(now: number, address: Uint8Array): void;
  /** The address's valid lifetime is over, or it was given up while it was tentative. */
  remove(address: Uint8Array): void;
  /** Its preferred lifetime is over, or has begun again. */
  deprecate(address: Uint8Array, deprecated: boolean): void;
}

interface SlaacAddress {
  readonly prefix: Uint8Array;
  address: Uint8Array;
  duplicates: number;
  assigned: boolean;
  deprecated: boolean;
  /** Duplicates met too often: the prefix stays here so that it is not tried again at each announcement. */
  failed: boolean;
  preferredUntil: number;
  validUntil: number;
}

export class Slaac {
  readonly #io: SlaacIo;
  readonly #name: string;
  readonly #secret: Uint8Array;
  readonly #list: SlaacAddress[] = [];

  /** `name` and `secret`: RFC 7217's Net_Iface and secret_key. */
  constructor(io: SlaacIo, name: string, secret: Uint8Array) {
    this.#io = io;
    this.#name = name;
    this.#secret = secret;
  }

  get all(): readonly { address: Uint8Array; preferredUntil: number; validUntil: number }[] {
    return this.#list.filter((each) => !each.failed);
  }

  /** Forms the link-local address (RFC 4862 section 5.3). */
  linkLocal(now: number): void {
    this.#form(now, LINK_LOCAL, NEVER, NEVER);
  }

  /** An autonomous prefix was announced; lifetimes in µs, Infinity: for ever (section 5.5.3). */
  prefix(now: number, prefix: Uint8Array, bits: number, preferred: number, valid: number): void {
    // (c), (d): senseless lifetimes; a prefix that leaves no room for 64 bits of identifier.
    if (preferred > valid || bits !== 128 - IDENTIFIER_BITS || isMulticast(prefix)) return;
    const known = this.#list.find((each) => equalAddress(each.prefix, 0, prefix, 0));
    if (known === undefined) {
      if (valid > 0) this.#form(now, prefix, preferred, valid);
      return;
    }
    // (e): a forged announcement must not end an address at once.
    const remaining = known.validUntil - now;
    if (valid > TWO_HOURS || valid > remaining) known.validUntil = now + valid;
    else if (remaining > TWO_HOURS) known.validUntil = now + TWO_HOURS;
    known.preferredUntil = now + preferred;
    this.#age(now, known);
  }

  /** Duplicate address detection is done with `address`. */
  assigned(now: number, address: Uint8Array): void {
    const found = this.#find(address);
    if (found === undefined) return;
    found.assigned = true;
    this.#age(now, found);
  }

  /** The address is another's: the next identifier is tried, three times in all (RFC 7217 section 6). */
  duplicate(now: number, address: Uint8Array): void {
    const found = this.#find(address);
    if (found === undefined) return;
    found.duplicates++;
    if (found.duplicates > MAX_DUPLICATES) {
      found.failed = true;
      return;
    }
    found.address = stableAddress(found.prefix, this.#name, found.duplicates, this.#secret);
    this.#io.claim(now, found.address);
  }

  nextTimeout(): number {
    let next = NEVER;
    for (const each of this.#list) {
      next = Math.min(next, each.validUntil);
      if (each.assigned && !each.deprecated) next = Math.min(next, each.preferredUntil);
    }
    return next;
  }

  onTimer(now: number): void {
    for (const each of [...this.#list]) this.#age(now, each);
  }

  #form(now: number, prefix: Uint8Array, preferred: number, valid: number): void {
    if (this.#list.length >= MAX_ADDRESSES) return;
    const address = stableAddress(prefix, this.#name, 0, this.#secret);
    this.#list.push({
      prefix: Uint8Array.from(prefix),
      address,
      duplicates: 0,
      assigned: false,
      deprecated: false,
      failed: false,
      preferredUntil: now + preferred,
      validUntil: now + valid,
    });
    this.#io.claim(now, address);
  }

  #age(now: number, each: SlaacAddress): void {
    if (each.validUntil <= now) {
      this.#list.splice(this.#list.indexOf(each), 1);
      if (!each.failed) this.#io.remove(each.address);
      return;
    }
    if (!each.assigned) return;
    const deprecated = each.preferredUntil <= now;
    if (deprecated === each.deprecated) return;
    each.deprecated = deprecated;
    this.#io.deprecate(each.address, deprecated);
  }

  #find(address: Uint8Array): SlaacAddress | undefined {
    return this.#list.find((each) => !each.failed && equalAddress(each.address, 0, address, 0));
  }
}
