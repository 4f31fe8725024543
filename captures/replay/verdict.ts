// From a replay to its verdict: the same bytes in both directions and legal packets are a pass; what our stack did in
// another way than the recorded host is listed, because two right TCPs may differ.

import { optionsText } from '../../conformance/runner/tcp-options.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { describeTcpOptions } from '../../stack/wire/tcp-options.js';
import { dataStart } from './application.js';
import { type Played, play } from './player.js';
import type { RecordedSegment, Recording } from './recording.js';
import { NotReplayable, type Role, type Situation, situationOf } from './situation.js';

export interface ReplayResult {
  readonly capture: string;
  readonly stream: number;
  readonly role: Role;
  readonly ends: readonly [string, string];
  readonly verdict: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped; the first problem of a failure. */
  readonly reason: string;
  /** What no TCP may do, and bytes that are not the same. */
  readonly problems: readonly string[];
  /** What our stack did in another way. */
  readonly differences: readonly string[];
  /** What the capture lacks or lies about, and what was done about it. */
  readonly notes: readonly string[];
  readonly bytesRead: number;
  readonly bytesSent: number;
  /** For reports; null when it was skipped. */
  readonly situation: Situation | null;
  readonly played: Played | null;
}

const ERRNO: Readonly<Record<number, string>> = {
  32: 'EPIPE',
  103: 'ECONNABORTED',
  104: 'ECONNRESET',
  110: 'ETIMEDOUT',
  111: 'ECONNREFUSED',
  113: 'EHOSTUNREACH',
  101: 'ENETUNREACH',
  71: 'EPROTO',
  90: 'EMSGSIZE',
};

/** Replays one side of a conversation. Never throws for what is in the capture. */
export function replayStream(capture: string, recording: Recording, role: Role): ReplayResult {
  const common = { capture, stream: recording.index, role, ends: recording.ends };
  let situation: Situation;
  try {
    situation = situationOf(recording, role);
  } catch (error) {
    if (!(error instanceof NotReplayable)) throw error;
    const empty = {
      problems: [],
      differences: [],
      notes: [],
      bytesRead: 0,
      bytesSent: 0,
      situation: null,
      played: null,
    };
    return { ...common, verdict: 'skipped', reason: error.message, ...empty };
  }
  const played = play(situation);
  // Bytes that a host cannot take from a peer like this one.
  const lacking = lackingBytes(situation, played);
  const excused = situation.lies;
  const problems = [...problemsOf(situation, played), ...(excused ? [] : lacking)];
  return {
    ...common,
    verdict: problems.length > 0 ? 'failed' : 'passed',
    reason: problems[0] ?? '',
    problems,
    differences: [...differencesOf(situation, played), ...(excused ? lacking : [])],
    notes: situation.notes,
    bytesRead: played.read.length,
    bytesSent: Math.max(0, sentData(played)),
    situation,
    played,
  };
}

const sentData = (played: Played): number =>
  played.observer.sent.reduce(
    (n, s) => (s.packet.payloadLength > 0 ? Math.max(n, s.end - 1 - (s.flags & TCP_FIN ? 1 : 0)) : n),
    0,
  );

const has = (recording: Recording, side: number, flags: number): boolean =>
  recording.packets.some(
    (p) => p.kind === 'tcp' && p.direction === side && (p.segment.flags & flags) === flags,
  );

/** Bytes and ends that are not as recorded; what is missing counts only where nobody reset the connection. */
function lackingBytes(situation: Situation, played: Played): string[] {
  const { recording, application, peerBytes } = situation;
  const list: string[] = [];
  const { read } = played;
  const differ = firstDifference(read, peerBytes);
  if (differ >= 0) list.push(`byte ${differ + 1} read by the application is not the one that the peer sent`);
  if (has(recording, 0, TCP_RST) || has(recording, 1, TCP_RST)) return list;
  if (played.error !== 0 && !icmpMayEnd(recording))
    list.push(`the connection failed with ${ERRNO[played.error] ?? `errno ${played.error}`}`);
  if (application.actions.some((a) => a.action.kind === 'close' || a.action.kind === 'abort')) return list;
  if (read.length < peerBytes.length)
    list.push(`${read.length} bytes read of ${peerBytes.length} that the peer sent`);
  const sent = sentData(played);
  if (sent < application.bytes.length)
    list.push(`${sent} bytes sent of ${application.bytes.length} that the recorded host sent`);
  const bothFin = has(recording, 0, TCP_FIN) && has(recording, 1, TCP_FIN);
  if (bothFin && !played.observer.fin) list.push('our stack has not sent its FIN');
  if (played.observer.reset) list.push('our stack reset the connection, the recorded host did not');
  return list;
}

