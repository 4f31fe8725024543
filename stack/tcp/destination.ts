// What a connection takes from earlier ones to its destination and leaves for later ones, in the steps of Linux's
// tcp_init_metrics and tcp_update_metrics (RFC 9040: TCP control block interdependence). Keeps nothing itself.

import type { MetricsKey } from '../host/tcp-metrics.js';
import { INFINITE_SSTHRESH, inSlowStart } from './cwnd.js';
import { rtoAfterHandshake } from './rtt.js';
import { CA_OPEN, type Tcb } from './tcb.js';

/**
 * The handshake is done and the route was looked up: its RTO floor, threshold and reordering as remembered, and an RTO that fits
 * the remembered RTT. Before `initCongestion`.
 */
export function takeDestination(tcb: Tcb): void {
  const { host, cc, loss, rtt, route } = tcb;
  if (route !== null && route.rtoMin > 0) rtt.rtoMin = route.rtoMin;
  // A SYN that was lost says nothing of the path's capacity for data: what it reduced is restored.
  cc.ssthresh = INFINITE_SSTHRESH;
  const known = route === null ? undefined : host.destinations.get(tcb);
  if (known === undefined) {
    rtoAfterHandshake(tcb, 0);
    return;
  }
  if (known.ssthresh > 0 && host.config.tcpNoSsthreshMetricsSave === 0)
    cc.ssthresh = Math.min(known.ssthresh, cc.cwndClamp);
  if (known.reordering > 0) loss.reordering = known.reordering;
  rtoAfterHandshake(tcb, known.rtt8 / 8);
}

/** Whether a destination was talked to before: its RTT is known (tcp_peer_is_proven). */
export function destinationProven(tcb: Tcb, flow: MetricsKey): boolean {
  return (tcb.host.destinations.get(flow)?.rtt8 ?? 0) > 0;
}

/** The connection ends in order: what it learned is remembered (not with tcp_no_metrics_save). */
export function rememberDestination(tcb: Tcb): void {
  const { host, cc, loss, rtt } = tcb;
  const { config } = host;
  if (config.tcpNoMetricsSave !== 0 || tcb.route === null) return;
  if (rtt.backoff > 0 || rtt.srtt8 === 0) {
    // Nothing came back in time: what was known is doubtful too.
    const known = host.destinations.get(tcb);
    if (known !== undefined) known.rtt8 = 0;
    return;
  }
  const entry = host.destinations.obtain(tcb);
  // A longer RTT is believed at once, a shorter one by an eighth: to overestimate is the lesser evil.
  const shorter = entry.rtt8 - rtt.srtt8;
  entry.rtt8 = shorter <= 0 ? rtt.srtt8 : entry.rtt8 - (shorter >> 3);
  const deviation = Math.max(Math.abs(shorter) >> 1, rtt.mdev4);
  if (deviation >= entry.rttvar4) entry.rttvar4 = deviation;
  else entry.rttvar4 -= (entry.rttvar4 - deviation) >> 2;

  const saveThreshold = config.tcpNoSsthreshMetricsSave === 0;
  if (cc.ssthresh >= INFINITE_SSTHRESH) {
    // Slow start never ended.
    if (saveThreshold && entry.ssthresh > 0 && cc.cwnd >> 1 > entry.ssthresh) entry.ssthresh = cc.cwnd >> 1;
    entry.cwnd = Math.max(entry.cwnd, cc.cwnd);
  } else if (!inSlowStart(tcb) && cc.caState === CA_OPEN) {
    if (saveThreshold) entry.ssthresh = Math.max(cc.cwnd >> 1, cc.ssthresh);
    entry.cwnd = (entry.cwnd + cc.cwnd) >> 1;
  } else {
    // In recovery or slow start: cwnd says nothing.
    entry.cwnd = (entry.cwnd + cc.ssthresh) >> 1;
    if (saveThreshold && entry.ssthresh > 0 && cc.ssthresh > entry.ssthresh) entry.ssthresh = cc.ssthresh;
    if (entry.reordering < loss.reordering && loss.reordering !== config.tcpReordering)
      entry.reordering = loss.reordering;
  }
}
