// From the bytes of a received packet to the key of its flow, and from there to a channel number. This is all that the
// driver knows of protocols: enough of IPv4, IPv6, TCP and UDP to find addresses and ports. It must never validate,
// change or answer a packet: whatever it cannot place (ARP, ND, ICMP, fragments, strangers, nonsense) goes to the
// default channel, whose endpoint does the judging.

import { FAMILY_4, FAMILY_6, KEY_WORDS, KIND_ADDRESS, KIND_EXACT } from './key.js';
import { NONE } from './layout.js';
import type { FlowReader } from './reader.js';

const TCP = 6;
const UDP = 17;
const MAPPED_PREFIX = 0x0000ffff;

/** Extension headers that are stepped over on the way to TCP or UDP (RFC 8200 section 4); any other ends the search. */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const DESTINATION = 60;
const MAX_EXTENSIONS = 8;

/**
 * Reads the key of the IP packet of `length` bytes at `bytes[start]` into `key[at…at+9]`, our side being the
 * destination. False when the packet belongs to no flow by itself. `zone` is the number of the link it came by.
 */
export function keyOf(
  bytes: Uint8Array,
  start: number,
  length: number,
  zone: number,
  key: Int32Array,
  at: number,
): boolean {
  const version = length > 0 ? bytes[start] >> 4 : 0;
  if (version === 4) return keyOf4(bytes, start, length, key, at);
  if (version === 6) return keyOf6(bytes, start, length, zone, key, at);
  return false;
}

/**
 * Reads the key of the address to which the IP packet goes (`source`: from which it comes) into `key[at…at+9]`. False when
 * it is no IP packet, or too short.
 */
export function addressKeyOf(
  bytes: Uint8Array,
  start: number,
  length: number,
  zone: number,
  key: Int32Array,
  at: number,
  source = false,
): boolean {
  const version = length > 0 ? bytes[start] >> 4 : 0;
  if (version === 4 && length >= 20) {
    addressKey4(bytes, start + (source ? 12 : 16), key, at);
    return true;
  }
  if (version !== 6 || length < 40) return false;
  const from = start + (source ? 8 : 24);
  key[at] = (FAMILY_6 << 8) | (KIND_ADDRESS << 12) | (isLinkLocalAt(bytes, from) ? zone << 16 : 0);
  key[at + 1] = 0;
  for (let i = 0; i < 4; i++) {
    key[at + 2 + i] = word(bytes, from + 4 * i);
    key[at + 6 + i] = 0;
  }
  return true;
}

/** The key of the four address bytes at `from`: an IPv4 header's, or an ARP packet's. */
export function addressKey4(bytes: Uint8Array, from: number, key: Int32Array, at: number): void {
  key.fill(0, at, at + KEY_WORDS);
  key[at] = (FAMILY_4 << 8) | (KIND_ADDRESS << 12);
  key[at + 4] = MAPPED_PREFIX;
  key[at + 5] = word(bytes, from);
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

function keyOf4(bytes: Uint8Array, start: number, length: number, key: Int32Array, at: number): boolean {
  const header = (bytes[start] & 15) << 2;
  if (length < 20 || header < 20 || length < header + 4) return false;
  const protocol = bytes[start + 9];
  if (protocol !== TCP && protocol !== UDP) return false;
  // More fragments, or an offset: only the first has ports, and reassembly needs them all in one place.
  if (((bytes[start + 6] & 0x3f) | bytes[start + 7]) !== 0) return false;
  const ports = word(bytes, start + header);
  key[at] = protocol | (FAMILY_4 << 8) | (KIND_EXACT << 12);
  key[at + 1] = (ports << 16) | (ports >>> 16);
  key[at + 2] = 0;
  key[at + 3] = 0;
  key[at + 4] = MAPPED_PREFIX;
  key[at + 5] = word(bytes, start + 16);
  key[at + 6] = 0;
  key[at + 7] = 0;
  key[at + 8] = MAPPED_PREFIX;
  key[at + 9] = word(bytes, start + 12);
  return true;
}

function keyOf6(
  bytes: Uint8Array,
  start: number,
  length: number,
  zone: number,
  key: Int32Array,
  at: number,
): boolean {
  if (length < 44) return false;
  let next = bytes[start + 6];
  let offset = 40;
  for (let i = 0; next !== TCP && next !== UDP; i++) {
    if ((next !== HOP_BY_HOP && next !== ROUTING && next !== DESTINATION) || i === MAX_EXTENSIONS)
      return false;
    if (offset + 8 > length) return false;
    next = bytes[start + offset];
    offset += (bytes[start + offset + 1] + 1) << 3;
  }
  if (offset + 4 > length) return false;
  const scoped = isLinkLocalAt(bytes, start + 8) || isLinkLocalAt(bytes, start + 24);
  const ports = word(bytes, start + offset);
  key[at] = next | (FAMILY_6 << 8) | (KIND_EXACT << 12) | (scoped ? zone << 16 : 0);
  key[at + 1] = (ports << 16) | (ports >>> 16);
  for (let i = 0; i < 4; i++) {
    key[at + 2 + i] = word(bytes, start + 24 + 4 * i);
    key[at + 6 + i] = word(bytes, start + 8 + 4 * i);
  }
  return true;
}

function isLinkLocalAt(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xfe && (bytes[at + 1] & 0xc0) === 0x80;
}

/** Turns the key of a packet that goes out (as `keyOf` reads it) into the key of its flow: our side is the source. */
export function swapSides(key: Int32Array, at: number): void {
  const ports = key[at + 1];
  key[at + 1] = (ports << 16) | (ports >>> 16);
  for (let i = 2; i < 6; i++) {
    const address = key[at + i];
    key[at + i] = key[at + 4 + i];
    key[at + 4 + i] = address;
  }
}

/** Channel of one packet: exact flow, listeners, default; NONE (-1) when nobody takes it. The reader is online. */
export function classify(
  reader: FlowReader,
  bytes: Uint8Array,
  start: number,
  length: number,
  zone: number,
  key: Int32Array,
): number {
  if (keyOf(bytes, start, length, zone, key, 0)) return reader.lookup(key, 0);
  return reader.defaultChannel();
}

export { NONE };
