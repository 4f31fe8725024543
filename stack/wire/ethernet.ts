// Ethernet II framing, with one optional 802.1Q tag, and 48-bit hardware addresses. Knows nothing of what it
// carries. `import * as ethernet`.

import { copyBytes, getU16, hex, setU16 } from './bytes.js';

export const ETH_OFF_DST = 0;
export const ETH_OFF_SRC = 6;
export const ETH_OFF_TYPE = 12;
export const ETH_HEADER = 14;
export const ETH_ADDRESS = 6;
/** Least payload (IEEE 802.3 3.2.8): shorter ones are padded, and the padding is never data. */
export const ETH_MIN_PAYLOAD = 46;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_ARP = 0x0806;
export const ETHERTYPE_VLAN = 0x8100;
export const ETHERTYPE_IPV6 = 0x86dd;

/** Frame shorter than its header. */
export const ETH_ERR_SHORT = 1;
/** A length (802.3/LLC) instead of a type. */
export const ETH_ERR_NO_TYPE = 2;

/** ff:ff:ff:ff:ff:ff, shared: never write to it. */
export const ETH_BROADCAST: Uint8Array = new Uint8Array(6).fill(0xff);

/** Whether `len` bytes at `o` hold a frame with a type: 0 or an ETH_ERR_… code. */
export function checkEthernet(b: Uint8Array, o: number, len: number): number {
  if (len < ETH_HEADER) return ETH_ERR_SHORT;
  let type = getU16(b, o + ETH_OFF_TYPE);
  if (type === ETHERTYPE_VLAN) {
    if (len < ETH_HEADER + 4) return ETH_ERR_SHORT;
    type = getU16(b, o + ETH_OFF_TYPE + 4);
  }
  return type < 0x0600 ? ETH_ERR_NO_TYPE : 0;
}

/** Type of the payload, behind a tag if there is one. */
export function etherType(b: Uint8Array, o: number): number {
  const type = getU16(b, o + ETH_OFF_TYPE);
  return type === ETHERTYPE_VLAN ? getU16(b, o + ETH_OFF_TYPE + 4) : type;
}

/** 14, or 18 with a tag. */
export function headerLength(b: Uint8Array, o: number): number {
  return getU16(b, o + ETH_OFF_TYPE) === ETHERTYPE_VLAN ? ETH_HEADER + 4 : ETH_HEADER;
}

/** VLAN identifier, or -1 without a tag. */
export function vlan(b: Uint8Array, o: number): number {
  return getU16(b, o + ETH_OFF_TYPE) === ETHERTYPE_VLAN ? getU16(b, o + ETH_OFF_TYPE + 2) & 0xfff : -1;
}

/** Whether the destination is a group address, broadcast included. */
export function isGroup(b: Uint8Array, o: number): boolean {
  return (b[o + ETH_OFF_DST] & 1) === 1;
}

/** Writes an untagged header; returns `o + 14`. */
export function writeEthernet(
  b: Uint8Array,
  o: number,
  dst: Uint8Array,
  dstOffset: number,
  src: Uint8Array,
  srcOffset: number,
  type: number,
): number {
  copyBytes(b, o + ETH_OFF_DST, dst, dstOffset, 6);
  copyBytes(b, o + ETH_OFF_SRC, src, srcOffset, 6);
  setU16(b, o + ETH_OFF_TYPE, type);
  return o + ETH_HEADER;
}

/** Hardware address of an IP multicast group: RFC 1112 section 6.4 for mapped IPv4, RFC 2464 section 7. */
export function multicastHardware(
  out: Uint8Array,
  o: number,
  group: Uint8Array,
  go: number,
  v4: boolean,
): void {
  if (v4) {
    out[o] = 0x01;
    out[o + 1] = 0x00;
    out[o + 2] = 0x5e;
    out[o + 3] = group[go + 13] & 0x7f;
    out[o + 4] = group[go + 14];
    out[o + 5] = group[go + 15];
  } else {
    out[o] = 0x33;
    out[o + 1] = 0x33;
    copyBytes(out, o + 2, group, go + 12, 4);
  }
}

/** `02:00:00:00:00:01` to six bytes. Throws RangeError for anything else. */
export function parseHardware(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    throw new RangeError(`not a hardware address: '${text}'`);
  return Uint8Array.from(text.split(':'), (x) => Number.parseInt(x, 16));
}

/** Six bytes as `02:00:00:00:00:01`. */
export function formatHardware(b: Uint8Array, o = 0): string {
  return hex(b, o, 6).replace(/(..)(?=.)/g, '$1:');
}
