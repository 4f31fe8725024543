// ICMPv4, ICMPv6 and neighbour discovery.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from './address.js';
import { address6, expectSelfContained, u8, u32 } from './arbitraries.test.helper.js';
import * as icmp from './icmp.js';
import * as icmpv6 from './icmpv6.js';
import * as ipv6 from './ipv6.js';
import * as nd from './nd.js';

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 9);

describe('ICMPv4', () => {
  it('reads what was written and notices damage', () => {
    fc.assert(
      fc.property(
        u8,
        u8,
        u32,
        fc.uint8Array({ maxLength: 90, size: 'max' }),
        fc.nat(),
        (type, code, rest, data, bit) => {
          const b = new Uint8Array(8 + data.length);
          expect(icmp.writeIcmp(b, 0, type, code, rest)).toBe(8);
          b.set(data, 8);
          icmp.finishIcmp(b, 0, b.length);
          expect(icmp.checkIcmp(b, 0, b.length)).toBe(0);
          expect([icmp.type(b, 0), icmp.code(b, 0)]).toEqual([type, code]);
          expect([icmp.id(b, 0), icmp.sequence(b, 0)]).toEqual([rest >>> 16, rest & 0xffff]);
          expect([icmp.pointer(b, 0), icmp.mtu(b, 0)]).toEqual([rest >>> 24, rest & 0xffff]);
          expect(icmp.checksum(b, 0)).toBe((b[2] << 8) | b[3]);
          b[(bit >>> 3) % b.length] ^= 1 << (bit & 7);
          expect(icmp.checkIcmp(b, 0, b.length)).toBe(icmp.ICMP_ERR_CHECKSUM);
        },
      ),
    );
    expect(icmp.checkIcmp(new Uint8Array(8), 0, 7)).toBe(icmp.ICMP_ERR_SHORT);
  });

  it('tells errors from queries', () => {
    const errors = [3, 4, 5, 11, 12];
    for (let t = 0; t < 256; t++) expect(icmp.isError(t)).toBe(errors.includes(t));
  });

  it('describes messages', () => {
    const say = (type: number, code: number, rest: number) => {
      const b = new Uint8Array(8);
      icmp.writeIcmp(b, 0, type, code, rest);
      icmp.finishIcmp(b, 0, 8);
      return icmp.describeIcmp(b, 0, 8);
    };
    expect(say(8, 0, 0x10002)).toBe('ICMP echo request, id 1, seq 2, length 8');
    expect(say(0, 0, 0x10002)).toBe('ICMP echo reply, id 1, seq 2, length 8');
    expect(say(3, 3, 0)).toBe('ICMP port unreachable, length 8');
    expect(say(3, 4, 1400)).toBe('ICMP unreachable - need to frag (mtu 1400), length 8');
    expect(say(3, 13, 0)).toBe('ICMP code 13 unreachable, length 8');
    expect(say(11, 1, 0)).toBe('ICMP time exceeded code 1, length 8');
    expect(say(12, 0, 0x14000000)).toBe('ICMP parameter problem, pointer 20, length 8');
    expect(say(13, 0, 5)).toBe('ICMP type 13 code 0 rest 0x5, length 8');
    expect(icmp.describeIcmp(new Uint8Array(8), 0, 8)).toBe('ICMP malformed (checksum)');
    expect(icmp.describeIcmp(new Uint8Array(8), 0, 4)).toBe('ICMP malformed (shorter than 8 bytes)');
  });
});

/** An IPv6 packet with an ICMPv6 message of `length` bytes at 40, its checksum not yet set. */
function packet6(length: number, src: Uint8Array, dst: Uint8Array): Uint8Array {
  const b = new Uint8Array(40 + length);
  ipv6.writeIpv6(b, 0, 0, 0, length, icmpv6.ICMPV6_PROTOCOL, 255, src, 0, dst, 0);
  return b;
}

