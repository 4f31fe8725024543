// Who waits for a file to become ready: blocked calls, poll, epoll. Knows neither files nor calls.

export interface Waiter {
  /** Something happened: POLL* bits that may have become true, or 0 for anything (look again). */
  onWake(mask: number): void;
}

export class WaitQueue {
  private waiters: Waiter[] = [];

  get empty(): boolean {
    return this.waiters.length === 0;
  }

  add(waiter: Waiter): void {
    this.waiters.push(waiter);
  }

  remove(waiter: Waiter): void {
    const index = this.waiters.indexOf(waiter);
    if (index >= 0) this.waiters.splice(index, 1);
  }

  /** Tells everybody who waits now, oldest first; those may leave, or others come, meanwhile. */
  wake(mask: number): void {
    const { waiters } = this;
    if (waiters.length === 0) return;
    if (waiters.length === 1) {
      waiters[0].onWake(mask);
      return;
    }
    for (const waiter of [...waiters]) if (this.waiters.includes(waiter)) waiter.onWake(mask);
  }
}
