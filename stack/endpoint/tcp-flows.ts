// Flows of TCP at the endpoint: four-tuples, ports and channels of connections, listeners and TIME-WAIT records, from connect
// or handshake to the end. Knows handles and the flow table; nothing of segments.
import type { StackConfig } from '../config/config.js';
import type { TcpCounters } from '../host/counters.js';
import type { FlowSecrets } from '../host/flow-secrets.js';
import type { NetworkLayer } from '../host/network.js';
import { type Binding, PortTable } from '../host/ports.js';
import { shareOf, shares } from '../host/reuse-port.js';
import type { TcpMetrics } from '../host/tcp-metrics.js';
import type { TimerHeap } from '../host/timer-heap.js';
import {
  type FlowAddress,
  type Listener,
  type SegmentSink,
  Tcb,
  tcpAbort,
  tcpListen,
  timeWaitDrop,
  timeWaitReusable,
} from '../tcp/index.js';
import { equalAddress, isLoopback, isUnspecified } from '../wire/address.js';
import { TCP_PROTOCOL } from '../wire/tcp.js';
import type { FlowChannels, OpenChannel } from './flow-channels.js';
import { FlowMap } from './flow-map.js';
import type { TcpHandle } from './tcp-handle.js';
import { TimeWaitEntry } from './time-wait-entry.js';

export interface TcpEndpointOptions {
  config: StackConfig;
  counters: TcpCounters;
  sink: SegmentSink;
  network: NetworkLayer;
  timers: TimerHeap;
  channels: FlowChannels;
  secrets: FlowSecrets;
  metrics: TcpMetrics;
  random32(): number;
  secretRandom32(): number;
  secret: Uint8Array;
  timestampEpoch: number;
  now(): number;
  /** A channel was opened whose ring the endpoint must read; and one is read no more. */
  channelOpened(channel: OpenChannel, handle: TcpHandle): void;
  channelClosed(channel: OpenChannel): void;
  /** Completions of packets that have left are told now. */
  transmitted(now: number): void;
}

const EADDRINUSE = 98;
const EMPTY: readonly TcpHandle[] = [];

export class TcpFlows {
  readonly ports: PortTable;
  readonly secrets: FlowSecrets;
  /** Connections and TIME-WAIT records by four-tuple. */
  readonly flows: FlowMap<TcpHandle | TimeWaitEntry>;
  /** Every handle that is not forgotten: for closing the stack, and for leak tests. */
  readonly handles = new Set<TcpHandle>();
  protected readonly options: TcpEndpointOptions;
  private readonly listeners = new Map<number, TcpHandle[]>();

  constructor(options: TcpEndpointOptions) {
    this.options = options;
    this.secrets = options.secrets;
    this.flows = new FlowMap(options.secretRandom32());
    this.ports = new PortTable({
      range: () => options.config.ipLocalPortRange,
      random32: () => options.secretRandom32(),
      datagram: false,
    });
  }

  handleOf(tcb: Tcb): TcpHandle {
    return tcb.owner as TcpHandle;
  }

  /** Whether `port` (`bound`: by the user) is free for `tcb` towards its remote side; a TIME-WAIT that may be reused gives way. */
  tupleFree(tcb: Tcb, port: number, bound: boolean): boolean {
    const other = this.flows.find(tcb.localAddress, port, tcb.remoteAddress, tcb.remotePort, tcb.zone);
    if (other === null) return true;
    if (!(other instanceof TimeWaitEntry)) return false;
    const loopback = isLoopback(tcb.remoteAddress) || this.options.network.isLocal(tcb.remoteAddress);
    if (!timeWaitReusable(other.record, this.options.now(), loopback, bound)) return false;
    // The new incarnation goes on above the old one's numbers (RFC 6191).
    tcb.snd.wantedIss = other.record.isn;
    tcb.opt.tsRecent = other.record.tsRecent;
    tcb.opt.tsRecentAge = other.record.tsRecentAge;
    return true;
  }

  /** Puts a connection that is about to send its SYN into the table. The four-tuple is free (`tupleFree`). */
  addFlow(handle: TcpHandle): void {
    this.flows.add(handle);
    handle.mapped = true;
    this.openChannel(handle);
  }

  removeFlow(handle: TcpHandle): void {
    if (handle.mapped) {
      this.flows.remove(handle);
      handle.mapped = false;
    }
    this.closeChannel(handle);
  }

  /** listen(): a Listener, or -EADDRINUSE. An unbound block takes an ephemeral port. */
  listen(
    handle: TcpHandle,
    backlog: number,
    families: { inet6: boolean; v6only: boolean },
  ): Listener | number {
    const { binding, tcb } = handle;
    if (!binding.inTable) {
      binding.inet6 = families.inet6;
      binding.v6only = families.v6only;
      if (this.ports.bindEphemeral(binding) === 0) return -EADDRINUSE;
      tcb.localPort = binding.port;
    }
    if (!this.ports.listen(binding)) return -EADDRINUSE;
    const address = isUnspecified(binding.address) ? binding.address : tcb.localAddress;
    const channel = this.options.channels.openLocal(TCP_PROTOCOL, address, tcb.localPort, tcb.zone, families);
    // Of those that share the port (SO_REUSEPORT) the first one's channel brings everything.
    if (channel === null && this.group(binding).length === 0) {
      binding.listening = false;
      return -EADDRINUSE;
    }
    const listener = tcpListen(tcb, backlog, this.options.now());
    listener.owner = handle;
    handle.listener = listener;
    handle.channel = channel;
    this.listeners.set(tcb.localPort, [...(this.listeners.get(tcb.localPort) ?? EMPTY), handle]);
    if (channel !== null) this.options.channelOpened(channel, handle);
    return listener;
  }

