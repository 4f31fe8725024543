// An endpoint in a worker, for thread tests: opens flows by message, reads them asleep on its doorbell, checks order,
// answers every tenth packet, and reports. It can also die in several ways.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../channel/arena.js';
import type { ChannelReader } from '../channel/channel.js';
import { PacketPool } from '../channel/pool.js';
import { exactKey } from '../flows/key.js';
import { EventFd } from '../link/linux/poll.js';
import { ControlClient } from './control-port.js';
import { XMIT_OK } from './egress.js';
import { EndpointPort, type StackAddress } from './port.js';

export interface EndpointData {
  address: StackAddress;
  endpoint: number;
  commands: MessagePort;
  ports: number[];
  packets: number;
  /** Shared words: 0 stop. */
  control: SharedArrayBuffer;
  dieAfter?: number;
}

const data = workerData as EndpointData;
const arena = Arena.attach(data.address.buffer);
const pool = PacketPool.attach(arena, data.address.pool);
const port = new EndpointPort(arena, data.address, pool, data.endpoint, (fd) => new EventFd(fd).ring());
const client = new ControlClient(data.commands);
const stop = new Int32Array(data.control);
const { party } = port;
const address = (n: number) => {
  const a = new Uint8Array(16);
  a.set([0xff, 0xff, 10, 0, 0, n], 10);
  return a;
};

const readers: ChannelReader[] = [];
const channels: number[] = [];
for (const remote of data.ports) {
  const key = exactKey(6, { address: address(1), port: 80 }, { address: address(2), port: remote });
  const channel = await client.openFlow(key, { slots: 256 });
  channels.push(channel);
  readers.push(port.reader(channel));
}
parentPort?.postMessage({ ready: true });

const last = readers.map(() => -1);
let got = 0;
let answered = 0;
let disorder = 0;

function answer(channel: number, remote: number): void {
  port.collect();
  const index = party.alloc(44);
  if (index < 0) return;
  const at = party.start(index);
  party.bytes.fill(0, at, at + 44);
  party.bytes[at] = 0x45;
  party.bytes[at + 9] = 6;
  party.bytes.set([10, 0, 0, 1], at + 12);
  party.bytes.set([10, 0, 0, 2], at + 16);
  party.bytes.set([0, 80, 0, remote], at + 20);
  party.setLength(index, 44);
  party.setChannel(index, channel);
  if (port.transmit(index, 0) === XMIT_OK) answered++;
  else party.release(index);
}

function round(): number {
  let work = 0;
  for (let r = 0; r < readers.length; r++) {
    const reader = readers[r];
    for (let index = reader.pop(); index >= 0; index = reader.pop()) {
      const at = party.start(index) + 24;
      const b = party.bytes;
      const seq = (b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3];
      if (seq <= last[r]) disorder++;
      last[r] = seq;
      got++;
      work++;
      if (got === data.dieAfter) throw new Error('dies with buffers in hand');
      reader.release(index);
      if (got % 10 === 0) answer(channels[r], data.ports[r]);
    }
  }
  port.flush();
  return work;
}

const { sleeper } = port;
/** Everything that was made for these flows is here, or was dropped and counted. */
const accounted = () =>
  readers.reduce((sum, reader) => sum + reader.drops().full + reader.drops().quota, got) >=
  data.packets * readers.length;
const done = () => Atomics.load(stop, 0) !== 0 && accounted();
while (!done()) {
  if (round() > 0) continue;
  sleeper.prepare();
  const waiting = readers.some((reader) => reader.ring.length() > 0);
  if (!waiting && !done()) sleeper.wait(20);
  sleeper.awake();
}
const drops = readers.map((reader) => reader.drops());
parentPort?.postMessage({ got, answered, disorder, last, drops });
client.close();
