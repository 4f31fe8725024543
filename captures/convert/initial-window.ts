// The initial congestion window of the recorded host, where it had more in flight than Linux's ten segments (RFC 6928) and
// slow start explain: its route said so.

import { TCP_SYN } from '../../stack/wire/tcp.js';
import { fullSegment } from '../replay/application.js';
import type { Situation } from '../replay/situation.js';
import type { TimelineEvent } from './timeline.js';
import { paces } from './told.js';

const USUAL = 10;
/** Destination and first hop of a script's packets, as packetdrill sets them for one that names its IP version. */
const ROUTE = {
  ipv4: '192.0.2.1 via 192.168.0.1 dev tun0',
  ipv6: '2001:db8::1 via fd3d:fa7b:d17d:8888:: dev tun0',
} as const;

/** Commands in front of the script. */
export function initialWindow(situation: Situation, events: readonly TimelineEvent[]): string[] {
  const segments = leastInitialWindow(situation, events);
  if (segments <= USUAL) return [];
  return situation.recording.ipv6
    ? [`ip -6 route replace ${ROUTE.ipv6} initcwnd ${segments}`]
    : [`ip route replace ${ROUTE.ipv4} initcwnd ${segments}`];
}

function leastInitialWindow(situation: Situation, events: readonly TimelineEvent[]): number {
  const mss = fullSegment(situation.recording, situation.side);
  const bbr = paces(situation);
  let flight: { readonly end: number; readonly segments: number }[] = [];
  let high = 1;
  let largest = 0;
  let grown = 0;
  let least = USUAL;
  for (const event of events) {
    if (event.kind === 'in') {
      const { ack, seq, end, options } = event.packets.at(-1)!;
      const acked = count(flight.filter((sent) => sent.end <= ack));
      // Behind a loss other rules hold.
      if (options.sackCount > 0 || (acked === 0 && end === seq && flight.length > 0)) return least;
      // Slow start grows what is used to the half (Linux's tcp_is_cwnd_limited), BBR whatever is used (bbr_set_cwnd).
      if (bbr || least + grown < 2 * largest) grown += acked;
      flight = flight.filter((sent) => sent.end > ack);
    }
    if (event.kind !== 'out') continue;
    for (const p of event.packets) {
      if (p.segment.flags & TCP_SYN || p.end === p.seq) continue;
      if (p.seq < high) return least;
      high = p.end;
      flight.push({ end: p.end, segments: Math.max(1, Math.ceil(p.segment.length / mss)) });
    }
    largest = Math.max(largest, count(flight));
    least = Math.max(least, count(flight) - grown);
  }
  return least;
}

const count = (flight: readonly { readonly segments: number }[]): number =>
  flight.reduce((n, { segments }) => n + segments, 0);
