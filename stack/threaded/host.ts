// A host whose driver runs in another thread: the stack, its ground, and the loop that runs it beside Node's event loop. It
// sleeps on its doorbell (Atomics.waitAsync) and is woken by packets, by buffers that came home, by its own deadlines, and by
// calls that bring a deadline forward. It must never block its thread.
import type { DoorbellWaker } from '../channel/doorbell.js';
import type { HostSecrets } from '../host/secrets.js';
import { HostStack } from '../host-stack.js';
import type { HostOptions } from '../stack-options.js';
import type { ThreadGround } from './thread-ground.js';

export interface LoopOptions {
  /** Stack time 0, in microseconds of Unix time: one for all threads of a stack. */
  epoch: number;
  /** Whether open sockets keep the process alive, as a server's do. Default true. */
  ref?: boolean;
  /** The loop ended because the host threw. Default: thrown again, as any uncaught error. */
  onError?: (error: unknown) => void;
}

/** Batches from each ring between two looks at the clock. */
const ROUNDS = 4;
/** Turns that found work after which Node's event loop has its turn. */
const TURNS = 8;
/** Milliseconds; a sleep that nothing ends looks again. */
const LONGEST_SLEEP = 60_000;
/** Milliseconds between looks whether the driver has taken the last packets, and how many of them. */
const DRAIN_STEP = 1;
const DRAIN_STEPS = 1000;
const FOR_EVER = 2 ** 31 - 1;

export class ThreadedHost extends HostStack {
  /** Resolves when the loop has ended and the driver has taken what was sent last. */
  readonly ended: Promise<void>;
  declare protected readonly ground: ThreadGround;
  private readonly loop: LoopOptions;
  private readonly waker: DoorbellWaker;
  private readonly keepAlive: NodeJS.Timeout;
  private ending = false;
  /** Stack time at which the loop wakes by itself; -Infinity while it is awake. */
  private asleepUntil = Number.NEGATIVE_INFINITY;

  constructor(options: HostOptions, secrets: HostSecrets, ground: ThreadGround, loop: LoopOptions) {
    // Worker and main thread have time origins of their own; timeOrigin makes one clock of them.
    const clock = () => (performance.timeOrigin + performance.now()) * 1000 - loop.epoch;
    super({ ...options, clock }, secrets, ground);
    this.loop = loop;
    this.waker = ground.port.waker();
    this.keepAlive = setInterval(() => {}, FOR_EVER);
    this.keepAlive.unref();
    ground.onSettled = () => this.lookAhead();
    ground.onRefused = (address) => {
      if (!this.ending) this.removeAddress(address);
    };
    this.ended = this.live();
  }

  /** Wakes the loop if it sleeps: there is something new to look at. Only from the host's own thread. */
  wake(): void {
    if (this.asleepUntil === Number.NEGATIVE_INFINITY) return;
    this.asleepUntil = Number.NEGATIVE_INFINITY;
    this.waker.force();
  }

  /** Ends every socket, and the loop; open connections are reset. Await `ended` before the thread ends. Idempotent. */
  override close(): void {
    if (this.ending) return;
    this.ending = true;
    super.close();
    clearInterval(this.keepAlive);
    this.wake();
  }

  private async live(): Promise<void> {
    // The caller has the host before the first packet moves.
    await undefined;
    try {
      while (!this.ending) {
        for (let i = 0; i < TURNS && !this.ending; i++) {
          if (this.run(this.now(), ROUNDS) === 0) break;
          // Promises that the host's calls have settled go on here.
          await undefined;
        }
        if (this.ending) break;
        if (this.nextTimeout() <= this.now()) await eventLoop();
        else await this.sleep();
      }
    } catch (error) {
      this.ending = true;
      clearInterval(this.keepAlive);
      if (this.loop.onError === undefined) queueMicrotask(() => rethrow(error));
      else this.loop.onError(error);
    }
    const { port } = this.ground;
    for (let i = 0; i < DRAIN_STEPS && !port.allTaken; i++) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_STEP));
    }
    this.ground.letGo();
  }

  private async sleep(): Promise<void> {
    const { port, readers } = this.ground;
    this.holdProcess();
    port.sleeper.prepare();
    // Asked after the doorbell is up: whatever comes from now on rings it.
    const until = this.nextTimeout();
    const now = this.now();
    if (until > now && !readers.pending && port.collect() === 0) {
      this.asleepUntil = until;
      await port.sleeper.waitAsync(Math.min(LONGEST_SLEEP, Math.ceil((until - now) / 1000)));
      this.asleepUntil = Number.NEGATIVE_INFINITY;
    }
    port.sleeper.awake();
  }

  /** A pending waitAsync does not keep a process alive: a timer does while there are sockets. */
  private holdProcess(): void {
    const { descriptors, connections } = this.usage();
    if ((this.loop.ref ?? true) && descriptors + connections > 0) this.keepAlive.ref();
    else this.keepAlive.unref();
  }

  /** A call from outside may have made something due before the loop would look. */
  private lookAhead(): void {
    if (this.ending || this.asleepUntil === Number.NEGATIVE_INFINITY) return;
    this.holdProcess();
    if (this.ground.readers.pending || this.nextTimeout() < this.asleepUntil) this.wake();
  }
}

/** One turn of Node's event loop. */
function eventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function rethrow(error: unknown): never {
  throw error;
}
