// How loss detection sets the one retransmission slot: deadlines from spans, with pacing and bounds (Linux's
// tcp_reset_xmit_timer). The slot itself is timers.ts's.
import { roundUpToTick, tickLength } from '../jiffies.js';
import { rtoMax } from '../rtt.js';
import { type Tcb, TIMER_LOSS_PROBE, TIMER_REORDERING, TIMER_RETRANSMIT, TIMER_ZERO_WINDOW } from '../tcb.js';
import {
  clearTimer,
  clearTransmitTimer,
  pendingTransmitTimer,
  rearmRetransmitTimer,
  resetTimer,
} from '../timers.js';
import { scheduleLossProbe } from './tlp.js';

/** Whole ticks until pacing lets the next packet go, µs. */
function pacingDelay(tcb: Tcb, now: number): number {
  const delay = tcb.snd.departure - now;
  if (!(delay > 0)) return 0;
  const { config } = tcb.host;
  return config.hz === 0 ? delay : Math.floor(delay / tickLength(config)) * tickLength(config);
}

function set(tcb: Tcb, kind: number, span: number, now: number): void {
  const ticks = Math.min(roundUpToTick(tcb.host.config, span), rtoMax(tcb));
  resetTimer(tcb, kind, now + ticks, now);
}

/** RTO after `span` µs, behind pacing's delay when `paced`. */
export function setRetransmitTimer(tcb: Tcb, span: number, now: number, paced: boolean): void {
  set(tcb, TIMER_RETRANSMIT, paced ? span + pacingDelay(tcb, now) : span, now);
}

export function setReorderingTimer(tcb: Tcb, span: number, now: number): void {
  set(tcb, TIMER_REORDERING, span, now);
}

export function setLossProbeTimer(tcb: Tcb, span: number, now: number): void {
  set(tcb, TIMER_LOSS_PROBE, roundUpToTick(tcb.host.config, span) + pacingDelay(tcb, now), now);
}

export function setZeroWindowTimer(tcb: Tcb, span: number, now: number): void {
  set(tcb, TIMER_ZERO_WINDOW, span + pacingDelay(tcb, now), now);
}

export function retransmitTimerPending(tcb: Tcb): boolean {
  return pendingTransmitTimer(tcb) === TIMER_RETRANSMIT;
}

export function reorderingTimerPending(tcb: Tcb): boolean {
  return pendingTransmitTimer(tcb) === TIMER_REORDERING;
}

/**
 * While the handler of a loss-probe or reordering timer runs, the slot still counts as taken by it (as Linux's
 * icsk_pending): an RTO that is armed in its place then runs since the oldest segment was sent, not from now.
 */
export function beginFiring(tcb: Tcb, kind: number, now: number): void {
  clearTransmitTimer(tcb);
  tcb.timers.deadline[kind] = now;
}

/** Arms the RTO in place of the timer that fired; see `beginFiring`. */
export function rearmAfterFiring(tcb: Tcb, kind: number, now: number): void {
  rearmRetransmitTimer(tcb, now);
  if (tcb.timers.deadline[kind] === now) clearTimer(tcb, kind);
}

/** After progress: a loss probe when one is due before the RTO, else the RTO. */
export function setTransmitTimer(tcb: Tcb, now: number): void {
  if (!scheduleLossProbe(tcb, now, true)) rearmRetransmitTimer(tcb, now);
}
