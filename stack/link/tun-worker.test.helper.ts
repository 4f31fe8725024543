// Worker of tun.test.ts: in a network namespace of its own it opens a device, pings the kernel through the link, and
// reports what came back. The namespace ends with the thread.
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../channel/arena.js';
import { PacketPool } from '../channel/pool.js';
import { checksumOf } from '../wire/checksum.js';
import { addAddress, setUp } from './linux/interface.js';
import { unshareNetwork } from './linux/namespace.js';
import { EventFd, POLLIN, PollSet } from './linux/poll.js';
import { SystemCallError } from './linux/system-call-error.js';
import { TunLink } from './tun.js';

const { kind, offload } = workerData as { kind: 'tun' | 'tap'; offload: boolean };
const report: Record<string, unknown> = {};
unshareNetwork();
setUp('lo', true);
const arena = Arena.create(1 << 22);
const pool = PacketPool.create(arena, { small: 16, large: 4, debug: true });
const party = pool.party(pool.addParty({ small: 16, large: 4 }));
const link = new TunLink({ kind, name: 'nc%d', offload, mtu: 1400 });
addAddress(link.name, Uint8Array.of(10, 77, 0, 1), 24);
const bell = new EventFd();
const poll = new PollSet([
  { fd: link.fd, events: POLLIN },
  { fd: bell.fd, events: POLLIN },
]);
const batch = new Uint32Array(8);

/** Everything that arrives within `milliseconds`, as hexadecimal text per frame. */
function collect(milliseconds: number, wanted: (frame: Uint8Array) => boolean): Uint8Array | null {
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    poll.wait(50);
    const count = link.receive(0, party, batch, batch.length);
    for (let i = 0; i < count; i++) {
      const start = party.start(batch[i]!);
      const frame = party.bytes.slice(start, start + party.length(batch[i]!));
      party.release(batch[i]!);
      if (wanted(frame)) return frame;
    }
  }
  return null;
}

function send(bytes: Uint8Array): number {
  const index = party.alloc(bytes.length);
  party.bytes.set(bytes, party.start(index));
  party.setLength(index, bytes.length);
  batch[0] = index;
  const sent = link.transmit(0, party, batch, 1);
  party.release(index);
  return sent;
}

function echoRequest(): Uint8Array {
  const packet = new Uint8Array(20 + 8 + 4);
  packet.set([
    0x45, 0, 0, 32, 0, 1, 0, 0, 64, 1, 0, 0, 10, 77, 0, 2, 10, 77, 0, 1, 8, 0, 0, 0, 0, 7, 0, 9, 1, 2, 3, 4,
  ]);
  const put = (at: number, sum: number) => packet.set([sum >>> 8, sum & 0xff], at);
  put(10, checksumOf(packet, 0, 20));
  put(22, checksumOf(packet, 20, 32));
  return packet;
}

report.mtu = link.mtu;
if (kind === 'tun') {
  report.sent = send(echoRequest());
  const reply = collect(60_000, (frame) => frame[0] === 0x45 && frame[9] === 1);
  report.reply = reply === null ? null : Buffer.from(reply.subarray(20)).toString('hex');
  report.length = reply?.length;
} else {
  // An ARP request for the kernel's address is answered with its hardware address.
  const own = link.hardwareAddress!;
  const request = new Uint8Array(42);
  request.set([255, 255, 255, 255, 255, 255, ...own, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, ...own, 10, 77, 0, 2]);
  request.set([10, 77, 0, 1], 38);
  report.sent = send(request);
  const reply = collect(60_000, (frame) => frame[12] === 8 && frame[13] === 6 && frame[21] === 2);
  report.reply = reply === null ? null : [...reply.subarray(28, 32)].join('.');
  report.differs = reply !== null && Buffer.compare(reply.subarray(6, 12), own) !== 0;
}
bell.ring();
report.woken = poll.wait(60_000) > 0 && (poll.ready(1) & POLLIN) !== 0 && bell.clear();
try {
  new TunLink({ kind, name: link.name }).close();
  report.taken = 'opened twice';
} catch (error) {
  report.taken = error instanceof SystemCallError ? error.code : String(error);
}
link.close();
link.close();
bell.close();
parentPort!.postMessage(report);
