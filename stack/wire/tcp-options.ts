// TCP options: parsing into a reusable object, and a readable form. Writers are in tcp-options-write.ts.
// Covers RFC 9293 (EOL, NOP, MSS), 7323 (window scale, timestamps), 2018 (SACK), 7413 (fast open),
// 2385 (MD5), 9768 (AccECN), 6994 (experiment F989, fast open before its number).
// Knows no connection: whether an option counts here (SYN or not, agreed or not) is the reader's decision.

import { getU16, getU24, getU32 } from './bytes.js';

export const TCPOPT_EOL = 0;
export const TCPOPT_NOP = 1;
export const TCPOPT_MSS = 2;
export const TCPOPT_WSCALE = 3;
export const TCPOPT_SACK_PERMITTED = 4;
export const TCPOPT_SACK = 5;
export const TCPOPT_TIMESTAMPS = 8;
export const TCPOPT_MD5 = 19;
export const TCPOPT_FASTOPEN = 34;
/** AccECN Order 0: EE0B, ECEB, EE1B. */
export const TCPOPT_ACCECN0 = 172;
/** AccECN Order 1: EE1B, ECEB, EE0B. */
export const TCPOPT_ACCECN1 = 174;
export const TCPOPT_EXPERIMENT = 254;
/** RFC 6994 experiment identifier of fast open. */
export const TCPOPT_FASTOPEN_MAGIC = 0xf989;

export const TCPOLEN_MSS = 4;
export const TCPOLEN_WSCALE = 3;
export const TCPOLEN_SACK_PERMITTED = 2;
export const TCPOLEN_TIMESTAMPS = 10;
/** NOP NOP and timestamps: the form every data segment carries (RFC 7323 appendix A). */
export const TCPOLEN_TIMESTAMPS_ALIGNED = 12;
export const TCPOLEN_MD5 = 18;
/** Longest cookie of RFC 7413 section 4.1.1, in bytes; shortest is 4, lengths are even. */
export const TCP_FASTOPEN_COOKIE_MAX = 16;
export const TCP_FASTOPEN_COOKIE_MIN = 4;
/** Bytes that options can take at most. */
export const TCP_MAX_OPTIONS = 40;

/** What a header's options said. One object is made once and reused for every segment. */
export class TcpOptions {
  /** -1 absent, else as carried (0 is possible and means nothing to Linux). */
  mss = -1;
  /** -1 absent, else the raw shift count; RFC 7323 has the reader take 14 for more. */
  wscale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  tsVal = 0;
  tsEcr = 0;
  /** 0 … 4 blocks in `sack`. */
  sackCount = 0;
  /** Left and right edge of each block, in the order carried. */
  readonly sack: Uint32Array = new Uint32Array(8);
  /** -1 absent, 0 a request for a cookie, else the cookie's length in bytes (4 … 16, even). */
  fastOpenLength = -1;
  readonly fastOpenCookie: Uint8Array = new Uint8Array(TCP_FASTOPEN_COOKIE_MAX);
  /** The option came as experiment 254/F989 rather than kind 34. */
  fastOpenExperimental = false;
  /** -1 absent, else the offset in the parsed array of the 16-byte digest. */
  md5Offset = -1;
  /** -1 absent, 0 order EE0B-ECEB-EE1B (kind 172), 1 order EE1B-ECEB-EE0B (kind 174). */
  accEcn = -1;
  /** 0 … 3 counters in `accEcnFields`, in the order carried. */
  accEcnCount = 0;
  /** 24-bit byte counters. */
  readonly accEcnFields: Uint32Array = new Uint32Array(3);
  /** Parsing stopped at a length below 2 or beyond the end; what came before it counts. */
  malformed = false;

  reset(): void {
    this.mss = -1;
    this.wscale = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.tsVal = 0;
    this.tsEcr = 0;
    this.sackCount = 0;
    this.fastOpenLength = -1;
    this.fastOpenExperimental = false;
    this.md5Offset = -1;
    this.accEcn = -1;
    this.accEcnCount = 0;
    this.malformed = false;
  }
}

// RFC 9293 MUST-4, MUST-5, MUST-6, MUST-7, MUST-64
/**
 * Reads the options in `b[start, end)` into `out`, which is reset first. Never throws and never reads outside
 * the range. As RFC 9293 MUST-4 to MUST-7 and Linux's tcp_parse_options have it: EOL ends the list, NOP is
 * skipped, a length below 2 or beyond the end ends parsing (`malformed`), an unknown option is skipped by its
 * length, a known one of a wrong size is ignored, and of a repeated one the last counts.
 */
