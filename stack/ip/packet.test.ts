// Validation of received packets and building of sent ones.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHECKSUM_NONE, CHECKSUM_VERIFIED } from '../channel/pool.js';
import { parseAddress } from '../wire/address.js';
import { address4, address6, expectSelfContained, u8, u16 } from '../wire/arbitraries.test.helper.js';
import { fold, pseudoSum } from '../wire/checksum.js';
import * as ipv4 from '../wire/ipv4.js';
import { A4, A6, B4, B6, counting, packetOf, parsed, testRandom, udpPacket } from './ip.test.helper.js';
import { autoFlowLabel, finishTransport, IpIds, ipHeaderLength, startTransport, writeIp } from './output.js';
import * as p from './packet.js';

describe('building and validating', () => {
  it('parses what it wrote, both versions alike, padding apart', () => {
    const unicast4 = address4.filter((a) => a[12] > 0 && a[12] < 224 && a[12] !== 127);
    const unicast6 = address6.filter((a) => a[0] !== 0xff && a.some((x) => x > 1));
    const pair = fc.oneof(fc.tuple(unicast4, unicast4), fc.tuple(unicast6, unicast6));
    fc.assert(
      fc.property(
        pair,
        u8,
        u8,
        fc.nat(300),
        fc.nat(0xfffff),
        fc.boolean(),
        u16,
        fc.nat(20),
        (ends, tos, ttl, n, label, df, id, padding) => {
          const [source, destination] = ends;
          const v6 = source[10] !== 0xff || destination[10] !== 0xff;
          fc.pre(v6 === (parseIs6(source) && parseIs6(destination)));
          const b = new Uint8Array(7 + ipHeaderLength(v6) + n + padding).fill(0xee);
          const at = writeIp(b, 7, v6, source, destination, 6, n, tos, ttl, df, id, label);
          const packet = new p.IpPacket();
          expect(p.parseIp(b, 7, b.length - 7, packet)).toBe(0);
          expect(packet).toMatchObject({
            ipv6: v6,
            start: 7,
            payload: at,
            payloadLength: n,
            end: at + n,
            protocol: 6,
            tos,
            ecn: tos & 3,
            ttl,
            flowLabel: v6 ? label : 0,
            fragment: false,
            length: at + n - 7,
          });
          expect([...packet.source, ...packet.destination]).toEqual([...source, ...destination]);
          if (!v6) expect([ipv4.dontFragment(b, 7), ipv4.id(b, 7)]).toEqual([df, id]);
        },
      ),
    );
  });

  it('refuses damage, and addresses that no packet on a wire has', () => {
    const packet = new p.IpPacket();
    const judge = (b: Uint8Array, loopback = false) => p.parseIp(b, 0, b.length, packet, loopback);
    const data = counting(8);
    const broken = packetOf(17, data);
    broken[10] ^= 1;
    expect(judge(broken)).toBe(p.IP_ERR_CHECKSUM);
    expect(judge(packetOf(17, data).subarray(0, 27))).toBe(p.IP_ERR_TRUNCATED);
    expect(judge(packetOf(17, data, { v6: true }).subarray(0, 47))).toBe(p.IP_ERR_TRUNCATED);
    expect(judge(packetOf(17, data).subarray(0, 19))).toBe(p.IP_ERR_HEADER);
    expect(judge(packetOf(17, data, { v6: true }).subarray(0, 39))).toBe(p.IP_ERR_HEADER);
    expect(judge(new Uint8Array(0))).toBe(p.IP_ERR_HEADER);
    expect(judge(Uint8Array.of(0x50))).toBe(p.IP_ERR_HEADER);
    const bad: [string, string][] = [
      ['224.0.0.1', '192.0.2.1'],
      ['255.255.255.255', '192.0.2.1'],
      ['0.0.0.0', '192.0.2.1'],
      ['0.0.0.0', '239.1.2.3'],
      ['0.1.2.3', '224.0.0.1'],
      ['192.0.2.1', '0.1.2.3'],
      ['127.0.0.1', '192.0.2.1'],
      ['192.0.2.1', '127.0.0.1'],
      ['ff02::1', '2001:db8::1'],
      ['2001:db8::1', '::'],
      ['::1', '2001:db8::1'],
      ['2001:db8::1', '::1'],
    ];
    for (const [s, d] of bad) {
      const options = { v6: d.includes(':'), source: parseAddress(s), destination: parseAddress(d) };
      expect(judge(packetOf(17, data, options)), `${s} > ${d}`).toBe(p.IP_ERR_ADDRESS);
    }
    // But for hosts and switches without an address, to the link itself.
    for (const to of ['224.0.0.1', '255.255.255.255']) {
      const options = { source: parseAddress('0.0.0.0'), destination: parseAddress(to) };
      expect(judge(packetOf(17, data, options)), to).toBe(0);
    }
    // A mapped address on the wire would pass for IPv4 above (RFC 4942 section 2.2).
    expect(judge(packetOf(17, data, { v6: true, source: A4 }))).toBe(p.IP_ERR_ADDRESS);
    expect(judge(packetOf(17, data, { v6: true, destination: A4 }))).toBe(p.IP_ERR_ADDRESS);
    for (const a of ['127.0.0.1', '::1']) {
      const own = { v6: a.includes(':'), source: parseAddress(a), destination: parseAddress(a) };
      expect(judge(packetOf(17, data, own), true)).toBe(0);
    }
    expect(judge(packetOf(17, data, { source: parseAddress('240.0.0.1') }))).toBe(0);
  });

  it('says what of options and extension headers may be reported, and about which upper layer', () => {
    const packet = new p.IpPacket();
    const withOptions = (...options: number[]) => {
      const b = new Uint8Array(24 + 8);
      b.set(packetOf(17, new Uint8Array(12)));
      b[0] = 0x46;
      b.set(options, 20);
      ipv4.finishHeader(b, 0);
      return b;
    };
    expect(p.parseIp(withOptions(1, 1, 1, 1), 0, 32, packet)).toBe(0);
    expect([packet.payload, packet.payloadLength]).toEqual([24, 8]);
    expect(p.parseIp(withOptions(131, 3, 4, 0), 0, 32, packet)).toBe(p.IP_ERR_OPTIONS);
    expect(p.parseIp(withOptions(1, 7, 9, 0), 0, 32, packet)).toBe(p.IP_ERR_PROBLEM);
    expect([packet.problemPointer, packet.protocol]).toEqual([21, 17]);
    const unknown = packetOf(60, Uint8Array.of(58, 0, 0x9e, 0, 1, 2, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8), {
      v6: true,
    });
    expect(p.parseIp(unknown, 0, 56, packet)).toBe(p.IP_ERR_PROBLEM);
    expect([packet.problemCode, packet.problemPointer, packet.protocol, packet.payload]).toEqual([
      2, 42, 58, 48,
    ]);
    unknown[42] = 0xde;
    expect(p.parseIp(unknown, 0, 56, packet)).toBe(p.IP_ERR_PROBLEM_UNICAST);
    unknown[42] = 0x5e;
    expect(p.parseIp(unknown, 0, 56, packet)).toBe(p.IP_ERR_OPTIONS);
  });

  it('answers from the packet alone for arbitrary bytes', () => {
    const packet = new p.IpPacket();
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 90, size: 'max' });
    fc.assert(
      fc.property(bytes, fc.constantFrom(4, 6), fc.boolean(), (data, version, mend) => {
        data[0] = (version << 4) | (version === 4 ? 5 + (data[0] & 1) : 0);
        if (mend && version === 4 && data.length >= 24) {
          data[2] = 0;
          data[3] = data.length;
          ipv4.finishHeader(data, 0);
        }
        if (mend && version === 6 && data.length >= 40) {
          data[4] = 0;
          data[5] = data.length - 40;
          data[6] = [0, 6, 43, 44, 60][data[6] % 5];
        }
        expectSelfContained(data, (b, o) => {
          const bad = p.parseIp(b, o, data.length, packet);
          if (bad !== 0) return bad;
          expect(packet.end - o).toBeLessThanOrEqual(data.length);
          expect(packet.payloadLength).toBeGreaterThanOrEqual(0);
          return [
            packet.protocol,
            packet.payload - o,
            packet.payloadLength,
            packet.fragmentId,
            packet.fragment,
          ];
        });
      }),
      { numRuns: 1000 },
    );
  });

  // RFC 9293 MUST-2
  it('computes transport checksums that it accepts, whole or started', () => {
    for (const v6 of [false, true]) {
      const b = udpPacket(counting(31), { v6 });
      const packet = parsed(b);
      expect(p.transportVerifies(b, packet, packet.payloadLength, CHECKSUM_NONE)).toBe(true);
      b[packet.payload + 10] ^= 0x40;
      expect(p.transportVerifies(b, packet, packet.payloadLength, CHECKSUM_NONE)).toBe(false);
      expect(p.transportVerifies(b, packet, packet.payloadLength, CHECKSUM_VERIFIED)).toBe(true);
      const { source, destination, payload, payloadLength } = packet;
      startTransport(b, payload, payloadLength, 6, source, destination, 17);
      const want = fold(pseudoSum(source, 0, destination, 0, 17, payloadLength));
      expect((b[payload + 6] << 8) | b[payload + 7]).toBe(want);
      finishTransport(b, payload, payloadLength, 6, source, destination, 17);
      expect(p.transportVerifies(b, packet, payloadLength, CHECKSUM_NONE)).toBe(true);
    }
  });

  it('sends a UDP checksum that comes to 0 as ones', () => {
    const source = parseAddress('192.0.2.1');
    const b = new Uint8Array(10);
    b[5] = 10;
    // Two bytes of data that bring the whole sum to ffff: the checksum then is 0.
    const rest = 0xffff - fold(pseudoSum(source, 0, source, 0, 17, 10) + 10);
    b[8] = rest >>> 8;
    b[9] = rest;
    finishTransport(b, 0, 10, 6, source, source, 17);
    expect([b[6], b[7]]).toEqual([0xff, 0xff]);
    finishTransport(b, 0, 10, 6, source, source, 6);
    expect([b[6], b[7]]).not.toEqual([0xff, 0xff]);
  });

  it('counts identifications up per group, from places that differ', () => {
    const ids = new IpIds(testRandom(), 64);
    const first = ids.next(A4, B4, 17);
    expect(ids.next(A4, B4, 17, 3)).toBe((first + 1) | 0);
    expect(ids.next(A4, B4, 17)).toBe((first + 4) | 0);
    expect(ids.next(B4, A4, 17)).not.toBe((first + 5) | 0);
    expect(new IpIds(testRandom(2), 64).next(A4, B4, 17)).not.toBe(first);
  });

  it('labels flows steadily, never with 0, and anew after a change of path', () => {
    const label = autoFlowLabel(5, A6, B6, 0x12345678, 0);
    expect(autoFlowLabel(5, A6, B6, 0x12345678, 0)).toBe(label);
    const others = [
      autoFlowLabel(5, A6, B6, 0x12345678, 1),
      autoFlowLabel(6, A6, B6, 0x12345678, 0),
      autoFlowLabel(5, A6, B6, 0x12345679, 0),
    ];
    for (const other of others) expect(other).not.toBe(label);
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(99), (key, ports, attempt) => {
        const l = autoFlowLabel(key, A6, B6, ports, attempt);
        expect(l > 0 && l <= 0xfffff).toBe(true);
      }),
    );
    const seen = new Set<number>();
    for (let key = 0; key < 64; key++) seen.add(autoFlowLabel(key, A6, B6, 1, 0));
    expect(seen.size).toBeGreaterThan(60);
    expect([...seen].some((l) => l % 2 === 1)).toBe(true);
  });
});

function parseIs6(a: Uint8Array): boolean {
  return !(a.subarray(0, 10).every((x) => x === 0) && a[10] === 0xff && a[11] === 0xff);
}
