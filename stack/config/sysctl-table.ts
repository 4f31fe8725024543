// Every sysctl of the stack: Linux's name, the field of StackConfig behind it, its kind and bounds (as in Linux 6.18's
// tables for net.core, net.ipv4 and net.ipv6), its unit, when it is read, and what it does. Data only.
import type { StackConfig } from './config.js';

/** When an option is read: each time it matters, or once when a socket or connection is made. */
export type ReadTime = 'use' | 'creation';

export type SysctlKind =
  /** One integer, or a vector of as many as the field holds (`proc_dointvec`). */
  | 'int'
  /** Congestion control by name. */
  | 'congestion'
  /** 128-bit fast-open keys, `xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx[,…]`. */
  | 'key'
  /** A word. */
  | 'word';

export interface SysctlRow {
  readonly name: string;
  readonly field: keyof StackConfig;
  readonly kind: SysctlKind;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly read: ReadTime;
  readonly doc: string;
}

const U8 = 255;
const I32 = 2_147_483_647;
const U32 = 4_294_967_295;
const U64 = Number.MAX_SAFE_INTEGER;

const rows: SysctlRow[] = [];

function row(
  prefix: string,
  name: string,
  field: keyof StackConfig,
  min: number,
  max: number,
  unit: string,
  read: ReadTime,
  doc: string,
  kind: SysctlKind = 'int',
): void {
  rows.push({ name: `${prefix}.${name}`, field, kind, min, max, unit, read, doc });
}

type Rest = [number, number, string, ReadTime, string, SysctlKind?];
const core = (name: string, field: keyof StackConfig, ...rest: Rest) => row('net.core', name, field, ...rest);
const ipv4 = (name: string, field: keyof StackConfig, ...rest: Rest) => row('net.ipv4', name, field, ...rest);
const ipv6 = (name: string, field: keyof StackConfig, ...rest: Rest) => row('net.ipv6', name, field, ...rest);

core('somaxconn', 'somaxconn', 0, I32, 'connections', 'use', 'largest backlog of a listener');
core('rmem_default', 'rmemDefault', 2304, I32, 'bytes', 'creation', 'receive buffer of UDP sockets');
core('rmem_max', 'rmemMax', 2304, I32, 'bytes', 'use', 'largest SO_RCVBUF that a user may ask');
core('wmem_default', 'wmemDefault', 4608, I32, 'bytes', 'creation', 'send buffer of UDP sockets');
core('wmem_max', 'wmemMax', 4608, I32, 'bytes', 'use', 'largest SO_SNDBUF that a user may ask');
core('optmem_max', 'optmemMax', 0, I32, 'bytes', 'use', 'ancillary memory of one socket');
core(
  'max_skb_frags',
  'maxSkbFrags',
  1,
  17,
  'fragments',
  'use',
  'payload ranges in one segment of the send queue',
);
core(
  'default_qdisc',
  'defaultQdisc',
  0,
  0,
  '',
  'creation',
  'queue discipline of a link without its own',
  'word',
);

