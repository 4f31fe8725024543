// The rings of a host whose driver is in another thread. The driver names channels that have something new in one ring;
// order between rings that one connection moves through is kept by looking in the opposite order. Knows no packets.
//
// A connection's packets come by the home channel, then by its listener's or port's, then by its own. The driver is one
// thread and publishes in the order of arrival, so: how much waits in the flows' own rings is read first, then in the
// ports', and then the home ring is emptied, the ports' up to what was read, and the flows' up to what was read. Whatever
// an earlier ring held before a packet of a later one has then been taken before it. What comes after a ring was counted is
// named after its name was taken, and so is found the next time. The explorer runs this file (model `ready`).
import type { ChannelReader } from '../channel/channel.js';
import type { RingConsumer } from '../channel/ring.js';
import type { EndpointPort } from '../driver/port.js';
import type { OpenChannel } from '../endpoint/flow-channels.js';
import type { TcpHandle } from '../endpoint/tcp-handle.js';
import type { Readers, Receive } from '../ground.js';

/** Numbers of ready channels taken at a time. */
const BATCH = 64;

class Entry {
  readonly reader: ChannelReader;
  readonly owner: TcpHandle | null;
  /** On the list of flows to be read. */
  ready = false;
  open = true;
  /** Packets that may be taken in this round. */
  allowance = 0;

  constructor(reader: ChannelReader, owner: TcpHandle | null) {
    this.reader = reader;
    this.owner = owner;
  }
}

export class ReadyReaders implements Readers {
  private readonly ring: RingConsumer;
  private readonly flows: (Entry | undefined)[] = [];
  /** The home channel first, then those of ports: few, and looked at each time. */
  private shared: Entry[] = [];
  private readonly sharedOf = new Map<number, Entry>();
  private ready: Entry[] = [];
  private readonly numbers = new Uint32Array(BATCH);
  private lost: number;

  constructor(port: Pick<EndpointPort, 'readyRing'>) {
    this.ring = port.readyRing();
    this.lost = this.ring.lost();
  }

  add(channel: OpenChannel, owner: TcpHandle | null): void {
    const { reader } = channel;
    if (reader === null) {
      channel.onReady = () => this.add(channel, owner);
      return;
    }
    const entry = new Entry(reader, owner);
    if (owner === null || owner.listener !== null) {
      this.sharedOf.set(channel.number, entry);
      this.shared = [...this.sharedOf.values()];
      return;
    }
    this.flows[channel.number] = entry;
    // The driver may have named it before anybody here knew it.
    this.mark(entry);
  }

  remove(channel: OpenChannel): void {
    delete channel.onReady;
    if (channel.reader === null) return;
    const entry = this.flows[channel.number] ?? this.sharedOf.get(channel.number);
    if (entry !== undefined) entry.open = false;
    this.flows[channel.number] = undefined;
    if (this.sharedOf.delete(channel.number)) this.shared = [...this.sharedOf.values()];
  }

  get pending(): boolean {
    if (this.ready.length > 0 || this.ring.length() > 0 || this.lost !== this.ring.lost()) return true;
    for (const { reader } of this.shared) if (reader.ring.length() > 0) return true;
    return false;
  }

  drain(receive: Receive, after: () => void): number {
    this.takeNames();
    const { ready, shared } = this;
    this.ready = [];
    for (const entry of ready) entry.allowance = entry.reader.ring.length();
    for (let i = 1; i < shared.length; i++) shared[i].allowance = shared[i].reader.ring.length();
    if (shared.length > 0) shared[0].allowance = shared[0].reader.ring.length();
    let total = 0;
    for (const entry of shared) total += this.take(entry, receive, after);
    for (const entry of ready) {
      entry.ready = false;
      total += this.take(entry, receive, after);
    }
    return total;
  }

  private take(entry: Entry, receive: Receive, after: () => void): number {
    const { reader, owner } = entry;
    let taken = 0;
    for (; taken < entry.allowance && entry.open; taken++) {
      const index = reader.pop();
      if (index < 0) break;
      receive(index, owner, reader);
    }
    if (taken === 0) return 0;
    if (entry.open) reader.flush();
    after();
    return taken;
  }

  private takeNames(): void {
    const { lost } = this;
    this.lost = this.ring.lost();
    for (let count = BATCH; count === BATCH; ) {
      count = this.ring.popBatch(this.numbers, BATCH);
      for (let i = 0; i < count; i++) this.mark(this.flows[this.numbers[i]]);
    }
    // Some names found no room: any flow may have something.
    if (lost !== this.lost) for (const entry of this.flows) this.mark(entry);
  }

  private mark(entry: Entry | undefined): void {
    if (entry === undefined || entry.ready) return;
    entry.ready = true;
    this.ready.push(entry);
  }
}
