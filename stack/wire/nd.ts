// Neighbour discovery messages (RFC 4861): solicitation, advertisement, router messages, their options.
// `import * as nd`. Offsets are from the ICMPv6 header at `o`; `len` is the message's length and its checksum
// has been verified by `checkIcmpv6`. Knows no cache.

import { copyAddress } from './address.js';
import { copyBytes, getU16, getU32, setU32 } from './bytes.js';
import {
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  ICMPV6_ROUTER_ADVERTISEMENT,
  ICMPV6_ROUTER_SOLICITATION,
  writeIcmpv6,
} from './icmpv6.js';

/** Target address of a solicitation or advertisement. */
export const ND_OFF_TARGET = 8;
export const ND_NEIGHBOR_LENGTH = 24;
export const ND_ROUTER_SOLICITATION_LENGTH = 8;
export const ND_ROUTER_ADVERTISEMENT_LENGTH = 16;

/** Flags of a neighbour advertisement, in the word behind the checksum. */
export const ND_ROUTER = 0x80000000;
export const ND_SOLICITED = 0x40000000;
export const ND_OVERRIDE = 0x20000000;

export const ND_OPT_SOURCE_LINK_ADDRESS = 1;
export const ND_OPT_TARGET_LINK_ADDRESS = 2;
export const ND_OPT_PREFIX = 3;
export const ND_OPT_MTU = 5;
/** RFC 3971 section 5.3.2; in duplicate address detection: RFC 7527. */
export const ND_OPT_NONCE = 14;

export const ND_ERR_SHORT = 1;
/** An option of length 0 or beyond the end (RFC 4861 sections 6.1, 7.1: the packet is dropped). */
export const ND_ERR_OPTION = 2;
/** Hop limit not 255 or code not 0. */
export const ND_ERR_HEADER = 3;
/** Target is multicast. */
export const ND_ERR_TARGET = 4;
/** A message that is none of the four. */
export const ND_ERR_TYPE = 5;

/** Prefixes kept of one router advertisement. */
export const ND_MAX_PREFIXES = 8;

/** Options of one message; offsets are absolute, -1 absent. Reused. */
export class NdOptions {
  /** Offset of the six-byte hardware address. */
  sourceLinkAddress = -1;
  targetLinkAddress = -1;
  /** Offset of the six-byte nonce. */
  nonce = -1;
  /** 0 absent. */
  mtu = 0;
  prefixCount = 0;
  /** Offsets of the prefix options themselves. */
  readonly prefixes: Int32Array = new Int32Array(ND_MAX_PREFIXES);

  reset(): void {
    this.sourceLinkAddress = -1;
    this.targetLinkAddress = -1;
    this.nonce = -1;
    this.mtu = 0;
    this.prefixCount = 0;
  }
}

/**
 * Validates a message (RFC 4861 sections 6.1.1, 6.1.2, 7.1.1, 7.1.2) and reads its options into `out`. `hops` is the
 * packet's hop limit. Returns 0 or an ND_ERR_… code. Rules about the IP addresses are the receiver's.
 */
export function checkNd(b: Uint8Array, o: number, len: number, hops: number, out: NdOptions): number {
  out.reset();
  const t = b[o];
  let at: number;
  if (t === ICMPV6_NEIGHBOR_SOLICITATION || t === ICMPV6_NEIGHBOR_ADVERTISEMENT) at = ND_NEIGHBOR_LENGTH;
  else if (t === ICMPV6_ROUTER_SOLICITATION) at = ND_ROUTER_SOLICITATION_LENGTH;
  else if (t === ICMPV6_ROUTER_ADVERTISEMENT) at = ND_ROUTER_ADVERTISEMENT_LENGTH;
  else return ND_ERR_TYPE;
  if (len < at) return ND_ERR_SHORT;
  if (hops !== 255 || b[o + 1] !== 0) return ND_ERR_HEADER;
  if (at === ND_NEIGHBOR_LENGTH && b[o + ND_OFF_TARGET] === 0xff) return ND_ERR_TARGET;
  return readOptions(b, o + at, o + len, out);
}

function readOptions(b: Uint8Array, start: number, end: number, out: NdOptions): number {
  let at = start;
  while (at < end) {
    const size = at + 1 < end ? b[at + 1] << 3 : 0;
    if (size === 0 || at + size > end) return ND_ERR_OPTION;
    switch (b[at]) {
      case ND_OPT_SOURCE_LINK_ADDRESS:
        if (size === 8) out.sourceLinkAddress = at + 2;
        break;
      case ND_OPT_TARGET_LINK_ADDRESS:
        if (size === 8) out.targetLinkAddress = at + 2;
        break;
      case ND_OPT_MTU:
        if (size === 8) out.mtu = getU32(b, at + 4);
        break;
      case ND_OPT_NONCE:
        if (size === 8) out.nonce = at + 2;
        break;
      case ND_OPT_PREFIX:
        if (size === 32 && out.prefixCount < ND_MAX_PREFIXES) out.prefixes[out.prefixCount++] = at;
        break;
    }
    at += size;
  }
  return 0;
}

/** The word with ND_ROUTER, ND_SOLICITED and ND_OVERRIDE of an advertisement, unsigned. */
export function advertisementFlags(b: Uint8Array, o: number): number {
  return getU32(b, o + 4);
}

