// When to acknowledge: quick ACKs, ping-pong mode, delayed ACKs (RFC 9293 section 3.8.6.3, RFC 5681 section 4.2) and
// compressed ACKs, with Linux's estimator of the time between segments (ATO). Builds nothing: transmit.ts does.
import { counterIndex } from '../host/counters.js';
import { jiffies, roundUpToTick, startOfTick, tickLength } from './jiffies.js';
import { rtoMin } from './rtt.js';
import { type Tcb, TIMER_COMPRESSED_ACK, TIMER_DELAYED_ACK } from './tcb.js';
import { clearTimer, resetTimer } from './timer-slots.js';
import { sendAck } from './transmit.js';
import { offeredWindow } from './window.js';

/** Bits of `AckState.pending`: an ACK is owed, the timer runs, small segment seen (twice), send at once, no memory. */
export const ACK_SCHEDULED = 1;
export const ACK_TIMER = 2;
export const ACK_PUSHED = 4;
export const ACK_PUSHED2 = 8;
export const ACK_NOW = 16;
export const ACK_NO_MEMORY = 32;

/** Bounds of the delay and of the ATO, µs. */
export const DELAY_MIN = 40_000;
// RFC 9293 MUST-40
export const DELAY_MAX = 200_000;
const MAX_QUICK_ACKS = 16;
/** Duplicate ACKs that go out at once before SACKs are compressed. */
const DUP_ACK_THRESHOLD = 3;

const DELAYED_ACKS = counterIndex('TcpExtDelayedACKs');
const ACK_COMPRESSED = counterIndex('TcpExtTCPAckCompressed');

export function ackScheduled(tcb: Tcb): boolean {
  return (tcb.ack.pending & ACK_SCHEDULED) !== 0;
}

export function scheduleAck(tcb: Tcb): void {
  tcb.ack.pending |= ACK_SCHEDULED;
}

export function inPingpong(tcb: Tcb): boolean {
  return tcb.ack.pingpong >= tcb.host.config.tcpPingpongThresh;
}

export function enterPingpong(tcb: Tcb): void {
  tcb.ack.pingpong = tcb.host.config.tcpPingpongThresh;
}

/** Allows up to `max` quick ACKs: as many as half a window of segments. */
export function allowQuickAcks(tcb: Tcb, max: number): void {
  const { ack, rcv } = tcb;
  let quick = Math.floor(rcv.wnd / (2 * ack.rcvMss));
  if (quick === 0) quick = 2;
  quick = Math.min(quick, max);
  if (quick > ack.quick) ack.quick = quick;
}

/** Acknowledge the next segments at once: the sender may be in slow start or in trouble. */
export function enterQuickAck(tcb: Tcb, max: number): void {
  allowQuickAcks(tcb, max);
  tcb.ack.pingpong = 0;
  tcb.ack.ato = DELAY_MIN;
}

function inQuickAck(tcb: Tcb): boolean {
  return tcb.route?.quickack === true || (tcb.ack.quick > 0 && !inPingpong(tcb));
}

/** Bookkeeping of any segment with ACK that leaves: nothing is owed any more (tcp_event_ack_sent). */
export function noteAckSent(tcb: Tcb, _now: number): void {
  const { ack } = tcb;
  if (ack.compressed > 0) {
    tcb.host.counters.add(ACK_COMPRESSED, ack.compressed);
    ack.compressed = 0;
    clearTimer(tcb, TIMER_COMPRESSED_ACK);
  }
  if (ack.quick > 0) {
    const sent = ackScheduled(tcb) ? 1 : 0;
    if (sent >= ack.quick) {
      ack.quick = 0;
      ack.ato = DELAY_MIN;
    } else {
      ack.quick -= sent;
    }
  }
  ack.pending = 0;
  clearTimer(tcb, TIMER_DELAYED_ACK);
}

