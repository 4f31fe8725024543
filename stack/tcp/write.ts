// Sending what is queued: congestion and send window, Nagle with Minshall's variant, deferral of super-packets, sizing by
// pacing rate, small-queue limit, pacing (RFC 9293 section 3.8.6.2.1; Linux's tcp_write_xmit). Builds no headers.
import { counterIndex } from '../host/counters.js';
import { seqGt, seqLe } from '../wire/seq.js';
import { TCP_FIN } from '../wire/tcp.js';
import { CHRONO_RWND_LIMITED, chronoStart, chronoStop } from './chrono.js';
import { inCwndReduction, validateCwnd } from './cwnd.js';
import { fragmentSegment, growFromNext, setSegmentCount } from './fragment.js';
import { currentMss, gsoMaxSize } from './mss.js';
import { probeMtu } from './mtu-probe.js';
import { NAGLE_CORK, NAGLE_PUSH } from './nagle.js';
import { tcpPacketsInFlight } from './recovery/in-flight.js';
import { xmitRetransmitQueue } from './recovery/retransmit-queue.js';
import { scheduleLossProbe } from './recovery/tlp.js';
import { minRtt } from './rtt.js';
import { checkSpace, freeSegment } from './send-memory.js';
import type { SendSegment } from './send-segment.js';
import {
  stateBit,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_LAST_ACK,
} from './states.js';
import { CA_RECOVERY, type Tcb, TIMER_LOSS_PROBE, TIMER_PACING, TIMER_ZERO_WINDOW } from './tcb.js';
import { probeBase } from './timer-probe.js';
import { rearmRetransmitTimer } from './timer-retransmit.js';
import { pendingTransmitTimer, resetTimer } from './timer-slots.js';
import { transmitSegment } from './transmit.js';
import { sendWindowEnd } from './window.js';

const ORIG_DATA_SENT = counterIndex('TcpExtTCPOrigDataSent');

// What a deferral was limited by.
let cwndLimited = false;
let windowLimited = false;

/**
 * Sends queued segments as far as windows allow. `nonagle` NAGLE_* bits; `pushOne` 0: as many as possible, 1: one
 * segment, 2: one segment even over cwnd (loss probe). Returns true when nothing is in flight although data waits.
 */
export function writeXmit(tcb: Tcb, now: number, mss: number, nonagle: number, pushOne: number): boolean {
  const { snd, loss } = tcb;
  let sent = 0;
  loss.burst++;
  cwndLimited = false;
  windowLimited = false;
  if (pushOne === 0) {
    const probe = probeMtu(tcb, now);
    if (probe === 0) return false;
    if (probe > 0) sent = 1;
  }
  const maxSegments = maxSuperPacketSegments(tcb, mss);
  for (let segment = snd.writeQueue.head; segment !== null; segment = snd.writeQueue.head) {
    if (pacingHolds(tcb, now)) break;
    let quota = cwndQuota(tcb);
    if (quota === 0) {
      if (pushOne !== 2) break;
      quota = 1;
    }
    quota = Math.min(quota, maxSegments);
    const missing = quota * mss - segment.length;
    if (missing > 0) growFromNext(segment, missing, releases(tcb));
    setSegmentCount(segment, mss);
    if (!windowAllows(tcb, segment, mss)) {
      windowLimited = true;
      break;
    }
    const last = segment === snd.writeQueue.tail;
    if (segment.segments === 1) {
      if (!nagleAllows(tcb, segment, mss, last ? nonagle : NAGLE_PUSH)) break;
    } else if (pushOne === 0 && shouldDefer(tcb, now, segment, maxSegments)) {
      break;
    }
    let limit = mss;
    if (segment.segments > 1 && snd.up === snd.una) limit = splitPoint(tcb, segment, mss, quota, nonagle);
    if (segment.length > limit && !fragmentSegment(tcb, segment, limit, mss)) break;
    if (smallQueueHolds(tcb, segment, 0)) break;
    if (segment.endSeq === segment.seq) break;
    if (transmitSegment(tcb, now, segment) !== 0) break;
    segmentSent(tcb, now, segment);
    if (segment.length < segment.segments * mss) snd.sml = segment.endSeq;
    sent += segment.segments;
    if (pushOne !== 0) break;
  }
  if (windowLimited) chronoStart(tcb, CHRONO_RWND_LIMITED, now);
  else chronoStop(tcb, CHRONO_RWND_LIMITED, now);
  const limited = cwndLimited || tcpPacketsInFlight(tcb) >= tcb.cc.cwnd;
  if (sent > 0 || limited) validateCwnd(tcb, now, limited);
  if (sent > 0) {
    if (inCwndReduction(tcb)) loss.prrOut += sent;
    if (pushOne !== 2) scheduleLossProbe(tcb, now, false);
    return false;
  }
  return snd.packetsOut === 0 && !snd.writeQueue.empty;
}

