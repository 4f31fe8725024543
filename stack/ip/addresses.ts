// The stack's own addresses: which packets are for us, and which address a packet of ours comes from (RFC 6724 for
// IPv6, the link's own subnet first for IPv4). Tentative addresses are not here yet. Knows numbers of links, no links.

import {
  commonPrefix,
  equalAddress,
  formatAddress,
  inPrefix,
  isIpv4,
  isLimitedBroadcast,
  isLinkLocal,
  isLoopback,
  isMulticast,
  solicitedNode,
} from '../wire/address.js';
import { GroupTable } from './groups.js';

export interface LocalAddress {
  readonly address: Uint8Array;
  /** Prefix length of 128: an IPv4 /24 has 120. */
  readonly bits: number;
  readonly link: number;
  /** RFC 4862 section 5.5.4: its preferred lifetime is over; it serves what has it, and is the last choice for others. */
  deprecated: boolean;
}

/** What a destination address means on a link. */
export const DST_NOT_OURS = 0;
export const DST_UNICAST = 1;
export const DST_BROADCAST = 2;
export const DST_MULTICAST = 3;

/** Changes that cannot be. */
export class LocalAddressError extends Error {
  readonly code: 'EEXIST' | 'EADDRNOTAVAIL' | 'EINVAL';
  constructor(code: LocalAddressError['code'], message: string) {
    super(`${code}: ${message}`);
    this.name = 'LocalAddressError';
    this.code = code;
  }
}

export class AddressTable {
  /** Changes with every change of the table. */
  generation = 1;
  /** Told of each address that comes (`present`) or goes. */
  onChange: ((address: Uint8Array, link: number, present: boolean) => void) | null = null;
  /** Groups joined beside those that every node is in. */
  readonly groups = new GroupTable();
  readonly #list: LocalAddress[] = [];

  get all(): readonly LocalAddress[] {
    return this.#list;
  }

  /** Whether the address may be added: EINVAL for a group or a prefix longer than the address, EEXIST when it is there. */
  check(address: Uint8Array, bits: number, link: number): void {
    const v4 = isIpv4(address);
    if (isMulticast(address) || isLimitedBroadcast(address) || bits < (v4 ? 96 : 0) || bits > 128) {
      throw new LocalAddressError('EINVAL', `${formatAddress(address)} with ${v4 ? bits - 96 : bits} bits`);
    }
    if (this.#list.some((x) => x.link === link && equalAddress(x.address, 0, address, 0))) {
      throw new LocalAddressError('EEXIST', `${formatAddress(address)} is there already`);
    }
  }

  /** Throws as `check`. */
  add(address: Uint8Array, bits: number, link: number): LocalAddress {
    this.check(address, bits, link);
    const entry: LocalAddress = { address: Uint8Array.from(address), bits, link, deprecated: false };
    this.#list.push(entry);
    this.generation++;
    this.onChange?.(entry.address, link, true);
    return entry;
  }

  /** Marks an address as past its preferred lifetime, or as preferred again. */
  deprecate(entry: LocalAddress, deprecated: boolean): void {
    if (entry.deprecated === deprecated) return;
    entry.deprecated = deprecated;
    this.generation++;
  }

  /** The entry of an address on a link. */
  find(address: Uint8Array, o: number, link: number): LocalAddress | undefined {
    return this.#list.find((x) => x.link === link && equalAddress(x.address, 0, address, o));
  }

