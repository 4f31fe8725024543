// Replays of the corpus pass in both roles; and what a broken stack would do is seen by the observer.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScript } from '../../conformance/language/index.js';
import { setU16, setU32 } from '../../stack/wire/bytes.js';
import { convertStream } from '../convert/script.js';
import { readCapture } from '../read/open.js';
import { StreamTable } from '../streams/table.js';
import { Observer } from './observer.js';
import { play } from './player.js';
import { collect, collector, type Recording } from './recording.js';
import { ReplayPage } from './report-html.js';
import { jsonOf, textOf } from './report-text.js';
import { NotReplayable, type Role, situationOf } from './situation.js';
import { replayStream } from './verdict.js';

const folder = fileURLToPath(new URL('../../../captures/corpus/', import.meta.url));
const captures = readdirSync(folder).filter((name) => /\.pcap(ng)?$/.test(name));

async function recordings(name: string): Promise<Recording[]> {
  const list: Recording[] = [];
  await collect(join(folder, name), (recording) => list.push(recording));
  return list;
}

describe('the corpus', () => {
  it.each(captures)('%s replays as client and as server', async (name) => {
    for (const recording of await recordings(name)) {
      for (const role of ['client', 'server'] as const) {
        const result = replayStream(name, recording, role);
        expect(`${role} ${result.verdict} ${result.reason}`).toBe(`${role} passed `);
      }
    }
  });

  it('moves the bytes that were recorded', async () => {
    const [recording] = await recordings('loss-one.pcap');
    expect(replayStream('x', recording!, 'client')).toMatchObject({ bytesRead: 30_000, bytesSent: 4 });
    expect(replayStream('x', recording!, 'server')).toMatchObject({ bytesRead: 4, bytesSent: 30_000 });
  });

  it('does what the recorded Linux did, packet for packet, where nothing disturbs it', async () => {
    const [recording] = await recordings('bulk-30k.pcap');
    const counted = replayStream('x', recording!, 'server').differences.filter((d) =>
      /segments|retrans|resets/.test(d),
    );
    expect(counted).toEqual([]);
  });
});

describe('captures that lack something', () => {
  it.each([
    ['begins-mid-stream.pcap', /begins in the middle/],
    ['capture-dropped.pcap', /bytes that (the peer|this side) sent are not in the capture/],
    ['synack-missing.pcap', /SYN with ACK is not in the capture/],
    ['snapped.pcap', /cut off by the capture/],
    ['damaged.pcap', /^1 packets have a wrong checksum/],
    ['wrong-ack.pcap', /acknowledges bytes that were never sent/],
  ])('%s says so', async (name, note) => {
    const [recording] = await recordings(name);
    const notes = (['client', 'server'] as const).flatMap(
      (role) => replayStream(name, recording!, role).notes,
    );
    expect(notes.join('\n')).toMatch(note);
  });

  it('skips what has one side only', async () => {
    const [recording] = await recordings('bulk-30k.pcap');
    const oneSided = { ...recording!, packets: recording!.packets.filter((p) => p.direction === 0) };
    const results = (['client', 'server'] as const).map((role) => replayStream('x', oneSided, role));
    expect(results.map((r) => r.verdict).sort()).toEqual(['passed', 'skipped']);
    expect(results.find((r) => r.verdict === 'skipped')!.reason).toMatch(/nothing of the other side/);
  });
});

describe('captures that lie', () => {
  it('come to a verdict, whatever bytes were changed', async () => {
    const names = [
      'loss-one.pcap',
      'http-curl-ipv6.pcap',
      'fast-open.pcap',
      'path-mtu.pcap',
      'zero-window.pcap',
    ];
    const edit = fc.record({ frame: fc.nat(60), at: fc.nat(75), value: fc.nat(255) });
    const input = fc.record({
      name: fc.constantFrom(...names),
      edits: fc.array(edit, { minLength: 1, maxLength: 8 }),
      dropped: fc.array(fc.nat(60), { maxLength: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ name, edits, dropped }) => {
        const list: Recording[] = [];
        const table = new StreamTable(collector((recording) => list.push(recording)));
        for await (const frame of readCapture(join(folder, name))) {
          if (dropped.includes(frame.number - 1)) continue;
          const data = frame.data.slice();
          for (const e of edits) if (e.frame === frame.number - 1 && e.at < data.length) data[e.at] = e.value;
          table.add({ ...frame, data });
        }
        table.finish();
        for (const recording of list) {
          for (const role of ['client', 'server'] as const) {
            const result = replayStream(name, recording, role);
            expect(['passed', 'failed', 'skipped']).toContain(result.verdict);
            expect(result.played?.fault ?? null).toBeNull();
            try {
              parseScript(convertStream(name, recording, role).text, { file: name });
            } catch (error) {
              expect(error).toBeInstanceOf(NotReplayable);
            }
          }
        }
      }),
      { numRuns: 40, seed: 7 },
    );
  }, 60_000);
});

