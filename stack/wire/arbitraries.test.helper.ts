// Generators shared by this folder's tests, and the check that a reader depends on nothing outside its range.
import fc from 'fast-check';
import { expect } from 'vitest';

export const u8 = fc.nat(0xff);
export const u16 = fc.nat(0xffff);
export const u32 = fc.integer({ min: 0, max: 0xffffffff });

/** A mapped IPv4 address. */
export const address4: fc.Arbitrary<Uint8Array> = fc
  .uint8Array({ minLength: 4, maxLength: 4, size: 'max' })
  .map((q) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...q));

/** Any 16 bytes that are not a mapped address; zero groups are frequent. */
export const address6: fc.Arbitrary<Uint8Array> = fc
  .array(fc.oneof(fc.constant(0), u16), { minLength: 8, maxLength: 8, size: 'max' })
  .filter((w) => !(w.slice(0, 5).every((x) => x === 0) && w[5] === 0xffff))
  .map((w) => Uint8Array.from(w.flatMap((x) => [x >>> 8, x & 0xff])));

export const address: fc.Arbitrary<Uint8Array> = fc.oneof(address4, address6);

/**
 * Runs `read(b, o)` with `data` among zeros, among ones and at the very end of an array, and expects the same
 * answer each time: what it says rests on the range alone. Offsets that `read` returns must be relative to `o`.
 */
export function expectSelfContained(data: Uint8Array, read: (b: Uint8Array, o: number) => unknown): unknown {
  const zeros = new Uint8Array(data.length + 160);
  const ones = new Uint8Array(data.length + 160).fill(0xff);
  const exact = new Uint8Array(data.length + 3);
  zeros.set(data, 7);
  ones.set(data, 64);
  exact.set(data, 3);
  const answer = read(zeros, 7);
  expect(read(ones, 64)).toEqual(answer);
  expect(read(exact, 3)).toEqual(answer);
  return answer;
}
