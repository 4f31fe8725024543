import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileHeader, record } from '../../stack/link/pcap-format.js';
import { TCP_ACK, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { LINKTYPE_RAW } from '../frame.js';
import { fragments4, tooBig } from '../record/router.js';
import { frameOf, packet4, packet6 } from './build.test.helper.js';
import type { GapCause } from './byte-stream-assembler.js';
import type { Direction, StreamSink } from './conversation.js';
import { StreamTable, type StreamTableOptions } from './table.js';
import { traffic } from './traffic.test.helper.js';
import { followDifferences, hasTshark, numberDifferences } from './tshark.test.helper.js';

/** Of the comparison with tshark; more can be tried by NETCHANNEL_TRAFFIC_SEEDS=FROM-TO. */
const SEEDS = seeds(process.env.NETCHANNEL_TRAFFIC_SEEDS ?? '1-2');

function seeds(range: string): number[] {
  const [from, to] = range.split('-').map(Number);
  return Array.from({ length: to! - from! + 1 }, (_, i) => from! + i);
}

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

/** Everything a table says about packets, as lines. */
function play(packets: readonly Uint8Array[], options?: StreamTableOptions, snap?: number) {
  const said: string[] = [];
  const name = (index: number, d: Direction): string => `${index}${d === 0 ? '>' : '<'}`;
  const sink: StreamSink = {
    data: (s, d, bytes) => said.push(`${name(s.index, d)}${Buffer.from(bytes).toString('latin1')}`),
    gap: (s, d, length, cause: GapCause) => said.push(`${name(s.index, d)}[${length} ${cause}]`),
  };
  const table = new StreamTable(sink, options);
  packets.forEach((p, i) => {
    table.add(frameOf(p, i + 1, snap === undefined ? undefined : Math.min(snap, p.length)));
  });
  table.finish();
  return { said, table };
}

const A = { from: 1111, to: 80 };
const B = { from: 80, to: 1111, back: true };
const data = (seq: number, s: string): Uint8Array => packet4({ ...A, seq, flags: TCP_ACK, data: text(s) });
const acked = (ack: number): Uint8Array => packet4({ ...B, seq: 500, ack, flags: TCP_ACK });

describe('putting a stream together', () => {
  it.each([
    ['IPv4', packet4],
    ['IPv6', packet6],
  ])('out of order, overlapping and repeated segments over %s', (_name, packet) => {
    const send = (seq: number, s: string): Uint8Array => packet({ ...A, seq, flags: TCP_ACK, data: text(s) });
    const { said, table } = play([
      packet({ ...A, seq: 99, flags: TCP_SYN }),
      send(100, 'abc'),
      send(106, 'ghi'),
      send(108, 'ijk'),
      send(102, 'cdef'),
      send(100, 'abcd'),
      send(111, 'l'),
    ]);
    expect(said.join('').replaceAll('0>', '')).toBe('abcdefghijkl');
    expect(table.size).toBe(1);
  });

  it('goes over the end of the sequence space', () => {
    const { said } = play([data(0xffff_fffe, 'ab'), data(2, 'ef'), data(0, 'cd'), data(0xffff_ffff, 'bcd')]);
    expect(said).toEqual(['0>ab', '0>cd', '0>ef']);
  });

  it('marks what the receiver has and the capture has not', () => {
    const { said } = play([data(100, 'ab'), data(105, 'fg'), acked(107), data(109, 'j'), acked(107)]);
    expect(said).toEqual(['0>ab', '0>[3 lost]', '0>fg', '0>[2 end]', '0>j']);
  });

  it('waits for a hole that has not been acknowledged', () => {
    const { said } = play([data(100, 'ab'), data(103, 'd'), acked(102), data(102, 'c')]);
    expect(said).toEqual(['0>ab', '0>c', '0>d']);
  });

  it('marks what the capture cut off', () => {
    const { said } = play([data(100, 'abcdef'), data(106, 'gh')], {}, 42);
    expect(said).toEqual(['0>ab', '0>[4 snapped]', '0>gh']);
  });

  it('takes the rest of a snapped segment from its retransmission', () => {
    // What a receiver had is what came first: the part that the capture lacks stays lacking.
    const table = play([data(100, 'abcdef')], {}, 42).said;
    expect(table).toEqual(['0>ab', '0>[4 snapped]']);
  });

  it('holds a bounded number of bytes behind a hole', () => {
    const packets = [data(100, 'a')];
    for (let i = 0; i < 50; i++) packets.push(data(200 + 10 * i, '0123456789'));
    const { said } = play(packets, { held: 100 });
    expect(said[1]).toBe('0>[99 limit]');
    expect(said.slice(2).join('').replaceAll('0>', '')).toBe('0123456789'.repeat(50));
  });

  it('puts fragments together, in any order', () => {
    const big = packet4({ ...A, seq: 100, flags: TCP_ACK, data: new Uint8Array(3000).fill(0x78) });
    const pieces = fragments4(big, 620);
    const { said, table } = play([...pieces.slice(2), ...pieces.slice(0, 2)]);
    expect(said).toEqual([`0>${'x'.repeat(3000)}`]);
    expect(table.counters).toMatchObject({ fragments: pieces.length, reassembled: 1, fragmentsDropped: 0 });
  });

  it('shows the text of a reset where it stands, as tshark does', () => {
    const { said } = play([data(1, 'ab'), packet4({ ...A, seq: 3, flags: TCP_RST, data: text('go away') })]);
    expect(said).toEqual(['0>ab', '0>go away']);
  });
});

describe('telling conversations apart', () => {
  const syn = (seq: number): Uint8Array => packet4({ ...A, seq, flags: TCP_SYN });

  it('begins a new one when the port is used again, not when the SYN is sent again', () => {
    const { said, table } = play([syn(10), syn(10), data(11, 'a'), syn(900), data(901, 'b')]);
    expect(table.size).toBe(2);
    expect(said).toEqual(['0>a', '1>b']);
  });

  it('counts anew when the SYN with ACK came again with another number, as SYN cookies make it', () => {
    const synAck = (seq: number): Uint8Array => packet4({ ...B, seq, ack: 11, flags: TCP_SYN | TCP_ACK });
    const answer = packet4({ ...B, seq: 701, ack: 11, flags: TCP_ACK, data: text('yes') });
    const { said, table } = play([syn(10), synAck(500), syn(10), synAck(700), answer]);
    expect(table.size).toBe(1);
    expect(said).toEqual(['0<yes']);
  });

  it('numbers a conversation that only an ICMP error tells of, as Wireshark does', () => {
    const quoted = packet4({ from: 7777, to: 80, seq: 5, flags: TCP_ACK });
    const { said, table } = play([tooBig(quoted, 1000), data(1, 'a'), tooBig(quoted.subarray(0, 28), 900)]);
    expect(table.size).toBe(2);
    expect(said).toEqual(['1>a']);
  });

  it('keeps a bounded number open', () => {
    const packets: Uint8Array[] = [];
    for (let i = 0; i < 20; i++) {
      packets.push(packet4({ from: 2000 + i, to: 80, seq: 5, flags: TCP_ACK, data: text('x') }));
    }
    const { table } = play([...packets, ...packets], { conversations: 5 });
    expect(table.size).toBe(40);
  });
});

describe('arbitrary input', () => {
  it('never throws and never makes up bytes', () => {
    const edit = fc.tuple(fc.nat(79), fc.nat(255));
    const seed = fc.constantFrom(
      data(100, 'abcdefgh'),
      packet6({ ...A, seq: 1, flags: TCP_ACK, data: text('x') }),
    );
    const mutated = fc.tuple(seed, fc.array(edit, { maxLength: 6 }), fc.nat(80)).map(([b, edits, cut]) => {
      const copy = b.slice(0, Math.max(1, b.length - (cut > 40 ? 0 : cut)));
      for (const [at, value] of edits) if (at < copy.length) copy[at] = value;
      return copy;
    });
    const any = fc.oneof(mutated, fc.uint8Array({ minLength: 1, maxLength: 80 }));
    fc.assert(
      fc.property(fc.array(any, { maxLength: 20 }), (packets) => {
        const { said, table } = play(packets, { held: 64, fragments: 256 });
        const put = said.filter((s) => !s.includes('[')).reduce((n, s) => n + s.length - 2, 0);
        expect(put).toBeLessThanOrEqual(packets.reduce((n, p) => n + p.length, 0) * 10);
        expect(table.size).toBeLessThanOrEqual(packets.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe.skipIf(!hasTshark)('tshark (skipped: not installed)', () => {
  it('numbers and follows the same streams in made-up traffic', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'netchannel-streams-'));
    try {
      const path = join(folder, 'x.pcap');
      for (const seed of SEEDS) {
        const seen = traffic(seed, 150);
        const records = seen.map(({ packet, kept }, i) =>
          record({ seconds: 1000 + i, nanoseconds: 0 }, packet.subarray(0, kept), packet.length),
        );
        writeFileSync(path, Buffer.concat([fileHeader(LINKTYPE_RAW), ...records]));
        expect({ seed, numbers: await numberDifferences(path) }).toEqual({ seed, numbers: [] });
        expect({ seed, bytes: await followDifferences(path) }).toEqual({ seed, bytes: [] });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 120_000);
});
