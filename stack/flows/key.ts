// The key by which a packet finds its channel: family, zone, protocol, two 16-byte addresses, two ports, in ten 32-bit
// words. IPv4 addresses stand in their mapped form (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2) with family 4, so that one
// table holds both. It must never know what stores keys, nor read packets (classify.ts does).
//
//   word 0  protocol (8 bits) | family 4 or 6 (4) | kind (4) | zone (16)
//   word 1  local port (16) | remote port (16)
//   words 2-5 local address, 6-9 remote address, big-endian
//
// "Local" is our side: the destination of what comes in, the source of what goes out.

export const KEY_WORDS = 10;

/** A full four-tuple. */
export const KIND_EXACT = 0;
/** A listener on one local address: any remote side. */
export const KIND_LISTENER = 1;
/** A listener on every local address of the family. */
export const KIND_ANY = 2;
/** Everything to one local address: a host of its own among several on the same links. */
export const KIND_ADDRESS = 3;

export const FAMILY_4 = 4;
export const FAMILY_6 = 6;

export class KeyError extends Error {
  readonly code = 'KEY_BAD';
  constructor(message: string) {
    super(message);
    this.name = 'KeyError';
  }
}

export interface Endpoint {
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  address: Uint8Array;
  port: number;
}

/** Whether 16 address bytes at `at` are an IPv4-mapped address. */
export function isMapped(bytes: Uint8Array, at = 0): boolean {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false;
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff;
}

/** Whether the address is link-local (fe80::/10), whose meaning depends on the zone (RFC 4007). */
export function isLinkLocal(bytes: Uint8Array, at = 0): boolean {
  return bytes[at] === 0xfe && (bytes[at + 1] & 0xc0) === 0x80;
}

function word0(protocol: number, family: number, kind: number, zone: number): number {
  return protocol | (family << 8) | (kind << 12) | (zone << 16);
}

function setAddress(out: Int32Array, at: number, bytes: Uint8Array): void {
  for (let i = 0; i < 4; i++) {
    const b = i * 4;
    out[at + i] = (bytes[b] << 24) | (bytes[b + 1] << 16) | (bytes[b + 2] << 8) | bytes[b + 3];
  }
}

function check(protocol: number, zone: number, ...sides: Endpoint[]): void {
  if (!(protocol >= 0 && protocol <= 255)) throw new KeyError(`protocol ${protocol}`);
  if (!(zone >= 0 && zone <= 65535)) throw new KeyError(`zone ${zone}: an interface number of 16 bits`);
  for (const side of sides) {
    if (side.address.length !== 16) throw new KeyError(`an address has 16 bytes, not ${side.address.length}`);
    if (!(side.port >= 0 && side.port <= 65535)) throw new KeyError(`port ${side.port}`);
  }
}

/** The key of one connection. Family follows from the addresses, zone counts for link-local ones only. Throws KEY_BAD. */
export function exactKey(protocol: number, local: Endpoint, remote: Endpoint, zone = 0): Int32Array {
  check(protocol, zone, local, remote);
  const mapped = isMapped(local.address);
  if (mapped !== isMapped(remote.address)) throw new KeyError('the two sides are of different families');
  const scoped = !mapped && (isLinkLocal(local.address) || isLinkLocal(remote.address));
  const key = new Int32Array(KEY_WORDS);
  key[0] = word0(protocol, mapped ? FAMILY_4 : FAMILY_6, KIND_EXACT, scoped ? zone : 0);
  key[1] = (local.port << 16) | remote.port;
  setAddress(key, 2, local.address);
  setAddress(key, 6, remote.address);
  return key;
}

/** The key of a listener (or an unconnected UDP socket) on one local address. Throws KEY_BAD. */
export function listenerKey(protocol: number, local: Endpoint, zone = 0): Int32Array {
  check(protocol, zone, local);
  const mapped = isMapped(local.address);
  const scoped = !mapped && isLinkLocal(local.address);
  const key = new Int32Array(KEY_WORDS);
  key[0] = word0(protocol, mapped ? FAMILY_4 : FAMILY_6, KIND_LISTENER, scoped ? zone : 0);
  key[1] = local.port << 16;
  setAddress(key, 2, local.address);
  return key;
}

/**
 * The key of a listener on all addresses of one family. A dual-stack socket on `::` inserts two: family 6 and family 4.
 */
export function anyKey(protocol: number, family: 4 | 6, port: number): Int32Array {
  check(protocol, 0);
  if (!(port >= 0 && port <= 65535)) throw new KeyError(`port ${port}`);
  const key = new Int32Array(KEY_WORDS);
  key[0] = word0(protocol, family, KIND_ANY, 0);
  key[1] = port << 16;
  return key;
}