/** Data left soon after data came: the connection is interactive, ACKs can wait for a ride (ping-pong mode). */
export function noteDataSent(tcb: Tcb, now: number): void {
  const { ack } = tcb;
  const { config } = tcb.host;
  const since = (jiffies(config, now) - jiffies(config, ack.lastReceiveTime)) * tickLength(config);
  if (since < ack.ato && ack.pingpong < 255) ack.pingpong++;
}

/** Data arrived: the estimate of the time between segments follows (tcp_event_data_recv). */
export function noteDataReceived(tcb: Tcb, now: number): void {
  const { ack, rtt } = tcb;
  const { config } = tcb.host;
  if (ack.ato === 0) {
    allowQuickAcks(tcb, MAX_QUICK_ACKS);
    ack.ato = DELAY_MIN;
  } else {
    const gap = (jiffies(config, now) - jiffies(config, ack.lastReceiveTime)) * tickLength(config);
    if (gap <= DELAY_MIN / 2) {
      ack.ato = ack.ato / 2 + DELAY_MIN / 2;
    } else if (gap < ack.ato) {
      ack.ato = Math.min(ack.ato / 2 + gap, rtt.rto);
    } else if (gap > rtt.rto) {
      // Too long a gap: the sender probably did not restart its window; help it.
      allowQuickAcks(tcb, MAX_QUICK_ACKS);
    }
  }
  ack.lastReceiveTime = now;
}

/** After a segment was processed: ACK now, later, or compressed (__tcp_ack_snd_check). */
export function ackCheck(tcb: Tcb, now: number): void {
  if (ackScheduled(tcb)) decideAck(tcb, now, true);
}

// RFC 9293 SHLD-19, MUST-58, MAY-13
function decideAck(tcb: Tcb, now: number, outOfOrderPossible: boolean): void {
  const { ack, rcv, opt } = tcb;
  const { config } = tcb.host;
  const pending = (rcv.nxt - rcv.wup) >>> 0;
  const enough =
    pending > ack.rcvMss && ((rcv.nxt - rcv.copiedSeq) >>> 0 < rcv.lowat || offeredWindow(tcb) >= rcv.wnd);
  if (enough || inQuickAck(tcb) || (ack.pending & ACK_NOW) !== 0) {
    sendAck(tcb, now);
    return;
  }
  if (!outOfOrderPossible || rcv.outOfOrder === null || rcv.outOfOrder.empty) {
    delayAck(tcb, now);
    return;
  }
  if (!opt.sack || ack.compressed >= config.tcpCompSackNr) {
    sendAck(tcb, now);
    return;
  }
  if (ack.compressedRcvNxt !== rcv.nxt) {
    ack.compressedRcvNxt = rcv.nxt;
    ack.dupAckCounter = 0;
  }
  if (ack.dupAckCounter < DUP_ACK_THRESHOLD) {
    ack.dupAckCounter++;
    sendAck(tcb, now);
    return;
  }
  ack.compressed++;
  if (Number.isFinite(tcb.timers.deadline[TIMER_COMPRESSED_ACK]!)) return;
  // 5 % of the round trip, at most tcp_comp_sack_delay_ns; the kernel's timer goes off at the end of its slack.
  let rtt8 = rcv.rttEstimate;
  if (tcb.rtt.srtt8 > 0 && tcb.rtt.srtt8 < rtt8) rtt8 = tcb.rtt.srtt8;
  const delay = Math.min(config.tcpCompSackDelayNs / 1000, rtt8 / 8 / 20);
  resetTimer(tcb, TIMER_COMPRESSED_ACK, now + delay + config.tcpCompSackSlackNs / 1000, now);
}

/** The compression timer fired. */
export function compressedAckTimer(tcb: Tcb, now: number): void {
  const { ack } = tcb;
  if (ack.compressed === 0) return;
  // The counter goes with the ACK, less one that would have been sent anyway.
  tcb.host.counters.add(ACK_COMPRESSED, ack.compressed - 1);
  ack.compressed = 0;
  clearTimer(tcb, TIMER_COMPRESSED_ACK);
  sendAck(tcb, now);
}

