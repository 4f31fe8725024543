// For tests of the core: two hosts whose segments go straight from SegmentOut to SegmentIn, in virtual time, with delay,
// seeded loss, reordering and duplication, or held back for the test to judge. Everything above the core is played here.

import { StackConfig } from '../../config/config.js';
import { TcpCounters } from '../../host/counters.js';
import { TcpMetrics } from '../../host/tcp-metrics.js';
import { TCP_ACK, TCP_FIN, TCP_SYN } from '../../wire/tcp.js';
import { parseTcpOptions } from '../../wire/tcp-options.js';
import { FastOpenState } from '../fastopen/state.js';
import type { FlowAddress } from '../flow-ends.js';
import { tcpInput } from '../input.js';
import { type Listener, listenerInput, listenerNextTimeout, listenerOnTimer } from '../listener.js';
import { PayloadHeap } from '../payload.js';
import { replyReset } from '../reset.js';
import {
  type PayloadSource,
  SegmentIn,
  type SegmentOut,
  type SegmentSink,
  type TransmitOwner,
  XMIT_DROP,
  XMIT_OK,
} from '../segment.js';
import { type RouteMetrics, type Tcb, type TcbHost, TcpMemory } from '../tcb.js';
import { TIME_WAIT_NEW_SYN, type TimeWaitRecord, timeWaitInput, timeWaitOnTimer } from '../time-wait.js';
import { tcpNextTimeout, tcpOnTimer } from '../timers.js';

/** A segment on the wire, with everything that tests look at. */
export interface Wire {
  at: number;
  seq: number;
  ack: number;
  flags: number;
  window: number;
  urgent: number;
  ecn: number;
  options: Uint8Array;
  data: Uint8Array;
  from: number;
  to: number;
  localPort: number;
  remotePort: number;
  gsoSize: number;
}

export interface Weather {
  delay: number;
  loss: number;
  duplicate: number;
  /** Extra delay of some segments, µs: they arrive out of order. */
  jitter: number;
}

const keyOf = (localPort: number, remotePort: number): string => `${localPort}:${remotePort}`;

/** One end: the TcbHost of its connections. */
export class TestHost implements TcbHost, SegmentSink {
  readonly config = new StackConfig();
  readonly counters = new TcpCounters();
  readonly heap = new PayloadHeap();
  readonly memory = new TcpMemory();
  readonly fastOpen = new FastOpenState(
    this.config,
    Uint8Array.from({ length: 16 }, (_, i) => i),
  );
  readonly secret = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
  readonly sink = this;
  routeGeneration = 1;
  readonly destinations = new TcpMetrics();
  metrics: RouteMetrics | null = {
    mtu: 1500,
    mtuLocked: false,
    advmss: 0,
    initcwnd: 0,
    initrwnd: 0,
    gsoMaxSize: 65_536,
    gsoMaxSegments: 65_535,
    rtoMin: 0,
    quickack: false,
    fastOpenNoCookie: false,
    ecn: false,
    fairQueue: false,
  };
  readonly flows = new Map<string, Tcb>();
  readonly waits = new Map<string, TimeWaitRecord>();
  listener: Listener | null = null;
  readonly events = new Map<Tcb, number>();
  readonly gone: Tcb[] = [];
  readonly stamps: { kind: number; key: number; at: number }[] = [];
  readonly zerocopy: [number, number, boolean][] = [];
  network: TwoHosts | null = null;
  /** First sequence number of the next connection. */
  iss: number;
  /** What the queue discipline says next, XMIT_OK by default. */
  verdict = XMIT_OK;
  private seed: number;
  private readonly segment = new SegmentIn();
  readonly number: number;
  /** How often a route was looked up. */
  routes = 0;

  constructor(number: number) {
    this.number = number;
    this.iss = 1000 * (number + 1);
    this.seed = number + 1;
  }

