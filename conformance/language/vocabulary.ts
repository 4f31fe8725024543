// The fixed words of the packetdrill language: what the grammar gives a meaning of its own, option names,
// system calls, ICMP names. Facts only; values of symbols are in symbols.ts.

/** Words that the original's scanner knows as keywords: a definition never replaces them. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(
  `sa_family sin_port sin_addr msg_name msg_iov msg_flags msg_control cmsg_data cmsg_level cmsg_type ee_errno
  ee_origin ee_type ee_code ee_info ee_data scm_sec scm_nsec fd u32 u64 ptr events revents onoff linger htons htonl
  ipv4 ipv6 icmp udp GREv0 gre raw sum off key seq none checksum sequence# present encap psp spi mpls label tc ttl
  inet_addr inet6_addr ack eol ecr mss mtu nop sack sackOK md5 TS FO FOEXP ECN e0b e1b ceb tos flowlabel flags Flags
  val win urg wscale ect01 ect0 ect1 noecn ce id`.split(/\s+/),
);

/** Options of google's packetdrill; true for those that take a value. */
export const GOOGLE_OPTIONS: ReadonlyMap<string, boolean> = new Map([
  ['ip_version', true],
  ['bind_port', true],
  ['code_command', true],
  ['code_format', true],
  ['code_sockopt', true],
  ['connect_port', true],
  ['remote_ip', true],
  ['local_ip', true],
  ['gateway_ip', true],
  ['netmask_ip', true],
  ['speed', true],
  ['mss', true],
  ['mtu', true],
  ['init_scripts', true],
  ['tolerance_usecs', true],
  ['tolerance_percent', true],
  ['wire_client', false],
  ['wire_server', false],
  ['wire_server_ip', true],
  ['wire_server_at', true],
  ['wire_server_port', true],
  ['wire_client_dev', true],
  ['wire_server_dev', true],
  ['so_filename', true],
  ['so_flags', true],
  ['tcp_ts_ecr_scaled', false],
  ['tcp_ts_tick_usecs', true],
  ['strict_segments', false],
  ['non_fatal', true],
  ['dry_run', false],
  ['is_anyip', false],
  ['send_omit_free', false],
  ['psp_udp_port', true],
  ['debug', false],
  ['define', true],
  ['verbose', false],
]);

/** Options that only the nplab dialect's packetdrill has. */
export const NPLAB_OPTIONS: ReadonlyMap<string, boolean> = new Map([
  ['local_linklocal_ip', true],
  ['gateway_linklocal_ip', true],
  ['tcp_md5_secret', true],
  ['udp_encapsulation', true],
  ['tun_dev', true],
  ['persistent_tun_dev', false],
  ['no_cleanup', false],
]);

export const ALL_OPTIONS: ReadonlyMap<string, boolean> = new Map([...GOOGLE_OPTIONS, ...NPLAB_OPTIONS]);

/** System calls of the original, with those that only one dialect has marked in the runner, not here. */
export const SYSTEM_CALLS: readonly string[] =
  `socket bind listen accept connect read readv recv recvfrom recvmsg
  write writev send sendto sendmsg fcntl ioctl close shutdown getsockopt setsockopt poll cap_set open sendfile
  epoll_create epoll_ctl epoll_wait pipe splice psp_rx_assoc psp_tx_assoc psp_key_rotate accept4 getsockname
  getpeername dup fsync`.split(/\s+/);

/** ICMP type names by protocol version, with their numbers (RFC 792, RFC 4443, IANA). */
export const ICMPV4_TYPES: ReadonlyMap<string, number> = new Map([
  ['echo_reply', 0],
  ['unreachable', 3],
  ['source_quench', 4],
  ['redirect', 5],
  ['echo_request', 8],
  ['time_exceeded', 11],
  ['parameter_problem', 12],
  ['timestamp_request', 13],
  ['timestamp_reply', 14],
  ['information_request', 15],
  ['information_reply', 16],
  ['address_mask_request', 17],
  ['address_mask_reply', 18],
]);

export const ICMPV6_TYPES: ReadonlyMap<string, number> = new Map([
  ['unreachable', 1],
  ['packet_too_big', 2],
  ['time_exceeded', 3],
  ['parameter_problem', 4],
  ['echo_request', 128],
  ['echo_reply', 129],
]);

/** Code names of ICMPv4 "unreachable". */
export const ICMPV4_CODES: ReadonlyMap<string, number> = new Map(
  `net_unreachable host_unreachable protocol_unreachable port_unreachable frag_needed source_route_failed
  net_unknown host_unknown source_host_isolated net_prohibited host_prohibited net_unreachable_for_tos
  host_unreachable_for_tos packet_filtered precedence_violation precedence_cutoff`
    .split(/\s+/)
    .map((name, code) => [name, code] as const),
);

/** Code names of ICMPv6: by type number. */
export const ICMPV6_CODES: ReadonlyMap<number, ReadonlyMap<string, number>> = new Map([
  [
    1,
    new Map([
      ['net_unreachable', 0],
      ['no_route', 0],
      ['admin_prohibited', 1],
      ['not_neighbour', 2],
      ['address_unreachable', 3],
      ['port_unreachable', 4],
    ]),
  ],
  [
    3,
    new Map([
      ['exceeded_hop_limit', 0],
      ['exceeded_frag_time', 1],
    ]),
  ],
  [
    4,
    new Map([
      ['header_field', 0],
      ['unknown_next_header', 1],
      ['unknown_option', 2],
    ]),
  ],
]);

/** Differentiated services code points by name (RFC 2474, 2597, 3246, 5865, 8622). */
export const DSCP_NAMES: ReadonlyMap<string, number> = new Map([
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => [`cs${n}`, n * 8] as const),
  ...[1, 2, 3, 4].flatMap((c) => [1, 2, 3].map((d) => [`af${c}${d}`, c * 8 + d * 2] as const)),
  ['ef', 46],
  ['voice-admit', 44],
  ['le', 1],
]);