describe('ICMPv6', () => {
  it('reads what was written, under a checksum that covers the addresses', () => {
    fc.assert(
      fc.property(u8, u8, u32, address6, address6, fc.nat(60), (type, code, rest, src, dst, extra) => {
        const len = 8 + extra;
        const b = packet6(len, src, dst);
        expect(icmpv6.writeIcmpv6(b, 40, type, code, rest)).toBe(48);
        icmpv6.finishIcmpv6(b, 40, len, src, 0, dst, 0);
        expect(icmpv6.checkIcmpv6(b, 0, 40, len)).toBe(0);
        expect([icmpv6.type(b, 40), icmpv6.code(b, 40), icmpv6.mtu(b, 40)]).toEqual([type, code, rest]);
        expect([icmpv6.pointer(b, 40), icmpv6.id(b, 40), icmpv6.sequence(b, 40)]).toEqual([
          rest,
          rest >>> 16,
          rest & 0xffff,
        ]);
        expect(icmpv6.isError(type)).toBe(type < 128);
        b[9] ^= 1;
        expect(icmpv6.checkIcmpv6(b, 0, 40, len)).toBe(icmpv6.ICMPV6_ERR_CHECKSUM);
      }),
    );
    expect(icmpv6.checkIcmpv6(new Uint8Array(48), 0, 40, 7)).toBe(icmpv6.ICMPV6_ERR_SHORT);
  });

  it('describes messages', () => {
    const a = parseAddress('fe80::1');
    const say = (type: number, code: number, rest: number) => {
      const b = packet6(8, a, a);
      icmpv6.writeIcmpv6(b, 40, type, code, rest);
      icmpv6.finishIcmpv6(b, 40, 8, a, 0, a, 0);
      return icmpv6.describeIcmpv6(b, 0, 40, 8);
    };
    expect(say(128, 0, 0x10002)).toBe('ICMP6 echo request, id 1, seq 2, length 8');
    expect(say(129, 0, 0x10002)).toBe('ICMP6 echo reply, id 1, seq 2, length 8');
    expect(say(1, 4, 0)).toBe('ICMP6 unreachable port, length 8');
    expect(say(1, 9, 0)).toBe('ICMP6 unreachable code 9, length 8');
    expect(say(2, 0, 1280)).toBe('ICMP6 packet too big, mtu 1280, length 8');
    expect(say(3, 1, 0)).toBe('ICMP6 time exceeded code 1, length 8');
    expect(say(4, 1, 40)).toBe('ICMP6 parameter problem code 1, pointer 40, length 8');
    expect(say(200, 1, 0)).toBe('ICMP6 type 200 code 1, length 8');
    const bad = packet6(8, a, a);
    expect(icmpv6.describeIcmpv6(bad, 0, 40, 8)).toBe('ICMP6 malformed (checksum)');
    expect(icmpv6.describeIcmpv6(bad, 0, 40, 2)).toBe('ICMP6 malformed (shorter than 8 bytes)');
  });
});

