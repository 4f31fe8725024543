// What an anonymous capture keeps of headers with parts of their own: of TCP options and of IPv6 extension headers what is
// known to say nothing about anybody. Lengths and kinds stay, so that everybody can step over them.

import { IPPROTO_DSTOPTS, IPPROTO_HOPOPTS, IPPROTO_ROUTING } from '../stack/wire/ipv6-extensions.js';
import type { Pseudonyms } from './pseudonyms.js';

/** No operation, MSS, window scale, SACK permitted, SACK, timestamps, user timeout, fast open, accurate ECN. */
const KEPT_OPTIONS = new Set([1, 2, 3, 4, 5, 8, 28, 34, 172, 174]);
const OPTION_MPTCP = 30;
const OPTION_EXPERIMENT = 254;
/** Which experiment an option belongs to (RFC 6994): fast open's number, F9 89. */
const FAST_OPEN = [0xf9, 0x89] as const;

/** TCP options in `b[start, end)`: zeros for the contents of all others, and behind the end of the list. */
export function keepKnownOptions(b: Uint8Array, start: number, end: number): void {
  let at = start;
  while (at < end) {
    const kind = b[at]!;
    if (kind === 0) break;
    const size = kind === 1 ? 1 : (b[at + 1] ?? 0);
    if (kind !== 1 && (size < 2 || at + size > end)) {
      b.fill(0, Math.min(at + 2, end), end);
      return;
    }
    if (!KEPT_OPTIONS.has(kind)) b.fill(0, Math.min(at + 2 + toldBy(b, at), at + size), at + size);
    at += size;
  }
  b.fill(0, at, end);
}

/** Bytes behind kind and length that say what an option is. */
function toldBy(b: Uint8Array, at: number): number {
  // The subtype; with it, flags.
  if (b[at] === OPTION_MPTCP) return 1;
  const experiment = b[at] === OPTION_EXPERIMENT && FAST_OPEN.every((byte, i) => b[at + 2 + i] === byte);
  // Its cookie stays, as that of the option proper does.
  return experiment ? 40 : 0;
}

const HEADER = 40;
const ADDRESS = 16;
const ROUTE_SOURCE = 0;
const ROUTE_HOME = 2;
const ROUTE_SEGMENTS = 4;
const PADDING = 1;
const OPTION_ROUTER_ALERT = 5;
const OPTION_JUMBO = 194;

/**
 * Extension headers between the IPv6 header at `b[start]` and `end`: stand-ins in routes, padding for options. Returns where the
 * address of the final destination stands, which checksums count (RFC 8200 section 8.1).
 */
export function hideExtensions(b: Uint8Array, start: number, end: number, names: Pseudonyms): number {
  let destination = start + HEADER - ADDRESS;
  let next = b[start + 6]!;
  for (let at = start + HEADER; at + 8 <= end; ) {
    const options = next === IPPROTO_HOPOPTS || next === IPPROTO_DSTOPTS;
    const size = options || next === IPPROTO_ROUTING ? (b[at + 1]! + 1) * 8 : 8;
    const until = Math.min(at + size, end);
    if (options) hideOptions(b, at + 2, until);
    else if (next === IPPROTO_ROUTING) destination = hideRoute(b, at, until, names) ?? destination;
    next = b[at]!;
    at += size;
  }
  return destination;
}

function hideOptions(b: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; ) {
    const type = b[at]!;
    const size = type === 0 ? 1 : 2 + (b[at + 1] ?? 0);
    const until = Math.min(at + size, end);
    if (type !== 0 && type !== OPTION_ROUTER_ALERT && type !== OPTION_JUMBO) {
      b[at] = PADDING;
      b.fill(0, Math.min(at + 2, until), until);
    }
    at = until;
  }
}

/** Where the route ends, null: the packet is there, or nobody can tell. */
function hideRoute(b: Uint8Array, at: number, end: number, names: Pseudonyms): number | null {
  const type = b[at + 2]!;
  const left = b[at + 3]!;
  const room = Math.floor((end - at - 8) / ADDRESS);
  const known = type === ROUTE_SOURCE || type === ROUTE_HOME || type === ROUTE_SEGMENTS;
  const count = !known ? 0 : type === ROUTE_SEGMENTS ? Math.min(room, b[at + 4]! + 1) : room;
  for (let i = 0; i < count; i++) names.ipv6(b, at + 8 + i * ADDRESS);
  if (!known) b.fill(0, at + 4, end);
  else b.fill(0, at + 8 + count * ADDRESS, end);
  if (left === 0 || count === 0) return null;
  // Segment lists begin with the last (RFC 8754 section 2).
  return at + 8 + (type === ROUTE_SEGMENTS ? 0 : count - 1) * ADDRESS;
}
