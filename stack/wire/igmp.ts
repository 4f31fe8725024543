// IGMP (RFC 1112, RFC 2236, RFC 3376): queries read, reports written, whole but for the IP header. `import * as igmp`.
// Addresses go in and out in their 16-byte mapped form. Knows no memberships.
import { mapIpv4 } from './address.js';
import { copyBytes, setU16 } from './bytes.js';
import { checksumOf, fold, sumBytes } from './checksum.js';

export const IGMP_PROTOCOL = 2;
export const IGMP_QUERY = 0x11;
export const IGMP_V1_REPORT = 0x12;
export const IGMP_V2_REPORT = 0x16;
export const IGMP_LEAVE = 0x17;
export const IGMP_V3_REPORT = 0x22;

export const IGMP_MESSAGE = 8;
/** Of a version 3 query, without sources. */
export const IGMP_V3_QUERY = 12;
const RECORD = 8;

export const IGMP_ERR_SHORT = 1;
export const IGMP_ERR_CHECKSUM = 2;

/** Whether `len` bytes at `o` are an undamaged message: 0 or an IGMP_ERR_… code. */
export function checkIgmp(b: Uint8Array, o: number, len: number): number {
  if (len < IGMP_MESSAGE) return IGMP_ERR_SHORT;
  return fold(sumBytes(b, o, o + len)) === 0xffff ? 0 : IGMP_ERR_CHECKSUM;
}

/**
 * Version of a query of `len` bytes (RFC 3376 section 7.1); 0: of none, and silently ignored.
 */
export function queryVersion(b: Uint8Array, o: number, len: number): 0 | 1 | 2 | 3 {
  if (len === IGMP_MESSAGE) return b[o + 1] === 0 ? 1 : 2;
  return len >= IGMP_V3_QUERY ? 3 : 0;
}

/** The group of a query, report or leave, to `out[at, at+16)`. */
export function readGroup(b: Uint8Array, o: number, out: Uint8Array, at: number): void {
  mapIpv4(out, at, b, o + 4);
}

/** Writes a message about one group (versions 1 and 2), checksum and all; returns `o + 8`. */
export function writeIgmp(b: Uint8Array, o: number, type: number, group: Uint8Array): number {
  b[o] = type;
  b[o + 1] = 0;
  copyBytes(b, o + 4, group, 12, 4);
  return finish(b, o, IGMP_MESSAGE);
}

/** Writes a version 3 report with a record without sources for each of `records`; returns the end. */
export function writeReport(
  b: Uint8Array,
  o: number,
  records: readonly { type: number; group: Uint8Array }[],
): number {
  b.fill(0, o, o + IGMP_MESSAGE + records.length * RECORD);
  b[o] = IGMP_V3_REPORT;
  setU16(b, o + 6, records.length);
  let at = o + IGMP_MESSAGE;
  for (const { type, group } of records) {
    b[at] = type;
    copyBytes(b, at + 4, group, 12, 4);
    at += RECORD;
  }
  return finish(b, o, at - o);
}

function finish(b: Uint8Array, o: number, length: number): number {
  setU16(b, o + 2, 0);
  setU16(b, o + 2, checksumOf(b, o, o + length));
  return o + length;
}

/** One line in tcpdump's style, or what is wrong. For people. */
export function describeIgmp(b: Uint8Array, o: number, len: number): string {
  const bad = checkIgmp(b, o, len);
  if (bad !== 0) return `igmp malformed (${bad === IGMP_ERR_SHORT ? 'shorter than 8 bytes' : 'checksum'})`;
  const group = `${b[o + 4]}.${b[o + 5]}.${b[o + 6]}.${b[o + 7]}`;
  switch (b[o]) {
    case IGMP_QUERY:
      return `igmp query v${queryVersion(b, o, len)} [gaddr ${group}]`;
    case IGMP_V1_REPORT:
      return `igmp v1 report ${group}`;
    case IGMP_V2_REPORT:
      return `igmp v2 report ${group}`;
    case IGMP_LEAVE:
      return `igmp leave ${group}`;
    case IGMP_V3_REPORT:
      return `igmp v3 report, ${(b[o + 6] << 8) | b[o + 7]} group record(s)`;
    default:
      return `igmp type ${b[o]}`;
  }
}
