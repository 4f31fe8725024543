// Two traces of one program, step by step: the first thing that differs. What comes later may only follow from it.

import type { Observation, Trace } from './program.js';

export interface Divergence {
  /** What kind of difference it is, without numbers: divergences of one kind are told once. */
  readonly kind: string;
  /** The step behind which it is seen. */
  readonly step: number;
  readonly linux: string;
  readonly stack: string;
  readonly at: number;
}

/** Fields of struct tcp_info that follow from what happened alone, not from how long it took. */
const EXACT = [
  ...['state', 'ca_state', 'retransmits', 'probes', 'backoff', 'options', 'snd_wscale', 'rcv_wscale'],
  ...['snd_mss', 'rcv_mss', 'unacked', 'sacked', 'lost', 'retrans', 'pmtu', 'rcv_ssthresh', 'snd_ssthresh'],
  ...['snd_cwnd', 'advmss', 'reordering', 'total_retrans', 'bytes_acked', 'bytes_received', 'segs_out'],
  ...['segs_in', 'notsent_bytes', 'data_segs_in', 'data_segs_out', 'delivered', 'delivered_ce', 'bytes_sent'],
  ...['bytes_retrans', 'dsack_dups', 'reord_seen', 'rcv_ooopack', 'snd_wnd', 'rcv_wnd', 'rcv_space'],
  ...['fastopen_client_fail', 'total_rto', 'total_rto_recoveries'],
] as const;

/** The same as names of `info`, and what the socket's buffers hold and may hold. */
const COMPARED: readonly string[] = [
  ...EXACT.map((name) => `tcpi_${name}`),
  ...['RMEM_ALLOC', 'RCVBUF', 'WMEM_QUEUED', 'SNDBUF'].map((name) => `SK_MEMINFO_${name}`),
];

const CLOSE = 7;

/** A timer may be off by so many µs, and by an eighth of what has passed since the step. */
const SLACK = 30_000;
/** What a busy machine may add. */
const LATE = 200_000;

type Packet = Extract<Observation, { kind: 'packet' }>;

const withoutClock = (text: string): string => text.replace(/TS val \d+/g, 'TS val');

/** Null when both did the same. */
export function firstDivergence(linux: Trace, stack: Trace): Divergence | null {
  const [a, b] = [chapters(linux), chapters(stack)];
  settleBoundaries(a, b, linux);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const began = linux.steps[i - 1]?.at ?? 0;
    const found = differ(a[i] ?? EMPTY, b[i] ?? EMPTY, began);
    if (found) return { ...found, step: i - 1, at: began };
  }
  return null;
}

/** What was seen behind a step, before the next. */
interface Chapter {
  readonly returns: string[];
  readonly packets: Packet[];
  info: Readonly<Record<string, number>> | null;
}
const EMPTY: Chapter = { returns: [], packets: [], info: null };

function chapters(trace: Trace): Chapter[] {
  const list: Chapter[] = Array.from({ length: trace.steps.length + 1 }, () => ({
    ...{ returns: [], packets: [], info: null },
  }));
  for (const seen of trace.seen) {
    // An info is sampled before its step; a packet belongs to the last step that was made before it left.
    if (seen.kind === 'info') list[seen.step]!.info = seen.info;
    else if (seen.kind === 'return') list[seen.step + 1]!.returns.push(seen.text);
    else list[chapterOf(trace, seen.at)]!.packets.push(seen);
  }
  return list;
}

/**
 * A timer that fires about when a step is made may fire before it here and behind it there: such a packet is moved to where
 * the other target has it.
 */
function settleBoundaries(a: Chapter[], b: Chapter[], trace: Trace): void {
  for (let i = 0; i + 1 < a.length; i++) {
    for (const [early, late] of [
      [a, b],
      [b, a],
    ] as const) {
      const extra = early[i]!.packets[late[i]!.packets.length];
      const same = late[i + 1]?.packets[0];
      if (!extra || !same || early[i]!.packets.length !== late[i]!.packets.length + 1) continue;
      if (withoutClock(extra.text) !== withoutClock(same.text)) continue;
      const boundary = trace.steps[i]?.at ?? 0;
      if (boundary - extra.at > SLACK || same.at - boundary > SLACK) continue;
      late[i]!.packets.push(late[i + 1]!.packets.shift()!);
      // What was sampled in between is of before here and of behind there.
      a[i]!.info = null;
      b[i]!.info = null;
    }
  }
}

