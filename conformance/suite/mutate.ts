// Small changes of a script, one at a time: a sequence number, a flag, an option, a window, a time, a return value, an
// errno; and some that are none, such as a time within the tolerance. Two runners that mean the same by a script accept
// and refuse the same changes.

import type { EventBody, PacketBody, Script, ScriptEvent, SyscallBody, TcpSegment } from '../language/ast.js';

export interface Mutant {
  /** `line 12: ack 1 -> 2` */
  readonly what: string;
  /** Index of the event that was changed. */
  readonly index: number;
  readonly script: Script;
}

/** Numbers from 0 to below 1. */
export type Chance = () => number;

/** A reproducible source of chance (mulberry32). */
export function seeded(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Change {
  readonly what: string;
  readonly event: ScriptEvent;
}

/** A change of one event; null when the script has none to change. */
export function mutate(script: Script, chance: Chance): Mutant | null {
  const candidates = script.events.flatMap((event, index) =>
    changesOf(event).map((change) => ({ change, index })),
  );
  const chosen = candidates[Math.floor(chance() * candidates.length)];
  if (!chosen) return null;
  const { change, index } = chosen;
  return {
    what: `line ${change.event.span.line}: ${change.what}`,
    index,
    script: { ...script, events: script.events.map((e, i) => (i === index ? change.event : e)) },
  };
}

function changesOf(event: ScriptEvent): Change[] {
  const { body } = event;
  const withBody = (what: string, changed: EventBody): Change => ({
    what,
    event: { ...event, body: changed },
  });
  if (body.kind === 'syscall') return callChanges(body).map(([what, b]) => withBody(what, b));
  if (body.kind !== 'packet' || body.direction !== 'out') return [];
  return [...packetChanges(body).map(([what, b]) => withBody(what, b)), ...timeChanges(event)];
}

type Named<T> = readonly [what: string, changed: T];

function callChanges(call: SyscallBody): Named<SyscallBody>[] {
  const changes: Named<SyscallBody>[] = [];
  const { result, errno } = call;
  if (result.kind === 'integer' && result.base === 'decimal') {
    // A descriptor may be any number, so that only its sign can be wrong.
    const makesFd = ['socket', 'accept', 'accept4', 'epoll_create', 'open'].includes(call.name);
    const value = makesFd && result.value >= 0 ? -1 : result.value + 1;
    changes.push([
      `${call.name} returns ${result.value} -> ${value}`,
      { ...call, result: { ...result, value } },
    ]);
  }
  if (errno) {
    const name = errno.name === 'ECHILD' ? 'EAGAIN' : 'ECHILD';
    changes.push([`errno ${errno.name} -> ${name}`, { ...call, errno: { ...errno, name } }]);
  }
  return changes;
}

function packetChanges(packet: PacketBody): Named<PacketBody>[] {
  const t = packet.transport;
  if (t.kind !== 'tcp') return [];
  return segmentChanges(t).map(([what, transport]) => [what, { ...packet, transport }]);
}

function segmentChanges(t: TcpSegment): Named<TcpSegment>[] {
  const changes: Named<TcpSegment>[] = [];
  const { sequence, flags, ack, window } = t;
  if (sequence.mode === 'relative' && !flags.syn) {
    const shifted = { ...sequence, start: sequence.start + 1, end: sequence.end + 1 };
    changes.push([`seq ${sequence.start} -> ${shifted.start}`, { ...t, sequence: shifted }]);
  }
  if (sequence.length > 1) {
    const shorter = { ...sequence, end: sequence.end - 1, length: sequence.length - 1 };
    changes.push([`length ${sequence.length} -> ${shorter.length}`, { ...t, sequence: shorter }]);
  }
  if (typeof ack === 'number' && flags.ack)
    changes.push([`ack ${ack} -> ${ack + 1}`, { ...t, ack: ack + 1 }]);
  if (typeof window === 'number') {
    const other = window === 0 ? 1 : window - 1;
    changes.push([`win ${window} -> ${other}`, { ...t, window: other }]);
    changes.push([`win ${window} not compared`, { ...t, window: null }]);
  }
  for (const flag of ['psh', 'fin', 'rst', 'urg'] as const) {
    changes.push([
      `${flag} ${flags[flag]} -> ${!flags[flag]}`,
      { ...t, flags: { ...flags, [flag]: !flags[flag] } },
    ]);
  }
  if (t.options !== 'any') {
    changes.push(...optionChanges(t, t.options));
    changes.push(['options not compared', { ...t, options: 'any' }]);
  }
  return changes;
}

function optionChanges(t: TcpSegment, options: Exclude<TcpSegment['options'], 'any'>): Named<TcpSegment>[] {
  const changes: Named<TcpSegment>[] = [];
  const replace = (i: number, what: string, option: (typeof options)[number]): void => {
    changes.push([what, { ...t, options: options.map((o, j) => (j === i ? option : o)) }]);
  };
  options.forEach((o, i) => {
    if (o.kind === 'mss' && typeof o.value === 'number') {
      replace(i, `mss ${o.value} -> ${o.value + 1}`, { ...o, value: o.value + 1 });
    } else if (o.kind === 'wscale' && typeof o.value === 'number') {
      replace(i, `wscale ${o.value} -> ${o.value + 1}`, { ...o, value: o.value + 1 });
    } else if (o.kind === 'sack' && o.blocks !== '*') {
      const blocks = o.blocks.map((b, j) => (j === 0 ? { left: b.left, right: b.right + 1 } : b));
      replace(i, `sack edge ${o.blocks[0]!.right} -> ${blocks[0]!.right}`, { ...o, blocks });
    }
  });
  return changes;
}

/** A quarter of a second later, or for a wait of a second and more a quarter of it; and a millisecond, which is nothing. */
function timeChanges(event: ScriptEvent): Change[] {
  const { time } = event;
  if (time.kind !== 'relative' && time.kind !== 'absolute') return [];
  return [Math.max(250_000, Math.trunc(time.at / 4)), 1000].map((later) => {
    const at = time.at + later;
    return { what: `time ${time.at / 1e6} -> ${at / 1e6}`, event: { ...event, time: { ...time, at } } };
  });
}
