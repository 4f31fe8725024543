// A recording with the packets of the side under test as its host sent them, for a capture that was taken some way off: what
// the network sent twice stands once, what others overtook on the way stands in its place again.

import { dataStart } from '../replay/application.js';
import { distanceTo } from '../replay/distance.js';
import {
  carriesData,
  type RecordedPacket,
  type RecordedSegment,
  type Recording,
} from '../replay/recording.js';
import type { Direction } from '../streams/conversation.js';

/** Packets that a copy or a late one can be behind its place. */
const REACH = 1_000;

export function asSent(recording: Recording, side: Direction): Recording {
  if (distanceTo(recording, side) === 0) return recording;
  const packets: RecordedPacket[] = [];
  for (const p of recording.packets) {
    if (p.kind === 'icmp' || p.direction !== side || !carriesData(p)) packets.push(p);
    else if (!packets.slice(-REACH).some((q) => sameSending(q, p))) insert(packets, p);
  }
  return { ...recording, packets };
}

/** Nothing is sent twice within a tick of the timestamps' clock where the other end is further away than that. */
function sameSending(q: RecordedPacket, p: RecordedSegment): boolean {
  return (
    q.kind === 'tcp' &&
    q.direction === p.direction &&
    p.options.hasTimestamps &&
    q.options.tsVal === p.options.tsVal &&
    q.options.tsEcr === p.options.tsEcr &&
    q.seq === p.seq &&
    q.end === p.end &&
    q.ack === p.ack &&
    q.segment.flags === p.segment.flags
  );
}

/** To the end, or, where it was sent for the first time and not later than what is behind it, in front of that. */
function insert(packets: RecordedPacket[], p: RecordedSegment): void {
  const own = (q: RecordedPacket): q is RecordedSegment => q.kind === 'tcp' && q.direction === p.direction;
  const from = Math.max(0, packets.length - REACH);
  const near = packets.slice(from);
  const known = near.some((q) => own(q) && carriesData(q) && dataStart(q) < p.end && q.end > p.seq);
  const at = near.findIndex((q) => own(q) && q.seq >= p.end);
  const next = near[at];
  const overtook =
    next?.kind === 'tcp' &&
    p.options.hasTimestamps &&
    ((next.options.tsVal - p.options.tsVal) | 0) >= 0 &&
    next.ack >= p.ack;
  if (known || !overtook) packets.push(p);
  else packets.splice(from + at, 0, { ...p, time: next.time });
}
