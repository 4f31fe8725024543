// The way of a packet out of the endpoint: a buffer, the device it leaves by, the tx ring, and word when it has left the
// host. It writes no headers above the link's own. Loopback packets go back to the driver, which classifies them again.
import { TO_STACK, TO_STACK_WHOLE } from '../channel/buffers.js';
import type { PoolParty } from '../channel/party.js';
import type { Driver } from '../driver/driver.js';
import { type EndpointPort, XMIT_BUSY } from '../driver/port.js';
import type { IpCounters } from '../host/ip-counters.js';
import { type DeviceState, LOOPBACK } from '../host/network.js';
import type { TransmitOwner } from '../tcp/segment.js';
import { XMIT_DROP, XMIT_OK } from '../tcp/segment.js';
import { countTransmit } from './output-counters.js';

/** Bytes of an Ethernet header, which the link layer writes before the packet. */
const ETHERNET = 14;

/** Puts a link-layer header before a packet that is ready, or keeps it until the neighbour is known. */
export interface LinkLayer {
  /**
   * The packet's network-layer bytes begin at `party.start(index)`; `nextHop` has 16 bytes. True when the header has
   * been put before it (the packet now starts there): send it. False: the link layer has taken the buffer.
   */
  resolve(index: number, link: number, nextHop: Uint8Array, now: number): boolean;
  /** An upper layer has heard that packets to `nextHop` arrive (RFC 4861 section 7.3.1). */
  confirm(link: number, nextHop: Uint8Array, now: number): void;
}

export class PacketOutput {
  readonly party: PoolParty;
  readonly port: EndpointPort;
  readonly counters: IpCounters;
  /** Channel in whose name everything goes that has no channel of its own. */
  defaultChannel = 0;
  linkLayer: LinkLayer | null = null;
  /** Everything waits in the tx ring until `flush`. */
  batched = false;
  /** The driver of this thread has worked since buffers were last taken home. */
  private moved = true;
  /** Packets whose completion has not been told yet. The arrays never shrink: V8 would make them anew each time. */
  private done = 0;
  private readonly driver: Driver | null;
  private readonly owners: (TransmitOwner | null)[];
  private readonly charges: Float64Array;
  private readonly doneCharges: number[] = [];
  private readonly doneOwners: (TransmitOwner | null)[] = [];

  /** `driver`: where it runs in this thread. */
  constructor(port: EndpointPort, driver: Driver | null, counters: IpCounters) {
    this.port = port;
    this.counters = counters;
    this.driver = driver;
    this.party = port.party;
    this.owners = new Array(this.party.count).fill(null);
    this.charges = new Float64Array(this.party.count);
    this.party.onReturn = (index) => this.returned(index);
  }

  /** A buffer for a network-layer packet of `bytes`, with room for a link header before it; -1: none left. */
  allocate(bytes: number): number {
    const index = this.party.alloc(bytes);
    if (index >= 0) this.party.setLength(index, bytes);
    return index;
  }

  /**
   * Sends the packet of `index` by `device` to `nextHop` in the name of `channel`. The buffer is gone whatever the
   * verdict (XMIT_OK, _CN, _DROP). `owner` is told of `charge` when it has left the host's queue. With `more` it may
   * wait in the tx ring for the next packet, whose verdict then stands for both, or for `flush`.
   */
  send(
    index: number,
    device: DeviceState,
    nextHop: Uint8Array,
    channel: number,
    owner: TransmitOwner | null,
    charge: number,
    now: number,
    more = false,
  ): number {
    const { party } = this;
    party.setChannel(index, channel);
    if (owner !== null && charge > 0) {
      this.owners[index] = owner;
      this.charges[index] = charge;
    }
    if (device.number === LOOPBACK) {
      countTransmit(this.counters, party.bytes, party.start(index), party.length(index));
      party.setInterface(index, 0);
      party.setDirection(index, TO_STACK);
      party.setL3Offset(index, 0);
      party.setStamp(index, now);
      return this.transmit(index, LOOPBACK, now, more);
    }
    if (!device.up) {
      this.discard(index);
      return XMIT_DROP;
    }
    countTransmit(this.counters, party.bytes, party.start(index), party.length(index));
    party.setInterface(index, device.number);
    if (device.link!.framing === 'ethernet') {
      party.setL3Offset(index, ETHERNET);
      if (this.linkLayer === null || !this.linkLayer.resolve(index, device.number, nextHop, now)) {
        if (!more) this.kick(now);
        return XMIT_OK;
      }
    } else {
      party.setL3Offset(index, 0);
    }
    return this.transmit(index, device.number, now, more);
  }

