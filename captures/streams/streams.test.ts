import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { fragments4 } from '../record/router.js';
import { fileOf, frameOf, packet4, packet6, type Sent } from './build.test.helper.js';
import type { GapCause } from './byte-stream-assembler.js';
import type { Direction, StreamSink } from './conversation.js';
import { readStreams, StreamTable, type StreamTableOptions } from './table.js';
import { hasTshark, ourFollow, tsharkFollow, tsharkNumbers } from './tshark.test.helper.js';

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

  it('ignores the text of a reset', () => {
    expect(play([packet4({ ...A, seq: 1, flags: TCP_RST, data: text('go away') })]).said).toEqual([]);
  });
});

describe('telling conversations apart', () => {
  const syn = (seq: number): Uint8Array => packet4({ ...A, seq, flags: TCP_SYN });

  it('begins a new one when the port is used again, not when the SYN is sent again', () => {
    const { said, table } = play([syn(10), syn(10), data(11, 'a'), syn(900), data(901, 'b')]);
    expect(table.size).toBe(2);
    expect(said).toEqual(['0>a', '1>b']);
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

/** One life of a connection: handshake or none, segments in any order with overlaps and holes, an end or none. */
const life = fc.record({
  port: fc.nat(59),
  opened: fc.constantFrom('handshake', 'syn only', 'synack only', 'middle'),
  middle: fc.array(fc.record({ back: fc.boolean(), seq: fc.nat(14), ack: fc.nat(24), length: fc.nat(6) }), {
    maxLength: 14,
  }),
  ended: fc.constantFrom('fins', 'reset', 'one fin', 'open'),
});

/** Consistent bytes: what stands at a place of the sequence space is always the same. `turn` moves the ISN. */
function packetsOf(
  l: {
    port: number;
    opened: string;
    middle: readonly { back: boolean; seq: number; ack: number; length: number }[];
    ended: string;
  },
  turn: number,
): Uint8Array[] {
  const base = 1000 * (turn + 1);
  const out: Uint8Array[] = [];
  const put = (back: boolean, flags: number, seq: number, ack: number, length = 0): void => {
    const bytes = Uint8Array.from({ length }, (_, i) => 97 + ((seq + i) % 26));
    const ports = back ? { from: 80, to: 3000 + l.port, back } : { from: 3000 + l.port, to: 80 };
    const sent: Sent = { ...ports, seq: base + seq, flags, data: bytes };
    out.push(packet4(flags & TCP_ACK ? { ...sent, ack: base + ack } : sent));
  };
  if (l.opened === 'handshake' || l.opened === 'syn only') put(false, TCP_SYN, -1, 0);
  if (l.opened === 'handshake' || l.opened === 'synack only') put(true, TCP_SYN | TCP_ACK, -1, 0);
  for (const m of l.middle) put(m.back, TCP_ACK, m.seq, m.ack, m.length);
  if (l.ended === 'fins' || l.ended === 'one fin') put(false, TCP_FIN | TCP_ACK, 30, 20);
  if (l.ended === 'fins') put(true, TCP_FIN | TCP_ACK, 20, 31);
  if (l.ended === 'reset') put(true, TCP_RST | TCP_ACK, 20, 20);
  return out;
}

describe.skipIf(!hasTshark)('tshark (skipped: not installed)', () => {
  it('numbers and follows the same streams in made-up traffic', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'netchannel-streams-'));
    try {
      const path = join(folder, 'x.pcap');
      for (const seed of [1, 2, 3, 4, 5, 6]) {
        const [lives] = fc.sample(fc.array(life, { minLength: 150, maxLength: 150, size: 'max' }), {
          seed,
          numRuns: 1,
        });
        // A connection that begins in the middle on a port that was used before cannot be told from the one before.
        const used = new Set<number>();
        const fresh = lives!.map((l) => {
          const opened = used.has(l.port) && l.opened !== 'syn only' ? 'handshake' : l.opened;
          used.add(l.port);
          return { ...l, opened };
        });
        writeFileSync(path, fileOf(fresh.flatMap(packetsOf)));
        const ours: number[] = [];
        await readStreams(path, { segment: (stream, _d, s) => (ours[s.frame.number - 1] = stream.index) });
        expect(ours).toEqual(tsharkNumbers(path, [80]));
        const { streams } = await ourFollow(path);
        expect(streams.length).toBeGreaterThan(40);
        const theirs = tsharkFollow(path, streams.length, [80]);
        const show = (list: [Buffer, Buffer][]): string[] =>
          list.map(([a, b]) => `${a.toString('latin1')} | ${b.toString('latin1')}`);
        expect(show(streams)).toEqual(show(theirs));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
