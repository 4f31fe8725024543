// Classic pcap through pcap-parser, behind an adapter that turns each of its silences into a clear error: nanosecond
// magic, versions that nobody wrote, absurd lengths and a truncated last record. Memory stays bounded by one read chunk
// and one record, whatever the size of the file.
import { type Readable, Transform } from 'node:stream';
import pcapParser from 'pcap-parser';
import { CaptureError } from '../errors.js';
import type { Frame } from '../frame.js';

const GLOBAL_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
/** Largest record that is believed: libpcap's MAXIMUM_SNAPLEN, or the file's own snapshot length if that is larger. */
const MAX_SNAPSHOT = 262_144;
/** A snapshot length beyond this is not a length but garbage (libpcap's bound for DBus and USB captures). */
const MAX_SNAPSHOT_BELIEVED = 128 * 1024 * 1024;

const MICRO_MAGIC = 0xa1b2c3d4;
const NANO_MAGIC = 0xa1b23c4d;

export interface ClassicHeader {
  readonly linkType: number;
  readonly snapshotLength: number;
  readonly nanosecond: boolean;
  readonly byteOrder: 'LE' | 'BE';
  /** Before version 2.4 the two lengths of a record stood in either order. */
  readonly lengthsInEitherOrder: boolean;
}

/** True when the first four bytes are those of a classic capture. */
export function isClassicMagic(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 4) return false;
  return [view.getUint32(0, true), view.getUint32(0, false)].some(
    (m) => m === MICRO_MAGIC || m === NANO_MAGIC,
  );
}

/** Checks what pcap-parser does not, and gives the nanosecond variant the magic that it knows. */
class HeaderGuard extends Transform {
  header: ClassicHeader | null = null;
  private head = Buffer.alloc(0);

  override _transform(
    chunk: Buffer,
    _encoding: string,
    done: (error?: Error | null, data?: Buffer) => void,
  ): void {
    let error: Error | null = null;
    let data: Buffer | undefined;
    try {
      data = this.header === null ? this.checkHeader(chunk) : chunk;
    } catch (cause) {
      error = cause as Error;
    }
    done(error, data);
  }

  /** Collects the header; once whole and right, all bytes so far in the form that pcap-parser reads. */
  private checkHeader(chunk: Buffer): Buffer | undefined {
    this.head = Buffer.concat([this.head, chunk]);
    if (this.head.length < GLOBAL_HEADER_BYTES) return undefined;
    this.header = readHeader(this.head);
    if (this.header.byteOrder === 'LE') this.head.writeUInt32LE(MICRO_MAGIC, 0);
    else this.head.writeUInt32BE(MICRO_MAGIC, 0);
    return this.head;
  }

  override _flush(done: (error?: Error | null) => void): void {
    const length = this.head.length;
    const what = `the file header is ${GLOBAL_HEADER_BYTES} bytes, the file ends after ${length}`;
    done(this.header === null ? new CaptureError('TRUNCATED_HEADER', what, length) : null);
  }
}

function readHeader(head: Buffer): ClassicHeader {
  const little = [MICRO_MAGIC, NANO_MAGIC].includes(head.readUInt32LE(0));
  const magic = little ? head.readUInt32LE(0) : head.readUInt32BE(0);
  if (magic !== MICRO_MAGIC && magic !== NANO_MAGIC) {
    throw new CaptureError('UNKNOWN_MAGIC', `unknown magic number ${head.toString('hex', 0, 4)}`, 0);
  }
  const u16 = (at: number) => (little ? head.readUInt16LE(at) : head.readUInt16BE(at));
  const u32 = (at: number) => (little ? head.readUInt32LE(at) : head.readUInt32BE(at));
  if (u16(4) !== 2 || u16(6) > 4) {
    throw new CaptureError('UNSUPPORTED_VERSION', `version ${u16(4)}.${u16(6)}, expected 2.4 or earlier`, 4);
  }
  return {
    // The upper half tells of a frame check sequence (its length, and whether that is told); the type is in the lower.
    linkType: u32(20) & 0xffff,
    snapshotLength: u32(16),
    nanosecond: magic === NANO_MAGIC,
    byteOrder: little ? 'LE' : 'BE',
    lengthsInEitherOrder: u16(6) < 4,
  };
}

