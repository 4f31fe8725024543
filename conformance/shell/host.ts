// What the restricted shell may do to the world: everything a command changes goes through a ShellHost, which the
// target provides. Nothing here reaches the machine's own settings.

/** `ip route add|change|replace|append|del`. What was not written is null. */
export interface RouteOperation {
  readonly operation: 'add' | 'change' | 'replace' | 'append' | 'delete';
  readonly family: 4 | 6;
  /** Address, address/length or `default`. */
  readonly destination: string;
  readonly via: string | null;
  readonly device: string | null;
  readonly source: string | null;
  readonly advmss: Locked | null;
  readonly mtu: Locked | null;
  readonly initcwnd: number | null;
  readonly initrwnd: number | null;
  readonly cwnd: Locked | null;
  readonly ssthresh: Locked | null;
  /** Microseconds. */
  readonly rtoMin: number | null;
  readonly rtt: number | null;
  readonly quickack: boolean | null;
  readonly congestionControl: string | null;
  readonly features: readonly string[];
  readonly hopLimit: number | null;
  readonly fastopenNoCookie: boolean | null;
}

/** A metric; `lock` keeps the kernel from learning another value. */
export interface Locked {
  readonly value: number;
  readonly lock: boolean;
}

/** `tc qdisc ... dev D root KIND parameters`. */
export interface QdiscOperation {
  readonly operation: 'add' | 'replace' | 'change' | 'delete';
  readonly device: string;
  /** Null for delete. */
  readonly kind: string | null;
  readonly handle: string | null;
  /** As written behind the kind: `['limit', '0']`. */
  readonly parameters: readonly string[];
}

/** `ip link set dev D ...` */
export interface LinkOperation {
  readonly device: string;
  readonly up: boolean | null;
  readonly mtu: number | null;
  readonly queueLength: number | null;
  readonly gsoMaxSize: number | null;
  readonly gsoMaxSegments: number | null;
}

/** `ip address add|del|replace A/P dev D` */
export interface AddressOperation {
  readonly operation: 'add' | 'replace' | 'delete';
  readonly address: string;
  /** Null when no length was written: the whole address. */
  readonly prefix: number | null;
  readonly device: string;
}

/** A socket as `sockstat` lists it. */
export interface SocketEntry {
  readonly protocol: 'tcp4' | 'tcp6' | 'udp4' | 'udp6';
  readonly fd: number;
  /** `address:port`, `*:port` for any address. */
  readonly local: string;
  /** `*:*` when there is none. */
  readonly remote: string;
  /** `LISTEN`, `ESTABLISHED`, ...; empty for UDP. */
  readonly state: string;
}

/** The connection that `tcpdrop` names. */
export interface ConnectionName {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/**
 * The target's side of the shell. Methods throw HostRefusal to say no as a kernel would (the command fails with a
 * message), or any other error when the target cannot do such a thing at all (the script ends).
 */
export interface ShellHost {
  /** The value of a sysctl, named with dots: `net.ipv4.tcp_ecn`. @throws HostRefusal ENOENT */
  getSysctl(name: string): string;
  /** @throws HostRefusal ENOENT, EINVAL, EPERM */
  setSysctl(name: string, value: string): void;
  /** A parameter below /sys/module, named `tcp_cubic.hystart_detect`. @throws HostRefusal ENOENT */
  getModuleParameter(name: string): string;
  setModuleParameter(name: string, value: string): void;
  /** A file below /proc that is no sysctl (`/proc/net/tcp`); null when there is none. */
  readProcFile(path: string): string | null;
  changeRoute(operation: RouteOperation): void;
  changeLink(operation: LinkOperation): void;
  changeAddress(operation: AddressOperation): void;
  /** Forgets the metrics kept per destination: of one address, or of all (null). */
  flushTcpMetrics(address: string | null): void;
  changeQdisc(operation: QdiscOperation): void;
  /** `ethtool -K device feature on|off`; features by their long or short name: `gso`, `tso`, `gro`, `tx-checksum`. */
  setDeviceFeature(device: string, feature: string, on: boolean): void;
  /** SNMP and extended counters since the start, by the names that nstat has: `TcpExtTCPTimeouts`. */
  counters(): Readonly<Record<string, number>>;
  /** Open sockets, for `sockstat` (nplab scripts). A target without it fails such a command by name. */
  sockets?(): readonly SocketEntry[];
  /** Ends a connection with a reset, for `tcpdrop` (nplab scripts). @throws HostRefusal ESRCH */
  dropConnection?(connection: ConnectionName): void;
  /** Lets time pass, microseconds. */
  sleep(microseconds: number): void;
  /**
   * The text of a file that lies beside the script, named relative to the script's directory (`../common/x.sh`),
   * or null when there is none. Must refuse everything a script has no business with (see helper-files.ts).
   */
  readHelperFile(path: string): string | null;
}
