// What a capture says twice in different ways: no TCP can do all of it, so bytes that do not arrive in its replay are told as
// a difference rather than held against our stack.

import { TCP_FIN, TCP_RST } from '../../stack/wire/tcp.js';
import type { Direction } from '../streams/conversation.js';
import { dataStart } from './application.js';
import { carriesData, type RecordedSegment, type Recording } from './recording.js';

/** Notes, empty for a capture that agrees with itself. */
export function contradictions(recording: Recording): string[] {
  return ([0, 1] as const).flatMap((side) => {
    const end = recording.ends[side];
    const notes: string[] = [];
    const twice = differingBytes(recording, side);
    if (twice > 0) notes.push(`${twice} bytes of ${end} stand in the capture in two versions`);
    if (sentBehindFin(recording, side)) notes.push(`${end} sends data behind its FIN`);
    return notes;
  });
}

const segments = (recording: Recording, side: Direction): RecordedSegment[] =>
  recording.packets.filter(
    (p): p is RecordedSegment => p.kind === 'tcp' && p.direction === side && !(p.segment.flags & TCP_RST),
  );

function differingBytes(recording: Recording, side: Direction): number {
  // A single byte may be a keepalive probe with anything in it (RFC 9293 section 3.8.4).
  const data = segments(recording, side).filter((p) => carriesData(p) && p.segment.length > 1);
  const reach = data.reduce((most, p) => Math.max(most, dataStart(p) + p.segment.length), 1);
  const content = new Int16Array(reach).fill(-1);
  let differing = 0;
  for (const p of data) {
    const { payload } = p.segment;
    const start = dataStart(p);
    for (let k = Math.max(0, -start); k < payload.length; k++) {
      const before = content[start + k]!;
      if (before >= 0 && before !== payload[k]) differing++;
      content[start + k] = payload[k]!;
    }
  }
  return differing;
}

function sentBehindFin(recording: Recording, side: Direction): boolean {
  const all = segments(recording, side);
  const fin = all.find((p) => p.segment.flags & TCP_FIN);
  return fin !== undefined && all.some((p) => carriesData(p) && dataStart(p) + p.segment.length >= fin.end);
}
