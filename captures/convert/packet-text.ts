// Packets as a script writes them: numbers, and options with their timestamps in the script's own counting.

import { flagsText } from '../../conformance/runner/print-packet.js';
import { TCP_ACK } from '../../stack/wire/tcp.js';
import type { RecordedSegment } from '../replay/recording.js';
import type { PeerSegment, Situation } from '../replay/situation.js';
import { cookieText } from './fast-open.js';
import { hasCookie, optionText } from './option-text.js';
import { OWN_SHIFT } from './told.js';

/** What the first recorded timestamp of a side becomes. */
const FIRST_STAMP = 1000;

export function numbers(seq: number, length: number, flags: number, ack: number): string {
  const text = `${flagsText(flags)} ${seq >>> 0}:${(seq + length) >>> 0}(${length})`;
  return flags & TCP_ACK ? `${text} ack ${ack >>> 0}` : text;
}

export class PacketText {
  private readonly situation: Situation;
  /** Script numbers of the timestamps on lines of the host's, by the recorded value. */
  private readonly stamps = new Map<number, number>();
  private lastStamp = 0;
  /** Each side's first timestamp, -1: it has none. */
  private readonly first: [number, number] = [-1, -1];

  constructor(situation: Situation) {
    this.situation = situation;
    for (const p of situation.recording.packets) {
      if (p.kind === 'tcp' && p.options.hasTimestamps && this.first[p.direction] < 0)
        this.first[p.direction] = p.options.tsVal;
    }
  }

  /** The options of a recorded packet. */
  options(p: RecordedSegment): string {
    const { recording, side } = this.situation;
    const recorded = optionText(p.segment.headerSnapped ? new Uint8Array(0) : p.segment.options, {
      sackBase: recording.isn[1 - p.direction]!,
      value: (v) => this.stamp(p.direction, v),
      echo: p.direction === side ? this.ownEcho(p) : this.peersEcho(p),
    });
    const text = cookieText(this.situation, p, recorded);
    if (p.direction === side && (hasCookie(text) || p.segment.headerSnapped)) return ' <...>';
    return text === '' ? '' : ` <${text}>`;
  }

  /** The options of a packet that was made up for the peer. */
  madeOptions(p: PeerSegment): string {
    const { recording, side } = this.situation;
    const stamp = this.first[1 - side] ?? 0;
    const text = optionText(p.options, {
      sackBase: recording.isn[side]!,
      value: (v) => (v - stamp + FIRST_STAMP) >>> 0,
      echo: () => (p.flags & TCP_ACK ? this.lastStamp : 0),
    });
    return text === '' ? '' : ` <${text}>`;
  }

  /** Linux's options of a SYN, for one that the capture lacks. */
  ownSyn(echo: number, stamp = 1): string {
    const { sysctls, mtu, recording } = this.situation;
    const on = (name: string): boolean => sysctls[`net.ipv4.tcp_${name}`] === '1';
    const stamps = on('timestamps') && this.first.some((v) => v >= 0);
    const parts = [`mss ${mtu - (recording.ipv6 ? 60 : 40)}`];
    if (on('sack')) parts.push(...(stamps ? ['sackOK'] : ['nop', 'nop', 'sackOK']));
    if (stamps) {
      this.lastStamp = stamp;
      parts.push(`TS val ${stamp} ecr ${echo}`);
    }
    if (on('window_scaling')) parts.push('nop', `wscale ${OWN_SHIFT}`);
    return ` <${parts.join(',')}>`;
  }

  /** The host's packets stand on a line: the peer's may echo their timestamps. */
  sent(packets: readonly RecordedSegment[]): void {
    const p = packets[0]!;
    if (!p.options.hasTimestamps) return;
    this.lastStamp = this.stamp(p.direction, p.options.tsVal);
    for (const q of packets) this.stamps.set(q.options.tsVal, this.lastStamp);
  }

  /** A recorded timestamp in the script's numbers. */
  stamp(direction: number, recorded: number): number {
    return (recorded - this.first[direction]! + FIRST_STAMP) >>> 0;
  }

  /** The echo in a packet of the host's: the peer's value. */
  private ownEcho(p: RecordedSegment): (v: number) => number {
    return (v) => (p.segment.flags & TCP_ACK ? this.stamp(1 - p.direction, v) : v);
  }

  /** The echo in the peer's packet: a value that stands on a line of the host's. */
  private peersEcho(p: RecordedSegment): (v: number) => number {
    return (v) => (p.segment.flags & TCP_ACK ? (this.stamps.get(v) ?? this.lastStamp) : 0);
  }
}
