// IPv4, IPv6 and the extension header chain.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { address4, address6, expectSelfContained, u8, u16, u32 } from './arbitraries.test.helper.js';
import * as ipv4 from './ipv4.js';
import * as ipv6 from './ipv6.js';
import * as ext from './ipv6-extensions.js';

describe('IPv4', () => {
  it('reads what was written, with a checksum that verifies', () => {
    fc.assert(
      fc.property(
        u8,
        u16,
        u16,
        u16,
        u8,
        u8,
        address4,
        address4,
        (tos, payload, id, frag, ttl, proto, src, dst) => {
          const total = Math.min(65535, payload + 20);
          const b = new Uint8Array(24).fill(0xee);
          expect(ipv4.writeIpv4(b, 3, tos, total, id, frag, ttl, proto, src, 0, dst, 0)).toBe(23);
          expect(ipv4.checkIpv4(b, 3, 65535)).toBe(0);
          expect(ipv4.headerVerifies(b, 3)).toBe(true);
          expect([ipv4.tos(b, 3), ipv4.dscp(b, 3), ipv4.ecn(b, 3)]).toEqual([tos, tos >>> 2, tos & 3]);
          expect([ipv4.totalLength(b, 3), ipv4.id(b, 3), ipv4.ttl(b, 3), ipv4.protocol(b, 3)]).toEqual([
            total,
            id,
            ttl,
            proto,
          ]);
          expect(ipv4.dontFragment(b, 3)).toBe((frag & 0x4000) !== 0);
          expect(ipv4.moreFragments(b, 3)).toBe((frag & 0x2000) !== 0);
          expect(ipv4.fragmentOffset(b, 3)).toBe((frag & 0x1fff) * 8);
          expect(ipv4.isFragment(b, 3)).toBe((frag & 0x3fff) !== 0);
          const out = new Uint8Array(32);
          ipv4.readSource(b, 3, out, 0);
          ipv4.readDestination(b, 3, out, 16);
          expect([...out]).toEqual([...src, ...dst]);
          b[4] ^= 1;
          expect(ipv4.headerVerifies(b, 3)).toBe(false);
          ipv4.finishHeader(b, 3);
          expect(ipv4.headerVerifies(b, 3)).toBe(true);
        },
      ),
    );
  });

  it('refuses each lie about a length', () => {
    const b = new Uint8Array(60);
    const any = new Uint8Array(16);
    ipv4.writeIpv4(b, 0, 0, 40, 0, 0, 64, 6, any, 0, any, 0);
    expect(ipv4.checkIpv4(b, 0, 40)).toBe(0);
    // Padding behind the packet is no error.
    expect(ipv4.checkIpv4(b, 0, 60)).toBe(0);
    expect(ipv4.checkIpv4(b, 0, 19)).toBe(ipv4.IPV4_ERR_SHORT);
    expect(ipv4.checkIpv4(b, 0, 39)).toBe(ipv4.IPV4_ERR_LENGTH);
    b[0] = 0x44;
    expect(ipv4.checkIpv4(b, 0, 40)).toBe(ipv4.IPV4_ERR_HEADER);
    b[0] = 0x4f;
    expect(ipv4.checkIpv4(b, 0, 40)).toBe(ipv4.IPV4_ERR_HEADER);
    expect(ipv4.checkIpv4(b, 0, 60)).toBe(ipv4.IPV4_ERR_LENGTH);
    b[0] = 0x65;
    expect(ipv4.checkIpv4(b, 0, 40)).toBe(ipv4.IPV4_ERR_VERSION);
  });

  it('walks options: well-formed, malformed, source routes', () => {
    const options = (...bytes: number[]) => {
      const b = new Uint8Array(28);
      b[0] = 0x47;
      b.set(bytes, 20);
      return b;
    };
    expect(ipv4.checkOptions(options(1, 1, 0, 200, 0, 0, 0, 0), 0)).toBe(-1);
    expect(ipv4.checkOptions(options(148, 4, 0, 0, 1, 1, 1, 1), 0)).toBe(-1);
    expect(ipv4.checkOptions(options(1, 7, 0), 0)).toBe(21);
    expect(ipv4.checkOptions(options(1, 7, 8), 0)).toBe(21);
    expect(ipv4.checkOptions(options(1, 1, 1, 1, 1, 1, 1, 7), 0)).toBe(27);
    expect(ipv4.checkOptions(options(131, 3, 4), 0)).toBe(20);
    expect(ipv4.checkOptions(options(1, 137, 3, 4), 0)).toBe(21);
    expect(ipv4.checkOptions(options(131, 3, 4), 0, true)).toBe(-1);
  });

  it('answers from the packet alone for arbitrary bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 70, size: 'max' }).map((b) => {
      if (b.length > 3) {
        b[0] = 0x40 | (b[0] & 15);
        b[2] = 0;
      }
      return b;
    });
    fc.assert(
      fc.property(bytes, (data) => {
        expectSelfContained(data, (b, o) => {
          const bad = ipv4.checkIpv4(b, o, data.length);
          if (bad !== 0) return bad;
          return [ipv4.checkOptions(b, o), ipv4.headerVerifies(b, o), ipv4.describeIpv4(b, o, data.length)];
        });
      }),
      { numRuns: 500 },
    );
  });

  it('describes a packet', () => {
    const b = new Uint8Array(20);
    const a = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1);
    ipv4.writeIpv4(b, 0, 2, 20, 7, ipv4.IPV4_DF, 64, 6, a, 0, a, 0);
    expect(ipv4.describeIpv4(b, 0, 20)).toBe(
      'IP (tos 0x2, ttl 64, id 7, flags [DF], proto 6, length 20) 192.0.2.1 > 192.0.2.1',
    );
    expect(ipv4.describeIpv4(b, 0, 3)).toBe('IP malformed (shorter than 20 bytes)');
  });
});

