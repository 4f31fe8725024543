// Generators of the small values that syntax trees hold.

import * as fc from 'fast-check';
import type { Span } from './ast.js';

export const span: Span = { file: '', line: 0, column: 0, endLine: 0, endColumn: 0 };

export const u8 = fc.integer({ min: 0, max: 0xff });
export const u16 = fc.integer({ min: 0, max: 0xffff });
export const u24 = fc.integer({ min: 0, max: 0xffffff });
export const u32 = fc.integer({ min: 0, max: 0xffffffff });
export const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
export const star = fc.constant('*' as const);
export const star_or = <T>(arbitrary: fc.Arbitrary<T>, out: boolean) =>
  out ? fc.oneof(arbitrary, star) : arbitrary;
export const undefinedName = fc
  .constantFrom('MSS', 'TS_VALUE', 'W0')
  .map((name) => ({ kind: 'undefined-name', name, span }) as const);
export const hexBytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes).toString('hex'));
export const word = fc.constantFrom(
  'SOCK_STREAM',
  'IPPROTO_TCP',
  'O_RDWR',
  'F_GETFL',
  'foo',
  'x1',
  'fd',
  'ack',
  'tos',
);
export const ipv4 = fc.ipV4();
export const ipv6 = fc.constantFrom(
  '::1',
  '2001:db8::1',
  'fd3d:fa7b:d17d::',
  '::ffff:192.0.2.1',
  '1:2:3:4:5:6:7:8',
);

export const mplsLabel = fc.record({
  label: fc.integer({ min: 0, max: 0xfffff }),
  trafficClass: fc.integer({ min: 0, max: 7 }),
  bottom: fc.boolean(),
  ttl: u8,
  span: fc.constant(span),
});
export const greHeader = fc.record({
  flags: u16,
  checksum: u16,
  offset: u16,
  key: u32,
  sequence: u32,
  span: fc.constant(span),
});
