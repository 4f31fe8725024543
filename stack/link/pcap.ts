// Captures of what a stack sends and receives: a writer of classic pcap over a sink of chunks, and a link that copies all
// frames of another link into it. Knows no files: who holds the sink decides where bytes go.

import { CHECKSUM_PARTIAL, type PoolParty } from '../channel/pool.js';
import { finish, sumBytes } from '../wire/checksum.js';
import type { Link } from './link.js';
import {
  fileHeader,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
  RECORD_HEADER_BYTES,
  record,
  SNAPSHOT_LENGTH,
} from './pcap-format.js';

export { LINKTYPE_ETHERNET, LINKTYPE_RAW } from './pcap-format.js';

export interface PcapWriterOptions {
  linkType: number;
  /** Nanosecond time stamps (and their magic number); default microseconds, which every reader knows. */
  nanoseconds?: boolean;
  /** Longest part of a packet kept, default 262,144. */
  snapLength?: number;
  /** Added to every time, µs: the wall clock at stack time 0. Default 0. */
  epoch?: number;
}

/** Told of each chunk once: the file header first, then records. The chunk belongs to the sink. */
export type PcapSink = (chunk: Uint8Array) => void;

export class PcapWriter {
  readonly #sink: PcapSink;
  readonly #nanoseconds: boolean;
  readonly #snapLength: number;
  readonly #epochSeconds: number;
  readonly #epochMicros: number;
  /** Records written. */
  packets = 0;

  constructor(sink: PcapSink, options: PcapWriterOptions) {
    this.#sink = sink;
    this.#nanoseconds = options.nanoseconds ?? false;
    this.#snapLength = options.snapLength ?? SNAPSHOT_LENGTH;
    const epoch = options.epoch ?? 0;
    this.#epochSeconds = Math.floor(epoch / 1e6);
    this.#epochMicros = epoch - this.#epochSeconds * 1e6;
    sink(fileHeader(options.linkType, this.#nanoseconds, this.#snapLength));
  }

  /** Writes `b[start, start+length)` as a packet seen at `time` (µs of stack time, fractions count for nanoseconds). */
  write(time: number, b: Uint8Array, start: number, length: number): void {
    this.#emit(this.#record(time, b, start, length));
  }

  /** As `write`, with the checksum that the sender left to the link filled in, so that readers do not complain. */
  writePartial(
    time: number,
    b: Uint8Array,
    start: number,
    length: number,
    csumStart: number,
    csumOffset: number,
  ): void {
    const made = this.#record(time, b, start, length);
    // A packet cut short by the snap length has no checksum to fill in.
    if (made.length === RECORD_HEADER_BYTES + length && csumStart + csumOffset + 2 <= length) {
      const at = RECORD_HEADER_BYTES + csumStart;
      const sum = finish(sumBytes(made, at, made.length));
      made[at + csumOffset] = sum >>> 8;
      made[at + csumOffset + 1] = sum;
    }
    this.#emit(made);
  }

  #record(time: number, b: Uint8Array, start: number, length: number): Uint8Array {
    // Seconds apart: a double of 1.7e15 µs has no room for nanoseconds.
    const at = this.#epochMicros + time;
    let seconds = Math.floor(at / 1e6);
    const unit = this.#nanoseconds ? 1 : 1000;
    let nanoseconds = Math.round(((at - seconds * 1e6) * 1000) / unit) * unit;
    seconds += this.#epochSeconds;
    if (nanoseconds >= 1e9) {
      seconds++;
      nanoseconds -= 1e9;
    }
    const kept = b.subarray(start, start + Math.min(length, this.#snapLength));
    return record({ seconds, nanoseconds }, kept, length, this.#nanoseconds);
  }

  #emit(record: Uint8Array): void {
    this.packets++;
    this.#sink(record);
  }
}

/** The pcap link type for a link's frames. */
export function linkTypeOf(link: Link): number {
  return link.framing === 'ethernet' ? LINKTYPE_ETHERNET : LINKTYPE_RAW;
}

/** A link that behaves as `inner` and copies every frame received and every frame accepted for sending to `writer`. */
export class PcapLink implements Link {
  readonly inner: Link;
  readonly #writer: PcapWriter;

  constructor(inner: Link, writer: PcapWriter) {
    this.inner = inner;
    this.#writer = writer;
  }

  get name(): string {
    return this.inner.name;
  }
  get framing(): 'ethernet' | 'ip' {
    return this.inner.framing;
  }
  get mtu(): number {
    return this.inner.mtu;
  }
  get gsoMaxSize(): number {
    return this.inner.gsoMaxSize;
  }
  get checksumOffload(): boolean {
    return this.inner.checksumOffload;
  }
  get hardwareAddress(): Uint8Array | null {
    return this.inner.hardwareAddress;
  }

  receive(now: number, party: PoolParty, out: Uint32Array, max: number): number {
    const n = this.inner.receive(now, party, out, max);
    for (let i = 0; i < n; i++) this.#copy(now, party, out[i]);
    return n;
  }

  transmit(now: number, party: PoolParty, indices: Uint32Array, count: number): number {
    const n = this.inner.transmit(now, party, indices, count);
    for (let i = 0; i < n; i++) this.#copy(now, party, indices[i]);
    return n;
  }

  nextEvent(): number {
    return this.inner.nextEvent();
  }

  close(): void {
    this.inner.close();
  }

  #copy(now: number, party: PoolParty, index: number): void {
    const start = party.start(index);
    const length = party.length(index);
    if (party.checksum(index) === CHECKSUM_PARTIAL) {
      this.#writer.writePartial(
        now,
        party.bytes,
        start,
        length,
        party.csumStart(index),
        party.csumOffset(index),
      );
    } else this.#writer.write(now, party.bytes, start, length);
  }
}
