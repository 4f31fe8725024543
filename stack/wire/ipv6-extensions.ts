// The chain of IPv6 extension headers (RFC 8200 section 4): one walk that finds the upper layer, or says why the
// packet must be dropped and where an ICMPv6 Parameter Problem would point. Knows no upper layer.

import { getU16, getU32, setU16, setU32 } from './bytes.js';
import { IPV6_HEADER, IPV6_OFF_NEXT_HEADER, totalLength } from './ipv6.js';

export const IPPROTO_HOPOPTS = 0;
export const IPPROTO_ROUTING = 43;
export const IPPROTO_FRAGMENT = 44;
export const IPPROTO_NONE = 59;
export const IPPROTO_DSTOPTS = 60;
export const IPV6_FRAGMENT_HEADER = 8;

/** Extension headers accepted in one packet; RFC 8200 sets none, RFC 9098 says why hosts should. */
export const IPV6_MAX_EXTENSIONS = 8;
/** Options accepted in one header, padding included (Linux: max_dst_opts_number, max_hbh_opts_number are 8). */
export const IPV6_MAX_OPTIONS = 8;

/** Drop without a word. */
export const WALK_DROP = 1;
/** Drop and send Parameter Problem with `out.problemCode` and `out.problemPointer`. */
export const WALK_PROBLEM = 2;
/** As WALK_PROBLEM, but only when the destination is not multicast (option action 11). */
export const WALK_PROBLEM_UNICAST = 3;

/** What the walk found; offsets are absolute in the array. Reused for every packet. */
export class Ipv6Chain {
  /** The upper layer's protocol number; of the fragmented part when `fragment` is >= 0 and it is a piece. */
  protocol = 0;
  /** Where the upper layer, or a fragment's data, begins. */
  offset = 0;
  /** Offset of the byte that named `protocol`: what reassembly writes the real protocol to. */
  nextHeaderAt = 0;
  /** Offset of the fragment header, -1 without one. */
  fragment = -1;
  /** Of the fragment header: data offset in bytes, M flag, identification. */
  fragmentOffset = 0;
  moreFragments = false;
  fragmentId = 0;
  /** ICMPv6 Parameter Problem code (0 … 2) and pointer (bytes from the IPv6 header). */
  problemCode = 0;
  problemPointer = 0;

  /** Whether this is a piece of a packet; an atomic fragment (RFC 6946) is not. */
  get isFragment(): boolean {
    return this.fragment >= 0 && (this.fragmentOffset > 0 || this.moreFragments);
  }
}

/**
 * Walks the headers of the packet at `o`, which `checkIpv6` has accepted. Returns 0 or a WALK_… code. Stops at
 * the first header that is not an extension it knows (ESP and AH count as upper layers), and behind the
 * fragment header of a piece. Every read stays within the packet's own length.
 */
export function walkIpv6(b: Uint8Array, o: number, out: Ipv6Chain): number {
  const end = o + totalLength(b, o);
  let nextAt = o + IPV6_OFF_NEXT_HEADER;
  let at = o + IPV6_HEADER;
  out.fragment = -1;
  out.fragmentOffset = 0;
  out.moreFragments = false;
  out.fragmentId = 0;
  for (let count = 0; ; count++) {
    const next = b[nextAt];
    out.protocol = next;
    out.offset = at;
    out.nextHeaderAt = nextAt;
    const known =
      next === IPPROTO_HOPOPTS ||
      next === IPPROTO_ROUTING ||
      next === IPPROTO_FRAGMENT ||
      next === IPPROTO_DSTOPTS;
    if (!known) return 0;
    // RFC 8200 section 4.1: hop-by-hop options only directly behind the IPv6 header.
    if (next === IPPROTO_HOPOPTS && nextAt !== o + IPV6_OFF_NEXT_HEADER) return problem(out, 1, nextAt - o);
    if (count >= IPV6_MAX_EXTENSIONS || at + 8 > end) return WALK_DROP;
    if (next === IPPROTO_FRAGMENT) {
      const word = getU16(b, at + 2);
      out.fragment = at;
      out.fragmentOffset = word & 0xfff8;
      out.moreFragments = (word & 1) !== 0;
      out.fragmentId = getU32(b, at + 4);
      if (out.isFragment) {
        out.protocol = b[at];
        out.offset = at + IPV6_FRAGMENT_HEADER;
        out.nextHeaderAt = nextAt;
        return 0;
      }
      nextAt = at;
      at += IPV6_FRAGMENT_HEADER;
      continue;
    }
    const size = (b[at + 1] + 1) << 3;
    if (at + size > end) return WALK_DROP;
    if (next === IPPROTO_ROUTING) {
      // RFC 8200 section 4.4, RFC 5095: with segments left, an unknown type (type 0 among them) is refused.
      if (b[at + 3] !== 0) return problem(out, 0, at + 2 - o);
    } else {
      const bad = walkOptions(b, o, at + 2, at + size, out);
      if (bad !== 0) return bad;
    }
    nextAt = at;
    at += size;
  }
}

