// parse(build(x)) = x: what the writers of stack/wire write is read back as what went in, by their own readers and by the
// fuzzers' independent one. Knows no damaged packets.

import * as fc from 'fast-check';
import { pseudoSum, sumBytes, updateChecksum16, verifies } from '../../stack/wire/checksum.js';
import * as ipv4 from '../../stack/wire/ipv4.js';
import * as ipv6 from '../../stack/wire/ipv6.js';
import { Ipv6Chain, walkIpv6, writeFragmentHeader } from '../../stack/wire/ipv6-extensions.js';
import * as tcp from '../../stack/wire/tcp.js';
import { describeTcpOptions, parseTcpOptions, TcpOptions } from '../../stack/wire/tcp-options.js';
import { tcpOptionsLength, writeTcpOptions } from '../../stack/wire/tcp-options-write.js';
import { internetChecksum, readIp } from '../packets.js';
import { invariant } from '../target.js';

export interface RebuildInput {
  readonly ipv6: boolean;
  readonly src: readonly number[];
  readonly dst: readonly number[];
  readonly tos: number;
  readonly ttl: number;
  readonly id: number;
  readonly protocol: number;
  readonly fragment: { readonly offset: number; readonly more: boolean } | null;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: {
    readonly mss: number;
    readonly wscale: number;
    readonly sackPermitted: boolean;
    readonly timestamps: readonly [number, number] | null;
    readonly sack: readonly number[];
    readonly accEcn: readonly number[] | null;
    readonly fastOpen: readonly number[] | null;
    readonly experimental: boolean;
    readonly md5: boolean;
  };
  readonly payload: readonly number[];
}

const byte = fc.nat(255);
const u16 = fc.nat(65_535);
const u32 = fc.oneof(fc.constantFrom(0, 0xffffffff, 0x80000000), fc.integer({ min: 0, max: 0xffffffff }));
const bytes = (n: number): fc.Arbitrary<number[]> => fc.array(byte, { minLength: n, maxLength: n });

export const rebuildInput: fc.Arbitrary<RebuildInput> = fc.boolean().chain((v6) =>
  fc.record({
    ipv6: fc.constant(v6),
    src: bytes(v6 ? 16 : 4),
    dst: bytes(v6 ? 16 : 4),
    tos: byte,
    ttl: byte,
    id: v6 ? u32 : u16,
    protocol: fc.constantFrom(6, 17, 1, 58, 99),
    fragment: fc.option(fc.record({ offset: fc.nat(8191).map((n) => n * 8), more: fc.boolean() }), {
      nil: null,
    }),
    seq: u32,
    ack: u32,
    flags: fc.nat(511),
    window: u16,
    urgent: u16,
    options: fc.record({
      mss: fc.oneof(fc.constant(-1), u16),
      wscale: fc.oneof(fc.constant(-1), byte),
      sackPermitted: fc.boolean(),
      timestamps: fc.option(fc.tuple(u32, u32), { nil: null }),
      sack: fc.nat(4).chain((n) => fc.array(u32, { minLength: 2 * n, maxLength: 2 * n })),
      accEcn: fc.option(fc.array(fc.nat(0xffffff), { maxLength: 3 }), { nil: null }),
      fastOpen: fc.option(fc.constantFrom(0, 4, 6, 8, 16).chain(bytes), { nil: null }),
      experimental: fc.boolean(),
      md5: fc.boolean(),
    }),
    payload: fc.array(byte, { maxLength: 80 }),
  }),
);

const mapped = (a: readonly number[]): Uint8Array =>
  a.length === 16 ? Uint8Array.from(a) : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...a);

function same(what: string, got: unknown, put: unknown): void {
  invariant(got === put, `${what} is not read as written`, () => `${String(got)} for ${String(put)}`);
}

export function judgeBuilding(f: RebuildInput): void {
  judgeIp(f);
  judgeTcp(f);
  judgeSums(f);
}

function judgeIp(f: RebuildInput): void {
  const src = mapped(f.src);
  const dst = mapped(f.dst);
  const b = new Uint8Array(256).fill(0xee);
  const o = 9;
  let end: number;
  if (f.ipv6) {
    const extra = f.fragment ? 8 : 0;
    const label = f.seq & 0xfffff;
    const next = f.fragment ? 44 : f.protocol;
    end = ipv6.writeIpv6(b, o, f.tos, label, extra + f.payload.length, next, f.ttl, src, 0, dst, 0);
    if (f.fragment) end = writeFragmentHeader(b, end, f.protocol, f.fragment.offset, f.fragment.more, f.id);
    b.set(f.payload, end);
    end += f.payload.length;
    same('a flow label', ipv6.flowLabel(b, o), label);
    const chain = new Ipv6Chain();
    invariant(
      ipv6.checkIpv6(b, o, end - o) === 0 && walkIpv6(b, o, chain) === 0,
      'an IPv6 packet of ours is refused',
    );
    same('a fragment offset', chain.fragmentOffset, f.fragment?.offset ?? 0);
    same('the protocol', chain.protocol, f.protocol);
  } else {
    const word = f.fragment ? (f.fragment.offset >>> 3) | (f.fragment.more ? ipv4.IPV4_MF : 0) : ipv4.IPV4_DF;
    const total = 20 + f.payload.length;
    end = ipv4.writeIpv4(b, o, f.tos, total, f.id, word, f.ttl, f.protocol, src, 0, dst, 0);
    b.set(f.payload, end);
    end += f.payload.length;
    invariant(
      ipv4.checkIpv4(b, o, total) === 0 && ipv4.headerVerifies(b, o),
      'an IPv4 packet of ours is refused',
    );
    same('a fragment offset', ipv4.fragmentOffset(b, o), f.fragment?.offset ?? 0);
  }
  const read = readIp(b.subarray(o, end));
  if (typeof read === 'string') {
    invariant(false, 'an independent reader refuses a packet of ours', () => read);
    return;
  }
  same('the hop limit', read.ttl, f.ttl);
  same('the traffic class', read.tos, f.tos);
  same('the protocol', read.protocol, f.protocol);
  same('the source', [...read.src].join(), f.src.join());
  same('the destination', [...read.dst].join(), f.dst.join());
  same('what it carries', [...read.payload].join(), f.payload.join());
}

