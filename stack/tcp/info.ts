// struct tcp_info under Linux's field names, in Linux's units. For people, tests and scripts: not on the data path.
import { CHRONO_BUSY, CHRONO_RWND_LIMITED, CHRONO_SNDBUF_LIMITED, chronoTotal } from './chrono.js';
import { ECN_ACCURATE } from './ecn/accurate.js';
import { ECN_OK, ECN_SEEN } from './ecn/classic.js';
import { jiffies, tickLength } from './jiffies.js';
import { minRtt } from './rtt.js';
import { TCP_LISTEN } from './states.js';
import type { Tcb } from './tcb.js';

const UNLIMITED = 2 ** 64; // Linux: all ones

/** Milliseconds since `then`, by ticks. */
function since(tcb: Tcb, now: number, then: number): number {
  const { config } = tcb.host;
  const ticks = jiffies(config, now) - jiffies(config, then);
  return Math.floor((ticks * tickLength(config)) / 1000);
}

function options(tcb: Tcb): number {
  const { opt } = tcb;
  let bits = 0;
  if (opt.timestamps) bits |= 1;
  if (opt.sack) bits |= 2;
  if (opt.wscale) bits |= 4;
  if ((opt.ecnFlags & (ECN_OK | ECN_ACCURATE)) !== 0) bits |= 8;
  if ((opt.ecnFlags & ECN_SEEN) !== 0 || opt.receivedE0Bytes + opt.receivedE1Bytes + opt.receivedCe > 0)
    bits |= 16;
  if (opt.synDataAcked) bits |= 32;
  if (tcb.fastOpenChild) bits |= 128;
  return bits;
}

function rate(value: number): number {
  return Number.isFinite(value) ? Math.floor(value) : UNLIMITED;
}

/** What tcp_info says of a listener; everything else is 0 there. */
const LISTENER_FIELDS = new Set([
  'tcpi_state',
  'tcpi_pacing_rate',
  'tcpi_max_pacing_rate',
  'tcpi_reordering',
  'tcpi_snd_cwnd',
  'tcpi_unacked',
  'tcpi_sacked',
]);

/** struct tcp_info under Linux's field names (tcpi_…), as numbers in Linux's units. */
export function tcpInfo(tcb: Tcb, now: number): Record<string, number> {
  const info = wholeInfo(tcb, now);
  if (tcb.state !== TCP_LISTEN) return info;
  return Object.fromEntries(
    Object.entries(info).map(([name, value]) => [name, LISTENER_FIELDS.has(name) ? value : 0]),
  );
}