/** Of a router advertisement: hop limit to use (0 unspecified), and the router's lifetime in seconds. */
export function routerHopLimit(b: Uint8Array, o: number): number {
  return b[o + 4];
}

export function routerLifetime(b: Uint8Array, o: number): number {
  return getU16(b, o + 6);
}

/** RFC 4191 section 2.2: 1 high, 0 medium (and the reserved value), -1 low. */
export function routerPreference(b: Uint8Array, o: number): number {
  return [0, 1, 0, -1][(b[o + 5] >>> 3) & 3];
}

/** Milliseconds, 0 unspecified: how long a neighbour counts as reachable; between solicitations. */
export function routerReachableTime(b: Uint8Array, o: number): number {
  return getU32(b, o + 8);
}

export function routerRetransTimer(b: Uint8Array, o: number): number {
  return getU32(b, o + 12);
}

/** Of the prefix option at `p`: length in bits; on-link and autonomous flags; lifetimes in seconds. */
export function prefixLength(b: Uint8Array, p: number): number {
  return b[p + 2];
}

export function prefixOnLink(b: Uint8Array, p: number): boolean {
  return (b[p + 3] & 0x80) !== 0;
}

export function prefixAutonomous(b: Uint8Array, p: number): boolean {
  return (b[p + 3] & 0x40) !== 0;
}

export function prefixValidLifetime(b: Uint8Array, p: number): number {
  return getU32(b, p + 4);
}

export function prefixPreferredLifetime(b: Uint8Array, p: number): number {
  return getU32(b, p + 8);
}

/** Offset of the prefix option's address. */
export const ND_PREFIX_OFF_ADDRESS = 16;

/**
 * Writes a neighbour solicitation (`advertisement` false) or advertisement for `target` with the option that
 * carries `hardware` (none when null, as duplicate address detection needs). The checksum is left 0. Returns
 * the end offset.
 */
export function writeNeighbor(
  b: Uint8Array,
  o: number,
  advertisement: boolean,
  flags: number,
  target: Uint8Array,
  targetOffset: number,
  hardware: Uint8Array | null,
): number {
  const t = advertisement ? ICMPV6_NEIGHBOR_ADVERTISEMENT : ICMPV6_NEIGHBOR_SOLICITATION;
  writeIcmpv6(b, o, t, 0, flags);
  copyAddress(b, o + ND_OFF_TARGET, target, targetOffset);
  if (hardware === null) return o + ND_NEIGHBOR_LENGTH;
  const kind = advertisement ? ND_OPT_TARGET_LINK_ADDRESS : ND_OPT_SOURCE_LINK_ADDRESS;
  return writeLinkAddress(b, o + ND_NEIGHBOR_LENGTH, kind, hardware);
}

/** Adds a nonce option at the end of a message; returns `o + 8`. */
export function writeNonce(b: Uint8Array, o: number, nonce: Uint8Array): number {
  return writeLinkAddress(b, o, ND_OPT_NONCE, nonce);
}

/** Writes a router solicitation; returns the end offset. */
export function writeRouterSolicitation(b: Uint8Array, o: number, hardware: Uint8Array | null): number {
  writeIcmpv6(b, o, ICMPV6_ROUTER_SOLICITATION, 0, 0);
  if (hardware === null) return o + ND_ROUTER_SOLICITATION_LENGTH;
  return writeLinkAddress(b, o + ND_ROUTER_SOLICITATION_LENGTH, ND_OPT_SOURCE_LINK_ADDRESS, hardware);
}

/** Writes a router advertisement without options; lifetime in seconds, times 0 (unspecified). Returns the end offset. */
export function writeRouterAdvertisement(b: Uint8Array, o: number, hops: number, life: number): number {
  writeIcmpv6(b, o, ICMPV6_ROUTER_ADVERTISEMENT, 0, ((hops << 24) | life) >>> 0);
  setU32(b, o + 8, 0);
  setU32(b, o + 12, 0);
  return o + ND_ROUTER_ADVERTISEMENT_LENGTH;
}

/** Writes a prefix option; `flags`: 0x80 on link, 0x40 autonomous; lifetimes in seconds. Returns `o + 32`. */
export function writePrefixOption(
  b: Uint8Array,
  o: number,
  prefix: Uint8Array,
  bits: number,
  flags: number,
  valid: number,
  preferred: number,
): number {
  b.fill(0, o, o + 32);
  b[o] = ND_OPT_PREFIX;
  b[o + 1] = 4;
  b[o + 2] = bits;
  b[o + 3] = flags;
  setU32(b, o + 4, valid);
  setU32(b, o + 8, preferred);
  copyAddress(b, o + ND_PREFIX_OFF_ADDRESS, prefix, 0);
  return o + 32;
}

/** Writes an MTU option; returns `o + 8`. */
export function writeMtuOption(b: Uint8Array, o: number, mtu: number): number {
  b[o] = ND_OPT_MTU;
  b[o + 1] = 1;
  b[o + 2] = 0;
  b[o + 3] = 0;
  setU32(b, o + 4, mtu);
  return o + 8;
}

function writeLinkAddress(b: Uint8Array, o: number, kind: number, hardware: Uint8Array): number {
  b[o] = kind;
  b[o + 1] = 1;
  copyBytes(b, o + 2, hardware, 0, 6);
  return o + 8;
}