function optionsOf(f: RebuildInput): TcpOptions {
  const spec = new TcpOptions();
  const { mss, wscale, sackPermitted, timestamps, sack, accEcn, fastOpen, experimental, md5 } = f.options;
  spec.mss = mss;
  spec.wscale = wscale;
  spec.sackPermitted = sackPermitted;
  spec.hasTimestamps = timestamps !== null;
  spec.tsVal = timestamps?.[0] ?? 0;
  spec.tsEcr = timestamps?.[1] ?? 0;
  spec.sackCount = sack.length >>> 1;
  spec.sack.set(sack);
  spec.accEcn = accEcn === null ? -1 : f.id & 1;
  spec.accEcnCount = accEcn?.length ?? 0;
  spec.accEcnFields.set(accEcn ?? []);
  spec.fastOpenLength = fastOpen?.length ?? -1;
  spec.fastOpenCookie.set(fastOpen ?? []);
  spec.fastOpenExperimental = fastOpen !== null && experimental;
  spec.md5Offset = md5 ? 0 : -1;
  return spec;
}

function judgeTcp(f: RebuildInput): void {
  const spec = optionsOf(f);
  const b = new Uint8Array(400).fill(0xee);
  const o = 11;
  const length = tcpOptionsLength(spec);
  const end = writeTcpOptions(b, o + 20, spec);
  same('the length of the options', end - (o + 20), length);
  const text = describeTcpOptions(spec);
  const read = new TcpOptions();
  parseTcpOptions(b, o + 20, end, read);
  same('a set of TCP options', describeTcpOptions(read), text);
  if (length > 40) return;
  tcp.setSrcPort(b, o, f.window);
  tcp.setDstPort(b, o, f.urgent);
  tcp.setSeq(b, o, f.seq);
  tcp.setAck(b, o, f.ack);
  tcp.setHeaderLengthAndFlags(b, o, 20 + length, f.flags);
  tcp.setWindow(b, o, f.window);
  tcp.setUrgent(b, o, f.urgent);
  invariant(tcp.checkTcp(b, o, 20 + length) === 0, 'a TCP header of ours is refused');
  same('the sequence number', tcp.seq(b, o), f.seq);
  same('the acknowledgment number', tcp.ack(b, o), f.ack);
  same('the flags', tcp.flags(b, o), f.flags);
  same('the header length', tcp.headerLength(b, o), 20 + length);
  same('the window', tcp.window(b, o), f.window);
  same('the urgent pointer', tcp.urgent(b, o), f.urgent);
}

function judgeSums(f: RebuildInput): void {
  const b = Uint8Array.from([...f.payload, ...f.payload, ...f.src]);
  const start = f.tos % (b.length + 1);
  const ours = ~internetChecksum(b.subarray(start)) & 0xffff;
  const sum = sumBytes(b, start, b.length);
  const folded = verifies(sum + internetChecksum(b.subarray(start)));
  invariant(
    folded,
    'a sum is not that of RFC 1071',
    () => `${sum} where ${ours} is right, from ${start} of ${b.length}`,
  );
  const src = mapped(f.src);
  const dst = mapped(f.dst);
  const pseudo = internetChecksum(
    src,
    dst,
    Uint8Array.of(0, 0, f.window >>> 8, f.window, 0, 0, 0, f.protocol),
  );
  invariant(
    verifies(pseudoSum(src, 0, dst, 0, f.protocol, f.window) + pseudo),
    'a pseudo-header sum is wrong',
  );
  // Of zeros alone the sum is the other zero (RFC 1624 section 3); no header is.
  if (b.length < 2 || b.subarray(2).every((byte) => byte === 0)) return;
  const before = internetChecksum(b);
  const old = (b[0] << 8) | b[1];
  b[0] = f.window >>> 8;
  b[1] = f.window;
  const updated = updateChecksum16(before, old, f.window);
  invariant(verifies(sumBytes(b, 0, b.length) + updated), 'an updated checksum is wrong', () => `${updated}`);
}
