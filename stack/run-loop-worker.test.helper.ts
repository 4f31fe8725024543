// Thread and programs of run-loop.test.ts. As a worker: a namespace with a TUN device and a stack, whose loop blocks the
// thread. As a program (argument: what to do): starts that worker, and ends in the way asked for while it sleeps.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { setUp } from './link/linux/interface.js';
import { unshareNetwork } from './link/linux/namespace.js';
import { TunLink } from './link/tun.js';
import { RealTimeLoop, ringAtExit, runRealTime } from './run-loop.js';
import { createStack } from './stack.js';

function idleStack(): ReturnType<typeof createStack> {
  unshareNetwork();
  setUp('lo', true);
  // Down, the kernel has nothing to say on it; without an address nothing is ever due: only the bell wakes the thread.
  const link = new TunLink({ kind: 'tun', name: 'loop0', up: false });
  const stack = createStack({ links: [link] });
  stack.run(0);
  if (stack.nextTimeout() !== Number.POSITIVE_INFINITY) throw new Error(`due at ${stack.nextTimeout()} µs`);
  return stack;
}

async function program(how: string): Promise<void> {
  if (how === 'main-thread') {
    // A loop that is not held lets the process end.
    void runRealTime(idleStack(), { ref: false });
    return;
  }
  const worker = new Worker(new URL(import.meta.url));
  const bell = await new Promise<number>((resolve) => worker.once('message', resolve));
  ringAtExit(bell);
  // The thread sleeps in the kernel by now.
  await new Promise((resolve) => setTimeout(resolve, 60));
  console.log('ends');
  if (how === 'exit') process.exit(3);
  if (how === 'throw') throw new Error('thrown on purpose');
  if (how === 'crash') process.abort();
  if (how === 'SIGTERM' || how === 'SIGKILL') process.kill(process.pid, how);
  worker.unref();
}

if (isMainThread) {
  await program(process.argv[2]);
} else {
  // Ten minutes at a time: a thread that nobody rings for holds the process longer than its test waits.
  const loop = new RealTimeLoop(idleStack(), { slice: 600e6 });
  parentPort!.postMessage(loop.bell.fd);
  loop.block();
}
