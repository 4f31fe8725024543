// In which order the recorded host met its packets, for a capture that was taken some way off. There the peer's packets
// pass before they arrive, and the host's after they have left; how long the way was varies from packet to packet. But
// every packet of a host acknowledges all that it has in order (RFC 9293 section 3.4): that tells between which packets of
// the peer it was sent. And what the peer sent again without any sign of its arrival had been lost behind the capture.

import { TCP_RST } from '../../stack/wire/tcp.js';
import type { RecordedPacket, RecordedSegment, Recording } from '../replay/recording.js';
import type { Direction } from '../streams/conversation.js';

/** How much longer or shorter than the handshake's another packet's way may be. µs */
const JITTER = 4_000;
/** SACK blocks that fit beside a timestamp. */
const MOST_BLOCKS = 3;

export interface HostOrder {
  /** By index of a packet of the host: the peer's packet behind which it was sent (-1: none), and when. */
  readonly sent: ReadonlyMap<number, { readonly behind: number; readonly time: number }>;
  /** Indices of the peer's packets that never arrived. */
  readonly lost: ReadonlySet<number>;
}

/** @param away µs from the host to the place of the capture and back */
export function hostOrder(recording: Recording, side: Direction, away: number): HostOrder {
  const lost = lostBehind(recording, side, away);
  const { peers, reached } = arrivals(recording, side, lost);
  const { packets } = recording;
  const sent = new Map<number, { behind: number; time: number }>();
  /** What the host has acknowledged in the end: it all arrived. */
  const most = packets.reduce(
    (n, p) => (p.kind === 'tcp' && p.direction === side ? Math.max(n, p.ack) : n),
    0,
  );
  const late = lateness(recording, side);
  let slot = -1;
  let previous: RecordedSegment | null = null;
  // What was sent before anything came had the way to the capture in front of it: before its first moment.
  let last = -away;
  packets.forEach((p, i) => {
    if (p.kind !== 'tcp' || p.direction !== side) return;
    const wanted = p.time - away - late(p);
    // The last of the peer's packets that this one tells of, and the first beyond.
    const least = toldBy(p, i, { recording, side, peers, reached });
    const beyond = p.ack >= 0 ? reached.findIndex((end) => end > p.ack) : -1;
    const timeOf = (k: number): number => packets[peers[k]!]!.time;
    let k = slot;
    while (k + 1 < peers.length && timeOf(k + 1) <= wanted) k++;
    if (beyond >= 0 && k >= beyond && (wanted - timeOf(beyond) < JITTER || reached[beyond]! <= most))
      k = beyond - 1;
    const idle = previous !== null && repeats(p, previous) && Math.max(k, least) <= slot;
    // What says nothing new answers something: the packet that came next.
    const cause = slot + 1 < peers.length && peers[slot + 1]! < i && timeOf(slot + 1) - wanted < JITTER;
    slot = idle && cause ? slot + 1 : Math.max(k, least, slot);
    previous = p;
    const until = slot + 1 < peers.length ? timeOf(slot + 1) : Number.POSITIVE_INFINITY;
    last = Math.max(last, slot < 0 ? -away : timeOf(slot), Math.min(wanted, until));
    sent.set(i, { behind: slot < 0 ? -1 : peers[slot]!, time: last });
  });
  return { sent, lost };
}

/**
 * How much longer than the others' a packet's way to the capture was, by the timestamp of its sending: where that counts
 * milliseconds as Linux's does, which most packets have to agree on. µs; 0 within the jitter
 */
function lateness({ packets }: Recording, side: Direction): (p: RecordedSegment) => number {
  let first: number | undefined;
  const behind = (p: RecordedSegment): number => {
    first ??= p.options.tsVal;
    return p.time - ((p.options.tsVal - first) | 0) * 1000;
  };
  const all = packets
    .filter((p): p is RecordedSegment => p.kind === 'tcp' && p.direction === side && p.options.hasTimestamps)
    .map(behind)
    .sort((a, b) => a - b);
  const usual = all[all.length >> 1] ?? 0;
  if (all.length === 0 || usual - all[0]! > JITTER) return () => 0;
  return (p) => {
    const more = p.options.hasTimestamps ? behind(p) - usual : 0;
    return more > JITTER ? more : 0;
  };
}

