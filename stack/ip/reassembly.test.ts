// Fragmentation and reassembly, against each other and against those who abuse them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHECKSUM_NONE } from '../channel/pool.js';
import { parseAddress } from '../wire/address.js';
import * as ipv4 from '../wire/ipv4.js';
import * as ipv6 from '../wire/ipv6.js';
import { Fragmenter } from './fragmentation.js';
import { counting, packetOf, parsed, udpPacket } from './ip.test.helper.js';
import { transportVerifies } from './packet.js';
import * as re from './reassembly.js';

function cut(packet: Uint8Array, mtu: number, id = 77): Uint8Array[] {
  const f = new Fragmenter();
  f.start(packet, 0, packet.length, mtu, id);
  const out: Uint8Array[] = [];
  const b = new Uint8Array(mtu + 64);
  for (let n = f.next(b, 9); n > 0; n = f.next(b, 9)) out.push(b.slice(9, 9 + n));
  expect(out.length).toBe(f.count);
  return out;
}

/** A fragment by hand: payload bytes [start, end) of a packet whose byte at x is x & 255. */
function piece(
  v6: boolean,
  start: number,
  end: number,
  more: boolean,
  change: { id?: number; tos?: number; source?: string } = {},
) {
  const data = Uint8Array.from({ length: end - start }, (_, i) => (start + i) & 255);
  const { id = 5, tos = 0 } = change;
  const options = {
    v6,
    tos,
    id,
    ...(change.source === undefined ? {} : { source: parseAddress(change.source) }),
  };
  if (v6) {
    const word = start | (more ? 1 : 0);
    return packetOf(44, Uint8Array.of(17, 0, word >>> 8, word, 0, 0, 0, id, ...data), options);
  }
  const b = packetOf(17, data, options);
  b[6] = (more ? 0x20 : 0) | (start >>> 11);
  b[7] = start >>> 3;
  ipv4.finishHeader(b, 0);
  return b;
}

const feed = (r: re.Reassembler, b: Uint8Array, now = 0, link = 1) => r.add(now, b, parsed(b), link);

function whole(r: re.Reassembler): Uint8Array {
  const out = new Uint8Array(r.completeLength + 8).fill(0xee);
  expect(r.copyTo(out, 4)).toBe(r.completeLength);
  expect([...out.subarray(0, 4), ...out.subarray(-4)]).toEqual(new Array(8).fill(0xee));
  return out.slice(4, -4);
}

describe('fragmentation and reassembly', () => {
  it('undo each other in any order, with duplicates, both versions', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer({ min: 1, max: 9000 }),
        fc.integer({ min: 80, max: 1500 }),
        fc.array(fc.nat(), { maxLength: 20, size: 'max' }),
        fc.infiniteStream(fc.nat()),
        (v6, length, mtu, duplicates, order) => {
          const packet = udpPacket(counting(length), { v6, tos: 2, id: 77 });
          fc.pre(packet.length > mtu);
          const pieces = cut(packet, mtu);
          for (const f of pieces) {
            expect(f.length).toBeLessThanOrEqual(mtu);
            expect(parsed(f).fragment).toBe(true);
          }
          const mixed = pieces
            .map((f) => ({ f, at: order.next().value as number }))
            .sort((x, y) => x.at - y.at);
          const last = mixed.pop()!;
          for (const d of duplicates) if (mixed.length > 0) mixed.push(mixed[d % mixed.length]);
          const r = new re.Reassembler({ ranges: 1000 });
          for (const { f } of mixed) expect(feed(r, f)).not.toBe(re.FRAGMENT_COMPLETE);
          expect(feed(r, last.f)).toBe(re.FRAGMENT_COMPLETE);
          const back = whole(r);
          expect(Buffer.from(back).equals(Buffer.from(packet))).toBe(true);
          const p = parsed(back);
          expect(transportVerifies(back, p, p.payloadLength, CHECKSUM_NONE)).toBe(true);
          expect([r.size, r.memory, r.nextTimeout()]).toEqual([0, 0, Number.POSITIVE_INFINITY]);
          expect(r.counters).toEqual({ reassembled: 1, overlaps: 0, timeouts: 0, evicted: 0 });
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keep extension headers before the fragment header in every piece', () => {
    const inner = Uint8Array.of(17, 0, 1, 4, 0, 0, 0, 0, ...counting(3000));
    const packet = packetOf(0, inner, { v6: true });
    const pieces = cut(packet, 1280);
    expect(pieces.length).toBe(3);
    for (const f of pieces) expect([f[6], f[40], f[48]]).toEqual([0, 44, 17]);
    const r = new re.Reassembler();
    for (const f of pieces) feed(r, f);
    expect([...whole(r)]).toEqual([...packet]);
  });

  it('refuse to cut what must not be cut', () => {
    const f = new Fragmenter();
    const packet = packetOf(17, counting(2000), { df: true });
    expect(() => f.start(packet, 0, packet.length, 1500, 1)).toThrow("EMSGSIZE: don't-fragment is set");
    const plain = packetOf(17, counting(2000));
    expect(() => f.start(plain, 0, plain.length, 27, 1)).toThrow('EINVAL');
    plain[0] = 0x46;
    expect(() => f.start(plain, 0, plain.length, 1500, 1)).toThrow('EINVAL: IPv4 options');
  });
});

