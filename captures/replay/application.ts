// What the application on the recorded host did, as far as its packets tell: when it wrote how much, when it closed.
// A write ends where the sender pushed (Linux marks the last segment of a write), or where it fell silent without
// being kept from sending; all bytes of a write were there when its first left.

import { TCP_ACK, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import type { Direction } from '../streams/conversation.js';
import { distanceTo } from './distance.js';
import { type Pacing, pacingOf } from './pacing.js';
import { carriesData, type RecordedPacket, type RecordedSegment, type Recording } from './recording.js';

export type AppAction =
  /** `made`: bytes that the capture lacks though the peer acknowledged them; zeros stand for them. */
  | { readonly kind: 'write'; readonly bytes: Uint8Array; readonly more: boolean; readonly made: boolean }
  | { readonly kind: 'shutdown' }
  | { readonly kind: 'close' }
  | { readonly kind: 'abort' };

export interface TimedAction {
  /** µs since the conversation's first packet. */
  readonly time: number;
  /** Index in `recording.packets` before which it happened. */
  readonly before: number;
  readonly action: AppAction;
}

export interface Application {
  readonly actions: readonly TimedAction[];
  /** Everything that it wrote. */
  readonly bytes: Uint8Array;
  /** Bytes of it that the capture lacks. */
  readonly made: number;
  /** Acknowledgments of what was never sent, by index of the packet. */
  readonly lies: ReadonlySet<number>;
}

/** A pause without an ACK that a sender with more to say does not make. */
const SILENCE = 5_000;
/** What follows within this was there already. µs */
const AT_ONCE = 500;
/** As `AT_ONCE` behind an acknowledgment that the host got some way off, where it had waited for one. µs */
const AT_ONCE_FAR = 4_000;
/** The least retransmission timeout (Linux's TCP_RTO_MIN). µs */
const RTO_MIN = 200_000;
/** Segments that a sender may have in flight at the beginning (RFC 6928). */
const INITIAL_WINDOW = 10;
/** A hole larger than this in front of an acknowledgment is a lie rather than a loss. */
export const MOST_LOST = 1 << 20;

const isData = (p: RecordedPacket | undefined, side: Direction): p is RecordedSegment =>
  p?.kind === 'tcp' && p.direction === side && carriesData(p);

/** Where a segment's payload begins. */
export const dataStart = (p: RecordedSegment): number => p.seq + (p.segment.flags & TCP_SYN ? 1 : 0);

export function applicationOf(recording: Recording, side: Direction): Application {
  return new Derivation(recording, side).run();
}

class Derivation {
  private readonly packets: readonly RecordedPacket[];
  private readonly side: Direction;
  private readonly actions: TimedAction[] = [];
  private readonly lies = new Set<number>();
  private readonly content: Uint8Array;
  /** 1 for each byte of `content` that the capture has. */
  private readonly seen: Uint8Array;
  /** First number that no write covers yet; first that was not sent yet. */
  private written = 1;
  private high = 1;
  private ended = false;
  /** The window that the peer last offered was 0. */
  private shut = false;
  private made = 0;
  /** The highest number that this side reaches in the whole capture. */
  private readonly reach: number;
  /** Payload of a full segment. */
  private readonly mss: number;
  private readonly away: number;
  private readonly pacing: Pacing | null;
  /** What the peer had acknowledged and the end of its window at each time that either changed. */
  /** From this time on something told the sender to slow down. */
  private readonly slowed: number;
  private readonly heard: { readonly time: number; readonly acked: number; readonly edge: number }[];

  constructor(recording: Recording, side: Direction) {
    this.packets = recording.packets;
    this.side = side;
    this.reach = this.packets.reduce(
      (most, p) => (isData(p, side) ? Math.max(most, dataStart(p) + p.segment.length) : most),
      1,
    );
    this.mss = fullSegment(recording, side);
    this.away = distanceTo(recording, side);
    this.pacing = pacingOf(recording, side, this.mss);
    this.heard = windows(recording, side);
    this.slowed = slowedAt(recording, side);
    this.content = new Uint8Array(Math.max(0, this.reach - 1) + MOST_LOST);
    this.seen = new Uint8Array(this.content.length);
  }

  run(): Application {
    // Bytes first, so that a write can look ahead; backwards, so that what was sent first stands.
    for (let i = this.packets.length - 1; i >= 0; i--) {
      const p = this.packets[i];
      const at = isData(p, this.side) ? dataStart(p) - 1 : -1;
      if (at < 0) continue;
      const { payload, length } = (p as RecordedSegment).segment;
      this.content.set(payload, at);
      this.seen.fill(1, at, at + length);
    }
    this.packets.forEach((p, i) => {
      if (p.kind === 'icmp') return;
      if (p.direction === this.side) this.own(p, i);
      else this.peer(p, i);
    });
    return {
      actions: this.actions,
      bytes: this.content.slice(0, this.written - 1),
      made: this.made,
      lies: this.lies,
    };
  }

  private own(p: RecordedSegment, i: number): void {
    const { flags } = p.segment;
    if (flags & TCP_RST) {
      if (!this.ended && (this.high > 1 || this.actions.length > 0 || p.seq > 0))
        this.act(p.time, i, { kind: 'abort' });
      this.ended = true;
      return;
    }
    if (isData(p, this.side)) {
      const end = dataStart(p) + p.segment.length;
      if (end > this.written) this.write(p, i, end);
      this.high = Math.max(this.high, end);
    }
    if (p.end === p.seq && p.seq === this.written - 1 && this.shut) this.waiting(p, i);
    if (flags & TCP_FIN && !this.ended) {
      const end = dataStart(p) + p.segment.length;
      // What it says to have sent before its end, though the capture lacks that.
      if (end > this.written && end - this.written <= MOST_LOST) this.make(p.time, i, end);
      this.ended = true;
      // With data in front of it in the same segment, it had been queued behind a write that was still waiting.
      this.act(p.time, i, { kind: this.resetsLater(i) ? 'close' : 'shutdown' });
    }
  }

  /** A probe of a shut window (RFC 9293 section 3.8.6.1): what goes out when it opens was written a timeout ago. */
  private waiting(p: RecordedSegment, i: number): void {
    const next = this.packets.findIndex((q, j) => j > i && isData(q, this.side) && q.end > this.written);
    const data = this.packets[next];
    if (!isData(data, this.side) || dataStart(data) !== this.written) return;
    const again = this.packets.find((q, j) => j > i && j < next && q.direction === this.side);
    // The second probe comes after two timeouts.
    const timeout = again ? (again.time - p.time) / 2 : RTO_MIN;
    this.write(data, next, dataStart(data) + data.segment.length, { time: p.time - timeout, before: i });
  }

  /** @param made when it was made, where that is not when its first segment left */
  private write(
    p: RecordedSegment,
    i: number,
    end: number,
    made: { readonly time: number; readonly before: number } = { time: p.time, before: i },
  ): void {
    const { to, last } = this.lookAhead(p, i, end);
    // Data that waits for the FIN without a push was held back by its writer (MSG_MORE); with one it had no room yet.
    const both = (last.segment.flags & TCP_FIN) !== 0;
    const more = both && (last.segment.flags & TCP_PSH) === 0;
    const bytes = this.content.subarray(this.written - 1, to - 1);
    this.made += this.unseen(this.written, to);
    this.act(made.time, made.before, { kind: 'write', bytes, more, made: false });
    this.written = to;
    if (both && !this.ended) {
      this.ended = true;
      this.act(made.time, made.before, { kind: this.resetsLater(i) ? 'close' : 'shutdown' });
    }
  }

  /** The segments behind this one that the same write put out. */
  private lookAhead(p: RecordedSegment, i: number, end: number): { to: number; last: RecordedSegment } {
    let to = end;
    let last = p;
    /** When the peer was last heard since `last`, -1: not; whether it said more than an ACK. */
    let heard = -1;
    let spoke = false;
    for (let j = i + 1; j < this.packets.length; j++) {
      const q = this.packets[j]!;
      if (q.direction !== this.side) {
        heard = q.time;
        spoke ||= q.kind === 'tcp' && q.segment.length > 0;
        continue;
      }
      if (!isData(q, this.side) || dataStart(q) < to) continue;
      const gap = q.time - last.time;
      if (dataStart(q) > to && (gap > AT_ONCE || !this.lostBefore(to, dataStart(q)))) continue;
      const paced = this.pacing !== null && !spoke && this.full(last) && gap <= this.pacing.longest;
      if (heard < 0 && gap > SILENCE && !paced) break;
      const { flags } = last.segment;
      if (flags & TCP_FIN) break;
      if (flags & TCP_PSH && !paced) {
        // Linux pushes in the middle of a large write as well, at the end of a full segment; what it had no room for
        // follows at once, or as soon as an ACK makes room.
        const kept = this.keptBack(last);
        const atOnce = kept && this.away > 0 ? AT_ONCE_FAR : AT_ONCE;
        const prompt = heard < 0 ? gap <= AT_ONCE : q.time - heard - this.away <= atOnce;
        if (spoke || !(kept || this.full(last)) || !prompt || (heard >= 0 && this.hadRoom(last))) break;
      }
      to = dataStart(q) + q.segment.length;
      last = q;
      heard = -1;
    }
    return { to, last };
  }

  /** Bytes that the capture has at another place: some way off it saw only that they were sent again. */
  private lostBefore(from: number, to: number): boolean {
    return this.away > 0 && this.unseen(from, to) === 0;
  }

  /** Behind this segment the peer's window was full, or as much in flight as a sender begins with. */
  private keptBack(p: RecordedSegment): boolean {
    const end = dataStart(p) + p.segment.length;
    const known = this.heard.findLast(({ time }) => time <= p.time - this.away);
    if (known === undefined) return false;
    return end - known.acked >= INITIAL_WINDOW * this.mss || known.edge - end < this.mss;
  }

  /**
   * Behind this segment, on the host's own machine, neither window kept anything back: slow start had opened a third more, which
   * Linux does not leave for the next ACK (`tcp_tso_win_divisor`).
   */
  private hadRoom(p: RecordedSegment): boolean {
    const end = dataStart(p) + p.segment.length;
    const known = this.heard.findLast(({ time }) => time <= p.time);
    if (known === undefined || this.away > 0 || p.time >= this.slowed) return false;
    const window = INITIAL_WINDOW * this.mss + known.acked - 1;
    return end - known.acked <= (window * 2) / 3 && known.edge - end >= this.mss;
  }

  private full(p: RecordedSegment): boolean {
    return p.segment.length >= Math.max(this.mss, LEAST_FULL) && p.segment.length % this.mss === 0;
  }

  /** The peer's acknowledgment of what was never seen: the capture lost it, or the peer lies. */
  private peer(p: RecordedSegment, i: number): void {
    if (p.segment.flags & TCP_ACK) this.shut = p.segment.window === 0;
    // The first thing there is to acknowledge is our SYN.
    if (p.segment.flags & TCP_ACK && p.ack < 1) this.lies.add(i);
    const sent = Math.max(this.high, this.written) + (this.ended ? 1 : 0);
    if (p.ack <= sent || p.segment.flags & TCP_RST) return;
    const bytes = p.ack - this.written;
    if (bytes > MOST_LOST || this.contradicted(p, i)) {
      this.lies.add(i);
      return;
    }
    this.make(p.time, i, p.ack);
    this.high = Math.max(this.high, p.ack);
  }

  /** Bytes that nobody has seen this side send are written all the same. */
  private make(time: number, i: number, to: number): void {
    this.made += this.unseen(this.written, to);
    const bytes = this.content.subarray(this.written - 1, to - 1);
    this.act(time, i, { kind: 'write', bytes, more: false, made: true });
    this.written = to;
  }

  /** This side goes on below what it would have sent. */
  private contradicted(p: RecordedSegment, i: number): boolean {
    for (let j = i + 1; j < this.packets.length; j++) {
      const q = this.packets[j]!;
      if (q.kind === 'icmp' || q.direction !== this.side || q.segment.flags & TCP_RST) continue;
      // Captures may have packets of the same moment in the wrong order.
      if (isData(q, this.side) && dataStart(q) < p.ack && dataStart(q) >= this.high)
        return q.time - p.time > 2_000;
      if (q.segment.length === 0 && q.seq < p.ack && q.seq >= this.high) return true;
    }
    // Or the peer itself takes it back.
    return this.packets
      .slice(i + 1)
      .some((q) => q.kind === 'tcp' && q.direction !== this.side && q.ack >= this.high && q.ack < p.ack);
  }

  private resetsLater(i: number): boolean {
    return this.packets
      .slice(i)
      .some((q) => q.kind === 'tcp' && q.direction === this.side && (q.segment.flags & TCP_RST) !== 0);
  }

  private unseen(from: number, to: number): number {
    let count = 0;
    for (let i = from - 1; i < to - 1; i++) if (!this.seen[i]) count++;
    return count;
  }

  private act(time: number, before: number, action: AppAction): void {
    this.actions.push({ time, before, action });
  }
}

/** When this side first sent anything twice or heard of congestion: then its window is less than slow start made it. */
function slowedAt({ packets }: Recording, side: Direction): number {
  let high = 0;
  const sign = packets.find((p) => {
    if (p.kind === 'tcp' && p.direction !== side && !(p.segment.flags & TCP_SYN))
      return (p.segment.flags & TCP_ECE) !== 0;
    if (!isData(p, side)) return false;
    const again = p.seq < high;
    high = Math.max(high, p.end);
    return again;
  });
  return sign?.time ?? Number.POSITIVE_INFINITY;
}

/** How far the peer's acknowledgments and its window reach, each time that either moves on. */
function windows(recording: Recording, side: Direction) {
  const list: { time: number; acked: number; edge: number }[] = [];
  const shifts: [number | null, number | null] = [null, null];
  for (const p of recording.packets) {
    if (p.kind !== 'tcp') continue;
    const syn = (p.segment.flags & TCP_SYN) !== 0;
    if (syn) shifts[p.direction] = p.options.wscale;
    if (p.direction === side || p.ack < 0) continue;
    const shift = syn || (shifts[side] ?? -1) < 0 ? 0 : Math.max(0, shifts[1 - side] ?? 0);
    // The handshake tells what a window counts in.
    const opened = syn || shifts.every((known) => known !== null);
    const edge = opened ? p.ack + p.segment.window * 2 ** shift : Number.POSITIVE_INFINITY;
    const last = list.at(-1);
    if (last && p.ack <= last.acked && edge <= last.edge) continue;
    list.push({
      time: p.time,
      acked: Math.max(p.ack, last?.acked ?? 0),
      edge: Math.max(edge, last?.edge ?? 0),
    });
  }
  return list;
}

/** Data of a full segment on the narrowest path that Linux believes in, 552 bytes (net.ipv4.route.min_pmtu). */
export const LEAST_FULL = 500;

/** What the peer's MSS leaves for data behind the options; where no segment was so large, the largest. */
export function fullSegment(recording: Recording, side: Direction): number {
  const { most, room } = segmentSizes(recording, side);
  return Math.min(most, room);
}

/** The largest segment that was sent, and the largest that the peer's MSS allows (infinite: it was not captured). */
function segmentSizes(recording: Recording, side: Direction): { most: number; room: number } {
  let most = 1;
  let offered = Number.POSITIVE_INFINITY;
  let stamps = 0;
  for (const p of recording.packets) {
    if (p.kind === 'icmp') continue;
    if (isData(p, side)) {
      most = Math.max(most, p.segment.length);
      if (p.options.hasTimestamps) stamps = 12;
    }
    if (p.direction !== side && p.options.mss > 0) offered = p.options.mss;
  }
  return { most, room: offered - stamps };
}

/** Whether this side sent a small segment while an earlier small one was not acknowledged: Nagle's algorithm was off. */
export function withoutNagle(recording: Recording, side: Direction): boolean {
  const { most, room } = segmentSizes(recording, side);
  const mss = Number.isFinite(room) ? room : most;
  let small = 0;
  let high = 0;
  for (const p of recording.packets) {
    if (p.kind === 'icmp') continue;
    if (p.direction !== side) {
      if (p.ack >= small) small = 0;
      continue;
    }
    if (!isData(p, side) || p.end <= high) continue;
    const end = dataStart(p) + p.segment.length;
    if (p.segment.length % mss !== 0) {
      if (small > 0 && (p.segment.flags & TCP_FIN) === 0) return true;
      small = end;
    }
    high = end;
  }
  return false;
}
