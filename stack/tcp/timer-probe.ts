// Zero-window probes (RFC 9293 section 3.8.6.1) and keepalive (section 3.8.4), as Linux sends and bounds them.
import { counterIndex } from '../host/counters.js';
import { seqBetween, seqLt } from '../wire/seq.js';
import { TCP_PSH } from '../wire/tcp.js';
import { fragmentSegment, setSegmentCount } from './fragment.js';
import { currentMss } from './mss.js';
import { rtoMax } from './rtt.js';
import { TCP_CLOSE, TCP_FIN_WAIT2, TCP_LISTEN, TCP_SYN_SENT } from './states.js';
import { type Tcb, TIMER_KEEPALIVE, TIMER_ZERO_WINDOW } from './tcb.js';
import { giveUp, orphanRetries, outOfResources, pacingDelay, RESOURCE_INTERVAL } from './timer-retransmit.js';
import { clearTimer, resetTimer } from './timer-slots.js';
import { sendProbe, sendReset, transmitSegment } from './transmit.js';
import { sendWindowEnd } from './window.js';
import { segmentSent } from './write.js';

const RTO_MIN = 200_000;
const WIN_PROBE = counterIndex('TcpExtTCPWinProbe');
const KEEP_ALIVE = counterIndex('TcpExtTCPKeepAlive');

/** First interval of zero-window probes, µs. */
export function probeBase(tcb: Tcb): number {
  return Math.max(tcb.rtt.rto, RTO_MIN);
}

// RFC 9293 SHLD-29, SHLD-30
/** Interval with backoff. */
export function probeWhen(tcb: Tcb): number {
  const max = rtoMax(tcb);
  const most = Math.floor(Math.log2(max / RTO_MIN)) + 1;
  return Math.min(probeBase(tcb) * 2 ** Math.min(most, tcb.rtt.backoff), max);
}

/** TCP_USER_TIMEOUT must be noticed in time also while probing. */
export function clampProbeToUserTimeout(tcb: Tcb, now: number, wait: number): number {
  const { timers } = tcb;
  if (timers.userTimeout === 0 || timers.probesStamp === 0) return wait;
  let elapsed = now - timers.probesStamp;
  if (elapsed < 0) elapsed = 0;
  const remaining = Math.max(timers.userTimeout - elapsed, 2000);
  return Math.min(remaining, wait);
}

/**
 * Sends what the window lets of the queue's head, or an empty segment with an old sequence number, which makes the peer
 * tell its window (tcp_write_wakeup). 0, or why it was not sent (negative: nothing to do).
 */
export function writeWakeup(tcb: Tcb, now: number, counter: number): number {
  const { snd } = tcb;
  if (tcb.state === TCP_CLOSE) return -1;
  const head = snd.writeQueue.head;
  if (head !== null && seqLt(head.seq, sendWindowEnd(tcb))) {
    const mss = currentMss(tcb);
    let size = (sendWindowEnd(tcb) - head.seq) >>> 0;
    if (seqLt(snd.pushedSeq, head.endSeq)) snd.pushedSeq = head.endSeq;
    if (size < (head.endSeq - head.seq) >>> 0 || head.length > mss) {
      size = Math.min(size, mss);
      head.flags |= TCP_PSH;
      if (!fragmentSegment(tcb, head, size, mss)) return -1;
    } else if (head.segments === 0) {
      setSegmentCount(head, mss);
    }
    head.flags |= TCP_PSH;
    const result = transmitSegment(tcb, now, head);
    if (result === 0) segmentSent(tcb, now, head);
    return result;
  }
  tcb.host.counters.add(counter);
  if (seqBetween(snd.up, (snd.una + 1) >>> 0, (snd.una + 0xffff) >>> 0)) sendProbe(tcb, now, true);
  sendProbe(tcb, now, false);
  return 0;
}

/** The zero-window timer fired. */
export function probeTimer(tcb: Tcb, now: number): void {
  const { snd, timers, rtt, host } = tcb;
  if (snd.packetsOut > 0 || snd.writeQueue.empty) {
    timers.probesOut = 0;
    timers.probesStamp = 0;
    return;
  }
  if (timers.probesStamp === 0) timers.probesStamp = Math.max(now, 1);
  else if (timers.userTimeout > 0 && now - timers.probesStamp >= timers.userTimeout) {
    giveUp(tcb, now);
    return;
  }
  let most = host.config.tcpRetries2;
  if (tcb.orphan) {
    const alive = Math.min(rtt.rto * 2 ** rtt.backoff, rtoMax(tcb)) < rtoMax(tcb);
    most = orphanRetries(tcb, alive);
    if (!alive && rtt.backoff >= most) {
      giveUp(tcb, now);
      return;
    }
    if (outOfResources(tcb, now, true)) return;
  }
  if (timers.probesOut >= most) giveUp(tcb, now);
  else sendZeroWindowProbe(tcb, now);
}

