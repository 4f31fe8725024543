// The retransmission timer (RFC 6298) and when a connection is given up (RFC 9293 section 3.8.3, R1 and R2; TCP_USER_TIMEOUT;
// Linux's tcp_retransmit_timer). What is retransmitted and what happens to cwnd is recovery's concern.
import { counterIndex } from '../host/counters.js';
import { INFINITE_SSTHRESH } from './cwnd.js';
import { endWithError } from './destroy.js';
import { ETIMEDOUT } from './errno.js';
import { fastOpenActiveTimeout } from './fastopen/client.js';
import { fastOpenSynAckTimer } from './fastopen/server.js';
import { blackholeProbing } from './mtu-probe.js';
import { leastSynTime, softFailure } from './profile.js';
import { enterLoss } from './recovery/enter-loss.js';
import { retransmitSegment } from './retransmit.js';
import { initialRto, rtoMax, setRto } from './rtt.js';
import { TCP_ESTABLISHED, TCP_SYN_RECV, TCP_SYN_SENT } from './states.js';
import { type Tcb, TIMER_LOSS_PROBE, TIMER_REORDERING, TIMER_RETRANSMIT } from './tcb.js';
import { clearTransmitTimer, pendingTransmitTimer, resetTimer } from './timer-slots.js';
import { sendReset } from './transmit.js';

/** Least RTO of Linux's models of time, independent of tcp_rto_min_us, ms. */
const MODEL_RTO_MIN = 200;
/** After a local failure to send. */
export const RESOURCE_INTERVAL = 500_000;
const TIME_WAIT_LENGTH = 60_000_000;
/** Segments below which a stream is thin (RFC-less; tcp_thin_linear_timeouts). */
const THIN_SEGMENTS = 4;
const THIN_RETRIES = 6;

const TIMEOUTS = counterIndex('TcpExtTCPTimeouts');
const ABORT_ON_TIMEOUT = counterIndex('TcpExtTCPAbortOnTimeout');
const ABORT_ON_MEMORY = counterIndex('TcpExtTCPAbortOnMemory');

/** µs that the connection's own pacing delays the next packet. */
export function pacingDelay(tcb: Tcb, now: number): number {
  return tcb.snd.pacingStatus === 0 ? 0 : Math.max(0, tcb.snd.departure - now);
}

/** Restarts the retransmission timer after an ACK or a new transmission: off when nothing is in flight (tcp_rearm_rto). */
export function rearmRetransmitTimer(tcb: Tcb, now: number): void {
  const { snd, rtt } = tcb;
  if (tcb.fastOpenRequest !== null) return; // the timer repeats the SYN-ACK
  if (snd.packetsOut === 0) {
    clearTransmitTimer(tcb);
    return;
  }
  let wait = rtt.rto;
  const pending = pendingTransmitTimer(tcb);
  if (pending === TIMER_REORDERING || pending === TIMER_LOSS_PROBE) {
    // Time has run since the segment was sent.
    const head = snd.retransmitQueue.head;
    if (head !== null) wait = Math.max(head.sentAt + rtt.rto - now, 1);
  }
  resetTimer(tcb, TIMER_RETRANSMIT, now + Math.min(wait + pacingDelay(tcb, now), rtoMax(tcb)), now);
}

/** Model of Linux's limits: ms that `boundary` doublings from `base` (ms) take, bounded by the RTO's ceiling. */
export function modelTimeout(tcb: Tcb, boundary: number, base: number): number {
  const max = rtoMax(tcb) / 1000;
  const doublings = Math.max(0, Math.floor(Math.log2(Math.floor(max / base))));
  if (boundary <= doublings) return (2 * 2 ** boundary - 1) * base;
  return (2 * 2 ** doublings - 1) * base + (boundary - doublings) * max;
}

/** ms since the first retransmission of what is outstanding. */
function sinceRetransmission(tcb: Tcb, now: number): number {
  return (tcb.host.timestampClock(now) - tcb.loss.retransStamp) | 0;
}

