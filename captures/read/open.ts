// Opens a capture by what its first bytes say, never by its name: classic pcap or pcapng, either in gzip.
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { CaptureError } from '../errors.js';
import type { Frame } from '../frame.js';
import { isClassicMagic, readClassic } from './classic.js';
import { readPcapng, SECTION_HEADER } from './pcapng.js';

/** The name of a capture that comes through a pipe. */
export const STANDARD_INPUT = '-';
const GZIP_MAGIC = 0x8b1f;

/**
 * The frames of a capture file (classic pcap of either byte order and resolution, or pcapng), streaming; `-` is standard
 * input. What is in gzip is unpacked on the way.
 * @throws CaptureError with the file's name in front of the message
 */
export async function* readCapture(path: string): AsyncGenerator<Frame> {
  try {
    const bytes =
      path === STANDARD_INPUT ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 });
    yield* readCaptureStream(bytes);
  } catch (error) {
    const name = path === STANDARD_INPUT ? 'standard input' : path;
    if (error instanceof CaptureError) throw new CaptureError(error.code, `${name}: ${error.message}`);
    throw error;
  }
}

/** Whether a file's first bytes are those of a capture, in gzip or not. */
export function isCapture(path: string): boolean {
  const head = Buffer.alloc(512);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, head, 0, head.length, 0);
    if (length < 4) return false;
    if (head.readUInt16LE(0) !== GZIP_MAGIC) return hasMagic(head);
    const inside = gunzipSync(head.subarray(0, length), { finishFlush: constants.Z_SYNC_FLUSH });
    return inside.length >= 4 && hasMagic(inside);
  } catch {
    return false;
  } finally {
    closeSync(file);
  }
}

const hasMagic = (head: Buffer): boolean => isClassicMagic(head) || head.readUInt32LE(0) === SECTION_HEADER;

/** As `readCapture`, from any stream of bytes. */
export async function* readCaptureStream(input: Readable): AsyncGenerator<Frame> {
  try {
    yield* unpacked(input, true);
  } catch (error) {
    if (error instanceof CaptureError) throw error;
    throw new CaptureError('READ_FAILED', (error as Error).message);
  }
}

async function* unpacked(input: Readable, packed: boolean): AsyncGenerator<Frame> {
  const iterator = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head = Buffer.alloc(0);
  while (head.length < 4) {
    const next = await iterator.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  if (head.length === 0) throw new CaptureError('EMPTY_FILE', 'the file is empty', 0);
  if (head.length < 4) {
    throw new CaptureError(
      'TRUNCATED_HEADER',
      `a capture begins with 4 bytes of magic, the file has ${head.length}`,
      0,
    );
  }
  const whole = rejoin(head, iterator);
  if (packed && head.readUInt16LE(0) === GZIP_MAGIC) {
    const gunzip = createGunzip();
    whole.on('error', (error) => gunzip.destroy(error));
    try {
      yield* unpacked(whole.pipe(gunzip), false);
    } finally {
      whole.destroy();
    }
  } else if (isClassicMagic(head)) yield* readClassic(whole);
  else if (head.readUInt32LE(0) === SECTION_HEADER) yield* readPcapng(whole);
  else
    throw new CaptureError(
      'UNKNOWN_MAGIC',
      `unknown magic number ${head.toString('hex', 0, 4)}: not pcap or pcapng`,
      0,
    );
}

/** `head` and what follows it, as one stream again. */
function rejoin(head: Buffer, rest: AsyncIterator<Buffer>): Readable {
  async function* all(): AsyncGenerator<Buffer> {
    try {
      yield head;
      for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
    } finally {
      await rest.return?.();
    }
  }
  return Readable.from(all(), { objectMode: false });
}
