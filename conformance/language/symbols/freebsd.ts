// Symbols of FreeBSD that Linux has no meaning for, from its netinet/tcp.h and sys/socket.h: a script that uses one asks for
// another system, which is not the same as a mistyped name.

const NAMES: ReadonlySet<string> = new Set([
  'SO_ACCEPTFILTER',
  'SO_LISTENINCQLEN',
  'SO_LISTENQLEN',
  'SO_LISTENQLIMIT',
  'SO_NOSIGPIPE',
  'SO_NO_DDP',
  'SO_NO_OFFLOAD',
  'SO_RERROR',
  'SO_REUSEPORT_LB',
  'SO_SETFIB',
  'SO_TS_CLOCK',
  'SO_USELOOPBACK',
  'SO_USER_COOKIE',
  'TCP_DELACK',
  'TCP_FIN_IS_RST',
  'TCP_FUNCTION_ALIAS',
  'TCP_FUNCTION_BLK',
  'TCP_KEEPINIT',
  'TCP_MAXPEAKRATE',
  'TCP_MAXUNACKTIME',
  'TCP_NOOPT',
  'TCP_NOPUSH',
  'TCP_PCAP_IN',
  'TCP_PCAP_OUT',
  'TCP_PERF_INFO',
  'TCP_PROC_ACCOUNTING',
  'TCP_REMOTE_UDP_ENCAPS_PORT',
  'TCP_REUSPORT_LB_NUMA',
  'TCP_SHARED_CWND_ALLOWED',
  'TCP_STATS',
  'TCP_USE_CMP_ACKS',
]);

/** True for a FreeBSD symbol, and for the families of its RACK and BBR stacks, its black box log and SCTP. */
export function isFreebsdSymbol(name: string): boolean {
  return NAMES.has(name) || /^(TCP_RACK_|TCP_BBR_|TCP_LOG|TCP_[RT]XTLS_|SCTP_)/.test(name);
}
