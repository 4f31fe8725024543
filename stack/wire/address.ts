// Addresses as the whole stack has them: 16 bytes, an IPv4 address in its mapped form ::ffff:a.b.c.d
// (RFC 4291 section 2.5.5.2). Parsing and printing (RFC 5952), classes, prefixes. Knows no packets and no
// interfaces; zones (`%eth0`) are the caller's.

/** Text that is no address or prefix. `code` is stable. */
export class AddressError extends Error {
  readonly code = 'ERR_INVALID_ADDRESS';
  constructor(text: string, what = 'IP address') {
    super(`not an ${what}: '${text}'`);
    this.name = 'AddressError';
  }
}

/** `::`, shared: never write to it. */
export const ADDRESS_ANY: Uint8Array = new Uint8Array(16);

/** A prefix of 16-byte addresses: `bits` counts from the first of 128, so an IPv4 /24 has 120. */
export interface Prefix {
  readonly address: Uint8Array;
  readonly bits: number;
}

/** Writes the mapped form of the four bytes at `src[so]` to `dst[o, o+16)`. */
export function mapIpv4(dst: Uint8Array, o: number, src: Uint8Array, so: number): void {
  for (let i = 0; i < 10; i++) dst[o + i] = 0;
  dst[o + 10] = 0xff;
  dst[o + 11] = 0xff;
  dst[o + 12] = src[so];
  dst[o + 13] = src[so + 1];
  dst[o + 14] = src[so + 2];
  dst[o + 15] = src[so + 3];
}

/** Whether the 16 bytes are a mapped IPv4 address. */
export function isIpv4(a: Uint8Array, o = 0): boolean {
  if (a[o + 10] !== 0xff || a[o + 11] !== 0xff) return false;
  for (let i = 0; i < 10; i++) if (a[o + i] !== 0) return false;
  return true;
}

export function equalAddress(a: Uint8Array, ao: number, b: Uint8Array, bo: number): boolean {
  // From the end: addresses of one host mostly share their beginning.
  for (let i = 15; i >= 0; i--) if (a[ao + i] !== b[bo + i]) return false;
  return true;
}

export function copyAddress(dst: Uint8Array, o: number, src: Uint8Array, so: number): void {
  for (let i = 0; i < 16; i++) dst[o + i] = src[so + i];
}

/** `::` or `0.0.0.0`. */
export function isUnspecified(a: Uint8Array, o = 0): boolean {
  for (let i = isIpv4(a, o) ? 12 : 0; i < 16; i++) if (a[o + i] !== 0) return false;
  return true;
}

/** `::1` or 127/8. */
export function isLoopback(a: Uint8Array, o = 0): boolean {
  if (isIpv4(a, o)) return a[o + 12] === 127;
  for (let i = 0; i < 15; i++) if (a[o + i] !== 0) return false;
  return a[o + 15] === 1;
}

/** ff00::/8 or 224/4. */
export function isMulticast(a: Uint8Array, o = 0): boolean {
  return isIpv4(a, o) ? (a[o + 12] & 0xf0) === 0xe0 : a[o] === 0xff;
}

/** fe80::/10 or 169.254/16. */
export function isLinkLocal(a: Uint8Array, o = 0): boolean {
  if (isIpv4(a, o)) return a[o + 12] === 169 && a[o + 13] === 254;
  return a[o] === 0xfe && (a[o + 1] & 0xc0) === 0x80;
}

/** 255.255.255.255. */
export function isLimitedBroadcast(a: Uint8Array, o = 0): boolean {
  return isIpv4(a, o) && (a[o + 12] & a[o + 13] & a[o + 14] & a[o + 15]) === 0xff;
}

/** Number of leading bits, 0 … 128, that two addresses have in common. */
export function commonPrefix(a: Uint8Array, ao: number, b: Uint8Array, bo: number): number {
  for (let i = 0; i < 16; i++) {
    const x = a[ao + i] ^ b[bo + i];
    if (x !== 0) return i * 8 + Math.clz32(x) - 24;
  }
  return 128;
}

/** Whether the first `bits` (0 … 128) bits agree. */
export function inPrefix(a: Uint8Array, ao: number, prefix: Uint8Array, po: number, bits: number): boolean {
  return commonPrefix(a, ao, prefix, po) >= bits;
}

/** The solicited-node multicast address of `a` (RFC 4291 section 2.7.1), written to `out`. */
export function solicitedNode(out: Uint8Array, o: number, a: Uint8Array, ao: number): void {
  for (let i = 0; i < 13; i++) out[o + i] = 0;
  out[o] = 0xff;
  out[o + 1] = 0x02;
  out[o + 11] = 0x01;
  out[o + 12] = 0xff;
  for (let i = 13; i < 16; i++) out[o + i] = a[ao + i];
}

