// Segments that arrived ahead of a gap, in order of sequence, without overlaps that would be delivered twice
// (RFC 9293 section 3.10.7.4; Linux's out_of_order_queue). Tells its caller which ranges were duplicates.
import { counterIndex } from '../host/counters.js';
import { seqDiff, seqGe, seqGt, seqLe, seqLt } from '../wire/seq.js';
import { bareTruesize, chargeMemory } from './memory.js';
import { extendDsack, setDsack } from './sack-generate.js';
import type { Tcb } from './tcb.js';

const OFO_MERGE = counterIndex('TcpExtTCPOFOMerge');
const OFO_PRUNED = counterIndex('TcpExtOfoPruned');
const RCV_COALESCE = counterIndex('TcpExtTCPRcvCoalesce');
const RECV_COLLAPSED = counterIndex('TcpExtTCPRcvCollapsed');

const POOL_BYTES = 2048;
const POOL_LIMIT = 1024;

/** One segment: its bytes in memory of its own. */
export class OutOfOrderSegment {
  seq = 0;
  endSeq = 0;
  fin = false;
  truesize = 0;
  /** Bytes that still fit into its own buffer. */
  tailroom = 0;
  arrival = 0;
  bytes: Uint8Array = new Uint8Array(POOL_BYTES);
  length = 0;
  next: OutOfOrderSegment | null = null;
  prev: OutOfOrderSegment | null = null;
}

const pool: OutOfOrderSegment[] = [];

export class OutOfOrderQueue {
  head: OutOfOrderSegment | null = null;
  tail: OutOfOrderSegment | null = null;
  size = 0;

  get empty(): boolean {
    return this.head === null;
  }

  /**
   * Inserts [seq, endSeq) (with `fin` its last number is the FIN). Covered segments are removed and reported as DSACK.
   * Returns the memory charged for it, 0 where it joined the segment before it, -1: everything was there already.
   */
  insert(
    tcb: Tcb,
    seq: number,
    endSeq: number,
    fin: boolean,
    source: Uint8Array,
    from: number,
    length: number,
    truesize: number,
    tailroom: number,
    arrival: number,
  ): number {
    let after = this.tail;
    while (after !== null && seqLt(seq, after.seq)) after = after.prev;
    if (after !== null && after.endSeq === seq && (!after.fin || length === 0) && length <= after.tailroom) {
      coalesce(after, endSeq, fin, source, from, length, arrival);
      tcb.host.counters.add(RCV_COALESCE);
      this.dropCovered(tcb, after);
      return 0;
    }
    let replaced: OutOfOrderSegment | null = null;
    if (after !== null && seqLt(seq, after.endSeq)) {
      if (seqLe(endSeq, after.endSeq)) {
        tcb.host.counters.add(OFO_MERGE);
        setDsack(tcb, seq, endSeq);
        return -1;
      }
      if (seqGt(seq, after.seq)) {
        setDsack(tcb, seq, after.endSeq);
      } else {
        extendDsack(tcb, after.seq, after.endSeq);
        replaced = after;
        after = after.prev;
      }
    }
    if (replaced !== null) this.discard(tcb, replaced);
    const segment = take(length);
    segment.seq = seq;
    segment.endSeq = endSeq;
    segment.fin = fin;
    segment.truesize = truesize;
    segment.tailroom = tailroom;
    segment.arrival = arrival;
    segment.length = length;
    segment.bytes.set(source.subarray(from, from + length));
    this.link(segment, after);
    tcb.rcv.memoryAllocated += truesize;
    chargeMemory(tcb, truesize);
    this.dropCovered(tcb, segment);
    return truesize;
  }

  private dropCovered(tcb: Tcb, segment: OutOfOrderSegment): void {
    for (let next = segment.next; next !== null; next = segment.next) {
      if (seqLe(segment.endSeq, next.seq)) return;
      if (seqLt(segment.endSeq, next.endSeq)) {
        extendDsack(tcb, next.seq, segment.endSeq);
        return;
      }
      extendDsack(tcb, next.seq, next.endSeq);
      this.discard(tcb, next);
    }
  }

  private discard(tcb: Tcb, segment: OutOfOrderSegment): void {
    tcb.host.counters.add(OFO_MERGE);
    this.remove(tcb, segment);
  }

  private link(segment: OutOfOrderSegment, after: OutOfOrderSegment | null): void {
    const next = after === null ? this.head : after.next;
    segment.prev = after;
    segment.next = next;
    if (after === null) this.head = segment;
    else after.next = segment;
    if (next === null) this.tail = segment;
    else next.prev = segment;
    this.size++;
  }