/**
 * Steps over extension headers without judging them, for packets cut anywhere (quoted in an ICMP error) or already
 * found bad: sets `out.protocol`, `out.offset` and the fragment fields. False when `b[o, end)` ends before the upper layer.
 */
export function skipIpv6(b: Uint8Array, o: number, end: number, out: Ipv6Chain): boolean {
  return skipFrom(b, b[o + IPV6_OFF_NEXT_HEADER], o + IPV6_HEADER, end, out);
}

/** As `skipIpv6`, beginning with header `first` at `b[start]`. */
export function skipFrom(b: Uint8Array, first: number, start: number, end: number, out: Ipv6Chain): boolean {
  let next = first;
  let at = start;
  out.fragment = -1;
  out.fragmentOffset = 0;
  out.moreFragments = false;
  for (let count = 0; count < IPV6_MAX_EXTENSIONS; count++) {
    const sized = next === IPPROTO_HOPOPTS || next === IPPROTO_ROUTING || next === IPPROTO_DSTOPTS;
    if (!sized && next !== IPPROTO_FRAGMENT) break;
    if (at + 8 > end) return false;
    if (!sized) {
      out.fragment = at;
      out.fragmentOffset = getU16(b, at + 2) & 0xfff8;
      out.moreFragments = (b[at + 3] & 1) !== 0;
    }
    const size = sized ? (b[at + 1] + 1) << 3 : IPV6_FRAGMENT_HEADER;
    next = b[at];
    at += size;
    // Behind a later piece's header there is no header of the upper layer.
    if (out.fragmentOffset > 0) break;
  }
  out.protocol = next;
  out.offset = at;
  return at <= end;
}

// RFC 8200 section 4.2: the option type's two high bits say what an unknown option means.
function walkOptions(b: Uint8Array, o: number, start: number, end: number, out: Ipv6Chain): number {
  let at = start;
  let options = 0;
  while (at < end) {
    const type = b[at];
    if (type === 0) {
      at++;
      continue;
    }
    if (at + 1 >= end || at + 2 + b[at + 1] > end) return WALK_DROP;
    if (++options > IPV6_MAX_OPTIONS) return WALK_DROP;
    // 1: PadN, 5: router alert (RFC 2711), for routers.
    if (type !== 1 && type !== 5 && type >>> 6 !== 0) {
      if (type >>> 6 === 1) return WALK_DROP;
      problem(out, 2, at - o);
      return type >>> 6 === 2 ? WALK_PROBLEM : WALK_PROBLEM_UNICAST;
    }
    at += 2 + b[at + 1];
  }
  return 0;
}

function problem(out: Ipv6Chain, code: number, pointer: number): number {
  out.problemCode = code;
  out.problemPointer = pointer;
  return WALK_PROBLEM;
}

/** Writes a fragment header (RFC 8200 section 4.5); `offset` in bytes, a multiple of 8. Returns `o + 8`. */
export function writeFragmentHeader(
  b: Uint8Array,
  o: number,
  next: number,
  offset: number,
  more: boolean,
  ident: number,
): number {
  b[o] = next;
  b[o + 1] = 0;
  setU16(b, o + 2, (offset & 0xfff8) | (more ? 1 : 0));
  setU32(b, o + 4, ident);
  return o + IPV6_FRAGMENT_HEADER;
}
