// The transmission control block (RFC 9293, section 3.3.1): every variable of one connection, grouped by the part of
// TCP that owns it. Only state and tiny derived values live here; behaviour lives in the files named by each group.
// It knows no socket, no ring and no link: it sees the world through `TcbHost`.
import type { StackConfig } from '../config/config.js';
import type { TcpCounters } from '../host/counters.js';
import type { CongestionControl } from './congestion/congestion-control.js';
import type { PayloadHeap } from './payload.js';
import type { ReceiveQueue } from './receive-queue.js';
import type { FlowAddress, SegmentSink, TransmitOwner } from './segment.js';
import { SegmentList, type SendSegment, TransmissionTimeList } from './send-segment.js';
import { TCP_CLOSE } from './states.js';

/** What a route tells a connection (host/routes): all in bytes or segments, 0 = not set. */
export interface RouteMetrics {
  mtu: number;
  mtuLocked: boolean;
  advmss: number;
  initcwnd: number;
  initrwnd: number;
  /** Largest super-packet of the outgoing link (0: none) and whether it fills in checksums. */
  gsoMaxSize: number;
  gsoMaxSegments: number;
  /** RTO floor of the route in µs (rto_min), 0 = default. */
  rtoMin: number;
  /** initial cwnd/ssthresh/rtt saved for the destination (tcp_metrics), 0 = none. */
  savedSsthresh: number;
  savedRtt: number;
}

/** What all connections of an endpoint share and what a connection asks of it. One object per endpoint. */
export interface TcbHost {
  readonly config: StackConfig;
  readonly counters: TcpCounters;
  readonly sink: SegmentSink;
  readonly heap: PayloadHeap;
  /** Uniform random 32-bit number from the injected, seedable generator (timer jitter, ACK rate limits). */
  random32(): number;
  /** RFC 6528 initial sequence number for the flow at `now`, from the secure secret. */
  initialSequence(flow: FlowAddress, now: number): number;
  /** Per-flow timestamp offset (ms units), RFC 7323 section 7.1 and Linux's ts_off. */
  timestampOffset(flow: FlowAddress): number;
  /** Millisecond timestamp clock at `now` (before the per-flow offset); its epoch is an option of the stack. */
  timestampClock(now: number): number;
  route(flow: FlowAddress): RouteMetrics;
  /** The earliest deadline of `tcb` may have changed: O(1), may be called often. */
  timerChanged(tcb: Tcb): void;
  /** Readiness bits (EVENT_*) became true; the endpoint wakes continuations after the current step. */
  notify(tcb: Tcb, events: number): void;
  /** The connection entered TIME-WAIT or CLOSED and hands its flow over or ends. */
  enterTimeWait(tcb: Tcb, state: number, timeout: number, now: number): void;
  destroyed(tcb: Tcb): void;
  /** Stateless or listener-side helpers, orphan counts and memory totals of the endpoint. */
  readonly memory: TcpMemory;
}

/** Memory of all connections together (tcp_mem, in bytes here) and of orphans. */
export interface TcpMemory {
  allocated: number;
  orphans: number;
  pressure: boolean;
}

/** Bits of `TcbHost.notify`. */
export const EVENT_READABLE = 1;
export const EVENT_WRITABLE = 2;
export const EVENT_CONNECTED = 4;
export const EVENT_HANGUP = 8;
export const EVENT_READ_HANGUP = 16;
export const EVENT_ERROR = 32;
export const EVENT_PRIORITY = 64;
export const EVENT_ERROR_QUEUE = 128;
export const EVENT_CLOSED = 256;

