// The bottom half. It reads frames from the links in batches, stamps them, finds each one's channel and pushes the
// buffer's index into that channel's ring, publishing once a batch; and it empties the endpoints' tx rings through the
// egress stages into the links. It is the only producer of every channel of its stack. It must never process a protocol
// beyond finding the key, never answer a packet, and never wait for a reader: a full ring loses that reader's packet.

import type { Arena } from '../channel/arena.js';
import { TO_LINK, TO_STACK } from '../channel/buffers.js';
import { type ChannelWriter, SPEAKS_ADDRESS } from '../channel/channel.js';
import { DoorbellSleeper } from '../channel/doorbell.js';
import type { PacketPool, PoolParty } from '../channel/pool.js';
import { addressKey4, addressKeyOf, keyOf } from '../flows/classify.js';
import { KEY_WORDS } from '../flows/key.js';
import { FlowReader, NONE } from '../flows/table.js';
import type { Link } from '../link/link.js';
import { AttachedEnds } from './attached-ends.js';
import { BufferLists, Egress, XMIT_CN, XMIT_DROP, XMIT_OK } from './egress.js';
import { driverBell, EndpointLine, endpointCount, endpointLine, MAX_ENDPOINTS } from './endpoints.js';
import { PfifoFast } from './fifo.js';
import { arpAddress, networkOffset } from './frame.js';
import type { InlineDriver, StackAddress } from './port.js';
import { isUnspecifiedKey, maySend } from './source-check.js';

/** Frames taken from a link, and packets taken from a tx ring, at a time. */
export const BATCH = 64;

export interface DriverOptions {
  arena: Arena;
  address: StackAddress;
  pool: PacketPool;
  /** Pool party of the driver: received frames live in its buffers. */
  party: number;
  /** The driver's number among the table's readers. */
  reader: number;
  links: readonly Link[];
  /** Verify by looking the source up: off only where one endpoint owns everything and is trusted. Default true. */
  checkSource?: boolean;
}

export interface DriverCounters {
  /** Frames taken from links. */
  received: number;
  /** Frames dropped because no channel took them (no default), and because a ring, limit or quota was used up. */
  unwanted: number;
  dropped: number;
  /** Packets taken from tx rings, and refused for speaking in another's name. */
  sent: number;
  spoofed: number;
  /** Packets that endpoints gave back to be classified again. */
  reinjected: number;
  /** Wakeups given to endpoints. */
  wakeups: number;
}

export class Driver implements InlineDriver {
  readonly party: PoolParty;
  readonly egress: readonly Egress[];
  /** Lists for queue disciplines: one per stack, since a buffer waits in one queue at most. */
  readonly lists: BufferLists;
  /** Where the driver sleeps; endpoints ring it. */
  readonly sleeper: DoorbellSleeper;
  readonly counters: DriverCounters = {
    received: 0,
    unwanted: 0,
    dropped: 0,
    sent: 0,
    spoofed: 0,
    reinjected: 0,
    wakeups: 0,
  };
  /** Set in one thread: told of each channel that has something new, so that its reader need not look at all of them. */
  onPublish: ((channel: number) => void) | undefined;
  readonly #arena: Arena;
  readonly #address: StackAddress;
  readonly #links: readonly Link[];
  readonly #reader: FlowReader;
  readonly #checkSource: boolean;
  readonly #ends: AttachedEnds;
  /** The first `#touchedCount` have something new. Never shrinks: V8 would make it anew for each batch. */
  readonly #touched: ChannelWriter[] = [];
  #touchedCount = 0;
  readonly #ring: Uint8Array = new Uint8Array(MAX_ENDPOINTS);
  readonly #frames = new Uint32Array(BATCH);
  readonly #out = new Uint32Array(BATCH);
  readonly #keyed = new Uint32Array(BATCH);
  readonly #keys = new Int32Array(BATCH * KEY_WORDS);
  readonly #channels = new Int32Array(BATCH);
  readonly #found = new Int32Array(BATCH);
  readonly #one = new Uint32Array(1);
  readonly #key = new Int32Array(KEY_WORDS);
  /** While a host's own packet is classified again: the channel of that host, which alone may get it. */
  #within: ChannelWriter | undefined;

