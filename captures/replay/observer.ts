// Judges every packet that our stack sends in a replay by what holds for any TCP, whatever the recorded host did:
// nothing is acknowledged that did not arrive, nothing is sent beyond the offered window or differs from what the
// application wrote, checksums are right, nobody is reset without cause. (RFC 9293 sections 3.4, 3.8, 3.10.)

import type { DecodedPacket, DecodedTcp } from '../../conformance/runner/decode.js';
import { decodePacket } from '../../conformance/runner/decode.js';
import { sackBlocks } from '../../conformance/runner/tcp-options.js';
import { seqDiff } from '../../stack/wire/seq.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';

const OPTION_WSCALE = 3;
const OPTION_SACK = 5;
const OPTION_TIMESTAMP = 8;
/** µs that TIME-WAIT lasts on Linux (TCP_TIMEWAIT_LEN). */
const TIME_WAIT = 60e6;

/** A packet of our stack, numbers relative to the SYNs. */
export interface SentPacket {
  readonly time: number;
  readonly packet: DecodedPacket;
  readonly flags: number;
  readonly seq: number;
  readonly end: number;
  readonly ack: number;
  readonly again: boolean;
  readonly timestamp: number;
  readonly problem: string | null;
}

export class Observer {
  readonly sent: SentPacket[] = [];
  readonly problems: string[] = [];
  /** Absolute ISN of our stack; -1 before its SYN. */
  isn = -1;
  /** First number that was not sent; highest acknowledgment; right edge of the window offered to the peer. */
  high = 0;
  acked = -1;
  edge = 0;
  fin = false;
  /** It sent a reset, other than for a connection that had come to its end. */
  reset = false;
  retransmitted = 0;
  private shift = 0;
  private readonly peerIsn: number;
  private readonly written: Uint8Array;
  /** What has reached our stack: end of the contiguous part, highest end, and pieces beyond. */
  private arrived = 0;
  private arrivedHigh = 0;
  private pieces: [number, number][] = [];
  /** Right edge that the peer offers; its window shift. */
  private peerEdge = Number.POSITIVE_INFINITY;
  private peerShift = 0;
  /** The peer or the application gave cause for a reset, or nothing is left of the connection. */
  mayReset = false;
  private gone = false;
  /** A SYN came behind the end: what our stack says now belongs to another connection. */
  private next = false;
  /** Number behind the peer's FIN, -1: none arrived; whether ours left behind it; when TIME-WAIT began. */
  private peerFin = -1;
  private closedSecond = false;
  /** The highest acknowledgment that the peer sent. */
  private heard = 0;
  private timeWait = Number.POSITIVE_INFINITY;

  /** @param written what the application writes in all */
  constructor(peerIsn: number, written: Uint8Array) {
    this.peerIsn = peerIsn;
    this.written = written;
  }

  /** The peer's packet reaches the stack. */
  received(
    time: number,
    seq: number,
    end: number,
    ack: number,
    flags: number,
    window: number,
    shift: number | null,
  ): void {
    if (time - this.timeWait > TIME_WAIT) this.gone = this.mayReset = true;
    if (this.gone && (flags & (TCP_SYN | TCP_ACK | TCP_RST)) === TCP_SYN) this.next = true;
    if (flags & TCP_RST) {
      this.mayReset = true;
      return;
    }
    if (flags & TCP_SYN && shift !== null) this.peerShift = shift;
    if (end > seq) this.take(seq, end);
    this.arrivedHigh = Math.max(this.arrivedHigh, end);
    if (flags & TCP_ACK) {
      const scaled = flags & TCP_SYN ? window : window * 2 ** this.peerShift;
      const edge = ack + scaled;
      this.peerEdge = this.peerEdge === Number.POSITIVE_INFINITY ? edge : Math.max(this.peerEdge, edge);
      // RFC 9293 section 3.10.7.3 and 3.10.7.4: what acknowledges anything but our SYN in a handshake is reset.
      this.heard = Math.max(this.heard, ack);
      if (ack > this.high || this.heard < 1) this.mayReset = true;
    } else if (flags & TCP_SYN) this.peerEdge = 1 + window;
    // Data behind its FIN is an error that a host may answer with a reset (RFC 9293 section 3.10.7.4, seventh).
    if (this.peerFin >= 0 && end > this.peerFin) this.mayReset = true;
    if (flags & TCP_FIN) this.peerFin = Math.max(this.peerFin, end);
    // Behind LAST-ACK comes CLOSED, behind the other states TIME-WAIT (RFC 9293 section 3.3.2).
    if (!this.fin || ack < this.high || !this.peerHasEnded()) return;
    if (this.closedSecond) this.gone = this.mayReset = true;
    else this.timeWait = time;
  }

