// TCP Fast Open (RFC 7413) in scripts. A cookie is its server's secret: as server the stack has the key that packetdrill's
// TFO_COOKIE is made with, as client it sends data without one.

import { TCP_ACK, TCP_SYN } from '../../stack/wire/tcp.js';
import type { AppAction } from '../replay/application.js';
import type { RecordedSegment } from '../replay/recording.js';
import type { Situation } from '../replay/situation.js';

const KEY = 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4';
/** What the key makes of the peer's address: the runner defines it for IPv4, and for the IPv6 addresses of its suite only. */
const OWN = { ipv4: 'TFO_COOKIE', ipv6: 'e7041978eab92f14' } as const;
const COOKIE = /FO(EXP)? [0-9a-f]+/;

function syn({ recording, side }: Situation, own: boolean): RecordedSegment | undefined {
  return recording.packets.find(
    (p): p is RecordedSegment =>
      p.kind === 'tcp' && (p.direction === side) === own && (p.segment.flags & TCP_SYN) !== 0,
  );
}

/** The client's SYN asks for a cookie: the option is there and empty. */
export const asksForCookie = (situation: Situation): boolean =>
  situation.role === 'client' && syn(situation, true)?.options.fastOpenLength === 0;

/**
 * A client that asks for a cookie and whose first data, not a bare ACK, ends the handshake: its call waited with the data
 * (a blocking sendto), for then Linux puts the ACK off. The bytes of its write and when it ended; null: not so.
 */
export function waitingWrite(
  situation: Situation,
): { readonly write: AppAction; readonly until: number } | null {
  const { recording, side, application } = situation;
  const second = recording.packets.filter((p) => p.kind === 'tcp' && p.direction === side)[1];
  const write = application.actions[0]?.action;
  if (!asksForCookie(situation) || second?.kind !== 'tcp' || write?.kind !== 'write') return null;
  return second.segment.length > 0 && second.segment.flags & TCP_ACK ? { write, until: second.time } : null;
}

/** The host as server made the cookie, or took data with it. */
function ownCookie(situation: Situation): boolean {
  const answer = syn(situation, true);
  if (situation.role !== 'server' || !answer) return false;
  const taken = answer.ack > 1 && (syn(situation, false)?.options.fastOpenLength ?? -1) > 0;
  return answer.options.fastOpenLength > 0 || taken;
}

/** As server the host left data in a SYN aside without a word of cookies: it had no Fast Open (RFC 7413 section 4.2.2). */
export function leavesDataAside(situation: Situation): boolean {
  const asked = syn(situation, false);
  const answer = syn(situation, true);
  if (situation.role !== 'server' || !asked || !answer) return false;
  return asked.segment.length > 0 && answer.ack === 1 && answer.options.fastOpenLength < 0;
}

/** Lines in the place of `tcp_fastopen` as the stack has it for replays, where no packet shows a cookie. */
export function fastOpenSysctls(situation: Situation, otherwise: string): string[] {
  if (asksForCookie(situation)) return ['sysctl -q net.ipv4.tcp_fastopen=1'];
  if (ownCookie(situation))
    return ['sysctl -q net.ipv4.tcp_fastopen=2', `sysctl -q net.ipv4.tcp_fastopen_key=${KEY}`];
  if (leavesDataAside(situation)) return ['sysctl -q net.ipv4.tcp_fastopen=1'];
  return [`sysctl -q net.ipv4.tcp_fastopen=${otherwise}`];
}

/** The peer's cookie was not one of the host's: its data was left aside, and a new one given. */
function isForeign(situation: Situation, p: RecordedSegment): boolean {
  const answer = syn(situation, true);
  return p.direction !== situation.side && p.segment.length > 0 && answer?.ack === 1;
}

/** A SYN's options with the cookie that this script's host knows: its own, or none. */
export function cookieText(situation: Situation, p: RecordedSegment, text: string): string {
  if (!(p.segment.flags & TCP_SYN)) return text;
  const own = situation.recording.ipv6 ? OWN.ipv6 : OWN.ipv4;
  if (ownCookie(situation)) return isForeign(situation, p) ? text : text.replace(COOKIE, `FO$1 ${own}`);
  // With the padding behind it.
  return situation.role === 'client' && p.direction === situation.side
    ? text.replace(/,?(nop,nop,)?FO(EXP)? [0-9a-f]+(,nop,nop)?/, '')
    : text;
}
