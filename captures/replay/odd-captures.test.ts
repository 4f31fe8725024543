// Captures that lack something, repeat it or lie about it, as they are met in the wild: made from the corpus, replayed.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { getU16, getU32, setU16, setU32 } from '../../stack/wire/bytes.js';
import { updateChecksum32 } from '../../stack/wire/checksum.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import type { Frame } from '../frame.js';
import { readCapture } from '../read/open.js';
import { StreamTable } from '../streams/table.js';
import { collector, type Recording } from './recording.js';
import { type ReplayResult, replayStream } from './verdict.js';

const folder = fileURLToPath(new URL('../../../captures/corpus/', import.meta.url));

async function frames(name: string): Promise<Frame[]> {
  const list: Frame[] = [];
  for await (const frame of readCapture(join(folder, name)))
    list.push({ ...frame, data: frame.data.slice() });
  return list;
}

function recordings(list: readonly Frame[]): Recording[] {
  const found: Recording[] = [];
  const table = new StreamTable(collector((recording) => found.push(recording)));
  for (const [i, frame] of list.entries()) table.add({ ...frame, number: i + 1 });
  table.finish();
  return found;
}

/** Both sides of the only stream. */
function replay(list: readonly Frame[]): Record<'client' | 'server', ReplayResult> {
  const [recording] = recordings(list);
  const as = (role: 'client' | 'server') => replayStream('odd', recording!, role);
  return { client: as('client'), server: as('server') };
}

const said = (result: ReplayResult): string => [result.verdict, ...result.problems].join('; ');

/** Where TCP's header begins in a raw IPv4 packet. */
const tcpAt = (b: Uint8Array): number => (b[0]! & 15) * 4;
const flags = (f: Frame): number => f.data[tcpAt(f.data) + 13]!;
const later = (f: Frame, seconds: number): Frame => ({ ...f, seconds: f.seconds + seconds });

const seq = (f: Frame): number => getU32(f.data, tcpAt(f.data) + 4);
const payload = (f: Frame): number => f.data.length - tcpAt(f.data) - (f.data[tcpAt(f.data) + 12]! >> 4) * 4;
const from = (f: Frame): number => getU32(f.data, 12);

/** The frame with another 32-bit word in its TCP header, and the checksum that goes with it. */
function changed(f: Frame, offset: number, value: number): Frame {
  const data = f.data.slice();
  const head = tcpAt(data);
  const sum = updateChecksum32(getU16(data, head + 16), getU32(data, head + offset), value);
  setU16(data, head + 16, sum);
  setU32(data, head + offset, value);
  return { ...f, data };
}

describe('a capture of one direction', () => {
  it('that begins with the SYN with ACK: our SYN and what the client said are made up', async () => {
    const all = await frames('upload.pcap');
    const { client } = replay(all.filter((f) => from(f) !== from(all[0]!)));
    expect(said(client)).toBe('passed');
    expect(client.notes.join()).toMatch(/that this side sent are not in the capture/);
    expect(client.bytesSent).toBeGreaterThan(28_000);
  });

  it('that lacks the SYN alone', async () => {
    const { client, server } = replay((await frames('http-curl.pcap')).slice(1));
    expect([said(client), said(server)]).toEqual(['passed', 'passed']);
    expect(client.bytesSent).toBe(client.situation!.application.bytes.length);
  });
});

describe('packets behind the end of the connection', () => {
  it('may be answered by a reset: nothing is left where the last ACK has come twice', async () => {
    const all = await frames('http-curl.pcap');
    const last = all.at(-1)!;
    expect(flags(last) & (TCP_ACK | TCP_FIN | TCP_SYN)).toBe(TCP_ACK);
    const { client, server } = replay([...all, later(last, 1)]);
    expect([said(client), said(server)]).toEqual(['passed', 'passed']);
    expect([client, server].some(({ played }) => played!.observer.sent.some((s) => s.flags & 4))).toBe(true);
  });
});

