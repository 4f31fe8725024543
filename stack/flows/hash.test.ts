// The hash against published vectors, and what the table needs of it.
import { describe, expect, it } from 'vitest';
import { halfSipHash13, hashKey } from './hash.js';
import { exactKey } from './key.js';

describe('hash', () => {
  it('is HalfSipHash-1-3: the vectors of 0, 4, 8 and 12 bytes 00 01 02 … under the key 00 … 07', () => {
    // Published with Linux's hsiphash self-test (32-bit form), for whole words.
    const words = new Int32Array([0x03020100, 0x07060504, 0x0b0a0908]);
    const of = (count: number) => halfSipHash13(words, 0, count, 0x03020100, 0x07060504) >>> 0;
    expect([0, 1, 2, 3].map(of)).toEqual([0x5814c896, 0x7e059ea6, 0x577999b1, 0x6b28096c]);
  });

  it('spreads one client’s ports and many clients alike, for both families', () => {
    for (const family of [4, 6]) {
      const counts = new Int32Array(1024);
      for (let n = 0; n < 16384; n++) {
        const remote = new Uint8Array(16);
        if (family === 4) remote.set([0xff, 0xff, 10, 0, 0, n >> 8], 10);
        else remote.set([0x20, 1, n >> 8], 0);
        const local = new Uint8Array(16);
        if (family === 4) local.set([0xff, 0xff, 10, 1, 0, 1], 10);
        else local.set([0x20, 2]);
        const key = exactKey(6, { address: local, port: 80 }, { address: remote, port: 1024 + (n & 255) });
        counts[hashKey(key, 0, 12345, -99) >>> 22]++;
      }
      // Chi-square over 1,024 bins: mean 1,023, standard deviation 45.
      let chi = 0;
      for (const c of counts) chi += (c - 16) ** 2 / 16;
      expect(chi).toBeGreaterThan(1023 - 6 * 45);
      expect(chi).toBeLessThan(1023 + 6 * 45);
    }
  });

  it('depends on both halves of the secret and on every word', () => {
    const side = (n: number) => ({ address: Uint8Array.from({ length: 16 }, (_, i) => i + n), port: 7 });
    const key = exactKey(6, side(1), side(2));
    const base = hashKey(key, 0, 1, 2);
    expect(hashKey(key, 0, 2, 2)).not.toBe(base);
    expect(hashKey(key, 0, 1, 3)).not.toBe(base);
    for (let i = 0; i < 10; i++) {
      const other = key.slice();
      other[i] ^= 1 << 30;
      expect(hashKey(other, 0, 1, 2)).not.toBe(base);
    }
  });
});
