import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHECKSUM_NONE } from '../channel/pool.js';
import { fold, pseudoSum } from '../wire/checksum.js';
import * as ipv4 from '../wire/ipv4.js';
import * as tcp from '../wire/tcp.js';
import { writeTimestampsAligned } from '../wire/tcp-options-write.js';
import { counting, packetOf, parsed, udpPacket } from './ip.test.helper.js';
import { transportVerifies } from './packet.js';
import { SegmentationError, TcpSegmenter } from './segmentation.js';

function superPacket(v6: boolean, data: number, flags: number, seq: number): Uint8Array {
  const segment = new Uint8Array(32 + data);
  tcp.writeTcp(segment, 0, 1, 2, seq, 9, 32, flags, 500, 0);
  writeTimestampsAligned(segment, 20, 5, 6);
  segment.set(counting(data), 32);
  return packetOf(6, segment, { v6, tos: 2, df: true, id: 0xfffe });
}

function cut(b: Uint8Array, size: number, accEcn = false, partial = false): Uint8Array[] {
  const s = new TcpSegmenter();
  s.start(b, 0, b.length, size, accEcn, partial);
  const out = new Uint8Array(b.length + 10);
  const all: Uint8Array[] = [];
  for (let n = s.next(out, 5); n > 0; n = s.next(out, 5)) all.push(out.slice(5, 5 + n));
  expect(s.next(out, 5)).toBe(0);
  expect(all.length).toBe(s.count);
  return all;
}

const ALL = tcp.TCP_FIN | tcp.TCP_PSH | tcp.TCP_ACK | tcp.TCP_CWR | tcp.TCP_ECE;

describe('segmentation', () => {
  it('gives segments that together are the packet, each with right checksums', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.nat(20_000),
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 0, max: 0xffffffff }),
        (v6, data, size, seq) => {
          fc.pre(data / size < 200);
          const whole: number[] = [];
          cut(superPacket(v6, data, tcp.TCP_ACK, seq), size).forEach((b, i) => {
            const p = parsed(b);
            expect(p.length).toBe(b.length);
            expect(transportVerifies(b, p, p.payloadLength, CHECKSUM_NONE)).toBe(true);
            expect(tcp.seq(b, p.payload)).toBe((seq + i * size) >>> 0);
            expect(p.payloadLength - 32).toBeLessThanOrEqual(size);
            expect([...b.subarray(p.payload + 20, p.payload + 32)]).toEqual([
              1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6,
            ]);
            if (!v6) expect([ipv4.id(b, 0), ipv4.dontFragment(b, 0)]).toEqual([(0xfffe + i) & 0xffff, true]);
            whole.push(...b.subarray(p.payload + 32));
          });
          expect(Buffer.from(whole).equals(Buffer.from(counting(data)))).toBe(true);
        },
      ),
    );
  });

  it('puts FIN and PSH on the last, CWR on the first unless it counts for AccECN', () => {
    const flags = (accEcn: boolean) =>
      cut(superPacket(false, 25, ALL, 1), 10, accEcn).map((b) => tcp.flags(b, 20));
    const middle = tcp.TCP_ACK | tcp.TCP_ECE;
    expect(flags(false)).toEqual([middle | tcp.TCP_CWR, middle, middle | tcp.TCP_FIN | tcp.TCP_PSH]);
    expect(flags(true)).toEqual([middle | tcp.TCP_CWR, middle | tcp.TCP_CWR, ALL]);
    expect(cut(superPacket(true, 0, ALL, 1), 10).map((b) => tcp.flags(b, 40))).toEqual([ALL]);
  });

  it('leaves checksums to the link on request', () => {
    for (const b of cut(superPacket(true, 25, tcp.TCP_ACK, 1), 10, false, true)) {
      const p = parsed(b);
      const want = fold(pseudoSum(p.source, 0, p.destination, 0, 6, p.payloadLength));
      expect(tcp.checksum(b, p.payload)).toBe(want);
    }
  });

  it('refuses what is no TCP packet', () => {
    const s = new TcpSegmenter();
    const start = (b: Uint8Array, size = 10) => s.start(b, 0, b.length, size);
    expect(() => start(udpPacket(counting(30)))).toThrow('cannot segment: not TCP');
    expect(() => start(new Uint8Array(60))).toThrow(SegmentationError);
    expect(() => start(packetOf(6, counting(12)))).toThrow('bad TCP header');
    expect(() => start(superPacket(false, 20, 16, 1), 0)).toThrow('into segments of 0 bytes');
  });
});
