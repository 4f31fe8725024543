// Whether a recorded host paced its packets as BBR does, which Linux lets the connection itself do: full segments go out a
// while after those in front of them, though neither a window nor the program kept them, as long as the rate says that the
// handshake's round trip gave (2.885 times ten segments a round trip, less one hundredth, Linux's bbr_init_pacing_rate_from_rtt).

import { TCP_ACK, TCP_SYN } from '../../stack/wire/tcp.js';
import type { Direction } from '../streams/conversation.js';
import { distanceTo, roundTripOf } from './distance.js';
import { carriesData, type RecordedSegment, type Recording } from './recording.js';

/** What is closer than this left together. µs */
const TOGETHER = 500;
/** Pauses shorter than this tell nothing: machines make them by themselves. µs */
const LEAST_PAUSE = 600;
/** How much later than its timer a packet may be. µs */
const LATE = 100;
const GAIN = 2.885 * 0.99;
const INITIAL_WINDOW = 10;
/** A pause of a later rate, beside one of the first: BBR drains at 1 / 2.885 of what it measures. */
const SLOWEST = 4;

export interface Pacing {
  /** µs that two full segments keep those behind them waiting at the most. */
  readonly longest: number;
}

/** @param mss payload of a full segment. null: nothing tells of pacing */
export function pacingOf(recording: Recording, side: Direction, mss: number): Pacing | null {
  const trip = tripOf(recording, side);
  if (trip <= 0) return null;
  const perByte = trip / (GAIN * INITIAL_WINDOW * mss);
  const bursts = burstsOf(recording, side, mss);
  // Behind a pause the first packet counts half (Linux's tcp_update_skb_after_send).
  let whole = 0;
  let half = 0;
  bursts.forEach((burst, i) => {
    const before = bursts[i - 1];
    if (before === undefined || before.length % mss !== 0) return;
    if (before.end !== burst.seq && !burst.alone) return;
    const due = before.length * perByte;
    const pause = burst.time - before.time;
    if (is(pause, due)) whole++;
    else if (is(pause, due / 2)) half++;
  });
  const paced = whole > 1 || (whole === 1 && half > 0);
  return paced ? { longest: SLOWEST * 2 * mss * perByte } : null;
}

const is = (pause: number, due: number): boolean =>
  due >= LEAST_PAUSE && pause >= due * 0.97 && pause <= due * 1.03 + LATE;

/** The handshake's round trip as the host measured it. µs; 0: not captured */
function tripOf(recording: Recording, side: Direction): number {
  if (distanceTo(recording, side) > 0) return roundTripOf(recording);
  let asked = -1;
  for (const p of recording.packets) {
    if (p.kind !== 'tcp') continue;
    const syn = (p.segment.flags & TCP_SYN) !== 0;
    if (p.direction === side && syn) asked = p.time;
    else if (p.direction !== side && p.segment.flags & TCP_ACK && p.ack === 1)
      return asked < 0 ? 0 : p.time - asked;
  }
  return 0;
}

interface Burst {
  readonly time: number;
  /** Nothing came shortly before it that could have caused it. */
  readonly alone: boolean;
  readonly seq: number;
  end: number;
  length: number;
}

/** What the host sent at once, repetitions among it, which are paced as well. */
function burstsOf({ packets }: Recording, side: Direction, mss: number): Burst[] {
  const list: Burst[] = [];
  let last: RecordedSegment | null = null;
  let heard = Number.NEGATIVE_INFINITY;
  for (const p of packets) {
    if (p.kind !== 'tcp') continue;
    if (p.direction !== side) heard = p.time;
    if (p.direction !== side || !carriesData(p)) continue;
    const burst = list.at(-1);
    if (burst && last && p.time - last.time < TOGETHER && p.seq === burst.end && burst.length % mss === 0) {
      burst.end = p.end;
      burst.length += p.segment.length;
    } else
      list.push({
        time: p.time,
        alone: p.time - heard > TOGETHER,
        seq: p.seq,
        end: p.end,
        length: p.segment.length,
      });
    last = p;
  }
  return list;
}
