// Writes pcapng: one section, one or more interfaces at nanosecond resolution, enhanced packet blocks with comments.
// Produces byte blocks; whoever calls writes them where they belong.
import { SECTION_HEADER } from '../read/pcapng.js';

const OPT_COMMENT = 1;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const SHB_USERAPPL = 4;

const pad = (length: number): number => -length & 3;

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = parts.reduce((sum, part) => sum + part.length, 0);
  const total = 12 + body;
  const out = new Uint8Array(total);
  const view = new DataView(out.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, total, true);
  let at = 8;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  view.setUint32(total - 4, total, true);
  return out;
}

/** Encoded options with the end marker; nothing at all when there are none. */
function options(list: ReadonlyArray<readonly [number, Uint8Array]>): Uint8Array {
  if (list.length === 0) return new Uint8Array(0);
  const size = list.reduce((sum, [, value]) => sum + 4 + value.length + pad(value.length), 4);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [code, value] of list) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    out.set(value, at + 4);
    at += 4 + value.length + pad(value.length);
  }
  return out;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Section header block; `comment` stands in the file's properties. */
export function sectionHeader(comment?: string): Uint8Array {
  const fixed = new Uint8Array(16);
  const view = new DataView(fixed.buffer);
  view.setUint32(0, 0x1a2b3c4d, true);
  view.setUint16(4, 1, true);
  view.setUint16(6, 0, true);
  view.setBigInt64(8, -1n, true); // section length not given
  const list: Array<readonly [number, Uint8Array]> = [[SHB_USERAPPL, utf8('netchannel')]];
  if (comment !== undefined) list.unshift([OPT_COMMENT, utf8(comment)]);
  return block(SECTION_HEADER, [fixed, options(list)]);
}

/** Interface description block, nanosecond resolution. Interfaces are numbered in the order they are written. */
export function interfaceDescription(linkType: number, name?: string, snapshotLength = 262_144): Uint8Array {
  const fixed = new Uint8Array(8);
  const view = new DataView(fixed.buffer);
  view.setUint16(0, linkType, true);
  view.setUint32(4, snapshotLength, true);
  const list: Array<readonly [number, Uint8Array]> = [[IF_TSRESOL, Uint8Array.of(9)]];
  if (name !== undefined) list.unshift([IF_NAME, utf8(name)]);
  return block(1, [fixed, options(list)]);
}

/** Enhanced packet block. `time` is seconds since the epoch plus nanoseconds. */
export function enhancedPacket(
  interfaceId: number,
  time: { readonly seconds: number; readonly nanoseconds: number },
  data: Uint8Array,
  originalLength = data.length,
  comments: readonly string[] = [],
): Uint8Array {
  const ticks = BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanoseconds);
  const fixed = new Uint8Array(20);
  const view = new DataView(fixed.buffer);
  view.setUint32(0, interfaceId, true);
  view.setUint32(4, Number(ticks >> 32n), true);
  view.setUint32(8, Number(ticks & 0xffff_ffffn), true);
  view.setUint32(12, data.length, true);
  view.setUint32(16, originalLength, true);
  const padding = new Uint8Array(pad(data.length));
  return block(6, [
    fixed,
    data,
    padding,
    options(comments.map((text) => [OPT_COMMENT, utf8(text)] as const)),
  ]);
}
