// Round-trip time, its variation, the retransmission timeout (RFC 6298) and the minimum RTT, in the integer steps of
// Linux's tcp_rtt_estimator. Decides nothing about which ACK may be timed by what beyond Karn's rule's leftovers:
// that is clean-queue.ts's part. All values in µs; sets no timer.

import { seqGt } from '../wire/seq.js';
import { runningMin } from './congestion/windowed-filter.js';
import { jiffies, roundUpToTick, tickLength } from './jiffies.js';
import { FLAG_ACK_MAYBE_DELAYED, FLAG_ACKED, FLAG_SYN_ACKED } from './recovery/flags.js';
import type { Tcb } from './tcb.js';

/** RTO before any sample (RFC 6298 section 2.1). */
const TIMEOUT_INIT = 1_000_000;
/** RTO for data when the SYN was lost and gave no sample (RFC 6298 section 5.7). */
export const TIMEOUT_FALLBACK = 3_000_000;
/** Time that a timer of loss detection waits beyond its formula, whatever a tick is, µs (Linux's TCP_TIMEOUT_MIN_US). */
export const TIMEOUT_MIN_US = 2000;

/** Floor of the RTO in µs: the route's (`rtt.rtoMin`), else tcp_rto_min_us. */
export function rtoMin(tcb: Tcb): number {
  return tcb.rtt.rtoMin > 0 ? tcb.rtt.rtoMin : tcb.host.config.tcpRtoMinUs;
}

/** Ceiling of the RTO in µs: TCP_RTO_MAX_MS of the socket, else tcp_rto_max_ms. */
export function rtoMax(tcb: Tcb): number {
  return tcb.rtt.rtoMax > 0 ? tcb.rtt.rtoMax : tcb.host.config.tcpRtoMaxMs * 1000;
}

/** RTO before any sample, µs (RFC 6298 section 2.1). */
export function initialRto(tcb: Tcb): number {
  return Math.min(TIMEOUT_INIT, rtoMax(tcb));
}

/** Windowed minimum RTT in µs, 2^32-1 when never measured. */
export function minRtt(tcb: Tcb): number {
  return tcb.rtt.minValue[0]!;
}

/**
 * One RTT sample into srtt and its mean deviation. As Linux does it: the deviation kept is the largest of the last
 * round trip (`mdevMax`), it falls slowly, and a falling RTT raises it by an eighth of what a rising one would.
 */
function estimate(tcb: Tcb, sample: number): void {
  const rtt = tcb.rtt;
  if (rtt.srtt8 === 0) {
    rtt.srtt8 = sample << 3;
    rtt.mdev4 = sample << 1;
    rtt.rttvar = Math.max(rtt.mdev4, rtoMin(tcb));
    rtt.mdevMax = rtt.rttvar;
    rtt.rttSeq = tcb.snd.nxt;
  } else {
    const error = sample - (rtt.srtt8 >> 3);
    rtt.srtt8 += error;
    let step = Math.abs(error) - (rtt.mdev4 >> 2);
    if (error < 0 && step > 0) step >>= 3;
    rtt.mdev4 += step;
    if (rtt.mdev4 > rtt.mdevMax) {
      rtt.mdevMax = rtt.mdev4;
      if (rtt.mdevMax > rtt.rttvar) rtt.rttvar = rtt.mdevMax;
    }
    if (seqGt(tcb.snd.una, rtt.rttSeq)) {
      if (rtt.mdevMax < rtt.rttvar) rtt.rttvar -= (rtt.rttvar - rtt.mdevMax) >> 2;
      rtt.rttSeq = tcb.snd.nxt;
      rtt.mdevMax = rtoMin(tcb);
    }
  }
  rtt.srtt8 = Math.max(1, rtt.srtt8);
}

