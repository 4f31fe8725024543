import { expect, it } from 'vitest';
import { libc } from './libc.js';
import { becomeRealTime } from './scheduling.js';

it.skipIf(process.platform !== 'linux')('puts the thread under SCHED_RR and back, or leaves it alone', () => {
  const policy = (): number => libc().sched_getscheduler(0) & 0xff;
  const before = policy();
  const back = becomeRealTime(1);
  try {
    expect(policy()).toBe(back === null ? before : 2);
    expect(becomeRealTime(2)).toBe(null);
  } finally {
    back?.();
  }
  expect(policy()).toBe(before);
});
