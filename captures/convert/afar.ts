// The events of a script as the host met them, where the capture was taken some way off and the order that its packets tell of
// leaves something open.

import { TCP_CWR, TCP_ECE, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import type { Situation } from '../replay/situation.js';
import { covers, denies } from './order.js';
import { isAccurate } from './settings.js';
import type { TimelineEvent } from './timeline.js';

/** @param away µs from the host to the place of the capture and back */
export function fromAfar(
  events: readonly TimelineEvent[],
  situation: Situation,
  away: number,
): TimelineEvent[] {
  const met = asLateAsMayBe(overtaken(events, situation), away);
  const answered = answeredAtOnce(withLostAnswers(met));
  return isAccurate(situation) ? answered : withMarks(answered);
}

/**
 * Packets of the peer that others overtook behind the capture: each to where the host first tells of it. One that was sent
 * again before that never arrived.
 */
function overtaken(events: readonly TimelineEvent[], { recording, side }: Situation): TimelineEvent[] {
  const list = [...events];
  for (const event of events) {
    if (event.kind !== 'in') continue;
    const p = event.packets[0]!;
    if (p.end === p.seq) continue;
    const at = list.indexOf(event);
    const tells = (e: TimelineEvent, i: number): boolean =>
      i > at && e.kind === 'out' && covers(e.packets[0]!, p, recording, side);
    const told = list.findIndex(tells);
    const until = told < 0 ? list.length : told;
    const denied = list.findLastIndex(
      (e, i) => i > at && i < until && e.kind === 'out' && denies(e.packets[0]!, p, recording, side),
    );
    if (denied < 0) continue;
    list.splice(at, 1);
    const again = (e: TimelineEvent, i: number): boolean =>
      i >= at && i < until - 1 && e.kind === 'in' && e.packets[0]!.seq <= p.seq && e.packets[0]!.end >= p.end;
    if (told < 0 || list.some(again)) continue;
    let to = told - 1;
    while (list[to - 1]?.kind === 'act') to--;
    list.splice(to, 0, { ...event, time: Math.max(event.time, list[denied - 1]!.time) });
  }
  return list;
}

/** The shortest that a delayed ACK is put off (Linux's TCP_DELACK_MIN). µs */
const LEAST_DELAY = 40_000;

/**
 * What is answered by nothing but an ACK, sooner than a delayed one comes, or by one that never waits (a handshake, a hole):
 * it came when the answer left, and was held up on its way from the capture.
 */
function answeredAtOnce(events: readonly TimelineEvent[]): TimelineEvent[] {
  const list = [...events];
  for (let i = 1; i < list.length; i++) {
    const answer = list[i]!;
    const asked = list[i - 1]!;
    if (answer.kind !== 'out' || asked.kind !== 'in' || answer.time <= asked.time) continue;
    const p = answer.packets[0]!;
    const syn = (asked.packets[0]!.segment.flags | p.segment.flags) & TCP_SYN;
    const bare = p.end === p.seq;
    const soon = answer.time - asked.time < LEAST_DELAY;
    if (syn || (bare && (soon || p.options.sackCount > 0))) list[i - 1] = { ...asked, time: answer.time };
  }
  return list;
}

/** How far apart acknowledgments of one flight come. µs */
const FLIGHT = 4_000;

/**
 * Of a flight of acknowledgments, which one let which data go shows only at the host itself. What went out is expected
 * behind all of them: a script waits for it in this order, and its time may be a little later.
 */
function asLateAsMayBe(events: readonly TimelineEvent[], away: number): TimelineEvent[] {
  const list = [...events];
  for (let i = list.length - 2; i >= 0; i--) {
    const event = list[i]!;
    if (event.kind !== 'out') continue;
    const p = event.packets[0]!;
    if (p.end === p.seq || p.segment.flags & (TCP_SYN | TCP_RST)) continue;
    let to = i;
    for (let k = i + 1; k < list.length; k++) {
      const next = list[k]!;
      if (next.kind !== 'in' || next.time - event.time > Math.min(FLIGHT, away / 2)) break;
      const q = next.packets[0]!;
      const bare = q.end === q.seq && !(q.segment.flags & TCP_RST);
      if (!bare || q.ack >= p.end || (q.options.hasTimestamps && q.options.tsEcr === p.options.tsVal)) break;
      to = k;
    }
    if (to === i) continue;
    list.splice(i, 1);
    list.splice(to, 0, { ...event, time: Math.max(event.time, list[to - 1]!.time) });
  }
  return list;
}

/** An answer that is put off no longer than this (Linux's TCP_DELACK_MAX). µs */
const MOST_DELAY = 200_000;

/**
 * What the peer sent waits longer for its acknowledgment than any delayed one: the answer had been lost in front of the capture
 * and was sent again. Its first copy stands where its cause is.
 */
function withLostAnswers(events: readonly TimelineEvent[]): TimelineEvent[] {
  const list: TimelineEvent[] = [];
  let asked: TimelineEvent | null = null;
  for (const event of events) {
    if (event.kind === 'in' && event.packets[0]!.end > event.packets[0]!.seq) asked ??= event;
    const lost = asked !== null && event.kind === 'out' && event.time - asked.time > MOST_DELAY;
    const again = event.kind === 'out' && event.packets[0]!.end > event.packets[0]!.seq;
    const cause = list.findLastIndex((e) => e.kind !== 'act');
    if (lost && again && list[cause] === asked) {
      const early = asked!.time - event.time;
      const first = event.packets.map((p) => ({ ...p, time: p.time + early }));
      for (let i = cause + 1; i < list.length; i++) list[i] = { ...list[i]!, time: asked!.time };
      list.push({ ...event, time: asked!.time, packets: first });
    }
    if (event.kind === 'out') asked = null;
    list.push(event);
  }
  return list;
}

/** Congestion marks that a router behind the capture made: the host begins to echo them (RFC 3168 section 6.1.3). */
function withMarks(events: readonly TimelineEvent[]): TimelineEvent[] {
  const list = [...events];
  let echoing = false;
  list.forEach((event, i) => {
    if (event.kind !== 'out' || event.packets[0]!.segment.flags & TCP_SYN) return;
    const echoes = (event.packets[0]!.segment.flags & TCP_ECE) !== 0;
    const at = list.findLastIndex((e, k) => k < i && e.kind === 'in');
    const cause = list[at];
    // The peer's CWR ends an echo; one that goes on has met another mark.
    if (cause?.kind === 'in' && echoes && (!echoing || cause.packets[0]!.segment.flags & TCP_CWR)) {
      const packets = cause.packets.map((p) => ({ ...p, segment: { ...p.segment, tos: p.segment.tos | 3 } }));
      list[at] = { ...cause, packets };
    }
    echoing = echoes;
  });
  return list;
}
