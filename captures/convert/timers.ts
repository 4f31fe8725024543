// Races between the recorded host's timers and its peer's packets.

import type { TimelineEvent } from './timeline.js';

/** The shortest retransmission timeout without the round trip that comes to it (Linux's TCP_RTO_MIN). µs */
const RTO_MIN = 200_000;
/** What a round trip and the kernel's ticks may add, and less than a script's tolerance. µs */
const SLACK = 25_000;
/** What comes within this of a packet is its answer. µs */
const PROMPT = 1_000;

/**
 * A packet that came while a timeout was due, and before it: how long the timer still had no capture tells. It comes a little
 * earlier, when none can be.
 */
export function beforeTimeouts(events: readonly TimelineEvent[]): TimelineEvent[] {
  const list = [...events];
  let high = 1;
  let acked = 1;
  let since = 0;
  list.forEach((event, i) => {
    if (event.kind === 'in') {
      const waited = event.time - since;
      if (high > acked && waited > RTO_MIN && waited <= RTO_MIN + SLACK) {
        const early = waited - RTO_MIN;
        for (let k = i; k < list.length && list[k]!.time - event.time < PROMPT; k++)
          list[k] = { ...list[k]!, time: list[k]!.time - early };
      }
      acked = Math.max(acked, event.packets.at(-1)!.ack);
    } else if (event.kind === 'out') high = Math.max(high, event.packets.at(-1)!.end);
    since = event.time;
  });
  return list;
}
