// Writers of TCP options: one function an option, each returning the offset behind what it wrote, and one
// that writes a whole set in Linux's order and alignment. Knows no connection; room is the caller's concern
// (`tcpOptionsLength` says how much is needed).

import { copyBytes, setU16, setU24, setU32 } from './bytes.js';
import {
  TCPOLEN_MD5,
  TCPOLEN_MSS,
  TCPOLEN_SACK_PERMITTED,
  TCPOLEN_TIMESTAMPS,
  TCPOLEN_WSCALE,
  TCPOPT_ACCECN0,
  TCPOPT_ACCECN1,
  TCPOPT_EOL,
  TCPOPT_EXPERIMENT,
  TCPOPT_FASTOPEN,
  TCPOPT_FASTOPEN_MAGIC,
  TCPOPT_MD5,
  TCPOPT_MSS,
  TCPOPT_NOP,
  TCPOPT_SACK,
  TCPOPT_SACK_PERMITTED,
  TCPOPT_TIMESTAMPS,
  TCPOPT_WSCALE,
  type TcpOptions,
} from './tcp-options.js';

export function writeNop(b: Uint8Array, o: number): number {
  b[o] = TCPOPT_NOP;
  return o + 1;
}

export function writeEol(b: Uint8Array, o: number): number {
  b[o] = TCPOPT_EOL;
  return o + 1;
}

/** Writes NOPs until `(o - start) % 4 === phase`; `start` is where the options begin. */
export function padNops(b: Uint8Array, o: number, start: number, phase = 0): number {
  let at = o;
  while (((at - start) & 3) !== phase) b[at++] = TCPOPT_NOP;
  return at;
}

// RFC 9293 MUST-4, MUST-14, MUST-68
export function writeMss(b: Uint8Array, o: number, mss: number): number {
  b[o] = TCPOPT_MSS;
  b[o + 1] = TCPOLEN_MSS;
  setU16(b, o + 2, mss);
  return o + TCPOLEN_MSS;
}

export function writeWscale(b: Uint8Array, o: number, shift: number): number {
  b[o] = TCPOPT_WSCALE;
  b[o + 1] = TCPOLEN_WSCALE;
  b[o + 2] = shift;
  return o + TCPOLEN_WSCALE;
}

export function writeSackPermitted(b: Uint8Array, o: number): number {
  b[o] = TCPOPT_SACK_PERMITTED;
  b[o + 1] = TCPOLEN_SACK_PERMITTED;
  return o + TCPOLEN_SACK_PERMITTED;
}

export function writeTimestamps(b: Uint8Array, o: number, tsVal: number, tsEcr: number): number {
  b[o] = TCPOPT_TIMESTAMPS;
  b[o + 1] = TCPOLEN_TIMESTAMPS;
  setU32(b, o + 2, tsVal);
  setU32(b, o + 6, tsEcr);
  return o + TCPOLEN_TIMESTAMPS;
}

/** NOP NOP TS: the twelve bytes of every data segment (RFC 7323 appendix A). */
export function writeTimestampsAligned(b: Uint8Array, o: number, tsVal: number, tsEcr: number): number {
  b[o] = TCPOPT_NOP;
  b[o + 1] = TCPOPT_NOP;
  return writeTimestamps(b, o + 2, tsVal, tsEcr);
}

/** `count` (1 … 4) blocks from `blocks`, pairs of left and right edge. */
export function writeSack(b: Uint8Array, o: number, blocks: Uint32Array, count: number): number {
  b[o] = TCPOPT_SACK;
  b[o + 1] = 2 + count * 8;
  for (let i = 0; i < count * 2; i++) setU32(b, o + 2 + i * 4, blocks[i]);
  return o + 2 + count * 8;
}

/** Fast open: `length` 0 asks for a cookie. `experimental` writes kind 254 with its magic instead of 34. */
export function writeFastOpen(
  b: Uint8Array,
  o: number,
  cookie: Uint8Array,
  length: number,
  experimental: boolean,
): number {
  const base = experimental ? 4 : 2;
  b[o] = experimental ? TCPOPT_EXPERIMENT : TCPOPT_FASTOPEN;
  b[o + 1] = base + length;
  if (experimental) setU16(b, o + 2, TCPOPT_FASTOPEN_MAGIC);
  copyBytes(b, o + base, cookie, 0, length);
  return o + base + length;
}

