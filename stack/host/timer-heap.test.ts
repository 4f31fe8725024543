import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TimerEntry, TimerHeap } from './timer-heap.js';

class Named extends TimerEntry {
  readonly name: number;
  readonly log: number[];
  constructor(name: number, log: number[]) {
    super();
    this.name = name;
    this.log = log;
  }
  fire(): void {
    this.log.push(this.name);
  }
}

describe('timer heap', () => {
  test('fires in order of deadlines whatever was moved, and counts what is armed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(9), fc.oneof(fc.nat(50), fc.constant(Number.POSITIVE_INFINITY))), {
          maxLength: 60,
        }),
        (moves) => {
          const log: number[] = [];
          const heap = new TimerHeap();
          const entries = Array.from({ length: 10 }, (_, name) => new Named(name, log));
          const model = new Map<number, number>();
          for (const [name, deadline] of moves) {
            heap.set(entries[name], deadline);
            if (deadline === Number.POSITIVE_INFINITY) model.delete(name);
            else model.set(name, deadline);
            expect(heap.armed).toBe(model.size);
            expect(heap.next()).toBe(Math.min(Number.POSITIVE_INFINITY, ...model.values()));
          }
          for (let now = 0; now <= 50; now++) {
            const due = [...model].filter(([, deadline]) => deadline <= now).map(([name]) => name);
            log.length = 0;
            while (heap.fireOne(now));
            expect([...log].sort()).toEqual(due.sort());
            for (const name of due) model.delete(name);
          }
          expect(heap.armed).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('equal deadlines fire in the order of arming, and an entry may arm itself again while it fires', () => {
    const log: number[] = [];
    const heap = new TimerHeap();
    for (let i = 0; i < 5; i++) heap.set(new Named(i, log), 7);
    while (heap.fireOne(7));
    expect(log).toEqual([0, 1, 2, 3, 4]);
    class Again extends TimerEntry {
      left = 3;
      fire(now: number): void {
        if (--this.left > 0) heap.set(this, now + 1);
      }
    }
    const again = new Again();
    heap.set(again, 10);
    for (let now = 10; now < 20; now++) heap.fireOne(now);
    expect(again.left).toBe(0);
    expect(heap.next()).toBe(Number.POSITIVE_INFINITY);
  });
});
