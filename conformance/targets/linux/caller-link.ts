// The kernel thread's handle on the calling thread: starts a call, tells one that blocks from one that is about to
// return, and ends the thread even while a call blocks.
import { readFileSync } from 'node:fs';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { EventFd } from '../../../stack/link/linux/poll.js';
import { posix } from '../../../stack/link/linux/posix.js';
import {
  ASKED,
  type CallReply,
  type CallRequest,
  DONE,
  IDLE,
  RUNNING,
  STATE,
  STOP,
  THREAD_ID,
} from './caller.js';

const SHUT_RDWR = 2;
/** How long a call that does not sleep in the kernel is waited for. */
const LONGEST_RUNNING = 5e6;

export class CallerLink {
  private readonly words = new Int32Array(new SharedArrayBuffer(8));
  private readonly port: MessagePort;
  private readonly worker: Worker;
  private busyWith: CallRequest | null = null;

  /** @param bell is rung when a call has returned */
  constructor(bell: EventFd) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.port.unref();
    const workerData = { port: port2, shared: this.words.buffer, bell: bell.fd };
    this.worker = new Worker(new URL('./caller.js', import.meta.url), { workerData, transferList: [port2] });
    // The first call is as quick as the others, and whoever spins for it does not keep the thread from starting.
    Atomics.wait(this.words, THREAD_ID, 0, LONGEST_RUNNING / 1e3);
  }

  get busy(): boolean {
    return this.busyWith !== null;
  }

  /**
   * Starts a call. Returns its reply when it returns at once, null when it sleeps in the kernel.
   * @throws Error when another call is under way
   */
  start(request: CallRequest): CallReply | null {
    if (this.busyWith !== null) throw new Error(`${this.busyWith.name} still blocks`);
    this.busyWith = request;
    this.port.postMessage(request);
    Atomics.store(this.words, STATE, ASKED);
    Atomics.notify(this.words, STATE);
    const began = process.hrtime.bigint();
    for (;;) {
      const reply = this.poll();
      if (reply !== null) return reply;
      if (Atomics.load(this.words, STATE) === RUNNING && this.sleeps()) return this.poll();
      if (Number(process.hrtime.bigint() - began) / 1e3 > LONGEST_RUNNING) return null;
    }
  }

  /** The reply of a call that has returned meanwhile. */
  poll(): CallReply | null {
    if (Atomics.load(this.words, STATE) !== DONE) return null;
    const message = receiveMessageOnPort(this.port);
    if (message === undefined) return null;
    this.busyWith = null;
    Atomics.store(this.words, STATE, IDLE);
    return message.message as CallReply;
  }

  /** Whether the calling thread sleeps (proc(5), /proc/self/task/TID/stat, third field): in the midst of a call that means it blocks. */
  private sleeps(): boolean {
    const stat = readFileSync(`/proc/self/task/${Atomics.load(this.words, THREAD_ID)}/stat`, 'latin1');
    const state = stat[stat.lastIndexOf(')') + 2];
    return state === 'S' || state === 'D';
  }

  /** Ends the thread. A call that blocks on a socket is woken by shutting that down. */
  async stop(): Promise<void> {
    const blocked = this.busyWith;
    Atomics.store(this.words, STATE, STOP);
    Atomics.notify(this.words, STATE);
    if (blocked !== null && typeof blocked.args[0] === 'number')
      posix('shutdown', blocked.args[0], SHUT_RDWR);
    await new Promise<void>((resolve) => {
      this.worker.once('exit', () => resolve());
    });
  }
}
