// ARP for IPv4 over Ethernet (RFC 826). Knows no cache. `import * as arp`.

import { formatIpv4 } from './address.js';
import { copyBytes, getU16, setU16 } from './bytes.js';
import { formatHardware } from './ethernet.js';

export const ARP_LENGTH = 28;
export const ARP_REQUEST = 1;
export const ARP_REPLY = 2;

export const ARP_OFF_OPERATION = 6;
/** Sender's hardware and protocol address, target's hardware and protocol address. */
export const ARP_OFF_SHA = 8;
export const ARP_OFF_SPA = 14;
export const ARP_OFF_THA = 18;
export const ARP_OFF_TPA = 24;

export const ARP_ERR_SHORT = 1;
/** Not Ethernet/IPv4 with lengths 6 and 4. */
export const ARP_ERR_TYPE = 2;
/** Neither request nor reply. */
export const ARP_ERR_OPERATION = 3;

/** Whether `len` bytes at `o` are ARP that this stack understands: 0 or an ARP_ERR_… code. */
export function checkArp(b: Uint8Array, o: number, len: number): number {
  if (len < ARP_LENGTH) return ARP_ERR_SHORT;
  if (getU16(b, o) !== 1 || getU16(b, o + 2) !== 0x0800 || b[o + 4] !== 6 || b[o + 5] !== 4)
    return ARP_ERR_TYPE;
  const op = operation(b, o);
  return op === ARP_REQUEST || op === ARP_REPLY ? 0 : ARP_ERR_OPERATION;
}

export function operation(b: Uint8Array, o: number): number {
  return getU16(b, o + ARP_OFF_OPERATION);
}

/** Writes a packet; protocol addresses are four bytes at the given offsets. Returns `o + 28`. */
export function writeArp(
  b: Uint8Array,
  o: number,
  op: number,
  sha: Uint8Array,
  spa: Uint8Array,
  spaOffset: number,
  tha: Uint8Array,
  tpa: Uint8Array,
  tpaOffset: number,
): number {
  setU16(b, o, 1);
  setU16(b, o + 2, 0x0800);
  b[o + 4] = 6;
  b[o + 5] = 4;
  setU16(b, o + ARP_OFF_OPERATION, op);
  copyBytes(b, o + ARP_OFF_SHA, sha, 0, 6);
  copyBytes(b, o + ARP_OFF_SPA, spa, spaOffset, 4);
  copyBytes(b, o + ARP_OFF_THA, tha, 0, 6);
  copyBytes(b, o + ARP_OFF_TPA, tpa, tpaOffset, 4);
  return o + ARP_LENGTH;
}

/** One line in tcpdump's style, or what is wrong. For people. */
export function describeArp(b: Uint8Array, o: number, len: number): string {
  const bad = checkArp(b, o, len);
  if (bad !== 0) return `ARP malformed (${['', 'short', 'not Ethernet/IPv4', 'operation'][bad]})`;
  const spa = formatIpv4(b, o + ARP_OFF_SPA);
  if (operation(b, o) === ARP_REQUEST) return `ARP who-has ${formatIpv4(b, o + ARP_OFF_TPA)} tell ${spa}`;
  return `ARP ${spa} is-at ${formatHardware(b, o + ARP_OFF_SHA)}`;
}
