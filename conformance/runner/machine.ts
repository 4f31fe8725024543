// The state of one run and its clock: lets time pass on the target, gathers what the target sends, and notices when a
// blocking call has returned. What an event means is in inbound.ts, outbound.ts and system-call.ts.

import type { Script, ScriptEvent, Span } from '../language/ast.js';
import type { CapturedPacket, PendingCall, Target } from '../targets/target.js';
import type { RunConfig } from './config.js';
import { RunFailure } from './errors.js';
import { Sockets } from './sockets.js';
import { checkTime, type DueTime, type Tolerance } from './time.js';
import { Trace } from './trace.js';

/** A call that blocks while the script goes on. */
export interface BlockedCall {
  readonly pending: PendingCall;
  /** Checks result and end time; throws RunFailure. */
  finish(pending: PendingCall): void;
  readonly event: ScriptEvent;
}

export interface CurrentEvent {
  readonly event: ScriptEvent;
  readonly due: DueTime;
}

/** First port of remote ends whose script gives none: fixed, so that two runs give the same bytes. */
const FIRST_REMOTE_PORT = 52_001;
/** A target that reports neither packets nor progress this often in a row is stuck. */
const MOST_IDLE_TURNS = 10_000;

export class Machine {
  readonly script: Script;
  readonly config: RunConfig;
  readonly target: Target;
  readonly trace: Trace;
  readonly sockets: Sockets;
  readonly tolerance: Tolerance;
  /** Target time at which the script began. */
  private start: number;
  /** Packets of the target that no event has taken yet, oldest first. */
  readonly arrived: CapturedPacket[] = [];
  blocked: BlockedCall | null = null;
  current: CurrentEvent | null = null;
  previous: CurrentEvent | null = null;

  private readonly lines: readonly string[];

  constructor(script: Script, text: string, config: RunConfig, target: Target) {
    this.script = script;
    this.lines = text.split('\n');
    this.config = config;
    this.trace = new Trace(config.verbose);
    this.target = target;
    this.start = target.now();
    this.tolerance = { microseconds: config.toleranceMicroseconds, percent: config.tolerancePercent };
    const { local, remote } = config.addresses;
    this.sockets = new Sockets(
      {
        local: { address: local, port: config.bindPort },
        remote: { address: remote, port: config.connectPort },
      },
      FIRST_REMOTE_PORT,
    );
  }

  /** What the script says at `span`, on one line. */
  textOf(span: Span): string {
    const rows = this.lines.slice(span.line - 1, span.endLine);
    if (rows.length === 0) return '';
    const last = rows.length - 1;
    rows[last] = rows[last]!.slice(0, span.endColumn - 1);
    rows[0] = rows[0]!.slice(span.column - 1);
    return rows.join(' ').replace(/\s+/g, ' ').trim();
  }

  /** Script time in µs. */
  now(): number {
    return this.target.now() - this.start;
  }

  toScriptTime(targetTime: number): number {
    return targetTime - this.start;
  }

  /** The script's time begins now: after its init command, before its first event. */
  begin(): void {
    this.start = this.target.now();
  }

  /** Wall-clock time at which the script began, µs. */
  get wallStart(): number {
    return this.target.wallEpoch + this.start;
  }

  /** Due time of the event before the current one, on which tolerances count; null for the first. */
  get lastDue(): number | null {
    return this.previous?.due.at ?? null;
  }

  /** Lets time pass to script time `until`; ends early when a packet came or the blocked call returned, if asked to. */
  async advance(until: number, stop: 'at-packet' | 'at-return' | 'never' = 'never'): Promise<void> {
    let idle = 0;
    this.collect();
    for (;;) {
      if (stop === 'at-packet' && this.arrived.length > 0) return;
      if (stop === 'at-return' && this.blocked === null) return;
      const before = this.now();
      if (before >= until) return;
      const waiting = this.arrived.length;
      await this.target.advance(this.start + until);
      this.collect();
      if (this.now() > before || this.arrived.length > waiting) idle = 0;
      else if (++idle > MOST_IDLE_TURNS) throw new RunFailure('target', 'the target lets no time pass', null);
    }
  }

  /** Takes what the target has sent, and ends the blocked call when it has returned. */
  collect(): void {
    for (const packet of this.target.take()) this.arrived.push(packet);
    const { blocked } = this;
    if (blocked && blocked.pending.result !== null) {
      this.blocked = null;
      blocked.finish(blocked.pending);
    }
  }

  /** Waits until the current event is due. Being late beyond the tolerance is a failure, except for the first. */
  async waitForEvent(what: string): Promise<void> {
    const { event, due } = this.current!;
    await this.advance(due.at);
    if (this.previous === null) return;
    const problem = checkTime(due, this.now(), this.lastDue, this.tolerance, what);
    if (problem) throw new RunFailure('time', problem, event.span);
  }
}