let releasingFor: Tcb | null = null;
function releaseMerged(next: SendSegment): void {
  const tcb = releasingFor!;
  tcb.snd.writeQueue.remove(next);
  freeSegment(tcb, next);
}
function releases(tcb: Tcb): (next: SendSegment) => void {
  releasingFor = tcb;
  return releaseMerged;
}

/** The segment left for the first time: SND.NXT, the retransmission queue and its timer (tcp_event_new_data_sent). */
export function segmentSent(tcb: Tcb, now: number, segment: SendSegment): void {
  const { snd, loss } = tcb;
  const before = snd.packetsOut;
  segment.list?.remove(segment);
  snd.retransmitQueue.append(segment);
  snd.nxt = segment.endSeq;
  if (loss.highestSack === null) loss.highestSack = segment;
  snd.packetsOut += segment.segments;
  if (before === 0 || pendingTransmitTimer(tcb) === TIMER_LOSS_PROBE) rearmRetransmitTimer(tcb, now);
  tcb.host.counters.add(ORIG_DATA_SENT, segment.segments);
  checkSpace(tcb, now);
}

/** Wire segments that cwnd lets go now; at most half a window at once, so that two bursts are in flight. */
function cwndQuota(tcb: Tcb): number {
  const inFlight = tcpPacketsInFlight(tcb);
  const { cwnd } = tcb.cc;
  if (inFlight >= cwnd) return 0;
  return Math.min(Math.max(cwnd >>> 1, 1), cwnd - inFlight);
}

/** Wire segments that a super-packet should hold: about a millisecond of the pacing rate, more on short paths. */
export function maxSuperPacketSegments(tcb: Tcb, mss: number): number {
  const { snd, cc } = tcb;
  const { config } = tcb.host;
  const most = gsoMaxSize(tcb);
  const least = cc.algorithm?.minTsoSegments?.(tcb) ?? config.tcpMinTsoSegs;
  let bytes = Number.isFinite(snd.pacingRate) ? Math.floor(snd.pacingRate / 2 ** snd.pacingShift) : most;
  if (config.tcpTsoRttLog > 0) {
    const shift = Math.floor(minRtt(tcb) / 2 ** config.tcpTsoRttLog);
    if (shift < 32) bytes += Math.floor(most / 2 ** shift);
  }
  bytes = Math.min(bytes, most);
  return Math.min(Math.max(Math.floor(bytes / mss), least), tcb.route?.gsoMaxSegments || 65_535);
}

// RFC 9293 SHLD-15
function windowAllows(tcb: Tcb, segment: SendSegment, mss: number): boolean {
  const end = segment.length > mss ? (segment.seq + mss) >>> 0 : segment.endSeq;
  return seqLe(end, sendWindowEnd(tcb));
}

// RFC 9293 SHLD-7
/** Minshall: a small segment is in flight. */
function smallSegmentOut(tcb: Tcb): boolean {
  const { snd } = tcb;
  return seqGt(snd.sml, snd.una) && !seqGt(snd.sml, snd.nxt);
}

// RFC 9293 SHLD-7, MUST-17, MUST-38
/** Nagle: hold a partial segment back. */
function nagleHolds(tcb: Tcb, partial: boolean, nonagle: number): boolean {
  return (
    partial &&
    ((nonagle & NAGLE_CORK) !== 0 || (nonagle === 0 && tcb.snd.packetsOut > 0 && smallSegmentOut(tcb)))
  );
}

function nagleAllows(tcb: Tcb, segment: SendSegment, mss: number, nonagle: number): boolean {
  if ((nonagle & NAGLE_PUSH) !== 0) return true;
  if (tcb.snd.up !== tcb.snd.una || (segment.flags & TCP_FIN) !== 0) return true;
  return !nagleHolds(tcb, segment.length < mss, nonagle);
}

/** How many bytes of a long segment go now: whole segments, unless the rest may go as well. */
function splitPoint(tcb: Tcb, segment: SendSegment, mss: number, quota: number, nonagle: number): number {
  const window = (sendWindowEnd(tcb) - segment.seq) >>> 0;
  const most = mss * quota;
  if (most <= window && segment !== tcb.snd.writeQueue.tail) return most;
  const needed = Math.min(segment.length, window);
  if (most <= needed) return most;
  const partial = needed % mss;
  return nagleHolds(tcb, partial !== 0, nonagle) ? needed - partial : needed;
}

