// The packet exchange of a filed failure as a capture: written from a run of its input, and held against another run packet by
// packet. Reads and writes bytes; which files they are is exchange-files.ts.

import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../captures/frame.js';
import { fileHeader, RECORD_HEADER_BYTES, record, SNAPSHOT_LENGTH } from '../stack/link/pcap-format.js';
import { describeFrame, describePacket } from '../stack/wire/describe.js';
import type { Regression } from './filing.js';
import { Recording, type Replay, replayRegression } from './replay.js';
import { type ExchangePacket, InputError, type Place, placeOf } from './target.js';

const FILE_HEADER_BYTES = 24;
/** Most bytes of an exchange whose packets are kept whole. */
const WHOLE = 65_536;
/** What is kept of each packet of a larger one: every header, and with them the checksum of all that follows. */
const SNAPPED = 128;

export interface Exchange extends Replay {
  /** Where the failure showed, now or when it was filed. */
  readonly place: Place | undefined;
  /** What passed the link of that place's host. */
  readonly packets: readonly ExchangePacket[];
}

/** Runs the input of a filed failure once more and keeps its packets. Throws InputError for a file that lacks its place. */
export async function exchangeOf(file: Regression): Promise<Exchange> {
  const recording = new Recording();
  const replay = await replayRegression(file, recording);
  const place = file.place ?? placeOf(replay.error);
  const { packets } = recording;
  if (place === undefined && packets.some(({ host }) => host !== undefined))
    throw new InputError('packets pass several hosts, and the file does not say at which of them it showed');
  return { ...replay, place, packets: packets.filter(({ host }) => host === place?.host) };
}

/** What lies beside a filed failure: of a long exchange headers alone. */
export function exchangeCapture(packets: readonly ExchangePacket[]): Uint8Array {
  const whole = packets.reduce((sum, { bytes }) => sum + bytes.length, 0) <= WHOLE;
  return captureOf(packets, whole ? SNAPSHOT_LENGTH : SNAPPED);
}

/** The bytes of a pcap file with the first `most` bytes of each of these packets, times counted from 0. */
export function captureOf(packets: readonly ExchangePacket[], most = SNAPSHOT_LENGTH): Uint8Array {
  const ethernet = packets.some((packet) => packet.ethernet === true);
  const parts = [fileHeader(ethernet ? LINKTYPE_ETHERNET : LINKTYPE_RAW)];
  for (const { time, bytes } of packets) {
    const seconds = Math.floor(time / 1e6);
    const nanoseconds = Math.round((time - seconds * 1e6) * 1000) % 1e9;
    parts.push(record({ seconds, nanoseconds }, bytes.subarray(0, most), bytes.length));
  }
  return Buffer.concat(parts);
}

/** The first packet in which the run that made `now` differs from the one that made `filed`; undefined: none. */
export function captureDifference(filed: Uint8Array, now: Uint8Array): string | undefined {
  if (Buffer.compare(filed, now) === 0) return undefined;
  if (Buffer.compare(filed.subarray(0, FILE_HEADER_BYTES), now.subarray(0, FILE_HEADER_BYTES)) !== 0)
    return 'it is another kind of capture';
  const ethernet = Buffer.from(filed).readUInt32LE(20) === LINKTYPE_ETHERNET;
  const [before, after] = [recordsOf(filed), recordsOf(now)];
  for (let i = 0; ; i++) {
    const [old, fresh] = [before[i], after[i]];
    if (old !== undefined && fresh !== undefined && Buffer.compare(old, fresh) === 0) continue;
    return `packet ${i + 1} was ${textOf(old, ethernet)}, and is ${textOf(fresh, ethernet)}`;
  }
}

/** Records with their headers; a last one that is cut short is as long as there are bytes. */
function recordsOf(capture: Uint8Array): Buffer[] {
  const records: Buffer[] = [];
  for (let rest = Buffer.from(capture).subarray(FILE_HEADER_BYTES); rest.length > 0; ) {
    const length = RECORD_HEADER_BYTES + (rest.length >= RECORD_HEADER_BYTES ? rest.readUInt32LE(8) : 0);
    records.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return records;
}

function textOf(record: Buffer | undefined, ethernet: boolean): string {
  if (record === undefined || record.length < RECORD_HEADER_BYTES) return 'none';
  const time = `${record.readUInt32LE(0)}.${String(record.readUInt32LE(4)).padStart(6, '0')}`;
  // What was cut off counts as zeros: a description reads no payload.
  const packet = new Uint8Array(Math.min(record.readUInt32LE(12), SNAPSHOT_LENGTH));
  packet.set(record.subarray(RECORD_HEADER_BYTES).subarray(0, packet.length));
  const describe = ethernet ? describeFrame : describePacket;
  return `${time} ${describe(packet, 0, packet.length)}`;
}
