// One direction of a TCP stream out of captured segments: bytes in order, each once. Out-of-order segments wait,
// retransmissions and overlaps are cut (what came first stands, as at a receiver that had taken it in), and a hole is
// given up when the receiver has acknowledged beyond it: then the capture lost what the network delivered.
// Memory is bounded by `limit`. Knows no addresses and no connection.

import { seqDiff } from '../../stack/wire/seq.js';

/** Why bytes are missing. */
export type GapCause =
  /** Nowhere in the capture, though the receiver acknowledged them. */
  | 'lost'
  /** The packet is there, cut short by the capture. */
  | 'snapped'
  /** Given up because more than the limit waited behind the hole. */
  | 'limit'
  /** Still missing, and not acknowledged, when the stream ended. */
  | 'end';

export interface AssemblerSink {
  /** Bytes of the stream in order. Valid during the call only. */
  data(bytes: Uint8Array): void;
  /** `length` bytes of the stream that the capture does not have. */
  gap(length: number, cause: GapCause): void;
}

export interface AssemblerCounters {
  /** Segments with data or FIN. */
  segments: number;
  /** Bytes put out, and bytes of gaps. */
  bytes: number;
  missing: number;
  /** Segments with nothing new; segments that began with old bytes and went on with new ones. */
  retransmitted: number;
  overlapping: number;
  /** Segments that came before what precedes them. */
  outOfOrder: number;
}

interface Held {
  readonly seq: number;
  /** Bytes on the wire. */
  readonly length: number;
  /** A copy of what was captured of them. */
  readonly data: Uint8Array;
}

export class ByteStreamAssembler {
  readonly counters: AssemblerCounters = {
    segments: 0,
    bytes: 0,
    missing: 0,
    retransmitted: 0,
    overlapping: 0,
    outOfOrder: 0,
  };
  private readonly sink: AssemblerSink;
  private readonly limit: number;
  private expected = -1;
  /** Sorted by place, ends ascending too; each begins beyond `expected`. */
  private held: Held[] = [];
  private heldBytes = 0;

  /** @param limit bytes that may wait behind a hole */
  constructor(sink: AssemblerSink, limit: number) {
    this.sink = sink;
    this.limit = limit;
  }

  /** The next sequence number in order; -1 before the first segment. */
  get next(): number {
    return this.expected;
  }

  /** Bytes that wait behind a hole. */
  get waiting(): number {
    return this.heldBytes;
  }

  /**
   * Takes in `length` bytes at `seq`, of which `data` were captured; a SYN's number is stepped over first.
   * The first call decides where the stream begins.
   */
  add(seq: number, length: number, data: Uint8Array, syn: boolean): void {
    const start = syn ? (seq + 1) >>> 0 : seq;
    if (this.expected < 0) this.expected = start;
    if (length === 0) return;
    this.counters.segments++;
    const ahead = seqDiff(start, this.expected);
    if (ahead > 0) {
      this.counters.outOfOrder++;
      this.hold({ seq: start, length, data: data.slice() });
      return;
    }
    if (length + ahead <= 0) {
      this.counters.retransmitted++;
      return;
    }
    if (ahead < 0) this.counters.overlapping++;
    this.take(start, length, data);
    this.drain();
  }

  /** The other side acknowledges everything before `ack`: holes in front of held data below it will not be filled. */
  acknowledged(ack: number): void {
    while (this.held.length > 0 && seqDiff(ack, this.held[0]!.seq) > 0) this.skip('lost');
  }

  /** The stream is over: what waits is put out, its holes marked. */
  finish(): void {
    while (this.held.length > 0) this.skip('end');
  }

  private hold(piece: Held): void {
    let at = this.held.length;
    while (at > 0 && seqDiff(this.held[at - 1]!.seq, piece.seq) > 0) at--;
    const before = this.held[at - 1];
    // Wholly inside what is there already: a retransmission that itself waits.
    if (before && seqDiff(before.seq + before.length, piece.seq + piece.length) >= 0) {
      this.counters.retransmitted++;
      return;
    }
    this.held.splice(at, 0, piece);
    this.heldBytes += piece.data.length;
    while (this.heldBytes > this.limit) this.skip('limit');
  }

  private skip(cause: GapCause): void {
    const missing = seqDiff(this.held[0]!.seq, this.expected);
    this.missing(missing, cause);
    this.expected = this.held[0]!.seq;
    this.drain();
  }

  /** Puts out what has become contiguous. */
  private drain(): void {
    while (this.held.length > 0 && seqDiff(this.held[0]!.seq, this.expected) <= 0) {
      const piece = this.held.shift()!;
      this.heldBytes -= piece.data.length;
      if (seqDiff(piece.seq + piece.length, this.expected) > 0)
        this.take(piece.seq, piece.length, piece.data);
    }
  }

  /** Puts out the part of a segment that lies at or behind `expected`. */
  private take(seq: number, length: number, data: Uint8Array): void {
    const old = seqDiff(this.expected, seq);
    if (old < data.length) {
      this.counters.bytes += data.length - old;
      this.sink.data(old === 0 ? data : data.subarray(old));
    }
    if (data.length < length) this.missing(length - Math.max(data.length, old), 'snapped');
    this.expected = (seq + length) >>> 0;
  }

  private missing(length: number, cause: GapCause): void {
    if (length <= 0) return;
    this.counters.missing += length;
    this.sink.gap(length, cause);
  }
}
