// One segment of the send queue with its metadata, and the two lists it lives on. Payload memory is behind
// `Payload` (payload.ts); nothing here knows windows, timers or congestion.
import type { Payload } from './payload.js';
import type { TransmitOwner } from './segment.js';

/** `SendSegment.sacked` bits: what the scoreboard knows of a segment that is in flight. */
export const SACKED_ACKED = 1; // covered by a SACK block
export const SACKED_RETRANS = 2; // a retransmission of it is in flight
export const LOST = 4; // deemed lost
export const TAGBITS = 7;
export const REPAIRED = 16;
export const EVER_RETRANS = 128; // was retransmitted at some time

/**
 * A run of the sequence space, queued, in flight, or lost. It may be a super-packet: `segments` counts the wire
 * segments of `gsoSize` bytes that it becomes.
 */
export class SendSegment implements TransmitOwner {
  /** The connection that sends it; told when a copy has left the host's queue. */
  owner: SegmentOwner | null = null;
  /** Given back while copies still waited in the host's queue. */
  freed = false;
  seq = 0;
  endSeq = 0;
  /** TCP header flags that belong to this run (SYN, FIN, PSH, URG, and CWR once). */
  flags = 0;
  /** Scoreboard bits. */
  sacked = 0;
  /** Number of wire segments (packets in the sense of cwnd), at least 1 once sized. */
  segments = 0;
  /** Wire segment size when `segments` > 1. */
  gsoSize = 0;
  /** When it was last handed to the link (or its departure time under pacing), µs; 0: never. */
  sentAt = 0;
  /** The burst that it left in (RecoveryState.burst): orders what one instant of the clock does not. */
  sentBurst = 0;
  /** Memory that it is charged against the send buffer (payload plus overhead, as Linux's truesize). */
  truesize = 0;
  /** Copies of it that still wait in the host's queue discipline or tx ring. */
  inHostQueue = 0;
  /** MSG_EOR: nothing may be appended or merged behind it. */
  endOfRecord = false;
  /** Pieces of caller memory that a zerocopy segment would refer to (MAX_SKB_FRAGS bounds them). */
  fragments = 0;
  /** Ids for timestamps (SO_TIMESTAMPING) and zerocopy completions; -1: none. */
  timestampKey = -1;
  timestampFlags = 0;
  zerocopyId = -1;

  // Delivery-rate snapshot at the time it was sent (draft-cheng-iccrg-delivery-rate-estimation).
  rateDelivered = 0;
  rateDeliveredCe = 0;
  rateDeliveredAt = 0;
  rateFirstSentAt = 0;
  rateAppLimited = false;
  rateInFlight = 0;

  payload: Payload | null = null;

  // Send-queue links, in order of sequence number.
  next: SendSegment | null = null;
  prev: SendSegment | null = null;
  // Links of the list ordered by time of (re)transmission (RFC 8985), while in flight and not SACKed.
  timeNext: SendSegment | null = null;
  timePrev: SendSegment | null = null;
  onTimeList = false;
  /** The list that it is on at the moment. */
  list: SegmentList | null = null;

  /** Payload bytes: the sequence length without SYN and FIN. */
  get length(): number {
    return this.payload === null ? 0 : this.payload.length;
  }

  onTransmitDone(charge: number, now: number): void {
    this.owner?.segmentTransmitted(this, charge, now);
  }

  /** As new, but for the (empty) payload object, which is used again. */
  reset(): void {
    this.owner = null;
    this.freed = false;
    this.seq = 0;
    this.endSeq = 0;
    this.flags = 0;
    this.sacked = 0;
    this.segments = 0;
    this.gsoSize = 0;
    this.sentAt = 0;
    this.sentBurst = 0;
    this.truesize = 0;
    this.inHostQueue = 0;
    this.endOfRecord = false;
    this.timestampKey = -1;
    this.timestampFlags = 0;
    this.zerocopyId = -1;
    this.fragments = 0;
    this.rateDelivered = 0;
    this.rateDeliveredCe = 0;
    this.rateDeliveredAt = 0;
    this.rateFirstSentAt = 0;
    this.rateAppLimited = false;
    this.rateInFlight = 0;
  }
}

/** Who sends segments: the control block. */
export interface SegmentOwner {
  segmentTransmitted(segment: SendSegment, charge: number, now: number): void;
}

/** A doubly linked list of segments in sequence order: the write queue and the retransmission queue are two. */
export class SegmentList {
  head: SendSegment | null = null;
  tail: SendSegment | null = null;
  /** Number of SendSegments (not of wire segments). */
  size = 0;

  get empty(): boolean {
    return this.head === null;
  }

  append(segment: SendSegment): void {
    this.insertAfter(this.tail, segment);
  }

  prepend(segment: SendSegment): void {
    this.insertAfter(null, segment);
  }

  /** Inserts behind `after`; null puts it first. */
  insertAfter(after: SendSegment | null, segment: SendSegment): void {
    const next = after === null ? this.head : after.next;
    segment.prev = after;
    segment.next = next;
    segment.list = this;
    if (after === null) this.head = segment;
    else after.next = segment;
    if (next === null) this.tail = segment;
    else next.prev = segment;
    this.size++;
  }

  remove(segment: SendSegment): void {
    if (segment.prev === null) this.head = segment.next;
    else segment.prev.next = segment.next;
    if (segment.next === null) this.tail = segment.prev;
    else segment.next.prev = segment.prev;
    segment.next = null;
    segment.prev = null;
    segment.list = null;
    this.size--;
  }
}

/** In flight, ordered by last transmission time; RACK walks it from the oldest. */
export class TransmissionTimeList {
  head: SendSegment | null = null;
  tail: SendSegment | null = null;

  /** Puts the segment at the young end (moving it when it is already on the list). */
  append(segment: SendSegment): void {
    this.remove(segment);
    segment.timePrev = this.tail;
    segment.timeNext = null;
    if (this.tail === null) this.head = segment;
    else this.tail.timeNext = segment;
    this.tail = segment;
    segment.onTimeList = true;
  }

  /** Puts `segment` right behind `after`, which is on the list: both were sent at the same time. */
  insertAfter(after: SendSegment, segment: SendSegment): void {
    segment.timePrev = after;
    segment.timeNext = after.timeNext;
    if (after.timeNext === null) this.tail = segment;
    else after.timeNext.timePrev = segment;
    after.timeNext = segment;
    segment.onTimeList = true;
  }

  remove(segment: SendSegment): void {
    if (!segment.onTimeList) return;
    if (segment.timePrev === null) this.head = segment.timeNext;
    else segment.timePrev.timeNext = segment.timeNext;
    if (segment.timeNext === null) this.tail = segment.timePrev;
    else segment.timeNext.timePrev = segment.timePrev;
    segment.timeNext = null;
    segment.timePrev = null;
    segment.onTimeList = false;
  }
}
