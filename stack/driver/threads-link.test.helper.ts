// A link for thread tests, opened in the driver's thread: makes numbered packets of many flows at a bounded rate and
// counts what is sent. With `poll` it sleeps in the kernel, as a device would.
import type { PoolParty } from '../channel/pool.js';
import type { Link } from '../link/link.js';
import { EventFd, POLLIN, PollSet } from '../link/linux/poll.js';
import type { OpenLinks } from './driver-worker.js';

export interface TestLinkOptions {
  /** Packets per flow, flows (remote ports 1…), and packets a batch. */
  packets: number;
  flows: number;
  batch: number;
  /** Sleep in the kernel on this eventfd. */
  eventfd?: number;
  /** Throw in `openLinks`, or in `receive` after so many packets. */
  failOpen?: boolean;
  failAfter?: number;
  /** Make no more packets than shared word 5 says. */
  gated?: boolean;
  /** Shared words: 0 go, 1 packets made, 2 packets sent, 4 times closed. */
  report: SharedArrayBuffer;
}

export function openLinks(options: unknown): OpenLinks {
  const o = options as TestLinkOptions;
  if (o.failOpen) throw new Error('no such device: nc9');
  const report = new Int32Array(o.report);
  let made = 0;
  let sent = 0;
  const total = () => (o.gated ? Atomics.load(report, 5) : o.packets * o.flows);
  const link: Link = {
    name: 'threads',
    framing: 'ip',
    mtu: 1500,
    gsoMaxSize: 0,
    checksumOffload: false,
    hardwareAddress: null,
    receive(_now: number, party: PoolParty, out: Uint32Array, max: number): number {
      if (Atomics.load(report, 0) === 0) return 0;
      let n = 0;
      for (; n < Math.min(max, o.batch) && made < total(); n++) {
        const index = party.alloc(48);
        if (index < 0) break;
        const flow = made % o.flows;
        const seq = Math.floor(made / o.flows);
        const at = party.start(index);
        const b = party.bytes;
        b.fill(0, at, at + 48);
        b[at] = 0x45;
        b[at + 9] = 6;
        b.set([10, 0, 0, 2], at + 12);
        b.set([10, 0, 0, 1], at + 16);
        b.set([0, 1 + flow, 0, 80], at + 20);
        b.set([seq >>> 24, seq >>> 16, seq >>> 8, seq], at + 24);
        party.setLength(index, 48);
        out[n] = index;
        made++;
      }
      Atomics.store(report, 1, made);
      if (o.failAfter !== undefined && made >= o.failAfter) throw new Error('the device is gone');
      return n;
    },
    transmit(_now, _party, _indices, count): number {
      sent += count;
      Atomics.store(report, 2, sent);
      return count;
    },
    nextEvent(): number {
      // A real device is announced by its descriptor; this one looks again every now and then.
      return Atomics.load(report, 0) === 1 && made < total() ? 0 : Infinity;
    },
    close(): void {
      Atomics.add(report, 4, 1);
    },
  };
  if (o.eventfd === undefined) return { links: [link] };
  const bell = new EventFd(o.eventfd);
  const set = new PollSet([{ fd: o.eventfd, events: POLLIN }]);
  return {
    links: [link],
    waiter: {
      argument: o.eventfd,
      wait(milliseconds: number): void {
        set.wait(milliseconds);
        bell.clear();
      },
      close(): void {},
    },
  };
}
