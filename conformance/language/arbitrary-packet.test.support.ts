// Generators of packets.

import * as fc from 'fast-check';
import {
  greHeader,
  hexBytes,
  ipv4,
  ipv6,
  mplsLabel,
  orNull,
  span,
  star_or,
  u8,
  u16,
  u24,
  u32,
  undefinedName,
} from './arbitrary-basics.test.support.js';
import type { EncapsulationLayer, Endpoint, PacketBody, TcpFlags, TcpOption, Transport } from './ast.js';
import { tcpOptionLength } from './parse-tcp-options.js';
import { ICMPV4_CODES, ICMPV4_TYPES } from './vocabulary.js';

const checksum = fc.oneof(u16, fc.constant('bad' as const));

const endpoint: fc.Arbitrary<Endpoint> = fc.oneof(
  u16.map((port) => ({ address: null, port })),
  fc.oneof(ipv4, ipv6).map((address) => ({ address, port: null })),
  fc.tuple(fc.oneof(ipv4, ipv6), u16).map(([address, port]) => ({ address, port })),
);
const endpoints = orNull(fc.record({ source: endpoint, destination: endpoint, span: fc.constant(span) }));

const tosFields = fc.oneof(
  fc.record({ ecn: fc.constant(null), dscp: fc.constant(null), tos: orNull(u8) }),
  fc.record({
    ecn: orNull(fc.constantFrom('noecn' as const, 'ect0' as const, 'ect1' as const, 'ce' as const)),
    dscp: orNull(fc.integer({ min: 0, max: 63 })),
    tos: fc.constant(null),
  }),
);
const ipInfo = (inbound: boolean) =>
  fc
    .tuple(
      tosFields,
      fc.record({
        brackets: fc.constantFrom('[]' as const, '()' as const),
        flowLabel: orNull(fc.integer({ min: 0, max: 0xfffff })),
        ttl: orNull(u8),
        checksum: inbound ? orNull(checksum) : fc.constant(null),
        span: fc.constant(span),
      }),
    )
    .map(([tos, rest]) => ({ ...tos, ...rest }))
    .filter((ip) =>
      [ip.ecn, ip.dscp, ip.tos, ip.flowLabel, ip.ttl, ip.checksum].some((field) => field !== null),
    );

const layer: fc.Arbitrary<EncapsulationLayer> = fc.oneof(
  fc.record({ ip: orNull(ipInfo(true)), source: ipv4, destination: ipv4 }).map((fields) => ({
    kind: 'ipv4' as const,
    ...fields,
    span,
  })),
  fc.record({ ip: orNull(ipInfo(true)), source: ipv6, destination: ipv6 }).map((fields) => ({
    kind: 'ipv6' as const,
    ...fields,
    span,
  })),
  orNull(greHeader).map((header) => ({ kind: 'gre' as const, header, span })),
  fc.array(mplsLabel, { maxLength: 3 }).map((labels) => ({ kind: 'mpls' as const, labels, span })),
);

const flags: fc.Arbitrary<TcpFlags> = fc
  .tuple(
    fc.record({
      syn: fc.boolean(),
      fin: fc.boolean(),
      rst: fc.boolean(),
      psh: fc.boolean(),
      urg: fc.boolean(),
      ack: fc.boolean(),
    }),
    fc.oneof(
      fc.record({ ece: fc.boolean(), cwr: fc.boolean(), ae: fc.boolean(), ace: fc.constant(null) }),
      fc.integer({ min: 0, max: 7 }).map((ace) => ({ ece: false, cwr: false, ae: false, ace })),
    ),
  )
  .map(([plain, ecn]) => ({ ...plain, ...ecn, span }))
  // A lone digit is a number to the scanner of the original, too.
  .filter((all) => all.ace === null || all.ack || all.syn || all.fin || all.rst || all.psh || all.urg);

const sequence = (out: boolean) =>
  fc
    .tuple(
      u32,
      u16,
      out
        ? fc.constantFrom('relative' as const, 'absolute' as const, 'any' as const)
        : fc.constantFrom('relative' as const, 'absolute' as const),
    )
    .map(([start, length, mode]) => {
      if (mode === 'any') return { mode, start: 0, end: 0, length, span };
      if (mode === 'absolute') return { mode, start, end: (start + length) % 2 ** 32, length, span };
      const low = Math.min(start, 0xffffffff - length);
      return { mode, start: low, end: low + length, length, span };
    });

