// How far from the recorded host a capture was taken, as its answer in the handshake tells.

import { TCP_ACK, TCP_SYN } from '../../stack/wire/tcp.js';
import type { Direction } from '../streams/conversation.js';
import type { RecordedSegment, Recording } from './recording.js';

/**
 * µs from the host of `side` to the place of the capture and back: the shortest time between a packet of the peer's and one
 * that answers it, where the answer in the handshake took a millisecond. 0 below that, which is the host's own time.
 */
export function distanceTo(recording: Recording, side: Direction): number {
  const handshake = handshakeTook(recording, side);
  if (handshake !== null && (handshake < 1_000 || handshake >= 2_000_000)) return 0;
  const least = Math.min(handshake ?? Number.POSITIVE_INFINITY, shortestEcho(recording, side));
  return least >= 1_000 && Number.isFinite(least) ? least : 0;
}

/** The time between the peer's SYN (or SYN with ACK) and the answer to it; null: not captured. */
function handshakeTook(recording: Recording, side: Direction): number | null {
  const asked: RecordedSegment[] = [];
  for (const p of recording.packets) {
    if (p.kind !== 'tcp') continue;
    const { flags } = p.segment;
    if (p.direction !== side && flags & TCP_SYN) asked.push(p);
    else if (p.direction === side && asked.length > 0 && flags & TCP_ACK) {
      // Of one that was sent several times the echoed timestamp names the one that is answered.
      const named = asked.find(({ options }) => options.hasTimestamps && options.tsVal === p.options.tsEcr);
      return p.time - (named ?? asked.at(-1)!).time;
    }
  }
  return null;
}

/** The shortest time between the first packet with a timestamp and one that echoes it (RFC 7323 section 4). */
function shortestEcho({ packets }: Recording, side: Direction): number {
  const first = new Map<number, number>();
  let least = Number.POSITIVE_INFINITY;
  for (const p of packets) {
    if (p.kind !== 'tcp' || !p.options.hasTimestamps) continue;
    const { tsVal, tsEcr } = p.options;
    if (p.direction !== side) {
      if (!first.has(tsVal)) first.set(tsVal, p.time);
    } else if (p.ack >= 0) least = Math.min(least, p.time - (first.get(tsEcr) ?? Number.NEGATIVE_INFINITY));
  }
  return least;
}

/** µs between the two hosts and back, where timestamps tell; otherwise 0. */
export function roundTripOf(recording: Recording): number {
  const both = shortestEcho(recording, 0) + shortestEcho(recording, 1);
  return Number.isFinite(both) ? both : 0;
}
