// Congestion-control algorithms by name (TCP_CONGESTION, tcp_congestion_control).
import type { CongestionControl } from './congestion-control.js';

const algorithms = new Map<string, CongestionControl>();

/** Makes an algorithm known; a later one of the same name replaces it. */
export function registerCongestionControl(algorithm: CongestionControl): void {
  algorithms.set(algorithm.name, algorithm);
}

/** The algorithm of that name, or null. */
export function findCongestionControl(name: string): CongestionControl | null {
  return algorithms.get(name) ?? null;
}

/** All names, in order of registration (tcp_available_congestion_control). */
export function congestionControlNames(): string[] {
  return [...algorithms.keys()];
}