/** MD5 signature with a digest of zeros, to be filled at `o + 2` once the segment is complete. */
export function writeMd5(b: Uint8Array, o: number): number {
  b[o] = TCPOPT_MD5;
  b[o + 1] = TCPOLEN_MD5;
  for (let i = 2; i < TCPOLEN_MD5; i++) b[o + i] = 0;
  return o + TCPOLEN_MD5;
}

/** AccECN: `order` 0 or 1 (kind 172 or 174) and `count` (0 … 3) 24-bit counters in that order. */
export function writeAccEcn(
  b: Uint8Array,
  o: number,
  order: number,
  fields: Uint32Array,
  count: number,
): number {
  b[o] = order === 0 ? TCPOPT_ACCECN0 : TCPOPT_ACCECN1;
  b[o + 1] = 2 + count * 3;
  for (let i = 0; i < count; i++) setU24(b, o + 2 + i * 3, fields[i]);
  return o + 2 + count * 3;
}

// RFC 9293 MUST-68, MUST-69
/**
 * Writes the options of `spec` at `o` in Linux's order: MD5, MSS, SACK-permitted with timestamps, AccECN,
 * SACK-permitted alone, window scale, SACK, fast open; each is preceded by the NOPs that make it end on a
 * 32-bit boundary, and NOPs fill the last word. Returns the end offset, `(end - o) % 4 === 0`.
 * A present MD5 (`spec.md5Offset >= 0`) is written as zeros and `spec.md5Offset` becomes where its digest goes.
 */
export function writeTcpOptions(b: Uint8Array, o: number, spec: TcpOptions): number {
  let at = o;
  if (spec.md5Offset >= 0) {
    at = padNops(b, at, o, 2);
    spec.md5Offset = at + 2;
    at = writeMd5(b, at);
  }
  if (spec.mss >= 0) at = writeMss(b, at, spec.mss);
  if (spec.hasTimestamps) {
    // The SACK-permitted option takes the place of the two NOPs.
    if (spec.sackPermitted) at = writeTimestamps(b, writeSackPermitted(b, at), spec.tsVal, spec.tsEcr);
    else at = writeTimestampsAligned(b, at, spec.tsVal, spec.tsEcr);
  }
  if (spec.accEcn >= 0) at = writeAccEcn(b, at, spec.accEcn, spec.accEcnFields, spec.accEcnCount);
  if (spec.sackPermitted && !spec.hasTimestamps) at = writeSackPermitted(b, padNops(b, at, o, 2));
  if (spec.wscale >= 0) at = writeWscale(b, padNops(b, at, o, 1), spec.wscale);
  if (spec.sackCount > 0) at = writeSack(b, padNops(b, at, o, 2), spec.sack, spec.sackCount);
  if (spec.fastOpenLength >= 0) {
    at = padNops(b, at, o);
    at = writeFastOpen(b, at, spec.fastOpenCookie, spec.fastOpenLength, spec.fastOpenExperimental);
  }
  return padNops(b, at, o);
}

/** Bytes that `writeTcpOptions` would write for `spec`, padding included; more than 40 does not fit. */
export function tcpOptionsLength(spec: TcpOptions): number {
  let n = 0;
  if (spec.md5Offset >= 0) n += 2 + TCPOLEN_MD5;
  if (spec.mss >= 0) n += TCPOLEN_MSS;
  if (spec.hasTimestamps) n += 2 + TCPOLEN_TIMESTAMPS;
  if (spec.accEcn >= 0) n += 2 + spec.accEcnCount * 3;
  if (spec.sackPermitted && !spec.hasTimestamps) n = phase(n, 2) + TCPOLEN_SACK_PERMITTED;
  if (spec.wscale >= 0) n = phase(n, 1) + TCPOLEN_WSCALE;
  if (spec.sackCount > 0) n = phase(n, 2) + 2 + spec.sackCount * 8;
  if (spec.fastOpenLength >= 0) n = phase(n, 0) + (spec.fastOpenExperimental ? 4 : 2) + spec.fastOpenLength;
  return phase(n, 0);
}

function phase(n: number, want: number): number {
  return n + ((want - n) & 3);
}
