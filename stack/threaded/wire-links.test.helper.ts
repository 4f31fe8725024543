// A link module for tests: an Ethernet wire between the drivers of two stacks in one process, in shared memory, each asleep
// in the kernel on its eventfd. As a module of the main thread it makes wires.
import { Arena } from '../channel/arena.js';
import { initRing, RingConsumer, RingProducer, ringBytes } from '../channel/ring.js';
import type { OpenLinks } from '../driver/driver-worker.js';
import type { Link } from '../link/link.js';
import { EventFd, POLLIN, PollSet } from '../link/linux/poll.js';

const SLOTS = 512;
/** Twice the ring's: a slot is written again only when its frame has been copied. */
const FRAMES = 2 * SLOTS;
const FRAME_BYTES = 2048;

export interface WireOptions {
  buffer: SharedArrayBuffer;
  /** By side: the ring of what it sends, and the frames. */
  rings: [number, number];
  frames: [number, number];
  /** Words: the eventfd of either side once it is open, and whether side 0 shall crash. */
  words: number;
  side: 0 | 1;
}

/** Two ends of a wire, for the drivers of two stacks. `crash` makes the first throw in its driver. */
export function makeWire(): { ends: [WireOptions, WireOptions]; crash(): void } {
  const arena = Arena.create(8 << 20);
  const rings: [number, number] = [arena.alloc(ringBytes(SLOTS)), arena.alloc(ringBytes(SLOTS))];
  for (const ring of rings) initRing(arena, ring);
  const frames: [number, number] = [arena.alloc(FRAMES * FRAME_BYTES), arena.alloc(FRAMES * FRAME_BYTES)];
  const words = arena.alloc(64);
  const end = (side: 0 | 1): WireOptions => ({ buffer: arena.buffer, rings, frames, words, side });
  const crash = () => {
    Atomics.store(arena.words, (words >>> 2) + 2, 1);
    new EventFd(Atomics.load(arena.words, words >>> 2)).ring();
  };
  return { ends: [end(0), end(1)], crash };
}

export function openLinks(options: unknown, bell: number): OpenLinks {
  const { buffer, rings, frames, words, side } = options as WireOptions;
  const arena = Arena.attach(buffer);
  const other = 1 - side;
  const out = new RingProducer(arena, rings[side], SLOTS);
  const input = new RingConsumer(arena, rings[other], SLOTS);
  const word = words >>> 2;
  let next = 0;
  let far: EventFd | undefined;
  const frame = (of: number, n: number) => frames[of] + (n & (FRAMES - 1)) * FRAME_BYTES;
  const link: Link = {
    name: `wire${side}`,
    framing: 'ethernet',
    mtu: 1500,
    gsoMaxSize: 0,
    checksumOffload: false,
    hardwareAddress: Uint8Array.of(2, 0, 0, 0, 0, side + 1),
    receive(_now, party, to, max) {
      if (side === 0 && Atomics.load(arena.words, word + 2) !== 0) throw new Error('the wire is cut');
      let count = 0;
      for (; count < max; count++) {
        const index = party.alloc(FRAME_BYTES - 128);
        if (index < 0) break;
        const n = input.pop();
        if (n < 0) {
          party.release(index);
          break;
        }
        const at = frame(other, n);
        const length = arena.words[at >>> 2];
        party.bytes.set(arena.bytes.subarray(at + 4, at + 4 + length), party.start(index));
        party.setLength(index, length);
        to[count] = index;
      }
      return count;
    },
    transmit(_now, party, indices, count) {
      let sent = 0;
      for (; sent < count; sent++) {
        const start = party.start(indices[sent]);
        const length = party.length(indices[sent]);
        const at = frame(side, next);
        if (out.free() === 0) break;
        arena.words[at >>> 2] = length;
        arena.bytes.set(party.bytes.subarray(start, start + length), at + 4);
        out.push(next & (FRAMES - 1));
        next++;
      }
      out.publish();
      const fd = Atomics.load(arena.words, word + other);
      if (fd > 0) {
        far ??= new EventFd(fd);
        far.ring();
      }
      return sent;
    },
    nextEvent: () => Number.POSITIVE_INFINITY,
    // Nobody rings a bell whose stack is gone.
    close: () => Atomics.store(arena.words, word + side, 0),
  };
  Atomics.store(arena.words, word + side, bell);
  const own = new EventFd(bell);
  const poll = new PollSet([{ fd: bell, events: POLLIN }]);
  return {
    links: [link],
    waiter: {
      argument: bell,
      wait(milliseconds) {
        poll.wait(milliseconds);
        own.clear();
      },
      close() {},
    },
  };
}
