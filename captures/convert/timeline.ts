// The events of a script in order: the recorded peer's packets, what the recorded host sent (neighbours that one write put
// on the wire at once are one line, as packetdrill compares them), and its application's calls. Times and order are those
// of the recorded host, also when the capture was taken elsewhere.

import { TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { type AppAction, fullSegment, LEAST_FULL } from '../replay/application.js';
import { distanceTo, roundTripOf } from '../replay/distance.js';
import type { RecordedIcmp, RecordedSegment } from '../replay/recording.js';
import type { PeerSegment, Situation } from '../replay/situation.js';
import type { Direction } from '../streams/conversation.js';
import { fromAfar } from './afar.js';
import { hostOrder } from './order.js';
import { Arrived, withReads } from './reads.js';
import { asTakenIn } from './taken-in.js';
import { beforeTimeouts } from './timers.js';
import { chosenBuffer, paces } from './told.js';

export type TimelineEvent =
  /** More than one: neighbours that came in one batch, as Linux's receive offload hands them up. */
  | { readonly kind: 'in'; readonly time: number; readonly packets: readonly RecordedSegment[] }
  | { readonly kind: 'made'; readonly time: number; readonly packet: PeerSegment }
  | { readonly kind: 'icmp'; readonly time: number; readonly message: RecordedIcmp }
  | { readonly kind: 'out'; readonly time: number; readonly packets: readonly RecordedSegment[] }
  | { readonly kind: 'act'; readonly time: number; readonly action: AppAction }
  | { readonly kind: 'read'; readonly time: number; readonly bytes: number };

/** Segments further apart than this were not sent by one push. µs */
const BURST = 1_000;
/** As `BURST`, where a timer of the host's own lies between two. µs */
const PACED_BURST = 100;
/** Segments that come in closer than this are taken in together. µs */
const BATCH = 60;
/** An application holds a socket no longer than this while it copies. µs */
const HELD = 10_000;
/** A super-packet with its headers fits in an IP packet. */
export const MOST_JOINED = 64_000;

export interface Timeline {
  readonly events: readonly TimelineEvent[];
  /** µs between the recorded host and the place of the capture and back, as far as the handshake tells. */
  readonly away: number;
}

export function timelineOf(situation: Situation): Timeline {
  const { recording, side, application, made, synthetic } = situation;
  const away = distanceTo(recording, side);
  const { sent, lost } = away > 0 ? hostOrder(recording, side, away) : { sent: null, lost: new Set() };
  // What the host did stands behind the peer's packet that it followed; on its own machine that is the capture's order.
  const events: { at: number; event: TimelineEvent }[] = [];
  const roundTrip = synthetic ? roundTripOf(recording) : 0;
  let next = 0;
  recording.packets.forEach((p, i) => {
    const own = p.kind === 'tcp' && p.direction === side;
    const moved = sent?.get(i);
    const time = moved?.time ?? p.time;
    const at = moved ? moved.behind + 0.5 : i;
    const put = (event: TimelineEvent): number => events.push({ at, event });
    for (const m of made.get(i) ?? [])
      put({ kind: 'made', time: m.flags === TCP_SYN ? time - roundTrip : time, packet: m });
    for (; application.actions[next] && application.actions[next]!.before <= i; next++) {
      const { action, time: recorded } = application.actions[next]!;
      put({ kind: 'act', time: time - (p.time - recorded), action });
    }
    if (p.kind === 'icmp') {
      if (p.direction === side) put({ kind: 'icmp', time, message: p });
    } else if (own) put({ kind: 'out', time, packets: [p] });
    else if (!lost.has(i) && !unheard(situation, i)) put({ kind: 'in', time, packets: [p] });
  });
  // Sorting is stable.
  const sorted = events.sort((a, b) => a.at - b.at).map(({ event }) => event);
  const met = away > 0 ? fromAfar(sorted, situation, away) : asTakenIn(sorted, situation);
  const arrived = synthetic ? withoutAnswersBefore(met) : met;
  return {
    events: withReads(beforeTimeouts(finsAnswered(joined(arrived, situation))), situation),
    away,
  };
}

/** ACKs in front of all that the peer says in a capture that begins in the middle: they answer what came before it. */
function withoutAnswersBefore(events: readonly TimelineEvent[]): TimelineEvent[] {
  const first = events.findIndex(({ kind }) => kind === 'in');
  return events.filter((event, i) => {
    if (i >= first || event.kind !== 'out') return true;
    const { seq, end, segment } = event.packets[0]!;
    return end > seq || (segment.flags & TCP_RST) !== 0;
  });
}

/** What the application may take to answer a FIN and still be the first to acknowledge it. µs */
const ANSWER = 30_000;

/**
 * A FIN that begins to be acknowledged by the application's own answer: at once, since a FIN's delayed ACK comes with the
 * kernel's next tick when no data came before (its timeout is still 0), and how far off that is no capture tells.
 */
function finsAnswered(events: readonly TimelineEvent[]): TimelineEvent[] {
  const list = [...events];
  for (let i = 0; i < list.length; i++) {
    const fin = list[i]!;
    if (fin.kind !== 'in' || !fin.packets.some((p) => p.segment.flags & TCP_FIN)) continue;
    const next = list.findIndex((e, k) => k > i && e.kind !== 'act');
    const answer = list[next];
    if (answer?.kind !== 'out' || next === i + 1 || answer.time - fin.time > ANSWER) continue;
    for (let k = i + 1; k <= next; k++) list[k] = { ...list[k]!, time: fin.time };
  }
  return list;
}

/** A good SYN-ACK in front of a repeated SYN: it went by the capture and did not arrive. */
function unheard({ recording, side }: Situation, i: number): boolean {
  const p = recording.packets[i]!;
  if (p.kind !== 'tcp' || !(p.segment.flags & TCP_SYN) || p.ack !== 1) return false;
  const own = recording.packets.slice(i + 1).filter((q) => q.kind === 'tcp' && q.direction === side);
  // The echoed timestamp tells of one that came while the SYN was on its way.
  const echo = own.find((q) => q.kind === 'tcp' && q.ack >= 1);
  if (p.options.hasTimestamps && echo?.kind === 'tcp' && echo.options.tsEcr === p.options.tsVal) return false;
  return own.some((q) => q.kind === 'tcp' && (q.segment.flags & TCP_SYN) !== 0 && q.ack < 0);
}

/** Numbers of the peer's that the recorded host named in an ACK or a SACK block: it met what is before and behind apart. */
function toldEdges({ recording, side }: Situation): {
  readonly edges: ReadonlySet<number>;
  readonly sack: boolean;
} {
  let sack = false;
  const edges = new Set<number>();
  const base = recording.isn[1 - side]!;
  for (const p of recording.packets) {
    if (p.kind !== 'tcp' || p.direction !== side) continue;
    edges.add(p.ack);
    sack ||= p.options.sackCount > 0;
    for (let i = 0; i < 2 * p.options.sackCount; i++) edges.add((p.options.sack[i]! - base) | 0);
  }
  return { edges, sack };
}

/** Puts together what one push put on the wire, and what came in one batch. */
function joined(events: readonly TimelineEvent[], situation: Situation): TimelineEvent[] {
  const told = toldEdges(situation);
  const full = fullSegment(situation.recording, situation.side);
  const fullIn = fullSegment(situation.recording, (1 - situation.side) as Direction);
  // Between two super-packets of a host that paces lies its timer: each has a line of its own, and PSH at its end.
  const paced = paces(situation);
  const burst = paced ? PACED_BURST : BURST;
  const arrived = new Arrived();
  const list: TimelineEvent[] = [];
  events.forEach((event, i) => {
    const before = list.at(-1);
    // Without SACK every segment behind a hole has an ACK of its own, which tells nothing of its place.
    const behindHole = event.kind === 'in' && event.packets[0]!.seq > arrived.end && !told.sack;
    if (event.kind === 'in' || event.kind === 'made') arrived.take(event);
    if (
      before !== undefined &&
      (event.kind === 'out' || event.kind === 'in') &&
      before.kind === event.kind &&
      !(event.kind === 'in' && (told.edges.has(event.packets[0]!.seq) || behindHole)) &&
      !endsWrite(before.packets.at(-1)!, event.kind === 'in' ? fullIn : paced ? Infinity : full) &&
      (continues(before.packets, event.packets[0]!, event.kind === 'in' ? BATCH : burst) ||
        (event.kind === 'in' && takenTogether(before.packets, event.packets[0]!, events, i)))
    )
      list[list.length - 1] = { ...before, packets: [...before.packets, ...event.packets] };
    else list.push(event);
  });
  return chosenBuffer(situation) > 0 ? apart(list) : list;
}

/**
 * In a small buffer, where the size of what comes in decides about ACKs (Linux's tcp_measure_rcv_mss and tcp_incr_quickack): one
 * by one again, unless one ACK answers all of them at once.
 */
function apart(events: readonly TimelineEvent[]): TimelineEvent[] {
  return events.flatMap((event, i): TimelineEvent[] => {
    if (event.kind !== 'in') return [event];
    const next = events.slice(i + 1).find(({ kind }) => kind !== 'act');
    const answered = next?.kind === 'out' && next.time - event.time < BURST;
    return answered ? [event] : event.packets.map((p) => ({ ...event, packets: [p] }));
  });
}

/**
 * Full segments that came one by one and were acknowledged at once, with the first one's timestamp (RFC 7323 section 4.3): the
 * application held the socket, which takes what waits for it in one go.
 */
function takenTogether(
  before: readonly RecordedSegment[],
  p: RecordedSegment,
  events: readonly TimelineEvent[],
  i: number,
): boolean {
  const first = before[0]!;
  const answer = events.find((e, k) => k > i && e.kind === 'out');
  if (answer?.kind !== 'out' || first.segment.length < LEAST_FULL || p.seq <= 0) return false;
  const { ack, options } = answer.packets[0]!;
  return (
    options.hasTimestamps &&
    options.tsEcr === first.options.tsVal &&
    options.tsEcr !== p.options.tsVal &&
    ack >= p.end &&
    inLine(before, p) &&
    p.time - first.time < HELD
  );
}

/** A small segment with a push is a write's last: what follows is another's. */
const endsWrite = ({ segment }: RecordedSegment, full: number): boolean =>
  (segment.flags & TCP_PSH) !== 0 && segment.length < full;

function continues(before: readonly RecordedSegment[], p: RecordedSegment, within: number): boolean {
  const last = before.at(-1)!;
  return (
    inLine(before, p) &&
    p.options.tsEcr === last.options.tsEcr &&
    (within !== BATCH || p.options.tsVal === last.options.tsVal) &&
    p.time - last.time <= within
  );
}

/** Could be one super-packet. */
function inLine(before: readonly RecordedSegment[], p: RecordedSegment): boolean {
  const first = before[0]!;
  const last = before.at(-1)!;
  const plain = (q: RecordedSegment): boolean =>
    q.segment.length > 0 && (q.segment.flags & (TCP_SYN | TCP_RST)) === 0 && q.options.sackCount === 0;
  if (!plain(last) || !plain(p) || last.segment.flags & TCP_FIN) return false;
  // Only the last of a run may be shorter than the others.
  if (last.segment.length !== first.segment.length || p.segment.length > first.segment.length) return false;
  if (p.end - first.seq > MOST_JOINED || p.segment.tos !== first.segment.tos) return false;
  // Bits that the runner compares in the middle of a run, too.
  const bits = ~(TCP_FIN | TCP_PSH);
  return p.seq === last.end && p.ack === last.ack && (p.segment.flags & bits) === (last.segment.flags & bits);
}
