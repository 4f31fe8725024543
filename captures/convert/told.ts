// What a recorded host's packets tell of its calls and its device, beyond bytes and times.

import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { fullSegment } from '../replay/application.js';
import { distanceTo } from '../replay/distance.js';
import { pacingOf } from '../replay/pacing.js';
import { carriesData, type RecordedPacket, type RecordedSegment } from '../replay/recording.js';
import type { Situation } from '../replay/situation.js';
import { fastOpenSysctls } from './fast-open.js';
import { toldSysctls } from './settings.js';

function own({ recording, side }: Situation): RecordedSegment[] {
  return recording.packets.filter((p): p is RecordedSegment => p.kind === 'tcp' && p.direction === side);
}

/** The window shift that is offered where the recorded one is not known. */
export const OWN_SHIFT = 7;

/** What the host was set to, as commands in front of the script. */
export function preamble(situation: Situation): string[] {
  const { sysctls } = situation;
  const syn = own(situation).find(({ segment }) => (segment.flags & TCP_SYN) !== 0);
  const keep = ['tcp_timestamps', 'tcp_sack', 'tcp_window_scaling', 'tcp_ecn'];
  const list = keep
    .filter((name) => sysctls[`net.ipv4.${name}`] !== undefined)
    .map((name) => `sysctl -q net.ipv4.${name}=${sysctls[`net.ipv4.${name}`]}`);
  list.push(...toldSysctls(situation));
  if (paces(situation)) list.push('sysctl -q net.ipv4.tcp_congestion_control=bbr');
  const fastOpen = sysctls['net.ipv4.tcp_fastopen'];
  if (fastOpen !== undefined) list.push(...fastOpenSysctls(situation, fastOpen));
  // The largest buffer decides the window shift that is offered: 65,535 times its power of two gives that one.
  const shift = syn?.options.wscale ?? OWN_SHIFT;
  if (shift >= 2 && shift <= 14)
    list.push(`sysctl -q net.ipv4.tcp_rmem="4096 131072 ${65_535 * 2 ** shift}"`);
  // Where the recorded device took no super-packets, the kernel cut and pushed in another rhythm.
  if (inSingles(situation)) list.push('ethtool -K tun0 tso off gso off');
  // Room for every write at once: none of the script's blocks.
  list.push('sysctl -q net.ipv4.tcp_wmem="4096 4194304 4194304"');
  return list;
}

/** The recorded host paced its packets as BBR does. */
export const paces = ({ recording, side }: Situation): boolean =>
  pacingOf(recording, side, fullSegment(recording, side)) !== null;

/** The recorded host sent several full segments in a row, each by itself: its device had no offloads. */
function inSingles(situation: Situation): boolean {
  const mss = fullSegment(situation.recording, situation.side);
  let full = 0;
  for (const { segment } of own(situation)) {
    if (segment.length > mss) return false;
    if (segment.length === mss) full++;
  }
  return full > 1;
}

/** How the `n` bytes from number `from` on were sent: urgently, or with more announced. */
export function sendFlag(situation: Situation, from: number, n: number, more: boolean): string {
  const end = from + n;
  const mss = fullSegment(situation.recording, situation.side);
  for (const p of own(situation)) {
    if (p.segment.flags & TCP_SYN) continue;
    if (p.segment.urgent > 0 && p.seq + p.segment.urgent === end) return 'MSG_OOB';
    if (p.seq >= end || p.end < end) continue;
    // The first packet with the last byte, and no PSH: a FIN goes with it, or it is full and its write goes on unseen.
    if (p.segment.flags & TCP_PSH) break;
    if (p.segment.flags & TCP_FIN ? p.end === end + 1 : p.segment.length % mss === 0) return 'MSG_MORE';
    break;
  }
  return more ? 'MSG_MORE' : '';
}

/** What an acknowledgment lets go leaves within this. µs */
const AT_ONCE = 500;

/**
 * The `n` bytes from number `from` on waited for the FIN, pushed: the socket was corked, where nothing was in flight, or neither
 * Nagle's algorithm as Minshall changed it (Linux's, which waits for small segments alone) nor a full window held them: no small
 * segment was in flight, and it was no acknowledgment that let them go.
 */
export function corked({ recording, side }: Situation, from: number, n: number): boolean {
  const mss = fullSegment(recording, side);
  const away = distanceTo(recording, side);
  let acked = 1;
  let small = 0;
  let heard = Number.NEGATIVE_INFINITY;
  for (const p of recording.packets) {
    if (p.kind !== 'tcp' || p.segment.flags & TCP_SYN) continue;
    if (p.direction !== side) {
      acked = Math.max(acked, p.ack);
      heard = p.time;
    } else if (p.end >= from + n) {
      const both = TCP_FIN | TCP_PSH;
      const waited = small <= acked && p.time - heard - away > AT_ONCE;
      return (
        p.seq === from &&
        (acked >= from || waited) &&
        (p.segment.flags & both) === both &&
        p.end === from + n + 1
      );
    } else if (carriesData(p) && p.segment.length % mss !== 0) small = p.end;
  }
  return false;
}

