// The congestion window around the algorithms: initial window (RFC 6928), slow start and congestion avoidance steps
// (RFC 5681), validation while the application does not fill it (RFC 2861/7661 as Linux), restart after idleness,
// pacing rate. Knows no loss recovery.
import { seqGe } from '../wire/seq.js';
import { CHRONO_SNDBUF_LIMITED, chronoStart } from './chrono.js';
import { CA_EVENT_CWND_RESTART } from './congestion/congestion-control.js';
import { defaultCongestionControl } from './congestion/registry.js';
import { jiffies, tickLength } from './jiffies.js';
import { TCP_CLOSE_WAIT, TCP_ESTABLISHED } from './states.js';
import { CA_CWR, CA_OPEN, CA_RECOVERY, type Tcb } from './tcb.js';

export { noteSent } from './rate.js';

/** "Infinite" slow-start threshold. */
export const INFINITE_SSTHRESH = 0x7fff_ffff;
/** Initial window in segments (RFC 6928). */
const INIT_CWND = 10;

/** Initial window in segments from the route, or 10 (RFC 6928). */
export function initialCwnd(tcb: Tcb): number {
  const { route } = tcb;
  const cwnd = route !== null && route.initcwnd > 0 ? route.initcwnd : INIT_CWND;
  return Math.min(cwnd, tcb.cc.cwndClamp);
}

/** The handshake is done: initial cwnd, algorithm (Linux's tcp_init_transfer without metrics, buffers and MTU probing). */
export function initCongestion(tcb: Tcb, now: number): void {
  const { cc, loss } = tcb;
  // RFC 5681 section 3.1 has cwnd 1 after a lost SYN; with the short initial RTO of RFC 6298 only a second loss counts.
  cc.cwnd = loss.totalRetrans > 1 && loss.undoMarked ? 1 : initialCwnd(tcb);
  cc.cwndStamp = now;
  initAlgorithm(tcb, now);
}

/** Starts the connection's algorithm, the stack's default when none was chosen. */
export function initAlgorithm(tcb: Tcb, now: number): void {
  const { cc } = tcb;
  cc.priorSsthresh = 0;
  if (cc.algorithm === null) cc.algorithm = defaultCongestionControl(tcb.host.config);
  cc.algorithm.init(tcb, now);
}

/** Slow start (RFC 5681 section 3.1). */
export function inSlowStart(tcb: Tcb): boolean {
  return tcb.cc.cwnd < tcb.cc.ssthresh;
}

/** CWR or Recovery: cwnd is on its way down. */
export function inCwndReduction(tcb: Tcb): boolean {
  return tcb.cc.caState === CA_CWR || tcb.cc.caState === CA_RECOVERY;
}

/** The ssthresh to remember: during a reduction the new one, otherwise at least three quarters of cwnd. */
export function currentSsthresh(tcb: Tcb): number {
  const { cc } = tcb;
  if (inCwndReduction(tcb)) return cc.ssthresh;
  return Math.max(cc.ssthresh, (cc.cwnd >>> 1) + (cc.cwnd >>> 2));
}

/** Whether cwnd held the sender back in this window; in slow start also when half of it was used. */
export function isCwndLimited(tcb: Tcb): boolean {
  const { cc } = tcb;
  if (cc.isCwndLimited) return true;
  return inSlowStart(tcb) && cc.cwnd < 2 * cc.maxPacketsOut;
}

// RFC 9293 MUST-19
/** cwnd grows by `acked` up to ssthresh; returns what is left over for congestion avoidance. */
export function slowStart(tcb: Tcb, acked: number): number {
  const { cc } = tcb;
  const cwnd = Math.min(cc.cwnd + acked, cc.ssthresh);
  const left = acked - (cwnd - cc.cwnd);
  cc.cwnd = Math.min(cwnd, cc.cwndClamp);
  return left;
}

// RFC 9293 MUST-19
/** Additive increase by one segment for every `w` acknowledged. */
export function additiveIncrease(tcb: Tcb, w: number, acked: number): void {
  const { cc } = tcb;
  if (cc.cwndCount >= w) {
    // Credits of a time with a larger w count for one segment.
    cc.cwndCount = 0;
    cc.cwnd++;
  }
  cc.cwndCount += acked;
  if (cc.cwndCount >= w) {
    const delta = Math.floor(cc.cwndCount / w);
    cc.cwndCount -= delta * w;
    cc.cwnd += delta;
  }
  cc.cwnd = Math.min(cc.cwnd, cc.cwndClamp);
}