  /** Removes an address from every link it is on and returns what went. EADDRNOTAVAIL when it is on none. */
  remove(address: Uint8Array): LocalAddress[] {
    const gone: LocalAddress[] = [];
    for (let i = this.#list.length - 1; i >= 0; i--) {
      if (equalAddress(this.#list[i].address, 0, address, 0)) gone.push(...this.#list.splice(i, 1));
    }
    if (gone.length === 0)
      throw new LocalAddressError('EADDRNOTAVAIL', `${formatAddress(address)} is not ours`);
    this.generation++;
    for (const { link } of gone) this.onChange?.(address, link, false);
    return gone;
  }

  /** Whether the address is ours on any link (a host of the weak end-system model, RFC 1122 section 3.3.4.2). */
  isLocal(a: Uint8Array, o: number): boolean {
    if (isLoopback(a, o)) return true;
    for (let i = 0; i < this.#list.length; i++) if (equalAddress(a, o, this.#list[i].address, 0)) return true;
    return false;
  }

  /** What the destination at `a[o]` of a packet received by `link` means: DST_…. */
  classify(a: Uint8Array, o: number, link: number): number {
    for (let i = 0; i < this.#list.length; i++) {
      const e = this.#list[i];
      if (!equalAddress(a, o, e.address, 0)) continue;
      // A link-local address is ours on its own link only (RFC 4007).
      if (e.link === link || !isLinkLocal(a, o)) return DST_UNICAST;
    }
    if (isLoopback(a, o)) return DST_UNICAST;
    if (isMulticast(a, o)) return this.#joined(a, o, link) ? DST_MULTICAST : DST_NOT_OURS;
    if (isLimitedBroadcast(a, o)) return DST_BROADCAST;
    return this.isDirectedBroadcast(a, o, link) ? DST_BROADCAST : DST_NOT_OURS;
  }

  /** Whether the address is the broadcast address of a subnet of `link`; the lowest one is not, as in Linux since 5.14. */
  isDirectedBroadcast(a: Uint8Array, o: number, link: number): boolean {
    if (!isIpv4(a, o)) return false;
    for (let i = 0; i < this.#list.length; i++) {
      const e = this.#list[i];
      // RFC 3021: a /31 has no broadcast address, a /32 neither.
      if (e.link !== link || e.bits > 126 || !inPrefix(a, o, e.address, 0, e.bits)) continue;
      if (hostBitsSet(a, o, e.bits)) return true;
    }
    return false;
  }

  /**
   * The source address for packets to `a[o]` that leave by `link`; `next` is the next hop (the gateway, or the
   * destination). Null when no address will do.
   */
  selectSource(
    a: Uint8Array,
    o: number,
    link: number,
    next: Uint8Array,
    nextOffset: number,
  ): Uint8Array | null {
    return isIpv4(a, o) ? this.#source4(a, o, link, next, nextOffset) : this.#source6(a, o, link);
  }

  // RFC 1122 section 3.3.4.3: an address of the link, of the next hop's subnet if there is one; then any other.
  #source4(a: Uint8Array, o: number, link: number, next: Uint8Array, nextOffset: number): Uint8Array | null {
    let first: Uint8Array | null = null;
    let other: Uint8Array | null = null;
    for (const e of this.#list) {
      if (!isIpv4(e.address)) continue;
      if (isLoopback(a, o) && equalAddress(a, o, e.address, 0)) return e.address;
      if (e.link !== link) {
        if (!isLinkLocal(e.address) && !isLoopback(e.address)) other ??= e.address;
        continue;
      }
      if (inPrefix(next, nextOffset, e.address, 0, e.bits)) return e.address;
      first ??= e.address;
    }
    return first ?? other;
  }

  // RFC 6724 section 5: rules 1 (same address), 2 (scope), 3 (not deprecated), 5 (outgoing link), 6 (label), 8 (longest
  // prefix). Rule 4 (home addresses, Mobile IPv6), 5.5 (needs the router that announced each prefix; optional) and 7
  // (temporary addresses, RFC 8981, which this stack does not make) do not arise.
  #source6(a: Uint8Array, o: number, link: number): Uint8Array | null {
    let best: LocalAddress | null = null;
    for (const e of this.#list) {
      if (isIpv4(e.address)) continue;
      if (isLinkLocal(e.address) && e.link !== link) continue;
      if (best === null || better6(e, best, a, o, link)) best = e;
    }
    return best === null ? null : best.address;
  }

  /** The groups of one family that the host is in on `link` and that routers and switches have to be told of. */
  reportable(link: number, v4: boolean): Uint8Array[] {
    const found = this.groups.of(link, v4).filter((each) => !isNeverReported(each));
    if (v4) return found;
    for (const e of this.#list) {
      if (e.link !== link || isIpv4(e.address)) continue;
      const own = new Uint8Array(16);
      solicitedNode(own, 0, e.address, 0);
      // Addresses with the same last three bytes share theirs.
      if (!found.some((each) => equalAddress(each, 0, own, 0))) found.push(own);
    }
    return found;
  }

  // All-nodes, and the solicited-node group of each of the link's addresses (RFC 4291 section 2.8); 224.0.0.1.
  #joined(a: Uint8Array, o: number, link: number): boolean {
    if (this.groups.has(a, o, link)) return true;
    if (isIpv4(a, o)) return a[o + 12] === 224 && a[o + 13] === 0 && a[o + 14] === 0 && a[o + 15] === 1;
    if ((a[o + 1] & 0x0f) <= 2 && a[o + 15] === 1 && zeros(a, o + 2, 13)) return true;
    for (const e of this.#list) {
      if (e.link !== link || isIpv4(e.address)) continue;
      solicitedNode(group, 0, e.address, 0);
      if (equalAddress(a, o, group, 0)) return true;
    }
    return false;
  }
}