describe('reassembly under attack', () => {
  it('gives up a packet with overlapping fragments, and all that still comes of it', () => {
    const overlaps: [number, number, boolean][] = [
      [8, 24, true],
      [0, 24, true],
      [8, 16, false],
      [24, 40, true],
    ];
    for (const v6 of [false, true]) {
      for (const [start, end, more] of overlaps) {
        const r = new re.Reassembler();
        expect(feed(r, piece(v6, 0, 16, true))).toBe(re.FRAGMENT_WAITING);
        expect(feed(r, piece(v6, 32, 48, true))).toBe(re.FRAGMENT_WAITING);
        expect(feed(r, piece(v6, start, end, more))).toBe(re.FRAGMENT_FAILED);
        expect(r.counters.overlaps).toBe(1);
        expect(feed(r, piece(v6, 16, 32, true))).toBe(re.FRAGMENT_DROPPED);
        expect(feed(r, piece(v6, 48, 50, false))).toBe(re.FRAGMENT_DROPPED);
        expect([r.size, r.memory]).toEqual([1, 0]);
        r.onTimer(r.nextTimeout());
        expect([r.size, r.counters.timeouts]).toEqual([0, 0]);
      }
    }
  });

  it('takes a repeated piece with other bytes for an overlap', () => {
    const r = new re.Reassembler();
    feed(r, piece(false, 0, 16, true));
    expect(feed(r, piece(false, 0, 16, true))).toBe(re.FRAGMENT_DROPPED);
    expect(r.counters.overlaps).toBe(0);
    const other = piece(false, 0, 16, true);
    other[25] ^= 1;
    feed(r, other);
    expect(r.counters.overlaps).toBe(1);
  });

  it('gives up a packet whose ends contradict each other', () => {
    const cases: [number, number, boolean][][] = [
      [
        [32, 40, false],
        [32, 48, true],
      ],
      [
        [32, 40, false],
        [40, 48, true],
      ],
      [
        [32, 40, false],
        [16, 24, false],
      ],
      [
        [32, 40, false],
        [32, 40, true],
      ],
      [
        [32, 40, true],
        [8, 16, false],
      ],
      [
        [32, 40, false],
        [48, 50, false],
      ],
    ];
    for (const fragments of cases) {
      const r = new re.Reassembler();
      for (const [s, e, more] of fragments) feed(r, piece(true, s, e, more));
      expect(r.counters.overlaps, JSON.stringify(fragments)).toBe(1);
    }
  });

  it('refuses odd lengths, empty pieces, and packets beyond 65,535 bytes', () => {
    const r = new re.Reassembler();
    expect(feed(r, piece(false, 0, 13, true))).toBe(re.FRAGMENT_DROPPED);
    expect(feed(r, piece(true, 0, 13, true))).toBe(re.FRAGMENT_PROBLEM);
    expect(r.problemPointer).toBe(4);
    expect(feed(r, piece(false, 8, 8, false))).toBe(re.FRAGMENT_DROPPED);
    expect(feed(r, piece(false, 65_520, 65_535, false))).toBe(re.FRAGMENT_DROPPED);
    expect(feed(r, piece(true, 65_528, 65_544, true))).toBe(re.FRAGMENT_PROBLEM);
    expect(r.problemPointer).toBe(42);
    expect(r.size).toBe(0);
  });

  it('wants all headers in the first fragment of an IPv6 packet (RFC 7112)', () => {
    const r = new re.Reassembler();
    const first = (next: number, ...data: number[]) =>
      feed(r, packetOf(44, Uint8Array.of(next, 0, 0, 1, 0, 0, 0, 9, ...data), { v6: true }));
    const options = [60, 0, 1, 4, 0, 0, 0, 0];
    expect(first(60, ...options)).toBe(re.FRAGMENT_PROBLEM);
    expect([r.problemCode, r.problemPointer, r.size]).toEqual([3, 0, 0]);
    expect(first(6, ...new Array(16).fill(0))).toBe(re.FRAGMENT_PROBLEM);
    expect(first(6, ...new Array(12).fill(0), 0x70, ...new Array(11).fill(0))).toBe(re.FRAGMENT_PROBLEM);
    expect(first(6, ...new Array(12).fill(0), 0x60, ...new Array(11).fill(0))).toBe(re.FRAGMENT_WAITING);
    expect(first(60, 17, ...options.slice(1), ...counting(8))).toBe(re.FRAGMENT_FAILED);
    const other = new re.Reassembler();
    const good = packetOf(
      44,
      Uint8Array.of(60, 0, 0, 1, 0, 0, 0, 9, 17, ...options.slice(1), ...counting(8)),
      {
        v6: true,
      },
    );
    expect(feed(other, good)).toBe(re.FRAGMENT_WAITING);
  });

  it('puts the largest packet together', () => {
    const r = new re.Reassembler();
    const end = 65_535 - 20;
    for (let at = 0; at < end; at += 1480) {
      const to = Math.min(end, at + 1480);
      expect(feed(r, piece(false, at, to, to < end))).toBe(
        to < end ? re.FRAGMENT_WAITING : re.FRAGMENT_COMPLETE,
      );
    }
    expect(ipv4.totalLength(whole(r), 0)).toBe(65_535);
  });

  it('carries congestion marks over, and drops what mixes capable and not', () => {
    const ecnOf = (v6: boolean, first: number, second: number) => {
      const r = new re.Reassembler();
      feed(r, piece(v6, 0, 16, true, { tos: first }));
      if (feed(r, piece(v6, 16, 20, false, { tos: second })) !== re.FRAGMENT_COMPLETE) return -1;
      const b = whole(r);
      expect(parsed(b).payloadLength).toBe(20);
      return v6 ? ipv6.ecn(b, 0) : ipv4.ecn(b, 0);
    };
    for (const v6 of [false, true]) {
      expect(ecnOf(v6, 2, 3)).toBe(3);
      expect(ecnOf(v6, 3, 1)).toBe(3);
      expect(ecnOf(v6, 2, 2)).toBe(2);
      expect(ecnOf(v6, 0, 0)).toBe(0);
      expect(ecnOf(v6, 0, 3)).toBe(-1);
      expect(ecnOf(v6, 2, 0)).toBe(-1);
    }
  });

  it('keeps packets apart by identification, addresses, protocol and link', () => {
    const r = new re.Reassembler();
    feed(r, piece(false, 0, 16, true));
    feed(r, piece(false, 16, 20, false, { id: 6 }));
    feed(r, piece(false, 16, 20, false, { source: '192.0.2.3' }));
    feed(r, piece(true, 16, 20, false));
    feed(r, piece(false, 16, 20, false), 0, 2);
    const tcp = piece(false, 16, 20, false);
    tcp[9] = 6;
    ipv4.finishHeader(tcp, 0);
    feed(r, tcp);
    expect(r.size).toBe(6);
    expect(feed(r, piece(false, 16, 20, false))).toBe(re.FRAGMENT_COMPLETE);
  });

  it('forgets in time and reports packets whose first fragment came', () => {
    const r = new re.Reassembler();
    const reports: [number, number, number, number][] = [];
    r.onTimeout = (now, link, b, o, length) => reports.push([now, link, length, b[o] >>> 4]);
    feed(r, piece(true, 0, 16, true), 10);
    feed(r, piece(false, 0, 16, true), 10, 3);
    feed(r, piece(false, 16, 32, true, { id: 9 }), 20);
    expect(r.nextTimeout()).toBe(30e6 + 10);
    r.onTimer(30e6 + 9);
    expect(r.size).toBe(3);
    r.onTimer(30e6 + 20);
    expect([reports, r.size]).toEqual([[[30e6 + 20, 3, 36, 4]], 1]);
    r.onTimer(r.nextTimeout());
    expect(reports[1]).toEqual([60e6 + 10, 1, 64, 6]);
    expect([r.size, r.memory, r.nextTimeout()]).toEqual([0, 0, Number.POSITIVE_INFINITY]);
    expect(r.counters.timeouts).toBe(3);
  });

  it('stays within its bounds, and no source pushes out the others', () => {
    const r = new re.Reassembler({ packets: 8, packetsPerSource: 4, memory: 100_000, ranges: 3 });
    feed(r, piece(false, 0, 16, true, { source: '192.0.2.50' }));
    for (let id = 0; id < 100; id++) feed(r, piece(false, 8, 16, true, { id, source: '192.0.2.66' }));
    expect([r.size, r.counters.evicted]).toEqual([5, 96]);
    expect(feed(r, piece(false, 16, 20, false, { source: '192.0.2.50' }))).toBe(re.FRAGMENT_COMPLETE);
    for (let i = 0; i < 40; i++) feed(r, piece(false, 8, 16, true, { source: `198.51.100.${i + 1}` }));
    expect(r.size).toBe(8);
    for (let i = 0; i < 8; i++)
      feed(r, piece(false, 32_000, 32_016, true, { source: `198.51.100.${i + 1}` }));
    expect(r.memory).toBeLessThanOrEqual(100_000);
    const few = new re.Reassembler({ ranges: 3 });
    for (let i = 0; i < 3; i++)
      expect(feed(few, piece(false, 16 * i, 16 * i + 8, true))).toBe(re.FRAGMENT_WAITING);
    expect(feed(few, piece(false, 80, 88, true))).toBe(re.FRAGMENT_DROPPED);
    expect(feed(few, piece(false, 8, 16, true))).toBe(re.FRAGMENT_WAITING);
  });
});
