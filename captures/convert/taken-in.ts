// The order in which a host took in what came in a batch, for a capture on its own machine. The kernel shows a batch to
// captures before it hands on the first packet of it, so what the host sends in between stands behind packets that it had not
// met. But each of its packets acknowledges all that it has (RFC 9293 section 3.4): that tells in front of which it belongs.

import { TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { carriesData } from '../replay/recording.js';
import type { Situation } from '../replay/situation.js';
import { covers, denies } from './order.js';
import type { TimelineEvent } from './timeline.js';

/** A batch is handed on within this. µs */
const BATCH = 1_000;
/** What was taken in is acknowledged within this at the latest (Linux's TCP_DELACK_MAX). µs */
const LATEST = 200_000;

export function asTakenIn(events: readonly TimelineEvent[], situation: Situation): TimelineEvent[] {
  const list = [...events];
  for (let i = 0; i < list.length; i++) {
    const event = list[i]!;
    if (event.kind !== 'out' || event.packets[0]!.segment.flags & (TCP_SYN | TCP_RST)) continue;
    const to = firstNotMet(list, i, situation);
    if (to < 0) continue;
    // With the call that sent it.
    let from = i;
    while (list[from - 1]?.kind === 'act') from--;
    const moved = list
      .splice(from, i + 1 - from)
      .map((e) => ({ ...e, time: Math.min(e.time, list[to]!.time) }));
    list.splice(to, 0, ...moved);
  }
  return list;
}

/** The first of the peer's packets in front of `i`, in one batch, that the host had not met when it sent that one; -1: none. */
function firstNotMet(list: readonly TimelineEvent[], i: number, { recording, side }: Situation): number {
  const out = list[i]!;
  if (out.kind !== 'out') return -1;
  const own = out.packets[0]!;
  let first = -1;
  for (let k = i - 1; k >= 0; k--) {
    const event = list[k]!;
    if (event.kind === 'act') continue;
    if (event.kind !== 'in' || out.time - event.time > BATCH) break;
    const p = event.packets[0]!;
    if (!carriesData(p) || p.seq < 1 || !denies(own, p, recording, side)) continue;
    const later = list.find((e, n) => n > i && e.kind === 'out' && covers(e.packets[0]!, p, recording, side));
    const again = list.some(
      (e, n) => n > i && e.kind === 'in' && e.packets[0]!.seq <= p.seq && e.packets[0]!.end >= p.end,
    );
    if (later && !again && later.time - event.time < LATEST) first = k;
  }
  return first;
}
