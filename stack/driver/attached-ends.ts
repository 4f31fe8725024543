// The driver's ends of what it shares with endpoints: writers of channels, tx rings, doorbells and rings of ready channels.
// Each is attached at first use, since any of them can appear in the arena while the driver runs.

import type { Arena } from '../channel/arena.js';
import { ChannelWriter, generationWord } from '../channel/channel.js';
import { DoorbellWaker } from '../channel/doorbell.js';
import { RingConsumer, RingProducer } from '../channel/ring.js';
import { ENDPOINT_OPEN, EndpointLine, endpointLine, READY_SLOTS } from './endpoints.js';
import type { StackAddress } from './port.js';

export class AttachedEnds {
  readonly #arena: Arena;
  readonly #address: StackAddress;
  readonly #writers: (ChannelWriter | undefined)[] = [];
  readonly #tx: (RingConsumer | undefined)[] = [];
  readonly #bells: (DoorbellWaker | undefined)[] = [];
  readonly #ready: (RingProducer | undefined)[] = [];

  constructor(arena: Arena, address: StackAddress) {
    this.#arena = arena;
    this.#address = address;
  }

  /** The channel's writer, attached anew when the number has been given anew; undefined: no such channel is open. */
  writer(channel: number): ChannelWriter | undefined {
    const { words } = this.#arena;
    const { directory, channels } = this.#address;
    if (!(channel >= 0 && channel < channels)) return undefined;
    const generation = Atomics.load(words, generationWord(directory, channel));
    const known = this.#writers[channel];
    if (known && known.generation === generation) return known;
    if ((generation & 1) === 0) {
      this.#writers[channel] = undefined;
      return undefined;
    }
    const writer = new ChannelWriter(this.#arena, directory, channel);
    this.#writers[channel] = writer;
    return writer;
  }

  /** The endpoint's tx ring; undefined: it is not open. `gone`: of an endpoint that has died, to empty it. */
  tx(endpoint: number, gone = false): RingConsumer | undefined {
    const { words } = this.#arena;
    const line = endpointLine(this.#address.register, endpoint);
    if (!gone && Atomics.load(words, line + EndpointLine.STATE) !== ENDPOINT_OPEN) return undefined;
    let ring = this.#tx[endpoint];
    if (!ring) {
      ring = new RingConsumer(
        this.#arena,
        words[line + EndpointLine.TX] * 64,
        words[line + EndpointLine.TX_SLOTS],
      );
      this.#tx[endpoint] = ring;
    }
    return ring;
  }

  /** Whether the endpoint's tx ring has been looked at. */
  knows(endpoint: number): boolean {
    return this.#tx[endpoint] !== undefined;
  }

  bell(endpoint: number): DoorbellWaker {
    let bell = this.#bells[endpoint];
    if (!bell) {
      const line = endpointLine(this.#address.register, endpoint);
      bell = new DoorbellWaker(this.#arena, this.#arena.words[line + EndpointLine.BELL] * 64);
      this.#bells[endpoint] = bell;
    }
    return bell;
  }

  /** Names the channel to its endpoint, which need not look at all of them. A full ring is seen by its drop counter. */
  tellReady(writer: ChannelWriter): void {
    let ring = this.#ready[writer.endpoint];
    if (!ring) {
      const line = endpointLine(this.#address.register, writer.endpoint);
      ring = new RingProducer(this.#arena, this.#arena.words[line + EndpointLine.READY] * 64, READY_SLOTS);
      this.#ready[writer.endpoint] = ring;
    }
    if (!ring.push(writer.number)) ring.countDrop();
  }

  publishReady(endpoint: number): void {
    this.#ready[endpoint]?.publish();
  }

  /** Lets go of everything of an endpoint that has died. */
  forget(endpoint: number): void {
    this.#tx[endpoint] = undefined;
    this.#bells[endpoint] = undefined;
    this.#ready[endpoint] = undefined;
    for (let i = 0; i < this.#writers.length; i++) {
      if (this.#writers[i]?.endpoint === endpoint) this.#writers[i] = undefined;
    }
  }
}
