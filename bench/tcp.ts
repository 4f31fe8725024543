// Bulk data through two whole stacks in one thread: sockets, TCP, IP, rings, flow table, driver and a memory link, both
// ends on one core. Beside it stands the same data copied by memory alone.

import { createStack, type InlineStack, memoryPair } from '../stack/index.js';
import { socketAddress } from '../stack/socket/address.js';
import * as c from '../stack/socket/constants.js';
import { type BenchRow, row } from './report.js';

export interface TcpBenchOptions {
  /** Runs of each case; the median is the row's value. */
  runs?: number;
  /** Share of the usual second a run. */
  scale?: number;
  print: (row: BenchRow) => void;
}

const PORT = 8080;
const GIGA = 1e9;
/** Large enough for a window that never stops the sender, small enough to stay in the processor's cache. */
const BUFFER = 262_144;

interface Case {
  readonly name: string;
  readonly gso: boolean;
  /** Bytes of each write. */
  readonly message: number;
}

const CASES: readonly Case[] = [
  { name: 'segments of 1448 bytes', gso: false, message: 65_536 },
  { name: 'super-packets', gso: true, message: 65_536 },
  { name: 'writes of 128 bytes', gso: false, message: 128 },
];

/** A connection between two stacks whose clock moves by hand. */
class Bulk {
  readonly #a: InlineStack;
  readonly #b: InlineStack;
  readonly #client: number;
  readonly #server: number;
  #now = 0;

  constructor(gso: boolean) {
    const [left, right] = memoryPair({
      common: { framing: 'ip', gsoMaxSize: gso ? 65_535 : 0, checksumOffload: true },
    });
    const make = (link: typeof left, last: number) =>
      createStack({
        links: [link],
        addresses: [{ address: `10.0.0.${last}`, prefix: 24 }],
        config: { tcpWmem: [4096, BUFFER, BUFFER], tcpRmem: [4096, 2 * BUFFER, 2 * BUFFER] },
      });
    this.#a = make(left, 1);
    this.#b = make(right, 2);
    const { posix } = this.#b;
    const listener = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    posix.bind(listener, socketAddress('0.0.0.0', PORT));
    posix.listen(listener, 1);
    const accepted = posix.accept(listener);
    this.#client = this.#a.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    const connected = this.#a.posix.connect(this.#client, socketAddress('10.0.0.2', PORT));
    for (let i = 0; i < 10 && accepted.result === null; i++) this.#step();
    if (connected.result !== 0 || accepted.result === null) throw new Error('no connection');
    this.#server = accepted.result;
    this.#a.posix.fcntl(this.#client, c.F_SETFL, c.O_NONBLOCK);
    posix.fcntl(this.#server, c.F_SETFL, c.O_NONBLOCK);
  }

  #step(): void {
    this.#a.run(this.#now);
    this.#b.run(this.#now);
    this.#now += 10;
  }

  /** Bytes that arrived within `milliseconds` of real time. */
  run(message: Uint8Array, milliseconds: number): number {
    const buffer = new Uint8Array(BUFFER);
    const end = performance.now() + milliseconds;
    let total = 0;
    while (performance.now() < end) {
      for (let turn = 0; turn < 32; turn++) {
        while (this.#a.posix.write(this.#client, message).result! > 0);
        this.#step();
        for (let count = 1; count > 0; ) {
          count = this.#b.posix.read(this.#server, buffer).result!;
          if (count > 0) total += count;
        }
      }
    }
    return total;
  }

  close(): void {
    this.#a.close();
    this.#b.close();
  }
}

/** Gbit/s of copying `message` to ordinary memory and nothing else. */
function copying(message: Uint8Array, milliseconds: number): number {
  const target = new Uint8Array(BUFFER);
  const slots = Math.floor(BUFFER / message.length);
  const begun = performance.now();
  let total = 0;
  while (performance.now() - begun < milliseconds) {
    for (let i = 0; i < 1024; i++) target.set(message, (i % slots) * message.length);
    total += 1024 * message.length;
  }
  return (total * 8) / ((performance.now() - begun) / 1e3) / GIGA;
}

/** Prints a row a case. */
export function benchTcp({ runs = 9, scale = 1, print }: TcpBenchOptions): void {
  for (const { name, gso, message } of CASES) {
    const bytes = new Uint8Array(message).fill(7);
    const ours: number[] = [];
    const copies: number[] = [];
    const bulk = new Bulk(gso);
    bulk.run(bytes, 300 * scale);
    for (let i = 0; i < runs; i++) {
      const begun = performance.now();
      const total = bulk.run(bytes, 1000 * scale);
      ours.push((total * 8) / ((performance.now() - begun) / 1e3) / GIGA);
      copies.push(copying(bytes, 100 * scale));
    }
    bulk.close();
    print(row('tcp', name, 'Gbit/s', ours, { name: 'copying alone', values: copies }));
  }
}