  constructor(options: DriverOptions) {
    const { arena, address, pool, party, reader, links, checkSource = true } = options;
    this.#arena = arena;
    this.#address = address;
    this.#ends = new AttachedEnds(arena, address);
    this.#links = links;
    this.#checkSource = checkSource;
    this.party = pool.party(party);
    this.lists = new BufferLists(pool.count);
    this.#reader = new FlowReader(arena, address.table, reader);
    this.sleeper = new DoorbellSleeper(arena, driverBell(address.register));
    this.egress = links.map((link) => new Egress(link, this.party, new PfifoFast(this.party, this.lists)));
  }

  /** Takes what the links have at `now`, at most BATCH frames from each; returns how many frames. Call until 0. */
  receive(now: number): number {
    let total = 0;
    for (let i = 0; i < this.#links.length; i++) {
      const count = this.#links[i].receive(now, this.party, this.#frames, BATCH);
      if (count === 0) continue;
      total += count;
      this.#reader.online();
      for (let f = 0; f < count; f++) this.#arrive(this.#frames[f], i, now);
      this.#demultiplex(this.#frames, count);
      this.#publish();
      this.#reader.offline();
    }
    this.counters.received += total;
    return total;
  }

  /** Empties every endpoint's tx ring into the egress stages and pumps those; returns packets moved. Call until 0. */
  transmit(now: number): number {
    let total = 0;
    const endpoints = endpointCount(this.#arena, this.#address.register);
    for (let endpoint = 0; endpoint < endpoints; endpoint++) {
      const before = this.counters.sent;
      this.drain(endpoint, now);
      total += this.counters.sent - before;
    }
    let left = 0;
    for (const stage of this.egress) left += stage.pump(now);
    if (left > 0 && !this.onPublish) this.#tellLeft(endpoints);
    return total + left;
  }

  /**
   * Empties one endpoint's tx ring into the egress stages. The verdict is that on its one packet; on several, XMIT_DROP
   * when none was kept and XMIT_CN when some were not.
   */
  drain(endpoint: number, now: number): number {
    const ring = this.#ends.tx(endpoint);
    if (!ring) return XMIT_OK;
    let total = 0;
    let kept = 0;
    let verdict = XMIT_OK;
    for (let count = BATCH; count === BATCH; ) {
      count = ring.popBatch(this.#out, BATCH);
      if (count === 0) break;
      total += count;
      this.#reader.online();
      for (let i = 0; i < count; i++) {
        const one = this.#send(this.#out[i], endpoint, now);
        if (one !== XMIT_DROP) kept++;
        if (one !== XMIT_OK) verdict = XMIT_CN;
      }
      this.#publish();
      this.#reader.offline();
    }
    this.counters.sent += total;
    return kept === 0 && total > 0 ? XMIT_DROP : verdict;
  }

  /** Whether any tx ring has something: the last look before sleeping. */
  hasWork(): boolean {
    const endpoints = endpointCount(this.#arena, this.#address.register);
    for (let endpoint = 0; endpoint < endpoints; endpoint++) {
      const ring = this.#ends.tx(endpoint);
      if (ring && ring.length() > 0) return true;
    }
    return false;
  }

  /** Earliest time at which `receive` or `transmit` may have something to do, as far as links and queues know. */
  nextTimeout(now: number): number {
    let earliest = Infinity;
    for (const link of this.#links) earliest = Math.min(earliest, link.nextEvent());
    for (const stage of this.egress) earliest = Math.min(earliest, stage.nextDeparture(now));
    return earliest;
  }

  /** An endpoint's thread has died: lets go of its rings and takes back the buffers it held; returns how many. */
  forget(endpoint: number): number {
    const line = endpointLine(this.#address.register, endpoint);
    const ring = this.#ends.tx(endpoint, true);
    if (ring) {
      for (let count = ring.popBatch(this.#out, BATCH); count > 0; count = ring.popBatch(this.#out, BATCH)) {
        for (let i = 0; i < count; i++) this.party.release(this.#out[i]);
      }
      ring.detach();
    }
    this.#ends.forget(endpoint);
    return this.party.reclaim(this.#arena.words[line + EndpointLine.PARTY]);
  }

  /** Whether no queue holds a packet: then nothing of an endpoint that was forgotten is here. */
  get queuesEmpty(): boolean {
    return this.egress.every(({ qdisc }) => qdisc.length === 0);
  }

  /** Drops what waits in the queues. The links stay the caller's. */
  close(): void {
    for (const stage of this.egress) stage.purge();
  }

  #arrive(index: number, link: number, now: number): void {
    const party = this.party;
    party.setInterface(index, link);
    if (party.stamp(index) < 0) party.setStamp(index, now);
    const framing = this.#links[link].framing;
    party.setL3Offset(
      index,
      framing === 'ip' ? 0 : networkOffset(party.bytes, party.start(index), party.length(index)),
    );
  }

  /** Finds the channels of a batch and pushes; what nobody takes is released. The reader is online. */
  #demultiplex(frames: Uint32Array, count: number): void {
    const party = this.party;
    const bytes = party.bytes;
    const addressed = this.#reader.addresses() > 0;
    let keyed = 0;
    for (let f = 0; f < count; f++) {
      const index = frames[f];
      const l3 = party.l3Offset(index);
      const start = party.start(index) + l3;
      this.#channels[f] = NONE;
      // An Ethernet frame that carries no IP has no network offset: its L3 offset is its length.
      const zone = party.interface(index);
      if (keyOf(bytes, start, party.length(index) - l3, zone, this.#keys, keyed * KEY_WORDS)) {
        this.#keyed[keyed++] = f;
      } else if (addressed && this.#addressKey(index, false)) {
        this.#channels[f] = this.#reader.find(this.#key, 0);
      }
    }
    this.#reader.findBatch(this.#keys, keyed, this.#found);
    for (let k = 0; k < keyed; k++) {
      const channel = this.#found[k];
      this.#channels[this.#keyed[k]] =
        channel !== NONE ? channel : this.#reader.findListener(this.#keys, k * KEY_WORDS);
    }
    for (let f = 0; f < count; f++) this.#deliver(frames[f], this.#channels[f]);
  }

  #deliver(index: number, channel: number): void {
    let writer = channel === NONE ? undefined : this.#ends.writer(channel);
    if (this.#within !== undefined && writer?.endpoint !== this.#within.endpoint) writer = this.#within;
    // No key, or a channel that is just being closed: whoever takes strangers takes it.
    if (!writer) {
      const fallback = this.#reader.defaultChannel();
      writer = fallback === NONE ? undefined : this.#ends.writer(fallback);
    }
    if (!writer) {
      this.counters.unwanted++;
      this.party.release(index);
      return;
    }
    this.#push(index, writer);
  }

  #push(given: number, writer: ChannelWriter): void {
    const party = this.party;
    let index = given;
    const owner = party.owner(index);
    if (owner !== party.id && owner !== writer.party) {
      // Loopback to another endpoint: the driver can only take back its own buffers when a reader dies.
      index = this.#copy(given);
      party.release(given);
      if (index < 0) {
        this.counters.dropped++;
        return;
      }
    }
    party.setChannel(index, writer.number);
    if (!writer.push(index)) {
      this.counters.dropped++;
      party.release(index);
      return;
    }
    if (party.owner(index) === party.id) party.lend(index, writer.party);
    if (!writer.touched) {
      writer.touched = true;
      this.#touched[this.#touchedCount++] = writer;
    }
  }

  /** One publish a channel, in the order of the first push, then word to its endpoint, then one look a doorbell. */
  #publish(): void {
    const touched = this.#touched;
    for (let i = 0; i < this.#touchedCount; i++) {
      touched[i].ring.publish();
      touched[i].touched = false;
      this.#ring[touched[i].endpoint] = 1;
      if (this.onPublish) this.onPublish(touched[i].number);
      else this.#ends.tellReady(touched[i]);
    }
    for (let i = 0; i < this.#touchedCount; i++) {
      const endpoint = touched[i].endpoint;
      if (this.#ring[endpoint] === 0) continue;
      this.#ring[endpoint] = 0;
      if (!this.onPublish) this.#ends.publishReady(endpoint);
      if (this.#ends.bell(endpoint).ring()) this.counters.wakeups++;
    }
    this.#touchedCount = 0;
  }

  #send(index: number, endpoint: number, now: number): number {
    const party = this.party;
    if (this.#checkSource && !this.#allowed(index, endpoint)) {
      this.counters.spoofed++;
      party.release(index);
      return XMIT_DROP;
    }
    if (party.direction(index) !== TO_LINK) {
      const maker = this.#ends.writer(party.channel(index));
      if (maker?.speaks === SPEAKS_ADDRESS) this.#within = maker;
      this.counters.reinjected++;
      if (party.direction(index) === TO_STACK) party.setDirection(index, TO_LINK);
      if (party.stamp(index) < 0) party.setStamp(index, now);
      this.#one[0] = index;
      this.#demultiplex(this.#one, 1);
      this.#within = undefined;
      return XMIT_OK;
    }
    const stage = this.egress[party.interface(index)];
    if (!stage) {
      party.release(index);
      return XMIT_DROP;
    }
    return stage.submit(index, now);
  }

  #allowed(index: number, endpoint: number): boolean {
    const writer = this.#ends.writer(this.party.channel(index));
    if (!writer || writer.endpoint !== endpoint) return false;
    if (writer.speaks === SPEAKS_ADDRESS) return this.#speaksOwnAddress(index, writer);
    return maySend(writer, this.#arena.words, this.party, index, this.#key);
  }

  /** A host gives packets back to itself alone; others must come from one of its addresses, or from none yet. */
  #speaksOwnAddress(index: number, writer: ChannelWriter): boolean {
    if (this.party.direction(index) !== TO_LINK) return true;
    if (!this.#addressKey(index, true)) return false;
    return isUnspecifiedKey(this.#key) || this.#reader.find(this.#key, 0) === writer.number;
  }

  /** The key of the address that a packet (ARP included) goes to, or comes from, into `#key`; false: it has none. */
  #addressKey(index: number, source: boolean): boolean {
    const party = this.party;
    const { bytes } = party;
    const start = party.start(index);
    const length = party.length(index);
    const link = party.interface(index);
    const ethernet = this.#links[link]?.framing === 'ethernet';
    // Whoever sends says where its packet begins: only the frame itself is believed.
    const l3 = source && ethernet ? networkOffset(bytes, start, length) : party.l3Offset(index);
    if (addressKeyOf(bytes, start + l3, length - l3, link, this.#key, 0, source)) return true;
    const at = ethernet ? arpAddress(bytes, start, length, source) : -1;
    if (at < 0) return false;
    addressKey4(bytes, start + at, this.#key, 0);
    return true;
  }

  /** Buffers went home: who sleeps until the host's queue has room (SO_SNDBUF, the small-queue limit) must look. */
  #tellLeft(endpoints: number): void {
    for (let endpoint = 0; endpoint < endpoints; endpoint++) {
      if (this.#ends.knows(endpoint) && this.#ends.bell(endpoint).ring()) this.counters.wakeups++;
    }
  }

  #copy(index: number): number {
    const party = this.party;
    const bytes = party.length(index);
    const copy = party.alloc(bytes);
    if (copy < 0) return -1;
    const start = party.start(index);
    party.bytes.copyWithin(party.start(copy), start, start + bytes);
    party.copyMeta(index, copy);
    return copy;
  }
}
