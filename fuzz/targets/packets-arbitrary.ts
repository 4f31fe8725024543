// Generators of packets: right ones of every protocol that the stack reads, then damaged in fields, cut or padded. Their
// checksums may be mended after the damage, so that what lies behind a checksum is reached as well.

import * as fc from 'fast-check';
import {
  buildIcmp,
  buildIp,
  buildTcp,
  buildUdp,
  type IpFields,
  internetChecksum,
  pseudoHeader,
} from '../packets.js';

export const V4_OWN: Uint8Array = Uint8Array.of(10, 0, 0, 1);
export const V4_PEER: Uint8Array = Uint8Array.of(10, 0, 0, 2);
const v6 = (last: number): Uint8Array => Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last);
export const V6_OWN: Uint8Array = v6(1);
export const V6_PEER: Uint8Array = v6(2);

const port = fc.constantFrom(1, 80, 8080, 40_000, 0, 65_535);
const u32 = fc.oneof(
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const option = fc.oneof(
  fc.constantFrom(
    [1],
    [0],
    [2, 4, 5, 0xb4],
    [3, 3, 7],
    [4, 2],
    [8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
    [5, 10, 0, 0, 0, 1, 0, 0, 0, 9],
  ),
  fc.constantFrom(
    [34, 2],
    [34, 6, 1, 2, 3, 4],
    [254, 4, 0xf9, 0x89],
    [172, 5, 0, 0, 1],
    [174, 2],
    [19, 18, ...new Array<number>(16).fill(7)],
  ),
  // Known kinds of wrong lengths.
  fc
    .tuple(
      fc.constantFrom(2, 3, 4, 5, 8, 19, 34, 172, 174, 254),
      fc.nat(38),
      fc.uint8Array({ maxLength: 36 }),
    )
    .map(([k, n, v]) => [k, n, ...v]),
  fc.tuple(fc.nat(255), fc.nat(12), fc.uint8Array({ maxLength: 8 })).map(([k, n, v]) => [k, n, ...v]),
);
const options = fc.array(option, { maxLength: 5 }).map((list) => list.flat().slice(0, 40));
// RFC 791: record route, time stamps, source routes, router alert, security; then of any length.
const ipv4Option = fc.oneof(
  fc.constantFrom([1], [0], [7, 7, 4, 0, 0, 0, 0], [7, 7, 8, 1, 2, 3, 4], [148, 4, 0, 0], [130, 3, 0]),
  fc.constantFrom(
    [68, 8, 5, 0, 0, 0, 0, 0],
    [68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    [131, 7, 4, 10, 0, 0, 9],
    [137, 3, 4],
  ),
  fc.tuple(fc.nat(255), fc.nat(12), fc.array(fc.nat(255), { maxLength: 8 })).map(([k, n, v]) => [k, n, ...v]),
);
// RFC 8200 section 4.2: the two highest bits of an unknown option say what becomes of the packet.
const ipv6Option = fc.oneof(
  fc.constantFrom(
    [0],
    [1, 0],
    [1, 4, 0, 0, 0, 0],
    [5, 2, 0, 0],
    [0x1e, 0],
    [0x5e, 1, 9],
    [0x9e, 2, 1, 2],
    [0xde, 0],
  ),
  fc.tuple(fc.nat(255), fc.nat(12), fc.array(fc.nat(255), { maxLength: 8 })).map(([k, n, v]) => [k, n, ...v]),
);
const extensionHeader = fc.oneof(
  fc.record({
    type: fc.constantFrom(0, 60, 60),
    body: fc.array(ipv6Option, { maxLength: 3 }).map((list) => list.flat()),
  }),
  fc.record({ type: fc.constantFrom(43, 0, 60), body: fc.array(fc.nat(255), { maxLength: 22 }) }),
);
const payload = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.uint8Array({ maxLength: 40 }),
  fc.nat(1400).map((n) => new Uint8Array(n).fill(0x61)),
);

const tcp = fc.record({
  srcPort: port,
  dstPort: port,
  seq: u32,
  ack: u32,
  flags: fc.nat(0x1ff),
  window: fc.nat(0xffff),
  urgent: fc.nat(0xffff),
  options,
  payload,
});

/** `other` but for one case in `n`. (fc.option's `freq` is the odds of nothing, not of something.) */
function oneIn<T, U>(n: number, arbitrary: fc.Arbitrary<T>, other: U): fc.Arbitrary<T | U> {
  return fc.oneof({ weight: n - 1, arbitrary: fc.constant(other) }, { weight: 1, arbitrary });
}

/** A right packet of one family. */
export function rightPacket(ipv6: boolean): fc.Arbitrary<Uint8Array> {
  const src = ipv6 ? V6_PEER : V4_PEER;
  const dst = ipv6 ? V6_OWN : V4_OWN;
  const segment = tcp.map((f) => ({ protocol: 6, payload: buildTcp(src, dst, f) }));
  const datagram = fc
    .record({ from: port, to: port, payload })
    .map((f) => ({ protocol: 17, payload: buildUdp(src, dst, f.from, f.to, f.payload) }));
  const quoted = fc
    .record({ f: tcp, keep: fc.nat(80) })
    .map(({ f, keep }) =>
      buildIp({ src: dst, dst: src, protocol: 6, payload: buildTcp(dst, src, f) }).slice(0, keep),
    );
  const types4 = fc.constantFrom(0, 3, 4, 5, 8, 11, 12, 13, 40);
  const types6 = fc.constantFrom(1, 2, 3, 4, 128, 129, 133, 134, 135, 136, 137, 200);
  const message = fc
    .record({ type: ipv6 ? types6 : types4, code: fc.nat(15), rest: u32, data: fc.oneof(quoted, payload) })
    .map((m) => ({
      protocol: ipv6 ? 58 : 1,
      payload: buildIcmp(src, dst, m.type, m.code, m.rest, m.data),
    }));
  const other = fc.record({ protocol: fc.nat(255), payload });
  const extension = fc
    .record({
      protocol: fc.constantFrom(0, 43, 44, 60, 59),
      next: fc.constantFrom(6, 17, 58, 44, 60, 0),
      body: fc.uint8Array({ maxLength: 40 }),
    })
    .map(({ protocol, next, body }) => ({
      protocol,
      payload: Uint8Array.from([next, body.length >>> 3, ...body]),
    }));
  const routed: fc.Arbitrary<Pick<IpFields, 'options' | 'extensions'>> = ipv6
    ? fc.array(extensionHeader, { minLength: 1, maxLength: 3 }).map((extensions) => ({ extensions }))
    : fc
        .array(ipv4Option, { minLength: 1, maxLength: 3 })
        .map((list) => ({ options: list.flat().slice(0, 40) }));
  return fc
    .record({
      routed: oneIn(3, routed, {}),
      upper: fc.oneof(segment, segment, datagram, message, ipv6 ? fc.oneof(extension, other) : other),
      ttl: fc.constantFrom(64, 1, 0, 255),
      tos: fc.nat(255),
      id: fc.nat(3),
      fragment: oneIn(
        5,
        fc.record({ offset: fc.nat(8191).map((n) => n * 8), more: fc.boolean() }),
        undefined,
      ),
    })
    .map(({ routed, upper, ttl, tos, id, fragment }) =>
      buildIp({ src, dst, ...upper, ...routed, ttl, tos, id, ...(fragment ? { fragment } : {}) }),
    );
}

const change = fc.record({
  at: fc.nat(),
  value: fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff)),
  head: fc.boolean(),
});