  stopListening(handle: TcpHandle): void {
    const shared = handle.channel !== null;
    this.closeChannel(handle);
    handle.binding.listening = false;
    const port = handle.tcb.localPort;
    const others = (this.listeners.get(port) ?? EMPTY).filter((other) => other !== handle);
    if (others.length === 0) this.listeners.delete(port);
    else this.listeners.set(port, others);
    const [heir] = this.group(handle.binding);
    if (!shared || heir === undefined) return;
    const { binding, tcb } = heir;
    const address = binding.wild ? binding.address : tcb.localAddress;
    heir.channel = this.options.channels.openLocal(TCP_PROTOCOL, address, port, tcb.zone, binding);
    if (heir.channel !== null) this.options.channelOpened(heir.channel, heir);
  }

  /** Listeners that share the port with this binding, itself among them when it listens. */
  private group(binding: Binding): readonly TcpHandle[] {
    if (!binding.reusePort) return EMPTY;
    return (this.listeners.get(binding.port) ?? EMPTY).filter((other) => shares(other.binding, binding));
  }

  /** Of those that share a port with `listener`: who has the flow's handshake, else whose the flow is by its hash. */
  sharing(listener: TcpHandle, flow: FlowAddress): TcpHandle {
    if (!listener.binding.reusePort) return listener;
    const group = this.group(listener.binding);
    if (group.length < 2) return listener;
    const { remoteAddress, remotePort, localAddress } = flow;
    for (const one of group) {
      if (one.listener?.requests.findFlow(remoteAddress, remotePort, localAddress)) return one;
    }
    return shareOf(group, this.secrets, flow);
  }

  /** Nobody needs the handle any more: its flow, port and timer go. Idempotent. */
  forget(handle: TcpHandle): void {
    if (handle.forgotten) return;
    handle.forgotten = true;
    handle.user = null;
    this.removeFlow(handle);
    this.ports.remove(handle.binding);
    this.options.timers.set(handle, Number.POSITIVE_INFINITY);
    handle.timerDirty = false;
    this.handles.delete(handle);
  }

  // RFC 9293 MUST-42
  /** The listener for packets to this address and port, which belong to no flow; null: none. */
  listenerFor(address: Uint8Array, port: number, ipv6: boolean): TcpHandle | null {
    let wild: TcpHandle | null = null;
    for (const handle of this.listeners.get(port) ?? EMPTY) {
      const { binding } = handle;
      if (!binding.wild) {
        if (equalAddress(binding.address, 0, address, 0)) return handle;
      } else if (ipv6 ? binding.inet6 : !binding.inet6 || !binding.v6only) {
        wild = handle;
      }
    }
    return wild;
  }

  /** The stack closes: whatever is left is aborted without a socket's help, TIME-WAIT records included. */
  closeAll(): void {
    for (const handle of [...this.handles]) {
      handle.user = null;
      if (handle.listener === null) tcpAbort(handle.tcb, this.options.now());
      this.forget(handle);
    }
    for (const flow of [...this.flows.values()]) if (flow instanceof TimeWaitEntry) this.dropTimeWait(flow);
  }

  /** Counts for leak tests. */
  usage(): { connections: number; listeners: number; requests: number; timeWaits: number } {
    let listeners = 0;
    let requests = 0;
    for (const handle of this.handles) {
      if (handle.listener === null) continue;
      listeners++;
      requests += handle.listener.requests.size;
    }
    const timeWaits = [...this.flows.values()].filter((flow) => flow instanceof TimeWaitEntry).length;
    return { connections: this.handles.size - listeners, listeners, requests, timeWaits };
  }

  /** MD5 keys for what is sent on `flow`: its connection's, or those of the listener that answers for it. */
  md5KeysFor(flow: FlowAddress): Tcb['opt']['md5Keys'] {
    if (flow instanceof Tcb) return flow.opt.md5Keys;
    return this.listenerFor(flow.localAddress, flow.localPort, flow.ipv6)?.tcb.opt.md5Keys ?? null;
  }

  /** A TIME-WAIT that a new SYN may replace, or that is over: out of the table. */
  dropTimeWait(entry: TimeWaitEntry): void {
    if (entry.ended) return;
    entry.ended = true;
    timeWaitDrop(entry.record);
    this.flows.remove(entry);
    this.ports.remove(entry.binding);
    this.options.timers.set(entry, Number.POSITIVE_INFINITY);
  }

  protected inheritBinding(binding: Binding, from: Binding | undefined, tcb: Tcb): void {
    binding.inet6 = tcb.ipv6;
    binding.reuseAddress = from?.reuseAddress ?? false;
    binding.reusePort = from?.reusePort ?? false;
    binding.v6only = from?.v6only ?? false;
  }

  protected openChannel(handle: TcpHandle): void {
    const channel = this.options.channels.openFlow(TCP_PROTOCOL, handle);
    handle.channel = channel;
    if (channel !== null) this.options.channelOpened(channel, handle);
  }

  protected closeChannel(handle: TcpHandle): void {
    const { channel } = handle;
    if (channel === null) return;
    handle.channel = null;
    this.options.channelClosed(channel);
  }
}