  /** Takes a segment off the queue and gives its memory back. */
  remove(tcb: Tcb, segment: OutOfOrderSegment): void {
    if (segment.prev === null) this.head = segment.next;
    else segment.prev.next = segment.next;
    if (segment.next === null) this.tail = segment.prev;
    else segment.next.prev = segment.prev;
    segment.next = null;
    segment.prev = null;
    this.size--;
    tcb.rcv.memoryAllocated -= segment.truesize;
    chargeMemory(tcb, -segment.truesize);
    if (pool.length < POOL_LIMIT && segment.bytes.length === POOL_BYTES) pool.push(segment);
  }

  /** Highest sequence number held. */
  get end(): number {
    return this.tail === null ? 0 : this.tail.endSeq;
  }

  /**
   * Memory is short: gives up segments from the far end until the rest fits (RFC 2018 section 8 allows it: SACKs are
   * advisory). A segment at `seq`, which wants in, is never bought by one before it. True when anything went.
   */
  prune(tcb: Tcb, seq: number, fits: () => boolean): boolean {
    if (this.tail === null) return false;
    let pruned = false;
    const goal = Math.max(1, tcb.rcv.buffer >>> 3);
    let freed = 0;
    while (this.tail !== null && seqGe(this.tail.seq, seq)) {
      freed += this.tail.truesize;
      this.remove(tcb, this.tail);
      pruned = true;
      if (freed >= goal) {
        if (fits()) break;
        freed = 0;
      }
    }
    if (pruned) {
      tcb.host.counters.add(OFO_PRUNED);
      // What was SACKed may be gone: say nothing more of it.
      tcb.rcv.sackCount = 0;
      tcb.rcv.dsackPending = false;
    }
    return pruned;
  }

  /**
   * The receive buffer is overdrawn: runs of neighbours move into full buffers of up to `unit`. Islands that are small stay
   * as they are, and once they are an eighth of the buffer the rest is left alone (tcp_collapse_ofo_queue).
   * @param bloated whether a packet of `length` bytes is charged more than a window of that size would be
   */
  collapse(tcb: Tcb, unit: number, bloated: (truesize: number, length: number) => boolean): void {
    let tiny = 0;
    for (let first = this.head; first !== null; ) {
      let last = first;
      while (last.next !== null && seqLe(last.next.seq, last.endSeq)) last = last.next;
      const { next } = last;
      if (first !== last || first.length >= unit) {
        collapseRun(tcb, first, next, unit, bloated);
      } else {
        tiny += first.truesize;
        if (tiny > tcb.rcv.buffer >>> 3) return;
      }
      first = next;
    }
  }

  clear(tcb: Tcb): void {
    while (this.head !== null) this.remove(tcb, this.head);
  }
}

/**
 * From the first packet of a run on that is mostly empty or overlaps the next one, the run is charged as full buffers: on
 * that packet (tcp_collapse).
 */
function collapseRun(
  tcb: Tcb,
  first: OutOfOrderSegment,
  end: OutOfOrderSegment | null,
  unit: number,
  bloated: (truesize: number, length: number) => boolean,
): void {
  let from: OutOfOrderSegment | null = first;
  while (from !== end && (from!.fin || !bloated(from!.truesize, from!.length))) {
    const next: OutOfOrderSegment | null = from!.next;
    if (!from!.fin && next !== end && next!.seq !== from!.endSeq) break;
    from = next;
  }
  if (from === end) return;
  let left = 0;
  let change = 0;
  // One with a FIN stays as it is, and ends the run.
  for (let s = from; s !== end && !s!.fin; s = s!.next) {
    left = Math.max(left, seqDiff(s!.seq, from!.seq) + s!.length);
    change -= s!.truesize;
    s!.truesize = 0;
    s!.tailroom = 0;
  }
  for (; left > 0; left -= unit) from!.truesize += bareTruesize(Math.min(unit, left));
  change += from!.truesize;
  tcb.rcv.memoryAllocated += change;
  chargeMemory(tcb, change);
  tcb.host.counters.add(RECV_COLLAPSED);
}

/** What follows `segment` at once and fits into its buffer moves there and costs nothing (tcp_ooo_try_coalesce). */
function coalesce(
  segment: OutOfOrderSegment,
  endSeq: number,
  fin: boolean,
  source: Uint8Array,
  from: number,
  length: number,
  arrival: number,
): void {
  const whole = segment.length + length;
  if (whole > segment.bytes.length) {
    const bytes = new Uint8Array(whole + segment.tailroom - length);
    bytes.set(segment.bytes.subarray(0, segment.length));
    segment.bytes = bytes;
  }
  segment.bytes.set(source.subarray(from, from + length), segment.length);
  segment.length = whole;
  segment.endSeq = endSeq;
  segment.fin = fin;
  segment.tailroom -= length;
  segment.arrival = arrival;
}

function take(length: number): OutOfOrderSegment {
  if (length > POOL_BYTES) {
    const segment = new OutOfOrderSegment();
    segment.bytes = new Uint8Array(length);
    return segment;
  }
  return pool.pop() ?? new OutOfOrderSegment();
}
