// Calls that block, as continuations: what to try again, which files to listen to, and until when. No thread ever waits.
import { TimerEntry, type TimerHeap } from '../host/timer-heap.js';
import type { OpenFile } from './file.js';
import type { PendingCall } from './types.js';
import type { Waiter } from './wait-queue.js';

/** An attempt answers this when the call must wait (further). No system call returns it. */
export const BLOCK = -1_000_000;

/** What blocked calls need of the stack. */
export interface CallHost {
  now(): number;
  readonly timers: TimerHeap;
  /** Calls that wait: for leak tests, and so that closing the stack ends them. */
  readonly blocked: Set<BlockedCall>;
}

/** A call with its result. */
export class FinishedCall implements PendingCall {
  readonly result: number;
  readonly returnedAt: number;
  constructor(result: number, now: number) {
    this.result = result;
    this.returnedAt = now;
  }
  onReturn(callback: (result: number) => void): void {
    callback(this.result);
  }
}

export class BlockedCall extends TimerEntry implements PendingCall, Waiter {
  result: number | null = null;
  returnedAt = Number.NaN;
  private readonly host: CallHost;
  private readonly files: readonly OpenFile[];
  private readonly attempt: () => number;
  private readonly onTimeout: () => number;
  private readonly callbacks: ((result: number) => void)[] = [];
  private trying = false;

  constructor(
    host: CallHost,
    files: readonly OpenFile[],
    deadline: number,
    attempt: () => number,
    onTimeout: () => number,
  ) {
    super();
    this.host = host;
    this.files = files;
    this.attempt = attempt;
    this.onTimeout = onTimeout;
    host.blocked.add(this);
    for (const file of files) file.waiters.add(this);
    host.timers.set(this, deadline);
  }

  onReturn(callback: (result: number) => void): void {
    if (this.result !== null) callback(this.result);
    else this.callbacks.push(callback);
  }

  onWake(): void {
    // The attempt itself may wake its own files (a read that opens the window): it is already looking.
    if (this.result !== null || this.trying) return;
    this.trying = true;
    const result = this.attempt();
    this.trying = false;
    if (result !== BLOCK) this.finish(result);
  }

  fire(): void {
    if (this.result === null) this.finish(this.onTimeout());
  }

  finish(result: number): void {
    if (this.result !== null) return;
    this.result = result;
    this.returnedAt = this.host.now();
    this.host.blocked.delete(this);
    for (const file of this.files) file.waiters.remove(this);
    this.host.timers.set(this, Number.POSITIVE_INFINITY);
    for (const callback of this.callbacks) callback(result);
  }
}
