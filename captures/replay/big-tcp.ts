// Segments of more than a packet can hold (BIG TCP, RFC 2675 jumbograms that never left a host), as several.

import { TCP_FIN, TCP_PSH, TCP_SYN } from '../../stack/wire/tcp.js';
import type { Segment } from '../streams/segment.js';
import type { Directed } from './clock.js';

/** Payload that fits into one packet with the longest headers: 40 bytes of IPv6, 60 of TCP. */
const MOST_PAYLOAD = 65_535 - 40 - 60;

export function inPackets(packet: Directed): readonly Directed[] {
  const { item, direction } = packet;
  if (item.kind === 'icmp' || item.length <= MOST_PAYLOAD) return [packet];
  return Array.from({ length: Math.ceil(item.length / MOST_PAYLOAD) }, (_, i) => ({
    direction,
    item: piece(item, i * MOST_PAYLOAD),
  }));
}

function piece(s: Segment, from: number): Segment {
  const to = Math.min(from + MOST_PAYLOAD, s.length);
  const syn = from > 0 && s.flags & TCP_SYN ? 1 : 0;
  const flags = s.flags & ~(from > 0 ? TCP_SYN : 0) & ~(to < s.length ? TCP_FIN | TCP_PSH : 0);
  return {
    ...s,
    seq: (s.seq + syn + from) >>> 0,
    flags,
    payload: s.payload.subarray(from, to),
    length: to - from,
  };
}
