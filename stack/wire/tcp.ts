// TCP header (RFC 9293 section 3.1, AE bit RFC 9768): offsets, accessors and writers over bytes.
// Meant to be used as `import * as tcp from '…/wire/tcp.js'`. After `checkTcp` answered 0 no accessor reads
// outside the segment. Knows nothing of connections, options' meaning (tcp-options.ts) or IP.

import { getU16, getU32, setU16, setU32 } from './bytes.js';
import { describeTcpOptions, parseTcpOptions, TcpOptions } from './tcp-options.js';

export const TCP_PROTOCOL = 6;

export const TCP_FIN = 0x001;
export const TCP_SYN = 0x002;
export const TCP_RST = 0x004;
export const TCP_PSH = 0x008;
export const TCP_ACK = 0x010;
export const TCP_URG = 0x020;
export const TCP_ECE = 0x040;
export const TCP_CWR = 0x080;
/** Accurate ECN's third bit (RFC 9768 section 3), formerly NS; bit 0 of the 13th byte. */
export const TCP_AE = 0x100;

export const TCP_OFF_SRC_PORT = 0;
export const TCP_OFF_DST_PORT = 2;
export const TCP_OFF_SEQ = 4;
export const TCP_OFF_ACK = 8;
export const TCP_OFF_DATA_OFFSET = 12;
export const TCP_OFF_FLAGS = 13;
export const TCP_OFF_WINDOW = 14;
export const TCP_OFF_CHECKSUM = 16;
export const TCP_OFF_URGENT = 18;
export const TCP_OFF_OPTIONS = 20;

/** Bytes of a header without options. */
export const TCP_MIN_HEADER = 20;
/** Bytes of the longest header: a data offset of 15 words. */
export const TCP_MAX_HEADER = 60;

/** Segment shorter than 20 bytes. */
export const TCP_ERR_SHORT = 1;
/** Data offset below 5 words. */
export const TCP_ERR_OFFSET_SMALL = 2;
/** Data offset beyond the segment's end. */
export const TCP_ERR_OFFSET_LARGE = 3;

/**
 * Whether `len` bytes at `o` hold a TCP header: 0, or one of the TCP_ERR_… codes. Verifies no checksum.
 * The caller guarantees that `len` bytes at `o` exist.
 */
export function checkTcp(b: Uint8Array, o: number, len: number): number {
  if (len < TCP_MIN_HEADER) return TCP_ERR_SHORT;
  const bytes = headerLength(b, o);
  if (bytes < TCP_MIN_HEADER) return TCP_ERR_OFFSET_SMALL;
  if (bytes > len) return TCP_ERR_OFFSET_LARGE;
  return 0;
}

export function srcPort(b: Uint8Array, o: number): number {
  return getU16(b, o + TCP_OFF_SRC_PORT);
}

export function dstPort(b: Uint8Array, o: number): number {
  return getU16(b, o + TCP_OFF_DST_PORT);
}

export function seq(b: Uint8Array, o: number): number {
  return getU32(b, o + TCP_OFF_SEQ);
}

export function ack(b: Uint8Array, o: number): number {
  return getU32(b, o + TCP_OFF_ACK);
}

/** Data offset as the header has it, in 32-bit words (5 … 15). */
export function dataOffset(b: Uint8Array, o: number): number {
  return b[o + TCP_OFF_DATA_OFFSET] >>> 4;
}

/** Data offset in bytes (20 … 60). */
export function headerLength(b: Uint8Array, o: number): number {
  return (b[o + TCP_OFF_DATA_OFFSET] >>> 4) << 2;
}

/** The nine flags, TCP_AE … TCP_FIN. */
export function flags(b: Uint8Array, o: number): number {
  return ((b[o + TCP_OFF_DATA_OFFSET] & 1) << 8) | b[o + TCP_OFF_FLAGS];
}

/** The three reserved bits between data offset and AE (RFC 9293 wants 0 sent and ignored). */
export function reserved(b: Uint8Array, o: number): number {
  return (b[o + TCP_OFF_DATA_OFFSET] >>> 1) & 7;
}

// RFC 9293 MUST-1
/** Window as carried, unscaled. */
export function window(b: Uint8Array, o: number): number {
  return getU16(b, o + TCP_OFF_WINDOW);
}

export function checksum(b: Uint8Array, o: number): number {
  return getU16(b, o + TCP_OFF_CHECKSUM);
}

export function urgent(b: Uint8Array, o: number): number {
  return getU16(b, o + TCP_OFF_URGENT);
}

export function setSrcPort(b: Uint8Array, o: number, v: number): void {
  setU16(b, o + TCP_OFF_SRC_PORT, v);
}

