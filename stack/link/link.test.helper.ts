// A small pool for this folder's tests, and frames in and out of it by value.
import { Arena } from '../channel/arena.js';
import { PacketPool, type PoolParty } from '../channel/pool.js';
import type { Link } from './link.js';

export function testParty(small = 64, large = 4): PoolParty {
  const arena = Arena.create(8 * 1024 * 1024);
  const pool = PacketPool.create(arena, { small, large, debug: true });
  return pool.party(pool.addParty({ small, large }));
}

/** A frame of `length` bytes that begins with `tag`. */
export function frame(tag: number, length = 60): Uint8Array {
  const b = new Uint8Array(length).fill(0x55);
  b[0] = tag;
  return b;
}

/** Puts frames into buffers of `party`; the caller releases them. */
export function load(party: PoolParty, ...frames: Uint8Array[]): Uint32Array {
  return Uint32Array.from(frames, (f) => {
    const index = party.alloc(f.length);
    party.bytes.set(f, party.start(index));
    party.setLength(index, f.length);
    return index;
  });
}

/** Sends frames through a link at `now`; returns how many it took. */
export function send(link: Link, now: number, party: PoolParty, ...frames: Uint8Array[]): number {
  const indices = load(party, ...frames);
  const n = link.transmit(now, party, indices, indices.length);
  for (const index of indices) party.release(index);
  return n;
}

/** Takes everything that a link has at `now`, as [stamp, bytes]. */
export function receive(
  link: Link,
  now: number,
  party: PoolParty,
  max = 64,
): { time: number; bytes: Uint8Array }[] {
  const out = new Uint32Array(max);
  const n = link.receive(now, party, out, max);
  return Array.from(out.subarray(0, n), (index) => {
    const start = party.start(index);
    const taken = { time: party.stamp(index), bytes: party.bytes.slice(start, start + party.length(index)) };
    party.release(index);
    return taken;
  });
}

/** Runs a receiver from event to event up to `end`; returns [time, first byte] of all that came. */
export function drain(link: Link, party: PoolParty, end: number): [number, number][] {
  const all: [number, number][] = [];
  for (let now = link.nextEvent(); now <= end; now = link.nextEvent()) {
    for (const f of receive(link, now, party)) all.push([f.time, f.bytes[0]]);
  }
  return all;
}