/** A length that a packet states of itself, made a little or much too large or small: everything else stays right. */
const lie = fc.record({
  which: fc.nat(3),
  by: fc.oneof(fc.constantFrom(1, -1, 4, -4, 8, -8), fc.integer({ min: -70, max: 1500 }), fc.nat(65_535)),
});

function tellLie(b: Uint8Array, { which, by }: { which: number; by: number }): void {
  const version = b[0] >>> 4;
  const head = version === 4 ? (b[0] & 15) * 4 : 40;
  const add16 = (at: number): void => {
    if (at + 2 <= b.length) put16(b, at, (((b[at] << 8) | b[at + 1]) + by) & 0xffff);
  };
  const protocol = version === 4 ? b[9] : b[6];
  const tcp = head + 12;
  // The datagram's, the segment's header's, or else an extension header's; the packet's; its header's.
  if (which <= 1 && protocol === 17) add16(head + 4);
  else if (which <= 1 && protocol === 6 && tcp < b.length)
    b[tcp] = (b[tcp] & 15) | (((b[tcp] >>> 4) + by) << 4);
  else if (which <= 1 && version === 6 && head + 1 < b.length) b[head + 1] += by;
  else if (which <= 2) add16(version === 4 ? 2 : 4);
  else if (version === 4) b[0] = 0x40 | ((b[0] + by) & 15);
}

