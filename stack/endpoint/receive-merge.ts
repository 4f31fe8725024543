// Generic receive offload, as Linux's GRO does it: segments of one connection that came in one batch and continue each other
// go to the core as one, so that a batch costs one walk through TCP and one ACK. Payload stays where it is, in the packet
// buffers, which are held until the core has copied it. Knows what makes segments continue each other, and nothing of state.
import { MAX_PARTS, SegmentIn } from '../tcp/segment.js';
import { TCP_ACK, TCP_PSH } from '../wire/tcp.js';
import type { TcpHandle } from './tcp-handle.js';

/** Largest packet that segments join into: what an IPv4 total length can say (GRO_LEGACY_MAX_SIZE). */
const MAX_LENGTH = 65_535;

/** The reader of a channel, to whom a received buffer goes back. */
export interface BufferReturn {
  release(index: number): void;
}

export class ReceiveMerge {
  /** What is held so far, as one segment. */
  segment = new SegmentIn();
  /** Whose it is; null: nothing is held. */
  owner: TcpHandle | null = null;
  /** Buffers that are held, and who they go back to. */
  readonly indices = new Uint32Array(MAX_PARTS);
  reader!: BufferReturn;

  /** Nothing but ACK and perhaps PSH, in-order data in a whole packet, options that say nothing new. */
  static mayJoin(segment: SegmentIn): boolean {
    const { options } = segment;
    return (
      (segment.flags & ~TCP_PSH) === TCP_ACK &&
      segment.length > 0 &&
      segment.gsoSize === 0 &&
      options.sackCount === 0 &&
      options.md5Offset < 0 &&
      options.accEcn < 0 &&
      options.fastOpenLength < 0
    );
  }

  /** Begins with `segment`, and gives the caller the object that it may fill next. */
  hold(segment: SegmentIn, owner: TcpHandle, index: number, reader: BufferReturn): SegmentIn {
    const spare = this.segment;
    this.segment = segment;
    this.owner = owner;
    this.reader = reader;
    segment.parts = 1;
    segment.partOffsets[0] = segment.offset;
    segment.partLengths[0] = segment.length;
    this.indices[0] = index;
    return spare;
  }

  /** Whether `next`, which may join, goes on where what is held ends (Linux's tcp_gro_receive). */
  continues(next: SegmentIn, owner: TcpHandle): boolean {
    const { segment } = this;
    const mss = segment.partLengths[0];
    return (
      this.owner === owner &&
      next.seq === segment.endSeq &&
      next.ack === segment.ack &&
      next.window === segment.window &&
      next.length <= mss &&
      next.ecn === segment.ecn &&
      next.tos === segment.tos &&
      next.ttl === segment.ttl &&
      next.headerEnd - next.headerOffset === segment.headerEnd - segment.headerOffset &&
      next.options.hasTimestamps === segment.options.hasTimestamps &&
      next.options.tsVal === segment.options.tsVal &&
      next.options.tsEcr === segment.options.tsEcr &&
      segment.parts < MAX_PARTS &&
      segment.packetLength + next.length <= MAX_LENGTH
    );
  }

  /** Adds `next`; false when nothing can follow it: it was pushed, or shorter than those before. */
  join(next: SegmentIn, index: number): boolean {
    const { segment } = this;
    const mss = segment.partLengths[0];
    segment.partOffsets[segment.parts] = next.offset;
    segment.partLengths[segment.parts] = next.length;
    this.indices[segment.parts] = index;
    segment.parts++;
    segment.flags |= next.flags;
    segment.length += next.length;
    segment.endSeq = next.endSeq;
    segment.packetLength += next.length;
    segment.gsoSize = mss;
    return next.length === mss && (next.flags & TCP_PSH) === 0;
  }
}