export function parseTcpOptions(b: Uint8Array, start: number, end: number, out: TcpOptions): void {
  out.reset();
  // RFC 7323 appendix A: a segment of an established connection has exactly NOP NOP TS(10).
  if (
    end - start === TCPOLEN_TIMESTAMPS_ALIGNED &&
    b[start] === TCPOPT_NOP &&
    b[start + 1] === TCPOPT_NOP &&
    b[start + 2] === TCPOPT_TIMESTAMPS &&
    b[start + 3] === TCPOLEN_TIMESTAMPS
  ) {
    out.hasTimestamps = true;
    out.tsVal = getU32(b, start + 4);
    out.tsEcr = getU32(b, start + 8);
    return;
  }
  let o = start;
  while (o < end) {
    const kind = b[o];
    if (kind === TCPOPT_EOL) return;
    if (kind === TCPOPT_NOP) {
      o++;
      continue;
    }
    const size = o + 1 < end ? b[o + 1] : 0;
    if (size < 2 || o + size > end) {
      out.malformed = true;
      return;
    }
    parseOption(b, o, kind, size, out);
    o += size;
  }
}

function parseOption(b: Uint8Array, o: number, kind: number, size: number, out: TcpOptions): void {
  switch (kind) {
    case TCPOPT_MSS:
      if (size === TCPOLEN_MSS) out.mss = getU16(b, o + 2);
      break;
    case TCPOPT_WSCALE:
      if (size === TCPOLEN_WSCALE) out.wscale = b[o + 2];
      break;
    case TCPOPT_SACK_PERMITTED:
      if (size === TCPOLEN_SACK_PERMITTED) out.sackPermitted = true;
      break;
    case TCPOPT_SACK:
      if (size >= 10 && size <= 34 && (size - 2) % 8 === 0) {
        out.sackCount = (size - 2) >>> 3;
        for (let i = 0; i < out.sackCount * 2; i++) out.sack[i] = getU32(b, o + 2 + i * 4);
      }
      break;
    case TCPOPT_TIMESTAMPS:
      if (size === TCPOLEN_TIMESTAMPS) {
        out.hasTimestamps = true;
        out.tsVal = getU32(b, o + 2);
        out.tsEcr = getU32(b, o + 6);
      }
      break;
    case TCPOPT_MD5:
      if (size === TCPOLEN_MD5) out.md5Offset = o + 2;
      break;
    case TCPOPT_FASTOPEN:
      parseFastOpen(b, o + 2, size - 2, false, out);
      break;
    case TCPOPT_EXPERIMENT:
      if (size >= 4 && getU16(b, o + 2) === TCPOPT_FASTOPEN_MAGIC)
        parseFastOpen(b, o + 4, size - 4, true, out);
      break;
    case TCPOPT_ACCECN0:
    case TCPOPT_ACCECN1: {
      // RFC 9768 section 3.2.3: of any length the whole three-byte fields count, the rest is padding.
      const count = Math.min(3, Math.floor((size - 2) / 3));
      out.accEcn = kind === TCPOPT_ACCECN0 ? 0 : 1;
      out.accEcnCount = count;
      for (let i = 0; i < count; i++) out.accEcnFields[i] = getU24(b, o + 2 + i * 3);
      break;
    }
  }
}

// As Linux: an odd length is no option at all, an even one outside 4 … 16 cancels what came before.
function parseFastOpen(b: Uint8Array, o: number, len: number, experimental: boolean, out: TcpOptions): void {
  if (len & 1) return;
  out.fastOpenExperimental = experimental;
  if (len === 0) out.fastOpenLength = 0;
  else if (len >= TCP_FASTOPEN_COOKIE_MIN && len <= TCP_FASTOPEN_COOKIE_MAX) {
    out.fastOpenLength = len;
    for (let i = 0; i < len; i++) out.fastOpenCookie[i] = b[o + i];
  } else out.fastOpenLength = -1;
}

/** Parsed options as text in packetdrill's words, e.g. `mss 1460,sackOK,wscale 7`. For people. */
export function describeTcpOptions(t: TcpOptions): string {
  const parts: string[] = [];
  if (t.mss >= 0) parts.push(`mss ${t.mss}`);
  if (t.sackPermitted) parts.push('sackOK');
  if (t.hasTimestamps) parts.push(`TS val ${t.tsVal} ecr ${t.tsEcr}`);
  if (t.wscale >= 0) parts.push(`wscale ${t.wscale}`);
  if (t.sackCount > 0) {
    const blocks: string[] = [];
    for (let i = 0; i < t.sackCount; i++) blocks.push(`${t.sack[2 * i]}:${t.sack[2 * i + 1]}`);
    parts.push(`sack ${blocks.join(' ')}`);
  }
  if (t.fastOpenLength >= 0) {
    const cookie = Array.from(t.fastOpenCookie.subarray(0, t.fastOpenLength), (x) =>
      x.toString(16).padStart(2, '0'),
    );
    parts.push(`${t.fastOpenExperimental ? 'FOEXP' : 'FO'} ${cookie.join('')}`.trimEnd());
  }
  if (t.md5Offset >= 0) parts.push('md5');
  if (t.accEcn >= 0) {
    const names = t.accEcn === 0 ? ['e0b', 'ceb', 'e1b'] : ['e1b', 'ceb', 'e0b'];
    let text = 'ECN';
    for (let i = 0; i < t.accEcnCount; i++) text += ` ${names[i]} ${t.accEcnFields[i]}`;
    parts.push(text);
  }
  if (t.malformed) parts.push('malformed');
  return parts.join(',');
}
