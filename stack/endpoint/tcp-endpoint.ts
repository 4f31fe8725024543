// The endpoint's TCP side as the core sees it (TcbHost): what connections share and ask for, and what they tell. The life of
// their flows is in tcp-flows.ts. It knows no sockets beyond `TcpHandleUser`, and no packet layouts.
import type { StackConfig } from '../config/config.js';
import type { TcpCounters } from '../host/counters.js';
import type { TcpMetrics } from '../host/tcp-metrics.js';
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
  type Tcb,
  type TcbHost,
  TcpMemory,
  type TimeWaitRecord,
  tcpNextTimeout,
} from '../tcp/index.js';
import { PayloadHeap } from '../tcp/payload.js';
import { copyAddress } from '../wire/address.js';
import { RouteCache } from './route-cache.js';
import { type TcpEndpointOptions, TcpFlows } from './tcp-flows.js';
import { TcpHandle } from './tcp-handle.js';
import { TimeWaitEntry } from './time-wait-entry.js';

export class TcpEndpoint extends TcpFlows implements TcbHost {
  readonly config: StackConfig;
  readonly counters: TcpCounters;
  readonly sink: SegmentSink;
  readonly heap = new PayloadHeap();
  readonly memory = new TcpMemory();
  readonly fastOpen: FastOpenState;
  readonly secret: Uint8Array;
  readonly destinations: TcpMetrics;
  private readonly routes: RouteCache;
  private readonly dirtyTimers: TcpHandle[] = [];
  private readonly withEvents: TcpHandle[] = [];

  constructor(options: TcpEndpointOptions) {
    super(options);
    this.config = options.config;
    this.counters = options.counters;
    this.sink = options.sink;
    this.secret = options.secret;
    this.fastOpen = new FastOpenState(options.config, options.secret.slice(16));
    this.routes = new RouteCache(options.network);
    this.destinations = options.metrics;
  }

  // --- what sockets call ---

  /** A fresh block in state CLOSE. */
  create(ipv6: boolean): TcpHandle {
    const handle = new TcpHandle(createTcb(this, ipv6));
    this.handles.add(handle);
    return handle;
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
    const parent = this.listenerFor(tcb.localAddress, tcb.localPort, tcb.ipv6)?.binding;
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
}

/** SOF_TIMESTAMPING_TX_SOFTWARE, _TX_SCHED and _TX_ACK. */
const TX_STAMPS = (1 << 1) | (1 << 8) | (1 << 9);
