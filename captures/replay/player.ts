// Plays one side of a recorded conversation into our stack, which takes the other side, in virtual time. The recorded
// peer stays an honest one: a packet of it waits (and everything behind it with it) until our stack has sent what it
// acknowledges and has room for what it carries, but no longer than PATIENCE.

import { constants, options } from '../../stack/index.js';
import { getU32 } from '../../stack/wire/bytes.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { parseTcpOptions, TcpOptions } from '../../stack/wire/tcp-options.js';
import { RecordedHost } from './host.js';
import type { Observer } from './observer.js';
import { type PeerSegment, peerSegment, type Situation } from './situation.js';

/** µs of virtual time that the peer waits for our stack, once. */
const PATIENCE = 500_000;
/** Where the first packet stands: time for a made-up handshake. */
const LEAD = 10_000;
/** µs after the last packet until which our stack may finish. */
const TAIL = 3e6;
const MOST_MADE_ACKS = 10_000;
const EMPTY = new Uint8Array(0);

/** A packet of the peer as it was played. */
export interface PlayedPacket {
  readonly time: number;
  readonly bytes: Uint8Array;
  readonly made: boolean;
}

export interface Played {
  readonly observer: Observer;
  readonly peer: readonly PlayedPacket[];
  /** What our application read. */
  readonly read: Uint8Array;
  /** Its connection's last error as errno, 0: none. */
  readonly error: number;
  readonly endOfFile: boolean;
  readonly accepted: boolean;
  /** µs that the peer waited for our stack in all, and how often. */
  readonly waited: number;
  readonly waits: number;
  /** Acknowledgments cut down to what our stack had sent; those made up, most of them when the capture was over. */
  readonly clamped: number;
  readonly madeAcks: number;
  /** Our time less the recorded one at the end. */
  readonly end: number;
  /** A failure of the stack or of the replay itself. */
  readonly fault: string | null;
}

export function play(situation: Situation): Played {
  const player = new Player(situation);
  try {
    return player.run();
  } finally {
    player.close();
  }
}

const { MSG_DONTWAIT, MSG_FASTOPEN } = constants;

class Player extends RecordedHost {
  private readonly played: PlayedPacket[] = [];
  private readonly scratch = new TcpOptions();
  private skew = 0;
  private waited = 0;
  private waits = 0;
  private clamped = 0;
  private madeAcks = 0;
  /** The peer's last packet, as it was played. */
  private last: PeerSegment | null = null;
  /** The highest acknowledgment that our stack was told. */
  private heard = 0;
  /** Of each recorded packet: the window's right edge that the recorded host had offered before it. */
  private readonly offers: number[] = [];
  /** Timestamps that the recorded host sent, with their times. */
  private readonly recordedStamps: { time: number; value: number }[] = [];

  constructor(situation: Situation) {
    super(situation);
    const { recording, side } = situation;
    for (const p of recording.packets) {
      if (p.kind === 'tcp' && p.direction === side && p.options.hasTimestamps)
        this.recordedStamps.push({ time: p.time, value: p.options.tsVal });
    }
    this.recordOffers();
  }

  private recordOffers(): void {
    const { recording, side } = this.situation;
    let edge = 0;
    const scale: [number, number] = [-1, -1];
    for (const p of recording.packets) {
      this.offers.push(edge);
      if (p.kind !== 'tcp') continue;
      const syn = (p.segment.flags & TCP_SYN) !== 0;
      if (syn) scale[p.direction] = p.options.wscale;
      if (p.direction !== side || p.ack < 0) continue;
      const shift = syn || scale[0] < 0 || scale[1] < 0 ? 0 : scale[side];
      edge = Math.max(edge, p.ack + p.segment.window * 2 ** shift);
    }
  }

  run(): Played {
    let fault: string | null = null;
    try {
      this.open();
      this.steps();
      this.settle();
    } catch (error) {
      fault = error instanceof Error ? error.message : String(error);
    }
    return {
      observer: this.observer,
      peer: this.played,
      read: Buffer.concat(this.parts),
      error: this.error,
      endOfFile: this.endOfFile,
      accepted: this.connected,
      waited: this.waited,
      waits: this.waits,
      clamped: this.clamped,
      madeAcks: this.madeAcks,
      end: this.time,
      fault,
    };
  }

