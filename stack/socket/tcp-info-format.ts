// struct tcp_info in Linux's layout, for getsockopt(TCP_INFO), from the core's numbers by name; and TCP_CC_INFO.
// Knows no connection's inside.
import type { Tcb } from '../tcp/index.js';
import { formatInt32s } from './option-value.js';

/** Fields behind the eight leading bytes: name and size, in order. */
const FIELDS: readonly (readonly [string, 2 | 4 | 8])[] = [
  ...[
    'rto',
    'ato',
    'snd_mss',
    'rcv_mss',
    'unacked',
    'sacked',
    'lost',
    'retrans',
    'fackets',
    'last_data_sent',
    'last_ack_sent',
    'last_data_recv',
    'last_ack_recv',
    'pmtu',
    'rcv_ssthresh',
    'rtt',
    'rttvar',
    'snd_ssthresh',
    'snd_cwnd',
    'advmss',
    'reordering',
    'rcv_rtt',
    'rcv_space',
    'total_retrans',
  ].map((name) => [name, 4] as const),
  ['pacing_rate', 8],
  ['max_pacing_rate', 8],
  ['bytes_acked', 8],
  ['bytes_received', 8],
  ['segs_out', 4],
  ['segs_in', 4],
  ['notsent_bytes', 4],
  ['min_rtt', 4],
  ['data_segs_in', 4],
  ['data_segs_out', 4],
  ['delivery_rate', 8],
  ['busy_time', 8],
  ['rwnd_limited', 8],
  ['sndbuf_limited', 8],
  ['delivered', 4],
  ['delivered_ce', 4],
  ['bytes_sent', 8],
  ['bytes_retrans', 8],
  ['dsack_dups', 4],
  ['reord_seen', 4],
  ['rcv_ooopack', 4],
  ['snd_wnd', 4],
  ['rcv_wnd', 4],
  ['rehash', 4],
  ['total_rto', 2],
  ['total_rto_recoveries', 2],
  ['total_rto_time', 4],
  ['received_ce', 4],
  ['delivered_e1_bytes', 4],
  ['delivered_e0_bytes', 4],
  ['delivered_ce_bytes', 4],
  ['received_e1_bytes', 4],
  ['received_e0_bytes', 4],
  ['received_ce_bytes', 4],
  ['accecn_fail_mode', 2],
  ['accecn_opt_seen', 2],
];

const SIZE = FIELDS.reduce((at, [, size]) => at + size, 8);

/** All names of struct tcp_info, tcpi_ in front. */
export const TCP_INFO_NAMES: readonly string[] = [
  'tcpi_state',
  'tcpi_ca_state',
  'tcpi_retransmits',
  'tcpi_probes',
  'tcpi_backoff',
  'tcpi_options',
  'tcpi_snd_wscale',
  'tcpi_rcv_wscale',
  'tcpi_delivery_rate_app_limited',
  'tcpi_fastopen_client_fail',
  ...FIELDS.map(([name]) => `tcpi_${name}`),
];

export function formatTcpInfo(info: Readonly<Record<string, number>>): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  const value = (name: string) => info[`tcpi_${name}`] ?? 0;
  bytes[0] = value('state');
  bytes[1] = value('ca_state');
  bytes[2] = value('retransmits');
  bytes[3] = value('probes');
  bytes[4] = value('backoff');
  bytes[5] = value('options');
  bytes[6] = (value('snd_wscale') & 15) | ((value('rcv_wscale') & 15) << 4);
  bytes[7] = (value('delivery_rate_app_limited') & 1) | ((value('fastopen_client_fail') & 3) << 1);
  let at = 8;
  for (const [name, size] of FIELDS) {
    const number = value(name);
    if (size === 2) view.setUint16(at, number, true);
    else if (size === 4) view.setUint32(at, number >>> 0, true);
    else view.setBigUint64(at, Number.isFinite(number) ? BigInt(Math.floor(number)) : 2n ** 64n - 1n, true);
    at += size;
  }
  return bytes;
}

/**
 * TCP_CC_INFO by Linux's names. Of union tcp_cc_info the stack has BBR (struct tcp_bbr_info); reno and cubic have nothing
 * there.
 */
export function ccInfoByName(tcb: Tcb): Record<string, number> {
  const { algorithm, state } = tcb.cc;
  if (algorithm?.name !== 'bbr') return {};
  // Chosen, but no connection runs it yet.
  const info = state === null ? {} : (algorithm.info?.(tcb) ?? {});
  const bandwidth = Math.max(0, Math.floor(info.bandwidth ?? 0));
  return {
    bbr_bw_lo: bandwidth >>> 0,
    bbr_bw_hi: Math.floor(bandwidth / 2 ** 32),
    bbr_min_rtt: info.minRtt ?? 0,
    bbr_pacing_gain: info.pacingGain ?? 0,
    bbr_cwnd_gain: info.cwndGain ?? 0,
  };
}

/** The same in Linux's layout: 32-bit words in the order of the names. */
export function formatCcInfo(tcb: Tcb): Uint8Array {
  return formatInt32s(Object.values(ccInfoByName(tcb)));
}
