// Target `captures`: the readers of pcap and pcapng on captures that were damaged, cut or never were any. They give frames
// or a CaptureError, hold no more memory than the file warrants, and do not depend on how the bytes come in pieces.

import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { CaptureError } from '../../captures/errors.js';
import type { Frame } from '../../captures/frame.js';
import { readCaptureStream } from '../../captures/read/open.js';
import { bytesOfHex, hexOf, InputError, invariant, type Target } from '../target.js';
import { capture } from './captures-arbitrary.js';

export interface CapturesInput {
  readonly bytes: Uint8Array;
  /** Bytes a piece in the second reading. */
  readonly piece: number;
}

interface Reading {
  readonly frames: readonly Frame[];
  readonly error: string | undefined;
}

async function read(bytes: Uint8Array, piece: number): Promise<Reading> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += piece) pieces.push(Buffer.from(bytes.subarray(at, at + piece)));
  const frames: Frame[] = [];
  try {
    for await (const frame of readCaptureStream(Readable.from(pieces, { objectMode: false }))) {
      frames.push({ ...frame, data: Uint8Array.from(frame.data) });
    }
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return { frames, error: `${error.code} ${error.offset}` };
  }
  return { frames, error: undefined };
}

export const capturesTarget: Target<CapturesInput> = {
  name: 'captures',
  about: 'the pcap and pcapng readers on damaged, cut and arbitrary files',
  sliceRuns: 200,
  inputs: () => fc.record({ bytes: capture(), piece: fc.integer({ min: 1, max: 40 }) }),
  async run({ bytes, piece }, witness) {
    witness?.step(`${bytes.length} bytes, whole: ${hexOf(bytes.subarray(0, 64))}…`);
    const whole = await read(bytes, Math.max(1, bytes.length));
    witness?.step(`${whole.frames.length} frames, ${whole.error ?? 'no error'}`);
    let total = 0;
    for (const frame of whole.frames) {
      total += frame.data.length;
      invariant(frame.nanoseconds >= 0 && frame.nanoseconds < 1e9, 'a frame has impossible nanoseconds', () =>
        String(frame.nanoseconds),
      );
      invariant(Number.isFinite(frame.seconds), 'a frame has no time', () => String(frame.seconds));
    }
    invariant(
      total <= bytes.length,
      'frames hold more bytes than the file',
      () => `${total} of ${bytes.length}`,
    );
    const pieces = await read(bytes, piece);
    witness?.step(`in pieces of ${piece}: ${pieces.frames.length} frames, ${pieces.error ?? 'no error'}`);
    invariant(
      whole.error === pieces.error && isDeepStrictEqual(whole.frames, pieces.frames),
      'a capture reads otherwise when it comes in pieces',
      () => `${whole.frames.length} frames, ${whole.error}; ${pieces.frames.length} frames, ${pieces.error}`,
    );
  },
  encode: ({ bytes, piece }) => ({ bytes: hexOf(bytes), piece }),
  decode(json) {
    const { bytes, piece } = (json ?? {}) as { bytes?: string; piece?: number };
    if (bytes === undefined || !Number.isInteger(piece)) throw new InputError('needs bytes and piece');
    return { bytes: bytesOfHex(bytes), piece: piece as number };
  },
};