describe('the observer', () => {
  /** The packets of a good replay go past a new observer; `change` alters one of our stack's. */
  async function replayed(role: Role, change: (bytes: Uint8Array, payload: number, index: number) => void) {
    const [recording] = await recordings('loss-one.pcap');
    const situation = situationOf(recording!, role);
    const { observer } = play(situation);
    const peerIsn = recording!.isn[1 - situation.side]!;
    const again = new Observer(peerIsn, situation.application.bytes);
    // Everything has arrived at the end: only what is changed can be wrong.
    again.received(0, 0, 1, 1, 0x12, 60_000, 7);
    again.received(0, 1, situation.peerBytes.length + 2, 1, 0x10, 60_000, null);
    again.mayReset = false;
    observer.sent.forEach((s, i) => {
      const bytes = s.packet.bytes.slice();
      change(bytes, s.packet.payloadLength, i);
      again.left(bytes, s.time);
    });
    return again.problems.map((p) => p.replace(/^[0-9.]+ /, ''));
  }
  const nothing = (): void => {};

  it('has nothing to say about a good one', async () => {
    expect(await replayed('server', nothing)).toEqual([]);
    expect(await replayed('client', nothing)).toEqual([]);
  });

  it('sees a wrong checksum', async () => {
    const problems = await replayed('server', (b, _n, i) => {
      if (i === 3) b[37]! ^= 1;
    });
    expect(problems).toEqual(['a wrong checksum']);
  });

  it('sees other bytes than were written', async () => {
    const problems = await replayed('server', (b, n, i) => {
      if (i === 8 && n > 0) b[b.length - 1]! ^= 255;
    });
    expect(problems).toContainEqual(expect.stringMatching(/sends other bytes than were written/));
  });

  it('sees an acknowledgment of what has not arrived', async () => {
    const problems = await replayed(
      'client',
      (b, _n, i) =>
        i === 5 &&
        setU32(b, 28, (((b[28]! << 24) | (b[29]! << 16) | (b[30]! << 8) | b[31]!) + 500_000) >>> 0),
    );
    expect(problems).toContainEqual(expect.stringMatching(/acknowledges \d+ where only \d+ has arrived/));
  });

  it('sees a reset without cause', async () => {
    const problems = await replayed('client', (b, _n, i) => i === 5 && setU16(b, 32, (b[32]! << 8) | 0x14));
    expect(problems).toContainEqual('a reset without cause');
  });

  it('sees data beyond the window', () => {
    const observer = new Observer(0, new Uint8Array(5000));
    observer.received(0, 0, 1, 0, 0x02, 1000, null);
    const packet = new Uint8Array(40 + 2000);
    packet.set([0x45, 0, 7, 0xf8, 0, 0, 0, 0, 64, 6]);
    setU32(packet, 24, 1);
    packet[32] = 0x50;
    packet[33] = 0x10;
    observer.left(packet, 0);
    expect(observer.problems.join()).toMatch(/sends up to 2001, the window ends at 1001/);
  });
});

describe('reports', () => {
  it('are text, JSON and a page with a diagram for replay and recording', async () => {
    const [recording] = await recordings('loss-one.pcap');
    const result = replayStream('loss-one.pcap', recording!, 'server');
    expect(textOf(result, false)).toMatch(
      /^passed {2}loss-one\.pcap {2}stream 0 as server .* 30000 bytes out, 4 in\n/,
    );
    expect(JSON.parse(jsonOf(result))).toMatchObject({
      verdict: 'passed',
      stream: 0,
      role: 'server',
      bytesSent: 30_000,
    });
    const page = new ReplayPage();
    page.add(result);
    const html = page.text({ passed: 1, failed: 0, skipped: 0 });
    for (const caption of ['Replay: our stack sends', 'Recording: this side sent'])
      expect(html).toContain(caption);
    expect(html.match(/class="again"/g)!.length).toBeGreaterThanOrEqual(2);
  });
});
