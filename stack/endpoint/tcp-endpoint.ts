// The endpoint's TCP side: what connections share and ask for (the core's TcbHost), and the life of their flows in the
// table, from connect or handshake to TIME-WAIT. It knows no sockets beyond `TcpHandleUser`, and no packet layouts.
import type { StackConfig } from '../config/config.js';
import type { TcpCounters } from '../host/counters.js';
import type { FlowSecrets } from '../host/flow-secrets.js';
import type { NetworkLayer } from '../host/network.js';
import { type Binding, PortTable } from '../host/ports.js';
import type { TcpMetrics } from '../host/tcp-metrics.js';
import type { TimerHeap } from '../host/timer-heap.js';
import { parseFastOpenKeys } from '../tcp/fastopen/state.js';
import {
  createTcb,
  EVENT_READABLE,
  FastOpenState,
  type FlowAddress,
  type Listener,
  listenerNextTimeout,
  type RouteMetrics,
  type SegmentSink,
  Tcb,
  type TcbHost,
  TcpMemory,
  type TimeWaitRecord,
  tcpAbort,
  tcpListen,
  tcpNextTimeout,
  timeWaitDrop,
  timeWaitReusable,
} from '../tcp/index.js';
import { PayloadHeap } from '../tcp/payload.js';
import { copyAddress, equalAddress, isLoopback, isUnspecified } from '../wire/address.js';
import { TCP_PROTOCOL } from '../wire/tcp.js';
import type { FlowChannels, OpenChannel } from './flow-channels.js';
import { FlowMap } from './flow-map.js';
import { RouteCache } from './route-cache.js';
import { TcpHandle } from './tcp-handle.js';
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

export class TcpEndpoint implements TcbHost {
  readonly config: StackConfig;
  readonly counters: TcpCounters;
  readonly sink: SegmentSink;
  readonly heap = new PayloadHeap();
  readonly memory = new TcpMemory();
  readonly fastOpen: FastOpenState;
  readonly secret: Uint8Array;
  readonly secrets: FlowSecrets;
  readonly ports: PortTable;
  /** Connections and TIME-WAIT records by four-tuple. */
  readonly flows: FlowMap<TcpHandle | TimeWaitEntry>;
  /** Every handle that is not forgotten: for closing the stack, and for leak tests. */
  readonly handles = new Set<TcpHandle>();
  private readonly options: TcpEndpointOptions;
  private readonly routes: RouteCache;
  private readonly listeners = new Map<number, TcpHandle[]>();
  private readonly dirtyTimers: TcpHandle[] = [];
  private readonly withEvents: TcpHandle[] = [];

  constructor(options: TcpEndpointOptions) {
    this.options = options;
    this.config = options.config;
    this.counters = options.counters;
    this.sink = options.sink;
    this.secret = options.secret;
    this.secrets = options.secrets;
    this.fastOpen = new FastOpenState(options.config, options.secret.slice(16));
    this.flows = new FlowMap(options.secretRandom32());
    this.routes = new RouteCache(options.network, options.metrics);
    this.ports = new PortTable({
      range: () => this.config.ipLocalPortRange,
      random32: () => options.secretRandom32(),
      datagram: false,
    });
  }

  // --- what sockets call ---

  /** A fresh block in state CLOSE. */
  create(ipv6: boolean): TcpHandle {
    const handle = new TcpHandle(createTcb(this, ipv6));
    this.handles.add(handle);
    return handle;
  }

  handleOf(tcb: Tcb): TcpHandle {
    return tcb.owner as TcpHandle;
  }