ipv4(
  'tcp_abort_on_overflow',
  'tcpAbortOnOverflow',
  0,
  U8,
  'flag',
  'use',
  'reset instead of silence when the accept queue is full',
);
ipv4(
  'tcp_adv_win_scale',
  'tcpAdvWinScale',
  -31,
  31,
  'shift',
  'use',
  'obsolete: part of the receive buffer kept for overhead',
);
ipv4(
  'tcp_app_win',
  'tcpAppWin',
  0,
  31,
  'shift',
  'creation',
  'part of the first window kept for the application buffer',
);
ipv4(
  'tcp_autocorking',
  'tcpAutocorking',
  0,
  U8,
  'flag',
  'use',
  'small writes wait while earlier packets are in the host queue',
);
ipv4(
  'tcp_backlog_ack_defer',
  'tcpBacklogAckDefer',
  0,
  1,
  'flag',
  'use',
  'one ACK for a batch of received segments',
);
ipv4(
  'tcp_base_mss',
  'tcpBaseMss',
  -I32,
  I32,
  'bytes',
  'use',
  'where path MTU probing starts (RFC 4821 search_low)',
);
ipv4(
  'tcp_challenge_ack_limit',
  'tcpChallengeAckLimit',
  0,
  I32,
  'per second',
  'use',
  'challenge ACKs of the host (RFC 5961 section 7)',
);
ipv4(
  'tcp_comp_sack_delay_ns',
  'tcpCompSackDelayNs',
  0,
  U64,
  'ns',
  'use',
  'longest delay of compressed SACKs',
);
ipv4(
  'tcp_comp_sack_nr',
  'tcpCompSackNr',
  0,
  U8,
  'segments',
  'use',
  'most SACKs compressed into one; 0: none',
);
ipv4('tcp_comp_sack_slack_ns', 'tcpCompSackSlackNs', 0, U64, 'ns', 'use', 'slack of that timer');
ipv4(
  'tcp_congestion_control',
  'tcpCongestionControl',
  0,
  0,
  '',
  'creation',
  'congestion control of new sockets',
  'congestion',
);
ipv4('tcp_dsack', 'tcpDsack', 0, U8, 'flag', 'use', 'send duplicate SACKs (RFC 2883)');
ipv4(
  'tcp_early_retrans',
  'tcpEarlyRetrans',
  0,
  4,
  'mode',
  'use',
  'tail loss probes: 0 none, 3 and 4 on (RFC 8985)',
);
ipv4(
  'tcp_ecn',
  'tcpEcn',
  0,
  5,
  'mode',
  'use',
  '0 off, 1 ask and accept, 2 accept; 3 to 5 accurate ECN (RFC 9768)',
);
ipv4(
  'tcp_ecn_fallback',
  'tcpEcnFallback',
  0,
  1,
  'flag',
  'use',
  'retry a lost ECN SYN without ECN (RFC 3168 section 6.1.1.1)',
);
ipv4('tcp_ecn_option', 'tcpEcnOption', 0, 3, 'mode', 'use', 'when the AccECN option is sent');
ipv4(
  'tcp_ecn_option_beacon',
  'tcpEcnOptionBeacon',
  0,
  63,
  'per RTT',
  'use',
  'how often the AccECN option is sent',
);
ipv4('tcp_fack', 'tcpFack', 0, U8, 'flag', 'use', 'obsolete in Linux as well: kept, has no effect');
ipv4(
  'tcp_fastopen',
  'tcpFastopen',
  -I32 - 1,
  I32,
  'bits',
  'use',
  'fast open: 1 client, 2 server, 4 client without cookie, 0x200 server without, 0x400 every listener',
);
ipv4(
  'tcp_fastopen_blackhole_timeout_sec',
  'tcpFastopenBlackholeTimeoutSec',
  0,
  I32,
  's',
  'use',
  'pause of active fast open after a black hole',
);
ipv4(
  'tcp_fastopen_key',
  'tcpFastopenKey',
  0,
  0,
  '',
  'use',
  'key(s) of fast-open cookies; a second one is accepted too',
  'key',
);
ipv4('tcp_fin_timeout', 'tcpFinTimeout', -I32, I32, 's', 'use', 'FIN-WAIT-2 of an orphan');
ipv4('tcp_frto', 'tcpFrto', 0, U8, 'mode', 'use', 'forward RTO recovery (RFC 5682)');
ipv4(
  'tcp_invalid_ratelimit',
  'tcpInvalidRatelimit',
  0,
  I32,
  'ms',
  'use',
  'least distance of duplicate ACKs for invalid segments',
);
ipv4('tcp_keepalive_intvl', 'tcpKeepaliveIntvl', -I32, I32, 's', 'use', 'between keepalive probes');
ipv4(
  'tcp_keepalive_probes',
  'tcpKeepaliveProbes',
  0,
  U8,
  'probes',
  'use',
  'unanswered probes that end a connection',
);
ipv4('tcp_keepalive_time', 'tcpKeepaliveTime', -I32, I32, 's', 'use', 'idle time before the first probe');
ipv4(
  'tcp_limit_output_bytes',
  'tcpLimitOutputBytes',
  -I32,
  I32,
  'bytes',
  'use',
  'bytes of one connection in the host queue (small-queue limit)',
);
ipv4('tcp_max_orphans', 'tcpMaxOrphans', -I32, I32, 'connections', 'use', 'connections without a socket');
ipv4(
  'tcp_max_reordering',
  'tcpMaxReordering',
  -I32,
  I32,
  'segments',
  'use',
  'largest reordering distance learned',
);
ipv4(
  'tcp_max_syn_backlog',
  'tcpMaxSynBacklog',
  -I32,
  I32,
  'requests',
  'use',
  'half-open connections of a listener',
);
ipv4('tcp_max_tw_buckets', 'tcpMaxTwBuckets', -I32, I32, 'connections', 'use', 'connections in TIME-WAIT');
ipv4('tcp_mem', 'tcpMem', 0, U64, 'pages of 4 KiB', 'use', 'memory of all connections: low, pressure, limit');
ipv4('tcp_min_rtt_wlen', 'tcpMinRttWlen', 0, 86_400, 's', 'use', 'window of the minimum round-trip time');
ipv4(
  'tcp_min_snd_mss',
  'tcpMinSndMss',
  48,
  65_535,
  'bytes',
  'use',
  'least MSS for sending, options included',
);
ipv4('tcp_min_tso_segs', 'tcpMinTsoSegs', 1, U8, 'segments', 'use', 'least size of a super-packet');
ipv4('tcp_moderate_rcvbuf', 'tcpModerateRcvbuf', 0, U8, 'flag', 'use', 'receive buffer autotuning');
ipv4('tcp_mtu_probe_floor', 'tcpMtuProbeFloor', 48, 65_535, 'bytes', 'use', 'lowest MSS of path MTU probing');
ipv4(
  'tcp_mtu_probing',
  'tcpMtuProbing',
  0,
  U8,
  'mode',
  'use',
  'packetization-layer path MTU discovery: 0 off, 1 after a black hole, 2 always',
);
ipv4('tcp_no_metrics_save', 'tcpNoMetricsSave', 0, U8, 'flag', 'use', 'do not keep per-destination metrics');
ipv4(
  'tcp_no_ssthresh_metrics_save',
  'tcpNoSsthreshMetricsSave',
  0,
  1,
  'flag',
  'use',
  'do not keep ssthresh among them',
);
ipv4(
  'tcp_notsent_lowat',
  'tcpNotsentLowat',
  0,
  U32,
  'bytes',
  'use',
  'unsent bytes below which a socket is writable',
);
ipv4(
  'tcp_orphan_retries',
  'tcpOrphanRetries',
  0,
  U8,
  'retries',
  'use',
  'retransmissions for a connection without a socket; 0: 8',
);
ipv4(
  'tcp_pacing_ca_ratio',
  'tcpPacingCaRatio',
  0,
  1000,
  '%',
  'use',
  'pacing rate to cwnd/srtt in congestion avoidance',
);
ipv4('tcp_pacing_ss_ratio', 'tcpPacingSsRatio', 0, 1000, '%', 'use', 'the same in slow start');
ipv4(
  'tcp_pingpong_thresh',
  'tcpPingpongThresh',
  1,
  U8,
  'exchanges',
  'use',
  'request-response turns before ACKs are delayed',
);
ipv4('tcp_probe_interval', 'tcpProbeInterval', 0, U32, 's', 'use', 'path MTU probing starts over');
ipv4(
  'tcp_probe_threshold',
  'tcpProbeThreshold',
  -I32,
  I32,
  'bytes',
  'use',
  'path MTU search ends when its interval is smaller',
);
ipv4(
  'tcp_recovery',
  'tcpRecovery',
  0,
  U8,
  'bits',
  'use',
  'RACK: 1 on, 2 static window, 4 no duplicate-ACK threshold (RFC 8985)',
);
ipv4(
  'tcp_reflect_tos',
  'tcpReflectTos',
  0,
  1,
  'flag',
  'use',
  'SYN-ACK and connection take the TOS of the SYN',
);
ipv4(
  'tcp_reordering',
  'tcpReordering',
  -I32,
  I32,
  'segments',
  'creation',
  'initial reordering distance (dupthresh)',
);
ipv4(
  'tcp_retrans_collapse',
  'tcpRetransCollapse',
  0,
  U8,
  'flag',
  'use',
  'join small segments when they are retransmitted',
);
ipv4('tcp_retries1', 'tcpRetries1', 0, U8, 'retries', 'use', 'retransmissions before the route is doubted');
ipv4('tcp_retries2', 'tcpRetries2', 0, U8, 'retries', 'use', 'retransmissions before the connection ends');
ipv4('tcp_rfc1337', 'tcpRfc1337', 0, U8, 'flag', 'use', 'ignore resets in TIME-WAIT');
ipv4(
  'tcp_rmem',
  'tcpRmem',
  1,
  I32,
  'bytes',
  'creation',
  'receive buffer: least, default, largest by autotuning',
);
ipv4('tcp_rto_max_ms', 'tcpRtoMaxMs', 1000, 120_000, 'ms', 'creation', 'largest retransmission timeout');
ipv4('tcp_rto_min_us', 'tcpRtoMinUs', 1, I32, 'µs', 'creation', 'least retransmission timeout');
ipv4('tcp_sack', 'tcpSack', 0, U8, 'flag', 'use', 'selective acknowledgements (RFC 2018)');
ipv4(
  'tcp_shrink_window',
  'tcpShrinkWindow',
  0,
  1,
  'flag',
  'use',
  'the window may shrink under memory pressure',
);
ipv4(
  'tcp_slow_start_after_idle',
  'tcpSlowStartAfterIdle',
  0,
  U8,
  'flag',
  'use',
  'cwnd decays after idleness (RFC 2861)',
);
ipv4('tcp_stdurg', 'tcpStdurg', 0, U8, 'flag', 'use', "the urgent pointer's RFC 1122 meaning");
ipv4(
  'tcp_syn_linear_timeouts',
  'tcpSynLinearTimeouts',
  0,
  127,
  'retries',
  'use',
  'SYN retransmissions before backoff starts',
);
ipv4('tcp_syn_retries', 'tcpSynRetries', 1, 127, 'retries', 'use', 'retransmissions of a SYN');
ipv4('tcp_synack_retries', 'tcpSynackRetries', 0, U8, 'retries', 'use', 'retransmissions of a SYN-ACK');
ipv4(
  'tcp_syncookies',
  'tcpSyncookies',
  0,
  U8,
  'mode',
  'use',
  'SYN cookies: 1 when the queue overflows, 2 always',
);
ipv4(
  'tcp_thin_linear_timeouts',
  'tcpThinLinearTimeouts',
  0,
  U8,
  'flag',
  'use',
  'no backoff for thin streams',
);
ipv4(
  'tcp_timestamps',
  'tcpTimestamps',
  0,
  U8,
  'mode',
  'use',
  'timestamps (RFC 7323): 1 with random offset, 2 without',
);
ipv4(
  'tcp_tso_rtt_log',
  'tcpTsoRttLog',
  0,
  U8,
  'shift',
  'use',
  'larger super-packets for near peers: RTT of 2^n µs',
);
ipv4(
  'tcp_tso_win_divisor',
  'tcpTsoWinDivisor',
  0,
  U8,
  'parts',
  'use',
  'share of the window that one super-packet may take',
);
ipv4(
  'tcp_tw_reuse',
  'tcpTwReuse',
  0,
  2,
  'mode',
  'use',
  'reuse TIME-WAIT for outgoing connections: 1 all, 2 loopback',
);
ipv4(
  'tcp_tw_reuse_delay',
  'tcpTwReuseDelay',
  1,
  60_000,
  'ms',
  'use',
  'least age of a TIME-WAIT that is reused',
);
ipv4('tcp_window_scaling', 'tcpWindowScaling', 0, U8, 'flag', 'use', 'window scale option (RFC 7323)');
ipv4(
  'tcp_wmem',
  'tcpWmem',
  1,
  I32,
  'bytes',
  'creation',
  'send buffer: least, default, largest by autotuning',
);
ipv4(
  'tcp_workaround_signed_windows',
  'tcpWorkaroundSignedWindows',
  0,
  U8,
  'flag',
  'use',
  'peers that read the window as signed',
);

