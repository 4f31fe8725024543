// The Linux kernel as a target: a TUN device in a network namespace of its own, real system calls, real time. The main
// side: passes requests to the kernel thread (linux/kernel-worker.ts) and keeps what came back.
import { Worker } from 'node:worker_threads';
import { posix } from '../../stack/link/linux/posix.js';
import { becomeRealTime } from '../../stack/link/linux/scheduling.js';
import type { CallReply } from './linux/caller.js';
import { type KernelSetup, PRIORITY, type Reply, type Request } from './linux/messages.js';
import { receiveArrays } from './linux/receive-arrays.js';
import {
  type CallResult,
  type CapturedPacket,
  type PendingCall,
  type Target,
  type TargetAddresses,
  TargetUnsupported,
} from './target.js';

export interface LinuxTargetOptions {
  readonly addresses: TargetAddresses;
  /** The script's path, for its helper files. */
  readonly file: string;
  /** Congestion control of every stream socket. Default 'cubic', Linux's own default. */
  readonly congestionControl?: string;
}

const SHUT_RDWR = 2;

class LinuxCall implements PendingCall {
  result: CallResult | null = null;
  returnedAt = Number.NaN;
  readonly name: string;
  readonly args: readonly unknown[];

  constructor(name: string, args: readonly unknown[]) {
    this.name = name;
    this.args = args;
  }

  finish(reply: CallReply, origin: number): void {
    if (reply.failure !== undefined) throw new Error(`${this.name}: ${reply.failure}`);
    if (reply.result === null) throw new TargetUnsupported(`the call ${this.name}()`);
    for (const [i, array] of receiveArrays(this.name, this.args).entries()) {
      const filled = reply.filled[i];
      if (array !== null && filled) array.set(filled);
    }
    this.result = reply.result;
    this.returnedAt = reply.returned - origin;
  }
}

export class LinuxTarget implements Target {
  readonly name = 'linux';
  readonly virtual = false;
  readonly wallEpoch: number;
  /** What a reader of the verdict should know: which congestion control each socket got. */
  readonly notes: string[] = [];
  private readonly origin = Number(process.hrtime.bigint()) / 1e3;
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  private readonly packets: CapturedPacket[] = [];
  private pending: LinuxCall | null = null;
  private nextId = 1;
  private closed = false;
  /** Puts this thread's scheduling back; null when it was left alone. */
  private readonly becomeOrdinary: (() => void) | null;

  constructor(options: LinuxTargetOptions) {
    this.wallEpoch = Date.now() * 1e3;
    const { addresses, file, congestionControl = 'cubic' } = options;
    const workerData: KernelSetup = { addresses, file, origin: this.origin, congestionControl };
    this.worker = new Worker(new URL('./linux/kernel-worker.js', import.meta.url), { workerData });
    this.becomeOrdinary = becomeRealTime(PRIORITY.runner);
    process.on('exit', this.onExit);
    this.worker.on('message', (reply: Reply) => this.onReply(reply));
    this.worker.on('error', (error: Error) => this.fail(error));
    this.worker.on('exit', () => this.fail(new Error('the kernel thread of the linux target ended')));
  }

  /** A call that blocks when the process ends would hang it: its socket is shut down. */
  private readonly onExit = (): void => {
    const fd = this.pending?.result === null ? this.pending.args[0] : undefined;
    if (typeof fd === 'number') posix('shutdown', fd, SHUT_RDWR);
  };

  now(): number {
    return Number(process.hrtime.bigint()) / 1e3 - this.origin;
  }

  async advance(until: number): Promise<number> {
    await this.ask({ op: 'advance', until });
    return this.now();
  }

  async call(name: string, args: readonly unknown[]): Promise<PendingCall> {
    if (name === 'cap_set') throw new TargetUnsupported('capabilities');
    const call = new LinuxCall(name, args);
    this.pending = call;
    await this.ask({ op: 'call', name, args });
    return call;
  }

  async inject(packet: Uint8Array, segmentSize = 0): Promise<void> {
    await this.ask({ op: 'inject', packet, segmentSize });
  }

  take(): CapturedPacket[] {
    return this.packets.splice(0);
  }

  async info(fd: number): Promise<Record<string, number>> {
    return (await this.ask({ op: 'info', fd })).info ?? {};
  }

  async command(text: string, where: { file: string; line: number }): Promise<void> {
    await this.ask({ op: 'command', text, ...where });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.becomeOrdinary?.();
    process.off('exit', this.onExit);
    const exited = new Promise<void>((resolve) => {
      this.worker.once('exit', () => resolve());
    });
    await this.ask({ op: 'close' }).catch(() => this.worker.terminate());
    await exited;
  }

  private ask(request: Request): Promise<Reply> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, request });
    });
  }

  private onReply(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    this.packets.push(...reply.packets);
    this.notes.push(...reply.notes);
    try {
      if (reply.returned !== null && this.pending !== null) this.pending.finish(reply.returned, this.origin);
    } catch (error) {
      waiting?.reject(error as Error);
      return;
    }
    if (reply.error === undefined) waiting?.resolve(reply);
    else waiting?.reject(Object.assign(new Error(reply.error.message), { code: reply.error.code }));
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
