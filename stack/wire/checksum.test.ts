import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checksumOf,
  finish,
  finishUdp,
  fold,
  partialChecksum,
  pseudoSum,
  pseudoSumAt,
  sumBytes,
  swapSum,
  updateChecksum16,
  updateChecksum32,
  verifies,
} from './checksum.js';

// RFC 1071 written as naively as possible: BigInt total, then end-around carries.
function oracle(bytes: Uint8Array): number {
  let total = 0n;
  for (let i = 0; i < bytes.length; i++) total += BigInt(bytes[i]) << (i % 2 === 0 ? 8n : 0n);
  while (total > 0xffffn) total = (total & 0xffffn) + (total >> 16n);
  return Number(total);
}

const bytes = fc.uint8Array({ minLength: 0, maxLength: 400, size: 'max' });

describe('checksum', () => {
  it('gives RFC 1071 section 3 its example', () => {
    const b = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(fold(sumBytes(b, 0, 8))).toBe(0xddf2);
    expect(checksumOf(b, 0, 8)).toBe(0x220d);
  });

  it('agrees with the naive sum at any alignment, in views and shared memory', () => {
    fc.assert(
      fc.property(bytes, fc.nat(9), fc.nat(9), fc.boolean(), (data, lead, offset, shared) => {
        const size = data.length + lead + offset + 5;
        const buffer = shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size);
        const b = new Uint8Array(buffer, offset);
        b.fill(0xa5);
        b.set(data, lead);
        expect(fold(sumBytes(b, lead, lead + data.length))).toBe(oracle(data));
      }),
    );
  });

  it('does not overflow on 64 KiB of ones, nor when many sums are added', () => {
    const b = new Uint8Array(65536).fill(0xff);
    expect(fold(sumBytes(b, 0, 65536))).toBe(0xffff);
    expect(fold(sumBytes(b, 0, 65536) * 1000)).toBe(0xffff);
    expect(fold(0xffffffff)).toBe(0xffff);
    // Two carries out of 32 bits.
    expect(fold(0xffff_ffff_ffff)).toBe(0xffff);
    expect(fold(0x2_ffff_ffff)).toBe(2);
    expect(fold(0xff_ffff_ff02)).toBe(2);
    expect(fold(0x1_fffe_ffff)).toBe(oracle(Uint8Array.of(0, 1, 0xff, 0xfe, 0xff, 0xff)));
  });

  it('may be cut into pieces, odd ones too', () => {
    fc.assert(
      fc.property(bytes, fc.nat(400), (data, at) => {
        const cut = Math.min(at, data.length);
        const tail = sumBytes(data, cut, data.length);
        const sum = sumBytes(data, 0, cut) + (cut % 2 === 1 ? swapSum(tail) : tail);
        expect(fold(sum)).toBe(oracle(data));
      }),
    );
  });

  it('verifies what it finished and nothing that was damaged in one bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 200, size: 'max' }), fc.nat(), (data, bit) => {
        data[0] = 0;
        data[1] = 0;
        const c = checksumOf(data, 0, data.length);
        data[0] = c >>> 8;
        data[1] = c;
        expect(verifies(sumBytes(data, 0, data.length))).toBe(true);
        data[(bit >>> 3) % data.length] ^= 1 << (bit & 7);
        expect(verifies(sumBytes(data, 0, data.length))).toBe(false);
      }),
    );
  });

  it('sends a computed UDP zero as ones', () => {
    expect(finish(0xffff)).toBe(0);
    expect(finishUdp(0xffff)).toBe(0xffff);
    expect(finishUdp(0x1234)).toBe(0xedcb);
  });

  it('updates as if it were computed anew (RFC 1624)', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 8, maxLength: 60, size: 'max' }),
        fc.nat(0xffff),
        fc.integer({ min: 0, max: 0xffffffff }),
        (data, word, long) => {
          // A header has something that is never zero in it; without that 0 and 0xffff are both right.
          data[2] = 0x45;
          const view = new DataView(data.buffer, data.byteOffset);
          const full = checksumOf(data, 0, data.length);
          const before16 = view.getUint16(0);
          view.setUint16(0, word);
          const after16 = checksumOf(data, 0, data.length);
          expect(updateChecksum16(full, before16, word)).toBe(after16);
          const before32 = view.getUint32(4);
          view.setUint32(4, long);
          expect(updateChecksum32(after16, before32, long)).toBe(checksumOf(data, 0, data.length));
        },
      ),
    );
    // RFC 1624 section 4's example, where equation 2 goes wrong.
    expect(updateChecksum16(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  it('sums pseudo-headers of both families from 16-byte addresses', () => {
    const addr = fc.uint8Array({ minLength: 16, maxLength: 16, size: 'max' });
    fc.assert(
      fc.property(addr, addr, fc.boolean(), fc.nat(255), fc.nat(70000), (src, dst, v4, nh, len) => {
        fc.pre(nh > 0);
        if (v4) {
          for (const a of [src, dst]) {
            a.fill(0, 0, 10);
            a.fill(0xff, 10, 12);
          }
        }
        const head = v4
          ? [...src.subarray(12), ...dst.subarray(12), 0, nh, ...be32(len)]
          : [...src, ...dst, ...be32(len), 0, 0, 0, nh];
        const want = oracle(Uint8Array.from(head));
        const sum = pseudoSum(src, 0, dst, 0, nh, len);
        expect(partialChecksum(sum)).toBe(want);
        const pair = Uint8Array.from(v4 ? [...src.subarray(12), ...dst.subarray(12)] : [...src, ...dst]);
        expect(fold(pseudoSumAt(pair, 0, pair.length, nh, len))).toBe(want);
      }),
    );
  });
});

function be32(v: number): number[] {
  return [v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255];
}
