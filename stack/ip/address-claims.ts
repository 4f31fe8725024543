// Claiming addresses of one's own: duplicate address detection (RFC 4862 section 5.4; optimistic DAD, RFC 4429, is off) and
// IPv4 address conflict detection (RFC 5227: probe, announce, defend). Sans-IO: what must be sent, and what became of a claim,
// is told through `ClaimIo` during a call; time and chance come in. Knows no table of addresses: a claimed address is
// nobody's until `assigned`.
import { equalAddress, isIpv4 } from '../wire/address.js';

/** RFC 4862 sections 5.1, 5.4.2, RFC 4861 section 10: µs. */
const MAX_SOLICITATION_DELAY = 1e6;
const RETRANS_TIMER = 1e6;
/** RFC 5227 section 1.1; times in µs. */
const PROBE_WAIT = 1e6;
const PROBE_NUM = 3;
const PROBE_MIN = 1e6;
const PROBE_MAX = 2e6;
const ANNOUNCE_WAIT = 2e6;
const ANNOUNCE_NUM = 2;
const ANNOUNCE_INTERVAL = 2e6;
const MAX_CONFLICTS = 10;
const RATE_LIMIT_INTERVAL = 60e6;
const DEFEND_INTERVAL = 10e6;
/** Claims at a time; a host has few addresses. */
export const MAX_CLAIMS = 64;
/** Own addresses whose defence is remembered. */
const MAX_DEFENCES = 64;

const NEVER = Number.POSITIVE_INFINITY;

/** What becomes of a claim is told to whoever made it. */
export interface ClaimOwner {
  /** Nobody objected: the address may be used from now on. */
  assigned(now: number): void;
  /** Somebody has it, or claims it as well: the claim is gone. */
  duplicate(now: number): void;
}

/** An address that is being claimed. */
export interface Claim {
  readonly address: Uint8Array;
  /** Prefix length of 128. */
  readonly bits: number;
  readonly link: number;
  /** Whoever wants the address. */
  readonly owner: ClaimOwner;
  /** RFC 7527: marks our own solicitations, so that one that comes back is not taken for another's. */
  readonly nonce: Uint8Array;
}

export interface ClaimIo {
  /** Ask on the link whether somebody has `claim.address`: a solicitation or ARP probe from no address. */
  probe(now: number, claim: Claim): void;
  /** Tell the link that we have the IPv4 address (an ARP announcement). */
  announce(now: number, address: Uint8Array, link: number): void;
  /** A claim has ended, before its owner is told: it failed when `duplicate`; `hardware` is the other host's, if known. */
  ended(now: number, claim: Claim, duplicate: boolean, hardware: Uint8Array | null): void;
  /** An address in use is used by another host too. `defended`: announced again (RFC 5227 section 2.4 (b), (c)). */
  conflict(now: number, address: Uint8Array, link: number, hardware: Uint8Array, defended: boolean): void;
}

interface Running extends Claim {
  due: number;
  sent: number;
}

interface Announcing {
  readonly address: Uint8Array;
  readonly link: number;
  due: number;
  left: number;
}

export class AddressClaims {
  readonly #io: ClaimIo;
  readonly #random32: () => number;
  readonly #running: Running[] = [];
  readonly #announcing: Announcing[] = [];
  /** When each own address was defended last. */
  readonly #defended: { address: Uint8Array; link: number; at: number }[] = [];
  /** Claims of IPv4 addresses that failed, ever; and when the last one was begun. */
  #conflicts = 0;
  #lastProbe = Number.NEGATIVE_INFINITY;

  constructor(io: ClaimIo, random32: () => number) {
    this.#io = io;
    this.#random32 = random32;
  }

  get all(): readonly Claim[] {
    return this.#running;
  }

