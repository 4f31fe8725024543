// Multicast listener discovery, version 2 (RFC 3810), the listener's part for the groups of the stack's own addresses: so that
// switches and bridges that look at it (snooping, RFC 4541) pass neighbour solicitations on to us. Any-source groups only,
// no version 1. Writes packets into the caller's bytes; knows no links and no buffers.
import { isIpv4, isLinkLocal, solicitedNode } from '../wire/address.js';
import * as icmpv6 from '../wire/icmpv6.js';
import * as ipv6 from '../wire/ipv6.js';
import type { AddressTable } from './addresses.js';

export const MLD_QUERY = 130;
export const MLD2_REPORT = 143;
const CHANGE_TO_EXCLUDE = 4;
const MODE_IS_EXCLUDE = 2;
/** Section 9: the Robustness Variable, and the Unsolicited Report Interval in µs. */
const ROBUSTNESS = 2;
const UNSOLICITED_INTERVAL = 1e6;
/** Hop-by-hop header with a Router Alert (RFC 2711; 0: MLD) and padding. */
const HOP_BY_HOP = [icmpv6.ICMPV6_PROTOCOL, 0, 5, 2, 0, 0, 1, 0];
const RECORD = 20;
/** Groups of one report: as many as fit the smallest MTU. */
export const MAX_RECORDS = 56;
/** Bytes of the largest report. */
export const MAX_REPORT = ipv6.IPV6_HEADER + HOP_BY_HOP.length + 8 + MAX_RECORDS * RECORD;
/** ff02::16, all MLDv2-capable routers (section 5.2.14). */
export const MLD2_ROUTERS: Uint8Array = Uint8Array.from([
  0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16,
]);
const ANY = new Uint8Array(16);

/** When to report, and what: one schedule for all links of a stack. */
export class MulticastListener {
  readonly #addresses: AddressTable;
  readonly #random32: () => number;
  #generation = 0;
  #left = 0;
  #unsolicited = Number.POSITIVE_INFINITY;
  #answer = Number.POSITIVE_INFINITY;

  constructor(addresses: AddressTable, random32: () => number) {
    this.#addresses = addresses;
    this.#random32 = random32;
  }

  /** When `take` has something next; the past: now. */
  nextTimeout(): number {
    if (this.#addresses.generation !== this.#generation) {
      this.#generation = this.#addresses.generation;
      // Section 6.1: a change is reported at once and again, Robustness Variable times in all.
      if (this.#addresses.all.some((each) => !isIpv4(each.address))) {
        this.#left = ROBUSTNESS;
        this.#unsolicited = Number.NEGATIVE_INFINITY;
      }
    }
    return Math.min(this.#unsolicited, this.#answer);
  }

  /** A general or specific query came, with a Maximum Response Code of `code` (section 5.1.3): answered with all we have. */
  query(now: number, code: number): void {
    const delay = code < 0x8000 ? code : ((code & 0x0fff) | 0x1000) << (((code >>> 12) & 7) + 3);
    const at = now + (this.#random32() / 2 ** 32) * delay * 1e3;
    if (at < this.#answer) this.#answer = at;
  }

  /** The kind of record that is due at `now`, 0 for none. Moves the schedule on. */
  take(now: number): number {
    if (this.#unsolicited <= now) {
      this.#left--;
      this.#unsolicited =
        this.#left > 0 ? now + (this.#random32() / 2 ** 32) * UNSOLICITED_INTERVAL : Number.POSITIVE_INFINITY;
      return CHANGE_TO_EXCLUDE;
    }
    if (this.#answer > now) return 0;
    this.#answer = Number.POSITIVE_INFINITY;
    return MODE_IS_EXCLUDE;
  }

  /** Writes the report for `link` to `out[at]` as a whole IPv6 packet; its length, 0 when there is nothing to report. */
  write(out: Uint8Array, at: number, link: number, kind: number): number {
    const icmp = at + ipv6.IPV6_HEADER + HOP_BY_HOP.length;
    let count = 0;
    let source: Uint8Array = ANY;
    for (const each of this.#addresses.all) {
      if (each.link !== link || isIpv4(each.address)) continue;
      // Section 5.2.13: from a link-local address, or from none while there is none.
      if (isLinkLocal(each.address)) source = each.address;
      if (count === MAX_RECORDS) continue;
      const o = icmp + 8 + count * RECORD;
      out.fill(0, o, o + 4);
      out[o] = kind;
      solicitedNode(out, o + 4, each.address, 0);
      if (!this.#repeated(out, icmp + 8, count)) count++;
    }
    if (count === 0) return 0;
    const length = 8 + count * RECORD;
    icmpv6.writeIcmpv6(out, icmp, MLD2_REPORT, 0, count);
    out.set(HOP_BY_HOP, at + ipv6.IPV6_HEADER);
    ipv6.writeIpv6(out, at, 0, 0, HOP_BY_HOP.length + length, 0, 1, source, 0, MLD2_ROUTERS, 0);
    icmpv6.finishIcmpv6(out, icmp, length, source, 0, MLD2_ROUTERS, 0);
    return ipv6.IPV6_HEADER + HOP_BY_HOP.length + length;
  }

  /** Whether record `n` names a group that one before it names: addresses with the same last three bytes share theirs. */
  #repeated(out: Uint8Array, first: number, n: number): boolean {
    const o = first + n * RECORD + 4;
    for (let i = 0; i < n; i++) {
      const other = first + i * RECORD + 4;
      if (out.subarray(o, o + 16).every((byte, k) => byte === out[other + k])) return true;
    }
    return false;
  }
}
