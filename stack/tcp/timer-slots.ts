// The deadlines of one connection: setting, clearing and asking. What happens when one is due is timers.ts's concern.
import { roundUpToTick } from './jiffies.js';
import { type Tcb, TIMER_COMPRESSED_ACK, TIMER_COUNT, TIMER_PACING, TIMER_ZERO_WINDOW } from './tcb.js';

const NEVER = Number.POSITIVE_INFINITY;

/**
 * Sets the deadline of `kind` (absolute µs), rounded up to the tick for all but the two high-resolution kinds. The four
 * kinds of the retransmission slot replace each other.
 */
export function resetTimer(tcb: Tcb, kind: number, deadline: number, now: number): void {
  const { deadline: slots } = tcb.timers;
  if (kind <= TIMER_ZERO_WINDOW) {
    for (let other = 0; other <= TIMER_ZERO_WINDOW; other++) slots[other] = NEVER;
  }
  const at = Math.max(deadline, now);
  const exact = kind === TIMER_PACING || kind === TIMER_COMPRESSED_ACK;
  slots[kind] = exact || at === NEVER ? at : roundUpToTick(tcb.host.config, at);
  tcb.host.timerChanged(tcb);
}

export function clearTimer(tcb: Tcb, kind: number): void {
  if (tcb.timers.deadline[kind] === NEVER) return;
  tcb.timers.deadline[kind] = NEVER;
  tcb.host.timerChanged(tcb);
}

/** Clears whichever of the four kinds holds the retransmission slot. */
export function clearTransmitTimer(tcb: Tcb): void {
  for (let kind = 0; kind <= TIMER_ZERO_WINDOW; kind++) clearTimer(tcb, kind);
}

export function clearAllTimers(tcb: Tcb): void {
  tcb.timers.deadline.fill(NEVER);
  tcb.host.timerChanged(tcb);
}

/** The kind that holds the retransmission slot, or -1. */
export function pendingTransmitTimer(tcb: Tcb): number {
  for (let kind = 0; kind <= TIMER_ZERO_WINDOW; kind++) if (tcb.timers.deadline[kind] !== NEVER) return kind;
  return -1;
}

/** Earliest deadline in µs, Infinity when no timer runs. */
export function tcpNextTimeout(tcb: Tcb): number {
  let next = NEVER;
  for (let kind = 0; kind < TIMER_COUNT; kind++) {
    const at = tcb.timers.deadline[kind]!;
    if (at < next) next = at;
  }
  return next;
}