/** A packet with bytes changed, cut or with bytes behind its end, and its checksums mended when `mend`. */
export const damagedPacket: fc.Arbitrary<Uint8Array> = fc
  .record({
    packet: fc.boolean().chain(rightPacket),
    changes: fc.oneof(fc.constant([]), fc.array(change, { maxLength: 4 })),
    lie: oneIn(3, lie, undefined),
    cut: oneIn(4, fc.nat(), undefined),
    padding: fc.oneof(fc.constant(0), fc.nat(30)),
    mend: fc.constantFrom(true, true, false),
  })
  .map(({ packet, changes, lie, cut, padding, mend }) => {
    let out = Uint8Array.from(packet);
    if (lie !== undefined) tellLie(out, lie);
    for (const { at, value, head } of changes) out[at % Math.min(out.length, head ? 72 : out.length)] = value;
    if (mend) mendChecksums(out);
    if (cut !== undefined) out = out.slice(0, cut % (out.length + 1));
    else if (padding > 0) out = Uint8Array.from([...out, ...new Array<number>(padding).fill(0xa5)]);
    return out;
  });

/** Makes the checksums of a packet right again, as far as its headers can be found. */
export function mendChecksums(b: Uint8Array): void {
  const version = b.length > 0 ? b[0] >>> 4 : 0;
  let head = 40;
  let protocol = b[6];
  let end = b.length;
  let src = b.subarray(8, 24);
  let dst = b.subarray(24, 40);
  if (version === 4 && b.length >= 20) {
    head = (b[0] & 15) * 4;
    if (head < 20 || head > b.length) return;
    b[10] = 0;
    b[11] = 0;
    put16(b, 10, internetChecksum(b.subarray(0, head)));
    if (((b[6] << 8) | b[7]) & 0x3fff) return;
    protocol = b[9];
    end = Math.min(end, (b[2] << 8) | b[3]);
    src = b.subarray(12, 16);
    dst = b.subarray(16, 20);
  } else if (version !== 6 || b.length < 40) return;
  else end = Math.min(end, 40 + ((b[4] << 8) | b[5]));
  const at = protocol === 6 ? 16 : protocol === 17 ? 6 : protocol === 1 || protocol === 58 ? 2 : -1;
  if (at < 0 || head + at + 2 > end) return;
  const upper = b.subarray(head, end);
  put16(upper, at, 0);
  const pseudo = protocol === 1 ? new Uint8Array(0) : pseudoHeader(src, dst, protocol, upper.length);
  put16(upper, at, internetChecksum(pseudo, upper) || (protocol === 17 ? 0xffff : 0));
}

function put16(b: Uint8Array, o: number, v: number): void {
  b[o] = v >>> 8;
  b[o + 1] = v & 0xff;
}