/** After new data went out (Linux's tcp_cwnd_validate). */
export function validateCwnd(tcb: Tcb, now: number, cwndLimited: boolean): void {
  const { cc, snd } = tcb;
  const { config } = tcb.host;
  if (
    seqGe(snd.una, cc.cwndUsageSeq) ||
    cwndLimited ||
    (!cc.isCwndLimited && snd.packetsOut > cc.maxPacketsOut)
  ) {
    cc.isCwndLimited = cwndLimited;
    cc.maxPacketsOut = snd.packetsOut;
    cc.cwndUsageSeq = snd.nxt;
  }
  if (isCwndLimited(tcb)) {
    cc.cwndUsed = 0;
    cc.cwndStamp = now;
    return;
  }
  if (snd.packetsOut > cc.cwndUsed) cc.cwndUsed = snd.packetsOut;
  if (
    config.tcpSlowStartAfterIdle !== 0 &&
    spanInTicks(tcb, cc.cwndStamp, now) >= tcb.rtt.rto &&
    cc.algorithm?.control === undefined
  ) {
    applicationLimited(tcb, now);
  }
  if (
    snd.writeQueue.empty &&
    snd.noSpace &&
    (tcb.state === TCP_ESTABLISHED || tcb.state === TCP_CLOSE_WAIT)
  ) {
    chronoStart(tcb, CHRONO_SNDBUF_LIMITED, now);
  }
}

/** RFC 2861 section 3: an RTO without filling cwnd takes it half-way to what was used. */
function applicationLimited(tcb: Tcb, now: number): void {
  const { cc } = tcb;
  if (cc.caState === CA_OPEN && !tcb.orphan && !tcb.snd.noSpace) {
    const used = Math.max(cc.cwndUsed, initialCwnd(tcb));
    if (used < cc.cwnd) {
      cc.ssthresh = currentSsthresh(tcb);
      cc.cwnd = (cc.cwnd + used) >>> 1;
    }
    cc.cwndUsed = 0;
  }
  cc.cwndStamp = now;
}

/** Before data is queued after idleness: restart from the initial window (RFC 5681 section 4.1). */
export function idleRestartCheck(tcb: Tcb, now: number): void {
  const { config } = tcb.host;
  if (config.tcpSlowStartAfterIdle === 0 || tcb.snd.packetsOut > 0) return;
  if (tcb.cc.algorithm?.control !== undefined) return;
  const idle = spanInTicks(tcb, tcb.snd.lastDataSent, now);
  if (idle > tcb.rtt.rto) restart(tcb, now, idle);
}

/** cwnd halves for every RTO of idleness, down to the initial window. */
function restart(tcb: Tcb, now: number, idle: number): void {
  const { cc } = tcb;
  cc.algorithm?.event?.(tcb, CA_EVENT_CWND_RESTART, now);
  cc.ssthresh = currentSsthresh(tcb);
  let cwnd = cc.cwnd;
  const floor = Math.min(initialCwnd(tcb), cwnd);
  for (let left = idle - tcb.rtt.rto; left > 0 && cwnd > floor; left -= tcb.rtt.rto) cwnd >>>= 1;
  cc.cwnd = Math.max(cwnd, floor);
  cc.cwndStamp = now;
  cc.cwndUsed = 0;
}

/** Time from `start` to `now` in µs as a count of ticks sees it. */
function spanInTicks(tcb: Tcb, start: number, now: number): number {
  const { config } = tcb.host;
  if (config.hz === 0) return now - start;
  return (jiffies(config, now) - jiffies(config, start)) * tickLength(config);
}

/**
 * Recomputes `snd.pacingRate` (bytes/s) from mss, cwnd and srtt: twice the current rate in early slow start, 1.2 times
 * later (tcp_pacing_ss_ratio, tcp_pacing_ca_ratio, percent), so that pacing never holds cwnd's growth back.
 */
export function updatePacingRate(tcb: Tcb): void {
  const { cc, snd, rtt } = tcb;
  const { config } = tcb.host;
  const percent = cc.cwnd < Math.floor(cc.ssthresh / 2) ? config.tcpPacingSsRatio : config.tcpPacingCaRatio;
  let rate = snd.mss * ((1_000_000 / 100) * 8) * percent * Math.max(cc.cwnd, snd.packetsOut);
  if (rtt.srtt8 > 0) rate = Math.floor(rate / rtt.srtt8);
  snd.pacingRate = Math.min(rate, snd.maxPacingRate);
}