  private peerHasEnded(): boolean {
    return this.peerFin >= 0 && this.arrived >= this.peerFin;
  }

  private take(seq: number, end: number): void {
    this.pieces.push([seq, end]);
    this.pieces.sort((a, b) => a[0] - b[0]);
    while (this.pieces.length > 0 && this.pieces[0]![0] <= this.arrived)
      this.arrived = Math.max(this.arrived, this.pieces.shift()![1]);
  }

  /** Our stack's packet leaves. Returns it in relative numbers. */
  left(bytes: Uint8Array, time: number): SentPacket | null {
    const packet = decodePacket(bytes, time);
    const t = packet.transport;
    if (t.kind !== 'tcp' || this.next) return null;
    const { flags } = t;
    if (this.isn < 0) this.isn = flags & TCP_SYN ? t.sequence : (t.sequence - 1) >>> 0;
    const seq = this.high + seqDiff(t.sequence, (this.isn + this.high) >>> 0);
    const end = seq + packet.payloadLength + (flags & TCP_SYN ? 1 : 0) + (flags & TCP_FIN ? 1 : 0);
    const base = this.acked < 0 ? 0 : this.acked;
    const ack = flags & TCP_ACK ? base + seqDiff(t.ack, (this.peerIsn + base) >>> 0) : -1;
    const again = end > seq && end <= this.high;
    const found: string[] = [];
    this.judge(packet, t, seq, end, ack, found);
    for (const problem of found) this.problem(problem, time);
    if (again) this.retransmitted++;
    if (flags & TCP_RST) this.reset ||= !this.gone;
    else {
      this.high = Math.max(this.high, end);
      if (flags & TCP_FIN) {
        if (!this.fin) this.closedSecond = this.peerHasEnded();
        this.fin = true;
      }
      if (ack >= 0) {
        this.acked = Math.max(this.acked, ack);
        if (flags & TCP_SYN) this.shift = scaleOf(t);
        this.edge = Math.max(this.edge, ack + (flags & TCP_SYN ? t.window : t.window * 2 ** this.shift));
      } else if (flags & TCP_SYN) {
        this.shift = scaleOf(t);
        this.edge = 1 + t.window;
      }
    }
    const stamp = t.options.find((o) => o.kind === OPTION_TIMESTAMP);
    const timestamp = stamp ? new DataView(stamp.data.buffer, stamp.data.byteOffset).getUint32(0) : -1;
    const sent = { time, packet, flags, seq, end, ack, again, timestamp, problem: found[0] ?? null };
    this.sent.push(sent);
    return sent;
  }

  private judge(
    packet: DecodedPacket,
    t: DecodedTcp,
    seq: number,
    end: number,
    ack: number,
    found: string[],
  ): void {
    const { flags } = t;
    if (packet.checksumOk === false) found.push('a wrong checksum');
    if (flags & TCP_RST) {
      if (!this.mayReset) found.push('a reset without cause');
      return;
    }
    if (ack > this.arrived) found.push(`acknowledges ${ack} where only ${this.arrived} has arrived`);
    if (ack >= 0 && ack < this.acked) found.push(`takes an acknowledgment back from ${this.acked} to ${ack}`);
    for (const option of t.options) {
      if (option.kind !== OPTION_SACK) continue;
      for (const { right } of sackBlocks(option.data)) {
        const at = this.acked + seqDiff(right, (this.peerIsn + this.acked) >>> 0);
        if (at > this.arrivedHigh)
          found.push(`selectively acknowledges up to ${at}, beyond ${this.arrivedHigh}`);
      }
    }
    const dataEnd = end - (flags & TCP_FIN ? 1 : 0);
    // One byte may always be sent to probe a closed window (RFC 9293 section 3.8.6.1).
    if (packet.payloadLength > 1 && dataEnd > this.peerEdge && !(flags & TCP_SYN))
      found.push(`sends up to ${dataEnd}, the window ends at ${this.peerEdge}`);
    this.compare(packet, flags & TCP_SYN ? seq + 1 : seq, found);
  }

  private compare(packet: DecodedPacket, start: number, found: string[]): void {
    for (let i = 0; i < packet.payloadLength; i++) {
      if (packet.bytes[packet.payloadOffset + i] === this.written[start - 1 + i]) continue;
      found.push(`sends other bytes than were written, from ${start + i} on`);
      return;
    }
  }

  problem(text: string, time: number): void {
    if (this.problems.length < 20) this.problems.push(`${(time / 1e6).toFixed(6)} ${text}`);
  }
}

function scaleOf(t: DecodedTcp): number {
  const option = t.options.find((o) => o.kind === OPTION_WSCALE);
  return option ? Math.min(14, option.data[0] ?? 0) : 0;
}
