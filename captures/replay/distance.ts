// How far from the recorded host a capture was taken, as its answer in the handshake tells.

import { TCP_ACK, TCP_SYN } from '../../stack/wire/tcp.js';
import type { Direction } from '../streams/conversation.js';
import type { RecordedSegment, Recording } from './recording.js';

/**
 * µs from the host of `side` to the place of the capture and back: the time between the peer's SYN (or SYN with ACK)
 * and the answer to it. 0 below a millisecond, which is the host's own time, and when no handshake was captured.
 */
export function distanceTo(recording: Recording, side: Direction): number {
  const asked: RecordedSegment[] = [];
  for (const p of recording.packets) {
    if (p.kind !== 'tcp') continue;
    const { flags } = p.segment;
    if (p.direction !== side && flags & TCP_SYN) asked.push(p);
    else if (p.direction === side && asked.length > 0 && flags & TCP_ACK) {
      // Of one that was sent several times the echoed timestamp names the one that is answered.
      const named = asked.find(({ options }) => options.hasTimestamps && options.tsVal === p.options.tsEcr);
      const took = p.time - (named ?? asked.at(-1)!).time;
      return took >= 1_000 && took < 2_000_000 ? took : 0;
    }
  }
  return 0;
}