  /**
   * Begins a claim. IPv6: after a random delay when `delayed` (RFC 4862 section 5.4.2: an interface that just came up, or an
   * address that many take at once). False when too many are under way, or this one is.
   */
  start(
    now: number,
    what: { address: Uint8Array; bits: number; link: number; owner: ClaimOwner },
    delayed: boolean,
  ): boolean {
    const { address, bits, link, owner } = what;
    if (this.#running.length >= MAX_CLAIMS || this.find(address, 0, link) !== undefined) return false;
    let delay = delayed ? this.#uniform(0, MAX_SOLICITATION_DELAY) : 0;
    if (isIpv4(address)) {
      delay = this.#uniform(0, PROBE_WAIT);
      // Section 2.1.1: after ten conflicts no more than one new address a minute.
      if (this.#conflicts >= MAX_CONFLICTS) {
        delay = Math.max(delay, this.#lastProbe + RATE_LIMIT_INTERVAL - now);
      }
      this.#lastProbe = now + delay;
    }
    const nonce = new Uint8Array(6).map(() => this.#random32() & 0xff);
    this.#running.push({
      address: Uint8Array.from(address),
      bits,
      link,
      owner,
      nonce,
      due: now + delay,
      sent: 0,
    });
    return true;
  }

  find(address: Uint8Array, o: number, link: number): Claim | undefined {
    return this.#running.find((each) => each.link === link && equalAddress(each.address, 0, address, o));
  }

  /** Gives up a claim, or announcing: true when there was a claim. */
  cancel(address: Uint8Array): boolean {
    const same = (each: { address: Uint8Array }) => equalAddress(each.address, 0, address, 0);
    const announcing = this.#announcing.findIndex(same);
    if (announcing >= 0) this.#announcing.splice(announcing, 1);
    const at = this.#running.findIndex(same);
    if (at < 0) return false;
    this.#running.splice(at, 1);
    return true;
  }

  /**
   * Another host showed that it has or claims the address at `a[o]` (the caller knows a solicitation of our own by its
   * hardware address or nonce). True when a claim of ours ends by it.
   */
  contested(now: number, a: Uint8Array, o: number, link: number, hardware: Uint8Array | null): boolean {
    const claim = this.find(a, o, link);
    if (claim === undefined) return false;
    this.#running.splice(this.#running.indexOf(claim as Running), 1);
    if (isIpv4(claim.address)) this.#conflicts++;
    this.#io.ended(now, claim, true, hardware);
    claim.owner.duplicate(now);
    return true;
  }

  /**
   * Another host uses `address`, which is ours and in use. IPv4: announced again, but once in ten seconds, so that two hosts
   * that are both sure do not flood the link (RFC 5227 section 2.4); IPv6 has no such rule, and is told only.
   */
  conflict(now: number, address: Uint8Array, link: number, hardware: Uint8Array): void {
    const known = this.#defended.find(
      (each) => each.link === link && equalAddress(each.address, 0, address, 0),
    );
    const defend = known === undefined || now - known.at >= DEFEND_INTERVAL;
    if (known !== undefined) {
      if (defend) known.at = now;
    } else {
      if (this.#defended.length >= MAX_DEFENCES) this.#defended.shift();
      this.#defended.push({ address: Uint8Array.from(address), link, at: now });
    }
    const announced = defend && isIpv4(address);
    if (announced) this.#io.announce(now, address, link);
    this.#io.conflict(now, address, link, hardware, announced);
  }

  /** Announces an IPv4 address that has just been taken into use (section 2.3): now, and once more. */
  announce(now: number, address: Uint8Array, link: number): void {
    this.#announcing.push({ address: Uint8Array.from(address), link, due: now, left: ANNOUNCE_NUM });
  }

  nextTimeout(): number {
    let next = NEVER;
    for (const { due } of this.#running) next = Math.min(next, due);
    for (const { due } of this.#announcing) next = Math.min(next, due);
    return next;
  }

  /** Runs what is due at `now`. `transmits`: DupAddrDetectTransmits. */
  onTimer(now: number, transmits: number): void {
    for (const each of [...this.#running]) if (each.due <= now) this.#step(now, each, transmits);
    for (const each of [...this.#announcing]) {
      if (each.due > now) continue;
      this.#io.announce(now, each.address, each.link);
      each.due = now + ANNOUNCE_INTERVAL;
      if (--each.left === 0) this.#announcing.splice(this.#announcing.indexOf(each), 1);
    }
  }

  #step(now: number, each: Running, transmits: number): void {
    const v4 = isIpv4(each.address);
    const wanted = v4 ? PROBE_NUM : transmits;
    if (each.sent < wanted) {
      each.sent++;
      const between = v4 ? this.#uniform(PROBE_MIN, PROBE_MAX) : RETRANS_TIMER;
      each.due = now + (v4 && each.sent === wanted ? ANNOUNCE_WAIT : between);
      this.#io.probe(now, each);
      return;
    }
    this.#running.splice(this.#running.indexOf(each), 1);
    this.#io.ended(now, each, false, null);
    each.owner.assigned(now);
    if (v4) this.announce(now, each.address, each.link);
  }

  #uniform(least: number, most: number): number {
    return least + (this.#random32() / 2 ** 32) * (most - least);
  }
}