function wholeInfo(tcb: Tcb, now: number): Record<string, number> {
  const { snd, rcv, ack, opt, rtt, cc, loss, timers, state, host } = tcb;
  const listening = state === TCP_LISTEN;
  const delivery = loss.rateDelivered > 0 && loss.rateInterval > 0;
  const busy = chronoTotal(tcb, CHRONO_BUSY, now);
  const receiver = chronoTotal(tcb, CHRONO_RWND_LIMITED, now);
  const buffer = chronoTotal(tcb, CHRONO_SNDBUF_LIMITED, now);
  const currentRto =
    timers.retransmits > 0 && loss.rtoStamp > 0 ? (host.timestampClock(now) - loss.rtoStamp) >>> 0 : 0;
  return {
    tcpi_state: state,
    tcpi_ca_state: cc.caState,
    tcpi_retransmits: timers.retransmits,
    tcpi_probes: timers.probesOut,
    tcpi_backoff: rtt.backoff,
    tcpi_options: options(tcb),
    tcpi_snd_wscale: opt.wscale ? snd.wscale : 0,
    tcpi_rcv_wscale: opt.wscale ? rcv.wscale : 0,
    tcpi_delivery_rate_app_limited: loss.rateAppLimited ? 1 : 0,
    tcpi_fastopen_client_fail: opt.fastOpenClientFail,
    tcpi_rto: Math.round(rtt.rto),
    tcpi_ato: Math.round(ack.ato),
    tcpi_snd_mss: snd.mss,
    tcpi_rcv_mss: ack.rcvMss,
    tcpi_unacked: listening ? (tcb.listening?.pending ?? 0) : snd.packetsOut,
    tcpi_sacked: listening ? (tcb.listening?.backlog ?? 0) : loss.sackedOut,
    tcpi_lost: loss.lostOut,
    tcpi_retrans: loss.retransOut,
    tcpi_fackets: 0,
    tcpi_last_data_sent: since(tcb, now, snd.lastDataSent),
    tcpi_last_ack_sent: 0,
    tcpi_last_data_recv: since(tcb, now, ack.lastReceiveTime),
    tcpi_last_ack_recv: since(tcb, now, rcv.lastAckReceived),
    tcpi_pmtu: snd.mtuCookie,
    tcpi_rcv_ssthresh: rcv.ssthresh,
    tcpi_rtt: Math.floor(rtt.srtt8 / 8),
    tcpi_rttvar: Math.floor(rtt.mdev4 / 4),
    tcpi_snd_ssthresh: cc.ssthresh,
    tcpi_snd_cwnd: cc.cwnd,
    tcpi_advmss: snd.advmss,
    tcpi_reordering: loss.reordering,
    tcpi_rcv_rtt: Math.floor(rcv.rttEstimate / 8),
    tcpi_rcv_space: rcv.rcvqSpace,
    tcpi_total_retrans: loss.totalRetrans,
    tcpi_pacing_rate: rate(snd.pacingRate),
    tcpi_max_pacing_rate: rate(snd.maxPacingRate),
    tcpi_bytes_acked: snd.bytesAcked,
    tcpi_bytes_received: rcv.bytesReceived,
    tcpi_segs_out: snd.segsOut,
    tcpi_segs_in: rcv.segsIn,
    tcpi_notsent_bytes: Math.max(0, (snd.writeSeq - snd.nxt) | 0),
    tcpi_min_rtt: Math.min(minRtt(tcb), 0xffff_ffff),
    tcpi_data_segs_in: rcv.dataSegsIn,
    tcpi_data_segs_out: snd.dataSegsOut,
    tcpi_delivery_rate: delivery
      ? Math.floor((loss.rateDelivered * snd.mss * 1_000_000) / loss.rateInterval)
      : 0,
    tcpi_busy_time: Math.floor(busy + receiver + buffer),
    tcpi_rwnd_limited: Math.floor(receiver),
    tcpi_sndbuf_limited: Math.floor(buffer),
    tcpi_delivered: loss.delivered,
    tcpi_delivered_ce: loss.deliveredCe,
    tcpi_bytes_sent: snd.bytesSent,
    tcpi_bytes_retrans: snd.bytesRetrans,
    tcpi_dsack_dups: loss.dsackDups,
    tcpi_reord_seen: loss.reorderingSeen,
    tcpi_rcv_ooopack: rcv.oooPackets,
    tcpi_snd_wnd: snd.wnd,
    tcpi_rcv_wnd: rcv.wnd,
    tcpi_rehash: 0,
    tcpi_total_rto: loss.totalRto,
    tcpi_total_rto_recoveries: loss.totalRtoRecoveries,
    tcpi_total_rto_time: loss.totalRtoTime + currentRto,
    tcpi_received_ce: opt.receivedCe,
    tcpi_delivered_e1_bytes: opt.deliveredE1Bytes,
    tcpi_delivered_e0_bytes: opt.deliveredE0Bytes,
    tcpi_delivered_ce_bytes: opt.deliveredCeBytes,
    tcpi_received_e1_bytes: opt.receivedE1Bytes,
    tcpi_received_e0_bytes: opt.receivedE0Bytes,
    tcpi_received_ce_bytes: opt.receivedCeBytes,
    tcpi_accecn_fail_mode: opt.accEcnFail,
    tcpi_accecn_opt_seen: opt.accEcnOptionSeen,
  };
}
