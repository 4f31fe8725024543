// The packet exchange of a filed failure as a capture beside its file, for eyes that know Wireshark. The input is run once
// more for it; what it does to the stack is not judged here.

import { writeFileSync } from 'node:fs';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../captures/frame.js';
import { fileHeader, record } from '../stack/link/pcap-format.js';
import { readRegression } from './filing.js';
import { Recording, replayRegression } from './replay.js';
import type { ExchangePacket } from './target.js';

/** The bytes of a pcap file with these packets, times counted from 0. */
export function captureOf(packets: readonly ExchangePacket[]): Uint8Array {
  const ethernet = packets.some((packet) => packet.ethernet === true);
  const parts = [fileHeader(ethernet ? LINKTYPE_ETHERNET : LINKTYPE_RAW)];
  for (const { time, bytes } of packets) {
    const seconds = Math.floor(time / 1e6);
    parts.push(record({ seconds, nanoseconds: Math.round((time - seconds * 1e6) * 1000) % 1e9 }, bytes));
  }
  return Buffer.concat(parts);
}

/** Writes the `.pcap` beside the regression at `path`; its path, or undefined when no packets pass in it. */
export async function writeExchange(path: string): Promise<string | undefined> {
  const file = readRegression(path);
  // A run that never ends would take this thread with it.
  if (file.id === 'a run does not end') return undefined;
  const recording = new Recording();
  await replayRegression(file, recording);
  if (recording.packets.length === 0) return undefined;
  const beside = path.replace(/\.json$/, '.pcap');
  writeFileSync(beside, captureOf(recording.packets));
  return beside;
}
