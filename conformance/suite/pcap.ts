// The packets of a run as a classic capture file of IP packets, for tcpdump, tshark and Wireshark.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileHeader, record } from '../../stack/link/pcap-format.js';
import type { RunResult } from '../runner/result.js';
import type { PlannedRun } from './discover.js';

const LINKTYPE_RAW = 101;

/** The bytes of the capture; times count from the script's beginning. */
export function captureBytes(result: RunResult): Uint8Array {
  const packets = [...result.packets].sort((a, b) => a.time - b.time);
  const parts = packets.map((p) => {
    const seconds = Math.floor(p.time / 1e6);
    return record({ seconds, nanoseconds: Math.round((p.time - seconds * 1e6) * 1000) }, p.bytes);
  });
  return Buffer.concat([fileHeader(LINKTYPE_RAW), ...parts]);
}

/** Writes `DIR/<script's path without .pkt>_<version>.pcap` and returns its path. */
export function writeCapture(folder: string, run: PlannedRun, result: RunResult): string {
  const path = join(folder, `${run.name.replace(/\.pkt$/, '')}_${run.ipVersion}.pcap`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, captureBytes(result));
  return path;
}
