// Scheduling of the calling thread (sched(7)): whoever must wake in time on a busy machine asks for a real-time policy.
import { libc } from './libc.js';

const SCHED_OTHER = 0;
const SCHED_RR = 2;
/** Threads and programs that the thread starts are ordinary ones again. */
const SCHED_RESET_ON_FORK = 0x4000_0000;

/** struct sched_param: one int. */
const parameters = (priority: number): Uint8Array => new Uint8Array(new Int32Array([priority]).buffer);

/**
 * Puts the calling thread before every ordinary one, under SCHED_RR.
 * @param priority 1 (lowest) to 99
 * @returns what puts it back as it was; null when the kernel refuses (no CAP_SYS_NICE) or the thread has a policy of its
 *   own choice already: then nothing is changed
 */
export function becomeRealTime(priority: number): (() => void) | null {
  if (libc().sched_getscheduler(0) !== SCHED_OTHER) return null;
  if (libc().sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, parameters(priority)) < 0) return null;
  return () => void libc().sched_setscheduler(0, SCHED_OTHER, parameters(0));
}