export function setDstPort(b: Uint8Array, o: number, v: number): void {
  setU16(b, o + TCP_OFF_DST_PORT, v);
}

export function setSeq(b: Uint8Array, o: number, v: number): void {
  setU32(b, o + TCP_OFF_SEQ, v);
}

export function setAck(b: Uint8Array, o: number, v: number): void {
  setU32(b, o + TCP_OFF_ACK, v);
}

/** Sets the data offset (bytes, a multiple of 4) and the nine flags; the reserved bits become 0. */
export function setHeaderLengthAndFlags(b: Uint8Array, o: number, bytes: number, f: number): void {
  b[o + TCP_OFF_DATA_OFFSET] = (bytes << 2) | ((f >>> 8) & 1);
  b[o + TCP_OFF_FLAGS] = f;
}

/** Sets the nine flags and leaves data offset and reserved bits as they are. */
export function setFlags(b: Uint8Array, o: number, f: number): void {
  b[o + TCP_OFF_DATA_OFFSET] = (b[o + TCP_OFF_DATA_OFFSET] & 0xfe) | ((f >>> 8) & 1);
  b[o + TCP_OFF_FLAGS] = f;
}

export function setWindow(b: Uint8Array, o: number, v: number): void {
  setU16(b, o + TCP_OFF_WINDOW, v);
}

export function setChecksum(b: Uint8Array, o: number, v: number): void {
  setU16(b, o + TCP_OFF_CHECKSUM, v);
}

export function setUrgent(b: Uint8Array, o: number, v: number): void {
  setU16(b, o + TCP_OFF_URGENT, v);
}

/**
 * Writes a whole header without options' bytes: `headerBytes` is 20 plus the options' length (a multiple
 * of 4), which the caller writes at `o + 20`. Checksum is left 0. Returns `o + 20`.
 */
export function writeTcp(
  b: Uint8Array,
  o: number,
  src: number,
  dst: number,
  seqNo: number,
  ackNo: number,
  headerBytes: number,
  f: number,
  win: number,
  urg: number,
): number {
  setU16(b, o + TCP_OFF_SRC_PORT, src);
  setU16(b, o + TCP_OFF_DST_PORT, dst);
  setU32(b, o + TCP_OFF_SEQ, seqNo);
  setU32(b, o + TCP_OFF_ACK, ackNo);
  setHeaderLengthAndFlags(b, o, headerBytes, f);
  setU16(b, o + TCP_OFF_WINDOW, win);
  setU16(b, o + TCP_OFF_CHECKSUM, 0);
  setU16(b, o + TCP_OFF_URGENT, urg);
  return o + TCP_OFF_OPTIONS;
}

const FLAG_LETTERS = ['F', 'S', 'R', 'P', '.', 'U', 'E', 'W', 'A'];

/** Flags in tcpdump's letters, `.` for ACK and last, e.g. `S.`, `FP.`; `none` when no flag is set. */
export function describeTcpFlags(f: number): string {
  let s = '';
  for (let i = 0; i < FLAG_LETTERS.length; i++) if (i !== 4 && f & (1 << i)) s += FLAG_LETTERS[i];
  if (f & TCP_ACK) s += '.';
  return s === '' ? 'none' : s;
}

/** One line in tcpdump's style for `len` bytes at `o`, or what is wrong with them. For people. */
export function describeTcp(b: Uint8Array, o: number, len: number): string {
  const bad = checkTcp(b, o, len);
  if (bad !== 0) return `TCP malformed (${describeTcpError(bad)})`;
  const head = headerLength(b, o);
  const f = flags(b, o);
  const n = len - head;
  const s = seq(b, o);
  let text = `TCP ${srcPort(b, o)} > ${dstPort(b, o)}: Flags [${describeTcpFlags(f)}]`;
  text += n > 0 ? `, seq ${s}:${(s + n) >>> 0}` : `, seq ${s}`;
  if (f & TCP_ACK) text += `, ack ${ack(b, o)}`;
  text += `, win ${window(b, o)}`;
  if (f & TCP_URG) text += `, urg ${urgent(b, o)}`;
  if (head > TCP_MIN_HEADER) {
    const options = new TcpOptions();
    parseTcpOptions(b, o + TCP_OFF_OPTIONS, o + head, options);
    text += `, options [${describeTcpOptions(options)}]`;
  }
  return `${text}, length ${n}`;
}

/** Text of a TCP_ERR_… code. */
export function describeTcpError(code: number): string {
  if (code === TCP_ERR_SHORT) return 'shorter than 20 bytes';
  if (code === TCP_ERR_OFFSET_SMALL) return 'data offset below 5';
  if (code === TCP_ERR_OFFSET_LARGE) return 'data offset beyond the end';
  return code === 0 ? 'ok' : `unknown error ${code}`;
}
