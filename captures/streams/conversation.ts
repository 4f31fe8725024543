// A TCP conversation of a capture: two ends, a byte stream in each direction, and what was seen of its life.
// Knows no file and no table.

import { formatAddress, formatIpv6 } from '../../stack/wire/address.js';
import { seqDiff } from '../../stack/wire/seq.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { type AssemblerCounters, ByteStreamAssembler, type GapCause } from './byte-stream-assembler.js';
import type { IcmpAboutTcp, Segment } from './segment.js';

/** Which end sent: 0 the one whose packet came first, 1 the other. */
export type Direction = 0 | 1;

export interface End {
  readonly address: Uint8Array;
  readonly port: number;
}

/** Told of everything in a capture's order. All are optional. */
export interface StreamSink {
  opened?(stream: Conversation): void;
  /** Each packet, before what it adds to the byte streams. */
  segment?(stream: Conversation, direction: Direction, segment: Segment): void;
  /** A packet whose header makes no sense: it belongs here by its addresses and ports. */
  malformed?(stream: Conversation, direction: Direction, segment: Segment): void;
  /** An ICMP error about a packet that `direction` had sent. */
  icmp?(stream: Conversation, direction: Direction, message: IcmpAboutTcp): void;
  /** Bytes of one direction, in order, each once. Valid during the call only. */
  data?(stream: Conversation, direction: Direction, bytes: Uint8Array): void;
  gap?(stream: Conversation, direction: Direction, length: number, cause: GapCause): void;
  /** No packet of it will follow, or none that is still known to belong to it. */
  closed?(stream: Conversation): void;
}

export class Conversation {
  /** From 0, in the order of first packets, as Wireshark's tcp.stream. */
  readonly index: number;
  readonly ipv6: boolean;
  readonly ends: readonly [End, End];
  readonly firstFrame: number;
  packets = 0;
  /** Times since the epoch in µs. */
  readonly began: number;
  last: number;
  /** A SYN, a SYN with ACK, a FIN of each side, a RST was seen. */
  syn = false;
  synAck = false;
  readonly fin: [boolean, boolean] = [false, false];
  rst = false;
  /** Packets whose end of the data was cut off by the capture. */
  snapped = 0;
  private readonly sink: StreamSink;
  private readonly assemblers: readonly [ByteStreamAssembler, ByteStreamAssembler];
  /** Sequence number that each side's first packet began with, or that the other side's ACK implies; -1: none seen. */
  private readonly base: [number, number] = [-1, -1];

  /** @param first its first packet, or a packet of it that an ICMP error quotes */
  constructor(index: number, first: Segment | IcmpAboutTcp, sink: StreamSink, limit: number) {
    this.index = index;
    this.ipv6 = first.ipv6;
    this.ends =
      first.kind === 'tcp'
        ? [
            { address: first.source, port: first.sourcePort },
            { address: first.destination, port: first.destinationPort },
          ]
        : [
            { address: first.quotedSource, port: first.quotedSourcePort },
            { address: first.quotedDestination, port: first.quotedDestinationPort },
          ];
    this.firstFrame = first.frame.number;
    this.began = timeOf(first);
    this.last = this.began;
    this.sink = sink;
    const assembler = (direction: Direction): ByteStreamAssembler =>
      new ByteStreamAssembler(
        {
          data: (bytes) => sink.data?.(this, direction, bytes),
          gap: (length, cause) => sink.gap?.(this, direction, length, cause),
        },
        limit,
      );
    this.assemblers = [assembler(0), assembler(1)];
  }

  /** Both directions' counters, sender's view. */
  get counters(): readonly [AssemblerCounters, AssemblerCounters] {
    return [this.assemblers[0].counters, this.assemblers[1].counters];
  }

  /** `192.0.2.1:80` or `[2001:db8::1]:80`. */
  endText(direction: Direction): string {
    const { address, port } = this.ends[direction];
    // IPv6 packets may have mapped addresses: they are IPv6 all the same.
    return this.ipv6 ? `[${formatIpv6(address, 0)}]:${port}` : `${formatAddress(address)}:${port}`;
  }

