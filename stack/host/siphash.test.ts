import { expect, test } from 'vitest';
import { SipHash } from './siphash.js';

// Appendix A of the paper and the reference vectors of SipHash-2-4-64: key 00 01 … 0f, message 00 01 … of n bytes.
const vectors: [number, string][] = [
  [0, '726fdb47dd0e0e31'],
  [1, '74f839c593dc67fd'],
  [7, 'ab0200f58b01d137'],
  [8, '93f5f5799a932462'],
  [15, 'a129ca6149be45e5'],
];

test('SipHash-2-4 agrees with the published vectors', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i);
  const sip = new SipHash(bytes.subarray(0, 16));
  for (const [length, expected] of vectors) {
    sip.hash(bytes, 0, length);
    const text = sip.high.toString(16).padStart(8, '0') + sip.low.toString(16).padStart(8, '0');
    expect(text, `${length} bytes`).toBe(expected);
  }
  expect(() => new SipHash(new Uint8Array(8))).toThrow(RangeError);
});
