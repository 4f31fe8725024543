// Wake counters in one thread: who is rung when. Across threads: driver/threads.test.ts and the explorer.
import { describe, expect, it } from 'vitest';
import { Arena, LINE_BYTES } from './arena.js';
import { DOORBELL_BYTES, DoorbellLayout, DoorbellSleeper, DoorbellWaker, WAKE_KERNEL } from './doorbell.js';

function bell(kick?: (argument: number) => void) {
  const arena = Arena.create(4096);
  const offset = arena.alloc(DOORBELL_BYTES);
  return {
    sleeper: new DoorbellSleeper(arena, offset),
    waker: new DoorbellWaker(arena, offset, kick),
    arena,
    offset,
  };
}

describe('doorbell', () => {
  it('keeps the words of the two sides on lines of their own', () => {
    const line = (word: number) => Math.floor((word * 4) / LINE_BYTES);
    const { ASK, HOW, ARGUMENT, BELL } = DoorbellLayout;
    expect(line(ASK)).toBe(line(HOW));
    expect(line(ASK)).toBe(line(ARGUMENT));
    expect(line(BELL)).toBeGreaterThan(line(ASK));
    expect(DOORBELL_BYTES).toBeGreaterThan(BELL * 4);
  });

  it('rings once in an idle period, and never while the sleeper runs', () => {
    const { sleeper, waker } = bell();
    expect(waker.ring()).toBe(false);
    sleeper.prepare();
    expect(waker.ring()).toBe(true);
    expect(waker.ring()).toBe(false);
    sleeper.wait(0);
    sleeper.awake();
    expect(waker.ring()).toBe(false);
    sleeper.prepare();
    sleeper.awake();
    expect(waker.ring()).toBe(false);
    expect(waker.rings).toBe(1);
  });

  it('does not sleep when it was rung between the last look and the wait', async () => {
    const { sleeper, waker } = bell();
    sleeper.prepare();
    waker.ring();
    // Ten minutes: a sleep would be longer than the test may take.
    sleeper.wait(600_000);
    await sleeper.waitAsync(600_000);
    expect(sleeper.spin(10)).toBe(true);
    sleeper.awake();
    sleeper.prepare();
    expect(sleeper.spin(10)).toBe(false);
  });

  it('wakes an asynchronous wait, and times out by itself', async () => {
    const { sleeper, waker } = bell();
    sleeper.prepare();
    const woken = sleeper.waitAsync();
    setTimeout(() => waker.ring(), 5);
    await woken;
    sleeper.awake();
    sleeper.prepare();
    await sleeper.waitAsync(5);
    sleeper.awake();
    expect(waker.rings).toBe(1);
  });

  it('calls the hook for a sleeper in the kernel, and says so when there is none', () => {
    const kicks: number[] = [];
    const { sleeper, waker, arena, offset } = bell((argument) => kicks.push(argument));
    sleeper.prepare(WAKE_KERNEL, 17);
    expect(waker.ring()).toBe(true);
    expect(kicks).toEqual([17]);
    waker.force();
    expect(kicks).toEqual([17, 17]);
    expect(() => new DoorbellWaker(arena, offset).force()).toThrow(
      expect.objectContaining({ code: 'DOORBELL_NO_KICK' }),
    );
  });

  it('starts awake even where somebody died asleep before', () => {
    const { sleeper, arena, offset } = bell();
    sleeper.prepare();
    const next = new DoorbellSleeper(arena, offset);
    const waker = new DoorbellWaker(arena, offset);
    expect(waker.ring()).toBe(false);
    next.prepare();
    expect(waker.ring()).toBe(true);
  });
});