/** The link-local address made from a 48-bit hardware address (RFC 4291 appendix A). */
export function linkLocalFromHardware(mac: Uint8Array): Uint8Array {
  return Uint8Array.of(
    0xfe,
    0x80,
    0,
    0,
    0,
    0,
    0,
    0,
    mac[0] ^ 2,
    mac[1],
    mac[2],
    0xff,
    0xfe,
    mac[3],
    mac[4],
    mac[5],
  ); // prettier-ignore
}

/** IPv4 or IPv6 text to 16 bytes. Throws AddressError. */
export function parseAddress(text: string): Uint8Array {
  const out = new Uint8Array(16);
  if (!(text.includes(':') ? parseIpv6(text, out, 0) : parseIpv4(text, out, 0))) throw new AddressError(text);
  return out;
}

/** `address/length` to a prefix; a missing length means the whole address. Throws AddressError. */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  const v4 = !text.includes(':');
  const most = v4 ? 32 : 128;
  const length = slash < 0 ? String(most) : text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > most)
    throw new AddressError(text, 'IP prefix');
  return { address, bits: Number(length) + (v4 ? 96 : 0) };
}

/** Four dotted decimals (no leading zeros, no shorter forms) to mapped form; false when it is none. */
export function parseIpv4(text: string, out: Uint8Array, o: number): boolean {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (m === null) return false;
  const quad = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = m[i + 1];
    if (Number(part) > 255 || (part.length > 1 && part[0] === '0')) return false;
    quad[i] = Number(part);
  }
  mapIpv4(out, o, quad, 0);
  return true;
}

/** RFC 4291 section 2.2 text to 16 bytes; false when it is none. */
export function parseIpv6(text: string, out: Uint8Array, o: number): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const left = groups(halves[0], halves.length === 1);
  const right = halves.length === 2 ? groups(halves[1], true) : [];
  if (left === null || right === null) return false;
  const missing = 8 - left.length - right.length;
  // "::" stands for at least one group.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return false;
  const all = [...left, ...new Array<number>(missing).fill(0), ...right];
  for (let i = 0; i < 8; i++) {
    out[o + 2 * i] = all[i] >>> 8;
    out[o + 2 * i + 1] = all[i];
  }
  return true;
}

// The 16-bit groups of one side of "::"; a dotted quad may end the address.
function groups(text: string, last: boolean): number[] | null {
  if (text === '') return [];
  const out: number[] = [];
  const parts = text.split(':');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (last && i === parts.length - 1 && part.includes('.')) {
      const quad = new Uint8Array(16);
      if (!parseIpv4(part, quad, 0)) return null;
      out.push((quad[12] << 8) | quad[13], (quad[14] << 8) | quad[15]);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(Number.parseInt(part, 16));
    else return null;
  }
  return out;
}

/** Text of a 16-byte address: dotted decimals for a mapped one, RFC 5952 for the others. */
export function formatAddress(a: Uint8Array, o = 0): string {
  return isIpv4(a, o) ? formatIpv4(a, o + 12) : formatIpv6(a, o);
}

/** Four bytes as dotted decimals. */
export function formatIpv4(b: Uint8Array, o: number): string {
  return `${b[o]}.${b[o + 1]}.${b[o + 2]}.${b[o + 3]}`;
}

/** RFC 5952 text: lower case, the longest run of two or more zero groups (the first of equals) as "::". */
export function formatIpv6(b: Uint8Array, o: number): string {
  if (isIpv4(b, o)) return `::ffff:${formatIpv4(b, o + 12)}`;
  let bestAt = -1;
  let best = 1;
  let run = 0;
  for (let i = 0; i < 8; i++) {
    run = b[o + 2 * i] === 0 && b[o + 2 * i + 1] === 0 ? run + 1 : 0;
    if (run > best) {
      best = run;
      bestAt = i - run + 1;
    }
  }
  const words: string[] = [];
  for (let i = 0; i < 8; i++) words.push(((b[o + 2 * i] << 8) | b[o + 2 * i + 1]).toString(16));
  if (bestAt < 0) return words.join(':');
  return `${words.slice(0, bestAt).join(':')}::${words.slice(bestAt + best).join(':')}`;
}

/** Text of a prefix, `192.0.2.0/24` or `2001:db8::/32`; the address as it was given, host bits included. */
export function formatPrefix(p: Prefix): string {
  const v4 = isIpv4(p.address) && p.bits >= 96;
  return `${formatAddress(p.address)}/${v4 ? p.bits - 96 : p.bits}`;
}