/** Have retransmissions gone on for longer than `boundary` doublings (or `timeout` ms when not 0)? */
export function retransmitsTimedOut(tcb: Tcb, now: number, boundary: number, timeout: number): boolean {
  if (tcb.timers.retransmits === 0) return false;
  let limit = timeout;
  if (limit === 0) {
    const handshake = tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV;
    limit = modelTimeout(tcb, boundary, handshake ? initialRto(tcb) / 1000 : MODEL_RTO_MIN);
  }
  return sinceRetransmission(tcb, now) - limit >= 0;
}

/** Retries of an orphan: eight while it seems alive, none after a soft error (tcp_orphan_retries). */
export function orphanRetries(tcb: Tcb, alive: boolean): number {
  let retries = tcb.host.config.tcpOrphanRetries;
  if (tcb.softError !== 0 && !alive) retries = 0;
  if (retries === 0 && alive) retries = 8;
  return retries;
}

/** Too many orphans, or out of memory: this one goes, with a RST when the peer may still listen. */
export function outOfResources(tcb: Tcb, now: number, reset: boolean): boolean {
  const { memory, config, counters } = tcb.host;
  let shift = 0;
  const idle = now - tcb.snd.lastDataSent;
  if (idle > 2 * rtoMax(tcb) || !reset) shift++;
  if (tcb.softError !== 0) shift++;
  const tooMany = memory.orphans * 2 ** shift > config.tcpMaxOrphans;
  const noMemory = tcb.snd.memoryQueued > 2 * (2048 + 256) && memory.allocated > config.tcpMem[2] * 4096;
  if (!tooMany && !noMemory) return false;
  if (reset || idle <= TIME_WAIT_LENGTH || (tcb.snd.wnd === 0 && tcb.snd.packetsOut === 0))
    sendReset(tcb, now);
  counters.add(ABORT_ON_MEMORY);
  endWithError(tcb, now, 0);
  return true;
}

/** The connection is given up: the soft error that ICMP told, or ETIMEDOUT. */
export function giveUp(tcb: Tcb, now: number): void {
  tcb.host.counters.add(ABORT_ON_TIMEOUT);
  endWithError(tcb, now, tcb.softError !== 0 ? tcb.softError : ETIMEDOUT);
}

// RFC 9293 MUST-23
/** Does the profile want the SYN repeated for longer? Not when the application has set its own bounds (MUST-21). */
function synMustGoOn(tcb: Tcb, now: number): boolean {
  const { state, timers, host } = tcb;
  if (state !== TCP_SYN_SENT && state !== TCP_SYN_RECV) return false;
  if (timers.synRetries > 0 || timers.userTimeout > 0) return false;
  return sinceRetransmission(tcb, now) < leastSynTime(host.config);
}

// RFC 9293 MUST-20, MUST-21, MUST-22
/** Is it time to give up? Ends the connection when it is. */
function writeTimeout(tcb: Tcb, now: number): boolean {
  const { timers } = tcb;
  const { config } = tcb.host;
  let retries: number;
  let expired = false;
  if (tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV) {
    retries = timers.synRetries > 0 ? timers.synRetries : config.tcpSynRetries;
    const most = retries + (tcb.state === TCP_SYN_SENT ? config.tcpSynLinearTimeouts : 0);
    expired = timers.retransmits >= most;
  } else {
    // RFC 9293 MUST-20
    if (retransmitsTimedOut(tcb, now, config.tcpRetries1, 0)) {
      blackholeProbing(tcb, now);
      tcb.routeGeneration = -1; // R1: the route is looked up anew
      if (config.profile === 'strict') softFailure(tcb, ETIMEDOUT); // RFC 9293 SHLD-9, MUST-47
    }
    retries = config.tcpRetries2;
    if (tcb.orphan) {
      const alive = tcb.rtt.rto < rtoMax(tcb);
      retries = orphanRetries(tcb, alive);
      const reset = alive || !retransmitsTimedOut(tcb, now, retries, 0);
      if (outOfResources(tcb, now, reset)) return true;
    }
  }
  if (synMustGoOn(tcb, now)) return false;
  if (!expired) expired = retransmitsTimedOut(tcb, now, retries, timers.userTimeout / 1000);
  fastOpenActiveTimeout(tcb, now, expired);
  if (expired) giveUp(tcb, now);
  return expired;
}

