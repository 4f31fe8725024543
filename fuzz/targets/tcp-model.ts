// What a TCP peer can demand of the segments that reach it (RFC 9293), whatever it sent itself: a model that knows what
// was sent to the stack and what the application did, and judges each segment of the stack. Knows no stack.

import { ACK, FIN, type ReadPacket, type ReadTcp, RST, readIp, readTcp, SYN } from '../packets.js';
import { invariant, Violation } from '../target.js';
import { SequenceSet } from './sequence-set.js';
import { strangerIn } from './stream-bytes.js';

/** Linux refuses to send less at a time, whatever the peer says (tcp_min_snd_mss). */
const LEAST_MSS = 48;
/** RFC 9293 section 3.7.1: without the option. */
const DEFAULT_MSS = { 4: 536, 6: 1220 };
/** What a SYN cookie can say at most, and how many different sizes (msstab of Linux's syncookies.c). */
const COOKIE_MSS = { 4: 1460, 6: 8940 };
const COOKIE_SIZES = 4;

export class TcpModel {
  /** Sequence number of the stack's SYN; undefined before it. */
  stackIss: number | undefined;
  /** Behind the highest sequence number that the stack has used. */
  stackNext = 0;
  stackScale = 0;
  /** The peer's window scale as the stack must understand it: 0 unless both offered. */
  peerScale = 0;
  /** Bytes that the application wrote, and whether it may have ended its stream. */
  written = 0;
  mayEnd = false;
  /** Bytes that it read. */
  delivered = 0;
  lastAck: number | undefined;
  lastStamp = 0;
  /** SYN cookies keep one of a few MSS (tcp_synq's msstab in Linux): the least may be more than was offered. */
  cookies = false;
  private irs: number | undefined;
  /** The number of the stack's own SYN, when it connects. */
  private opened: number | undefined;
  /** Highest sequence number that the stack has offered to take. */
  edge: number | undefined;
  private edgeOfSyn = false;
  segments = 0;
  pureAcks = 0;
  resets = 0;
  private readonly sent = new SequenceSet();
  private readonly starts: number[] = [];
  /** The furthest right edge that the peer has offered, as an offset from the stack's ISS. */
  private right = 0;
  private synWindow = 0;
  /** The number before the first byte where a cookie beside the right place was believed, if one was. */
  private besideIrs: number | undefined;
  /** The stack has sent more than its SYN, or a cookie came back to its right place. */
  private established = false;
  private readonly offeredMss: number[] = [];
  private readonly mtu: number;
  private readonly peerIss: number;
  private readonly peerOffer: number;
  private readonly v6: boolean;

  constructor(peerIss: number, peerWscale: number, mtu: number, v6: boolean) {
    this.v6 = v6;
    this.peerIss = peerIss;
    this.peerOffer = peerWscale;
    this.mtu = mtu;
  }

