// IEEE 802.11 data frames and the headers that capturing programs put in front of them. Encrypted frames carry nothing
// that can be read; fragmented and aggregated ones are left alone.

import { behindLlc } from './ether-type.js';

const TYPE_DATA = 2;
const SUBTYPE_NO_DATA = 0x4;
const SUBTYPE_QOS = 0x8;
const TO_DS = 0x01;
const FROM_DS = 0x02;
const MORE_FRAGMENTS = 0x04;
const PROTECTED = 0x40;
const ORDER = 0x80;
const AGGREGATED = 0x80;

/** An 802.11 frame at `at`; the offset of its IP header or -1. */
export function behindWireless(b: Uint8Array, at: number, padded = false): number {
  if (b.length < at + 24) return -1;
  const type = (b[at]! >>> 2) & 3;
  const subtype = b[at]! >>> 4;
  const flags = b[at + 1]!;
  if (type !== TYPE_DATA || subtype & SUBTYPE_NO_DATA || flags & (PROTECTED | MORE_FRAGMENTS)) return -1;
  let head = 24;
  // A frame between two access points has a fourth address.
  if ((flags & (TO_DS | FROM_DS)) === (TO_DS | FROM_DS)) head += 6;
  if (subtype & SUBTYPE_QOS) {
    if (b[at + head]! & AGGREGATED) return -1;
    head += 2;
    if (flags & ORDER) head += 4;
  }
  return behindLlc(b, at + (padded ? (head + 3) & ~3 : head));
}

const FLAGS_PRESENT = 1 << 1;
const TSFT_PRESENT = 1;
const EXTENDED = 0x8000_0000;
const FLAG_DATA_PAD = 0x20;

/** A radiotap header: version, pad, length (little endian), words of what is present, the fields. */
export function behindRadiotap(b: Uint8Array): number {
  if (b.length < 8) return -1;
  const present = new DataView(b.buffer, b.byteOffset).getUint32(4, true);
  let at = 8;
  for (let word = present; word & EXTENDED && at + 4 <= b.length; at += 4)
    word = new DataView(b.buffer, b.byteOffset).getUint32(at, true);
  if (present & TSFT_PRESENT) at = ((at + 7) & ~7) + 8;
  const padded = (present & FLAGS_PRESENT) !== 0 && (b[at]! & FLAG_DATA_PAD) !== 0;
  return behindWireless(b, b[2]! | (b[3]! << 8), padded);
}

const PRISM_HEADER = 144;
const AVS_MAGIC = 0x8021_1001;

/** The Prism header of 144 bytes, or the AVS header, which tells its length. */
export function behindPrism(b: Uint8Array): number {
  if (b.length < 8) return -1;
  const view = new DataView(b.buffer, b.byteOffset);
  const avs = (view.getUint32(0) & 0xffff_f000) >>> 0 === (AVS_MAGIC & 0xffff_f000) >>> 0;
  return behindWireless(b, avs ? view.getUint32(4) : PRISM_HEADER);
}
