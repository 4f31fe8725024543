// MPLS label stack entries (RFC 3032 section 2.1), four bytes each, the last one marked. `import * as mpls`.

import { getU32, setU32 } from './bytes.js';

export const ETHERTYPE_MPLS = 0x8847;
export const MPLS_ENTRY = 4;

export function label(b: Uint8Array, o: number): number {
  return getU32(b, o) >>> 12;
}

export function trafficClass(b: Uint8Array, o: number): number {
  return (b[o + 2] >>> 1) & 7;
}

export function bottomOfStack(b: Uint8Array, o: number): boolean {
  return (b[o + 2] & 1) === 1;
}

export function ttl(b: Uint8Array, o: number): number {
  return b[o + 3];
}

/** Bytes that the stack of `len` available bytes at `o` takes, or -1 when none is marked as the last. */
export function stackLength(b: Uint8Array, o: number, len: number): number {
  for (let at = 0; at + MPLS_ENTRY <= len; at += MPLS_ENTRY)
    if (bottomOfStack(b, o + at)) return at + MPLS_ENTRY;
  return -1;
}

/** Writes one entry; returns `o + 4`. */
export function writeEntry(
  b: Uint8Array,
  o: number,
  labelValue: number,
  tclass: number,
  bottom: boolean,
  timeToLive: number,
): number {
  setU32(b, o, (labelValue << 12) | ((tclass & 7) << 9) | (bottom ? 0x100 : 0) | (timeToLive & 0xff));
  return o + MPLS_ENTRY;
}