const group = new Uint8Array(16);

function better6(x: LocalAddress, y: LocalAddress, a: Uint8Array, o: number, link: number): boolean {
  const same = Number(equalAddress(x.address, 0, a, o)) - Number(equalAddress(y.address, 0, a, o));
  if (same !== 0) return same > 0;
  const sx = scope(x.address, 0);
  const sy = scope(y.address, 0);
  const d = scope(a, o);
  if (sx !== sy) return sx < sy ? sx >= d : sy < d;
  if (x.deprecated !== y.deprecated) return y.deprecated;
  if ((x.link === link) !== (y.link === link)) return x.link === link;
  const lx = label(x.address, 0) === label(a, o);
  if (lx !== (label(y.address, 0) === label(a, o))) return lx;
  return (
    Math.min(commonPrefix(x.address, 0, a, o), x.bits) > Math.min(commonPrefix(y.address, 0, a, o), y.bits)
  );
}

// RFC 6724 section 3.1: multicast by its scope field, link-local and loopback 2, the rest global.
function scope(a: Uint8Array, o: number): number {
  if (a[o] === 0xff) return a[o + 1] & 0x0f;
  return isLinkLocal(a, o) || isLoopback(a, o) ? 2 : 14;
}

// RFC 6724 section 2.1's default labels, those that matter to a host.
function label(a: Uint8Array, o: number): number {
  if (isLoopback(a, o)) return 0;
  if (a[o] === 0x20 && a[o + 1] === 0x02) return 2;
  if (a[o] === 0x20 && a[o + 1] === 0x01 && a[o + 2] === 0 && a[o + 3] === 0) return 5;
  return (a[o] & 0xfe) === 0xfc ? 13 : 1;
}

// RFC 2236 section 6, RFC 3810 section 6: all-hosts and all-nodes never, nor scopes within the node (0, 1).
function isNeverReported(group: Uint8Array): boolean {
  if (isIpv4(group)) return group[12] === 224 && group[13] === 0 && group[14] === 0 && group[15] === 1;
  const s = group[1] & 0x0f;
  return s < 2 || (s === 2 && group[15] === 1 && zeros(group, 2, 13));
}

function hostBitsSet(a: Uint8Array, o: number, bits: number): boolean {
  for (let i = bits; i < 128; i++) if (((a[o + (i >>> 3)] >>> (7 - (i & 7))) & 1) === 0) return false;
  return true;
}

function zeros(a: Uint8Array, o: number, n: number): boolean {
  for (let i = 0; i < n; i++) if (a[o + i] !== 0) return false;
  return true;
}