/** Send sequence variables and the send queue (send.ts, write.ts, output.ts). */
export class SendState {
  una = 0;
  nxt = 0;
  wnd = 0;
  /** seq of the segment that last updated the window (SND.WL1). */
  wl1 = 0;
  up = 0;
  urgent = false;
  iss = 0;
  /** Sequence number behind the last byte queued. */
  writeSeq = 0;
  /** Last byte of the last small segment sent (Minshall's Nagle). */
  sml = 0;
  pushedSeq = 0;
  maxWindow = 0;
  wscale = 0;
  /** Effective MSS: payload bytes per segment with the options of an ordinary data segment taken off. */
  mss = 536;
  /** MSS that the peer announced, after clamping by user_mss and our bounds. */
  mssClamp = 536;
  /** MSS that we announce. */
  advmss = 536;
  /** TCP_MAXSEG set by the user, 0: none. */
  userMss = 0;
  pathMtu = 0;
  /** Header bytes of an ordinary segment: 20 plus fixed options. */
  headerLength = 20;
  /** Not yet sent, in order. */
  readonly writeQueue = new SegmentList();
  /** Sent, not acknowledged, in order of sequence. */
  readonly retransmitQueue = new SegmentList();
  readonly timeList = new TransmissionTimeList();
  /** Bytes of memory that the send queue is charged (sk_wmem_queued). */
  memoryQueued = 0;
  /** Charged bytes that wait in the host's queue (sk_wmem_alloc, for the small-queue limit). */
  inHostQueue = 0;
  /** SO_SNDBUF as stored (doubled), and whether the user fixed it. */
  buffer = 0;
  bufferLocked = false;
  /** The writer met a full buffer: space must wake it. */
  noSpace = false;
  nonagle = 0;
  cork = false;
  notsentLowat = 0;
  /** FIN queued. */
  shutdown = false;
  /** write limits: throttled by the small-queue limit; the tail waits for completion. */
  throttled = false;
  /** fq pacing: earliest departure of the next packet, µs; pacing rate in bytes/s (Infinity: unpaced). */
  departure = 0;
  pacingRate = Number.POSITIVE_INFINITY;
  maxPacingRate = Number.POSITIVE_INFINITY;
  pacingNeeded = false;
  pacingShift = 10;
  packetsOut = 0;
  /** Total wire segments sent with data (tcpi_data_segs_out) and in all. */
  segsOut = 0;
  dataSegsOut = 0;
  bytesSent = 0;
  bytesAcked = 0;
  bytesRetrans = 0;
  /** Time of last data sent, µs (lsndtime). */
  lastDataSent = 0;
  /** Next id for timestamps keyed by byte (SOF_TIMESTAMPING_OPT_ID) and zerocopy. */
  zerocopyKey = 0;
  timestampKeyBase = 0;
}

/** Receive sequence variables, queues and the advertised window (receive.ts, window.ts, ack-policy.ts). */
export class ReceiveState {
  nxt = 0;
  wnd = 0;
  /** rcv.nxt at the last window update sent. */
  wup = 0;
  copiedSeq = 0;
  irs = 0;
  wscale = 0;
  up = 0;
  urgentPending = false;
  windowClamp = 65_535;
  /** Current window clamp that grows with what the peer proved to send (rcv_ssthresh). */
  ssthresh = 0;
  /** SO_RCVBUF as stored, and whether the user fixed it. */
  buffer = 0;
  bufferLocked = false;
  lowat = 1;
  /** Memory charged to the receive queue and the out-of-order queue (sk_rmem_alloc). */
  memoryAllocated = 0;
  queue: ReceiveQueue | null = null;
  /** Payload-to-memory ratio in 1/256 (Linux's scaling_ratio). */
  scalingRatio = 0;
  finReceived = false;
  /** rcv buffer autotuning (dynamic right sizing). */
  rcvqSpaceSeq = 0;
  rcvqSpaceTime = 0;
  rcvqSpace = 0;
  rttEstimate = 0;
  rttSeq = 0;
  rttTime = 0;
  rttLastTsecr = 0;
  bytesReceived = 0;
  segsIn = 0;
  dataSegsIn = 0;
  oooPackets = 0;
  lastDataReceived = 0;
  lastAckReceived = 0;
  /** DSACK and SACK blocks to report (RFC 2018, 2883): pairs left,right. */
  readonly sackBlocks = new Uint32Array(8);
  sackCount = 0;
  dsackPending = false;
  readonly dsack = new Uint32Array(2);
  /** Out-of-window ACK rate limit and challenge ACK state (RFC 5961). */
  lastOutOfWindowAck = Number.NEGATIVE_INFINITY;
}