function tcpOption(out: boolean): fc.Arbitrary<TcpOption> {
  const value = (number: fc.Arbitrary<number>) => star_or(fc.oneof(number, undefinedName), out);
  const counters = (minLength: number) => fc.array(value(u24), { minLength, maxLength: 3 });
  const data = star_or(hexBytes(0, 8), out);
  return fc.oneof(
    fc.constantFrom('nop' as const, 'eol' as const, 'sackOK' as const).map((kind) => ({ kind, span })),
    value(u16).map((mss) => ({ kind: 'mss' as const, value: mss, span })),
    value(u8).map((shift) => ({ kind: 'wscale' as const, value: shift, span })),
    star_or(fc.array(fc.record({ left: u32, right: u32 }), { minLength: 1, maxLength: 4 }), out).map(
      (blocks) => ({
        kind: 'sack' as const,
        blocks,
        span,
      }),
    ),
    fc.tuple(value(u32), value(u32), fc.boolean()).map(([val, ecr, mark]) => ({
      kind: 'TS' as const,
      val,
      ecr,
      ecrAbsolute: mark && ecr !== '*',
      span,
    })),
    fc.tuple(fc.boolean(), fc.oneof(data, undefinedName)).map(([experimental, cookie]) => ({
      kind: 'FO' as const,
      experimental,
      cookie,
      span,
    })),
    star_or(fc.oneof(hexBytes(1, 16), fc.constant('valid')), out).map((digest) => ({
      kind: 'md5' as const,
      digest,
      span,
    })),
    fc
      .tuple(fc.constantFrom(0 as const, 1 as const), fc.boolean(), counters(0))
      .map(([order, experimental, list]) => ({
        kind: 'accecn' as const,
        order,
        experimental,
        counters: list,
        span,
      })),
    fc.tuple(u8, data).map(([optionKind, bytes]) => ({
      kind: 'generic' as const,
      optionKind,
      experimentId: null,
      data: bytes,
      span,
    })),
    fc.tuple(u16, data).map(([experimentId, bytes]) => ({
      kind: 'generic' as const,
      optionKind: 254,
      experimentId,
      data: bytes,
      span,
    })),
    hexBytes(1, 8).map((bytes) => ({ kind: 'raw' as const, bytes, span })),
  );
}

/** Padded with nops to a multiple of four, and cut to what a header holds, where lengths are known. */
const optionList = (out: boolean) =>
  fc.array(tcpOption(out), { maxLength: 5 }).map((options) => {
    const list: TcpOption[] = [];
    let total = 0;
    for (const option of options) {
      const length = tcpOptionLength(option);
      if (length !== null && total + length > 40) continue;
      list.push(option);
      total += length ?? 0;
    }
    if (!list.some((option) => tcpOptionLength(option) === null)) {
      for (; total % 4 !== 0; total++) list.push({ kind: 'nop', span });
    }
    return list;
  });

const ports = orNull(fc.record({ source: u16, destination: u16 }));

function transport(out: boolean): fc.Arbitrary<Transport> {
  const sum = out ? fc.constant(null) : orNull(checksum);
  const field = (number: fc.Arbitrary<number>) => orNull(star_or(fc.oneof(number, undefinedName), out));
  const options = out ? fc.oneof(optionList(out), fc.constant('any' as const)) : optionList(out);
  const tcp = fc.record({
    kind: fc.constant('tcp' as const),
    endpoints,
    flags,
    sequence: sequence(out),
    ack: field(u32),
    window: field(u16),
    urgent: field(u16),
    options,
    checksum: sum,
    udpEncapsulation: ports,
    span: fc.constant(span),
  });
  const udp = fc.record({
    kind: fc.constant('udp' as const),
    endpoints,
    length: u16,
    checksum: sum,
    span: fc.constant(span),
  });
  const icmp = fc.record({
    kind: fc.constant('icmp' as const),
    type: fc.oneof(
      fc.constantFrom(...ICMPV4_TYPES.keys()),
      u8.map((n) => `type_${n}`),
      undefinedName,
    ),
    code: orNull(
      fc.oneof(
        fc.constantFrom(...ICMPV4_CODES.keys()),
        u8.map((n) => `code_${n}`),
        undefinedName,
      ),
    ),
    mtu: orNull(u16),
    id: orNull(u16),
    echoed: orNull(
      fc.oneof(
        fc.tuple(sequence(false), ports).map(([range, udpEncapsulation]) => ({
          kind: 'tcp' as const,
          sequence: range,
          udpEncapsulation,
        })),
        fc.record({ kind: fc.constantFrom('udp' as const, 'raw' as const), length: u16 }),
      ),
    ),
    checksum: sum,
    span: fc.constant(span),
  });
  const raw = hexBytes(1, 40).map((bytes) => ({ kind: 'raw' as const, bytes, span }));
  return out
    ? fc.oneof({ weight: 5, arbitrary: tcp }, udp, icmp)
    : fc.oneof({ weight: 5, arbitrary: tcp }, udp, icmp, raw);
}

export const packet: fc.Arbitrary<PacketBody> = fc.boolean().chain((out) =>
  fc.record({
    kind: fc.constant('packet' as const),
    direction: fc.constant(out ? ('out' as const) : ('in' as const)),
    layers: fc.array(layer, { maxLength: 2 }),
    ip: orNull(ipInfo(!out)),
    psp: orNull(
      fc.record({
        spi: u32,
        spiBase: fc.constantFrom('hex' as const, 'decimal' as const),
        span: fc.constant(span),
      }),
    ),
    transport: transport(out),
    span: fc.constant(span),
  }),
);
