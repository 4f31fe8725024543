// Congestion-control algorithms by name (TCP_CONGESTION, tcp_congestion_control).
import type { StackConfig } from '../../config/config.js';
import { bbr } from './bbr.js';
import type { CongestionControl } from './congestion-control.js';
import { cubic } from './cubic.js';
import { newReno } from './newreno.js';
import { none } from './none.js';

// Filled on first use: the algorithms' modules and cwnd.ts import each other, so nothing may run when they load.
let known: Map<string, CongestionControl> | null = null;

function algorithms(): Map<string, CongestionControl> {
  if (known === null) {
    known = new Map();
    for (const algorithm of [newReno, cubic, bbr, none]) known.set(algorithm.name, algorithm);
  }
  return known;
}

/** Makes an algorithm known; a later one of the same name replaces it. */
export function registerCongestionControl(algorithm: CongestionControl): void {
  algorithms().set(algorithm.name, algorithm);
}

// RFC 9293 MAY-18
/** The algorithm of that name, or null. */
export function findCongestionControl(name: string): CongestionControl | null {
  return algorithms().get(name) ?? null;
}

/** All names, in order of registration (tcp_available_congestion_control). */
export function congestionControlNames(): string[] {
  return [...algorithms().keys()];
}

/** The stack's default (tcp_congestion_control), Reno when that name is unknown. */
export function defaultCongestionControl(config: StackConfig): CongestionControl {
  return findCongestionControl(config.tcpCongestionControl) ?? newReno;
}