describe('IPv6', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(
        u8,
        fc.nat(0xfffff),
        u16,
        u8,
        u8,
        address6,
        address6,
        (tc, label, payload, next, hops, src, dst) => {
          const b = new Uint8Array(50).fill(0xee);
          expect(ipv6.writeIpv6(b, 5, tc, label, payload, next, hops, src, 0, dst, 0)).toBe(45);
          expect(ipv6.checkIpv6(b, 5, 40 + payload)).toBe(0);
          expect(ipv6.checkIpv6(b, 5, 39)).toBe(ipv6.IPV6_ERR_SHORT);
          if (payload > 0) expect(ipv6.checkIpv6(b, 5, 39 + payload)).toBe(ipv6.IPV6_ERR_LENGTH);
          expect([ipv6.trafficClass(b, 5), ipv6.dscp(b, 5), ipv6.ecn(b, 5)]).toEqual([tc, tc >>> 2, tc & 3]);
          expect([ipv6.flowLabel(b, 5), ipv6.payloadLength(b, 5)]).toEqual([label, payload]);
          expect([ipv6.nextHeader(b, 5), ipv6.hopLimit(b, 5)]).toEqual([next, hops]);
          expect(ipv6.totalLength(b, 5)).toBe(payload + 40);
          const out = new Uint8Array(32);
          ipv6.readSource(b, 5, out, 0);
          ipv6.readDestination(b, 5, out, 16);
          expect([...out]).toEqual([...src, ...dst]);
          ipv6.setEcn(b, 5, 3);
          expect([ipv6.trafficClass(b, 5), ipv6.flowLabel(b, 5)]).toEqual([tc | 3, label]);
          b[5] = 0x45;
          expect(ipv6.checkIpv6(b, 5, 40 + payload)).toBe(ipv6.IPV6_ERR_VERSION);
        },
      ),
    );
  });

  it('describes a packet', () => {
    const b = new Uint8Array(40);
    b[0] = 0x60;
    b[6] = 59;
    b[7] = 1;
    expect(ipv6.describeIpv6(b, 0, 40)).toBe(
      'IP6 (class 0x0, flowlabel 0x0, hlim 1, next-header 59, payload length 0) :: > ::',
    );
    expect(ipv6.describeIpv6(b, 0, 1)).toBe('IP6 malformed (shorter than 40 bytes)');
  });
});

/** An IPv6 packet with `first` as next header and `rest` behind the fixed header. */
function packet(first: number, ...rest: number[]): Uint8Array {
  const b = new Uint8Array(40 + rest.length);
  const any = new Uint8Array(16);
  ipv6.writeIpv6(b, 0, 0, 0, rest.length, first, 64, any, 0, any, 0);
  b.set(rest, 40);
  return b;
}

const PADN = [1, 4, 0, 0, 0, 0];

