// Thread B of the linux target: makes the system calls of a script, one at a time, so that one that blocks blocks nobody
// else. It sleeps on a word of shared memory between calls and rings an eventfd after each.
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { NativeMemory } from '../../../stack/link/linux/native-memory.js';
import { EventFd } from '../../../stack/link/linux/poll.js';
import { posix } from '../../../stack/link/linux/posix.js';
import { becomeRealTime } from '../../../stack/link/linux/scheduling.js';
import type { CallResult } from '../target.js';
import { makeCall } from './make-call.js';
import { PRIORITY } from './messages.js';
import { receiveArrays } from './receive-arrays.js';

/** Words shared with the kernel thread. */
export const STATE = 0;
export const THREAD_ID = 1;
/** Values of STATE. */
export const IDLE = 0;
export const ASKED = 1;
export const RUNNING = 2;
export const DONE = 3;
export const STOP = 4;

export interface CallerData {
  readonly port: MessagePort;
  readonly shared: SharedArrayBuffer;
  readonly bell: number;
}

export interface CallRequest {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What comes back; `result` is null when there is no such call. `returned` is CLOCK_MONOTONIC in µs. */
export interface CallReply {
  readonly result: CallResult | null;
  readonly filled: readonly (Uint8Array | null)[];
  readonly returned: number;
  readonly failure?: string;
}

const MEMORY = 256 << 20;
/** A thread inside poll cannot be ended: waits are cut into slices of this many ms, between which STOP is seen. */
const SLICE = 50;
const POLL_TIMEOUT: Readonly<Record<string, number>> = { poll: 1, epoll_wait: 2 };

if (workerData !== null && 'shared' in workerData) {
  const { port, shared, bell } = workerData as CallerData;
  serve(port, new Int32Array(shared), new EventFd(bell));
}

function serve(port: MessagePort, words: Int32Array, bell: EventFd): void {
  const memory = new NativeMemory(MEMORY);
  becomeRealTime(PRIORITY.caller);
  Atomics.store(words, THREAD_ID, posix('gettid').value);
  Atomics.notify(words, THREAD_ID);
  for (let state = IDLE; state !== STOP; state = Atomics.load(words, STATE)) {
    if (state !== ASKED) {
      Atomics.wait(words, STATE, state);
      continue;
    }
    const request = receiveMessageOnPort(port)?.message as CallRequest;
    Atomics.compareExchange(words, STATE, ASKED, RUNNING);
    port.postMessage(answer(memory, words, request));
    Atomics.compareExchange(words, STATE, RUNNING, DONE);
    bell.ring();
  }
  memory.free();
  port.close();
}

function answer(memory: NativeMemory, words: Int32Array, { name, args }: CallRequest): CallReply {
  try {
    const result = slicedCall(memory, words, name, args);
    return { result, filled: receiveArrays(name, args), returned: Number(process.hrtime.bigint()) / 1e3 };
  } catch (error) {
    const returned = Number(process.hrtime.bigint()) / 1e3;
    return { result: null, filled: [], returned, failure: (error as Error).message };
  }
}

/** As makeCall; poll and epoll_wait in slices, so that the thread can be ended. */
function slicedCall(
  memory: NativeMemory,
  words: Int32Array,
  name: string,
  args: readonly unknown[],
): CallResult | null {
  const index = POLL_TIMEOUT[name];
  if (index === undefined) return makeCall(memory, name, args);
  const timeout = args[index] as number;
  const end = timeout < 0 ? Number.POSITIVE_INFINITY : Date.now() + timeout;
  const sliced = [...args];
  for (;;) {
    const left = end - Date.now();
    sliced[index] = Math.max(0, Math.min(SLICE, left));
    const result = makeCall(memory, name, sliced);
    if (result === null || result.value !== 0 || left <= SLICE) return result;
    if (Atomics.load(words, STATE) === STOP) return result;
  }
}