/** RTO from srtt and rttvar into `tcb.rtt.rto`, in whole ticks, at most the ceiling (the floor is inside rttvar). */
export function setRto(tcb: Tcb): void {
  const rtt = tcb.rtt;
  rtt.rto = Math.min(roundUpToTick(tcb.host.config, (rtt.srtt8 >> 3) + rtt.rttvar), rtoMax(tcb));
}

function updateMinRtt(tcb: Tcb, now: number, sample: number, flag: number): void {
  // A receiver that delays all its ACKs must not raise the minimum when the window passes.
  if ((flag & FLAG_ACK_MAYBE_DELAYED) !== 0 && sample > minRtt(tcb)) return;
  const { config } = tcb.host;
  const window = (config.tcpMinRttWlen * 1_000_000) / tickLength(config);
  const value = sample > 0 ? sample : tickLength(config);
  runningMin(tcb.rtt.minValue, tcb.rtt.minTime, window, jiffies(config, now), value);
}

/** RTT in µs from the echoed timestamp (RFC 7323 section 4.3) at `at`, or -1 when it is absurd; at least one ms. */
function timestampRtt(tcb: Tcb, at: number): number {
  const delta = (tcb.host.timestampClock(at) - tcb.opt.rcvTsecr) >>> 0;
  if (delta >= 0x7fff_ffff / 1000) return -1;
  return Math.max(delta, 1) * 1000;
}

// RFC 9293 MUST-18
/**
 * Feeds one ACK's timing. `seqRtt` is of the oldest never-retransmitted segment acknowledged, `sackRtt` of the oldest
 * SACKed, `caRtt` of the newest of either; each -1 when there is none. `at` is the ACK's arrival, `now` the time of
 * processing. Returns the RTT for congestion control (-1: none); `tcb.rtt.sampled` tells whether srtt took a sample.
 */
export function updateRtt(
  tcb: Tcb,
  now: number,
  at: number,
  flag: number,
  seqRtt: number,
  sackRtt: number,
  caRtt: number,
): number {
  let sample = seqRtt < 0 ? sackRtt : seqRtt;
  let newest = caRtt;
  const { opt, rtt } = tcb;
  if (sample < 0 && opt.sawTimestamp && opt.rcvTsecr !== 0 && (flag & FLAG_ACKED) !== 0) {
    sample = timestampRtt(tcb, at);
    newest = sample;
  }
  rtt.sampled = sample >= 0;
  if (sample < 0) return newest;
  updateMinRtt(tcb, now, newest, flag);
  estimate(tcb, sample);
  setRto(tcb);
  rtt.latest = sample;
  // RFC 6298 section 5: only a valid sample ends the backoff.
  rtt.backoff = 0;
  return newest;
}

/** Takes the handshake's round trip (µs; -1: SYN or SYN-ACK was retransmitted, no sample) on the passive side. */
export function synRttMeasure(tcb: Tcb, now: number, roundTrip: number): void {
  const sample = roundTrip < 0 ? -1 : Math.floor(roundTrip);
  updateRtt(tcb, now, now, FLAG_SYN_ACKED, sample, -1, sample);
}

/**
 * Fits the RTO to what is known when the handshake ends: a cached RTT of the destination longer than ours, or the
 * three seconds of RFC 6298 section 5.7 when there is no sample at all.
 */
export function rtoAfterHandshake(tcb: Tcb, savedRtt: number): void {
  const { rtt } = tcb;
  const { config } = tcb.host;
  if (savedRtt * 8 > rtt.srtt8) {
    const cached = roundUpToTick(config, savedRtt);
    rtt.rto = Math.min(cached + Math.max(2 * cached, rtoMin(tcb)), rtoMax(tcb));
  } else if (rtt.srtt8 === 0) {
    rtt.rttvar = TIMEOUT_FALLBACK;
    rtt.mdev4 = TIMEOUT_FALLBACK;
    rtt.mdevMax = TIMEOUT_FALLBACK;
    rtt.rto = Math.min(TIMEOUT_FALLBACK, rtoMax(tcb));
  }
}
