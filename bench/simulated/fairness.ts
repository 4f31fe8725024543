// Flows that share one bottleneck: how evenly, and how much of the link they use. In virtual time, from a seed.

import { EPOLL_CTL_ADD, EPOLLET, EPOLLIN, EPOLLOUT } from '../../stack/socket/constants.js';
import type { EpollEvent } from '../../stack/socket/types.js';
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
/** ACKs come up to so much late, in order, µs: without any chance a full queue would always drop the same flow (phase
 * effects, Floyd and Jacobson 1992). */
const JITTER = 1000;

/** Jain's fairness index (Jain, Chiu, Hawe 1984). */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return squares === 0 ? 0 : (sum * sum) / (shares.length * squares);
}

/** Descriptors of one host, by edge-triggered epoll. */
class Readiness {
  readonly #posix: SimulatedNetwork['client']['posix'];
  readonly #epoll: number;
  readonly #wanted: number;
  readonly #descriptors: number[] = [];
  readonly #events: EpollEvent[] = [];

  constructor({ posix }: SimulatedNetwork['client'], wanted: number) {
    this.#posix = posix;
    this.#epoll = posix.epoll_create1(0);
    this.#wanted = wanted | EPOLLET;
  }

  add(descriptor: number): void {
    const data = this.#descriptors.push(descriptor) - 1;
    this.#posix.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, descriptor, { events: this.#wanted, data });
  }

  /** Calls `act` with each descriptor that became ready, and its place among those added. */
  each(act: (descriptor: number, place: number) => void): void {
    const count =
      this.#posix.epoll_wait(this.#epoll, this.#events, this.#descriptors.length + 1, 0).result ?? 0;
    for (let i = 0; i < count; i++) {
      const place = Number(this.#events[i].data);
      act(this.#descriptors[place], place);
    }
  }
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
  const data = new Uint8Array(WRITE).fill(7);
  const buffer = new Uint8Array(1 << 20);
  const bytes: number[] = [];
  let started = 0;
  const end = seconds * 1e6;
  const step = (options.stagger ?? roundTrip) / count;
  const writers = new Readiness(network.client, EPOLLOUT);
  const readers = new Readiness(network.server, EPOLLIN);
  // Applications read and write when their sockets are ready, not in turns of their own: a turn would send the ACKs of all
  // flows in a row and in the same order, and the first flow's packets would always find the places that came free since.
  while (network.now < end) {
    if (started < count && network.now >= started * step) {
      started++;
      writers.add(network.connect().client);
    }
    network.run();
    for (let server = network.accept(); server >= 0; server = network.accept()) {
      readers.add(server);
      bytes.push(0);
    }
    readers.each((server, i) => {
      for (let n = 1; n > 0; ) {
        n = network.server.posix.read(server, buffer).result ?? -1;
        if (n > 0) bytes[i] += n;
      }
    });
    writers.each((client) => {
      while ((network.client.posix.write(client, data).result ?? -1) > 0);
    });
    network.next(started < count ? Math.min(end, started * step) : end);
  }
  const total = bytes.reduce((a, b) => a + b, 0);
  const { dropped } = network.link.tx.counters;
  network.close();
  while (bytes.length < count) bytes.push(0);
  const capacity = (rate / 8) * seconds;
  return { jain: jainIndex(bytes), use: (total * MTU) / (MTU - HEADERS) / capacity, bytes, dropped };
}
