// pcapng (draft-ietf-opsawg-pcapng): section header, interface description, enhanced, simple and obsolete packet
// blocks, with options. Other block types are skipped by their length. Streaming; one block in memory at a time.
import type { Readable } from 'node:stream';
import { CaptureError } from '../errors.js';
import type { Frame } from '../frame.js';
import { ByteStream } from './byte-stream.js';

export const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const PACKET_OBSOLETE = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPT_END = 0;
const OPT_COMMENT = 1;
const IF_TSRESOL = 9;
const IF_TSOFFSET = 14;
/** Largest block that is believed: a packet of 128 MiB (libpcap's largest snapshot length) with options. */
const MAX_BLOCK = 160 * 1024 * 1024;

interface Interface {
  readonly linkType: number;
  readonly snapshotLength: number;
  /** Timestamp units a second, and seconds to add. */
  readonly resolution: bigint;
  readonly offsetSeconds: bigint;
}

/** One block's body with the section's byte order. */
class Body {
  readonly bytes: Buffer;
  readonly little: boolean;
  readonly start: number;
  constructor(bytes: Buffer, little: boolean, start: number) {
    this.bytes = bytes;
    this.little = little;
    this.start = start;
  }

  need(length: number, what: string): void {
    if (this.bytes.length < length) {
      throw new CaptureError(
        'BAD_BLOCK',
        `${what} block of ${this.bytes.length} bytes, at least ${length} expected`,
        this.start,
      );
    }
  }
  u16(at: number): number {
    return this.little ? this.bytes.readUInt16LE(at) : this.bytes.readUInt16BE(at);
  }
  u32(at: number): number {
    return this.little ? this.bytes.readUInt32LE(at) : this.bytes.readUInt32BE(at);
  }

  /** Calls `visit` for each option from `at` on. */
  options(at: number, visit: (code: number, value: Buffer) => void): void {
    let position = at;
    while (position + 4 <= this.bytes.length) {
      const code = this.u16(position);
      const length = this.u16(position + 2);
      if (code === OPT_END) return;
      if (position + 4 + length > this.bytes.length) {
        throw new CaptureError(
          'BAD_BLOCK',
          `option ${code} of ${length} bytes runs past its block`,
          this.start,
        );
      }
      visit(code, this.bytes.subarray(position + 4, position + 4 + length));
      position += 4 + length + (-length & 3);
    }
  }
}

/**
 * The frames of a pcapng stream, over all sections, in file order.
 * @throws CaptureError BAD_BLOCK, BAD_INTERFACE, ABSURD_LENGTH, TRUNCATED_RECORD, UNSUPPORTED_VERSION, UNKNOWN_MAGIC
 */
export async function* readPcapng(input: Readable): AsyncGenerator<Frame> {
  const stream = new ByteStream(input);
  let little = true;
  let interfaces: Interface[] = [];
  let number = 0;
  while (true) {
    const start = stream.offset;
    const head = await stream.peek(12);
    if (head.length === 0) return;
    if (head.length < 12)
      throw new CaptureError('TRUNCATED_RECORD', 'the file ends inside a block header', start);
    const section = head.readUInt32LE(0) === SECTION_HEADER;
    if (section) little = sectionByteOrder(head, start);
    const type = little ? head.readUInt32LE(0) : head.readUInt32BE(0);
    const total = little ? head.readUInt32LE(4) : head.readUInt32BE(4);
    if (total < 12 || total % 4 !== 0)
      throw new CaptureError('BAD_BLOCK', `block length ${total}`, start + 4);
    if (total > MAX_BLOCK) {
      throw new CaptureError(
        'ABSURD_LENGTH',
        `a block claims ${total} bytes, at most ${MAX_BLOCK} are believed`,
        start + 4,
      );
    }
    const block = await stream.read(total);
    if (block.length < total)
      throw new CaptureError('TRUNCATED_RECORD', 'the file ends inside a block', start);
    const trailer = little ? block.readUInt32LE(total - 4) : block.readUInt32BE(total - 4);
    if (trailer !== total) {
      throw new CaptureError(
        'BAD_BLOCK',
        `block lengths differ: ${total} at its head, ${trailer} at its end`,
        start,
      );
    }
    const body = new Body(block.subarray(8, total - 4), little, start);
    if (section) {
      body.need(16, 'section header');
      if (body.u16(4) !== 1)
        throw new CaptureError('UNSUPPORTED_VERSION', `pcapng version ${body.u16(4)}.${body.u16(6)}`, start);
      interfaces = [];
    } else if (type === INTERFACE_DESCRIPTION) {
      interfaces.push(readInterface(body));
    } else if (type === ENHANCED_PACKET || type === SIMPLE_PACKET || type === PACKET_OBSOLETE) {
      yield readPacket(type, body, interfaces, ++number);
    }
  }
}

