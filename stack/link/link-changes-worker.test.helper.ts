// Worker of link-changes.test.ts: in a network namespace of its own it opens devices that cannot be had, and changes others while
// a stack runs on them. The namespace ends with the thread.
import { execFileSync } from 'node:child_process';
import { parentPort } from 'node:worker_threads';
import { monotonicMicros, RealTimeLoop } from '../run-loop.js';
import { createStack } from '../stack.js';
import { addAddress, setUp } from './linux/interface.js';
import { libc } from './linux/libc.js';
import { unshareNetwork } from './linux/namespace.js';
import { PacketLink } from './packet.js';
import { TunLink } from './tun.js';

const report: Record<string, unknown> = {};
const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });
const failure = (make: () => unknown): string => {
  try {
    make();
    return 'none';
  } catch (error) {
    return `${(error as { code?: string }).code} ${(error as Error).message}`;
  }
};

unshareNetwork();
setUp('lo', true);
const held = new TunLink({ kind: 'tap', name: 'held' });
report.taken = failure(() => new TunLink({ kind: 'tap', name: 'held' }));
report.otherKind = failure(() => new TunLink({ kind: 'tap', name: 'lo' }));
report.longName = failure(() => new TunLink({ kind: 'tap', name: 'a-name-of-more-than-15' }));
report.smallMtu = failure(() => new TunLink({ kind: 'tap', name: 'small', mtu: 60 }));
// What failed has left nothing behind.
report.left = failure(() => ip('link', 'show', 'small'));
const real = libc();
const { ioctlValue } = real;
// A kernel without TUN offloads: the call fails as it does there.
real.ioctlValue = () => {
  real.ioctl(-1, 0, Buffer.alloc(8));
  return -1;
};
report.noOffload = failure(() => new TunLink({ kind: 'tap', name: 'plain' }));
real.ioctlValue = ioctlValue;
held.close();

/** Runs the stack until `done` or for a minute. */
async function until(loop: RealTimeLoop, done: () => boolean): Promise<boolean> {
  const end = monotonicMicros() + 60e6;
  while (!done() && monotonicMicros() < end) {
    loop.turn(10_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done();
}

const tap = new TunLink({ kind: 'tap', name: 'tap0' });
addAddress('tap0', Uint8Array.of(10, 77, 0, 1), 24);
const stack = createStack({ links: [tap], addresses: [{ address: '10.77.0.2', prefix: 24 }] });
const loop = new RealTimeLoop(stack);
const replies = (): number => stack.counters.get('IcmpOutEchoReps') ?? 0;
const ping = (): void => void execFileSync('sh', ['-c', 'ping -c 1 -W 60 10.77.0.2 >/dev/null 2>&1 &']);

ip('link', 'set', 'tap0', 'mtu', '900');
const before = stack.network.generation;
report.mtuSeen = await until(loop, () => stack.device('tap0')?.mtu === 900);
report.routesLookedUpAgain = stack.network.generation !== before;
ip('link', 'set', 'tap0', 'down');
loop.turn(10_000);
ip('link', 'set', 'tap0', 'up');
const answered = replies();
ping();
report.answersAfterDown = await until(loop, () => replies() > answered);
ip('link', 'del', 'tap0');
report.tapRemoved = await until(loop, () => false).catch((error) => `${error.code} ${error.message}`);
loop.close();
stack.close();
tap.close();

ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far');
setUp('near', true);
setUp('far', true);
const packet = new PacketLink({ interface: 'near', slots: 8 });
const other = createStack({ links: [packet], addresses: [{ address: '10.78.0.2', prefix: 24 }] });
const second = new RealTimeLoop(other);
second.turn(1000);
ip('link', 'del', 'near');
report.packetRemoved = await until(second, () => false).catch((error) => `${error.code} ${error.message}`);
second.close();
other.close();
packet.close();
parentPort!.postMessage(report);
