// Generators of what configures a host, from whoever sends it: router advertisements, neighbour messages about addresses that the
// stack has or claims, MLD, IGMP, and DHCP replies. Right to the checksum, senseless in between.

import * as fc from 'fast-check';
import { buildIcmp, buildIp, buildUdp, internetChecksum } from '../packets.js';
import { V4_OWN, V6_OWN } from './packets-arbitrary.js';

const bytes16 = (text: string): Uint8Array => {
  const [head, tail] = text.split('::').map((half) => half.split(':').filter((word) => word !== ''));
  const words = [...head, ...new Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Uint8Array.from(
    words.flatMap((word) => [Number.parseInt(word, 16) >>> 8, Number.parseInt(word, 16) & 255]),
  );
};

const source6 = fc.oneof(
  fc.nat(20).map((n) => bytes16(`fe80::${n.toString(16)}`)),
  fc.constantFrom(bytes16('::'), bytes16('2001:db8::9'), V6_OWN),
);
const group6 = fc.constantFrom(
  ...['ff02::1', 'ff02::2', 'ff02::16', 'ff02::1:ff00:1', 'ff0e::5'].map(bytes16),
  V6_OWN,
);
const hops = fc.constantFrom(255, 255, 255, 1, 1, 64);
const word = (n: number): number[] => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const u32 = fc.oneof(fc.constantFrom(0, 1, 30, 7200, 0xffff_ffff), fc.nat(0x7fff_ffff));
const code = fc.oneof(fc.constant(0), fc.nat(0xffff));

const ndOption = fc.oneof(
  fc.constantFrom(
    [1, 1, 2, 0, 0, 0, 0, 2],
    [2, 1, 2, 0, 0, 0, 0, 1],
    [14, 1, 1, 2, 3, 4, 5, 6],
    [5, 1, 0, 0, 0, 0, 5, 0],
  ),
  u32.map((mtu) => [5, 1, 0, 0, ...word(mtu)]),
  fc
    .tuple(fc.constantFrom(64, 0, 128, 129, 48), fc.constantFrom(0xc0, 0x80, 0x40, 0), u32, u32, fc.nat(40))
    .map(([bits, flags, valid, preferred, n]) => [
      ...[3, 4, bits, flags, ...word(valid), ...word(preferred), 0, 0, 0, 0],
      ...bytes16(`2001:db8:${n.toString(16)}::1`),
    ]),
  fc.tuple(fc.nat(255), fc.nat(3), fc.array(fc.nat(255), { maxLength: 30 })).map(([k, n, v]) => [k, n, ...v]),
);
const ndOptions = fc.array(ndOption, { maxLength: 6 }).map((list) => list.flat());
const target = fc.oneof(
  fc.constantFrom(V6_OWN, bytes16('fe80::1'), bytes16('2001:db8::9')),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
);
const neighbour = fc.record({
  type: fc.constantFrom(133, 134, 134, 134, 135, 136),
  rest: u32,
  body: fc.tuple(u32, u32, target, ndOptions),
});
const listener = fc.record({
  type: fc.constantFrom(130, 130, 131, 132, 143),
  rest: code.map((n) => n << 16),
  body: fc.tuple(u32, u32, group6, fc.array(fc.nat(255), { maxLength: 24 })),
});

const icmp6 = fc
  .record({
    src: source6,
    dst: group6,
    ttl: hops,
    alert: fc.boolean(),
    message: fc.oneof(neighbour, listener),
  })
  .map(({ src, dst, ttl, alert, message: { type, rest, body } }) => {
    const [a, b, address, more] = body;
    // Router advertisements have two words before their options, the others an address.
    const data =
      type === 134 ? [...word(a), ...word(b), ...more] : type === 133 ? more : [...address, ...more];
    const payload = buildIcmp(src, dst, type, 0, rest >>> 0, Uint8Array.from(data));
    const extensions = alert || type < 133 ? [{ type: 0, body: [5, 2, 0, 0] }] : [];
    return buildIp({ src, dst, protocol: 58, payload, ttl, extensions });
  });

const igmp = fc
  .record({
    src: fc.constantFrom(Uint8Array.of(0, 0, 0, 0), Uint8Array.of(10, 0, 0, 2), V4_OWN),
    dst: fc.constantFrom(Uint8Array.of(224, 0, 0, 1), Uint8Array.of(239, 1, 2, 3), V4_OWN),
    ttl: fc.constantFrom(1, 1, 64),
    type: fc.constantFrom(0x11, 0x11, 0x11, 0x12, 0x16, 0x17, 0x22),
    code: fc.nat(255),
    group: fc.constantFrom([0, 0, 0, 0], [239, 1, 2, 3], [10, 0, 0, 1]),
    more: fc.oneof(fc.constant([]), fc.array(fc.nat(255), { maxLength: 20 })),
  })
  .map(({ src, dst, ttl, type, code, group, more }) => {
    const payload = Uint8Array.from([type, code, 0, 0, ...group, ...more]);
    const sum = internetChecksum(payload);
    payload.set([sum >>> 8, sum & 255], 2);
    return buildIp({ src, dst, protocol: 2, payload, ttl, options: [148, 4, 0, 0] });
  });

/** A packet that would configure the stack, or say something of its groups. */
export const configurationPacket: fc.Arbitrary<Uint8Array> = fc.oneof({ weight: 3, arbitrary: icmp6 }, igmp);

/** A DHCP server's answer but for what it answers: message type and options. */
export interface DhcpAnswer {
  readonly type: number;
  readonly yours: number;
  readonly options: readonly number[];
}

const dhcpOption = fc.oneof(
  fc.constantFrom([54, 4, 10, 0, 0, 9], [1, 4, 255, 255, 255, 0], [3, 4, 10, 0, 0, 9], [52, 1, 3]),
  fc.tuple(fc.constantFrom(51, 58, 59), u32).map(([k, n]) => [k, 4, ...word(n)]),
  fc
    .tuple(fc.nat(255), fc.nat(40), fc.array(fc.nat(255), { maxLength: 20 }))
    .map(([k, n, v]) => [k, n, ...v]),
);
export const dhcpAnswer: fc.Arbitrary<DhcpAnswer> = fc.record({
  type: fc.constantFrom(2, 2, 5, 5, 5, 6, 1),
  yours: fc.oneof(fc.constantFrom(0x0a00_0001, 0x0a00_0032, 0xe000_0001, 0), fc.nat(0x7fff_ffff)),
  options: fc
    .array(dhcpOption, { maxLength: 5 })
    .map((list) => [54, 4, 10, 0, 0, 9, 51, 4, 0, 0, 1, 0, ...list.flat()]),
});

/** The answer to the client of `hardware` in the transaction `xid`, as a broadcast. */
export function dhcpPacket(answer: DhcpAnswer, xid: number, hardware: readonly number[]): Uint8Array {
  const fixed = new Uint8Array(236);
  fixed.set([2, 1, 6, 0, ...word(xid)]);
  fixed.set(word(answer.yours), 16);
  fixed.set(hardware, 28);
  const message = Uint8Array.from([
    ...fixed,
    0x63,
    0x82,
    0x53,
    0x63,
    53,
    1,
    answer.type,
    ...answer.options,
    255,
  ]);
  const src = Uint8Array.of(10, 0, 0, 9);
  const dst = Uint8Array.of(255, 255, 255, 255);
  return buildIp({ src, dst, protocol: 17, payload: buildUdp(src, dst, 67, 68, message) });
}