function chapterOf(trace: Trace, at: number): number {
  let i = 0;
  while (i < trace.steps.length && trace.steps[i]!.at <= at) i++;
  return i;
}

type Found = Pick<Divergence, 'kind' | 'linux' | 'stack'>;

function differ(linux: Chapter, stack: Chapter, began: number): Found | null {
  for (let i = 0; i < Math.max(linux.returns.length, stack.returns.length); i++) {
    const [l, s] = [linux.returns[i] ?? 'nothing', stack.returns[i] ?? 'nothing'];
    if (l !== s) return { kind: `return ${errnoOf(l)} / ${errnoOf(s)}`, linux: l, stack: s };
  }
  for (let i = 0; i < Math.max(linux.packets.length, stack.packets.length); i++) {
    const [l, s] = [linux.packets[i], stack.packets[i]];
    const texts = [l, s].map((p) => (p ? withoutClock(p.text) : 'nothing'));
    if (texts[0] !== texts[1]) {
      const at = [l, s].map((p) => (p ? `+${((p.at - began) / 1e3).toFixed(0)}ms ${p.text}` : 'nothing'));
      return { kind: packetKind(l?.text, s?.text), linux: at[0]!, stack: at[1]! };
    }
    // The kernel's packets may be read late, never early.
    const slack = (l!.at < s!.at ? SLACK : LATE) + Math.max(0, l!.at - began) / 8;
    if (Math.abs(l!.at - s!.at) > slack) {
      const at = [l!, s!].map((p) => `+${((p.at - began) / 1e3).toFixed(0)}ms ${p.text}`);
      return { kind: `time ${shape(l!.text)}`, linux: at[0]!, stack: at[1]! };
    }
  }
  return infoDiffers(linux.info, stack.info);
}

function infoDiffers(linux: Chapter['info'], stack: Chapter['info']): Found | null {
  if (linux === null || stack === null) {
    if (linux === stack) return null;
    return { kind: 'info of one only', linux: linux ? 'there' : 'none', stack: stack ? 'there' : 'none' };
  }
  // Of a closed socket Linux leaves what was there before; nobody relies on it.
  if (linux.tcpi_state === CLOSE && stack.tcpi_state === CLOSE) return null;
  const wrong = COMPARED.filter((f) => linux[f] !== stack[f]);
  if (wrong.length === 0) return null;
  const say = (info: Readonly<Record<string, number>>): string =>
    wrong.map((f) => `${f.replace(/^(tcpi_|SK_MEMINFO_)/, '')} ${info[f]}`).join(', ');
  return {
    kind: `info ${wrong.map((f) => f.replace(/^(tcpi_|SK_MEMINFO_)/, '')).join(' ')}`,
    linux: say(linux),
    stack: say(stack),
  };
}

const errnoOf = (text: string): string => text.replace(/\d+/g, 'N').replace('-N ', '');

/** A packet without its numbers. */
function shape(text: string | undefined): string {
  if (text === undefined) return 'nothing';
  const flags = text.split(' ')[0]!;
  const length = /\((\d+)\)/.exec(text)?.[1];
  return `${flags}${length !== undefined && length !== '0' ? ' data' : ''}${/sack \d/.test(text) ? ' sack' : ''}`;
}

function packetKind(l: string | undefined, s: string | undefined): string {
  if (l === undefined || s === undefined || shape(l) !== shape(s)) return `packet ${shape(l)} / ${shape(s)}`;
  const fields = ['seq', 'ack', 'win', 'urg', 'options'];
  const parts = (t: string): (string | undefined)[] => [
    / (\d+:\d+\(\d+\))/.exec(t)?.[1],
    / ack (\d+)/.exec(t)?.[1],
    / win (\d+)/.exec(t)?.[1],
    / urg (\d+)/.exec(t)?.[1],
    /<(.*)>/.exec(withoutClock(t))?.[1],
  ];
  const [a, b] = [parts(l), parts(s)];
  return `packet ${shape(l)} ${fields.filter((_, i) => a[i] !== b[i]).join(' ')}`;
}