/** Linux offers more without SO_RCVBUF: the whole segments in 65,535 bytes. */
const LEAST_USUAL = 60_000;

/**
 * SO_RCVBUF where the SYN offers a window shift of 0 or 1, which no sysctl brings about, or a small window without one; 0: none.
 * The kernel offers whole segments: of the sizes that make this window the one that people choose, a power of two, or the least.
 */
export function chosenBuffer(situation: Situation): number {
  for (const { segment, options } of own(situation)) {
    if (!(segment.flags & TCP_SYN)) continue;
    const small = options.wscale < 0 && segment.window < LEAST_USUAL;
    if (!small && options.wscale !== 0 && options.wscale !== 1) return 0;
    const round = 2 ** Math.ceil(Math.log2(segment.window));
    return round < segment.window + options.mss ? round : segment.window;
  }
  return 0;
}

/** The shortest delayed ACK (Linux's TCP_DELACK_MIN) and a tick less. µs */
const DELAYED = 35_000;
/** The host could have acknowledged what came before this pause. µs */
const PAUSE = 5_000;

/**
 * The first data was not acknowledged at once though the host had sent none, which is what keeps ACKs back otherwise:
 * TCP_QUICKACK was 0.
 */
export function withoutQuickAcks({ recording, side }: Situation): boolean {
  let waiting: RecordedSegment | null = null;
  for (const p of recording.packets) {
    if (p.kind !== 'tcp' || p.segment.flags & TCP_SYN) continue;
    if (p.direction !== side) {
      if (!carriesData(p) || p.segment.flags & TCP_FIN) continue;
      if (waiting !== null) return p.time - waiting.time >= PAUSE;
      waiting = p;
    } else if (p.end > p.seq || p.segment.flags & TCP_RST) return false;
    else if (waiting !== null) {
      const late = p.time - waiting.time >= DELAYED;
      // One that was on its way already answers something else.
      if (!late || p.ack > waiting.seq) return late;
    }
  }
  return false;
}

/** Probes that nobody answered before a reset an interval later: TCP_KEEPCNT; 0: the connection did not end so. */
export function probesInVain(situation: Situation, interval: number): number {
  const { packets } = situation.recording;
  const list = packets.filter((p): p is RecordedSegment => p.kind === 'tcp');
  const end = list.findIndex((p) => p.direction === situation.side && (p.segment.flags & TCP_RST) !== 0);
  let probes = 0;
  for (let i = end - 1; i >= 0; i--) {
    const p = list[i]!;
    const seconds = (list[i + 1]!.time - p.time) / 1e6;
    if (p.direction !== situation.side || p.end > p.seq || Math.abs(seconds - interval) > 0.3) break;
    probes++;
  }
  return probes;
}

export function peerIsUrgent({ recording, side }: Situation): boolean {
  return recording.packets.some((p) => p.kind === 'tcp' && p.direction !== side && p.segment.urgent > 0);
}

/** How often the host acknowledges more than the peer's whole stream, as no host does: its packets were changed on the way. */
export function overstated(situation: Situation): number {
  const { recording, side } = situation;
  const fin = recording.packets.find(
    (p) => p.kind === 'tcp' && p.direction !== side && (p.segment.flags & TCP_FIN) !== 0,
  );
  if (fin?.kind !== 'tcp') return 0;
  return own(situation).filter((p) => (p.segment.flags & TCP_RST) === 0 && p.ack > fin.end).length;
}

/** A SYN that the host answered as one of another connection's (RFC 5961 section 4.2). */
export function challenged(situation: Situation): boolean {
  const [first] = own(situation);
  const { flags } = first?.segment ?? { flags: 0 };
  const bare = (flags & (TCP_ACK | TCP_SYN | TCP_RST)) === TCP_ACK;
  return situation.role === 'server' && !situation.synthetic && bare && first!.ack < 1;
}

/** The host's socket was gone when this good SYN with ACK came: a reset without ACK answers it (RFC 9293 section 3.10.7.1). */
export function closedBefore(situation: Situation, p: RecordedSegment): boolean {
  const both = TCP_SYN | TCP_ACK;
  if (situation.role !== 'client' || (p.segment.flags & both) !== both || p.ack !== 1) return false;
  return deniesNext(situation, p);
}

/** The next that the host sends after this packet is a reset without ACK: it knows of no connection. */
export function deniesNext({ recording, side }: Situation, p: RecordedPacket): boolean {
  const { packets } = recording;
  const next = packets.find((q, i) => i > packets.indexOf(p) && q.kind === 'tcp' && q.direction === side);
  return next?.kind === 'tcp' && (next.segment.flags & (TCP_RST | TCP_ACK)) === TCP_RST;
}

/** Whether the host goes on with the connection after this packet: a reset may have been one that it did not take. */
export function speaksAfter({ recording, side }: Situation, p: RecordedSegment): boolean {
  const later = recording.packets.slice(recording.packets.indexOf(p) + 1);
  return later.some((q) => q.kind === 'tcp' && q.direction === side && !(q.segment.flags & TCP_RST));
}
