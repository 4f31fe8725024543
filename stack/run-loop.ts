// A stack in real time, in one thread: the loop sleeps in poll(2) over the descriptors of the stack's links and a doorbell,
// no longer than the stack's next deadline, and runs it with a monotonic clock. It knows no protocol and no socket, and uses
// no thread of libuv's pool. A thread inside a system call cannot be ended, so whoever ends it rings the bell.
import type { Link } from './link/link.js';
import { EventFd, POLLERR, POLLIN, PollSet } from './link/linux/poll.js';

/** What the loop needs of a stack; InlineStack has it. */
export interface RunnableStack {
  run(now?: number, rounds?: number): number;
  flush(now?: number): boolean;
  nextTimeout(): number;
  readonly network: { readonly devices: readonly { readonly link: Link | null }[] };
  readonly driver: { hasWork(): boolean };
}

export interface RealTimeOptions {
  /** Ends the loop. */
  readonly signal?: AbortSignal;
  /** Called when the bell was rung from outside, in the loop's thread: look for messages here. */
  readonly onBell?: () => void;
  /**
   * Longest sleep in µs. Default of `run()` 1000: Node's own events of the thread wait as long. Default of `block()` a
   * second, so that a thread nobody rings for still ends.
   */
  readonly slice?: number;
  /** Whether `run()` keeps the process alive, as a server does. Default true. */
  readonly ref?: boolean;
}

/** A link without a descriptor to wait for. */
export class RunLoopError extends Error {
  readonly code: 'RUN_LOOP_NO_DESCRIPTOR' | 'RUN_LOOP_BUSY';
  constructor(code: RunLoopError['code'], message: string) {
    super(message);
    this.name = 'RunLoopError';
    this.code = code;
  }
}

/** Batches (64 frames a link) between two looks at the clock. */
const ROUNDS = 4;
const SLICE = 1000;
const BLOCKED_SLICE = 1e6;
/** Turns that found work after which Node's event loop has its turn. */
const TURNS = 8;

const bells = new Set<EventFd>();
let listening = false;

/** Microseconds of a clock that never goes back; its zero is the thread's start. */
export const monotonicMicros = (): number => performance.now() * 1e3;

/**
 * Rings the eventfd `fd` for the last time when the process exits: the loop that waits for it ends. The main
 * thread calls it for loops in workers (`loop.bell.fd`): only the main thread sees 'exit' before its workers are ended.
 * Returns what takes it back.
 */
export function ringAtExit(fd: number): () => void {
  const bell = new EventFd(fd);
  bells.add(bell);
  if (!listening) {
    listening = true;
    process.on('exit', () => {
      for (const each of bells) each.end();
    });
  }
  return () => void bells.delete(bell);
}

/** Runs `stack` in this thread beside Node's event loop until `signal` aborts or a link fails (rejects with its error). */
export async function runRealTime(stack: RunnableStack, options: RealTimeOptions = {}): Promise<void> {
  const loop = new RealTimeLoop(stack, options);
  try {
    await loop.run();
  } finally {
    loop.close();
  }
}

export class RealTimeLoop {
  /** Ends a sleep: `bell.ring()` from any thread (`new EventFd(loop.bell.fd)` there). */
  readonly bell = new EventFd();
  /** Turns and sleeps so far: an idle stack sleeps through. */
  turns = 0;
  sleeps = 0;
  private readonly stack: RunnableStack;
  private readonly options: RealTimeOptions;
  private readonly poll: PollSet;
  private readonly devices: readonly Link[];
  private readonly forget: () => void;
  private readonly onAbort = () => this.stop();
  private stopping = false;
  private running = false;
  private closed = false;

