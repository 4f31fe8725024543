// Worker of packet.test.ts: a veth pair in a network namespace of its own; the link is on one end, the kernel on the
// other. It asks the kernel for its hardware address many times over, so that the rings wrap, and sends a batch at once.
import { execFileSync } from 'node:child_process';
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../channel/arena.js';
import { CHECKSUM_NONE } from '../channel/buffers.js';
import { PacketPool } from '../channel/pool.js';
import { addAddress, setUp } from './linux/interface.js';
import { unshareNetwork } from './linux/namespace.js';
import { POLLERR, POLLIN, PollSet } from './linux/poll.js';
import type { SystemCallError } from './linux/system-call-error.js';
import { PacketLink } from './packet.js';

const { offload, rounds } = workerData as { offload: boolean; rounds: number };
unshareNetwork();
execFileSync('ip', ['link', 'add', 'kernel0', 'type', 'veth', 'peer', 'name', 'stack0']);
addAddress('kernel0', Uint8Array.of(10, 78, 0, 1), 24);
setUp('kernel0', true);
setUp('stack0', true);

const arena = Arena.create(1 << 23);
const pool = PacketPool.create(arena, { small: 64, large: 4, debug: true });
const party = pool.party(pool.addParty({ small: 64, large: 4 }));
const link = new PacketLink({ interface: 'stack0', slots: 16, offload });
const poll = new PollSet([{ fd: link.fd, events: POLLIN }]);
const batch = new Uint32Array(8);
const own = link.hardwareAddress;

const request = new Uint8Array(42);
request.set([255, 255, 255, 255, 255, 255, ...own, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, ...own, 10, 78, 0, 2]);
request.set([10, 78, 0, 1], 38);

/** A buffer with the frame and no offloads; what it carried before may have had some. */
function loaded(frame: Uint8Array): number {
  const index = party.alloc(frame.length);
  party.bytes.set(frame, party.start(index));
  party.setLength(index, frame.length);
  party.setChecksum(index, CHECKSUM_NONE);
  party.setGsoSize(index, 0);
  return index;
}

let replies = 0;
let sent = 0;
for (let round = 0; round < rounds; round++) {
  for (let i = 0; i < 4; i++) {
    batch[i] = loaded(request);
  }
  const accepted = link.transmit(0, party, batch, 4);
  for (let i = 0; i < 4; i++) party.release(batch[i]!);
  sent += accepted;
  const before = replies;
  const end = Date.now() + 60_000;
  while (replies - before < accepted && Date.now() < end) {
    poll.wait(50);
    const count = link.receive(0, party, batch, batch.length);
    for (let i = 0; i < count; i++) {
      const start = party.start(batch[i]!);
      const frame = party.bytes.subarray(start, start + party.length(batch[i]!));
      if (frame[12] === 8 && frame[13] === 6 && frame[21] === 2 && frame[31] === 1) replies++;
      party.release(batch[i]!);
    }
  }
}
const { dropped } = link.statistics();
const { mtu, errors } = link;

// Too long for the interface: dropped, and not in the way of what comes next.
batch[0] = loaded(new Uint8Array(1600).fill(0xff));
link.transmit(0, party, batch, 1);
party.release(batch[0]);

// Down and up again: poll tells once, and the link goes on. Removed: it says so.
setUp('stack0', false);
const told = poll.wait(60_000) > 0 && (poll.ready(0) & POLLERR) !== 0;
link.takeError();
const quiet = poll.wait(0) === 0;
setUp('stack0', true);
let again = false;
for (const end = Date.now() + 60_000; !again && Date.now() < end; poll.wait(50)) {
  batch[0] = loaded(request);
  link.transmit(0, party, batch, 1);
  party.release(batch[0]);
  const count = link.receive(0, party, batch, batch.length);
  for (let i = 0; i < count; i++) {
    if (party.bytes[party.start(batch[i]!) + 21] === 2) again = true;
    party.release(batch[i]!);
  }
}
execFileSync('ip', ['link', 'delete', 'stack0']);
let gone = '';
try {
  link.takeError();
} catch (error) {
  gone = (error as SystemCallError).code;
}
link.close();
link.close();
parentPort!.postMessage({ sent, replies, dropped, mtu, errors, told, quiet, again, gone });
