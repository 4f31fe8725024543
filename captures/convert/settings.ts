// Sysctls of the recorded host that its packets tell, beyond the options of its SYN.

import { TCP_ACK, TCP_AE, TCP_CWR, TCP_ECE, TCP_SYN } from '../../stack/wire/tcp.js';
import type { RecordedSegment } from '../replay/recording.js';
import type { Situation } from '../replay/situation.js';

const SECOND = 1_000_000;
/** `tcp_syn_linear_timeouts` unless somebody changes it. */
const USUAL_LINEAR = 4;
/** Option kinds of accurate ECN (RFC 9768 section 3.2.3). */
const ACCURATE_OPTIONS = [172, 174];

const segments = ({ recording, side }: Situation, own: boolean): RecordedSegment[] =>
  recording.packets.filter((p): p is RecordedSegment => p.kind === 'tcp' && (p.direction === side) === own);

const isSyn = ({ segment }: RecordedSegment): boolean => (segment.flags & TCP_SYN) !== 0;

export function toldSysctls(situation: Situation): string[] {
  const list: string[] = [];
  if (isAccurate(situation)) {
    list.push('sysctl -q net.ipv4.tcp_ecn=3');
    if (!segments(situation, true).some(hasAccurateOption)) list.push('sysctl -q net.ipv4.tcp_ecn_option=0');
  }
  const linear = linearTimeouts(situation);
  if (linear !== USUAL_LINEAR) list.push(`sysctl -q net.ipv4.tcp_syn_linear_timeouts=${linear}`);
  if (leavesDuplicatesUntold(situation)) list.push('sysctl -q net.ipv4.tcp_dsack=0');
  return list;
}

/** The host asked for accurate ECN, or agreed to it (RFC 9768 section 3.1). */
export function isAccurate(situation: Situation): boolean {
  const asks = (p: RecordedSegment): boolean => {
    const bits = TCP_AE | TCP_CWR | TCP_ECE;
    return isSyn(p) && !(p.segment.flags & TCP_ACK) && (p.segment.flags & bits) === bits;
  };
  if (situation.role === 'client') return segments(situation, true).some(asks);
  const answer = segments(situation, true).find(isSyn);
  const agrees = ((answer?.segment.flags ?? 0) & (TCP_AE | TCP_CWR)) !== 0;
  return agrees && segments(situation, false).some(asks);
}

function hasAccurateOption({ segment: { options } }: RecordedSegment): boolean {
  for (let at = 0; at < options.length && options[at] !== 0; ) {
    if (ACCURATE_OPTIONS.includes(options[at]!)) return true;
    at += options[at] === 1 ? 1 : Math.max(2, options[at + 1] ?? 2);
  }
  return false;
}

/** How many of a SYN's repetitions came after a second before the pauses began to double. */
function linearTimeouts(situation: Situation): number {
  const syns = segments(situation, true).filter((p) => isSyn(p) && p.ack < 0);
  const gaps = syns.slice(1).map((p, i) => p.time - syns[i]!.time);
  const longer = gaps.findIndex((gap) => gap > 1.5 * SECOND);
  // Something was heard before the first pause that was longer than the first: too little is told.
  return longer > 0 && gaps[longer]! < 2.5 * SECOND ? longer - 1 : USUAL_LINEAR;
}

/** With SACK, what came twice was acknowledged without saying so (RFC 2883). */
function leavesDuplicatesUntold({ recording, side }: Situation): boolean {
  const { packets } = recording;
  const both = packets.filter((p) => p.kind === 'tcp' && isSyn(p) && p.options.sackPermitted);
  if (both.length < 2) return false;
  let acked = 1;
  return packets.some((p, i) => {
    if (p.kind !== 'tcp') return false;
    if (p.direction === side) {
      acked = Math.max(acked, p.ack);
      return false;
    }
    if (p.segment.length === 0 || p.end > acked || p.seq < 1) return false;
    const next = packets[i + 1];
    const answered = next?.kind === 'tcp' && next.direction === side && next.time - p.time < SECOND / 1000;
    return answered && next.end === next.seq && next.options.sackCount === 0;
  });
}
