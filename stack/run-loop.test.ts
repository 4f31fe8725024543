import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { memoryPair } from './link/memory.js';
import { lackOfTun, skipWithoutTun } from './link/require-tun.test.helper.js';
import { RealTimeLoop, RunLoopError, runRealTime } from './run-loop.js';
import { createStack, type InlineStack } from './stack.js';

/** A process that has not ended after so many ms hangs: the thread in it would sleep for ten minutes. */
const HANG = 60_000;

/** A stack on loopback only: the loop has its bell and the deadlines. */
const alone = (): InlineStack => createStack({});

/** Waits for what the loop does beside us; a test's own time ends what never comes. */
const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('real time', () => {
  it('refuses a link that no poll can wait for', () => {
    const [link] = memoryPair({});
    const stack = createStack({ links: [link] });
    expect(() => new RealTimeLoop(stack)).toThrow(RunLoopError);
    stack.close();
  });

  it('returns calls in the order of their deadlines', async () => {
    const stack = alone();
    const abort = new AbortController();
    const running = runRealTime(stack, { signal: abort.signal });
    await new Promise((resolve) => setImmediate(resolve));
    const order: number[] = [];
    const wait = (milliseconds: number): Promise<number> =>
      new Promise((resolve) =>
        stack.posix.poll([], milliseconds).onReturn((result) => {
          order.push(milliseconds);
          resolve(result);
        }),
      );
    expect(await Promise.all([wait(50), wait(5)])).toEqual([0, 0]);
    expect(order).toEqual([5, 50]);
    abort.abort();
    await running;
    stack.close();
  });

  it('sleeps while nothing is due, and wakes for the bell', async () => {
    const stack = alone();
    let rung = 0;
    const loop = new RealTimeLoop(stack, { onBell: () => rung++, slice: 20_000 });
    const running = loop.run();
    await until(() => loop.sleeps >= 3);
    // Each turn slept: an idle stack knows that it has nothing to do.
    expect(loop.turns - loop.sleeps).toBe(0);
    loop.bell.ring();
    await until(() => rung > 0);
    await until(() => loop.sleeps >= 6);
    expect(rung).toBe(1);
    expect(loop.turns - loop.sleeps).toBe(0);
    await expect(loop.run()).rejects.toThrow(/runs already/);
    loop.stop();
    await running;
    loop.close();
    loop.close();
    stack.close();
  });

  it('ends with what the stack throws', async () => {
    const stack = alone();
    const running = runRealTime(stack);
    stack.close();
    await expect(running).rejects.toMatchObject({ code: 'STACK_CLOSED' });
  });

  it('does not start when it was aborted before', async () => {
    const stack = alone();
    await runRealTime(stack, { signal: AbortSignal.abort() });
    stack.close();
  });
});

describe.skipIf(skipWithoutTun())(`a thread asleep in the kernel (skipped: ${lackOfTun()})`, () => {
  const helper = fileURLToPath(new URL('./run-loop-worker.test.helper.js', import.meta.url));
  it.each([
    ['exit', 3],
    ['throw', 1],
    ['fall-through', 0],
    ['crash', 'SIGABRT'],
    ['SIGTERM', 'SIGTERM'],
    ['SIGKILL', 'SIGKILL'],
  ])('does not keep the process: %s', { timeout: HANG + 5000 }, (how, end) => {
    const ran = spawnSync(process.execPath, [helper, how], { encoding: 'utf8', timeout: HANG });
    expect(ran.error, 'it hangs').toBeUndefined();
    expect(ran.stdout, ran.stderr).toBe('ends\n');
    expect(ran.signal ?? ran.status, ran.stderr).toBe(end);
  });

  it('does not keep the process when it is the main thread and not held', { timeout: HANG + 5000 }, () => {
    const ran = spawnSync(process.execPath, [helper, 'main-thread'], { encoding: 'utf8', timeout: HANG });
    expect(ran.error, 'it hangs').toBeUndefined();
    expect(ran.status, ran.stderr).toBe(0);
  });
});