  /** Whether `port` is free for `tcb` towards its remote side; a TIME-WAIT that may be reused gives way. */
  tupleFree(tcb: Tcb, port: number): boolean {
    const other = this.flows.find(tcb.localAddress, port, tcb.remoteAddress, tcb.remotePort, tcb.zone);
    if (other === null) return true;
    if (!(other instanceof TimeWaitEntry)) return false;
    const loopback = isLoopback(tcb.remoteAddress) || this.options.network.isLocal(tcb.remoteAddress);
    if (!timeWaitReusable(other.record, this.options.now(), loopback)) return false;
    // The new incarnation goes on above the old one's numbers (RFC 6191).
    tcb.snd.wantedIss = other.record.isn;
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
    if (channel === null) {
      binding.listening = false;
      return -EADDRINUSE;
    }
    const listener = tcpListen(tcb, backlog, this.options.now());
    listener.owner = handle;
    handle.listener = listener;
    handle.channel = channel;
    this.listeners.set(tcb.localPort, [...(this.listeners.get(tcb.localPort) ?? EMPTY), handle]);
    this.options.channelOpened(channel, handle);
    return listener;
  }

  stopListening(handle: TcpHandle): void {
    this.closeChannel(handle);
    handle.binding.listening = false;
    const port = handle.tcb.localPort;
    const others = (this.listeners.get(port) ?? EMPTY).filter((other) => other !== handle);
    if (others.length === 0) this.listeners.delete(port);
    else this.listeners.set(port, others);
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

  // --- between steps ---

  /** Looks up the deadlines that may have changed. */
  settleTimers(): void {
    const { dirtyTimers } = this;
    for (let i = 0; i < dirtyTimers.length; i++) {
      const handle = dirtyTimers[i];
      if (!handle.timerDirty) continue;
      handle.timerDirty = false;
      const next =
        handle.listener === null ? tcpNextTimeout(handle.tcb) : listenerNextTimeout(handle.listener);
      this.options.timers.set(handle, next);
    }
    dirtyTimers.length = 0;
  }

  /** Tells users of what happened to their connections; true when there was anything. */
  deliverEvents(): boolean {
    const { withEvents } = this;
    if (withEvents.length === 0) return false;
    for (let i = 0; i < withEvents.length; i++) {
      const handle = withEvents[i];
      const { events } = handle;
      handle.events = 0;
      handle.user?.onEvents(events);
    }
    withEvents.length = 0;
    return true;
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

  /** SO_TIMESTAMPING flags of the connection's socket: which stamps the core reports by `transmitTimestamp`. */
  setTimestamping(tcb: Tcb, flags: number): void {
    tcb.snd.stampFlags = flags & TX_STAMPS;
  }

  /** The stack's fast-open keys as TCP_FASTOPEN_KEY reads them: 16 or 32 bytes; none without keys. */
  fastOpenKeys(): Uint8Array {
    return parseFastOpenKeys(this.config.tcpFastopenKey) ?? new Uint8Array(0);
  }

  // --- TcbHost ---

  get routeGeneration(): number {
    return this.options.network.generation;
  }

  random32(): number {
    return this.options.random32();
  }

  initialSequence(flow: FlowAddress, now: number): number {
    return this.secrets.initialSequence(flow, now);
  }

  timestampOffset(flow: FlowAddress): number {
    return this.secrets.timestampOffset(flow);
  }

  timestampClock(now: number): number {
    return (this.options.timestampEpoch + Math.floor(now / 1000)) >>> 0;
  }

  route(flow: FlowAddress): RouteMetrics | null {
    return this.routes.metrics(flow, this.options.now());
  }

  transmitted(now: number): void {
    this.options.transmitted(now);
  }

  pathMtu(flow: FlowAddress, mtu: number, now: number): void {
    this.routes.learnMtu(flow, mtu, now);
  }

  timerChanged(tcb: Tcb): void {
    const handle = tcb.owner as TcpHandle | null;
    if (handle === null || handle.timerDirty || handle.forgotten) return;
    handle.timerDirty = true;
    this.dirtyTimers.push(handle);
  }

  listenerTimerChanged(listener: Listener): void {
    this.timerChanged(listener.tcb);
  }

  timeWaitChanged(record: TimeWaitRecord): void {
    const entry = record.owner as TimeWaitEntry | null;
    if (entry !== null && !entry.ended) this.options.timers.set(entry, record.deadline);
  }

  notify(tcb: Tcb, events: number): void {
    const handle = tcb.owner as TcpHandle | null;
    if (handle === null || handle.user === null || events === 0) return;
    if (handle.events === 0) this.withEvents.push(handle);
    handle.events |= events;
  }

  notifyListener(listener: Listener, events: number): void {
    this.notify(listener.tcb, events === 0 ? EVENT_READABLE : events);
  }

  newFlow(tcb: Tcb, _now: number): void {
    const handle = new TcpHandle(tcb);
    this.handles.add(handle);
    copyAddress(handle.binding.address, 0, tcb.localAddress, 0);
    const parent = this.ports.holders(tcb.localPort).find((holder) => holder.listening);
    this.inheritBinding(handle.binding, parent, tcb);
    this.ports.add(handle.binding, tcb.localPort);
    const old = this.flows.find(tcb.localAddress, tcb.localPort, tcb.remoteAddress, tcb.remotePort, tcb.zone);
    if (old instanceof TimeWaitEntry) this.dropTimeWait(old);
    this.flows.add(handle);
    handle.mapped = true;
    this.openChannel(handle);
    this.timerChanged(tcb);
  }

  enterTimeWait(tcb: Tcb, record: TimeWaitRecord, _now: number): void {
    const handle = tcb.owner as TcpHandle;
    this.removeFlow(handle);
    const entry = new TimeWaitEntry(record, this.options.timers);
    copyAddress(entry.binding.address, 0, tcb.localAddress, 0);
    this.inheritBinding(entry.binding, handle.binding, tcb);
    entry.binding.automatic = handle.binding.automatic;
    this.ports.remove(handle.binding);
    this.ports.add(entry.binding, tcb.localPort);
    this.flows.add(entry);
    this.options.timers.set(entry, record.deadline);
  }

  timeWaitEnded(record: TimeWaitRecord): void {
    const entry = record.owner as TimeWaitEntry | null;
    if (entry !== null) this.dropTimeWait(entry);
  }

  closed(tcb: Tcb, _now: number): void {
    const handle = tcb.owner as TcpHandle | null;
    if (handle === null) return;
    this.removeFlow(handle);
    // A port that connect chose goes with the connection; one that was bound stays with the socket.
    if (handle.binding.automatic || handle.user === null) this.ports.remove(handle.binding);
  }

  destroyed(tcb: Tcb): void {
    const handle = tcb.owner as TcpHandle | null;
    if (handle !== null) this.forget(handle);
  }

  transmitTimestamp(tcb: Tcb, kind: number, key: number, now: number): void {
    (tcb.owner as TcpHandle | null)?.user?.onTransmitTimestamp?.(kind, key, now);
  }

  zerocopyDone(tcb: Tcb, lo: number, hi: number, copied: boolean): void {
    (tcb.owner as TcpHandle | null)?.user?.onZerocopyDone?.(lo, hi, copied);
  }

  icmpError(tcb: Tcb, type: number, code: number, info: number, errno: number): void {
    (tcb.owner as TcpHandle | null)?.user?.onIcmpError?.(type, code, info, errno);
  }

  private inheritBinding(binding: Binding, from: Binding | undefined, tcb: Tcb): void {
    binding.inet6 = tcb.ipv6;
    binding.reuseAddress = from?.reuseAddress ?? false;
    binding.reusePort = from?.reusePort ?? false;
    binding.v6only = from?.v6only ?? false;
  }

  private openChannel(handle: TcpHandle): void {
    const channel = this.options.channels.openFlow(TCP_PROTOCOL, handle);
    handle.channel = channel;
    if (channel !== null) this.options.channelOpened(channel, handle);
  }

  private closeChannel(handle: TcpHandle): void {
    const { channel } = handle;
    if (channel === null) return;
    handle.channel = null;
    this.options.channelClosed(channel);
  }
}

/** SOF_TIMESTAMPING_TX_SOFTWARE, _TX_SCHED and _TX_ACK. */
const TX_STAMPS = (1 << 1) | (1 << 8) | (1 << 9);
const EADDRINUSE = 98;
const EMPTY: readonly TcpHandle[] = [];
