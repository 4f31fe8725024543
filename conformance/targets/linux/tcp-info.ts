// struct tcp_info and SO_MEMINFO as the kernel lays them out (include/uapi/linux/tcp.h, sock_diag.h), by name.

type Width = 1 | 2 | 4 | 8;

const words = (width: Width, names: string): [string, Width][] =>
  names.split(' ').map((name) => [name, width]);

/** Fields in order; the eight bytes of small ones at the beginning are read apart. */
const FIELDS: readonly [string, Width][] = [
  ...words(4, 'rto ato snd_mss rcv_mss unacked sacked lost retrans fackets'),
  ...words(4, 'last_data_sent last_ack_sent last_data_recv last_ack_recv pmtu rcv_ssthresh rtt rttvar'),
  ...words(4, 'snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans'),
  ...words(8, 'pacing_rate max_pacing_rate bytes_acked bytes_received'),
  ...words(4, 'segs_out segs_in notsent_bytes min_rtt data_segs_in data_segs_out'),
  ...words(8, 'delivery_rate busy_time rwnd_limited sndbuf_limited'),
  ...words(4, 'delivered delivered_ce'),
  ...words(8, 'bytes_sent bytes_retrans'),
  ...words(4, 'dsack_dups reord_seen rcv_ooopack snd_wnd rcv_wnd rehash'),
  ...words(2, 'total_rto total_rto_recoveries'),
  ...words(4, 'total_rto_time received_ce'),
  ...words(4, 'delivered_e1_bytes delivered_e0_bytes delivered_ce_bytes'),
  ...words(4, 'received_e1_bytes received_e0_bytes received_ce_bytes'),
  ...words(2, 'accecn_fail_mode accecn_opt_seen'),
];
const SMALL = ['state', 'ca_state', 'retransmits', 'probes', 'backoff', 'options'];

/** As much of struct tcp_info as `bytes` has, under `tcpi_` names. */
export function decodeTcpInfo(bytes: Uint8Array): Record<string, number> {
  const info: Record<string, number> = {};
  for (const [i, name] of SMALL.entries()) info[`tcpi_${name}`] = bytes[i]!;
  info.tcpi_snd_wscale = bytes[6]! & 0xf;
  info.tcpi_rcv_wscale = bytes[6]! >>> 4;
  info.tcpi_delivery_rate_app_limited = bytes[7]! & 1;
  info.tcpi_fastopen_client_fail = (bytes[7]! >>> 1) & 3;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 8;
  for (const [name, width] of FIELDS) {
    if (at + width > bytes.length) break;
    if (width === 8) info[`tcpi_${name}`] = Number(view.getBigUint64(at, true));
    else info[`tcpi_${name}`] = width === 4 ? view.getUint32(at, true) : view.getUint16(at, true);
    at += width;
  }
  return info;
}

const MEMINFO = 'RMEM_ALLOC RCVBUF WMEM_ALLOC SNDBUF FWD_ALLOC WMEM_QUEUED OPTMEM BACKLOG DROPS'.split(' ');

export function decodeMemInfo(bytes: Uint8Array): Record<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const known = MEMINFO.slice(0, bytes.length >>> 2);
  return Object.fromEntries(known.map((name, i) => [`SK_MEMINFO_${name}`, view.getUint32(4 * i, true)]));
}