/** A bare ACK with the window of the packet in front of it. */
const repeats = (p: RecordedSegment, previous: RecordedSegment): boolean =>
  p.end === p.seq && p.ack === previous.ack && p.segment.window === previous.segment.window;

interface Arrivals {
  readonly recording: Recording;
  readonly side: Direction;
  readonly peers: readonly number[];
  readonly reached: readonly number[];
}

/** The last of the arrivals in front of packet `i` without which the host could not have said this; -1: none. */
function toldBy(p: RecordedSegment, i: number, { recording, side, peers, reached }: Arrivals): number {
  const before = (k: number): boolean => peers[k]! < i;
  let least = p.ack > 0 ? reached.findIndex((end, k) => end >= p.ack && before(k)) : -1;
  // Data and FIN wait for the handshake's end, which the peer's first acknowledgment is.
  if (p.seq > 0 && p.end > p.seq) {
    const opened = peers.findIndex((index, k) => before(k) && acknowledges(recording.packets[index]!));
    least = Math.max(least, opened);
  }
  // Its echo is the timestamp of one that had arrived (RFC 7323 section 4.3).
  if (p.options.hasTimestamps && p.ack > 0) {
    const echoed = peers.findIndex(
      (index, k) => before(k) && stampOf(recording.packets[index]!) === p.options.tsEcr,
    );
    least = Math.max(least, echoed);
  }
  const base = recording.isn[1 - side]!;
  for (let block = 0; block < p.options.sackCount; block++) {
    const right = (p.options.sack[2 * block + 1]! - base) | 0;
    const ends = (index: number, k: number): boolean =>
      before(k) && endOf(recording.packets[index]!) === right;
    // A block below the acknowledgment tells of a duplicate (RFC 2883).
    const piece = right <= p.ack ? peers.findLastIndex(ends) : peers.findIndex(ends);
    least = Math.max(least, piece);
  }
  return least;
}

const acknowledges = (p: RecordedPacket): boolean => p.kind === 'tcp' && p.ack >= 1;
const stampOf = (p: RecordedPacket): number =>
  p.kind === 'tcp' && p.options.hasTimestamps ? p.options.tsVal : -1;
/** What a block can name the end of: data, a SYN or a FIN. */
const endOf = (p: RecordedPacket): number => (p.kind === 'tcp' && p.end > p.seq ? p.end : -1);

/** The peer's packets that arrive, and how far its data reaches without a hole after each. */
function arrivals(recording: Recording, side: Direction, lost: ReadonlySet<number>) {
  const peers: number[] = [];
  const reached: number[] = [];
  let pieces: [number, number][] = [];
  let end = 0;
  recording.packets.forEach((p, i) => {
    if (p.kind !== 'tcp' || p.direction === side || lost.has(i)) return;
    if (!(p.segment.flags & TCP_RST)) pieces.push([p.seq, p.end]);
    for (let moved = true; moved; ) {
      const next = pieces.filter(([from, to]) => from <= end && to > end);
      moved = next.length > 0;
      for (const [, to] of next) end = Math.max(end, to);
      pieces = pieces.filter(([, to]) => to > end);
    }
    peers.push(i);
    reached.push(end);
  });
  return { peers, reached };
}

/** The least MTU that a router told the peer of: nothing larger came through. */
function narrowest({ packets, ipv6 }: Recording, side: Direction): number {
  let mtu = Number.POSITIVE_INFINITY;
  for (const p of packets) {
    if (p.kind !== 'icmp' || p.direction === side) continue;
    const { type, code, rest } = p.message;
    if (ipv6 ? type === 2 : type === 3 && code === 4) mtu = Math.min(mtu, ipv6 ? rest : rest & 0xffff);
  }
  return mtu;
}