  /** Takes note of a segment on its way to the stack. */
  toStack(ip: ReadPacket): void {
    const segment = readTcp(ip);
    if (typeof segment === 'string') return;
    const { seq, ack, flags, payload, window } = segment;
    const phantom = ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0);
    this.sent.add(seq, payload.length + phantom);
    if ((flags & SYN) !== 0) {
      this.starts.push(seq);
      this.offeredMss.push(segment.mss ?? DEFAULT_MSS[ip.version]);
    }
    if ((flags & RST) !== 0) return;
    if (this.cookies && (flags & (ACK | SYN)) === ACK) this.cookieAck(seq, ack);
    if ((flags & SYN) !== 0) this.synWindow = Math.max(this.synWindow, window);
    if ((flags & ACK) === 0 || this.stackIss === undefined) return;
    const at = (ack - this.stackIss) | 0;
    // What acknowledges too much or nothing that was ever sent is not believed.
    if (at < 0 || at > ((this.stackNext - this.stackIss) | 0)) return;
    // A SYN's window is never scaled (RFC 7323 section 2.2).
    const scaled = (flags & SYN) !== 0 ? window : window * 2 ** this.peerScale;
    this.right = Math.max(this.right, at + scaled);
  }

  /**
   * A cookie is a hash plus the SYN's sequence number plus the index of a size: one and the same for the next number and the
   * index before. An ACK beside the right place is taken for another SYN's, with another size.
   */
  private cookieAck(seq: number, ack: number): void {
    const isn = (seq - 1) >>> 0;
    if (this.starts.includes(isn) && ack === this.stackNext) this.established = true;
    const beside = this.starts.some((start) => {
      const distance = Math.abs((isn - start) | 0);
      return distance > 0 && distance < COOKIE_SIZES;
    });
    if (!beside || this.starts.includes(isn)) return;
    this.starts.push(isn);
    this.sent.add(isn, 1);
    this.offeredMss.push(COOKIE_MSS[this.v6 ? 6 : 4]);
    if (this.established) return;
    this.besideIrs ??= isn;
    // What was said so far was said of no connection.
    this.lastAck = undefined;
    this.edge = undefined;
  }

  /** Judges a packet of the stack. Returns the segment; undefined for another protocol. */
  fromStack(bytes: Uint8Array): ReadTcp | undefined {
    const ip = readIp(bytes);
    if (typeof ip === 'string') throw new Violation('a malformed packet is sent', ip);
    invariant(
      bytes.length <= this.mtu,
      'a packet is larger than the MTU',
      () => `${bytes.length} > ${this.mtu}`,
    );
    if (ip.protocol !== 6) return undefined;
    const segment = readTcp(ip);
    if (typeof segment === 'string') throw new Violation('a malformed segment is sent', segment);
    this.segments++;
    if ((segment.flags & SYN) !== 0) this.syn(segment);
    if ((segment.flags & RST) !== 0) {
      this.resets++;
      return segment;
    }
    if ((segment.flags & SYN) === 0) this.established = true;
    if (segment.timestamps !== undefined) this.lastStamp = segment.timestamps.value;
    if ((segment.flags & ACK) !== 0) this.acknowledgment(segment);
    this.data(segment);
    return segment;
  }

  private syn({ seq, ack, flags, wscale }: ReadTcp): void {
    invariant((flags & (FIN | RST)) === 0, 'a SYN has FIN or RST', () => `flags ${flags}`);
    // RFC 6528: of the same two ends at the same moment the number is the same; the peer's then tells them apart.
    // In a simultaneous open the SYN-ACK that comes again acknowledges what has arrived meanwhile.
    if ((flags & ACK) === 0) this.opened = seq;
    const told = (flags & ACK) !== 0 && this.lastAck !== undefined && this.opened !== seq;
    const another = told && this.irs !== (ack - 1) >>> 0;
    if (this.stackIss !== seq || another) this.begin(seq);
    this.stackScale = wscale ?? 0;
    invariant(this.stackScale <= 14, 'a window scale above 14 is offered', () => String(wscale));
    // RFC 7323 section 2.3: more than 14 counts as 14; both must have offered.
    this.peerScale = wscale === undefined || this.peerOffer < 0 ? 0 : Math.min(14, this.peerOffer);
    this.right = Math.max(this.right, 1 + this.synWindow);
  }

  /** Another connection of the same two ends: a SYN may come again once the first has gone. */
  private begin(iss: number): void {
    this.stackIss = iss;
    this.stackNext = iss;
    this.lastAck = undefined;
    this.edge = undefined;
    this.right = 0;
    this.established = false;
  }

  private acknowledgment({ ack, flags, payload, window, seq }: ReadTcp): void {
    const known = this.starts.some(
      (start) => ((this.sent.reach(start) - ack) | 0) >= 0 && ((ack - start) | 0) > 0,
    );
    // RFC 9293 section 3.10.7.3: in SYN-SENT nothing is acknowledged, so a bare ACK without a SYN of ours is a fault too.
    invariant(known, 'what was never sent is acknowledged', () => {
      const ends = this.starts.map((start) => `${start}-${this.sent.reach(start)}`);
      return `ack ${ack}, sent ${ends.join(' ')}`;
    });
    const first = this.lastAck === undefined;
    if (first && !this.goesOn(ack, flags)) this.irs = (ack - 1) >>> 0;
    const back = first ? 0 : ((this.lastAck as number) - ack) | 0;
    invariant(
      back <= 0 || (flags & SYN) !== 0,
      'an acknowledgment goes back',
      () => `${this.lastAck} to ${ack}`,
    );
    this.lastAck = ack;
    const scale = (flags & SYN) !== 0 ? 0 : this.stackScale;
    const scaled = this.peerOffer < 0 ? window : window * 2 ** scale;
    const edge = (ack + scaled) >>> 0;
    // RFC 9293 section 3.8.6: a window is not shrunk. One step of the scale is lost by rounding; out of memory Linux shuts
    // the window altogether, and what it offers later begins anew. Behind a SYN cookie nothing of the SYN-ACK is remembered, and
    // Linux rounds the window anew, to the cookie's MSS (handshake/syn-cookie-window.pkt): less than a segment is lost.
    const anew = this.cookies && this.edgeOfSyn;
    const slack = anew ? COOKIE_MSS[this.v6 ? 6 : 4] : 2 ** this.stackScale;
    const shrunk = this.edge === undefined || (flags & SYN) !== 0 ? 0 : (this.edge - edge) | 0;
    invariant(shrunk <= slack || window === 0, 'an offered window is taken back', () => `by ${shrunk}`);
    this.edgeOfSyn = (flags & SYN) !== 0;
    if (this.edge === undefined || shrunk < 0 || window === 0 || anew) this.edge = edge;
    const used = ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0);
    if (payload.length + used === 0 && seq === this.stackNext) this.pureAcks++;
  }

  /** A first ACK without SYN that acknowledges data behind the SYN that was answered before. */
  private goesOn(ack: number, flags: number): boolean {
    if (this.irs === undefined || (flags & SYN) !== 0) return false;
    return ((ack - this.irs) | 0) > 0 && ((this.sent.reach(this.irs) - ack) | 0) >= 0;
  }

  private data({ seq, flags, payload }: ReadTcp): void {
    if (this.stackIss === undefined) return;
    const start = (seq - this.stackIss) | 0;
    const syn = (flags & SYN) !== 0 ? 1 : 0;
    const fin = (flags & FIN) !== 0 ? 1 : 0;
    const end = start + syn + payload.length;
    // A keepalive is one below what was acknowledged and carries nothing.
    invariant(start >= 0, 'a sequence number before the SYN is sent', () => `${start}`);
    const first = start + syn - 1;
    const stranger = strangerIn(payload, first);
    invariant(stranger < 0, 'another byte is sent than was written', () => `at ${first + stranger}`);
    invariant(
      end - 1 <= this.written || payload.length === 0,
      'more is sent than was written',
      () => `${end - 1} of ${this.written}`,
    );
    if (fin === 1) {
      invariant(this.mayEnd, 'a FIN is sent that nobody asked for');
      invariant(
        end - 1 === this.written,
        'a FIN is sent in another place than the end',
        () => `${end - 1} of ${this.written}`,
      );
    }
    if (payload.length > 0) {
      invariant(
        end <= this.right,
        'data is sent beyond the window',
        () => `up to ${end}, allowed ${this.right}`,
      );
      const cookie = this.cookies ? DEFAULT_MSS[this.v6 ? 6 : 4] : 0;
      const most = Math.max(LEAST_MSS, cookie, ...this.offeredMss);
      invariant(
        payload.length <= most,
        'a segment is larger than the MSS',
        () => `${payload.length} > ${most}`,
      );
    }
    const next = (this.stackIss + end + fin) >>> 0;
    if (((next - this.stackNext) | 0) > 0 || syn === 1) this.stackNext = next;
  }

  /** Judges bytes that the application read. */
  read(bytes: Uint8Array): void {
    let first = (this.irs ?? this.peerIss) + 1;
    if (this.besideIrs !== undefined && strangerIn(bytes, (first + this.delivered) | 0) >= 0) {
      this.irs = this.besideIrs;
      first = this.irs + 1;
    }
    const at = (first + this.delivered) | 0;
    const stranger = strangerIn(bytes, at);
    invariant(stranger < 0, 'another byte is delivered than was sent', () => `at ${(at + stranger) | 0}`);
    this.delivered += bytes.length;
    const reached = (this.sent.reach(first - 1) - (first - 1)) >>> 0;
    invariant(
      this.delivered < reached || bytes.length === 0,
      'more is delivered than was sent',
      () => `${this.delivered} of ${reached - 1}`,
    );
  }

  /** Behind the last byte that the peer has sent without a gap. */
  get received(): number {
    return this.sent.reach(this.peerIss);
  }
}
