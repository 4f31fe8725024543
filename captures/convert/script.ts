// A recorded conversation as a packetdrill script: the recorded host's calls and packets become what the script does and
// expects, the peer's packets what it injects. The result is parsed before it is given back.

import { parseScript, ScriptError } from '../../conformance/language/index.js';
import { printSeconds } from '../../conformance/language/printer.js';
import { TCP_ACK, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { type AppAction, withoutNagle } from '../replay/application.js';
import { roundTripOf } from '../replay/distance.js';
import { keepaliveOf } from '../replay/keepalive.js';
import { connects, type RecordedPacket, type RecordedSegment, type Recording } from '../replay/recording.js';
import {
  NotReplayable,
  type PeerSegment,
  type Role,
  type Situation,
  situationOf,
} from '../replay/situation.js';
import type { Direction } from '../streams/conversation.js';
import { asSent } from './as-sent.js';
import { doubtsOf } from './doubt.js';
import { asksForCookie, leavesDataAside, waitingWrite } from './fast-open.js';
import { filled } from './filled.js';
import { icmpText } from './icmp-text.js';
import { initialWindow } from './initial-window.js';
import { numbers, PacketText } from './packet-text.js';
import { MOST_JOINED, type TimelineEvent, timelineOf } from './timeline.js';
import {
  challenged,
  chosenBuffer,
  closedBefore,
  corked,
  deniesNext,
  overstated,
  peerIsUrgent,
  preamble,
  probesInVain,
  sendFlag,
  speaksAfter,
  withoutQuickAcks,
} from './told.js';

export interface Converted {
  readonly text: string;
  /** What stands in the script's head, for the user to know. */
  readonly notes: readonly string[];
  /** Why a script that does not pass tells nothing of the stack: what its capture does; null: nothing is known against it. */
  readonly doubt: string | null;
}

/** µs: ticks of the recorded kernel and a busy machine; below the shortest delayed ACK and retransmission timeout. */
const TOLERANCE = 30_000;
const IN_PROGRESS = 'EINPROGRESS (Operation now in progress)';
const ECN = ['', '[ect1] ', '[ect0] ', '[ce] '] as const;

/**
 * @param source what the script's first line says it was made from
 * @throws NotReplayable: nothing of one side was captured, signed segments, numbers that no script can hold, …
 */
export function convertStream(source: string, recording: Recording, role: Role): Converted {
  const side = role === 'client' ? recording.client : ((1 - recording.client) as Direction);
  // Of two hosts that both sent a SYN (RFC 9293 section 3.5) each connected.
  const both = role === 'server' && connects(recording, side);
  const whole = filled(asSent(both ? { ...recording, client: side } : recording, side), side);
  const situation = situationOf(whole, both ? 'client' : role, true);
  tooMuchMade(situation);
  if (challenged(situation))
    throw new NotReplayable(
      'its SYN is answered with a challenge ACK (RFC 5961): it came in the middle of another connection',
    );
  return new Writer(source, situation).run();
}

/** Bytes in one direction that a script makes up. */
const MOST_MADE = 1 << 20;

/** @throws NotReplayable: so much is not in the capture that a script of it would be all zeros */
function tooMuchMade({ made, application }: Situation): void {
  let bytes = 0;
  for (const packets of made.values()) for (const p of packets) bytes += p.payload.length;
  const most = Math.max(bytes, application.made);
  if (most > MOST_MADE)
    throw new NotReplayable(
      `${most} bytes of one side are not in the capture, and a script makes up ${MOST_MADE} at most`,
    );
}

class Writer {
  private readonly situation: Situation;
  private readonly source: string;
  private readonly lines: string[] = [];
  private readonly notes: string[];
  private now = 0;
  private started = false;
  private readonly packet: PacketText;
  /** First number that no line of ours has sent. */
  private high = 1;
  private fd = 3;
  private accepted = false;
  /** A reset came in front of accept(), and was taken. */
  private ended = false;
  private connected = false;
  private closed = false;
  private lacksSynAck: boolean;
  /** Bytes that the script's calls have written. */
  private written = 0;

  constructor(source: string, situation: Situation) {
    this.source = source;
    this.situation = situation;
    this.notes = [...situation.notes];
    const { role, side, opens, recording } = situation;
    const handshake = (p: RecordedPacket): boolean =>
      p.kind === 'tcp' && p.direction === side && (p.segment.flags & (TCP_SYN | TCP_RST)) !== 0;
    this.lacksSynAck = role === 'server' && opens && !recording.packets.some(handshake);
    this.packet = new PacketText(situation);
  }

  run(): Converted {
    const { situation } = this;
    const { recording, role, side } = situation;
    const { events, away } = timelineOf(situation);
    if (away > 0)
      this.notes.push(
        `recorded ${(away / 1000).toFixed(1)} ms away from the side that the script tests: its times are estimates`,
      );
    const doubts = doubtsOf(situation);
    this.notes.push(...doubts);
    const lies = overstated(situation);
    if (lies > 0)
      this.notes.push(`acknowledges more than the peer ever sent, ${lies} times, which no host does`);
    // A handshake that is made up takes as long as others would have.
    const made = situation.synthetic && situation.role === 'client' ? roundTripOf(recording) : 0;
    this.now = Math.min(0, (events[0]?.time ?? 0) - made);
    this.open();
    for (const event of events) this.event(event);
    const head = [
      `// Made by netchannel convert from ${this.source}, stream ${recording.index}, as ${role}:`,
      `// ${recording.ends[side]} is the side under test, ${recording.ends[1 - side]} the one that is played.`,
      ...this.notes.map((note) => `// Note: ${note}.`),
      ...(recording.ipv6 ? ['--ip_version=ipv6'] : []),
      // The MSS that was offered follows from it.
      ...(this.situation.mtu === 1500 ? [] : [`--mtu=${this.situation.mtu}`]),
      // Timers of the recorded kernel ran on its ticks.
      `--tolerance_usecs=${TOLERANCE}`,
      '',
      `\`${[...preamble(situation), ...initialWindow(situation, events)].join('\n')}\``,
      '',
    ];
    const text = `${[...head, ...this.lines].join('\n')}\n`;
    try {
      parseScript(text, { file: this.source });
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      throw new NotReplayable(`what its packets say cannot be written as a script: ${error.message}`);
    }
    const incomplete = situation.notes.length > 0 || lies > 0;
    const untimed = doubts.length > 0 ? 'tells too little of its times' : null;
    return { text, notes: this.notes, doubt: incomplete ? 'lacks too much' : untimed };
  }

  private line(time: number, text: string): void {
    const delta = this.started ? Math.max(0, Math.round(time - this.now)) : 0;
    this.lines.push(`${this.started ? '+' : ''}${printSeconds(delta)} ${text}`);
    this.now = Math.max(this.now, time);
    this.started = true;
  }

  private open(): void {
    const { role, opens, fastOpen, application, side, recording } = this.situation;
    this.line(this.now, 'socket(..., SOCK_STREAM, IPPROTO_TCP) = 3');
    if (!opens) {
      // Nobody listens any more: packets are this script's only when somebody once did.
      this.line(this.now, 'setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0');
      this.line(this.now, 'bind(3, ..., ...) = 0');
      this.line(this.now, 'listen(3, 1) = 0');
      this.line(this.now, 'close(3) = 0');
      return;
    }
    if (role === 'server') {
      this.line(this.now, 'setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0');
      this.buffer();
      this.line(this.now, 'bind(3, ..., ...) = 0');
      if (fastOpen && !leavesDataAside(this.situation))
        this.line(this.now, 'setsockopt(3, SOL_TCP, TCP_FASTOPEN, [5], 4) = 0');
      if (withoutNagle(recording, side))
        this.line(this.now, 'setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0');
      this.line(this.now, 'listen(3, 1) = 0');
      return;
    }
    const waiting = waitingWrite(this.situation);
    if (waiting === null) this.line(this.now, 'fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0');
    this.buffer();
    if (withoutNagle(recording, side)) this.line(this.now, 'setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0');
    const syn = recording.packets.find((p) => p.kind === 'tcp' && p.direction === side);
    const inSyn = syn?.kind === 'tcp' && (syn.segment.flags & TCP_SYN) !== 0 ? syn.segment.length : 0;
    const write = application.actions[0]?.action;
    if (waiting?.write.kind === 'write') {
      const n = waiting.write.bytes.length;
      const call = `sendto(3, ..., ${n}, MSG_FASTOPEN, ..., ...) = ${n}`;
      this.lines.push(`+0...${printSeconds(Math.max(0, Math.round(waiting.until - this.now)))} ${call}`);
      this.skipWrite = waiting.write;
    } else if (inSyn > 0 && write?.kind === 'write') {
      this.line(
        this.now,
        `sendto(3, ..., ${write.bytes.length}, MSG_FASTOPEN, ..., ...) = ${write.bytes.length}`,
      );
      this.skipWrite = write;
    } else if (asksForCookie(this.situation))
      this.line(this.now, `sendto(3, ..., 0, MSG_FASTOPEN, ..., ...) = -1 ${IN_PROGRESS}`);
    else this.line(this.now, `connect(3, ..., ...) = -1 ${IN_PROGRESS}`);
    if (syn?.kind !== 'tcp' || (syn.segment.flags & TCP_SYN) === 0)
      this.line(this.now, `> S 0:0(0)${this.packet.ownSyn(0)}`);
  }
  private skipWrite: AppAction | null = null;

  private buffer(): void {
    const size = chosenBuffer(this.situation);
    if (size > 0) this.line(this.now, `setsockopt(3, SOL_SOCKET, SO_RCVBUF, [${size}], 4) = 0`);
  }

  private event(event: TimelineEvent): void {
    switch (event.kind) {
      case 'in':
        this.inbound(event.time, event.packets);
        break;
      case 'made':
        this.made(event.time, event.packet);
        break;
      case 'icmp':
        this.line(event.time, `< ${icmpText(event.message)}`);
        // An error about the SYN-ACK may have ended the handshake.
        if (this.situation.role === 'server' && !this.accepted)
          this.ended = deniesNext(this.situation, event.message);
        break;
      case 'out':
        this.outbound(event.time, event.packets);
        break;
      case 'act':
        this.act(event.time, event.action);
        break;
      case 'read':
        if (this.usable()) this.line(event.time, `read(${this.fd}, ..., ${event.bytes}) = ${event.bytes}`);
        break;
    }
  }

  private usable(): boolean {
    return !this.closed && (this.situation.role === 'client' ? this.connected : this.accepted);
  }

  private inbound(time: number, packets: readonly RecordedSegment[]): void {
    const p = packets[0]!;
    const { segment } = p;
    const { flags } = packets.at(-1)!.segment;
    const length = packets.reduce((n, q) => n + q.segment.length, 0);
    const urgent = segment.urgent ? ` urg ${segment.urgent}` : '';
    if (closedBefore(this.situation, p)) {
      this.line(time, 'close(3) = 0');
      this.closed = true;
    }
    const text = `< ${ECN[segment.tos & 3]}${numbers(p.seq, length, flags, p.ack)} win ${segment.window}${urgent}`;
    this.line(time, text + this.packet.options(p));
    if (flags & TCP_SYN && this.lacksSynAck) this.synAck(time, p);
    if (flags & TCP_RST && !this.accepted) this.ended = !speaksAfter(this.situation, p);
    this.afterInbound(time, flags, p.ack);
  }

  /** The host's SYN-ACK that the capture lacks: the peer's first echo tells its timestamp. */
  private synAck(time: number, syn: RecordedSegment): void {
    const { recording, side } = this.situation;
    this.lacksSynAck = false;
    const answer = recording.packets.find((q) => q.kind === 'tcp' && q.direction !== side && q.ack === 1);
    const stamped = answer?.kind === 'tcp' && answer.options.hasTimestamps ? answer.options.tsEcr : 0;
    const echo = this.packet.stamp(syn.direction, syn.options.tsVal);
    this.line(time, `> S. 0:0(0) ack 1${this.packet.ownSyn(echo, this.packet.stamp(side, stamped))}`);
  }

  private made(time: number, p: PeerSegment): void {
    const { side } = this.situation;
    this.line(
      time,
      `< ${numbers(p.seq, p.payload.length, p.flags, p.ack)} win ${p.window}${this.packet.madeOptions(p)}`,
    );
    if (p.flags & TCP_SYN) {
      if (!(p.flags & TCP_ACK)) this.line(time, `> S. 0:0(0) ack 1${this.packet.ownSyn(999)}`);
      else if (
        !this.situation.recording.packets.some(
          (q) => q.kind === 'tcp' && q.direction === side && q.segment.flags & TCP_SYN,
        )
      )
        this.line(time, '> . 1:1(0) ack 1 <...>');
    }
    this.afterInbound(time, p.flags, p.ack);
  }

  /** A connection is there as soon as the handshake is over. */
  private afterInbound(time: number, flags: number, ack: number): void {
    const { role } = this.situation;
    // An acknowledgment of what was never sent opens nothing.
    if (flags & TCP_RST || this.ended || this.closed || ack < 1 || ack > this.high) return;
    if (role === 'client') {
      if (!this.connected) this.options(time, 3);
      this.connected = true;
    } else if (!this.accepted && !(flags & TCP_SYN) && this.situation.opens) this.accept(time);
  }

  private accept(time: number): void {
    this.line(time, 'accept(3, ..., ...) = 4');
    this.fd = 4;
    this.accepted = true;
    this.options(time, 4);
  }

  /** What the connection's packets tell of its options. */
  private options(time: number, fd: number): void {
    // An urgent byte is read in line like any other: which way the program took it no packet tells.
    if (peerIsUrgent(this.situation))
      this.line(time, `setsockopt(${fd}, SOL_SOCKET, SO_OOBINLINE, [1], 4) = 0`);
    if (this.situation.opens && withoutQuickAcks(this.situation))
      this.line(time, `setsockopt(${fd}, SOL_TCP, TCP_QUICKACK, [0], 4) = 0`);
    this.keepalive(time, fd);
  }

  /** Its keepalive gave the connection up, not its program. */
  private keptInVain = false;

  /** Probes of an idle connection tell that it was to be kept alive, and how often. */
  private keepalive(time: number, fd: number): void {
    const found = keepaliveOf(this.situation.recording, this.situation.side);
    if (found === null) return;
    this.line(time, `setsockopt(${fd}, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0`);
    this.line(time, `setsockopt(${fd}, SOL_TCP, TCP_KEEPIDLE, [${found.idle}], 4) = 0`);
    this.line(time, `setsockopt(${fd}, SOL_TCP, TCP_KEEPINTVL, [${found.interval}], 4) = 0`);
    const probes = probesInVain(this.situation, found.interval);
    this.keptInVain = probes > 0;
    if (probes > 0) this.line(time, `setsockopt(${fd}, SOL_TCP, TCP_KEEPCNT, [${probes}], 4) = 0`);
  }

  private outbound(time: number, packets: readonly RecordedSegment[]): void {
    const p = packets[0]!;
    const last = packets.at(-1)!;
    let length = packets.reduce((n, q) => n + q.segment.length, 0);
    let { seq } = p;
    // Bytes that the capture lacks went out in front of those behind them.
    if (length > 0 && seq > this.high && this.high > 0 && last.end - this.high < MOST_JOINED) {
      length += seq - this.high;
      seq = this.high;
    }
    this.high = Math.max(this.high, last.end);
    let { flags } = p.segment;
    if (packets.length > 1) flags = last.segment.flags;
    if (flags & TCP_SYN && flags & TCP_ACK && p.ack > 1 && !this.accepted) this.pendingAccept = true;
    const urgent = p.segment.urgent ? ` urg ${p.segment.urgent}` : '';
    this.line(time, `> ${numbers(seq, length, flags, p.ack)}${urgent}${this.packet.options(p)}`);
    this.packet.sent(packets);
    if (this.pendingAccept) {
      // Data in the SYN was taken: the connection is there at once (RFC 7413 section 4.2.2).
      this.pendingAccept = false;
      this.accept(time);
    }
  }
  private pendingAccept = false;

  private act(time: number, action: AppAction): void {
    if (action === this.skipWrite) {
      if (action.kind === 'write') this.written += action.bytes.length;
      return;
    }
    if (!this.usable()) return;
    switch (action.kind) {
      case 'write': {
        const n = action.bytes.length;
        if (n === 0) return;
        if (corked(this.situation, this.written + 1, n))
          this.line(time, `setsockopt(${this.fd}, SOL_TCP, TCP_CORK, [1], 4) = 0`);
        const flag = sendFlag(this.situation, this.written + 1, n, action.more);
        this.written += n;
        this.line(
          time,
          flag === '' ? `write(${this.fd}, ..., ${n}) = ${n}` : `send(${this.fd}, ..., ${n}, ${flag}) = ${n}`,
        );
        return;
      }
      case 'shutdown':
        this.line(time, `shutdown(${this.fd}, SHUT_WR) = 0`);
        return;
      case 'abort':
        if (this.keptInVain) return;
        this.line(time, `setsockopt(${this.fd}, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0`);
        this.line(time, `close(${this.fd}) = 0`);
        this.closed = true;
        return;
      case 'close':
        this.line(time, `close(${this.fd}) = 0`);
        this.closed = true;
    }
  }
}