function sectionByteOrder(head: Buffer, start: number): boolean {
  if (head.readUInt32LE(8) === BYTE_ORDER_MAGIC) return true;
  if (head.readUInt32BE(8) === BYTE_ORDER_MAGIC) return false;
  throw new CaptureError('UNKNOWN_MAGIC', `byte-order magic ${head.toString('hex', 8, 12)}`, start + 8);
}

function readInterface(body: Body): Interface {
  body.need(8, 'interface description');
  let resolution = 1_000_000n;
  let offsetSeconds = 0n;
  body.options(8, (code, value) => {
    if (code === IF_TSRESOL && value.length >= 1) {
      const exponent = BigInt(value[0]! & 0x7f);
      resolution = (value[0]! & 0x80) !== 0 ? 1n << exponent : 10n ** exponent;
    } else if (code === IF_TSOFFSET && value.length >= 8) {
      offsetSeconds = body.little ? value.readBigInt64LE(0) : value.readBigInt64BE(0);
    }
  });
  return { linkType: body.u16(0), snapshotLength: body.u32(4), resolution, offsetSeconds };
}

/** Where the parts of each packet block stand: -1 for a part that the block lacks. */
const layouts = {
  [ENHANCED_PACKET]: { name: 'enhanced packet', header: 20, time: 4, captured: 12, original: 16 },
  [SIMPLE_PACKET]: { name: 'simple packet', header: 4, time: -1, captured: -1, original: 0 },
  [PACKET_OBSOLETE]: { name: 'packet', header: 20, time: 4, captured: 12, original: 16 },
} as const;

function readPacket(type: keyof typeof layouts, body: Body, interfaces: Interface[], number: number): Frame {
  const layout = layouts[type];
  body.need(layout.header, layout.name);
  const interfaceId = type === ENHANCED_PACKET ? body.u32(0) : type === PACKET_OBSOLETE ? body.u16(0) : 0;
  const source = interfaces[interfaceId];
  if (source === undefined) {
    throw new CaptureError(
      'BAD_INTERFACE',
      `frame ${number} names interface ${interfaceId} of ${interfaces.length}`,
      body.start,
    );
  }
  const originalLength = body.u32(layout.original);
  const room = body.bytes.length - layout.header;
  const snapped =
    source.snapshotLength > 0 ? Math.min(originalLength, source.snapshotLength) : originalLength;
  const captured = layout.captured >= 0 ? body.u32(layout.captured) : Math.min(snapped, room);
  if (captured > room) {
    throw new CaptureError(
      'BAD_BLOCK',
      `frame ${number} claims ${captured} bytes, its block has ${room}`,
      body.start,
    );
  }
  const comments: string[] = [];
  if (type !== SIMPLE_PACKET) {
    body.options(layout.header + captured + (-captured & 3), (code, value) => {
      if (code === OPT_COMMENT) comments.push(value.toString('utf8'));
    });
  }
  let seconds = 0;
  let nanoseconds = 0;
  if (layout.time >= 0) {
    const ticks = (BigInt(body.u32(layout.time)) << 32n) | BigInt(body.u32(layout.time + 4));
    seconds = Number(ticks / source.resolution + source.offsetSeconds);
    nanoseconds = Number(((ticks % source.resolution) * 1_000_000_000n) / source.resolution);
  }
  return {
    number,
    seconds,
    nanoseconds,
    linkType: source.linkType,
    interfaceId,
    originalLength: Math.max(originalLength, captured),
    data: new Uint8Array(body.bytes.subarray(layout.header, layout.header + captured)),
    comments,
  };
}