/** The RTO, shortened so that TCP_USER_TIMEOUT is noticed in time. */
function clampToUserTimeout(tcb: Tcb, now: number): number {
  const { rtt, timers } = tcb;
  if (timers.userTimeout === 0) return rtt.rto;
  const remaining = timers.userTimeout / 1000 - sinceRetransmission(tcb, now);
  return remaining <= 0 ? 1 : Math.min(rtt.rto, remaining * 1000);
}

// RFC 9293 SHLD-17, MUST-37
/** Our retransmissions are window probes when the peer's window is zero: keep on as long as it answers. */
function zeroWindowTimedOut(tcb: Tcb, now: number): boolean {
  const { timers, rcv, loss, snd } = tcb;
  const { host } = tcb;
  const head = snd.retransmitQueue.head!;
  const start = loss.retransStamp !== 0 ? loss.retransStamp : host.timestampClock(head.sentAt);
  const rtxDelta = ((host.timestampClock(now) - start) | 0) * 1000;
  let limit = rtoMax(tcb) * 2;
  if (timers.userTimeout > 0) {
    // Linux asks for more, but its timers always come a little later than they were set to.
    if (rtxDelta >= timers.userTimeout) return true;
    limit = Math.min(limit, timers.userTimeout);
  }
  // A peer that acknowledged lately is alive.
  return now - rcv.lastAckReceived > limit && rtxDelta > limit;
}

// RFC 9293 MUST-19, SHLD-16
/** The retransmission timer fired. */
export function retransmitTimer(tcb: Tcb, now: number): void {
  const { snd, timers, rtt, loss, host } = tcb;
  if (tcb.fastOpenRequest !== null) {
    fastOpenSynAckTimer(tcb, now);
    return;
  }
  if (snd.packetsOut === 0) return;
  const head = snd.retransmitQueue.head;
  if (head === null) return;
  const handshake = tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV;
  if (snd.wnd === 0 && !tcb.orphan && !handshake) {
    if (zeroWindowTimedOut(tcb, now)) {
      giveUp(tcb, now);
      return;
    }
    enterLoss(tcb, now);
    retransmitSegment(tcb, now, head, 1);
  } else {
    host.counters.add(TIMEOUTS);
    if (writeTimeout(tcb, now)) return;
    enterLoss(tcb, now);
    if (timers.retransmits === 0) {
      loss.totalRtoRecoveries++;
      loss.rtoStamp = host.timestampClock(now);
    }
    timers.retransmits++;
    loss.totalRto++;
    if (retransmitSegment(tcb, now, snd.retransmitQueue.head!, 1) > 0) {
      resetTimer(tcb, TIMER_RETRANSMIT, now + Math.min(RESOURCE_INTERVAL, rtoMax(tcb)), now);
      return;
    }
  }
  // Few segments under way and not the first slow start any more (Linux's Documentation/networking/tcp-thin.rst).
  const thin =
    tcb.state === TCP_ESTABLISHED &&
    (timers.thinLinear || host.config.tcpThinLinearTimeouts !== 0) &&
    snd.packetsOut < THIN_SEGMENTS &&
    tcb.cc.ssthresh < INFINITE_SSTHRESH &&
    timers.retransmits <= THIN_RETRIES;
  if (thin) {
    rtt.backoff = 0;
    setRto(tcb);
  } else if (tcb.state !== TCP_SYN_SENT || loss.totalRto > host.config.tcpSynLinearTimeouts) {
    rtt.backoff++;
    rtt.rto = Math.min(rtt.rto * 2, rtoMax(tcb));
  }
  resetTimer(tcb, TIMER_RETRANSMIT, now + clampToUserTimeout(tcb, now), now);
}