describe('IPv6 extension headers', () => {
  const chain = new ext.Ipv6Chain();

  it('finds the upper layer behind each kind', () => {
    const b = packet(
      0,
      60,
      0,
      ...PADN,
      43,
      0,
      ...PADN,
      44,
      0,
      9,
      0,
      0,
      0,
      0,
      0,
      6,
      0,
      0,
      0,
      0,
      0,
      0,
      7,
      1,
      2,
      3,
    );
    expect(ext.walkIpv6(b, 0, chain)).toBe(0);
    expect(chain).toMatchObject({ protocol: 6, offset: 72, nextHeaderAt: 64, fragment: 64, fragmentId: 7 });
    expect(chain.isFragment).toBe(false);
    expect(ext.walkIpv6(packet(6), 0, chain)).toBe(0);
    expect(chain).toMatchObject({ protocol: 6, offset: 40, nextHeaderAt: 6, fragment: -1 });
  });

  it('stops behind the fragment header of a piece', () => {
    const b = new Uint8Array(60);
    const any = new Uint8Array(16);
    ipv6.writeIpv6(b, 0, 0, 0, 20, 44, 64, any, 0, any, 0);
    expect(ext.writeFragmentHeader(b, 40, 60, 1280, true, 0xdeadbeef)).toBe(48);
    expect(ext.walkIpv6(b, 0, chain)).toBe(0);
    expect(chain).toMatchObject({
      protocol: 60,
      offset: 48,
      nextHeaderAt: 6,
      fragment: 40,
      fragmentOffset: 1280,
      moreFragments: true,
      fragmentId: 0xdeadbeef,
      isFragment: true,
    });
  });

  it('points at what RFC 8200 wants reported', () => {
    // Hop-by-hop anywhere but first: unrecognised next header, at the byte that named it.
    expect(ext.walkIpv6(packet(60, 0, 0, ...PADN, 6, 0, ...PADN), 0, chain)).toBe(ext.WALK_PROBLEM);
    expect([chain.problemCode, chain.problemPointer]).toEqual([1, 40]);
    // Routing header with segments left: the routing type.
    expect(ext.walkIpv6(packet(43, 6, 0, 0, 1, 0, 0, 0, 0), 0, chain)).toBe(ext.WALK_PROBLEM);
    expect([chain.problemCode, chain.problemPointer]).toEqual([0, 42]);
    // Unknown options by their two high bits.
    const option = (type: number) => packet(60, 6, 0, type, 0, 1, 2, 0, 0);
    expect(ext.walkIpv6(option(0x1e), 0, chain)).toBe(0);
    expect(ext.walkIpv6(option(0x05), 0, chain)).toBe(0);
    expect(ext.walkIpv6(option(0x5e), 0, chain)).toBe(ext.WALK_DROP);
    expect(ext.walkIpv6(option(0x9e), 0, chain)).toBe(ext.WALK_PROBLEM);
    expect([chain.problemCode, chain.problemPointer]).toEqual([2, 42]);
    expect(ext.walkIpv6(option(0xde), 0, chain)).toBe(ext.WALK_PROBLEM_UNICAST);
  });

  it('bounds headers and options, and drops truncated ones', () => {
    const headers = (n: number) => [
      ...Array.from({ length: n - 1 }, () => [60, 0, ...PADN]).flat(),
      6,
      0,
      ...PADN,
    ];
    expect(ext.walkIpv6(packet(60, ...headers(ext.IPV6_MAX_EXTENSIONS)), 0, chain)).toBe(0);
    expect(ext.walkIpv6(packet(60, ...headers(ext.IPV6_MAX_EXTENSIONS + 1)), 0, chain)).toBe(ext.WALK_DROP);
    const options = Array.from({ length: ext.IPV6_MAX_OPTIONS + 1 }, () => [5, 0]).flat();
    expect(ext.walkIpv6(packet(60, 6, 2, ...options, 0, 0, 0, 0), 0, chain)).toBe(ext.WALK_DROP);
    expect(ext.walkIpv6(packet(60, 6, 0, ...options.slice(0, 6)), 0, chain)).toBe(0);
    expect(ext.walkIpv6(packet(60, 6, 1, ...PADN), 0, chain)).toBe(ext.WALK_DROP);
    expect(ext.walkIpv6(packet(60, 6, 0, 0, 0), 0, chain)).toBe(ext.WALK_DROP);
    expect(ext.walkIpv6(packet(60, 6, 0, 1, 9, 0, 0, 0, 0), 0, chain)).toBe(ext.WALK_DROP);
  });

  it('answers from the packet alone for arbitrary chains', () => {
    const bytes = fc.array(fc.oneof(fc.constantFrom(0, 1, 6, 43, 44, 60), u8), {
      maxLength: 60,
      size: 'max',
    });
    fc.assert(
      fc.property(fc.constantFrom(0, 43, 44, 60), bytes, (first, rest) => {
        const data = packet(first, ...rest);
        expectSelfContained(data, (b, o) => {
          const result = ext.walkIpv6(b, o, chain);
          if (result === 0) expect(chain.offset - o).toBeLessThanOrEqual(data.length);
          return result === 0 ? [chain.protocol, chain.offset - o, chain.fragmentId] : result;
        });
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(u8, u32, fc.nat(8191), fc.boolean(), (next, id, units, more) => {
        const b = new Uint8Array(48);
        const any = new Uint8Array(16);
        ipv6.writeIpv6(b, 0, 0, 0, 8, 44, 64, any, 0, any, 0);
        ext.writeFragmentHeader(b, 40, next, units * 8, more, id);
        fc.pre(units > 0 || more);
        expect(ext.walkIpv6(b, 0, chain)).toBe(0);
        expect([chain.protocol, chain.fragmentId, chain.fragmentOffset, chain.moreFragments]).toEqual([
          next,
          id,
          units * 8,
          more,
        ]);
      }),
    );
  });
});
