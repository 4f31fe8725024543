// SipHash-2-4 (Aumasson and Bernstein 2012) in 32-bit halves: fast-open cookies (RFC 7413) and SYN cookies.
// Key words little-endian, as in the reference and in Linux.

// v0 … v3 as low and high halves.
let v0l = 0;
let v0h = 0;
let v1l = 0;
let v1h = 0;
let v2l = 0;
let v2h = 0;
let v3l = 0;
let v3h = 0;

/** Low and high half of the last result. */
export let sipLow = 0;
export let sipHigh = 0;

function round(): void {
  let low = (v0l >>> 0) + (v1l >>> 0);
  v0h = (v0h + v1h + (low > 0xffff_ffff ? 1 : 0)) | 0;
  v0l = low | 0;
  let l = (v1l << 13) | (v1h >>> 19);
  let h = (v1h << 13) | (v1l >>> 19);
  v1l = l ^ v0l;
  v1h = h ^ v0h;
  l = v0l;
  v0l = v0h;
  v0h = l;
  low = (v2l >>> 0) + (v3l >>> 0);
  v2h = (v2h + v3h + (low > 0xffff_ffff ? 1 : 0)) | 0;
  v2l = low | 0;
  l = (v3l << 16) | (v3h >>> 16);
  h = (v3h << 16) | (v3l >>> 16);
  v3l = l ^ v2l;
  v3h = h ^ v2h;
  low = (v0l >>> 0) + (v3l >>> 0);
  v0h = (v0h + v3h + (low > 0xffff_ffff ? 1 : 0)) | 0;
  v0l = low | 0;
  l = (v3l << 21) | (v3h >>> 11);
  h = (v3h << 21) | (v3l >>> 11);
  v3l = l ^ v0l;
  v3h = h ^ v0h;
  low = (v2l >>> 0) + (v1l >>> 0);
  v2h = (v2h + v1h + (low > 0xffff_ffff ? 1 : 0)) | 0;
  v2l = low | 0;
  l = (v1l << 17) | (v1h >>> 15);
  h = (v1h << 17) | (v1l >>> 15);
  v1l = l ^ v2l;
  v1h = h ^ v2h;
  l = v2l;
  v2l = v2h;
  v2h = l;
}

function u32le(b: Uint8Array, o: number): number {
  return b[o]! | (b[o + 1]! << 8) | (b[o + 2]! << 16) | (b[o + 3]! << 24);
}

function compress(l: number, h: number): void {
  v3l ^= l;
  v3h ^= h;
  round();
  round();
  v0l ^= l;
  v0h ^= h;
}

/** Hashes `length` bytes of `data` with the 16 bytes at `keyOffset` of `key`; the result is in `sipLow` and `sipHigh`. */
export function sipHash(key: Uint8Array, keyOffset: number, data: Uint8Array, length: number): void {
  const k0l = u32le(key, keyOffset);
  const k0h = u32le(key, keyOffset + 4);
  const k1l = u32le(key, keyOffset + 8);
  const k1h = u32le(key, keyOffset + 12);
  v0l = k0l ^ 0x70736575;
  v0h = k0h ^ 0x736f6d65;
  v1l = k1l ^ 0x6e646f6d;
  v1h = k1h ^ 0x646f7261;
  v2l = k0l ^ 0x6e657261;
  v2h = k0h ^ 0x6c796765;
  v3l = k1l ^ 0x79746573;
  v3h = k1h ^ 0x74656462;
  const whole = length & ~7;
  for (let o = 0; o < whole; o += 8) compress(u32le(data, o), u32le(data, o + 4));
  let l = 0;
  let h = (length & 0xff) << 24;
  for (let i = length - whole - 1; i >= 0; i--) {
    const byte = data[whole + i]!;
    if (i < 4) l |= byte << (8 * i);
    else h |= byte << (8 * (i - 4));
  }
  compress(l, h);
  v2l ^= 0xff;
  round();
  round();
  round();
  round();
  sipLow = (v0l ^ v1l ^ v2l ^ v3l) >>> 0;
  sipHigh = (v0h ^ v1h ^ v2h ^ v3h) >>> 0;
}