/** Whether to wait for a larger super-packet because an ACK will soon make room (tcp_tso_should_defer). */
function shouldDefer(tcb: Tcb, now: number, segment: SendSegment, maxSegments: number): boolean {
  const { snd, cc, rtt } = tcb;
  const { config } = tcb.host;
  if (cc.caState >= CA_RECOVERY) return false;
  // Linux compares nanoseconds, which have always moved a little further than a script's millisecond.
  if (now - snd.departure >= 1000) return false;
  const sendWindow = (sendWindowEnd(tcb) - segment.seq) >>> 0;
  const congestionWindow = (cc.cwnd - tcpPacketsInFlight(tcb)) * snd.mss;
  const limit = Math.min(sendWindow, congestionWindow);
  if (limit >= maxSegments * snd.mss) return false;
  if (segment !== snd.writeQueue.tail && limit >= segment.length) return false;
  if (config.tcpTsoWinDivisor > 0) {
    const chunk = Math.floor(Math.min(snd.wnd, cc.cwnd * snd.mss) / config.tcpTsoWinDivisor);
    if (limit >= chunk) return false;
  } else if (limit > 3 * snd.mss) {
    return false;
  }
  const head = snd.retransmitQueue.head;
  if (head === null) return false;
  const srtt = rtt.srtt8 / 8;
  if (head.sentAt + srtt - now - Math.min(srtt / 2, 1000) > 0) return false;
  if (congestionWindow < sendWindow) {
    if (congestionWindow <= segment.length) {
      cwndLimited = true;
      return true;
    }
  } else if (sendWindow <= segment.length) {
    windowLimited = true;
    return true;
  }
  return (segment.flags & TCP_FIN) === 0 && !segment.endOfRecord;
}

/** Small-queue limit: not more than about two super-packets of this connection in the host's queue. */
export function smallQueueHolds(tcb: Tcb, segment: SendSegment, factor: number): boolean {
  const { snd } = tcb;
  let limit = Math.max(
    2 * segment.truesize,
    Number.isFinite(snd.pacingRate) ? snd.pacingRate / 2 ** snd.pacingShift : Number.MAX_SAFE_INTEGER,
  );
  if (snd.pacingStatus === 0) limit = Math.min(limit, tcb.host.config.tcpLimitOutputBytes);
  limit *= 2 ** factor;
  if (snd.inHostQueue <= limit) return false;
  reapTransmitted(tcb);
  if (snd.inHostQueue <= limit) return false;
  if (snd.retransmitQueue.size <= 1) return false;
  snd.throttled = true;
  return true;
}

/** Learns which packets have left the queue in this very step; other connections may send while it does. */
export function reapTransmitted(tcb: Tcb): void {
  const cwnd = cwndLimited;
  const window = windowLimited;
  tcb.host.transmitted?.(tcb.clock);
  cwndLimited = cwnd;
  windowLimited = window;
}

/** A packet left the host's queue: goes on where the small-queue limit stopped. */
export function continueAfterQueue(tcb: Tcb, now: number): void {
  const { snd } = tcb;
  if (!snd.throttled) return;
  snd.throttled = false;
  if (tcb.state === TCP_CLOSE) return;
  tcb.clock = now;
  const sending =
    stateBit(TCP_ESTABLISHED) |
    stateBit(TCP_FIN_WAIT1) |
    stateBit(TCP_CLOSING) |
    stateBit(TCP_CLOSE_WAIT) |
    stateBit(TCP_LAST_ACK);
  if ((sending & stateBit(tcb.state)) === 0) return;
  if (tcb.loss.lostOut > tcb.loss.retransOut && tcb.cc.cwnd > tcpPacketsInFlight(tcb))
    xmitRetransmitQueue(tcb, now);
  writeXmit(tcb, now, currentMss(tcb), snd.nonagle, 0);
}

/** The connection's own pacing: the next packet must wait for its departure time. */
export function pacingHolds(tcb: Tcb, now: number): boolean {
  const { snd } = tcb;
  if (snd.pacingStatus !== 1 || snd.departure <= now) return false;
  if (!Number.isFinite(tcb.timers.deadline[TIMER_PACING]!)) resetTimer(tcb, TIMER_PACING, snd.departure, now);
  return true;
}

/** Sends what waits with `nonagle`, and starts the zero-window probe when nothing could go (__tcp_push_pending_frames). */
export function pushFrames(tcb: Tcb, now: number, mss: number, nonagle: number): void {
  if (tcb.state === TCP_CLOSE) return;
  if (writeXmit(tcb, now, mss, nonagle, 0)) checkProbeTimer(tcb, now);
}

/** Nothing in flight, something queued, no timer: probe (tcp_check_probe_timer). */
export function checkProbeTimer(tcb: Tcb, now: number): void {
  if (tcb.snd.packetsOut === 0 && pendingTransmitTimer(tcb) < 0) {
    resetTimer(tcb, TIMER_ZERO_WINDOW, now + probeBase(tcb), now);
  }
}

/** Sends what waits, with the connection's own Nagle setting (tcp_push_pending_frames). */
export function pushPendingFrames(tcb: Tcb, now: number): void {
  if (tcb.snd.writeQueue.empty) return;
  pushFrames(tcb, now, currentMss(tcb), tcb.snd.nonagle);
}

/** Sends one segment from the head of the queue without asking Nagle (tcp_push_one). */
export function pushOne(tcb: Tcb, now: number, mss: number): void {
  writeXmit(tcb, now, mss, NAGLE_PUSH, 1);
}