  /** An upper layer has heard that what it sends to `nextHop` arrives: nobody need ask. */
  confirm(device: DeviceState, nextHop: Uint8Array, now: number): void {
    if (device.link?.framing === 'ethernet') this.linkLayer?.confirm(device.number, nextHop, now);
  }

  /** Sends a frame that is complete (ARP, or a packet that waited for its neighbour). */
  sendFrame(index: number, link: number, now: number): number {
    this.party.setInterface(index, link);
    return this.transmit(index, link, now);
  }

  /**
   * Gives a packet made here back to the driver, as if it had just come by `link`. `whole`: it was put together, and its fragments
   * have been counted.
   */
  reinject(index: number, link: number, now: number, whole = false): number {
    const { party } = this;
    party.setChannel(index, this.defaultChannel);
    party.setInterface(index, link);
    party.setDirection(index, whole ? TO_STACK_WHOLE : TO_STACK);
    party.setL3Offset(index, 0);
    party.setStamp(index, now);
    return this.transmit(index, LOOPBACK, now);
  }

  private transmit(index: number, link: number, now: number, more = false): number {
    const wait = more || this.batched;
    let verdict = this.port.transmit(index, now, wait);
    if (verdict === XMIT_BUSY) {
      this.flush(now);
      verdict = this.port.transmit(index, now, wait);
      if (verdict === XMIT_BUSY) {
        this.discard(index);
        return XMIT_DROP;
      }
    }
    if (!wait) this.moved = true;
    // As Linux runs the queue discipline right after queueing (__qdisc_run): what may leave has left when this returns.
    if (!wait && link !== LOOPBACK) this.driver?.egress[link].pump(now);
    return verdict;
  }

  /** Packets wait in the tx ring for `flush`. A driver in another thread takes them by itself. */
  get pending(): boolean {
    return this.driver !== null && this.port.unflushed > 0;
  }

  /** Lets everything go that waits in the tx ring or in a queue, as far as links take it; returns packets moved here. */
  flush(now: number): number {
    this.port.flush();
    this.moved = true;
    return this.driver === null ? 0 : this.driver.transmit(now);
  }

  /** No more follows what waits for it. */
  kick(now: number): void {
    if (!this.batched && this.pending) this.flush(now);
  }

  /** Drops an own buffer; its owner is told as if it had left. */
  discard(index: number): void {
    this.returned(index);
    this.party.release(index);
  }

  /** Own buffers that are out: in rings, queues, or waiting for a neighbour. */
  get inUse(): number {
    this.port.collect();
    return this.party.size - this.party.available;
  }

  /** An own buffer came home. Nobody is told in the midst of a transmission: see `complete`. */
  returned(index: number): void {
    const owner = this.owners[index];
    if (owner === null) return;
    this.owners[index] = null;
    this.doneOwners[this.done] = owner;
    this.doneCharges[this.done++] = this.charges[index];
  }

  /** Tells owners of packets that have left the host; true when there were any. Between steps only. */
  complete(now: number): boolean {
    // Asked after every call of a socket: looking through the rings by which buffers come home was a tenth of a small send.
    if (this.moved || this.driver === null) this.port.collect();
    this.moved = false;
    if (this.done === 0 || this.completing) return false;
    this.completing = true;
    // Owners may send again and add to the list; what asks again meanwhile finds this round under way.
    for (let i = 0; i < this.done; i++) {
      this.doneOwners[i]!.onTransmitDone(this.doneCharges[i], now);
      this.doneOwners[i] = null;
    }
    this.done = 0;
    this.completing = false;
    return true;
  }

  private completing = false;
}
