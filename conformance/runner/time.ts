// Script time: when an event is due, how far off it may be. All microseconds since the script began. The rules are
// the original's: a relative time counts from the live time of the event before, except that an inbound packet
// behind an inbound packet counts from that one's scripted time, so that no delay adds up.

import type { EventTime, ScriptEvent } from '../language/ast.js';
import { timeText } from './print-packet.js';

/** When an event is due, with relative times resolved. */
export interface DueTime {
  readonly kind: EventTime['kind'];
  readonly at: number;
  /** End of a range; equal to `at` for the others. */
  readonly until: number;
  /** What relative times were counted from. */
  readonly base: number;
}

export interface Tolerance {
  readonly microseconds: number;
  readonly percent: number;
}

export function isInboundPacket(event: ScriptEvent): boolean {
  return event.body.kind === 'packet' && event.body.direction === 'in';
}

/**
 * @param live time now
 * @param previous the event before and when it was due; null for the first
 */
export function resolveTime(
  event: ScriptEvent,
  live: number,
  previous: { readonly event: ScriptEvent; readonly due: DueTime } | null,
): DueTime {
  const { kind, at, until } = event.time;
  if (kind === 'absolute' || kind === 'absolute-range') return { kind, at, until: until ?? at, base: 0 };
  const anchored = previous && isInboundPacket(previous.event) && isInboundPacket(event);
  const base = anchored ? previous.due.at : live;
  return { kind, at: base + at, until: base + (until ?? at), base };
}

/** The fixed tolerance, or the percentage of the time since the event before when that is more. */
export function toleranceFor(tolerance: Tolerance, at: number, last: number | null): number {
  if (last === null) return tolerance.microseconds;
  return Math.max(tolerance.microseconds, Math.trunc((tolerance.percent / 100) * (at - last)));
}

/** Null when `actual` is a right time for `due`; else what is wrong, in the original's words. */
export function checkTime(
  due: Pick<DueTime, 'kind' | 'at' | 'until' | 'base'>,
  actual: number,
  last: number | null,
  tolerance: Tolerance,
  what: string,
): string | null {
  if (due.kind === 'any') return null;
  const slack = toleranceFor(tolerance, due.at, last);
  if (actual >= due.at - slack && actual <= due.until + slack) return null;
  const t = timeText;
  if (due.kind === 'absolute-range') {
    return `timing error: expected ${what} in time range ${t(due.at)}~${t(due.until)} sec but happened at ${t(actual)} sec; tolerance ${t(slack)} sec`;
  }
  if (due.kind === 'relative-range') {
    const from = `+${t(due.at - due.base)}~+${t(due.until - due.base)}`;
    return `timing error: expected ${what} in relative time range ${from} sec but happened at +${t(actual - due.base)} sec; tolerance ${t(slack)} sec`;
  }
  return `timing error: expected ${what} at ${t(due.at)} sec but happened at ${t(actual)} sec; tolerance ${t(slack)} sec`;
}