describe('the handshake', () => {
  it('has the client that sent the SYN, also where the SYN with ACK stands in front of it', async () => {
    const all = await frames('http-curl.pcap');
    const { client, server } = replay([all[1]!, all[0]!, ...all.slice(2)]);
    expect([said(client), said(server)]).toEqual(['passed', 'passed']);
    expect([client.bytesSent, server.bytesSent]).toEqual([87, 9187]);
  });

  it('that comes again behind the end is another connection’s', async () => {
    const all = await frames('half-close.pcap');
    const { client, server } = replay([all[1]!, ...all.slice(2), later(all[0]!, 1)]);
    expect([said(client), said(server)]).toEqual(['passed', 'passed']);
    expect(server.notes.join()).toMatch(/the peer's SYN is not in the capture/);
  });

  it('may be reset where something else than the SYN is acknowledged', async () => {
    const all = await frames('http-curl.pcap');
    const ack = changed(all[2]!, 8, (getU32(all[2]!.data, tcpAt(all[2]!.data) + 8) - 70_000) >>> 0);
    const { server } = replay([all[0]!, all[1]!, ack]);
    expect(said(server)).toBe('passed');
    expect(server.played!.observer.reset).toBe(true);
  });
});

describe('numbers', () => {
  it('are not taken from a keepalive probe, which stands one below', async () => {
    const { client, server } = replay((await frames('keepalive.pcap')).slice(5));
    expect([said(client), said(server)]).toEqual(['passed', 'passed']);
    expect(client.notes).toEqual([expect.stringMatching(/begins in the middle/)]);
    expect(server.notes).toEqual([expect.stringMatching(/begins in the middle/)]);
  });

  it('are those of the SYN that the connection goes on from', async () => {
    const all = await frames('http-curl.pcap');
    const other = changed(all[1]!, 4, (seq(all[1]!) + 4321) >>> 0);
    const { client, server } = replay([all[0]!, other, ...all.slice(1)]);
    expect([said(client), said(server)]).toEqual(['passed', 'passed']);
    expect(client.notes).toEqual(['1 SYNs with other initial numbers are left out']);
  });
});

describe('times', () => {
  it('of weeks without an answer are shortened, and said to be', async () => {
    const all = await frames('upload.pcap');
    const at = all.findIndex((f) => payload(f) > 1000) + 2;
    const { client, server } = replay(all.map((f, i) => (i < at ? f : later(f, 2e6))));
    expect([said(client), said(server)]).toEqual(['passed', 'passed']);
    expect(client.notes).toEqual([expect.stringMatching(/^1 pauses longer than any host/)]);
  });

  it('put pieces in order that were joined the wrong way round', async () => {
    const all = await frames('upload.pcap');
    const pieces = all.map((f, i) => (i < 20 ? f : later(f, 5)));
    const { client, server } = replay([...pieces.slice(20), ...pieces.slice(3, 20)]);
    expect([said(client), said(server)]).toEqual(['passed', 'passed']);
    expect(client.notes).toEqual([
      expect.stringMatching(/in the order of their times/),
      expect.stringMatching(/begins in the middle/),
    ]);
    expect(client.bytesSent).toBeGreaterThan(28_000);
  });
});

describe('data', () => {
  it('of more than a packet holds (BIG TCP) goes in several', async () => {
    const all = await frames('upload.pcap');
    const first = all.findIndex((f) => payload(f) > 0);
    const head = all[first]!.data;
    const data = new Uint8Array(head.length - payload(all[first]!) + 70_000);
    data.set(head.subarray(0, head.length - payload(all[first]!)));
    setU16(data, 2, 0);
    const { server } = replay([
      ...all.slice(0, first),
      { ...all[first]!, data, originalLength: data.length },
    ]);
    expect([said(server), server.bytesRead]).toEqual(['passed', 70_000]);
  });

  it('without ACK is nobody’s', async () => {
    const all = await frames('upload.pcap');
    const first = all.findIndex((f) => payload(f) > 0);
    const word = getU32(all[first]!.data, tcpAt(all[first]!.data) + 12);
    const bare = changed(all[first]!, 12, (word & ~0x0010_0000) >>> 0);
    const { server } = replay([...all.slice(0, first), bare]);
    expect([said(server), server.bytesRead]).toEqual(['passed', 0]);
    expect(server.notes).toEqual([expect.stringMatching(/no TCP takes them$/)]);
  });

  it('that only a FIN tells of is written before it', async () => {
    const all = await frames('half-close.pcap');
    const client = from(all[0]!);
    const second = (f: Frame): boolean =>
      from(f) === client && payload(f) > 0 && seq(f) - seq(all[0]!) > 2000;
    const result = replay(all.filter((f) => !second(f))).client;
    expect(said(result)).toBe('passed');
    expect(result.bytesSent).toBe(3000);
  });
});

describe('a capture that contradicts itself', () => {
  it('is told so, and what cannot arrive is a difference', async () => {
    const all = await frames('half-close.pcap');
    const client = from(all[0]!);
    const data = all.findIndex((f) => from(f) === client && payload(f) > 1000);
    // The same numbers again with other bytes, in front of what was acknowledged: no host can have taken both.
    const last = (all[data]!.data.length >> 2) * 4 - 4 - tcpAt(all[data]!.data);
    const other = changed(all[data]!, last, 0x5555_aaaa);
    const { server } = replay([...all.slice(0, data + 1), other, ...all.slice(data + 1)]);
    expect(said(server)).toBe('passed');
    expect(server.notes.join()).toMatch(/[1-4] bytes of .* stand in the capture in two versions/);
    const fin = all.find((f) => flags(f) & TCP_FIN && from(f) === client)!;
    const rest = all.filter((f) => f !== fin);
    const early = replay([
      ...rest.slice(0, data + 2),
      changed(fin, 4, seq(fin) - 104),
      ...rest.slice(data + 2),
    ]).server;
    expect(said(early)).toBe('passed');
    expect(early.notes.join()).toMatch(/sends data behind its FIN/);
    expect(early.differences.join()).toMatch(/bytes read of 3000 that the peer sent/);
  });

  it('is not blamed on our stack where a SYN with ACK acknowledges nothing', async () => {
    const all = await frames('half-close.pcap');
    const ack = getU32(all[1]!.data, tcpAt(all[1]!.data) + 8);
    const { client } = replay([all[0]!, changed(all[1]!, 8, (ack - 5_000_000) >>> 0), ...all.slice(2)]);
    expect(said(client)).toBe('passed');
    expect(client.notes.join()).toMatch(/acknowledges bytes that were never sent/);
  });
});

describe('frames in another order than their times', () => {
  it.each([
    ['the SYN behind the SYN with ACK', (all: Frame[]) => [all[1]!, all[0]!, ...all.slice(2)]],
    [
      'the SYN with ACK behind data',
      (all: Frame[]) => [all[0]!, ...all.slice(2, 5), all[1]!, ...all.slice(5)],
    ],
    [
      'one direction behind the other',
      (all: Frame[]) =>
        all.toSorted((a, b) => Number(from(a) !== from(all[0]!)) - Number(from(b) !== from(all[0]!))),
    ],
  ])('are put in order: %s', async (_what, move) => {
    const moved = move(await frames('http-curl.pcap'));
    const { client, server } = replay(moved);
    expect([said(client), said(server)]).toEqual(['passed', 'passed']);
    expect(client.bytesSent).toBe(client.situation!.application.bytes.length);
    expect(server.bytesSent).toBe(server.situation!.application.bytes.length);
    expect(client.notes.join()).toContain('in the order of their times');
  });
});

describe('probes that no socket sends', () => {
  it.each([
    ['SYN and FIN', TCP_SYN | TCP_FIN, 'client'],
    ['SYN and RST', TCP_SYN | TCP_RST, 'client'],
    ['SYN and RST', TCP_SYN | TCP_RST, 'server'],
  ] as const)('%s are skipped (%s, as %s)', async (_what, bits, role) => {
    const [syn, answer] = await frames('refused.pcap');
    const word = getU32(syn!.data, tcpAt(syn!.data) + 12);
    const probe = changed(syn!, 12, ((word & ~0x003f_0000) | (bits << 16)) >>> 0);
    const result = replay([probe, answer!])[role];
    expect(said(result)).toBe('skipped');
    expect(result.reason).toContain('a probe');
  });
});
