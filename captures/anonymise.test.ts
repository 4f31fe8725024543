import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Anonymiser } from './anonymise.js';
import { type Frame, LINKTYPE_ETHERNET } from './frame.js';
import { readCapture } from './read/open.js';
import { frameOf } from './streams/build.test.helper.js';
import { readStreams } from './streams/table.js';
import { hasTshark } from './streams/tshark.test.helper.js';
import { CaptureFile } from './write/file.js';

const corpus = fileURLToPath(new URL('../../captures/corpus/', import.meta.url));
const captures = readdirSync(corpus).filter((name) => /\.pcap(ng)?$/.test(name));
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'netchannel-anonymise-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function anonymise(name: string): Promise<string> {
  const to = join(folder, name);
  const anonymiser = new Anonymiser();
  for await (const frame of readCapture(join(corpus, name))) anonymiser.learn(frame);
  const out = new CaptureFile(to);
  for await (const frame of readCapture(join(corpus, name))) out.write(anonymiser.frame(frame));
  out.close();
  return to;
}

/** What must stay of every segment, and the bytes of the streams. */
async function seen(path: string) {
  const segments: string[] = [];
  let payload = 0;
  let nonZero = 0;
  const addresses = new Set<string>();
  await readStreams(path, {
    segment(stream, direction, s) {
      const options = Buffer.from(s.options).toString('hex');
      segments.push(
        [
          stream.index,
          direction,
          s.sourcePort,
          s.destinationPort,
          s.seq,
          s.ack,
          s.flags,
          s.window,
          s.length,
          options,
          s.frame.seconds,
          s.frame.nanoseconds,
        ].join(' '),
      );
      addresses.add(String(s.source)).add(String(s.destination));
    },
    data(_s, _d, bytes) {
      payload += bytes.length;
      nonZero += bytes.filter((b) => b !== 0).length;
    },
  });
  return { segments, payload, nonZero, addresses };
}

describe('anonymising', () => {
  it.each(captures)('%s keeps what TCP did and nothing that was said', async (name) => {
    const before = await seen(join(corpus, name));
    const after = await seen(await anonymise(name));
    expect(after.segments).toEqual(before.segments);
    expect(after.payload).toBe(before.payload);
    expect(after.nonZero).toBe(0);
    expect(after.addresses.size).toBe(before.addresses.size);
    for (const address of after.addresses) expect(before.addresses.has(address)).toBe(false);
  });

  it
    .skipIf(!hasTshark)
    .each([
      'fragments.pcap',
      'path-mtu.pcap',
      'path-mtu-ipv6.pcap',
      'super-packets.pcap',
      'snapped.pcap',
      'http-curl-ipv6.pcap',
    ])('%s has right checksums, says tshark', async (name) => {
    const to = await anonymise(name);
    const ran = execFileSync(
      'tshark',
      [
        '-r',
        to,
        '-o',
        'tcp.check_checksum:TRUE',
        '-o',
        'ip.check_checksum:TRUE',
        '-d',
        'tcp.port==8123,data',
        '-T',
        'fields',
        '-E',
        'occurrence=f',
        '-e',
        'tcp.checksum.status',
        '-e',
        'ip.checksum.status',
        '-e',
        'icmp.checksum.status',
        '-e',
        'icmpv6.checksum.status',
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const rows = ran
      .trimEnd()
      .split('\n')
      .map((row) => row.split('\t'));
    // 0 bad, 1 good, 2 unverified (snapped). A segment that ICMP quotes is cut short, and tshark calls it bad for that.
    for (const row of rows) if (row[2] || row[3]) row[0] = '';
    expect(rows.flat().filter((status) => status === '0')).toEqual([]);
    expect(rows.flat()).toContain('1');
  });

  it('replaces hardware addresses and those in ARP, each by the same one every time', () => {
    const arp = Uint8Array.from(
      [
        ...'ffffffffffff'.match(/../g)!,
        ...'0a1122334455'.match(/../g)!,
        '08',
        '06',
        '00',
        '01',
        '08',
        '00',
        '06',
        '04',
        '00',
        '01',
        ...'0a1122334455'.match(/../g)!,
        'c0',
        'a8',
        '05',
        '06',
        ...'000000000000'.match(/../g)!,
        'c0',
        'a8',
        '05',
        '07',
      ].map((h) => Number.parseInt(h, 16)),
    );
    const frame = { ...frameOf(arp), linkType: LINKTYPE_ETHERNET };
    const out = Buffer.from(new Anonymiser().frame(frame).data).toString('hex');
    expect(out).toBe('ffffffffffff020000000001080600010800060400010200000000010a0000010000000000000a000002');
  });

  it('never throws, and keeps lengths, on arbitrary frames', () => {
    const linkType = fc.constantFrom(0, 1, 101, 113, 276);
    const ipLike = fc
      .uint8Array({ maxLength: 120 })
      .chain((rest) => fc.constantFrom(0x45, 0x46, 0x60, 0x4f).map((first) => Uint8Array.of(first, ...rest)));
    fc.assert(
      fc.property(
        linkType,
        fc.oneof(ipLike, fc.uint8Array({ maxLength: 200 })),
        fc.nat(2000),
        (type, bytes, more) => {
          const frame: Frame = { ...frameOf(bytes), linkType: type, originalLength: bytes.length + more };
          const anonymiser = new Anonymiser();
          anonymiser.learn(frame);
          expect(anonymiser.frame(frame).data.length).toBe(bytes.length);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
