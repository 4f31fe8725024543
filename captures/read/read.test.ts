import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileHeader, record } from '../../stack/link/pcap-format.js';
import { CaptureError } from '../errors.js';
import { type Frame, isSnapped, LINKTYPE_ETHERNET, LINKTYPE_RAW, microsecondsSince } from '../frame.js';
import { enhancedPacket, interfaceDescription, sectionHeader } from '../write/pcapng.js';
import { readCapture, readCaptureStream } from './open.js';

const bytes = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);
const at = (seconds: number, nanoseconds = 0) => ({ seconds, nanoseconds });

/** Reads a capture from memory, handed over in chunks of `chunk` bytes. */
async function read(file: Uint8Array, chunk = 7): Promise<{ frames: Frame[]; error: CaptureError | null }> {
  const parts: Buffer[] = [];
  for (let i = 0; i < file.length; i += chunk) parts.push(Buffer.from(file.subarray(i, i + chunk)));
  const frames: Frame[] = [];
  try {
    for await (const frame of readCaptureStream(Readable.from(parts, { objectMode: false })))
      frames.push(frame);
  } catch (error) {
    if (error instanceof CaptureError) return { frames, error };
    throw error;
  }
  return { frames, error: null };
}

/** The same classic capture in the other byte order. */
function swapped(file: Uint8Array): Uint8Array {
  const out = Buffer.from(file);
  const swap = (offset: number, size: number) => out.subarray(offset, offset + size).reverse();
  for (const [offset, size] of [
    [0, 4],
    [4, 2],
    [6, 2],
    [8, 4],
    [12, 4],
    [16, 4],
    [20, 4],
  ] as const)
    swap(offset, size);
  for (let offset = 24; offset < out.length; ) {
    const length = out.readUInt32LE(offset + 8);
    for (let i = 0; i < 4; i++) swap(offset + 4 * i, 4);
    offset += 16 + length;
  }
  return out;
}

const packets = [Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(1500).fill(9)];
const classic = (nanosecond: boolean): Uint8Array =>
  bytes(
    fileHeader(LINKTYPE_RAW, nanosecond),
    ...packets.map((data, i) => record(at(1_700_000_000 + i, 123_456_789), data, data.length, nanosecond)),
  );

describe('classic pcap', () => {
  it.each([
    ['microseconds', classic(false), 123_456_000],
    ['nanoseconds', classic(true), 123_456_789],
    ['microseconds, other byte order', swapped(classic(false)), 123_456_000],
    ['nanoseconds, other byte order', swapped(classic(true)), 123_456_789],
  ])('%s', async (_name, file, nanoseconds) => {
    for (const chunk of [1, 7, 16, 24, 100_000]) {
      const { frames, error } = await read(file, chunk);
      expect(error).toBeNull();
      expect(frames.map((frame) => [frame.number, frame.seconds, frame.nanoseconds])).toEqual(
        packets.map((_, i) => [i + 1, 1_700_000_000 + i, nanoseconds]),
      );
      expect(frames.map((frame) => frame.data)).toEqual(packets);
      expect(frames.every((frame) => frame.linkType === LINKTYPE_RAW)).toBe(true);
    }
  });

  it('marks snapped packets', async () => {
    const { frames } = await read(bytes(fileHeader(LINKTYPE_RAW), record(at(1), Uint8Array.of(1, 2), 60)));
    expect(frames.map(isSnapped)).toEqual([true]);
    expect(frames[0]!.originalLength).toBe(60);
  });

  it('yields what stands before a truncated record, then says where it is', async () => {
    const file = classic(false);
    for (const cut of [1, 700, 1499, 1500, 1501, 1515]) {
      const { frames, error } = await read(file.subarray(0, file.length - cut));
      expect(frames).toHaveLength(2);
      expect(error).toMatchObject({ code: 'TRUNCATED_RECORD' });
      expect(error!.message).toContain('record 3');
    }
  });

  it('refuses a length that no packet has', async () => {
    const bad = record(at(1), Uint8Array.of(1));
    new DataView(bad.buffer).setUint32(8, 0x7fff_ffff, true);
    const { frames, error } = await read(
      bytes(fileHeader(LINKTYPE_RAW), record(at(0), Uint8Array.of(5)), bad),
    );
    expect(frames).toHaveLength(1);
    expect(error).toMatchObject({ code: 'ABSURD_LENGTH' });
  });

  it('reads versions before 2.4 as long as it does not matter which of the two lengths is which', async () => {
    const old = fileHeader(LINKTYPE_RAW);
    new DataView(old.buffer).setUint16(6, 1, true);
    const whole = record(at(0), Uint8Array.of(5));
    const snapped = record(at(1), Uint8Array.of(6), 100);
    const { frames, error } = await read(bytes(old, whole, snapped));
    expect(frames.map(({ data }) => [...data])).toEqual([[5]]);
    expect(error).toMatchObject({ code: 'UNSUPPORTED_VERSION', message: expect.stringMatching(/record 2/) });
  });

  it('refuses other versions, and a header cut short', async () => {
    const other = fileHeader(LINKTYPE_RAW);
    new DataView(other.buffer).setUint16(6, 5, true);
    expect((await read(other)).error).toMatchObject({ code: 'UNSUPPORTED_VERSION' });
    expect((await read(fileHeader(LINKTYPE_RAW).subarray(0, 20))).error).toMatchObject({
      code: 'TRUNCATED_HEADER',
    });
  });
});

