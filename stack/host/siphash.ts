// SipHash-2-4 (Aumasson and Bernstein, 2012) on 32-bit halves: the keyed hash behind initial sequence numbers, timestamp
// offsets and port choice. Knows bytes only.

/** A 128-bit key as four words, little-endian as the paper numbers its bytes. */
export class SipHash {
  private readonly k: Int32Array;
  /** Low and high half of the last result. */
  low = 0;
  high = 0;

  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, not ${key.length}`);
    this.k = new Int32Array(4);
    for (let i = 0; i < 4; i++) this.k[i] = word(key, i * 4);
  }

  /** Hashes `b[start, end)`; returns the low 32 bits (unsigned), `high` has the others. Allocates nothing. */
  hash(b: Uint8Array, start: number, end: number): number {
    const k = this.k;
    v[0] = k[0] ^ 0x70736575;
    v[1] = k[1] ^ 0x736f6d65;
    v[2] = k[2] ^ 0x6e646f6d;
    v[3] = k[3] ^ 0x646f7261;
    v[4] = k[0] ^ 0x6e657261;
    v[5] = k[1] ^ 0x6c796765;
    v[6] = k[2] ^ 0x79746573;
    v[7] = k[3] ^ 0x74656462;
    let o = start;
    for (; o + 8 <= end; o += 8) absorb(word(b, o), word(b, o + 4));
    let lo = 0;
    let hi = (end - start) << 24;
    for (let i = 0; o < end; i++, o++) {
      if (i < 4) lo |= b[o] << (8 * i);
      else hi |= b[o] << (8 * (i - 4));
    }
    absorb(lo, hi);
    v[4] ^= 0xff;
    for (let i = 0; i < 4; i++) round();
    this.low = (v[0] ^ v[2] ^ v[4] ^ v[6]) >>> 0;
    this.high = (v[1] ^ v[3] ^ v[5] ^ v[7]) >>> 0;
    return this.low;
  }
}

/** v0 … v3 as pairs low, high. Shared: a hash runs to its end before another starts. */
const v = new Int32Array(8);

function word(b: Uint8Array, o: number): number {
  return b[o] | (b[o + 1] << 8) | (b[o + 2] << 16) | (b[o + 3] << 24);
}

function absorb(lo: number, hi: number): void {
  v[6] ^= lo;
  v[7] ^= hi;
  round();
  round();
  v[0] ^= lo;
  v[1] ^= hi;
}

/** v[a] += v[b], 64 bits wide. */
function add(a: number, b: number): void {
  const low = (v[a] >>> 0) + (v[b] >>> 0);
  v[a + 1] = v[a + 1] + v[b + 1] + (low > 0xffff_ffff ? 1 : 0);
  v[a] = low;
}

/** v[a] = rotl(v[a], n) ^ v[b], for n below 32. */
function rotateXor(a: number, n: number, b: number): void {
  const lo = v[a];
  const hi = v[a + 1];
  v[a] = ((lo << n) | (hi >>> (32 - n))) ^ v[b];
  v[a + 1] = ((hi << n) | (lo >>> (32 - n))) ^ v[b + 1];
}

function swap(a: number): void {
  const lo = v[a];
  v[a] = v[a + 1];
  v[a + 1] = lo;
}

function round(): void {
  add(0, 2);
  rotateXor(2, 13, 0);
  swap(0);
  add(4, 6);
  rotateXor(6, 16, 4);
  add(0, 6);
  rotateXor(6, 21, 0);
  add(4, 2);
  rotateXor(2, 17, 4);
  swap(4);
}
