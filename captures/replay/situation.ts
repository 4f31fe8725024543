// What our stack has to be like to stand in for the recorded host: the options that it offered, its MSS, how much it may
// send at once; and the peer's packets, with those made up that the capture lacks (a handshake before its beginning,
// data that it lost). Everything made up is said in `notes`.

import { TCP_ACK, TCP_CWR, TCP_ECE, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import type { Direction } from '../streams/conversation.js';
import { type Application, applicationOf, dataStart, MOST_LOST } from './application.js';
import { contradictions } from './contradictions.js';
import { carriesData, connects, type RecordedSegment, type Recording } from './recording.js';

export type Role = 'client' | 'server';

/** A packet of the peer, before translation. */
export interface PeerSegment {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly options: Uint8Array;
  readonly payload: Uint8Array;
  readonly tos: number;
  /** Its own place in the recording, -1 for a made-up one. */
  readonly index: number;
}

export interface Situation {
  readonly recording: Recording;
  readonly role: Role;
  /** The side that our stack takes. */
  readonly side: Direction;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly mtu: number;
  readonly initialWindow: number;
  /** The recorded host accepted connections, or opened this one. */
  readonly opens: boolean;
  readonly fastOpen: boolean;
  readonly application: Application;
  /** By index of the recorded packet before which they come. */
  readonly made: ReadonlyMap<number, readonly PeerSegment[]>;
  /** Nothing of the recorded host's own handshake packets was captured. */
  readonly synthetic: boolean;
  /** Everything that the peer sent, in order from its first byte; zeros for what the capture lacks. */
  readonly peerBytes: Uint8Array;
  readonly notes: readonly string[];
  /** The capture says what cannot be: bytes that do not arrive are nobody's fault. */
  readonly lies: boolean;
}

/** Why a conversation cannot be replayed. */
export class NotReplayable extends Error {
  override readonly name = 'NotReplayable';
}

const MOST_BYTES = 64 << 20;

const segments = (recording: Recording, side: Direction): RecordedSegment[] =>
  recording.packets.filter((p): p is RecordedSegment => p.kind === 'tcp' && p.direction === side);

const has = (p: RecordedSegment, flags: number): boolean => (p.segment.flags & flags) === flags;

/**
 * @param silent whether SYNs that nobody answers will do
 * @throws NotReplayable
 */
export function situationOf(recording: Recording, role: Role, silent = false): Situation {
  const side = (role === 'client' ? recording.client : 1 - recording.client) as Direction;
  // Of two hosts that both sent a SYN (RFC 9293 section 3.5) each connected.
  const both = role === 'server' && connects(recording, side);
  return new Preparation(both ? { ...recording, client: side } : recording, both ? 'client' : role, side).run(
    silent,
  );
}

class Preparation {
  private readonly notes: string[] = [];
  private readonly made = new Map<number, PeerSegment[]>();
  private readonly ours: RecordedSegment[];
  private readonly theirs: RecordedSegment[];
  private readonly recording: Recording;
  private readonly role: Role;
  private readonly side: Direction;

  constructor(recording: Recording, role: Role, side: Direction) {
    this.recording = recording;
    this.role = role;
    this.side = side;
    this.ours = segments(recording, side);
    this.theirs = segments(recording, (1 - side) as Direction);
  }

  run(silent: boolean): Situation {
    const { recording, ours, theirs, notes } = this;
    const asks = silent && ours.every((p) => (p.segment.flags & (TCP_SYN | TCP_ACK)) === TCP_SYN);
    if (theirs.length === 0 && !asks) throw new NotReplayable('nothing of the other side was captured');
    if ([...ours, ...theirs].some((p) => p.options.md5Offset >= 0))
      throw new NotReplayable('signed with MD5 (RFC 2385): nobody without the key can play it');
    if (ours.some((p) => has(p, TCP_SYN) && (has(p, TCP_FIN) || has(p, TCP_RST))))
      throw new NotReplayable('it sent a SYN with FIN or RST, a probe: no socket does');
    if (theirs.some((p) => has(p, TCP_SYN | TCP_RST)))
      throw new NotReplayable(
        'the peer sent a SYN that is a reset as well, a probe: there is nothing to answer',
      );
    const bytes = Math.max(...recording.packets.map((p) => (p.kind === 'tcp' ? p.end : 0)));
    if (bytes > MOST_BYTES)
      throw new NotReplayable(`${bytes} bytes in one direction, at most ${MOST_BYTES} are replayed`);
    notes.push(...recording.notes);
    if (theirs.some((p) => p.segment.headerSnapped))
      notes.push('options cut off by the capture are left out');
    const ourSyn = ours.find((p) => has(p, TCP_SYN));
    const theirSyn = theirs.find((p) => has(p, TCP_SYN) && !this.repeatsLost(p));
    const refused = !ourSyn && ours.length > 0 && ours.every((p) => has(p, TCP_RST));
    const application = applicationOf(recording, this.side);
    if (application.made > 0)
      notes.push(
        `${application.made} bytes that this side sent are not in the capture: zeros are written for them`,
      );
    if (application.lies.size > 0)
      notes.push(`the peer acknowledges bytes that were never sent, ${application.lies.size} times`);
    const contradictory = contradictions(recording);
    notes.push(...contradictory);
    if (!theirSyn && theirs.length > 0) this.makeHandshake(ourSyn);
    const peerBytes = this.peerData();
    const reference = ourSyn ?? null;
    const stamps = reference
      ? reference.options.hasTimestamps
      : ours.some((p) => p.options.hasTimestamps) || ours.length === 0;
    const asked = theirSyn?.options;
    // What the SYN of the peer did not offer says nothing about what we would have answered.
    const on = (offered: boolean, answer: boolean | undefined): string =>
      offered || (this.role === 'server' && answer === false) ? '1' : '0';
    const sack = reference ? reference.options.sackPermitted : true;
    const scale = reference ? reference.options.wscale >= 0 : true;
    const ecn = reference !== null && has(reference, TCP_ECE) && !has(reference, TCP_RST);
    const peerEcn = theirSyn !== undefined && has(theirSyn, TCP_ECE | TCP_CWR);
    const fastOpen = (this.role === 'client' ? ourSyn : theirSyn)?.segment.length
      ? true
      : [...ours, ...theirs].some((p) => p.options.fastOpenLength >= 0);
    return {
      recording,
      role: this.role,
      side: this.side,
      sysctls: {
        'net.ipv4.tcp_timestamps': on(stamps, asked?.hasTimestamps),
        'net.ipv4.tcp_sack': on(sack, asked?.sackPermitted),
        'net.ipv4.tcp_window_scaling': on(scale, asked ? asked.wscale >= 0 : undefined),
        'net.ipv4.tcp_ecn': this.role === 'client' ? (ecn ? '1' : '0') : ecn || !peerEcn ? '2' : '0',
        // Data in a SYN is sent and taken without cookies: those of the recorded host are not ours to know.
        ...(fastOpen ? { 'net.ipv4.tcp_fastopen': '0x207' } : {}),
        // The receive buffer is to hold what the recorded host's held.
        ...this.receiveBuffer(),
        'net.ipv4.tcp_wmem': '4096 33554432 67108864',
        'net.core.wmem_max': '67108864',
      },
      mtu: this.mtu(reference),
      initialWindow: this.firstFlight(),
      opens: !refused,
      fastOpen,
      application,
      made: this.made,
      synthetic: !theirSyn,
      peerBytes,
      notes,
      lies: contradictory.length > 0 || application.lies.size > 0,
    };
  }

  /** A client's SYN behind its own data: the capture lacks the one that opened the connection. */
  private repeatsLost(syn: RecordedSegment): boolean {
    const first = this.theirs.find((p) => p === syn || carriesData(p));
    return first !== syn && !has(syn, TCP_ACK);
  }

  private mtu(reference: RecordedSegment | null): number {
    const header = this.recording.ipv6 ? 60 : 40;
    const mss = reference?.options.mss ?? -1;
    const least = this.recording.ipv6 ? 1280 : 576;
    return Math.min(65_535, Math.max(least, mss > 0 ? mss + header : 1500));
  }

  /** Segments that the recorded host sent before anything of them was acknowledged; at least Linux's ten. */
  private firstFlight(): number {
    const mss = Math.max(536, ...this.theirs.map((p) => p.options.mss).filter((m) => m > 0));
    let most = 1;
    for (const p of this.recording.packets) {
      if (p.kind === 'icmp') continue;
      if (p.direction === this.side) most = Math.max(most, p.end);
      else if (p.ack > 1) break;
    }
    return Math.max(10, Math.min(200, Math.ceil((most - 1) / mss)));
  }

  /** The default receive buffer when the recorded host's windows fit in it, else a larger one. */
  private receiveBuffer(): Record<string, string> {
    const shift = Math.max(0, this.ours.find((p) => has(p, TCP_SYN))?.options.wscale ?? 0);
    const most = Math.max(
      0,
      ...this.ours.filter((p) => !has(p, TCP_SYN)).map((p) => p.segment.window * 2 ** shift),
      this.flight(1 - this.side),
    );
    return most <= 65_536 ? {} : { 'net.ipv4.tcp_rmem': `4096 ${Math.min(2 * most, 16 << 20)} 33554432` };
  }

  /** Most bytes that a side sent beyond what was acknowledged: there was room for them. */
  private flight(sender: number): number {
    let acked = 1;
    let most = 0;
    for (const p of this.recording.packets) {
      if (p.kind === 'icmp' || has(p, TCP_RST)) continue;
      if (p.direction === sender) most = Math.max(most, p.end - acked);
      else acked = Math.max(acked, p.ack);
    }
    return most;
  }

  /** The peer's SYN, or SYN with ACK, that the capture lacks. */
  private makeHandshake(ourSyn: RecordedSegment | undefined): void {
    const { ours, theirs, recording } = this;
    // Its clock must stand where the packets that follow have it, or they look old (RFC 7323 section 5).
    const stamped = theirs.find((p) => p.options.hasTimestamps);
    const clock = stamped ? (stamped.options.tsVal - 1) >>> 0 : 0;
    const stamp = stamped
      ? [1, 1, 8, 10, clock >>> 24, (clock >>> 16) & 255, (clock >>> 8) & 255, clock & 255, 0, 0, 0, 0]
      : [];
    // The shift is told in the lost SYN: one that makes room for what was sent.
    const room = Math.max(...theirs.map((p) => p.segment.window), 1);
    const flight = this.flight(this.side);
    let shift = 0;
    while (shift < 14 && room * 2 ** shift < flight) shift++;
    if (!ourSyn || ourSyn.options.wscale >= 0) shift = Math.max(shift, 7);
    else shift = -1;
    const mss = Math.max(
      recording.ipv6 ? 1440 : 1460,
      ...ours.map((p) => p.segment.length).filter((n) => n <= 9000),
    );
    const options = [2, 4, mss >> 8, mss & 255];
    if (!ourSyn || ourSyn.options.sackPermitted) options.push(1, 1, 4, 2);
    options.push(...stamp);
    if (shift >= 0) options.push(1, 3, 3, shift);
    const active = this.role === 'client';
    const at = ourSyn && active ? recording.packets.indexOf(ourSyn) + 1 : 0;
    const base = { window: 65_535, urgent: 0, payload: new Uint8Array(0), tos: 0, index: -1 };
    const syn = {
      ...base,
      seq: 0,
      ack: active ? 1 : -1,
      flags: active ? TCP_SYN | TCP_ACK : TCP_SYN,
      options: Uint8Array.from(options),
    };
    const list: PeerSegment[] = [syn];
    // The first recorded packet of the peer may be its third of the handshake; when it is not, one is made, too.
    if (!active)
      list.push({
        ...base,
        seq: 1,
        ack: 1,
        flags: TCP_ACK,
        options: Uint8Array.from(stamp),
        window: Math.max(1, theirs[0]!.segment.window),
      });
    this.made.set(at, list);
    this.notes.push(
      ourSyn
        ? `the peer's ${active ? 'SYN with ACK' : 'SYN'} is not in the capture: one is made up`
        : 'the capture begins in the middle of the conversation: a handshake is made up',
    );
  }

  /** The peer's byte stream; data that the recorded host acknowledged but the capture lacks is made up as zeros. */
  private peerData(): Uint8Array {
    const last = this.peerEnd();
    const bytes = new Uint8Array(last - 1);
    const seen = new Uint8Array(last);
    let snapped = 0;
    let refused = 0;
    for (const p of this.theirs) {
      if (p.segment.flags & TCP_RST) continue;
      const { payload, length } = p.segment;
      if (!this.taken(p)) {
        refused += length;
        continue;
      }
      snapped += length - payload.length;
      const start = dataStart(p);
      for (let k = 0; k < length; k++) {
        const at = start + k;
        if (at < 1 || seen[at]) continue;
        seen[at] = 1;
        bytes[at - 1] = payload[k] ?? 0;
      }
    }
    // What is nowhere in the capture though it was acknowledged came in its place: before what follows it.
    const acked = Math.min(last, this.acknowledgedData());
    let contiguous = 1;
    let lost = 0;
    let before: RecordedSegment | null = null;
    this.recording.packets.forEach((p, i) => {
      if (p.kind === 'icmp' || p.segment.flags & TCP_RST) return;
      const own = p.direction === this.side;
      if (!own && has(p, TCP_SYN)) return;
      const until = Math.min(own ? p.ack : dataStart(p) + p.segment.length, acked);
      while (contiguous < until) {
        const from = contiguous;
        if (seen[contiguous]) {
          contiguous++;
          continue;
        }
        while (contiguous < until && !seen[contiguous] && contiguous - from < 1000) contiguous++;
        seen.fill(1, from, contiguous);
        lost += contiguous - from;
        this.makeData(i, from, contiguous, before ?? (own ? null : p));
      }
      if (!own) before = p;
    });
    if (lost > 0)
      this.notes.push(`${lost} bytes that the peer sent are not in the capture: zeros stand for them`);
    if (refused > 0)
      this.notes.push(
        `${refused} bytes came in segments without ACK or in a SYN with ACK: no TCP takes them`,
      );
    if (snapped > 0) this.notes.push(`${snapped} bytes were cut off by the capture: zeros stand for them`);
    while (contiguous < last && seen[contiguous]) contiguous++;
    return bytes.subarray(0, contiguous - 1);
  }

  /** Data of a SYN with ACK counts only in Fast Open, when our SYN has some as well (RFC 7413 section 4.2.1). */
  private taken(p: RecordedSegment): boolean {
    const early =
      has(p, TCP_SYN | TCP_ACK) && !this.ours.some((q) => has(q, TCP_SYN) && q.segment.length > 0);
    return carriesData(p) && !early;
  }

  /** First number behind the peer's data, as its own segments or acknowledgments of them tell. */
  private peerEnd(): number {
    let last = 1;
    let fin = Number.POSITIVE_INFINITY;
    for (const p of this.theirs) {
      if (p.segment.flags & TCP_RST) continue;
      if (this.taken(p)) last = Math.max(last, dataStart(p) + p.segment.length);
      if (p.segment.flags & TCP_FIN) fin = Math.min(fin, dataStart(p) + p.segment.length);
    }
    const acked = this.highestAck();
    // One number more may be a FIN that the capture lacks; a great many more are a lie.
    const lost = Math.min(acked, fin);
    return lost > last + 1 && lost - last <= MOST_LOST ? lost : last;
  }

  /** The number behind the last byte that was acknowledged: one of them may be the FIN's. */
  private acknowledgedData(): number {
    const acked = this.highestAck();
    return this.theirs.some((p) => has(p, TCP_FIN) && p.end === acked) ? acked - 1 : acked;
  }

  private highestAck(): number {
    return this.ours.reduce((n, p) => (p.segment.flags & TCP_RST ? n : Math.max(n, p.ack)), 0);
  }

  private makeData(i: number, from: number, to: number, before: RecordedSegment | null): void {
    const made: PeerSegment = {
      seq: from,
      ack: before?.ack ?? 1,
      flags: TCP_ACK | TCP_PSH,
      window: before?.segment.window ?? 65_535,
      urgent: 0,
      options:
        before?.options.hasTimestamps && before.options.sackCount === 0
          ? before.segment.options
          : new Uint8Array(0),
      payload: new Uint8Array(to - from),
      tos: 0,
      index: -1,
    };
    const list = this.made.get(i);
    if (list) list.push(made);
    else this.made.set(i, [made]);
  }
}

/** A recorded packet of the peer, its payload as long as it was on the wire. */
export function peerSegment(p: RecordedSegment, index: number): PeerSegment {
  const { segment } = p;
  const payload = new Uint8Array(segment.length);
  payload.set(segment.payload.subarray(0, segment.length));
  return {
    seq: p.seq,
    ack: p.ack,
    flags: segment.flags,
    window: segment.window,
    urgent: segment.urgent,
    options: segment.headerSnapped ? new Uint8Array(0) : segment.options,
    payload: segment.flags & TCP_RST && !(segment.flags & TCP_FIN) ? segment.payload : payload,
    tos: segment.tos,
    index,
  };
}
