// References of a program become numbers, by what the connection has come to on the kernel.

import type { Connection } from './connection.js';
import type { AckRef, Action, ActionRef, Segment, SegmentRef, SequenceRef, SynRef } from './program.js';

/** The remote's millisecond clock begins here. */
export const REMOTE_CLOCK = 2_000_000_000;
const SECOND = 1000;
/** RFC 7323, section 5.5: a value that stood still for 24 days may be taken as new; this is a day more. */
const STALE = 25 * 24 * 3600 * SECOND;

export function resolve(action: ActionRef, connection: Connection, at: number): Action {
  switch (action.do) {
    case 'call':
      return action;
    case 'icmp':
      return {
        do: 'icmp',
        type: action.type,
        mtu: action.mtu,
        sequence: Math.max(0, connection.una + action.delta),
      };
    case 'syn':
      return synOf(action, connection, at);
    case 'segment':
      return segmentOf(action, connection, at);
  }
}

function synOf(s: SynRef, c: Connection, at: number): Segment {
  const echo = { outbound: c.values.length - 1, delta: 0 };
  const isAck = s.flags.includes('.');
  if (s.timestamps) c.timestamps = true;
  c.sackOk = s.sackOk;
  return {
    ...{ do: 'segment', flags: s.flags, sequence: s.sequenceDelta, length: s.length, urgent: 0, ecn: 0 },
    ack: isAck ? Math.max(0, c.localNext + s.ackDelta) : 0,
    window: s.window,
    mss: s.mss === 0 ? null : s.mss,
    wscale: s.wscale < 0 ? null : s.wscale,
    sackOk: s.sackOk,
    timestamp: s.timestamps ? { value: clock(at), echo: isAck && echo.outbound >= 0 ? echo : null } : null,
    sack: [],
  };
}

function segmentOf(s: SegmentRef, c: Connection, at: number): Segment {
  const sack: (readonly [number, number])[] = [];
  for (const [from, to] of c.sackOk ? s.sack : []) {
    const left = Math.max(1, c.una + from * c.mss);
    const right = Math.min(c.una + to * c.mss, c.localNext);
    if (right > left) sack.push([left, right]);
  }
  return {
    do: 'segment',
    flags: s.flags,
    sequence: sequenceOf(s.sequence, c),
    length: s.length,
    ack: s.flags.includes('.') ? ackOf(s.ack, c) : 0,
    window: s.window,
    urgent: s.urgent,
    ecn: s.ecn,
    ...{ mss: null, wscale: null, sackOk: false },
    timestamp: timestampOf(s, c, at),
    sack,
  };
}

const clock = (at: number): number => (REMOTE_CLOCK + Math.floor(at / 1000)) >>> 0;

function timestampOf(s: SegmentRef, c: Connection, at: number): Segment['timestamp'] {
  if (!c.timestamps || s.timestamp === 'none') return null;
  const value =
    clock(at) + ({ old: -SECOND, ahead: SECOND, stale: -STALE } as Record<string, number>)[s.timestamp]! ||
    clock(at);
  if (s.timestamp === 'zero-echo' || c.values.length === 0 || !s.flags.includes('.'))
    return { value: value >>> 0, echo: null };
  const delta = s.timestamp === 'future-echo' ? 100 * SECOND : 0;
  return { value: value >>> 0, echo: { outbound: c.values.length - 1, delta } };
}

function sequenceOf(ref: SequenceRef, c: Connection): number {
  const base = ref.base === 'next' ? c.remoteNext : ref.base === 'edge' ? c.edge : 1;
  return Math.max(0, base + ref.delta);
}

function ackOf(ref: AckRef, c: Connection): number {
  const base = ref.base === 'next' ? c.localNext : c.una;
  const ack = base + ref.segments * c.mss;
  // What is meant as a part of what is in flight does not go beyond it; `delta` may.
  return Math.max(0, Math.min(Math.max(ack, 0), Math.max(c.localNext, base)) + ref.delta);
}
