// Send sequence variables and the send queue of one connection. Only values: send.ts, write.ts, transmit.ts, ack.ts act.

import { SegmentList, type SendSegment, TransmissionTimeList } from './send-segment.js';
import { ZerocopyState } from './zerocopy.js';

/** Send sequence variables and the send queue (send.ts, write.ts, output.ts). */
export class SendState {
  una = 0;
  nxt = 0;
  wnd = 0;
  /** seq of the segment that last updated the window (SND.WL1). */
  wl1 = 0;
  /** Behind the last urgent byte; SND.UNA when there is none (SND.UP). */
  up = 0;
  iss = 0;
  /** First sequence number that connect must use (a TIME-WAIT record's `isn`), 0: the stack's own choice. */
  wantedIss = 0;
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
  /** MSS that we announce: `advertised` in the option, `advmss` what it leaves for data once options are off. */
  advmss = 0;
  advertised = 536;
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
  /** NAGLE_* bits (nagle.ts): off (TCP_NODELAY), cork (TCP_CORK), push. */
  nonagle = 0;
  /** TCP_NOTSENT_LOWAT in bytes; 0: the stack's. */
  notsentLowat = 0;
  /** FIN queued. */
  shutdown = false;
  /** write limits: throttled by the small-queue limit; the tail waits for completion. */
  throttled = false;
  /** fq pacing: earliest departure of the next packet, µs; pacing rate in bytes/s (Infinity: unpaced). */
  departure = 0;
  pacingRate = Number.POSITIVE_INFINITY;
  maxPacingRate = Number.POSITIVE_INFINITY;
  /** 0: not paced, 1: by the connection's own timer, 2: by the queue discipline (fq). */
  pacingStatus = 0;
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
  /** Segments per super-packet that sendmsg aims at (size goal), recomputed when MSS or window change. */
  gsoSegments = 0;
  /** Path MTU that `mss` was computed from; 0: never. Route generation of the last look. */
  mtuCookie = 0;
  /** Packetization-layer path-MTU discovery (RFC 4821), mtu-probe.ts: MTU bounds in bytes, 0 probeSize: none out. */
  mtuProbing = false;
  mtuSearchLow = 0;
  mtuSearchHigh = 0;
  mtuProbeSize = 0;
  mtuProbeStamp = 0;
  mtuProbeSeqStart = 0;
  mtuProbeSeqEnd = 0;
  /** The bytes of the SYN's fast-open data wait as a segment that is accounted only once (fastopen/client.ts). */
  synData: SendSegment | null = null;
  /** Fast-open option of the SYN under way: -1 none, 0 request, else cookie length. */
  fastOpenCookieLength = -1;
  readonly fastOpenCookie = new Uint8Array(16);
  readonly zerocopy = new ZerocopyState();
  /** Lengths of the pieces (iovec) of the zerocopy send under way, null: one piece. Set by the socket layer. */
  zerocopyStarted = false;
  zerocopyParts: readonly number[] | null = null;
  /** Sequence number that timestamp keys count from (SOF_TIMESTAMPING_OPT_ID); set by the socket layer. */
  timestampKeyBase = 0;
  /** SOF_TIMESTAMPING_TX_* bits that the running send call asks for; set by the socket layer. */
  stampFlags = 0;
}