function problemsOf(situation: Situation, played: Played): string[] {
  const { peerBytes, opens } = situation;
  const problems = [...played.observer.problems];
  if (played.fault !== null) problems.push(`the replay broke off: ${played.fault}`);
  const { length } = played.read;
  if (length > peerBytes.length) problems.push(`${length} bytes read, the peer sent ${peerBytes.length}`);
  if (!opens && !played.observer.reset) problems.push('a SYN to a closed port was not answered by a reset');
  return [...new Set(problems)];
}

const icmpMayEnd = (recording: Recording): boolean => recording.packets.some((p) => p.kind === 'icmp');

/** -1 when one is the other's beginning. */
function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return i;
  return -1;
}

function differencesOf(situation: Situation, played: Played): string[] {
  const { recording, side } = situation;
  const ours = played.observer.sent;
  const theirs = recording.packets.filter(
    (p): p is RecordedSegment => p.kind === 'tcp' && p.direction === side,
  );
  const list: string[] = [];
  compareSyns(theirs, ours, list);
  compareCounts(theirs, ours, list);
  if (played.waits > 0)
    list.push(
      `the peer had to wait ${played.waits} times for our stack, ${milliseconds(played.waited)} in all`,
    );
  if (played.clamped > 0)
    list.push(
      `${played.clamped} acknowledgments of the peer were cut down to what our stack had sent by then`,
    );
  if (played.madeAcks > 0)
    list.push(`${played.madeAcks} acknowledgments were made up for our stack to go on`);
  compareWindows(theirs, played, list);
  const silent = theirs.length > 0 && ours.length === 0;
  if (silent) list.push('our stack sent nothing');
  return list;
}

const milliseconds = (us: number): string => `${Number((us / 1000).toFixed(1))} ms`;

function compareSyns(
  theirs: readonly RecordedSegment[],
  ours: Played['observer']['sent'],
  list: string[],
): void {
  const recorded = theirs.find((p) => p.segment.flags & TCP_SYN);
  const own = ours.find((s) => s.flags & TCP_SYN);
  if (!recorded || !own || own.packet.transport.kind !== 'tcp') return;
  const plain = (text: string): string =>
    text
      .replace(/,?(nop|TS val \d+ ecr \d+|FO [0-9a-f]*)/g, (m) =>
        m.includes('TS') ? ',TS' : m.includes('FO') ? ',FO' : '',
      )
      .replace(/^,/, '');
  const a = plain(describeTcpOptions(recorded.options)).split(',').sort().join(',');
  const b = plain(optionsText(own.packet.transport.options)).split(',').sort().join(',');
  if (a !== b) list.push(`SYN options: ${b || 'none'}; recorded ${a || 'none'}`);
}

function compareCounts(
  theirs: readonly RecordedSegment[],
  ours: Played['observer']['sent'],
  list: string[],
): void {
  const before = count(
    theirs.map((p) => ({
      flags: p.segment.flags,
      length: p.segment.length,
      end: dataStart(p) + p.segment.length,
    })),
  );
  const now = count(
    ours.map((s) => ({
      flags: s.flags,
      length: s.packet.payloadLength,
      end: s.end - (s.flags & TCP_FIN ? 1 : 0),
    })),
  );
  for (const [name, a, b] of [
    ['data segments', now.data, before.data],
    ['retransmissions', now.again, before.again],
    ['ACKs without data', now.acks, before.acks],
    ['resets', now.resets, before.resets],
  ] as const)
    if (a !== b) list.push(`${a} ${name}; recorded ${b}`);
}

function count(packets: readonly { flags: number; length: number; end: number }[]) {
  const totals = { data: 0, again: 0, acks: 0, resets: 0 };
  let high = 0;
  for (const { flags, length, end } of packets) {
    if (flags & TCP_RST) totals.resets++;
    else if (length > 0) {
      totals.data++;
      if (end <= high) totals.again++;
      high = Math.max(high, end);
    } else if ((flags & (TCP_ACK | TCP_SYN | TCP_FIN)) === TCP_ACK) totals.acks++;
  }
  return totals;
}

function compareWindows(theirs: readonly RecordedSegment[], played: Played, list: string[]): void {
  const closed = theirs.filter(
    (p) => p.segment.window === 0 && !(p.segment.flags & (TCP_RST | TCP_SYN)),
  ).length;
  const ours = played.observer.sent.filter(
    (s) =>
      s.packet.transport.kind === 'tcp' &&
      s.packet.transport.window === 0 &&
      !(s.flags & (TCP_RST | TCP_SYN)),
  ).length;
  if (closed !== ours) list.push(`${ours} packets with a closed window; recorded ${closed}`);
}
