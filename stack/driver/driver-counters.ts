// The driver's counters in shared memory, for whoever prints them. Shown before each sleep and every now and then.
import type { Arena } from '../channel/arena.js';
import type { DriverCounters } from './driver.js';
import { driverCounters, putDriverCounters } from './endpoints.js';

const ORDER: readonly (keyof DriverCounters)[] = [
  'received',
  'unwanted',
  'dropped',
  'sent',
  'spoofed',
  'reinjected',
  'wakeups',
];

/** Driver: shows its counters. */
export function showDriverCounters(arena: Arena, register: number, counters: DriverCounters): void {
  putDriverCounters(
    arena,
    register,
    ORDER.map((name) => counters[name]),
  );
}

/** What the driver has counted, modulo 2^32, as of its last sleep or a moment ago. From any thread. */
export function readDriverCounters(arena: Arena, register: number): DriverCounters {
  const values = driverCounters(arena, register, ORDER.length);
  return Object.fromEntries(ORDER.map((name, i) => [name, values[i]])) as unknown as DriverCounters;
}