ipv4('ip_default_ttl', 'ipDefaultTtl', 1, 255, 'hops', 'use', 'time to live');
ipv4('ip_local_port_range', 'ipLocalPortRange', 1, 65_535, 'ports', 'use', 'ephemeral ports: first and last');
ipv4('ip_no_pmtu_disc', 'ipNoPmtuDisc', 0, U8, 'mode', 'creation', 'no path MTU discovery');
ipv4('ip_nonlocal_bind', 'ipNonlocalBind', 0, U8, 'flag', 'use', 'bind to addresses that are not ours');
ipv4(
  'ip_unprivileged_port_start',
  'ipUnprivilegedPortStart',
  0,
  65_535,
  'port',
  'use',
  'first port that needs no privilege',
);
ipv4(
  'icmp_ratelimit',
  'icmpRatelimit',
  0,
  I32,
  'ms',
  'use',
  'least distance of ICMP errors to one destination',
);
ipv4('icmp_ratemask', 'icmpRatemask', 0, U32, 'bits', 'use', 'ICMP types under that limit');
ipv4('icmp_msgs_per_sec', 'icmpMsgsPerSec', 0, I32, 'per second', 'use', 'ICMP messages of the host');
ipv4('icmp_msgs_burst', 'icmpMsgsBurst', 0, I32, 'messages', 'use', 'burst of those');
ipv4('icmp_echo_ignore_all', 'icmpEchoIgnoreAll', 0, 1, 'flag', 'use', 'do not answer echo requests');
ipv4('route.min_adv_mss', 'routeMinAdvMss', -I32, I32, 'bytes', 'use', 'least MSS announced');
ipv4('route.min_pmtu', 'routeMinPmtu', 68, I32, 'bytes', 'use', 'least path MTU learned from ICMP');
ipv4('route.mtu_expires', 'routeMtuExpires', 0, I32, 's', 'use', 'how long a learned path MTU holds');

ipv6(
  'auto_flowlabels',
  'autoFlowlabels',
  0,
  3,
  'mode',
  'use',
  'flow labels from a hash of the flow (RFC 6437)',
);
ipv6('bindv6only', 'ipv6Bindv6only', 0, U8, 'flag', 'creation', 'IPV6_V6ONLY of new sockets');
ipv6('conf.all.hop_limit', 'ipv6HopLimit', 1, 255, 'hops', 'use', 'hop limit');
ipv6('conf.default.hop_limit', 'ipv6HopLimit', 1, 255, 'hops', 'use', 'hop limit');
ipv6(
  'icmp.ratelimit',
  'ipv6IcmpRatelimit',
  0,
  I32,
  'ms',
  'use',
  'least distance of ICMPv6 errors to one destination',
);

export const SYSCTL_TABLE: readonly SysctlRow[] = rows;
