// GRE (RFC 2784, RFC 2890): header with optional checksum, key and sequence number. `import * as gre`.

import { getU16, getU32, setU16, setU32 } from './bytes.js';

export const GRE_PROTOCOL = 47;
export const GRE_CHECKSUM = 0x8000;
export const GRE_KEY = 0x2000;
export const GRE_SEQUENCE = 0x1000;

export const GRE_ERR_SHORT = 1;
/** Version is not 0, or routing (RFC 1701) is asked for. */
export const GRE_ERR_VERSION = 2;

/** Whether `len` bytes at `o` hold a GRE header: 0 or a GRE_ERR_… code. */
export function checkGre(b: Uint8Array, o: number, len: number): number {
  if (len < 4) return GRE_ERR_SHORT;
  if ((getU16(b, o) & 0x4007) !== 0) return GRE_ERR_VERSION;
  return headerLength(b, o) > len ? GRE_ERR_SHORT : 0;
}

/** GRE_CHECKSUM, GRE_KEY and GRE_SEQUENCE as present. */
export function flags(b: Uint8Array, o: number): number {
  return getU16(b, o) & (GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE);
}

/** EtherType of the payload. */
export function protocolType(b: Uint8Array, o: number): number {
  return getU16(b, o + 2);
}

export function headerLength(b: Uint8Array, o: number): number {
  const f = getU16(b, o);
  return 4 + (f & GRE_CHECKSUM ? 4 : 0) + (f & GRE_KEY ? 4 : 0) + (f & GRE_SEQUENCE ? 4 : 0);
}

/** Key, or -1 without one. */
export function key(b: Uint8Array, o: number): number {
  const f = getU16(b, o);
  return f & GRE_KEY ? getU32(b, o + (f & GRE_CHECKSUM ? 8 : 4)) : -1;
}

/** Sequence number, or -1 without one. */
export function sequence(b: Uint8Array, o: number): number {
  return getU16(b, o) & GRE_SEQUENCE ? getU32(b, o + headerLength(b, o) - 4) : -1;
}

/** Writes a header with the fields that `f` names (the checksum as 0); returns its end. */
export function writeGre(
  b: Uint8Array,
  o: number,
  f: number,
  type: number,
  keyValue: number,
  seqValue: number,
): number {
  setU16(b, o, f);
  setU16(b, o + 2, type);
  let at = o + 4;
  if (f & GRE_CHECKSUM) {
    setU32(b, at, 0);
    at += 4;
  }
  if (f & GRE_KEY) {
    setU32(b, at, keyValue);
    at += 4;
  }
  if (f & GRE_SEQUENCE) {
    setU32(b, at, seqValue);
    at += 4;
  }
  return at;
}