/** Delayed-ACK state (ack-policy.ts), as inet_connection_sock's icsk_ack. */
export class AckState {
  pending = 0;
  quick = 0;
  pingpong = 0;
  ato = 0;
  /** Estimated segment size of the peer (rcv_mss). */
  rcvMss = 536;
  lastSegmentSize = 0;
  lastReceiveTime = 0;
  quickackMode = false;
  compressed = 0;
  compressedTotal = 0;
  dupAckCounter = 0;
}

/** Negotiated options and their state (options.ts, ecn/, fastopen/). */
export class OptionState {
  timestamps = false;
  sack = false;
  wscale = false;
  /** Latest peer timestamp to echo, and when we took it (TS.Recent, RFC 7323). */
  tsRecent = 0;
  tsRecentAge = 0;
  /** Set once the SYN's offer is known. */
  tsOffset = 0;
  rcvTsval = 0;
  rcvTsecr = 0;
  sawTimestamp = false;
  dsackSeen = false;
  /** ECN: off, classic (RFC 3168) or accurate (RFC 9768); details in ecn/. */
  ecn = 0;
  ecnFlags = 0;
  syn_data = 0;
  md5Key: Uint8Array | null = null;
}

/** Round-trip time and RTO (rtt.ts; RFC 6298, Linux's tcp_rtt_estimator). All µs; srtt is scaled by 8. */
export class RttState {
  srtt8 = 0;
  mdev4 = 0;
  mdevMax = 0;
  rttvar = 0;
  rttSeq = 0;
  rto = 1_000_000;
  rtoMin = 0;
  backoff = 0;
  latest = 0;
  /** Windowed minimum over tcp_min_rtt_wlen: three samples (value, time). */
  readonly minValue = new Float64Array(3).fill(Number.MAX_SAFE_INTEGER);
  readonly minTime = new Float64Array(3);
}

/** Congestion states, Linux's numbers (tcpi_ca_state). */
export const CA_OPEN = 0;
export const CA_DISORDER = 1;
export const CA_CWR = 2;
export const CA_RECOVERY = 3;
export const CA_LOSS = 4;

/** Congestion window and pacing inputs (congestion/, cwnd.ts). Windows in segments. */
export class CongestionState {
  algorithm: CongestionControl | null = null;
  /** Private numbers of the algorithm. */
  state: unknown = null;
  caState = CA_OPEN;
  cwnd = 10;
  cwndCount = 0;
  cwndClamp = 0xffff_ffff;
  ssthresh = 0x7fff_ffff;
  priorSsthresh = 0;
  priorCwnd = 0;
  cwndUsed = 0;
  cwndStamp = 0;
  isCwndLimited = false;
  maxPacketsOut = 0;
  cwndUsageSeq = 0;
  ecnCwrSeq = 0;
  setByUser = false;
}

/** Loss detection and recovery (recovery/). Counts are wire segments. */
export class RecoveryState {
  sackedOut = 0;
  lostOut = 0;
  retransOut = 0;
  totalRetrans = 0;
  /** Highest SACKed or delivered bookkeeping. */
  delivered = 0;
  deliveredCe = 0;
  lost = 0;
  highSeq = 0;
  highestSack: SendSegment | null = null;
  retransHint: SendSegment | null = null;
  lostHint: SendSegment | null = null;
  lostCount = 0;
  undoMarker = 0;
  undoRetrans = -1;
  retransStamp = 0;
  reordering = 3;
  reorderingSeen = 0;
  /** Sender-side SACK cache of the last ACK (pairs). */
  readonly recvSackCache = new Uint32Array(8);
  // PRR (RFC 6937)
  prrDelivered = 0;
  prrOut = 0;
  // F-RTO (RFC 5682)
  frto = false;
  // RACK (RFC 8985)
  rackTime = 0;
  rackRtt = 0;
  rackEndSeq = 0;
  rackLastDelivered = 0;
  rackReoWndSteps = 1;
  rackReoWndPersist = 0;
  rackDsackSeen = false;
  rackAdvanced = false;
  // TLP
  tlpHighSeq = 0;
  tlpRetrans = false;
  // RTO statistics (tcpi_total_rto*)
  totalRto = 0;
  totalRtoRecoveries = 0;
  totalRtoTime = 0;
  rtoStamp = 0;
  // Delivery rate (rate.ts)
  deliveredTime = 0;
  firstSentTime = 0;
  appLimited = 0;
  rateDelivered = 0;
  rateInterval = 0;
  rateAppLimited = false;
  dsackDups = 0;
}