/** The key of a host's address: what comes to it and matches no flow or listener. Throws KEY_BAD. */
export function addressKey(address: Uint8Array, zone = 0): Int32Array {
  check(0, zone, { address, port: 0 });
  const mapped = isMapped(address);
  const scoped = !mapped && isLinkLocal(address);
  const key = new Int32Array(KEY_WORDS);
  key[0] = word0(0, mapped ? FAMILY_4 : FAMILY_6, KIND_ADDRESS, scoped ? zone : 0);
  setAddress(key, 2, address);
  return key;
}

export function isAddressKey(key: Int32Array): boolean {
  return ((key[0] >>> 12) & 15) === KIND_ADDRESS;
}

/** The address of an address key, and the link it is on where that matters (link-local), else 0. */
export function keyAddress(key: Int32Array): { address: Uint8Array; zone: number } {
  return { address: bytesAt(key, 2), zone: key[0] >>> 16 };
}

/** The four-tuple of an exact key, null for any other. `zone`: the link of link-local addresses, else 0. */
export function keyFlow(key: Int32Array): {
  protocol: number;
  localAddress: Uint8Array;
  localPort: number;
  remoteAddress: Uint8Array;
  remotePort: number;
  ipv6: boolean;
  zone: number;
} | null {
  if (((key[0] >>> 12) & 15) !== KIND_EXACT) return null;
  return {
    protocol: key[0] & 0xff,
    localAddress: bytesAt(key, 2),
    localPort: key[1] >>> 16,
    remoteAddress: bytesAt(key, 6),
    remotePort: key[1] & 0xffff,
    ipv6: ((key[0] >>> 8) & 15) === FAMILY_6,
    zone: key[0] >>> 16,
  };
}

function bytesAt(key: Int32Array, at: number): Uint8Array {
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) bytes[i] = key[at + (i >> 2)] >>> (24 - 8 * (i & 3));
  return bytes;
}

/** Turns the exact key at `from` into the listener key that would match its local side, at `to`. */
export function toListener(from: Int32Array, at: number, to: Int32Array): void {
  // The zone is the scope of either address; a listener on a global address has none.
  const zone = from[at + 2] >>> 22 === 0x3fa ? from[at] & 0xffff0000 : 0;
  to[0] = (from[at] & 0xfff) | (KIND_LISTENER << 12) | zone;
  to[1] = from[at + 1] & 0xffff0000;
  to[2] = from[at + 2];
  to[3] = from[at + 3];
  to[4] = from[at + 4];
  to[5] = from[at + 5];
  to[6] = 0;
  to[7] = 0;
  to[8] = 0;
  to[9] = 0;
}

/** Turns the listener key of `toListener` into the wild one, in place. */
export function toAny(key: Int32Array): void {
  key[0] = (key[0] & 0xfff) | (KIND_ANY << 12);
  key[2] = 0;
  key[3] = 0;
  key[4] = 0;
  key[5] = 0;
}

/** Turns the listener key of `toListener` into that of its address, in place. */
export function toAddress(key: Int32Array): void {
  key[0] = (key[0] & 0xffff0f00) | (KIND_ADDRESS << 12);
  key[1] = 0;
}

/** Whether two keys, each at its place, are the same. */
export function equalKeys(a: Int32Array, aAt: number, b: Int32Array, bAt: number): boolean {
  for (let i = 0; i < KEY_WORDS; i++) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

function addressText(key: Int32Array, at: number, family: number): string {
  if (family === FAMILY_4) {
    const w = key[at + 3];
    return `${w >>> 24}.${(w >>> 16) & 255}.${(w >>> 8) & 255}.${w & 255}`;
  }
  const groups: string[] = [];
  for (let i = 0; i < 4; i++) {
    groups.push((key[at + i] >>> 16).toString(16), (key[at + i] & 0xffff).toString(16));
  }
  return `[${groups
    .join(':')
    .replace(/\b(?:0:){2,}0?/, ':')
    .replace(/^:(?!:)/, '::')}]`;
}

/** Readable form for printing and errors: `6 10.0.0.1:80 < 10.0.0.2:4321`. */
export function keyText(key: Int32Array, at = 0): string {
  const family = (key[at] >>> 8) & 15;
  const kind = (key[at] >>> 12) & 15;
  const zone = key[at] >>> 16;
  const local = kind === KIND_ANY ? `*${family}` : addressText(key, at + 2, family);
  const remote = kind === KIND_EXACT ? `${addressText(key, at + 6, family)}:${key[at + 1] & 0xffff}` : '*';
  return `${key[at] & 255} ${local}${zone ? `%${zone}` : ''}:${key[at + 1] >>> 16} < ${remote}`;
}
