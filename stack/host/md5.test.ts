import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Md5 } from './md5.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('RFC 1321 appendix A.5, and any bytes in any pieces, as node:crypto', () => {
  const md5 = new Md5();
  const out = new Uint8Array(16);
  md5.digest(out, 0);
  expect(hex(out)).toBe('d41d8cd98f00b204e9800998ecf8427e');
  const abc = new TextEncoder().encode('abc');
  md5.reset().update(abc, 0, 3).digest(out, 0);
  expect(hex(out)).toBe('900150983cd24fb0d6963f7d28e17f72');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
      const at = Math.min(cut, bytes.length);
      md5.reset().update(bytes, 0, at).update(bytes, at, bytes.length).digest(out, 0);
      expect(hex(out)).toBe(createHash('md5').update(bytes).digest('hex'));
    }),
    { numRuns: 200 },
  );
});