  random32(): number {
    this.seed = (Math.imul(this.seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.seed;
  }
  initialSequence(): number {
    return this.iss;
  }
  timestampOffset(): number {
    return 0;
  }
  timestampClock(now: number): number {
    return (5000 + Math.floor(now / 1000)) >>> 0;
  }
  route(_flow: FlowAddress): RouteMetrics | null {
    this.routes++;
    return this.metrics;
  }
  pathMtu(_flow: FlowAddress, mtu: number): void {
    if (this.metrics !== null && mtu < this.metrics.mtu) this.metrics = { ...this.metrics, mtu };
    this.routeGeneration++;
  }
  timerChanged(): void {}
  listenerTimerChanged(): void {}
  timeWaitChanged(): void {}
  notify(tcb: Tcb, events: number): void {
    this.events.set(tcb, (this.events.get(tcb) ?? 0) | events);
  }
  notifyListener(): void {}
  newFlow(tcb: Tcb): void {
    this.flows.set(keyOf(tcb.localPort, tcb.remotePort), tcb);
  }
  enterTimeWait(_tcb: Tcb, record: TimeWaitRecord): void {
    this.waits.set(keyOf(record.localPort, record.remotePort), record);
  }
  timeWaitEnded(record: TimeWaitRecord): void {
    this.waits.delete(keyOf(record.localPort, record.remotePort));
  }
  closed(tcb: Tcb): void {
    const key = keyOf(tcb.localPort, tcb.remotePort);
    if (this.flows.get(key) === tcb) this.flows.delete(key);
  }
  destroyed(tcb: Tcb): void {
    this.gone.push(tcb);
  }
  transmitTimestamp(_tcb: Tcb, kind: number, key: number, now: number): void {
    this.stamps.push({ kind, key, at: now });
  }
  zerocopyDone(_tcb: Tcb, lo: number, hi: number, copied: boolean): void {
    this.zerocopy.push([lo, hi, copied]);
  }

  transmit(
    flow: FlowAddress,
    out: SegmentOut,
    payload: PayloadSource | null,
    from: number,
    length: number,
    owner: TransmitOwner | null,
    charge: number,
  ): number {
    const network = this.network!;
    if (this.verdict !== XMIT_OK) {
      if (this.verdict === XMIT_DROP) owner?.onTransmitDone(charge, network.now);
      return this.verdict;
    }
    const data = new Uint8Array(length);
    payload?.copyTo(from, length, data, 0);
    network.send({
      at: network.now,
      seq: out.seq,
      ack: out.ack,
      flags: out.flags,
      window: out.window,
      urgent: out.urgent,
      ecn: out.ecn,
      options: out.options.slice(0, out.optionsLength),
      data,
      from: this.number,
      to: 1 - this.number,
      localPort: flow.localPort,
      remotePort: flow.remotePort,
      gsoSize: out.gsoSize,
    });
    owner?.onTransmitDone(charge, network.now);
    return XMIT_OK;
  }

  /** Gives a segment to whoever it belongs to, as an endpoint would. */
  receive(wire: Wire, now: number): void {
    const seg = fill(this.segment, wire, now);
    const key = keyOf(wire.remotePort, wire.localPort);
    const tcb = this.flows.get(key);
    if (tcb !== undefined) {
      tcpInput(tcb, now, seg);
      return;
    }
    const listener = this.listener?.tcb.localPort === wire.remotePort ? this.listener : null;
    const wait = this.waits.get(key);
    let isn = 0;
    if (wait !== undefined) {
      if (timeWaitInput(wait, now, seg, listener !== null) !== TIME_WAIT_NEW_SYN) return;
      ({ isn } = wait);
    }
    if (listener !== null) {
      listenerInput(listener, now, seg, isn);
    } else {
      replyReset(this, now, seg);
    }
  }

  nextTimeout(): number {
    let next = this.listener === null ? Number.POSITIVE_INFINITY : listenerNextTimeout(this.listener);
    for (const tcb of this.flows.values()) next = Math.min(next, tcpNextTimeout(tcb));
    for (const record of this.waits.values()) next = Math.min(next, record.deadline);
    return next;
  }

  onTimer(now: number): void {
    if (this.listener !== null && listenerNextTimeout(this.listener) <= now)
      listenerOnTimer(this.listener, now);
    for (const tcb of [...this.flows.values()]) if (tcpNextTimeout(tcb) <= now) tcpOnTimer(tcb, now);
    for (const record of [...this.waits.values()]) timeWaitOnTimer(record, now);
  }

  /** Events of `tcb` since the last call. */
  take(tcb: Tcb): number {
    const events = this.events.get(tcb) ?? 0;
    this.events.delete(tcb);
    return events;
  }
}

/** Fills a SegmentIn from a segment on the wire; the receiver's side is "local". */
export function fill(seg: SegmentIn, wire: Wire, now: number): SegmentIn {
  addressOf(wire.to, seg.localAddress);
  addressOf(wire.from, seg.remoteAddress);
  seg.localPort = wire.remotePort;
  seg.remotePort = wire.localPort;
  seg.arrival = now;
  seg.ecn = wire.ecn;
  seg.seq = wire.seq;
  seg.ack = wire.ack;
  seg.flags = wire.flags;
  seg.window = wire.window;
  seg.urgent = wire.urgent;
  const headerLength = 20 + wire.options.length;
  const bytes = new Uint8Array(headerLength + wire.data.length);
  bytes.set(wire.options, 20);
  bytes.set(wire.data, headerLength);
  seg.bytes = bytes;
  seg.headerOffset = 0;
  seg.headerEnd = headerLength;
  seg.offset = headerLength;
  seg.length = wire.data.length;
  const syn = (wire.flags & TCP_SYN) !== 0 ? 1 : 0;
  const fin = (wire.flags & TCP_FIN) !== 0 ? 1 : 0;
  seg.endSeq = (wire.seq + wire.data.length + syn + fin) >>> 0;
  seg.gsoSize = wire.gsoSize;
  seg.packetLength = 20 + bytes.length;
  parseTcpOptions(bytes, 20, headerLength, seg.options);
  return seg;
}

/** 10.0.0.1 and 10.0.0.2, mapped. */
export function addressOf(host: number, target: Uint8Array): void {
  target.fill(0);
  target.set([0xff, 0xff, 10, 0, 0, host + 1], 10);
}

/** The two ends and the wire between them. */
export class TwoHosts {
  readonly a = new TestHost(0);
  readonly b = new TestHost(1);
  now = 1_000_000;
  weather: Weather = { delay: 5000, loss: 0, duplicate: 0, jitter: 0 };
  /** Everything that was sent, in order. */
  readonly log: Wire[] = [];
  /** When true, segments are only logged: the test injects what it wants. */
  held = false;
  /** Sees each segment before it travels; false drops it. */
  filter: (wire: Wire) => boolean = () => true;
  private readonly queue: { at: number; order: number; wire: Wire }[] = [];
  private order = 0;
  private seed: number;

  constructor(seed = 1) {
    this.seed = seed >>> 0;
    this.a.network = this;
    this.b.network = this;
  }

  private chance(): number {
    this.seed = (Math.imul(this.seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.seed / 2 ** 32;
  }

  send(wire: Wire): void {
    this.log.push(wire);
    if (this.held || !this.filter(wire)) return;
    const { delay, loss, duplicate, jitter } = this.weather;
    if (this.chance() < loss) return;
    const copies = this.chance() < duplicate ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const extra = jitter > 0 && this.chance() < 0.3 ? Math.floor(this.chance() * jitter) : 0;
      this.queue.push({ at: this.now + delay + extra, order: this.order++, wire });
    }
  }

  /** Runs until nothing is due before `now + span` µs. */
  run(span: number, until: () => boolean = () => false): void {
    const end = this.now + span;
    for (let guard = 0; guard < 5_000_000; guard++) {
      if (until()) return;
      this.queue.sort((x, y) => x.at - y.at || x.order - y.order);
      const arrival = this.queue[0]?.at ?? Number.POSITIVE_INFINITY;
      const timer = Math.min(this.a.nextTimeout(), this.b.nextTimeout());
      const next = Math.min(arrival, timer);
      if (next > end) {
        this.now = end;
        return;
      }
      this.now = Math.max(this.now, next);
      if (arrival <= timer) {
        const { wire } = this.queue.shift()!;
        (wire.to === 0 ? this.a : this.b).receive(wire, this.now);
      } else {
        this.a.onTimer(this.now);
        this.b.onTimer(this.now);
      }
    }
    throw new Error('five million steps and no end');
  }

  /** Segments sent since `from`, as text: flags, seq, ack, length. */
  since(from: number): Wire[] {
    return this.log.slice(from);
  }

  /** A hand-made segment from `from` towards the other side, delivered now. */
  inject(from: TestHost, fields: Partial<Wire>): void {
    const wire: Wire = {
      at: this.now,
      seq: 0,
      ack: 0,
      flags: TCP_ACK,
      window: 65_535,
      urgent: 0,
      ecn: 0,
      options: new Uint8Array(0),
      data: new Uint8Array(0),
      from: from.number,
      to: 1 - from.number,
      localPort: 0,
      remotePort: 0,
      gsoSize: 0,
      ...fields,
    };
    (wire.to === 0 ? this.a : this.b).receive(wire, this.now);
  }
}
