// The inline stack as its owner sees it. `createStack(options)` (stack.ts) makes one.
import type { StackConfig } from './config/config.js';
import type { ChannelStatistics } from './driver/control.js';
import type { DriverCounters } from './driver/driver.js';
import type { TableStats } from './flows/stats.js';
import type { StackCounters } from './host/ip-counters.js';
import type { Posix } from './socket/posix.js';
import type { AddressOption, AddressStatus, RouteOption } from './stack-options.js';

/** Per-link egress: what `tc qdisc … root` sets. Limits in packets. */
export interface QdiscOption {
  kind: 'pfifo_fast' | 'pfifo' | 'bfifo' | 'fq' | 'noqueue';
  limit?: number;
  /** fq: packets a flow may queue. */
  flowLimit?: number;
}

/** A network device as `ip link`, `ethtool` and `tc` see it. Names: those of the links, plus 'lo'. */
export interface Device {
  readonly name: string;
  readonly index: number;
  mtu: number;
  up: boolean;
  /** ethtool's tcp-segmentation-offload and generic-segmentation-offload: super-packets when either is on and the
   * link takes them (with gso only on, too: the stack's egress splits them when the link does not). */
  gso: boolean;
  tso: boolean;
  setQdisc(option: QdiscOption): void;
  /** Back to net.core.default_qdisc. */
  deleteQdisc(): void;
}

/** Counts for leak tests: all zero after `close()`. */
export interface StackUsage {
  descriptors: number;
  connections: number;
  listeners: number;
  /** SYN-RECEIVED without a full block. */
  requests: number;
  timeWaits: number;
  /** Holds on local ports, TCP and UDP. */
  ports: number;
  flows: number;
  channels: number;
  timers: number;
  /** Packet buffers not in the pool. */
  buffers: number;
  payloadPages: number;
  pendingCalls: number;
}

/** Counts since the start, and sizes now; each number is right, the set is not one instant. */
export interface StackStatistics {
  table: TableStats;
  /** Null in a host of a worker: the control thread has them. */
  channels: ChannelStatistics | null;
  /** Packet buffers in all, free or not. */
  buffers: number;
  /** What the driver did; from another thread as of its last sleep. */
  driver: DriverCounters;
}

export interface Stack {
  readonly config: StackConfig;
  readonly counters: StackCounters;
  readonly posix: Posix;
  readonly devices: readonly Device[];

  /** Stack time in µs. */
  now(): number;

  /**
   * Brings the stack to time `now` (µs, never backwards): events of the caller have happened already; then frames are
   * taken from the links and the rings drained, then timers that are due fire, until nothing more happens at this time.
   * Returns the number of packets and timers handled. `rounds`: batches from each link after which it returns although
   * more is there, for clocks that go on meanwhile (due timers have fired then); default: no limit.
   */
  run(now?: number, rounds?: number): number;

  /** Lets go what waits to be sent (`batchTransmit`); whether there was anything. `run` does it by itself. */
  flush(now?: number): boolean;

  /** Earliest time at which `run` has something to do (timers, qdisc departures, links' next events); Infinity: none. */
  nextTimeout(): number;

  /** Linux's sysctl by name with dots or slashes ('net.ipv4.tcp_sack'), as its file reads. Throws SysctlError. */
  getSysctl(name: string): string;
  /** Throws SysctlError (code SYSCTL_UNKNOWN, SYSCTL_INVALID, SYSCTL_READONLY). */
  setSysctl(name: string, text: string): void;

  device(name: string): Device | undefined;
  /** At once, or when duplicate address detection is done (AddressOption.detectDuplicates). */
  addAddress(option: AddressOption): void;
  /** Every address and what it may be used for, as `ip address` shows them. */
  addresses(): AddressStatus[];
  removeAddress(address: string | Uint8Array): void;
  /** `ip route add|replace`: an existing route to the same destination is replaced when `replace` is set, else it throws. */
  addRoute(option: RouteOption, replace?: boolean): void;
  removeRoute(destination: string): void;
  /** `ip tcp_metrics flush all`. */
  flushTcpMetrics(): void;

  /** Ends every socket (open connections are reset), timer and flow. Idempotent. */
  close(): void;
  /** What is in use now. */
  usage(): StackUsage;
  /** Flow table, rings and driver: always counted. `JSON.stringify` prints it. */
  statistics(): StackStatistics;
}