// RFC 9293 MUST-35, MUST-36, SHLD-30
function sendZeroWindowProbe(tcb: Tcb, now: number): void {
  const { snd, timers, rtt, host } = tcb;
  const result = writeWakeup(tcb, now, WIN_PROBE);
  if (snd.packetsOut > 0 || snd.writeQueue.empty) {
    timers.probesOut = 0;
    rtt.backoff = 0;
    timers.probesStamp = 0;
    return;
  }
  timers.probesOut++;
  let wait = RESOURCE_INTERVAL;
  if (result <= 0) {
    if (rtt.backoff < host.config.tcpRetries2) rtt.backoff++;
    wait = probeWhen(tcb);
  }
  wait = clampProbeToUserTimeout(tcb, now, wait);
  resetTimer(tcb, TIMER_ZERO_WINDOW, now + wait + pacingDelay(tcb, now), now);
}

// RFC 9293 MUST-27, MUST-28
/** Idle time before keepalive probes, µs. */
export function keepaliveIdle(tcb: Tcb): number {
  return tcb.timers.keepaliveIdle > 0
    ? tcb.timers.keepaliveIdle
    : tcb.host.config.tcpKeepaliveTime * 1_000_000;
}

function keepaliveInterval(tcb: Tcb): number {
  const { timers, host } = tcb;
  return timers.keepaliveInterval > 0 ? timers.keepaliveInterval : host.config.tcpKeepaliveIntvl * 1_000_000;
}

function sinceLastHeard(tcb: Tcb, now: number): number {
  return Math.min(now - tcb.ack.lastReceiveTime, now - tcb.rcv.lastAckReceived);
}

// RFC 9293 MAY-5, MUST-26, MUST-29
/** The keepalive timer fired (also runs after SO_KEEPALIVE was switched off: then it ends). */
export function keepaliveTimer(tcb: Tcb, now: number): void {
  const { snd, timers, host } = tcb;
  if (!timers.keepaliveEnabled || tcb.state === TCP_CLOSE || tcb.state === TCP_SYN_SENT) return;
  if (tcb.state === TCP_LISTEN) return;
  let wait = keepaliveIdle(tcb);
  if (snd.packetsOut === 0 && snd.writeQueue.empty) {
    const elapsed = sinceLastHeard(tcb, now);
    if (elapsed >= wait) {
      const most = timers.keepaliveCount > 0 ? timers.keepaliveCount : host.config.tcpKeepaliveProbes;
      const over =
        timers.userTimeout > 0
          ? elapsed >= timers.userTimeout && timers.probesOut > 0
          : timers.probesOut >= most;
      if (over) {
        sendReset(tcb, now);
        giveUp(tcb, now);
        return;
      }
      if (writeWakeup(tcb, now, KEEP_ALIVE) <= 0) {
        timers.probesOut++;
        wait = keepaliveInterval(tcb);
      } else {
        wait = RESOURCE_INTERVAL;
      }
    } else {
      wait -= elapsed;
    }
  }
  resetTimer(tcb, TIMER_KEEPALIVE, now + wait, now);
}

// RFC 9293 MUST-24, MUST-25, MAY-5
/** SO_KEEPALIVE was switched, or its idle time changed: timer on or off. */
export function setKeepalive(tcb: Tcb, now: number, on: boolean): void {
  tcb.timers.keepaliveEnabled = on;
  if (tcb.state === TCP_CLOSE || tcb.state === TCP_LISTEN) return;
  if (!on) {
    clearTimer(tcb, TIMER_KEEPALIVE);
    return;
  }
  const idle = keepaliveIdle(tcb);
  const elapsed = tcb.state === TCP_FIN_WAIT2 ? 0 : sinceLastHeard(tcb, now);
  resetTimer(tcb, TIMER_KEEPALIVE, now + Math.max(idle - Math.max(elapsed, 0), 0), now);
}