  private steps(): void {
    const { recording, side, made, application, role } = this.situation;
    const { packets } = recording;
    let next = 0;
    let began = role === 'server';
    for (let i = 0; i <= packets.length; i++) {
      const p = packets[i];
      const due = LEAD + (p ?? packets.at(-1)!).time + this.skew;
      const extra = made.get(i);
      if (!began && (extra || p)) {
        // An active open happens at its SYN, or in front of everything when that was not captured.
        const own = p?.kind === 'tcp' && p.direction === side && (p.segment.flags & TCP_SYN) !== 0;
        // A SYN of the peer that crosses ours (RFC 9293 section 3.5) may stand before it.
        const answer =
          p?.kind === 'tcp' && p.direction !== side && (p.ack >= 0 || (p.segment.flags & TCP_SYN) !== 0);
        if (own || answer || this.situation.synthetic || i > 0) {
          this.until(extra && !own ? Math.max(0, due - LEAD / 2) : due);
          next = this.connect(next);
          began = true;
        }
      }
      if (extra) {
        this.until(Math.max(this.time, due - (p && i === 0 ? 2000 : 0)));
        for (const m of extra) this.inject(m, due);
      }
      if (!p) break;
      this.until(due);
      for (; next < application.actions.length && application.actions[next]!.before <= i; next++)
        this.act(application.actions[next]!);
      if (p.kind === 'icmp') {
        if (p.direction === side && this.observer.isn >= 0)
          this.deliver(this.translator.icmp(p, this.numbers()), false);
      } else if (p.direction !== side) this.inject(peerSegment(p, i), due);
    }
  }

  /** Opens; with data when the recorded host sent some in its SYN. */
  private connect(next: number): number {
    const { posix } = this.stack;
    this.fd = this.socket();
    this.check(posix.bind(this.fd, this.address('local', this.ourPort)), 'bind');
    this.prepare(this.fd);
    const remote = this.address('remote', this.peerPort);
    const first = this.situation.application.actions[next];
    const syn = this.situation.recording.packets.find(
      (p) => p.kind === 'tcp' && p.direction === this.situation.side,
    );
    const inSyn = syn?.kind === 'tcp' && (syn.segment.flags & TCP_SYN) !== 0 ? syn.segment.length : 0;
    if (inSyn > 0 && first?.action.kind === 'write') {
      const call = posix.sendto(this.fd, first.action.bytes, MSG_FASTOPEN | MSG_DONTWAIT, remote);
      const taken = call.result ?? 0;
      this.pump();
      if (taken > 0 && taken < first.action.bytes.length) {
        this.todo.push({ ...first.action, bytes: first.action.bytes.subarray(taken) });
      } else if (taken <= 0) this.todo.push(first.action);
      return next + 1;
    }
    this.connecting = posix.connect(this.fd, remote);
    this.pump();
    return next;
  }

  private numbers() {
    const { recording, side } = this.situation;
    return {
      peer: recording.isn[1 - side]!,
      ours: this.observer.isn < 0 ? 0 : this.observer.isn,
      ourPort: this.ourPort,
      peerPort: this.peerPort,
      recorded: recording.isn[side]!,
    };
  }

  private inject(recorded: PeerSegment, due: number): void {
    let p = recorded;
    const { application, recording } = this.situation;
    const lies = application.lies.has(p.index);
    const needs = lies || p.flags & TCP_RST ? 0 : this.needs(p);
    this.wait(() => this.observer.high >= needs && (p.ack < 0 || this.observer.isn >= 0));
    // Where the capture lacks what the recorded host sent, it lacks what let it send that.
    if (application.made > 0) this.urge(needs);
    if (this.observer.high < needs && !this.observer.mayReset) p = this.cutDown(p);
    const end = p.seq + p.payload.length;
    // Only when the recorded host had offered room: a probe of a closed window comes without.
    if (
      p.payload.length > 1 &&
      this.observer.acked >= 0 &&
      !(p.flags & (TCP_SYN | TCP_RST)) &&
      this.offered(p) >= end
    )
      this.wait(() => this.observer.edge >= end || this.closed);
    this.skew = Math.max(this.skew, this.time - due + this.skew);
    const shift = p.flags & TCP_SYN ? this.shiftOf(p) : null;
    const numbers = p.payload.length + (p.flags & TCP_SYN ? 1 : 0) + (p.flags & TCP_FIN ? 1 : 0);
    this.observer.received(this.time, p.seq, p.seq + numbers, p.ack, p.flags, p.window, shift);
    const time = p.index < 0 ? 0 : recording.packets[p.index]!.time;
    if (!(p.flags & TCP_RST) && p.flags & TCP_ACK && !lies) this.last = p;
    const before = this.observer.acked;
    const bytes = this.translator.segment(p, this.numbers(), (value) => this.echo(value, time));
    this.deliver(bytes, p.index < 0);
    // A repetition of what our stack has already is dropped with its acknowledgment (RFC 9293 section 3.10.7.4); a peer that
    // had heard of that would have sent the acknowledgment alone.
    if (p.payload.length > 0 && !(p.flags & (TCP_SYN | TCP_RST)) && end <= before && p.ack > this.heard)
      this.inject({ ...p, seq: before, flags: TCP_ACK, payload: EMPTY, index: -1 }, this.time);
    if (!(p.flags & TCP_RST)) this.heard = Math.max(this.heard, p.ack);
  }

