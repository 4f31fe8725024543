// Before a script meets a target in real time: the code that it needs has been loaded and has run once, so that the first
// events are not late by what a first time costs.

import { EchoTarget } from '../targets/echo.js';
import type { Target } from '../targets/target.js';
import type { RunOptions } from './run.js';

const WARM_UP_CALLS = 50;
const F_GETFL = 3;
/** µs. */
const LONGEST_WAIT = 1e5;

/** Makes calls that change nothing, then runs the script once against an echo in virtual time. */
export async function rehearse(
  text: string,
  options: RunOptions,
  target: Target,
  run: (text: string, options: RunOptions) => Promise<unknown>,
): Promise<void> {
  for (let i = 0; i < WARM_UP_CALLS; i++) {
    const call = await target.call('fcntl', [-1, F_GETFL, 0]);
    // A thread that waits for memory looks like one that sleeps in its call.
    while (call.result === null) await target.advance(target.now() + LONGEST_WAIT);
  }
  target.take();
  await run(text, { ...options, target: () => new EchoTarget(), record: false, strictEnd: false });
}