describe('neighbour discovery', () => {
  const options = new nd.NdOptions();

  it('reads back solicitations and advertisements', () => {
    fc.assert(
      fc.property(address6, fc.boolean(), fc.boolean(), (target, advertisement, withOption) => {
        fc.pre(target[0] !== 0xff);
        const b = new Uint8Array(40);
        const flags = advertisement ? nd.ND_SOLICITED + nd.ND_OVERRIDE : 0;
        const end = nd.writeNeighbor(b, 2, advertisement, flags, target, 0, withOption ? MAC : null);
        expect(end).toBe(2 + 24 + (withOption ? 8 : 0));
        expect(nd.checkNd(b, 2, end - 2, 255, options)).toBe(0);
        expect([...b.subarray(2 + nd.ND_OFF_TARGET, 2 + nd.ND_OFF_TARGET + 16)]).toEqual([...target]);
        expect(nd.advertisementFlags(b, 2)).toBe(flags);
        const source = advertisement || !withOption ? -1 : 28;
        const targetAt = advertisement && withOption ? 28 : -1;
        expect([options.sourceLinkAddress, options.targetLinkAddress]).toEqual([source, targetAt]);
        if (withOption) expect([...b.subarray(28, 34)]).toEqual([...MAC]);
      }),
    );
  });

  it('refuses what RFC 4861 wants dropped', () => {
    const b = new Uint8Array(40);
    const target = parseAddress('fe80::2');
    nd.writeNeighbor(b, 0, false, 0, target, 0, MAC);
    expect(nd.checkNd(b, 0, 32, 254, options)).toBe(nd.ND_ERR_HEADER);
    expect(nd.checkNd(b, 0, 23, 255, options)).toBe(nd.ND_ERR_SHORT);
    expect(nd.checkNd(b, 0, 31, 255, options)).toBe(nd.ND_ERR_OPTION);
    b[25] = 0;
    expect(nd.checkNd(b, 0, 32, 255, options)).toBe(nd.ND_ERR_OPTION);
    b[25] = 1;
    b[1] = 1;
    expect(nd.checkNd(b, 0, 32, 255, options)).toBe(nd.ND_ERR_HEADER);
    b[1] = 0;
    b[8] = 0xff;
    expect(nd.checkNd(b, 0, 32, 255, options)).toBe(nd.ND_ERR_TARGET);
    b[0] = 200;
    expect(nd.checkNd(b, 0, 32, 255, options)).toBe(nd.ND_ERR_TYPE);
  });

  it('reads a router advertisement with prefix and MTU', () => {
    const b = new Uint8Array(64);
    b[0] = 134;
    b[4] = 64;
    b[6] = 0x07;
    b[7] = 0x08;
    b.set([3, 4, 64, 0xc0, 0, 0, 0x0e, 0x10, 0, 0, 0x07, 0x08], 16);
    b.set(parseAddress('2001:db8:1::'), 32);
    expect(nd.writeMtuOption(b, 48, 1400)).toBe(56);
    b.set([1, 1, ...MAC], 56);
    expect(nd.checkNd(b, 0, 64, 255, options)).toBe(0);
    expect([nd.routerHopLimit(b, 0), nd.routerLifetime(b, 0), options.mtu]).toEqual([64, 1800, 1400]);
    expect([options.prefixCount, options.prefixes[0], options.sourceLinkAddress]).toEqual([1, 16, 58]);
    const p = options.prefixes[0];
    expect([nd.prefixLength(b, p), nd.prefixOnLink(b, p), nd.prefixAutonomous(b, p)]).toEqual([
      64,
      true,
      true,
    ]);
    expect([nd.prefixValidLifetime(b, p), nd.prefixPreferredLifetime(b, p)]).toEqual([3600, 1800]);
    expect(b[p + nd.ND_PREFIX_OFF_ADDRESS]).toBe(0x20);
  });

  it('writes router solicitations', () => {
    const b = new Uint8Array(16);
    expect(nd.writeRouterSolicitation(b, 0, null)).toBe(8);
    expect(nd.checkNd(b, 0, 8, 255, options)).toBe(0);
    expect(nd.writeRouterSolicitation(b, 0, MAC)).toBe(16);
    expect(nd.checkNd(b, 0, 16, 255, options)).toBe(0);
    expect(options.sourceLinkAddress).toBe(10);
  });

  it('answers from the message alone for arbitrary bytes', () => {
    const bytes = fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5), u8), { maxLength: 90, size: 'max' });
    fc.assert(
      fc.property(fc.constantFrom(133, 134, 135, 136), bytes, (type, rest) => {
        const data = Uint8Array.of(type, 0, ...rest);
        expectSelfContained(data, (b, o) => {
          const bad = nd.checkNd(b, o, data.length, 255, options);
          if (bad !== 0) return bad;
          const at = (x: number) => (x < 0 ? -1 : x - o);
          return [
            at(options.sourceLinkAddress),
            at(options.targetLinkAddress),
            options.mtu,
            options.prefixCount,
          ];
        });
      }),
      { numRuns: 500 },
    );
  });
});