/** Timer kinds; `deadline[kind]` is µs, Infinity when unset. The first four share one slot, as in Linux. */
export const TIMER_RETRANSMIT = 0;
export const TIMER_LOSS_PROBE = 1;
export const TIMER_REORDERING = 2;
export const TIMER_ZERO_WINDOW = 3;
export const TIMER_DELAYED_ACK = 4;
export const TIMER_KEEPALIVE = 5;
export const TIMER_PACING = 6;
export const TIMER_COMPRESSED_ACK = 7;
/** TIME-WAIT-like waits of a full block: FIN-WAIT-2 of an orphan, linger. */
export const TIMER_FIN_WAIT2 = 8;
export const TIMER_COUNT = 9;

/** Timers and the counts that belong to them (timers.ts). */
export class TimerState {
  readonly deadline = new Float64Array(TIMER_COUNT).fill(Number.POSITIVE_INFINITY);
  probesOut = 0;
  probesStamp = 0;
  retransmits = 0;
  synRetries = 0;
  keepaliveProbes = 0;
  keepaliveEnabled = false;
  /** µs; 0: the stack's default. */
  keepaliveIdle = 0;
  keepaliveInterval = 0;
  keepaliveCount = 0;
  /** TCP_USER_TIMEOUT in µs, 0: none. */
  userTimeout = 0;
  linger2 = 0;
}

/** Chronographs of TCP_INFO: busy, receive-window-limited, send-buffer-limited (µs). */
export class Chronograph {
  kind = 0;
  start = 0;
  readonly total = new Float64Array(4);
}

export class Tcb implements FlowAddress, TransmitOwner {
  readonly host: TcbHost;
  readonly localAddress = new Uint8Array(16);
  readonly remoteAddress = new Uint8Array(16);
  localPort = 0;
  remotePort = 0;
  zone = 0;
  ipv6 = false;

  state = TCP_CLOSE;
  /** Error to report at the socket face: a positive Linux errno, 0: none; soft errors do not end the connection. */
  error = 0;
  softError = 0;
  /** Shut down by us (1 read, 2 write). */
  shutdown = 0;
  /** No socket holds it any more. */
  orphan = false;
  done = false;
  /** Opaque to the core: the endpoint's and socket's handle for this connection. */
  owner: unknown = null;

  // Socket options that the core reads.
  tos = 0;
  ttl = 64;
  mark = 0;
  flowLabel = 0;
  pmtuDiscover = 1;
  oobInline = false;
  reuse = false;

  readonly snd = new SendState();
  readonly rcv = new ReceiveState();
  readonly ack = new AckState();
  readonly opt = new OptionState();
  readonly rtt = new RttState();
  readonly cc = new CongestionState();
  readonly loss = new RecoveryState();
  readonly timers = new TimerState();
  readonly chrono = new Chronograph();

  constructor(host: TcbHost) {
    this.host = host;
  }

  onTransmitDone(charge: number, now: number): void {
    this.snd.inHostQueue -= charge;
    this.onQueueSpace(this, now);
  }

  /** Set by write.ts: continues a sender that the small-queue limit held back. */
  onQueueSpace: (tcb: Tcb, now: number) => void = noQueueSpace;
}

function noQueueSpace(): void {}
