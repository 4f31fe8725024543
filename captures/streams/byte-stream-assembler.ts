// One direction of a TCP stream out of captured segments: bytes in order, each once. Out-of-order segments wait,
// retransmissions and overlaps are cut (what came first stands, as at a receiver that had taken it in), and a hole is
// given up when the receiver has acknowledged beyond it: then the capture lost what the network delivered.
// Where a capture leaves it open what the bytes are, they are those that Wireshark's "follow TCP stream" shows.
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
  /** A copy of what was captured; the rest of a snapped packet counts as missing. */
  readonly data: Uint8Array;
  /** Counts up. */
  readonly arrival: number;
}

/** What a piece costs besides its bytes. */
const PIECE_COST = 64;

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
  /** Sorted by place; of those at the same one the first to come is in front. Each begins beyond `expected`. */
  private held: Held[] = [];
  private heldBytes = 0;
  private arrivals = 0;

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
   * The first call decides where the stream begins; a packet that is still at `base`, the SYN's own number, decides nothing
   * (a keepalive in front of all data).
   */
  add(seq: number, length: number, data: Uint8Array, syn: boolean, base = -1): void {
    const start = syn ? (seq + 1) >>> 0 : seq;
    if (this.expected < 0 || (this.expected === base && this.counters.bytes === 0)) this.expected = start;
    if (length === 0) return;
    this.counters.segments++;
    const ahead = seqDiff(start, this.expected);
    if (ahead > 0) {
      this.counters.outOfOrder++;
      if (data.length > 0) this.hold(start, data);
      return;
    }
    if (length + ahead <= 0) {
      this.counters.retransmitted++;
      return;
    }
    if (ahead < 0) this.counters.overlapping++;
    // Nothing of the new part was captured: what comes next shows the hole.
    if (data.length <= -ahead) return;
    this.take(start, length, data);
    this.drain();
  }

  /** The sender begins to count `by` numbers further on: a second SYN of the same conversation had another number. */
  renumber(by: number): void {
    if (this.expected >= 0) this.expected = (this.expected + by) >>> 0;
    this.held = this.held.map((piece) => ({ ...piece, seq: (piece.seq + by) >>> 0 }));
  }

  /** The other side acknowledges everything before `ack`: holes in front of held data below it will not be filled. */
  acknowledged(ack: number): void {
    while (this.held.length > 0 && seqDiff(ack, this.held[0]!.seq) > 0) this.skip('lost');
  }

  /** The stream is over: what waits is put out, its holes marked. */
  finish(): void {
    while (this.held.length > 0) this.skip('end');
  }

  private hold(seq: number, data: Uint8Array): void {
    let at = this.held.length;
    while (at > 0 && seqDiff(this.held[at - 1]!.seq, seq) > 0) at--;
    const before = this.held[at - 1];
    // Wholly inside what is there already: a retransmission that itself waits.
    if (before && seqDiff(before.seq + before.data.length, seq + data.length) >= 0) {
      this.counters.retransmitted++;
      return;
    }
    this.held.splice(at, 0, { seq, data: data.slice(), arrival: this.arrivals++ });
    this.heldBytes += data.length + PIECE_COST;
    while (this.heldBytes > this.limit) this.skip('limit');
  }

  private skip(cause: GapCause): void {
    const missing = seqDiff(this.held[0]!.seq, this.expected);
    this.missing(missing, cause);
    this.expected = this.held[0]!.seq;
    this.drain();
  }

  /** Puts out what has become contiguous, of pieces that overlap the first to come before the others. */
  private drain(): void {
    while (true) {
      let first = -1;
      for (let i = 0; i < this.held.length && seqDiff(this.held[i]!.seq, this.expected) <= 0; i++)
        if (first < 0 || this.held[i]!.arrival < this.held[first]!.arrival) first = i;
      if (first < 0) return;
      const [piece] = this.held.splice(first, 1);
      const { seq, data } = piece!;
      this.heldBytes -= data.length + PIECE_COST;
      if (seqDiff(seq + data.length, this.expected) > 0) this.take(seq, data.length, data);
    }
  }

  /** Puts out the part of a segment that lies at or behind `expected`. */
  private take(seq: number, length: number, data: Uint8Array): void {
    const old = seqDiff(this.expected, seq);
    this.counters.bytes += data.length - old;
    this.sink.data(old === 0 ? data : data.subarray(old));
    if (data.length < length) this.missing(length - data.length, 'snapped');
    this.expected = (seq + length) >>> 0;
  }

  private missing(length: number, cause: GapCause): void {
    if (length <= 0) return;
    this.counters.missing += length;
    this.sink.gap(length, cause);
  }
}
