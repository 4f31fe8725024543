// What a connection asks of the world and what all connections of one endpoint share. The endpoint implements it; the
// core calls it. No behaviour of TCP here.
import type { StackConfig } from '../config/config.js';
import type { TcpCounters } from '../host/counters.js';
import type { TcpMetrics } from '../host/tcp-metrics.js';
import type { FastOpenState } from './fastopen/state.js';
import type { FlowAddress } from './flow-ends.js';
import type { Listener } from './listener.js';
import type { PayloadHeap } from './payload.js';
import { ChallengeLimit } from './rate-limit.js';
import type { SegmentSink } from './segment.js';
import type { Tcb } from './tcb.js';
import type { TimeWaitRecord } from './time-wait.js';

/** What a route tells a connection (host/routes): all in bytes or segments, 0 = not set. */
export interface RouteMetrics {
  mtu: number;
  mtuLocked: boolean;
  advmss: number;
  initcwnd: number;
  initrwnd: number;
  /** Largest super-packet of the outgoing link (0: none) and the most segments that it may hold. */
  gsoMaxSize: number;
  gsoMaxSegments: number;
  /** RTO floor of the route in µs (rto_min), 0 = default. */
  rtoMin: number;
  /** Route options `quickack`, `fastopen_no_cookie` and `features ecn`. */
  quickack: boolean;
  fastOpenNoCookie: boolean;
  ecn: boolean;
  /** The outgoing queue discipline keeps departure times (fq): the connection is paced by it. */
  fairQueue: boolean;
}

/** What all connections of an endpoint share and what a connection asks of it. One object per endpoint. */
export interface TcbHost {
  readonly config: StackConfig;
  readonly counters: TcpCounters;
  readonly sink: SegmentSink;
  readonly heap: PayloadHeap;
  /** Memory totals and orphan count of the stack. */
  readonly memory: TcpMemory;
  /** Fast-open cookies, keys and black-hole state of the stack (fastopen/state.ts: `new FastOpenState(config)`). */
  readonly fastOpen: FastOpenState;
  /** What earlier connections learned of their destinations. */
  readonly destinations: TcpMetrics;
  /** 32 secret bytes from the secure generator: SYN cookies (RFC 4987), request hashing. */
  readonly secret: Uint8Array;
  /** Changes whenever routes, link MTUs or cached path MTUs change: connections then ask `route` again. */
  readonly routeGeneration: number;

  /** Uniform random 32-bit number from the injected, seedable generator (timer jitter, ACK rate limits). */
  random32(): number;
  /** RFC 6528 initial sequence number for the flow at `now`, from the secure secret. */
  initialSequence(flow: FlowAddress, now: number): number;
  /** Per-flow timestamp offset (ms units), RFC 7323 section 7.1 and Linux's ts_off. */
  timestampOffset(flow: FlowAddress): number;
  /** Millisecond timestamp clock at `now` (before the per-flow offset); its epoch is an option of the stack. */
  timestampClock(now: number): number;
  /** The route towards the flow's remote side, or null when there is none. A cached object: nobody writes it. */
  route(flow: FlowAddress): RouteMetrics | null;
  /** ICMP told a smaller path MTU for the flow: the stack's cache learns it (and bumps `routeGeneration`). */
  pathMtu(flow: FlowAddress, mtu: number, now: number): void;

  /**
   * Tells owners of packets that have already left the host's queue (`onTransmitDone`): asked before a sender is held back
   * by the small-queue limit, because within one step nobody else does.
   */
  transmitted?(now: number): void;

  /** The earliest deadline of `tcb` (tcpNextTimeout) may have changed: O(1), may be called often. */
  timerChanged(tcb: Tcb): void;
  /** The same for a listener (Listener.nextTimeout) and a TIME-WAIT record (record.deadline). */
  listenerTimerChanged(listener: Listener): void;
  timeWaitChanged(record: TimeWaitRecord): void;
  /** Readiness bits (EVENT_*) became true; the endpoint wakes continuations after the current step. */
  notify(tcb: Tcb, events: number): void;
  notifyListener(listener: Listener, events: number): void;
  /** A child of a listener was made from a handshake: from now on its segments belong to it (tcpInput). */
  newFlow(tcb: Tcb, now: number): void;
  /**
   * The connection is over for its socket (state CLOSE) or its orphan ends, and `record` takes its place in the flow
   * table; `destroyed` follows for an orphan. Segments of the flow then go to `timeWaitInput`.
   */
  enterTimeWait(tcb: Tcb, record: TimeWaitRecord, now: number): void;
  /** The record's wait is over: its flow leaves the table. */
  timeWaitEnded(record: TimeWaitRecord): void;
  /** State CLOSE was reached and the flow must leave the table; the block lives on while a socket holds it. */
  closed(tcb: Tcb, now: number): void;
  /** Nobody holds the block any more (orphan, closed): forget it. Called once, after `closed`. */
  destroyed(tcb: Tcb): void;

  /** A transmit timestamp asked for by SO_TIMESTAMPING: kind is one of TIMESTAMP_*, key the byte's id. */
  transmitTimestamp?(tcb: Tcb, kind: number, key: number, now: number): void;
  /** Zerocopy sends with ids lo … hi were released; `copied` when they had been copied after all. */
  zerocopyDone?(tcb: Tcb, lo: number, hi: number, copied: boolean): void;
  /** An ICMP error that ends a handshake, for the error queue. */
  icmpError?(tcb: Tcb, type: number, code: number, info: number, errno: number): void;
}

/** Kinds of `transmitTimestamp` (SCM_TSTAMP_*). */
export const TIMESTAMP_SENT = 0;
export const TIMESTAMP_SCHEDULED = 1;
export const TIMESTAMP_ACKED = 2;

/** Memory of all connections together (tcp_mem, in bytes here) and of orphans and TIME-WAIT records. */
export class TcpMemory {
  allocated = 0;
  orphans = 0;
  timeWaits = 0;
  pressure = false;
  /** Challenge ACKs of the stack (RFC 5961). */
  readonly challenges = new ChallengeLimit();
}

/** Bits of `TcbHost.notify` and `tcpPoll`. */
export const EVENT_READABLE = 1;
export const EVENT_WRITABLE = 2;
export const EVENT_CONNECTED = 4;
export const EVENT_HANGUP = 8;
export const EVENT_READ_HANGUP = 16;
export const EVENT_ERROR = 32;
export const EVENT_PRIORITY = 64;
export const EVENT_ERROR_QUEUE = 128;
export const EVENT_CLOSED = 256;