  /** The packet as a peer would have sent it that has only what our stack has sent. */
  private cutDown(p: PeerSegment): PeerSegment {
    this.clamped++;
    const last = this.observer.high;
    if (p.ack > last) return { ...p, ack: last };
    return { ...p, options: withoutSack(p.options) };
  }

  private deliver(bytes: Uint8Array, made: boolean): void {
    this.played.push({ time: this.time, bytes, made });
    this.peer.sendFrame(this.time, bytes);
    this.pump();
  }

  /** What our stack must have sent before a peer can say this. */
  private needs(p: PeerSegment): number {
    let most = Math.max(0, p.ack);
    parseTcpOptions(p.options, 0, p.options.length, this.scratch);
    const { recording, side, application } = this.situation;
    for (let i = 0; i < this.scratch.sackCount; i++) {
      const right = (this.scratch.sack[2 * i + 1]! - recording.isn[side]!) | 0;
      if (right <= application.bytes.length + 2) most = Math.max(most, right);
    }
    return most;
  }

  /** Right edge of the window that the recorded host had offered before this packet. */
  private offered(p: PeerSegment): number {
    return p.index < 0 || this.situation.synthetic ? Number.POSITIVE_INFINITY : this.offers[p.index]!;
  }

  private shiftOf(p: PeerSegment): number {
    parseTcpOptions(p.options, 0, p.options.length, this.scratch);
    return Math.max(0, Math.min(14, this.scratch.wscale));
  }

  private wait(until: () => boolean): void {
    if (until()) return;
    const from = this.time;
    const end = from + PATIENCE;
    while (!until()) {
      const next = this.stack.nextTimeout();
      if (!(next <= end)) break;
      this.time = Math.max(this.time, next);
      this.pump();
    }
    // When our stack will never do it, waiting tells nothing: time stays where the last event was.
    if (this.time > from) this.waits++;
    this.waited += this.time - from;
  }

  /** Our timestamp in the place of one that the recorded host had sent at some time. */
  private echo(value: number, before: number): number {
    const { sent } = this.observer;
    let time = before;
    for (let i = this.recordedStamps.length - 1; i >= 0; i--) {
      const s = this.recordedStamps[i]!;
      if (s.time > before || ((s.value - value) | 0) > 0) continue;
      time = s.time;
      break;
    }
    const at = LEAD + time + this.skew;
    let first = -1;
    for (let i = sent.length - 1; i >= 0; i--) {
      const s = sent[i]!;
      if (s.timestamp < 0) continue;
      if (s.time <= at) return s.timestamp;
      first = s.timestamp;
    }
    return first < 0 ? value : first;
  }

  /** Acknowledgments of what our stack has sent, until it has sent all up to `target`; as long as that brings more. */
  private urge(target: number): void {
    for (
      let i = 0;
      i < MOST_MADE_ACKS && this.last && !this.observer.mayReset && this.observer.high < target;
      i++
    ) {
      const before = this.observer.high;
      const { seq, payload, flags } = this.last;
      const at = seq + payload.length + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
      this.madeAcks++;
      this.inject(
        {
          ...this.last,
          seq: at,
          ack: before,
          flags: TCP_ACK,
          payload: EMPTY,
          options: withoutSack(this.last.options),
          index: -1,
          window: Math.max(this.last.window, 1000),
        },
        this.time,
      );
      this.until(this.time + 10_000);
      if (this.observer.high === before) break;
    }
  }

  /** What is under way may come to its end. */
  private settle(): void {
    this.urge(1 + this.situation.application.bytes.length);
    this.until(this.time + TAIL);
    if (this.fd >= 0 && !this.closed) {
      this.readAll();
      const bytes = new Uint8Array(4);
      this.stack.posix.getsockopt(this.fd, options.SOL_SOCKET, options.SO_ERROR, bytes, [4]);
      this.error ||= getU32(bytes.reverse(), 0);
    }
  }
}

/** Options with no operations in the place of SACK blocks. */
function withoutSack(options: Uint8Array): Uint8Array {
  const b = options.slice();
  for (let at = 0; at < b.length; ) {
    const kind = b[at]!;
    const size = kind === 1 ? 1 : (b[at + 1] ?? 0);
    if (kind === 0 || size < 1 || (kind !== 1 && size < 2)) break;
    if (kind === 5) b.fill(1, at, Math.min(b.length, at + size));
    at += size;
  }
  return b;
}
