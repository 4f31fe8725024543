// The transmission control block (RFC 9293, section 3.3.1): every variable of one connection, grouped by the part of
// TCP that owns it. Only state and tiny derived values live here; behaviour lives in the files named by each group.
// It knows no socket, no ring and no link: it sees the world through `TcbHost`.

import type { CongestionControl } from './congestion/congestion-control.js';
import type { FastOpenRequest } from './fastopen/server.js';
import { FlowEnds } from './flow-ends.js';
import { ReceiveState } from './receive-state.js';
import { segmentLeftQueue } from './send-memory.js';
import type { SegmentOwner, SendSegment } from './send-segment.js';
import { SendState } from './send-state.js';
import { TCP_CLOSE } from './states.js';
import { type RouteMetrics, type TcbHost, TIMESTAMP_SENT } from './tcb-host.js';

export { ReceiveState } from './receive-state.js';
export { SendState } from './send-state.js';
export * from './tcb-host.js';

/** Delayed-ACK state (ack-policy.ts), as inet_connection_sock's icsk_ack. */
export class AckState {
  /** ACK_* bits (ack-policy.ts). */
  pending = 0;
  /** ACKs left of quick-ACK mode. */
  quick = 0;
  pingpong = 0;
  ato = 0;
  /** TCP_DELACK_MAX_US: the longest delay, µs. */
  maxDelay = 200_000;
  /** When the delayed ACK is due by the tick it was asked for in, µs: its timer fires in the tick after that. */
  due = 0;
  /** Estimated segment size of the peer (rcv_mss); 0 before there is one. */
  rcvMss = 0;
  lastSegmentSize = 0;
  lastReceiveTime = 0;
  compressed = 0;
  compressedTotal = 0;
  dupAckCounter = 0;
  compressedRcvNxt = 0;
}

/** Negotiated options and their state (options.ts, ecn/, fastopen/). */
export class OptionState {
  timestamps = false;
  sack = false;
  wscale = false;
  /** Our SYN offers a window scale, and its retransmissions then do, whatever the sysctl says by now (RFC 7323 section 2.2). */
  wscaleOffered = false;
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
  /** Fast open (RFC 7413): data went in our SYN, was acknowledged; TCPI_OPT_SYN_DATA. */
  synData = false;
  synDataAcked = false;
  synFastOpen = false;
  /** TCP_FASTOPEN_CONNECT is set; connect() waits for the first send; TCP_FASTOPEN queue length of a listener. */
  fastOpenConnect = false;
  deferConnect = false;
  fastOpenQueue = 0;
  fastOpenKeys: Uint8Array | null = null;
  synFastOpenExperimental = false;
  fastOpenClientFail = 0;
  /** Byte and packet counters of accurate ECN (RFC 9768), both directions. */
  receivedCe = 0;
  /** IP-ECN codepoints of the peer's SYN or SYN-ACK and of its last segment; CE marks since our last ACK; ACE of our next ACK, -1. */
  synEcn = 0;
  accEcnLast = 0;
  accEcnPending = 0;
  accEcnReflect = -1;
  /** What failed, and what was seen of the peer's option (ecn/accurate.ts, ecn/accurate-option.ts). */
  accEcnFail = 0;
  /** The field of the first ACK of data was looked at. */
  aceVerified = false;
  accEcnOptionSeen = 0;
  /** Options that must go out; fields that changed since the last one, when that went, and whether with a DSACK block. */
  accEcnDemand = 0;
  accEcnFieldsNeeded = 0;
  accEcnOptionTime = 0;
  accEcnSentWithDsack = false;
  /** Codepoint that delivered bytes count to while no option comes; 0 unknown. */
  accEcnEstimate = 0;
  receivedE0Bytes = 0;
  receivedE1Bytes = 0;
  receivedCeBytes = 0;
  deliveredE0Bytes = 0;
  deliveredE1Bytes = 0;
  deliveredCeBytes = 0;
  fastOpenNoCookie = false;
  /** Keys that setsockopt gave, and the one that this connection signs with. */
  md5Keys: Md5Key[] | null = null;
  md5Active = false;
  /** TCP_DEFER_ACCEPT in SYN-ACK timeouts. */
  deferAccept = 0;
}

/** One key of TCP_MD5SIG (RFC 2385): the peers that it is for, by prefix of the 16-byte address. */
export interface Md5Key {
  address: Uint8Array;
  prefix: number;
  key: Uint8Array;
}