describe('what is no capture', () => {
  it.each([
    ['empty', new Uint8Array(0), 'EMPTY_FILE'],
    ['too short', Uint8Array.of(0xd4), 'TRUNCATED_HEADER'],
    ['text', new TextEncoder().encode('hello, world, this is no capture'), 'UNKNOWN_MAGIC'],
  ])('%s', async (_name, file, code) => {
    expect((await read(file)).error).toMatchObject({ code });
  });

  it('names a missing file', async () => {
    const reading = readCapture('/nonexistent/x.pcap').next();
    await expect(reading).rejects.toMatchObject({
      code: 'READ_FAILED',
      message: expect.stringContaining('x.pcap'),
    });
  });

  it('never throws anything but CaptureError on arbitrary bytes', async () => {
    const head = fc.constantFrom(
      fileHeader(LINKTYPE_RAW),
      bytes(sectionHeader(), interfaceDescription(LINKTYPE_ETHERNET)),
      new Uint8Array(0),
    );
    const edits = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(head, fc.uint8Array({ maxLength: 120 }), edits, async (start, rest, changes) => {
        const file = Buffer.from(bytes(start, rest));
        for (const [where, value] of changes) if (where < file.length) file[where] = value;
        const { frames } = await read(file, 50);
        expect(frames.every((frame) => frame.data.length <= frame.originalLength)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('gzip', () => {
  it('is unpacked, and said to be cut off where it is', async () => {
    const packed = gzipSync(classic(true));
    expect((await read(packed)).frames).toEqual((await read(classic(true))).frames);
    const { error } = await read(packed.subarray(0, packed.length - 12));
    expect(error).toMatchObject({ code: expect.stringMatching(/READ_FAILED|TRUNCATED_RECORD/) });
    expect((await read(gzipSync(packed))).error).toMatchObject({ code: 'UNKNOWN_MAGIC' });
  });
});

describe('pcapng', () => {
  const file = bytes(
    sectionHeader('a section'),
    interfaceDescription(LINKTYPE_ETHERNET, 'eth0'),
    interfaceDescription(LINKTYPE_RAW, 'tun0'),
    enhancedPacket(1, at(1_700_000_000, 5), Uint8Array.of(1, 2, 3), 3, ['first', 'second']),
    enhancedPacket(0, at(1_700_000_001, 999_999_999), Uint8Array.of(4), 1000),
  );

  it('reads interfaces, times, comments and snapped packets', async () => {
    const { frames, error } = await read(file);
    expect(error).toBeNull();
    expect(
      frames.map((f) => [f.interfaceId, f.linkType, f.seconds, f.nanoseconds, f.originalLength]),
    ).toEqual([
      [1, LINKTYPE_RAW, 1_700_000_000, 5, 3],
      [0, LINKTYPE_ETHERNET, 1_700_000_001, 999_999_999, 1000],
    ]);
    expect(frames[0]!.comments).toEqual(['first', 'second']);
    expect(microsecondsSince(frames[0]!, frames[1]!)).toBeCloseTo(1_999_999.994, 3);
  });

  it('says what is wrong', async () => {
    expect((await read(file.subarray(0, file.length - 3))).error).toMatchObject({ code: 'TRUNCATED_RECORD' });
    const unknown = bytes(sectionHeader(), enhancedPacket(0, at(0), Uint8Array.of(1)));
    expect((await read(unknown)).error).toMatchObject({ code: 'BAD_INTERFACE' });
    const lying = Buffer.from(file);
    lying.writeUInt32LE(16, file.length - 4);
    expect((await read(lying)).error).toMatchObject({ code: 'BAD_BLOCK' });
  });

  it('starts anew with each section', async () => {
    const second = bytes(
      sectionHeader(),
      interfaceDescription(LINKTYPE_RAW),
      enhancedPacket(0, at(9), Uint8Array.of(7)),
    );
    const { frames } = await read(bytes(file, second));
    expect(frames.map((frame) => frame.linkType)).toEqual([LINKTYPE_RAW, LINKTYPE_ETHERNET, LINKTYPE_RAW]);
  });
});

const tshark = spawnSync('tshark', ['--version']).status === 0;
describe.skipIf(!tshark && process.env.NETCHANNEL_REQUIRE_TSHARK !== '1')(
  'tshark (skipped: not installed)',
  () => {
    it.each([
      ['pcap', classic(true)],
      [
        'pcapng',
        bytes(
          sectionHeader(),
          interfaceDescription(LINKTYPE_RAW),
          enhancedPacket(0, at(5, 6), packets[2]!, 1500, ['note']),
        ),
      ],
    ])('reads our %s', (name, file) => {
      const folder = mkdtempSync(join(tmpdir(), 'netchannel-'));
      try {
        const path = join(folder, `x.${name}`);
        writeFileSync(path, file);
        const fields = [
          '-T',
          'fields',
          '-e',
          'frame.time_epoch',
          '-e',
          'frame.cap_len',
          '-e',
          'frame.comment',
        ];
        const ran = spawnSync('tshark', ['-r', path, ...fields], { encoding: 'utf8' });
        expect(ran.status, ran.stderr).toBe(0);
        const rows = ran.stdout
          .trim()
          .split('\n')
          .map((row) => row.split('\t'));
        if (name === 'pcap') {
          expect(rows.map((row) => row[1])).toEqual(['3', '0', '1500']);
          expect(rows[0]![0]).toBe('1700000000.123456789');
        } else {
          expect(rows).toEqual([['5.000000006', '1500', 'note']]);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  },
);
