// Flows that share one bottleneck: how evenly, and how much of the link they use. In virtual time, from a seed.

import { SimulatedNetwork } from './network.js';

export interface Sharing {
  flows: number;
  /** Bits a second of the bottleneck, counting whole packets. */
  rate: number;
  /** Round trip without queues, µs. */
  roundTrip: number;
  /** Virtual seconds. */
  seconds: number;
  seed: number;
  /** Default: the stack's, CUBIC. */
  congestionControl?: string;
  /** One flow after the other starts within this time, µs; default one round trip. */
  stagger?: number;
}

export interface Shared {
  /** Jain's index of the flows' bytes: 1 when all are equal, 1/n when one has everything. */
  jain: number;
  /** Share of the link's capacity over the whole time, start included, that brought data the applications read, each
   * full segment counted with its headers; what was sent twice is not counted. */
  use: number;
  /** Bytes read of each flow. */
  bytes: number[];
  /** Packets that found the queue full. */
  dropped: number;
}

const MTU = 1500;
/** IPv4, TCP, timestamps. */
const HEADERS = 52;
const WRITE = 65_536;
/** The applications look after their sockets as often, µs. */
const TURN = 1000;
/** ACKs come up to so much late, in order, µs: without any chance a full queue would always drop the same flow (phase
 * effects, Floyd and Jacobson 1992). */
const JITTER = 1000;

/** Jain's fairness index (Jain, Chiu, Hawe 1984). */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 0 : (sum * sum) / (shares.length * squares);
}

/** Flows with endless data from one host to another through a queue of one bandwidth-delay product. */
export function share(options: Sharing): Shared {
  const { flows: count, rate, roundTrip, seconds, seed } = options;
  const queue = Math.max(1, Math.round((rate * roundTrip) / 1e6 / 8 / MTU));
  const network = new SimulatedNetwork({
    delay: roundTrip / 2,
    seed,
    impair: { tx: { rate, queue }, rx: { jitter: JITTER } },
    stack: {
      smallBuffers: 16_384,
      ...(options.congestionControl === undefined
        ? {}
        : { sysctls: { 'net.ipv4.tcp_congestion_control': options.congestionControl } }),
    },
  });
  const flows: number[] = [];
  const servers: number[] = [];
  const bytes: number[] = [];
  const data = new Uint8Array(WRITE).fill(7);
  const buffer = new Uint8Array(1 << 20);
  const end = seconds * 1e6;
  const step = (options.stagger ?? roundTrip) / count;
  let turn = 0;
  while (network.now < end) {
    if (flows.length < count && network.now >= flows.length * step) flows.push(network.connect().client);
    network.run();
    network.next(Math.min(end, turn));
    if (network.now < turn) continue;
    turn = network.now + TURN;
    for (let server = network.accept(); server >= 0; server = network.accept()) {
      servers.push(server);
      bytes.push(0);
    }
    for (const [i, server] of servers.entries()) {
      for (let n = 1; n > 0; ) {
        n = network.server.posix.read(server, buffer).result ?? -1;
        if (n > 0) bytes[i] += n;
      }
    }
    for (const client of flows) while ((network.client.posix.write(client, data).result ?? -1) > 0);
  }
  const total = bytes.reduce((a, b) => a + b, 0);
  const { dropped } = network.link.tx.counters;
  network.close();
  while (bytes.length < count) bytes.push(0);
  const capacity = (rate / 8) * seconds;
  return { jain: jainIndex(bytes), use: (total * MTU) / (MTU - HEADERS) / capacity, bytes, dropped };
}