/** Round-trip time and RTO (rtt.ts; RFC 6298, Linux's tcp_rtt_estimator). All µs; srtt is scaled by 8. */
export class RttState {
  srtt8 = 0;
  mdev4 = 0;
  mdevMax = 0;
  rttvar = 0;
  rttSeq = 0;
  rto = 1_000_000;
  /** Floor from the route, 0: tcp_rto_min_us. */
  rtoMin = 0;
  /** Ceiling from the socket (TCP_RTO_MAX_MS), 0: tcp_rto_max_ms. */
  rtoMax = 0;
  backoff = 0;
  latest = 0;
  /** The ACK in process gave srtt a sample. */
  sampled = false;
  /** Windowed minimum over tcp_min_rtt_wlen: three samples (value, time). */
  readonly minValue = new Float64Array(3).fill(0xffff_ffff);
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
  /** Behind the highest SACKed byte; meaningful while `sackedOut` > 0. */
  highestSackSeq = 0;
  /** A SACKed segment near it, where walks may begin; valid while it is on the retransmission queue. */
  highestSack: SendSegment | null = null;
  /** Where the walk for retransmissions begins; valid while it is on the retransmission queue. */
  retransHint: SendSegment | null = null;
  /** The peer took SACKed data back; until this recovery is over. */
  sackReneging = false;
  /** SND.UNA when the reduction began that may be undone; `undoMarked` says whether there is one. */
  undoMarker = 0;
  undoMarked = false;
  undoRetrans = -1;
  retransStamp = 0;
  reordering = 3;
  reorderingSeen = 0;
  /** The SACK blocks of the last ACK that counted, in order of sequence (pairs), and how many. */
  recvSackCount = 0;
  readonly recvSackCache = new Uint32Array(8);
  // PRR (RFC 6937)
  prrDelivered = 0;
  prrOut = 0;
  // F-RTO (RFC 5682)
  frto = false;
  // RACK (RFC 8985)
  /**
   * Number of the burst that goes out now: every ACK, every call that writes and every timer begins one. Many fall into
   * one instant of the clock (a batch of ACKs, a script), and RACK must know which came first; Linux's clock tells them
   * apart because it moves on meanwhile.
   */
  burst = 0;
  /** Send time, burst and end of the most recently sent segment that was delivered. */
  rackTime = 0;
  rackBurst = -1;
  /** RTT of the last delivered segment, and its burst. */
  rackRtt = 0;
  rackRttBurst = 0;
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
  /** Until something was delivered what leaves counts as limited by the application (tcp_init_sock). */
  appLimited = -1;
  rateDelivered = 0;
  rateInterval = 0;
  rateAppLimited = true;
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
  /** TCP_THIN_LINEAR_TIMEOUTS. */
  thinLinear = false;
  linger2 = 0;
}

/** Chronographs of TCP_INFO: busy, receive-window-limited, send-buffer-limited (µs). */
export class Chronograph {
  kind = 0;
  start = 0;
  readonly total = new Float64Array(4);
}

export class Tcb extends FlowEnds implements SegmentOwner {
  readonly host: TcbHost;

  state = TCP_CLOSE;
  /** Error to report at the socket face: a positive Linux errno, 0: none; soft errors do not end the connection. */
  error = 0;
  softError = 0;
  /** An ACK told that what was sent arrives: the next segment confirms the neighbour that it goes to. */
  confirmNeighbour = false;
  /** Shut down by us (1 read, 2 write). */
  shutdown = 0;
  /** No socket holds it any more. */
  orphan = false;
  done = false;
  /** ESTABLISHED was reached at some time: send() then fails with EPIPE rather than ENOTCONN. */
  everConnected = false;
  /** A child that accept() has handed out (or a block that no listener made). */
  accepted = false;
  /** A blocking writer waits for the connection: its data will carry the ACK of the SYN-ACK. Set by the socket layer. */
  writePending = false;
  /** The step's time, µs: set by every entry into the core (tcp_mstamp). */
  clock = 0;
  /** The route as last asked, and the generation it was asked in. */
  route: RouteMetrics | null = null;
  routeGeneration = -1;
  /** A fast-open child whose handshake is not done: its SYN-ACK request (fastopen/server.ts). */
  fastOpenRequest: FastOpenRequest | null = null;
  /** Opaque to the core: the endpoint's and socket's handle for this connection. */
  owner: unknown = null;

  // Socket options that the core reads.
  tos = 0;
  ttl = 64;
  mark = 0;
  flowLabel = 0;
  pmtuDiscover = 1;
  oobInline = false;
  /** IP_MINTTL, IPV6_MINHOPCOUNT: what comes from further away is dropped (RFC 5082). */
  minTtl = 0;
  minHopCount = 0;
  /** TCP_SAVE_SYN, and the SYN's headers as they wait to be read once. */
  saveSyn = 0;
  savedSyn: Uint8Array | null = null;
  /** IP_RECVERR, IPV6_RECVERR: ICMP errors are errors, not hints; TCP_INQ. */
  receiveErrors = false;
  reportInq = false;
  /** A listener's queue, for TCP_INFO. */
  listening: { readonly pending: number; readonly backlog: number } | null = null;
  /** Made by fast open (TCPI_OPT_TFO_CHILD). */
  fastOpenChild = false;
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
    super();
    this.host = host;
  }

  /** A charged copy of `segment` has left the host's queue. */
  segmentTransmitted(segment: SendSegment, charge: number, now: number): void {
    this.snd.inHostQueue -= charge;
    if (segment.timestampKey >= 0 && (segment.timestampFlags & STAMP_SENT) !== 0) {
      this.host.transmitTimestamp?.(this, TIMESTAMP_SENT, segment.timestampKey, now);
    }
    segmentLeftQueue(segment);
    this.onQueueSpace(this, now);
  }

  /** Set by write.ts: continues a sender that the small-queue limit held back. */
  onQueueSpace: (tcb: Tcb, now: number) => void = noQueueSpace;
}

/** SOF_TIMESTAMPING_TX_SOFTWARE. */
const STAMP_SENT = 2;

function noQueueSpace(): void {}
