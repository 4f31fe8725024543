// Segments as the protocol core sees them: one reusable object for what came in, one for what goes out.
// Neither knows buffers' owners, rings or links.
import { TcpOptions } from '../wire/tcp-options.js';
import { type FlowAddress, FlowEnds } from './flow-ends.js';

/** Packets that one received segment may have come in (generic receive offload); 64 is a driver's batch. */
export const MAX_PARTS = 64;

/** What came in. One instance per endpoint, filled anew for every packet; nothing may keep a reference to it. */
export class SegmentIn extends FlowEnds {
  /** Arrival stamp of the packet, µs: what RTT and RACK are timed by. */
  arrival = 0;
  /** The IP header's two ECN bits, DSCP/traffic-class byte and TTL or hop limit. */
  ecn = 0;
  tos = 0;
  ttl = 64;

  seq = 0;
  /** seq plus data length plus one each for SYN and FIN. */
  endSeq = 0;
  ack = 0;
  /** TCP_FIN … TCP_AE bits (wire/tcp.ts). */
  flags = 0;
  /** The window field as it stands in the header, unscaled. */
  window = 0;
  urgent = 0;
  /** Data length in bytes, from the IP length (never from the buffer's end). */
  length = 0;
  /** Where the data stands: `bytes[offset … offset+length)`. */
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  /** More than 1 when it came in several packets, whose payload stands in these places of `bytes` instead. */
  parts = 1;
  readonly partOffsets = new Int32Array(MAX_PARTS);
  readonly partLengths = new Int32Array(MAX_PARTS);
  /** Absolute offsets of the TCP header and of the end of its options in `bytes` (MD5, errors that quote). */
  headerOffset = 0;
  headerEnd = 0;
  /** Segment size of a received super-packet (GSO), 0 for an ordinary packet. */
  gsoSize = 0;
  /** Size of the whole network-layer packet (receive-memory accounting). */
  packetLength = 0;
  readonly options = new TcpOptions();
}

/** IP ECN code points (RFC 3168, section 5). */
export const ECN_NOT_ECT = 0;
export const ECN_ECT1 = 1;
export const ECN_ECT0 = 2;
export const ECN_CE = 3;

/** What goes out, without its payload. One instance per connection core module that builds segments. */
export class SegmentOut {
  seq = 0;
  ack = 0;
  flags = 0;
  /** The window field as it will stand in the header, already scaled. */
  window = 0;
  urgent = 0;
  /** Encoded options, padded to a multiple of four. */
  readonly options = new Uint8Array(40);
  optionsLength = 0;
  /** Offset of a 16-byte MD5 digest inside `options` that the output must fill (RFC 2385), or -1. */
  md5Offset = -1;
  /** IP ECN bits, ECN_NOT_ECT when not negotiated or for a packet that must not carry ECT. */
  ecn = ECN_NOT_ECT;
  tos = 0;
  ttl = 64;
  flowLabel = 0;
  mark = 0;
  /** Segment size when the payload is longer than one segment (super-packet), otherwise 0. */
  gsoSize = 0;
  /** Earliest departure time in µs for the fq queue discipline, 0 for none. */
  departure = 0;
  /** Don't fragment. */
  df = true;
  /** Another segment follows at once, so the host's queue may wait for that one before it looks (Linux's xmit_more). */
  more = false;
}

/** Something that can copy `length` payload bytes from stream offset `from` (relative to the payload) to `target`. */
export interface PayloadSource {
  /** Where the byte at `from` lies in memory, modulo 8: a copy to where it lies alike is cheaper (channel/copy.ts). */
  residue(from: number): number;
  copyTo(from: number, length: number, target: Uint8Array, targetOffset: number): void;
}

/** Results of `SegmentSink.transmit`. */
export const XMIT_OK = 0;
/** Dropped on the way (Linux's NET_XMIT_DROP), and told as one that left: the caller may retry later, timers cover it. */
export const XMIT_DROP = 1;
/** Queued, with congestion notified (NET_XMIT_CN). */
export const XMIT_CN = 2;
/** No buffer or no route right now: as a local drop, but nobody is told. */
export const XMIT_NOBUFS = 3;

/**
 * Where the core puts what it sends: the endpoint's tx ring. It writes IP and TCP headers, options, payload and
 * checksum into a packet buffer and pushes its index: memory in, memory out, no I/O.
 * `charge` is the memory (truesize) that counts against the sender's small-queue limit until the packet has left
 * the host's queue; the endpoint gives it back through `Tcb.onTransmitDone(bytes, now)`; 0 for pure ACKs.
 */
export interface SegmentSink {
  transmit(
    flow: FlowAddress,
    segment: SegmentOut,
    payload: PayloadSource | null,
    from: number,
    length: number,
    owner: TransmitOwner | null,
    charge: number,
  ): number;
}

/** Who is told when a charged packet has left the host's queue. */
export interface TransmitOwner {
  onTransmitDone(charge: number, now: number): void;
}