/**
 * The frames of a classic pcap stream, in file order.
 * @throws CaptureError UNKNOWN_MAGIC, UNSUPPORTED_VERSION, TRUNCATED_HEADER, ABSURD_LENGTH, TRUNCATED_RECORD, READ_FAILED;
 * frames before the fault have been yielded by then.
 */
export async function* readClassic(input: Readable): AsyncGenerator<Frame> {
  const guard = new HeaderGuard();
  input.on('error', (error) => guard.destroy(error));
  const parser = pcapParser.parse(input.pipe(guard));
  const queue: Frame[] = [];
  let failure: Error | null = null;
  let ended = false;
  let wake: (() => void) | null = null;
  let offset = GLOBAL_HEADER_BYTES;
  let number = 0;
  const signal = (): void => {
    wake?.();
    wake = null;
  };
  const fail = (error: Error): void => {
    failure ??= error;
    signal();
  };

  let inBody = false;
  parser.on('packetHeader', (header) => {
    inBody = true;
    if (failure !== null) return;
    const { snapshotLength } = guard.header!;
    const limit =
      snapshotLength <= MAX_SNAPSHOT_BELIEVED ? Math.max(snapshotLength, MAX_SNAPSHOT) : MAX_SNAPSHOT;
    if (header.capturedLength > limit) {
      const what = `record ${number + 1} claims ${header.capturedLength} bytes, at most ${limit} are believed`;
      fail(new CaptureError('ABSURD_LENGTH', what, offset));
    }
  });
  parser.on('packet', ({ header, data }) => {
    inBody = false;
    if (failure !== null) return;
    const { nanosecond, linkType, lengthsInEitherOrder } = guard.header!;
    if (lengthsInEitherOrder && header.originalLength !== data.length) {
      const what = `record ${number + 1} has two lengths, and before version 2.4 there is no telling which is which`;
      fail(new CaptureError('UNSUPPORTED_VERSION', what, offset));
      return;
    }
    offset += RECORD_HEADER_BYTES + data.length;
    // A fraction of more than a second is carried over: a frame's nanoseconds are always below 1e9.
    const nanoseconds = header.timestampMicroseconds * (nanosecond ? 1 : 1000);
    queue.push({
      number: ++number,
      seconds: header.timestampSeconds + Math.floor(nanoseconds / 1e9),
      nanoseconds: nanoseconds % 1e9,
      linkType,
      interfaceId: 0,
      originalLength: Math.max(header.originalLength, data.length),
      data: new Uint8Array(data), // a copy: pcap-parser's slice would keep the whole chunk alive
      comments: [],
    });
    guard.pause();
    signal();
  });
  parser.on('error', fail);
  guard.on('error', fail);
  parser.on('end', () => {
    // What is left over is the beginning of a record, which pcap-parser drops in silence.
    if (inBody || (parser.buffer?.length ?? 0) > 0) {
      fail(new CaptureError('TRUNCATED_RECORD', `the file ends inside record ${number + 1}`, offset));
    }
    ended = true;
    signal();
  });

  try {
    while (true) {
      const frame = queue.shift();
      if (frame !== undefined) {
        yield frame;
      } else if (failure !== null) {
        throw asCaptureError(failure);
      } else if (ended) {
        return;
      } else {
        const waiting = new Promise<void>((resolve) => {
          wake = resolve;
        });
        guard.resume();
        await waiting;
      }
    }
  } finally {
    input.unpipe(guard);
    input.destroy();
    guard.destroy();
  }
}

function asCaptureError(error: Error): CaptureError {
  return error instanceof CaptureError ? error : new CaptureError('READ_FAILED', error.message);
}
