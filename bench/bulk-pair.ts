// Bulk data through two whole stacks in one thread: sockets, TCP, IP, rings, flow table, driver and a memory link, both
// ends on one core. The clock moves by hand. For bench/tcp.ts and for the test of what a segment allocates.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createStack, type InlineStack, memoryPair } from '../stack/index.js';
import { socketAddress } from '../stack/socket/address.js';
import * as c from '../stack/socket/constants.js';

export interface BulkOptions {
  /** The link takes super-packets. */
  gso?: boolean;
  /** Segments of a batch are joined on receipt. */
  gro?: boolean;
  /** What a turn sends leaves together. */
  batch?: boolean;
}

const PORT = 8080;
const TCP_NODELAY = 1;
/** Large enough for a window that never stops the sender, small enough to stay in the processor's cache. */
export const BULK_BUFFER = 262_144;

/** A connection between two stacks, without timestamps, so that segments have 1,460 bytes. */
export class BulkPair {
  readonly sender: InlineStack;
  readonly receiver: InlineStack;
  private readonly client: number;
  private readonly server: number;
  private readonly room = new Uint8Array(BULK_BUFFER);
  private now = 0;

  constructor({ gso = false, gro = false, batch = false }: BulkOptions) {
    const [left, right] = memoryPair({
      common: { framing: 'ip', gsoMaxSize: gso ? 65_535 : 0, checksumOffload: true },
    });
    const make = (link: typeof left, last: number) =>
      createStack({
        links: [link],
        addresses: [{ address: `10.0.0.${last}`, prefix: 24 }],
        gro,
        batchTransmit: batch,
        config: {
          tcpTimestamps: 0,
          tcpWmem: [4096, BULK_BUFFER, BULK_BUFFER],
          tcpRmem: [4096, 2 * BULK_BUFFER, 2 * BULK_BUFFER],
        },
      });
    this.sender = make(left, 1);
    this.receiver = make(right, 2);
    const { posix } = this.receiver;
    const listener = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    posix.bind(listener, socketAddress('0.0.0.0', PORT));
    posix.listen(listener, 1);
    const accepted = posix.accept(listener);
    this.client = this.sender.posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    this.sender.posix.setInt(this.client, c.IPPROTO_TCP, TCP_NODELAY, 1);
    const connected = this.sender.posix.connect(this.client, socketAddress('10.0.0.2', PORT));
    for (let i = 0; i < 10 && accepted.result === null; i++) this.step();
    if (connected.result !== 0 || accepted.result === null) throw new Error('no connection');
    this.server = accepted.result;
    this.sender.posix.fcntl(this.client, c.F_SETFL, c.O_NONBLOCK);
    posix.fcntl(this.server, c.F_SETFL, c.O_NONBLOCK);
  }

  private step(): void {
    this.sender.run(this.now);
    this.receiver.run(this.now);
    this.now += 10;
  }

  /** Writes until the send buffer is full, lets both stacks run and reads what has come; returns bytes read. */
  turn(message: Uint8Array): number {
    while (this.sender.posix.tryWrite(this.client, message) > 0);
    this.step();
    let total = 0;
    for (let count = 1; count > 0; ) {
      count = this.receiver.posix.tryRead(this.server, this.room);
      if (count > 0) total += count;
    }
    return total;
  }

  /** Turns for `milliseconds` of real time; returns bytes that arrived. */
  run(message: Uint8Array, milliseconds: number): number {
    const end = performance.now() + milliseconds;
    let total = 0;
    while (performance.now() < end) for (let i = 0; i < 32; i++) total += this.turn(message);
    return total;
  }

  /** Data segments that the receiver has taken in so far, those of a super-packet counted singly. */
  get segments(): number {
    return this.sender.counters.tcp.get('TcpExtTCPOrigDataSent') ?? 0;
  }

  /**
   * Bytes of JavaScript's heap that a segment takes, calls of the socket face included: the growth of the heap over some
   * turns between collections of garbage. The least of several tries, because a collection in between spoils one.
   */
  allocatedPerSegment(message: Uint8Array, tries = 5): number {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < tries; i++) {
      collect();
      const segments = this.segments;
      const before = process.memoryUsage().heapUsed;
      for (let turn = 0; turn < 4; turn++) this.turn(message);
      const grown = process.memoryUsage().heapUsed - before;
      if (grown > 0) least = Math.min(least, grown / (this.segments - segments));
    }
    return least;
  }

  close(): void {
    this.sender.close();
    this.receiver.close();
  }
}
