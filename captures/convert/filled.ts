// A recording with the peer's segments that the capture lacks though the side under test acknowledged what was in them: full
// ones of zeros, as they came in front of what follows them.

import { TCP_ACK, TCP_RST } from '../../stack/wire/tcp.js';
import { dataStart, fullSegment, MOST_LOST } from '../replay/application.js';
import {
  carriesData,
  type RecordedPacket,
  type RecordedSegment,
  type Recording,
} from '../replay/recording.js';
import type { Direction } from '../streams/conversation.js';

export function filled(recording: Recording, side: Direction): Recording {
  const peer = (1 - side) as Direction;
  const data = (p: RecordedPacket): p is RecordedSegment =>
    p.kind === 'tcp' && p.direction === peer && carriesData(p);
  const acked = recording.packets.reduce(
    (n, p) =>
      p.kind === 'tcp' && p.direction === side && !(p.segment.flags & TCP_RST) ? Math.max(n, p.ack) : n,
    0,
  );
  const holes = holesOf(recording.packets.filter(data)).filter(
    ([from, to]) => to <= acked && to - from <= MOST_LOST,
  );
  if (holes.length === 0) return recording;
  const size = fullSegment(recording, peer);
  const packets: RecordedPacket[] = [];
  let lost = 0;
  for (const p of recording.packets) {
    while (holes[0] && data(p) && dataStart(p) >= holes[0][1]) {
      const [from, to] = holes.shift()!;
      lost += to - from;
      for (let at = from; at < to; at += size) packets.push(zeros(p, at, Math.min(to, at + size)));
    }
    packets.push(p);
  }
  const note = `${lost} bytes that the peer sent are not in the capture: zeros stand for them`;
  return { ...recording, packets, notes: [...recording.notes, note] };
}

/** Numbers that no segment covers in front of one that is there. */
function holesOf(data: readonly RecordedSegment[]): [number, number][] {
  const holes: [number, number][] = [];
  let end = 1;
  for (const p of [...data].sort((a, b) => dataStart(a) - dataStart(b))) {
    if (dataStart(p) > end) holes.push([end, dataStart(p)]);
    end = Math.max(end, dataStart(p) + p.segment.length);
  }
  return holes;
}

/** As the segment behind it but for its data. */
function zeros(like: RecordedSegment, from: number, to: number): RecordedSegment {
  const payload = new Uint8Array(to - from);
  const segment = { ...like.segment, flags: TCP_ACK, urgent: 0, payload, length: payload.length };
  return { ...like, segment, seq: from, end: to };
}