function lostBehind(recording: Recording, side: Direction, away: number): Set<number> {
  const { packets } = recording;
  const lost = new Set<number>();
  const mtu = narrowest(recording, side);
  packets.forEach((p, i) => {
    if (p.kind !== 'tcp' || p.direction === side || p.end === p.seq) return;
    if (p.segment.length + (recording.ipv6 ? 60 : 40) > mtu) {
      lost.add(i);
      return;
    }
    const again = packets.findIndex(
      (q, j) => j > i && q.kind === 'tcp' && q.direction !== side && q.seq <= p.seq && q.end >= p.end,
    );
    if (again < 0) return;
    // The acknowledgment's echo tells which of two it answers (RFC 7323 section 4.3).
    const answer = packets.find(
      (q): q is RecordedSegment =>
        q.kind === 'tcp' && q.direction === side && q.time > p.time && covers(q, p, recording, side),
    );
    const copy = packets[again] as RecordedSegment;
    const stamps = p.options.hasTimestamps && copy.options.hasTimestamps;
    if (stamps && copy.options.tsVal !== p.options.tsVal) {
      if (answer?.options.tsEcr === copy.options.tsVal) lost.add(i);
      if (answer?.options.tsEcr === copy.options.tsVal || answer?.options.tsEcr === p.options.tsVal) return;
    }
    // A duplicate that the host tells of had a first (RFC 2883).
    if (
      packets.some(
        (q, j) => j > again && q.kind === 'tcp' && q.direction === side && toldTwice(q, p, recording),
      )
    )
      return;
    // A sign of the first that could not come from the second yet.
    const until = packets[again]!.time + away * 0.9;
    const seen = packets.some(
      (q, j) =>
        j > i && q.kind === 'tcp' && q.direction === side && q.time < until && covers(q, p, recording, side),
    );
    if (!seen) lost.add(i);
  });
  return lost;
}

/** Whether the first block of `own`, below its acknowledgment, says that `p` came twice. */
function toldTwice(own: RecordedSegment, p: RecordedSegment, recording: Recording): boolean {
  const { sack, sackCount } = own.options;
  const base = recording.isn[p.direction]!;
  const right = sackCount > 0 ? (sack[1]! - base) | 0 : 0;
  return right > 0 && right <= own.ack && ((sack[0]! - base) | 0) <= p.seq && right >= p.end;
}

/** Whether `own` acknowledges `p`, in order or selectively. */
export function covers(
  own: RecordedSegment,
  p: RecordedSegment,
  recording: Recording,
  side: Direction,
): boolean {
  if (own.ack >= p.end) return true;
  const base = recording.isn[1 - side]!;
  for (let i = 0; i < own.options.sackCount; i++) {
    const left = (own.options.sack[2 * i]! - base) | 0;
    const right = (own.options.sack[2 * i + 1]! - base) | 0;
    if (left <= p.seq && right >= p.end) return true;
  }
  return false;
}

/**
 * Whether `own` shows that `p` had not arrived when it was sent: an acknowledgment tells of all that is there, in order and
 * behind holes, as far as its blocks go round (three beside a timestamp, RFC 2018 section 3).
 */
export function denies(
  own: RecordedSegment,
  p: RecordedSegment,
  recording: Recording,
  side: Direction,
): boolean {
  if (own.ack < 0 || own.ack >= p.end || covers(own, p, recording, side)) return false;
  const { sack, sackCount } = own.options;
  if (p.seq <= own.ack) return true;
  if (sackCount > 0 && sackCount < MOST_BLOCKS) return true;
  const base = recording.isn[1 - side]!;
  for (let i = 0; i < sackCount; i++) if (((sack[2 * i]! - base) | 0) >= p.end) return true;
  return false;
}