// RFC 9293 SHLD-18, MUST-40
/** Starts or shortens the delayed-ACK timer (tcp_send_delayed_ack). */
export function delayAck(tcb: Tcb, now: number): void {
  const { ack, rtt, timers } = tcb;
  const { config } = tcb.host;
  let ato = ack.ato;
  if (ato > DELAY_MIN) {
    let max = 500_000;
    if (inPingpong(tcb) || (ack.pending & ACK_PUSHED) !== 0) max = DELAY_MAX;
    if (rtt.srtt8 > 0) max = Math.min(max, Math.max(roundUpToTick(config, rtt.srtt8 / 8), DELAY_MIN));
    ato = Math.min(ato, max);
  }
  ato = Math.min(ato, ack.maxDelay, Math.max(rtoMin(tcb), 2 * tickLength(config)) - tickLength(config));
  const tick = startOfTick(config, now);
  let due = tick + ato; // counted from the tick that is running, and no timer fires in that
  let deadline = now + Math.max(ato, 1);
  if ((ack.pending & ACK_TIMER) !== 0) {
    if (ack.due <= tick + ato / 4) {
      sendAck(tcb, now);
      return;
    }
    const running = timers.deadline[TIMER_DELAYED_ACK]!;
    if (deadline >= running) {
      deadline = running;
      due = ack.due;
    }
  }
  ack.due = due;
  ack.pending |= ACK_SCHEDULED | ACK_TIMER;
  resetTimer(tcb, TIMER_DELAYED_ACK, deadline, now);
}

/** Sets the delayed-ACK timer to the longest delay (while a reply is expected to carry the ACK). */
export function delayAckMax(tcb: Tcb, now: number): void {
  tcb.ack.pending |= ACK_SCHEDULED | ACK_TIMER;
  tcb.ack.due = startOfTick(tcb.host.config, now) + DELAY_MAX;
  resetTimer(tcb, TIMER_DELAYED_ACK, now + DELAY_MAX, now);
}

/** The delayed-ACK timer fired. */
export function delayedAckTimer(tcb: Tcb, now: number): void {
  const { ack } = tcb;
  if (ack.compressed > 0) {
    compressedAckTimer(tcb, now);
    return;
  }
  if ((ack.pending & ACK_TIMER) === 0) return;
  ack.pending &= ~ACK_TIMER;
  if (!ackScheduled(tcb)) return;
  if (!inPingpong(tcb)) {
    ack.ato = Math.min(ack.ato * 2, tcb.rtt.rto);
  } else {
    ack.pingpong = 0;
    ack.ato = DELAY_MIN;
  }
  tcb.host.counters.add(DELAYED_ACKS);
  sendAck(tcb, now);
}

// RFC 9293 MUST-39
/**
 * The application read `copied` bytes (or the queue was purged): ACK when one is owed and the reader caught up, or when
 * the window can be opened to at least twice what the peer knows (tcp_cleanup_rbuf).
 */
export function ackAfterRead(tcb: Tcb, now: number, copied: number): void {
  const { ack, rcv } = tcb;
  let due = false;
  if (ackScheduled(tcb)) {
    const small = (ack.pending & ACK_PUSHED2) !== 0 || ((ack.pending & ACK_PUSHED) !== 0 && !inPingpong(tcb));
    due = (rcv.nxt - rcv.wup) >>> 0 > ack.rcvMss || (copied > 0 && small && rcv.memoryAllocated === 0);
  }
  if (!due && copied > 0 && (tcb.shutdown & 1) === 0) {
    const current = Math.max(0, (rcv.wup + rcv.wnd - rcv.nxt) | 0);
    if (2 * current <= rcv.windowClamp) {
      const offer = offeredWindow(tcb);
      due = offer > 0 && offer >= 2 * current;
    }
  }
  if (due) sendAck(tcb, now);
}