  /** @throws RunLoopError RUN_LOOP_NO_DESCRIPTOR for a link that is no device (memory links live in virtual time) */
  constructor(stack: RunnableStack, options: RealTimeOptions = {}) {
    this.stack = stack;
    this.options = options;
    const fds: { fd: number; events: number }[] = [];
    const devices: Link[] = [];
    for (const { link } of stack.network.devices) {
      if (link === null) continue;
      const device = deviceOf(link);
      if (device === null) {
        this.bell.close();
        throw new RunLoopError('RUN_LOOP_NO_DESCRIPTOR', `link ${link.name} has no descriptor to wait for`);
      }
      devices.push(device);
      fds.push({ fd: device.fd, events: POLLIN });
    }
    this.devices = devices;
    this.poll = new PollSet([...fds, { fd: this.bell.fd, events: POLLIN }]);
    this.forget = ringAtExit(this.bell.fd);
    options.signal?.addEventListener('abort', this.onAbort, { once: true });
    if (options.signal?.aborted) this.stopping = true;
  }

  /** Sleeps until something happens, `longest` µs at most, and runs the stack once; returns what was handled. */
  turn(longest: number): number {
    this.turns++;
    this.stack.flush(monotonicMicros());
    const wait = Math.min(this.due(), longest);
    if (wait > 0) this.sleeps++;
    const ready = this.poll.waitMicros(wait);
    if (ready > 0) this.lookForErrors();
    if (ready > 0 && (this.poll.ready(this.devices.length) & POLLIN) !== 0 && this.bell.clear()) {
      // Back into the kernel before the process ends the thread would be too early.
      if (this.bell.ended) this.stopping = true;
      this.options.onBell?.();
    }
    const work = this.stack.run(monotonicMicros(), ROUNDS);
    return work;
  }

  /** Runs and blocks the thread until `stop` is called from a callback of the stack or of the bell. */
  block(): void {
    this.enter();
    const { slice = BLOCKED_SLICE } = this.options;
    try {
      while (!this.stopping) this.turn(slice);
    } finally {
      this.running = false;
    }
  }

  /** Runs beside Node's event loop until `stop`. Rejects with what a link or the stack throws. */
  async run(): Promise<void> {
    this.enter();
    const { slice = SLICE, ref = true } = this.options;
    try {
      while (!this.stopping) {
        for (let i = 0; i < TURNS && !this.stopping; i++) {
          if (this.turn(slice) === 0) break;
          // Promises that the stack's calls have settled go on here, as far as they go without the event loop. Who has
          // sent in answer waits for the network, so the next turn may sleep at once; anybody else may need the event loop.
          await ticks();
          if (this.stopping || !this.stack.flush(monotonicMicros())) break;
        }
        await eventLoop(ref);
      }
    } finally {
      this.running = false;
    }
  }

  stop(): void {
    this.stopping = true;
    if (!this.closed) this.bell.ring();
  }

  /** Lets go of the bell. The stack and its links stay the caller's. Idempotent; a running loop ends first. */
  close(): void {
    this.stopping = true;
    if (this.closed || this.running) return;
    this.closed = true;
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.forget();
    this.bell.close();
  }

  private enter(): void {
    if (this.running || this.closed)
      throw new RunLoopError('RUN_LOOP_BUSY', 'the loop runs already, or was closed');
    this.running = true;
  }

  private lookForErrors(): void {
    for (let i = 0; i < this.devices.length; i++) {
      if ((this.poll.ready(i) & POLLERR) !== 0) this.devices[i].takeError?.();
    }
  }

  /** µs until the stack must run again. */
  private due(): number {
    if (this.stack.driver.hasWork()) return 0;
    return Math.max(0, this.stack.nextTimeout() - monotonicMicros());
  }
}

/** Until no promise has anything left to do. */
function ticks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** One turn of Node's event loop. */
function eventLoop(ref: boolean): Promise<void> {
  return new Promise((resolve) => {
    // An immediate that is not held does not wake the event loop, a timer does.
    if (ref) setImmediate(resolve);
    else setTimeout(resolve, 1).unref();
  });
}

type Device = Link & { readonly fd: number };

/** The link with a descriptor, within whatever is wrapped around it; null: none. */
function deviceOf(link: Link): Device | null {
  for (let at: unknown = link; typeof at === 'object' && at !== null; ) {
    const { fd, inner } = at as { fd?: unknown; inner?: unknown };
    if (typeof fd === 'number') return at as Device;
    at = inner;
  }
  return null;
}
