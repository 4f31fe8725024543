// Every sysctl of the stack: Linux's name, the field of StackConfig behind it, its kind and bounds (as in Linux 6.18's
// tables for net.core, net.ipv4 and net.ipv6), its unit, when it is read, and what it does. Data only.
import type { StackConfig } from './config.js';

/** When an option is read: each time it matters, once when a socket or connection is made, or never: it is kept, without effect. */
export type ReadTime = 'use' | 'creation' | 'never';

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

/** Bounds by the name of the C type that they come from. */
const BOUNDS: Readonly<Record<string, number>> = {
  I32: 2_147_483_647,
  '-I32': -2_147_483_647,
  MIN: -2_147_483_648,
  U32: 4_294_967_295,
  U64: Number.MAX_SAFE_INTEGER,
};

// name | field | kind | least | most | unit | read | what it does
const TEXT = `
net.core.somaxconn | somaxconn | int | 0 | I32 | connections | use | largest backlog of a listener
net.core.rmem_default | rmemDefault | int | 2304 | I32 | bytes | creation | receive buffer of UDP sockets
net.core.rmem_max | rmemMax | int | 2304 | I32 | bytes | use | largest SO_RCVBUF that a user may ask
net.core.wmem_default | wmemDefault | int | 4608 | I32 | bytes | creation | send buffer of UDP sockets
net.core.wmem_max | wmemMax | int | 4608 | I32 | bytes | use | largest SO_SNDBUF that a user may ask
net.core.optmem_max | optmemMax | int | 0 | I32 | bytes | use | ancillary memory of one socket
net.core.max_skb_frags | maxSkbFrags | int | 1 | 17 | fragments | use | payload ranges in one segment of the send queue
net.core.default_qdisc | defaultQdisc | word | 0 | 0 |  | creation | queue discipline of a link without its own
net.ipv4.tcp_abort_on_overflow | tcpAbortOnOverflow | int | 0 | 255 | flag | use | reset instead of silence when the accept queue is full
net.ipv4.tcp_adv_win_scale | tcpAdvWinScale | int | -31 | 31 | shift | never | part of the receive buffer kept for overhead: obsolete in Linux as well
net.ipv4.tcp_app_win | tcpAppWin | int | 0 | 31 | shift | creation | part of the first window kept for the application buffer
net.ipv4.tcp_autocorking | tcpAutocorking | int | 0 | 255 | flag | use | small writes wait while earlier packets are in the host queue
net.ipv4.tcp_backlog_ack_defer | tcpBacklogAckDefer | int | 0 | 1 | flag | never | one ACK for what waited while a program held the socket: nothing waits so here
net.ipv4.tcp_base_mss | tcpBaseMss | int | -I32 | I32 | bytes | use | where path MTU probing starts (RFC 4821 search_low)
net.ipv4.tcp_challenge_ack_limit | tcpChallengeAckLimit | int | 0 | I32 | per second | use | challenge ACKs of the host (RFC 5961 section 7)
net.ipv4.tcp_comp_sack_delay_ns | tcpCompSackDelayNs | int | 0 | U64 | ns | use | longest delay of compressed SACKs
net.ipv4.tcp_comp_sack_nr | tcpCompSackNr | int | 0 | 255 | segments | use | most SACKs compressed into one; 0: none
net.ipv4.tcp_comp_sack_slack_ns | tcpCompSackSlackNs | int | 0 | U64 | ns | use | slack of that timer
net.ipv4.tcp_congestion_control | tcpCongestionControl | congestion | 0 | 0 |  | creation | congestion control of new sockets
net.ipv4.tcp_dsack | tcpDsack | int | 0 | 255 | flag | use | send duplicate SACKs (RFC 2883)
net.ipv4.tcp_early_retrans | tcpEarlyRetrans | int | 0 | 4 | mode | use | tail loss probes: 0 none, 3 and 4 on (RFC 8985)
net.ipv4.tcp_ecn | tcpEcn | int | 0 | 5 | mode | use | 0 off, 1 ask and accept, 2 accept; 3 to 5 accurate ECN (RFC 9768)
net.ipv4.tcp_ecn_fallback | tcpEcnFallback | int | 0 | 1 | flag | use | retry a lost ECN SYN without ECN (RFC 3168 section 6.1.1.1)
net.ipv4.tcp_ecn_option | tcpEcnOption | int | 0 | 3 | mode | use | when the AccECN option is sent
net.ipv4.tcp_ecn_option_beacon | tcpEcnOptionBeacon | int | 0 | 63 | per RTT | use | how often the AccECN option is sent
net.ipv4.tcp_fack | tcpFack | int | 0 | 255 | flag | never | forward acknowledgments: obsolete in Linux as well
net.ipv4.tcp_fastopen | tcpFastopen | int | MIN | I32 | bits | use | fast open: 1 client, 2 server, 4 client without cookie, 0x200 server without, 0x400 every listener
net.ipv4.tcp_fastopen_blackhole_timeout_sec | tcpFastopenBlackholeTimeoutSec | int | 0 | I32 | s | use | pause of active fast open after a black hole
net.ipv4.tcp_fastopen_key | tcpFastopenKey | key | 0 | 0 |  | use | key(s) of fast-open cookies; a second one is accepted too
net.ipv4.tcp_fin_timeout | tcpFinTimeout | int | -I32 | I32 | s | use | FIN-WAIT-2 of an orphan
net.ipv4.tcp_frto | tcpFrto | int | 0 | 255 | mode | use | forward RTO recovery (RFC 5682)
net.ipv4.tcp_invalid_ratelimit | tcpInvalidRatelimit | int | 0 | I32 | ms | use | least distance of duplicate ACKs for invalid segments
net.ipv4.tcp_keepalive_intvl | tcpKeepaliveIntvl | int | -I32 | I32 | s | use | between keepalive probes
net.ipv4.tcp_keepalive_probes | tcpKeepaliveProbes | int | 0 | 255 | probes | use | unanswered probes that end a connection
net.ipv4.tcp_keepalive_time | tcpKeepaliveTime | int | -I32 | I32 | s | use | idle time before the first probe
net.ipv4.tcp_limit_output_bytes | tcpLimitOutputBytes | int | -I32 | I32 | bytes | use | bytes of one connection in the host queue (small-queue limit)
net.ipv4.tcp_max_orphans | tcpMaxOrphans | int | -I32 | I32 | connections | use | connections without a socket
net.ipv4.tcp_max_reordering | tcpMaxReordering | int | -I32 | I32 | segments | use | largest reordering distance learned
net.ipv4.tcp_max_syn_backlog | tcpMaxSynBacklog | int | -I32 | I32 | requests | use | half-open connections of a listener
net.ipv4.tcp_max_tw_buckets | tcpMaxTwBuckets | int | -I32 | I32 | connections | use | connections in TIME-WAIT
net.ipv4.tcp_mem | tcpMem | int | 0 | U64 | pages of 4 KiB | use | memory of all connections: low, pressure, limit
net.ipv4.tcp_min_rtt_wlen | tcpMinRttWlen | int | 0 | 86400 | s | use | window of the minimum round-trip time
net.ipv4.tcp_min_snd_mss | tcpMinSndMss | int | 48 | 65535 | bytes | use | least MSS for sending, options included
net.ipv4.tcp_min_tso_segs | tcpMinTsoSegs | int | 1 | 255 | segments | use | least size of a super-packet
net.ipv4.tcp_moderate_rcvbuf | tcpModerateRcvbuf | int | 0 | 255 | flag | use | receive buffer autotuning
net.ipv4.tcp_mtu_probe_floor | tcpMtuProbeFloor | int | 48 | 65535 | bytes | use | lowest MSS of path MTU probing
net.ipv4.tcp_mtu_probing | tcpMtuProbing | int | 0 | 255 | mode | use | packetization-layer path MTU discovery: 0 off, 1 after a black hole, 2 always
net.ipv4.tcp_no_metrics_save | tcpNoMetricsSave | int | 0 | 255 | flag | use | do not keep per-destination metrics
net.ipv4.tcp_no_ssthresh_metrics_save | tcpNoSsthreshMetricsSave | int | 0 | 1 | flag | use | do not keep ssthresh among them
net.ipv4.tcp_notsent_lowat | tcpNotsentLowat | int | 0 | U32 | bytes | use | unsent bytes below which a socket is writable
net.ipv4.tcp_orphan_retries | tcpOrphanRetries | int | 0 | 255 | retries | use | retransmissions for a connection without a socket; 0: 8
net.ipv4.tcp_pacing_ca_ratio | tcpPacingCaRatio | int | 0 | 1000 | % | use | pacing rate to cwnd/srtt in congestion avoidance
net.ipv4.tcp_pacing_ss_ratio | tcpPacingSsRatio | int | 0 | 1000 | % | use | the same in slow start
net.ipv4.tcp_pingpong_thresh | tcpPingpongThresh | int | 1 | 255 | exchanges | use | request-response turns before ACKs are delayed
net.ipv4.tcp_probe_interval | tcpProbeInterval | int | 0 | U32 | s | use | path MTU probing starts over
net.ipv4.tcp_probe_threshold | tcpProbeThreshold | int | -I32 | I32 | bytes | use | path MTU search ends when its interval is smaller
net.ipv4.tcp_recovery | tcpRecovery | int | 0 | 255 | bits | use | RACK: 1 on, 2 static window, 4 no duplicate-ACK threshold (RFC 8985)
net.ipv4.tcp_reflect_tos | tcpReflectTos | int | 0 | 1 | flag | use | SYN-ACK and connection take the TOS of the SYN
net.ipv4.tcp_reordering | tcpReordering | int | -I32 | I32 | segments | creation | initial reordering distance (dupthresh)
net.ipv4.tcp_retrans_collapse | tcpRetransCollapse | int | 0 | 255 | flag | use | join small segments when they are retransmitted
net.ipv4.tcp_retries1 | tcpRetries1 | int | 0 | 255 | retries | use | retransmissions before the route is doubted
net.ipv4.tcp_retries2 | tcpRetries2 | int | 0 | 255 | retries | use | retransmissions before the connection ends
net.ipv4.tcp_rfc1337 | tcpRfc1337 | int | 0 | 255 | flag | use | ignore resets in TIME-WAIT
net.ipv4.tcp_rmem | tcpRmem | int | 1 | I32 | bytes | creation | receive buffer: least, default, largest by autotuning
net.ipv4.tcp_rto_max_ms | tcpRtoMaxMs | int | 1000 | 120000 | ms | creation | largest retransmission timeout
net.ipv4.tcp_rto_min_us | tcpRtoMinUs | int | 1 | I32 | µs | creation | least retransmission timeout
net.ipv4.tcp_sack | tcpSack | int | 0 | 255 | flag | use | selective acknowledgements (RFC 2018)
net.ipv4.tcp_shrink_window | tcpShrinkWindow | int | 0 | 1 | flag | use | the window may shrink under memory pressure
net.ipv4.tcp_slow_start_after_idle | tcpSlowStartAfterIdle | int | 0 | 255 | flag | use | cwnd decays after idleness (RFC 2861)
net.ipv4.tcp_stdurg | tcpStdurg | int | 0 | 255 | flag | use | the urgent pointer's RFC 1122 meaning
net.ipv4.tcp_syn_linear_timeouts | tcpSynLinearTimeouts | int | 0 | 127 | retries | use | SYN retransmissions before backoff starts
net.ipv4.tcp_syn_retries | tcpSynRetries | int | 1 | 127 | retries | use | retransmissions of a SYN
net.ipv4.tcp_synack_retries | tcpSynackRetries | int | 0 | 255 | retries | use | retransmissions of a SYN-ACK
net.ipv4.tcp_syncookies | tcpSyncookies | int | 0 | 255 | mode | use | SYN cookies: 1 when the queue overflows, 2 always
net.ipv4.tcp_thin_linear_timeouts | tcpThinLinearTimeouts | int | 0 | 255 | flag | use | no backoff for thin streams
net.ipv4.tcp_timestamps | tcpTimestamps | int | 0 | 255 | mode | use | timestamps (RFC 7323): 1 with random offset, 2 without
net.ipv4.tcp_tso_rtt_log | tcpTsoRttLog | int | 0 | 255 | shift | use | larger super-packets for near peers: RTT of 2^n µs
net.ipv4.tcp_tso_win_divisor | tcpTsoWinDivisor | int | 0 | 255 | parts | use | share of the window that one super-packet may take
net.ipv4.tcp_tw_reuse | tcpTwReuse | int | 0 | 2 | mode | use | reuse TIME-WAIT for outgoing connections: 1 all, 2 loopback
net.ipv4.tcp_tw_reuse_delay | tcpTwReuseDelay | int | 1 | 60000 | ms | use | least age of a TIME-WAIT that is reused
net.ipv4.tcp_window_scaling | tcpWindowScaling | int | 0 | 255 | flag | use | window scale option (RFC 7323)
net.ipv4.tcp_wmem | tcpWmem | int | 1 | I32 | bytes | creation | send buffer: least, default, largest by autotuning
net.ipv4.tcp_workaround_signed_windows | tcpWorkaroundSignedWindows | int | 0 | 255 | flag | use | peers that read the window as signed
net.ipv4.ip_default_ttl | ipDefaultTtl | int | 1 | 255 | hops | use | time to live
net.ipv4.ip_local_port_range | ipLocalPortRange | int | 1 | 65535 | ports | use | ephemeral ports: first and last
net.ipv4.ip_no_pmtu_disc | ipNoPmtuDisc | int | 0 | 255 | mode | creation | no path MTU discovery
net.ipv4.ip_nonlocal_bind | ipNonlocalBind | int | 0 | 255 | flag | use | bind to addresses that are not ours
net.ipv4.ip_unprivileged_port_start | ipUnprivilegedPortStart | int | 0 | 65535 | port | use | first port that needs no privilege
net.ipv4.icmp_ratelimit | icmpRatelimit | int | 0 | I32 | ms | use | least distance of ICMP errors to one destination
net.ipv4.icmp_ratemask | icmpRatemask | int | 0 | U32 | bits | use | ICMP types under that limit
net.ipv4.icmp_msgs_per_sec | icmpMsgsPerSec | int | 0 | I32 | per second | use | ICMP messages of the host
net.ipv4.icmp_msgs_burst | icmpMsgsBurst | int | 0 | I32 | messages | use | burst of those
net.ipv4.icmp_echo_ignore_all | icmpEchoIgnoreAll | int | 0 | 1 | flag | use | do not answer echo requests
net.ipv4.route.min_adv_mss | routeMinAdvMss | int | -I32 | I32 | bytes | use | least MSS announced
net.ipv4.route.min_pmtu | routeMinPmtu | int | 68 | I32 | bytes | use | least path MTU learned from ICMP
net.ipv4.route.mtu_expires | routeMtuExpires | int | 0 | I32 | s | use | how long a learned path MTU holds
net.ipv6.auto_flowlabels | autoFlowlabels | int | 0 | 3 | mode | use | flow labels from a hash of the flow (RFC 6437)
net.ipv6.bindv6only | ipv6Bindv6only | int | 0 | 255 | flag | creation | IPV6_V6ONLY of new sockets
net.ipv6.conf.all.accept_dad | ipv6AcceptDad | int | 0 | I32 | flag | use | duplicate address detection of own IPv6 addresses on Ethernet links
net.ipv6.conf.default.accept_dad | ipv6AcceptDad | int | 0 | I32 | flag | use | the same
net.ipv6.conf.all.dad_transmits | ipv6DadTransmits | int | 0 | I32 | solicitations | use | how many it sends; 0: none, no detection
net.ipv6.conf.default.dad_transmits | ipv6DadTransmits | int | 0 | I32 | solicitations | use | the same
net.ipv6.conf.all.hop_limit | ipv6HopLimit | int | 1 | 255 | hops | use | hop limit
net.ipv6.conf.default.hop_limit | ipv6HopLimit | int | 1 | 255 | hops | use | hop limit
net.ipv6.icmp.ratelimit | ipv6IcmpRatelimit | int | 0 | I32 | ms | use | least distance of ICMPv6 errors to one destination
`;

export const SYSCTL_TABLE: readonly SysctlRow[] = TEXT.trim()
  .split('\n')
  .map((line) => {
    const [name, field, kind, min, max, unit, read, doc] = line.split('|').map((part) => part.trim());
    return {
      name,
      // A test compares fields and names with StackConfig.
      field: field as keyof StackConfig,
      kind: kind as SysctlKind,
      min: BOUNDS[min] ?? Number(min),
      max: BOUNDS[max] ?? Number(max),
      unit,
      read: read as ReadTime,
      doc,
    };
  });
