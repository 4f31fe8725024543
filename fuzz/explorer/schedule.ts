// Schedules as short strings: who runs until which access, named by label. Such a string replays exactly, or fails.
//
//   ring{pushes=3,batch=3} producer:publish:TAIL consumer:pop:TAIL*2 producer:end
//
// reads: model and parameters that differ from the defaults; the producer runs until it has performed the access labelled
// `publish:TAIL`, then the consumer until it has performed `pop:TAIL` for the second time since it got the turn, then
// the producer to its end. A run that cannot follow its string has diverged, which is an error, never a pass.

import { DONE, type Machine } from './machine.js';
import type { Model, Session } from './run.js';
import type { Strategy } from './strategies.js';

export interface Segment {
  thread: string;
  /** Label of the last access in the segment, or `end`. */
  label: string;
  /** The how-manieth access of that label in the segment. */
  count: number;
}

export class ScheduleError extends Error {
  readonly code: 'SCHEDULE_SYNTAX' | 'SCHEDULE_DIVERGED';
  constructor(code: ScheduleError['code'], message: string) {
    super(message);
    this.name = 'ScheduleError';
    this.code = code;
  }
}

/** The last run of a session as a schedule string. */
export function scheduleOf(session: Session): string {
  const { machine, model, params, trace, sites, steps } = session;
  const differing = Object.entries(params).filter(([k, v]) => model.params[k] !== v);
  const name = session.everyAccess ? `${model.name}+` : model.name;
  const list = differing.map(([k, v]) => `${k}=${v}`).join(',');
  const head = differing.length > 0 ? `${name}{${list}}` : name;
  const parts: string[] = [head];
  for (let i = 0; i < steps; ) {
    const thread = trace[i];
    let end = i;
    while (end < steps && trace[end] === thread) end++;
    const last = sites[end - 1];
    const label = machine.label(last);
    let count = 0;
    for (let k = i; k < end; k++) if (machine.label(sites[k]) === label) count++;
    const ended = machine.threads[thread].kind === DONE && !laterStep(session, thread, end);
    const text = ended ? 'end' : count === 1 ? label : `${label}*${count}`;
    parts.push(`${model.threads[thread]}:${text}`);
    i = end;
  }
  return parts.join(' ');
}

function laterStep(session: Session, thread: number, from: number): boolean {
  for (let i = from; i < session.steps; i++) if (session.trace[i] === thread) return true;
  return false;
}

/** Reads a schedule string. Throws SCHEDULE_SYNTAX. */
export function parseSchedule(
  text: string,
  models: readonly Model[],
): { model: Model; params: Record<string, number>; segments: Segment[]; everyAccess: boolean } {
  const [head, ...rest] = text.trim().split(/\s+/);
  const match = /^([a-z-]+)(\+?)(?:\{([^}]*)\})?$/.exec(head);
  const model = models.find((m) => m.name === match?.[1]);
  if (!match || !model) {
    throw new ScheduleError(
      'SCHEDULE_SYNTAX',
      `no model "${head}"; known: ${models.map((m) => m.name).join(', ')}`,
    );
  }
  const params: Record<string, number> = { ...model.params };
  for (const pair of match[3] ? match[3].split(',') : []) {
    const [key, value] = pair.split('=');
    if (!(key in model.params) || !/^-?\d+$/.test(value ?? '')) {
      throw new ScheduleError('SCHEDULE_SYNTAX', `${model.name} has no parameter "${pair}"`);
    }
    params[key] = Number(value);
  }
  const segments = rest.map((word): Segment => {
    const parts = /^([a-z0-9]+):(.+?)(?:\*(\d+))?$/i.exec(word);
    if (!parts || !model.threads.includes(parts[1])) {
      throw new ScheduleError(
        'SCHEDULE_SYNTAX',
        `"${word}": expected thread:label of ${model.threads.join(', ')}`,
      );
    }
    return { thread: parts[1], label: parts[2], count: Number(parts[3] ?? 1) };
  });
  return { model, params, segments, everyAccess: match[2] === '+' };
}

/** Follows segments exactly; `complete` tells afterwards whether every one was reached. */
export class ReplayStrategy implements Strategy {
  readonly name = 'replay';
  readonly #segments: readonly Segment[];
  readonly #model: Model;
  #at = 0;
  #count = 0;

  constructor(model: Model, segments: readonly Segment[]) {
    this.#model = model;
    this.#segments = segments;
  }

  begin(): boolean {
    this.#at = 0;
    this.#count = 0;
    return true;
  }

  pick(mask: number, _last: number, step: number, machine: Machine): number {
    for (;;) {
      const segment = this.#segments[this.#at];
      if (!segment) {
        throw new ScheduleError(
          'SCHEDULE_DIVERGED',
          `the schedule ends after ${step} steps, the run goes on`,
        );
      }
      const t = this.#model.threads.indexOf(segment.thread);
      const thread = machine.threads[t];
      if (thread.kind === DONE && segment.label === 'end') {
        this.#next();
        continue;
      }
      if ((mask & (1 << t)) === 0) {
        throw new ScheduleError(
          'SCHEDULE_DIVERGED',
          `step ${step}: ${segment.thread} cannot run; expected it to reach ${segment.label}`,
        );
      }
      if (segment.label !== 'end' && machine.label(thread.site) === segment.label) {
        this.#count++;
        if (this.#count === segment.count) this.#next();
      }
      return t;
    }
  }

  /** Whether the run followed the schedule to its last segment; threads that are done have reached their ends. */
  complete(machine: Machine): boolean {
    const threads = this.#model.threads;
    return this.#segments
      .slice(this.#at)
      .every((s) => s.label === 'end' && machine.threads[threads.indexOf(s.thread)].kind === DONE);
  }

  end(): void {}

  #next(): void {
    this.#at++;
    this.#count = 0;
  }
}

/** Follows a list of turns as far as it can, then goes on without switching: for shrinking. */
export class LenientStrategy implements Strategy {
  readonly name = 'lenient';
  readonly #turns: readonly (readonly [thread: number, steps: number])[];
  #at = 0;
  #done = 0;
  constructor(turns: readonly (readonly [number, number])[]) {
    this.#turns = turns;
  }
  begin(): boolean {
    this.#at = 0;
    this.#done = 0;
    return true;
  }
  pick(mask: number, last: number): number {
    while (this.#at < this.#turns.length) {
      const [thread, steps] = this.#turns[this.#at];
      if (this.#done < steps && (mask & (1 << thread)) !== 0) {
        this.#done++;
        return thread;
      }
      this.#at++;
      this.#done = 0;
    }
    if (last >= 0 && (mask & (1 << last)) !== 0) return last;
    return 31 - Math.clz32(mask & -mask);
  }
  end(): void {}
}
