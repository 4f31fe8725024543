// How long the transfers of a `network` input may take, with everything that its links and what happens on them excuse.

import type { NetworkInput } from './network-commands.js';

/** µs after which whatever is still open is given up by the harness itself, when faults excuse it. */
export const HOUR = 3600e6;
/** µs; TCP_RTO_MAX_SEC of the kernel's default. */
const RTO_MAX = 120e6;

/** µs until which every transfer must have ended. */
export function timeLimit({ links, flows, happenings, timestamps }: NetworkInput): number {
  let cut = 0;
  for (const event of happenings) if (event.kind === 'partition') cut += event.us;
  let worst = 0;
  for (const [i, faults] of links.entries()) {
    let bytes = 0;
    let slow = 0;
    for (const flow of flows) {
      if (flow.client % links.length !== i) continue;
      bytes += flow.up + flow.down;
      slow += flow.slow * (2 + (flow.up + flow.down) / Math.min(flow.chunk, 500));
    }
    const bad =
      faults.loss + faults.corrupt + faults.reorder + (faults.queue < 50 && faults.rate > 0 ? 0.2 : 0);
    const rate = faults.rate > 0 ? (bytes * 8e6 * 4) / faults.rate : 0;
    const round = 2 * faults.delay + 2 * faults.jitter + 20_000;
    const losses = (bytes / 500 + 20) * bad;
    // Without timestamps a retransmission measures nothing (Karn's rule, RFC 6298 section 3): where one in ten packets is
    // lost, the time-out that has backed off may stay at its most.
    const stall = faults.loss + faults.corrupt > 0.1 && !timestamps ? RTO_MAX : 2e6;
    worst = Math.max(worst, rate + slow + round * (20 + bytes / 3000) + losses * (round + stall));
  }
  // Backing off, a sender notices the end of a partition at most as late again as it lasted.
  return 60e6 + 4 * worst + 8 * cut + (links.some(({ loss }) => loss > 0.1) ? HOUR : 0);
}
