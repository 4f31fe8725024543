// When the application read how much: at the latest when the recorded host acknowledges it, but where its window tells that what
// came was left unread.

import { TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { dataStart, fullSegment, LEAST_FULL } from '../replay/application.js';
import type { RecordedSegment } from '../replay/recording.js';
import type { Situation } from '../replay/situation.js';
import type { Direction } from '../streams/conversation.js';
import type { TimelineEvent } from './timeline.js';
import { chosenBuffer } from './told.js';

/** How far what came reaches without a hole. */
export class Arrived {
  end = 1;
  /** The peer has acknowledged our SYN: there is a connection to read from. */
  open = false;
  /** Number of the urgent byte that was last told of; 0: none. */
  mark = 0;
  private pieces: [number, number][] = [];

  take(event: Extract<TimelineEvent, { kind: 'in' | 'made' }>): void {
    const { start, length } = extent(event);
    const { pieces } = this;
    if (length > 0) pieces.push([start, start + length]);
    pieces.sort((a, b) => a[0] - b[0]);
    while (pieces[0] && pieces[0][0] <= this.end) this.end = Math.max(this.end, pieces.shift()![1]);
    for (const { seq, segment } of event.kind === 'in' ? event.packets : [])
      if (segment.urgent > 0) this.mark = Math.max(this.mark, seq + segment.urgent - 1);
    this.open ||= (event.kind === 'in' ? event.packets[0]! : event.packet).ack >= 1;
  }
}

/**
 * The right edge of the recorded host's window: one that stays while data is acknowledged tells that nothing was read
 * (Linux's __tcp_select_window takes no offer back and makes no new one).
 */
class WindowEdge {
  private readonly shift: number;
  private readonly least: number;
  private ack = 0;
  private edge = 0;
  private stuck = false;

  constructor({ recording, side }: Situation) {
    const syns = recording.packets.filter((p) => p.kind === 'tcp' && (p.segment.flags & TCP_SYN) !== 0);
    const shifts = syns.map((p) => (p.kind === 'tcp' && p.direction === side ? p.options.wscale : 0));
    // Where the handshake is not whole, nobody knows what a window counts in.
    this.shift = syns.length < 2 ? -1 : Math.max(0, ...shifts);
    this.least = Math.max(LEAST_FULL, fullSegment(recording, (1 - side) as Direction));
  }

  /** Whether the host sent this one with nothing read since the one before. */
  stays(own: RecordedSegment): boolean {
    if (this.shift < 0 || own.segment.flags & (TCP_SYN | TCP_RST)) return false;
    const unit = 2 ** this.shift;
    const edge = own.ack + own.segment.window * unit;
    // Less than a segment moves no window, read or not.
    const more = own.ack - this.ack;
    const told = more >= this.least || (more === 0 && this.stuck);
    this.stuck = this.ack > 1 && told && Math.abs(edge - this.edge) < unit;
    this.ack = own.ack;
    this.edge = edge;
    return this.stuck;
  }
}

/** The application takes data at the latest when the recorded host acknowledges it, but what shuts its window. */
export function withReads(events: readonly TimelineEvent[], situation: Situation): TimelineEvent[] {
  const list: TimelineEvent[] = [];
  const arrived = new Arrived();
  let read = 1;
  let gone = false;
  const most = unread(events, situation);
  const edge = new WindowEdge(situation);
  let kept: { readonly at: number; readonly to: number; readonly ack: number } | null = null;
  const readTo = (to: number, at: number, time: number): void => {
    if (to <= read) return;
    // A read ends in front of the urgent byte when it has something (Linux's tcp_recvmsg).
    const pieces = arrived.mark > read && arrived.mark < to ? [arrived.mark, to] : [to];
    const reads = pieces.map((end, k) => ({
      kind: 'read' as const,
      time,
      bytes: end - (pieces[k - 1] ?? read),
    }));
    list.splice(at, 0, ...reads);
    read = to;
  };
  events.forEach((event, i) => {
    if (event.kind === 'in' || event.kind === 'made') arrived.take(event);
    else if (event.kind === 'out') {
      const to = Math.min(arrived.end, most(i), ...event.packets.map((p) => p.ack));
      const open = arrived.open && !gone;
      if (edge.stays(event.packets[0]!)) {
        list.push(event);
        if (open) kept = { at: list.length, to, ack: event.packets[0]!.ack };
        return;
      }
      // What its window shows to have waited was read before more came.
      // A window that opens though no more came is announced by the read itself.
      const first = kept?.ack === event.packets[0]!.ack ? -1 : (kept?.at ?? -1);
      const more = first < 0 ? -1 : list.findIndex((e, k) => k >= first && e.kind === 'in');
      if (kept !== null && more >= 0 && open) readTo(kept.to, more, list[more]!.time);
      kept = null;
      const last = list.at(-1);
      // Before the write that carries the acknowledgment, when there is one.
      const at = last?.kind === 'act' && last.time === event.time ? list.length - 1 : list.length;
      if (open) readTo(to, at, event.time);
    } else if (event.kind === 'act' && (event.action.kind === 'close' || event.action.kind === 'abort'))
      gone = true;
    list.push(event);
  });
  return list;
}

/**
 * How far the application may have read before event `i`: a window that shuts later tells of a full buffer, one that opens
 * again of as many bytes that were read.
 */
function unread(events: readonly TimelineEvent[], situation: Situation): (i: number) => number {
  const shut: { readonly at: number; readonly to: number }[] = [];
  const opened: { readonly at: number; readonly to: number }[] = [{ at: -1, to: 1 }];
  let most = 0;
  const room = chosenBuffer(situation);
  let shift = 0;
  let closed = false;
  events.forEach((event, at) => {
    if (event.kind !== 'out') return;
    const { segment, ack, options } = event.packets[0]!;
    if (segment.flags & TCP_RST) return;
    const syn = segment.flags & TCP_SYN;
    if (syn) shift = Math.max(0, options.wscale);
    const window = segment.window * 2 ** (syn ? 0 : shift);
    most = Math.max(most, room > 0 ? room : window);
    // The kernel's buffer is twice as large as the window, for its own book-keeping.
    if (window === 0) shut.push({ at, to: ack - 2 * most });
    else if (closed) opened.push({ at, to: Math.max(opened.at(-1)!.to, shut.at(-1)!.to) + window });
    closed = window === 0;
  });
  return (i) => {
    const next = shut.find(({ at }) => at >= i);
    const least = opened.findLast(({ at }) => at <= i)!.to;
    return next === undefined ? Number.POSITIVE_INFINITY : Math.max(least, next.to);
  };
}

function extent(event: Extract<TimelineEvent, { kind: 'in' | 'made' }>): { start: number; length: number } {
  if (event.kind === 'in') {
    const length = event.packets.reduce((n, p) => n + (p.segment.flags & TCP_RST ? 0 : p.segment.length), 0);
    return { start: dataStart(event.packets[0]!), length };
  }
  return { start: event.packet.seq, length: event.packet.payload.length };
}