  /** Who sent the SYN, as far as can be told; without one, the first to speak. */
  get client(): Direction {
    if (this.synFrom !== null) return this.synFrom;
    return this.synAckFrom === 0 ? 1 : 0;
  }
  private synFrom: Direction | null = null;
  private synAckFrom: Direction | null = null;

  directionOf(segment: Segment): Direction {
    const [a] = this.ends;
    return segment.sourcePort === a.port && same(segment.source, a.address) ? 0 : 1;
  }

  /** Whether this SYN begins another conversation between the same ends, as Wireshark judges it. */
  isReusedBy(segment: Segment): boolean {
    if ((segment.flags & (TCP_SYN | TCP_ACK)) !== TCP_SYN) return false;
    const base = this.base[this.directionOf(segment)];
    return base >= 0 && base !== segment.seq;
  }

  add(segment: Segment): void {
    const direction = this.directionOf(segment);
    const other = (1 - direction) as Direction;
    const { flags, seq, ack, length, payload } = segment;
    this.packets++;
    this.last = timeOf(segment);
    if (segment.malformed) {
      if ((flags & (TCP_SYN | TCP_ACK)) === (TCP_SYN | TCP_ACK) && this.base[direction] >= 0)
        this.begin(direction, seq);
      this.sink.malformed?.(this, direction, segment);
      return;
    }
    const syn = (flags & TCP_SYN) !== 0;
    if (syn) this.begin(direction, seq);
    else if (this.base[direction] < 0) this.base[direction] = (seq - 1) >>> 0;
    if (flags & TCP_ACK && this.base[other] < 0) this.base[other] = (ack - 1) >>> 0;
    if (syn && flags & TCP_ACK) {
      this.synAck = true;
      this.synAckFrom ??= direction;
    } else if (syn) {
      this.syn = true;
      this.synFrom ??= direction;
    }
    if (flags & TCP_RST) this.rst = true;
    if (payload.length < length || segment.headerSnapped) this.snapped++;
    this.sink.segment?.(this, direction, segment);
    if (flags & TCP_FIN) this.fin[direction] = true;
    // Where the header ends cannot be told then, nor what was behind it.
    if (segment.headerSnapped) return;
    // What the other side has, it had before this packet.
    if (flags & TCP_ACK) this.assemblers[other].acknowledged(ack);
    // A reset's data is a message to people (RFC 9293 section 3.5.3); it is shown where it stands, as Wireshark does.
    this.assemblers[direction].add(seq, length, payload, syn, this.base[direction]);
  }

  private begin(direction: Direction, seq: number): void {
    const before = this.base[direction];
    this.base[direction] = seq;
    if (before >= 0 && before !== seq) this.assemblers[direction].renumber(seq - before);
  }

  about(message: IcmpAboutTcp): void {
    const [a] = this.ends;
    const first = message.quotedSourcePort === a.port && same(message.quotedSource, a.address);
    this.sink.icmp?.(this, first ? 0 : 1, message);
  }

  /** Puts out what still waits, and tells the sink. */
  finish(): void {
    for (const assembler of this.assemblers) assembler.finish();
    this.sink.closed?.(this);
  }

  /** Bytes that wait behind holes. */
  get waiting(): number {
    return this.assemblers[0].waiting + this.assemblers[1].waiting;
  }

  /** Both sides have ended it, one way or another. */
  get over(): boolean {
    return this.rst || (this.fin[0] && this.fin[1]);
  }

  /** Of one direction: bytes between its beginning and `seq`. */
  relative(direction: Direction, seq: number): number {
    return this.base[direction] < 0 ? 0 : seqDiff(seq, this.base[direction]);
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < 16; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Capture time in µs since the epoch. */
export function timeOf(segment: Segment | IcmpAboutTcp): number {
  return segment.frame.seconds * 1e6 + segment.frame.nanoseconds / 1e3;
}
