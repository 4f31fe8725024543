// Receive sequence variables, queues and the advertised window of one connection. Only values: receive-data.ts,
// window.ts and ack-policy.ts act.
import type { OutOfOrderQueue } from './out-of-order.js';
import type { ReceiveQueue } from './receive-queue.js';

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
  outOfOrder: OutOfOrderQueue | null = null;
  /** Payload-to-memory ratio in 1/256 (Linux's scaling_ratio). */
  scalingRatio = 0;
  finReceived = false;
  /** Urgent byte not read yet (inline off), -1: none; URG_* state in `urgentState`. */
  urgentByte = 0;
  urgentState = 0;
  urgentSeq = 0;
  /** SO_PEEK_OFF: where the next look begins, behind what was read; -1: at the front always. */
  peekOffset = -1;
  /** TCP_WINDOW_CLAMP as set by the user, 0: none. */
  userWindowClamp = 0;
  /** Arrival time (µs) of the newest byte that was read: SO_TIMESTAMPING on receive. */
  lastReadStamp = 0;
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
  /** The next packet's header is foreseen, and whether that of the one being processed was as foreseen (prediction.ts). */
  predicting = false;
  foreseen = false;
  /** DSACK and SACK blocks to report (RFC 2018, 2883): pairs left,right. */
  readonly sackBlocks = new Uint32Array(8);
  sackCount = 0;
  dsackPending = false;
  readonly dsack = new Uint32Array(2);
  /** Out-of-window ACK rate limit and challenge ACK state (RFC 5961). */
  lastOutOfWindowAck = Number.NEGATIVE_INFINITY;
}
