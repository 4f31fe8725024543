// Generators of capture files: classic pcap of every byte order and resolution and pcapng with several block kinds, then
// damaged in places that matter (lengths, magic, ends) or anywhere.

import * as fc from 'fast-check';

const word = (value: number, little: boolean, size = 4): number[] => {
  const bytes: number[] = [];
  for (let i = 0; i < size; i++) bytes.push((value >>> (8 * i)) & 0xff);
  return little ? bytes : bytes.reverse();
};

const packet = fc.record({
  seconds: fc.nat(0x7fffffff),
  fraction: fc.nat(999_999),
  data: fc.uint8Array({ maxLength: 60 }),
  more: fc.oneof(fc.constant(0), fc.nat(2000)),
});

const classic = fc
  .record({
    little: fc.boolean(),
    nano: fc.boolean(),
    link: fc.constantFrom(0, 1, 101, 113, 276, 12345),
    snap: fc.constantFrom(0, 64, 65_535, 262_144, 0xffffffff),
    packets: fc.array(packet, { maxLength: 4 }),
  })
  .map(({ little, nano, link, snap, packets }) => {
    const w = (v: number, n = 4): number[] => word(v, little, n);
    const bytes = [
      ...w(nano ? 0xa1b23c4d : 0xa1b2c3d4),
      ...w(2, 2),
      ...w(4, 2),
      ...w(0),
      ...w(0),
      ...w(snap),
      ...w(link),
    ];
    for (const p of packets)
      bytes.push(
        ...w(p.seconds),
        ...w(p.fraction),
        ...w(p.data.length),
        ...w(p.data.length + p.more),
        ...p.data,
      );
    return Uint8Array.from(bytes);
  });

const option = fc.record({
  code: fc.constantFrom(1, 2, 3, 4, 9, 14, 0x8001),
  value: fc.uint8Array({ maxLength: 9 }),
});
type Block =
  | {
      readonly kind: 'interface';
      readonly link: number;
      readonly options: readonly { code: number; value: Uint8Array }[];
    }
  | {
      readonly kind: 'enhanced';
      readonly id: number;
      readonly packet: { seconds: number; fraction: number; data: Uint8Array; more: number };
      readonly options: readonly { code: number; value: Uint8Array }[];
    }
  | { readonly kind: 'simple'; readonly data: Uint8Array }
  | { readonly kind: 'other'; readonly type: number; readonly data: Uint8Array }
  | { readonly kind: 'section' };

const options = fc.array(option, { maxLength: 2 });
const block: fc.Arbitrary<Block> = fc.oneof(
  fc.record({ kind: fc.constant('interface' as const), link: fc.constantFrom(1, 101, 113), options }),
  fc.record({ kind: fc.constant('enhanced' as const), id: fc.nat(2), packet, options }),
  fc.record({ kind: fc.constant('simple' as const), data: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({
    kind: fc.constant('other' as const),
    type: fc.constantFrom(3, 4, 5, 0xbad, 0x0a0d0d0a),
    data: fc.uint8Array({ maxLength: 20 }),
  }),
  fc.constant({ kind: 'section' as const }),
);

const padded = (bytes: readonly number[]): number[] => [
  ...bytes,
  ...new Array<number>((4 - (bytes.length & 3)) & 3).fill(0),
];

const pcapng = fc
  .record({ little: fc.boolean(), blocks: fc.array(block, { maxLength: 6 }) })
  .map(({ little, blocks }) => {
    const w = (v: number, n = 4): number[] => word(v, little, n);
    const whole = (type: number, body: readonly number[]): number[] => {
      const total = padded(body).length + 12;
      return [...w(type), ...w(total), ...padded(body), ...w(total)];
    };
    const section = (): number[] =>
      whole(0x0a0d0d0a, [...w(0x1a2b3c4d), ...w(1, 2), ...w(0, 2), ...w(0xffffffff), ...w(0xffffffff)]);
    const listed = (list: readonly { code: number; value: Uint8Array }[]): number[] =>
      list.length === 0
        ? []
        : [
            ...list.flatMap((o) => [...w(o.code, 2), ...w(o.value.length, 2), ...padded([...o.value])]),
            ...w(0),
          ];
    const bytes = [...section(), ...whole(1, [...w(1, 2), ...w(0, 2), ...w(0)])];
    for (const b of blocks) {
      if (b.kind === 'section') bytes.push(...section());
      else if (b.kind === 'interface')
        bytes.push(...whole(1, [...w(b.link, 2), ...w(0, 2), ...w(0), ...listed(b.options)]));
      else if (b.kind === 'simple') bytes.push(...whole(3, [...w(b.data.length), ...b.data]));
      else if (b.kind === 'other') bytes.push(...whole(b.type, [...b.data]));
      else {
        const { data, more, seconds, fraction } = b.packet;
        bytes.push(
          ...whole(6, [
            ...w(b.id),
            ...w(seconds >>> 12),
            ...w(fraction),
            ...w(data.length),
            ...w(data.length + more),
            ...padded([...data]),
            ...listed(b.options),
          ]),
        );
      }
    }
    return Uint8Array.from(bytes);
  });

const damage = fc.record({
  at: fc.nat(),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 4 }),
    fc.constantFrom(
      Uint8Array.of(0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(0, 0, 0, 0),
      Uint8Array.of(0x7f, 0xff, 0xff, 0xff),
    ),
  ),
});

/** Captures as files hold them: mostly right, then damaged in up to three places and sometimes cut. */
export function capture(): fc.Arbitrary<Uint8Array> {
  const right = fc.oneof(classic, pcapng);
  const damaged = fc
    .tuple(right, fc.array(damage, { maxLength: 3 }), fc.option(fc.nat(), { nil: undefined }))
    .map(([bytes, places, cut]) => {
      const out = Uint8Array.from(bytes);
      for (const { at, bytes: b } of places) {
        // Fields are aligned: half of the damage is put on them.
        const place = (at & 1 ? at : at & ~3) % Math.max(1, out.length);
        out.set(b.subarray(0, Math.max(0, out.length - place)), place);
      }
      return cut === undefined ? out : out.slice(0, cut % (out.length + 1));
    });
  return fc.oneof(
    { weight: 8, arbitrary: damaged },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
  );
}
