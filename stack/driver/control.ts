// The control thread of a stack: the one writer of everything that is looked up without locks. It reserves the shared
// memory, opens and closes channels, inserts and removes flows, adds endpoints, and takes back what a dead one held.
// It must never be called on the packet path, and must never wait for anybody: what needs a grace period is deferred.

import { Arena } from '../channel/arena.js';
import {
  ChannelDirectory,
  type ChannelOptions,
  SPEAKS_ADDRESS,
  SPEAKS_ANY,
  SPEAKS_FLOW,
  SPEAKS_LOCAL,
} from '../channel/channel.js';
import { LARGE_BYTES, PacketPool, type PartyOptions, SMALL_BYTES } from '../channel/pool.js';
import { isAddressKey } from '../flows/key.js';
import { FlowTable, type FlowTableOptions, NONE, type TableStats } from '../flows/table.js';
import {
  addEndpoint,
  DEFAULT_TX_SLOTS,
  ENDPOINT_BURY,
  ENDPOINT_GONE,
  EndpointLine,
  endpointLine,
  hasLetGo,
  REGISTER_BYTES,
  renewEndpoint,
  setEndpointState,
} from './endpoints.js';
import type { StackAddress } from './port.js';

export interface ControlOptions {
  /** Secret random 32-bit words for the table's seed, from a secure source. */
  secret: () => number;
  arenaBytes?: number;
  /** Packet buffers of each class in all: defaults 4,096 and 256. */
  smallBuffers?: number;
  largeBuffers?: number;
  debugBuffers?: boolean;
  maxChannels?: number;
  table?: Omit<FlowTableOptions, 'secret'>;
}

export interface EndpointOptions extends Partial<PartyOptions> {
  txSlots?: number;
}

interface OpenChannel {
  endpoint: number;
  keys: Int32Array[];
}

/** Of all channels of a stack, those that are closed included. */
export interface ChannelStatistics {
  open: number;
  /** Packets lost because a ring or its packet limit was full. */
  full: number;
  /** Packets lost because a reader pinned its whole quota of buffers. */
  overQuota: number;
}

export class Control {
  readonly arena: Arena;
  readonly pool: PacketPool;
  readonly directory: ChannelDirectory;
  readonly table: FlowTable;
  readonly register: number;
  /** Endpoints that died and whose buffers a threaded driver has yet to take back. */
  readonly dead: number[] = [];
  /** Dead endpoints that nobody holds anything of: their numbers, rings and buffers are for new ones. */
  readonly #spare: number[] = [];
  readonly #gone = new Set<number>();
  readonly #channels = new Map<number, OpenChannel>();
  #addresses = 0;
  /** Drops of channels that are closed. */
  #full = 0;
  #overQuota = 0;

  constructor(options: ControlOptions) {
    const { smallBuffers = 4096, largeBuffers = 256, debugBuffers = false } = options;
    this.arena = Arena.create(options.arenaBytes);
    this.pool = PacketPool.create(this.arena, {
      small: smallBuffers,
      large: largeBuffers,
      debug: debugBuffers,
    });
    this.directory = ChannelDirectory.create(this.arena, options.maxChannels);
    this.table = new FlowTable(this.arena, { ...options.table, secret: options.secret });
    this.register = this.arena.alloc(REGISTER_BYTES);
  }

  /** What another thread needs to attach. */
  get address(): StackAddress {
    return {
      buffer: this.arena.buffer,
      pool: this.pool.poolOffset,
      directory: this.directory.offset,
      channels: this.directory.max,
      table: this.table.offset,
      register: this.register,
    };
  }

  /**
   * A new endpoint with buffers of its own to send from; returns its number, for `new EndpointPort`. Takes the place of a dead
   * one that had at least as many buffers, where there is one. Throws ENDPOINT_EXHAUSTED, POOL_EXHAUSTED, ARENA_FULL.
   */
  addEndpoint(options: EndpointOptions = {}): { endpoint: number; party: number } {
    const { small = 1024, large = 64, txSlots = DEFAULT_TX_SLOTS } = options;
    const spare = this.#takeSpare(small, large, txSlots);
    if (spare !== null) return spare;
    const party = this.pool.addParty({ small, large });
    return { endpoint: addEndpoint(this.arena, this.register, party, txSlots), party };
  }

  /** Opens a channel without any key. */
  openChannel(options: ChannelOptions): number {
    const channel = this.directory.open(options);
    this.#channels.set(channel, { endpoint: options.endpoint, keys: [] });
    return channel;
  }

  /** Opens the channel that takes what matches no key, and may send anything. */
  openDefault(options: ChannelOptions): number {
    const channel = this.openChannel({ limit: 1024, slots: 1024, ...options, speaks: SPEAKS_ANY });
    this.table.setDefault(channel);
    return channel;
  }

  /**
   * Opens the channel of a host that has addresses of its own (`addKey` with `addressKey`): it takes what comes to them
   * and matches no flow or listener, and may send from them.
   */
  openHome(options: ChannelOptions): number {
    return this.openChannel({ limit: 1024, slots: 1024, ...options, speaks: SPEAKS_ADDRESS });
  }

  /** Opens a channel for one connection and inserts its key. Throws FLOW_EXISTS and leaves nothing behind. */
  openFlow(key: Int32Array, options: ChannelOptions): number {
    return this.#openWith([key], { ...options, speaks: SPEAKS_FLOW, key });
  }

  /** Opens a channel for a listener or an unconnected socket: one key, or two for a dual-stack one. */
  openListener(keys: readonly Int32Array[], options: ChannelOptions): number {
    return this.#openWith(keys, { slots: 1024, ...options, speaks: SPEAKS_LOCAL, key: keys[0] });
  }

  /** One more key for an open channel. Throws FLOW_EXISTS. */
  addKey(channel: number, key: Int32Array): void {
    this.table.insert(key, channel);
    this.#channels.get(channel)?.keys.push(key.slice());
    this.#countAddress(key, 1);
  }

  /** Takes a key from its channel: its packets then match a listener or go to the default channel. */
  removeKey(channel: number, key: Int32Array): boolean {
    const open = this.#channels.get(channel);
    if (!open || this.table.get(key) !== channel) return false;
    open.keys = open.keys.filter((other) => other.some((word, i) => word !== key[i]));
    this.#countAddress(key, -1);
    return this.table.remove(key);
  }

  /** Takes all its keys from a channel that goes on being read: no packet comes to it after a grace period. */
  removeKeys(channel: number): void {
    for (const key of this.#channels.get(channel)?.keys ?? []) this.removeKey(channel, key);
  }

  /**
   * Closes a channel: removes its keys, and after a grace period calls `drained` (where its reader lets go of the ring)
   * and gives memory and number back. Packets that still come match a listener or go to the default channel.
   */
  closeChannel(channel: number, drained?: () => void): void {
    const open = this.#channels.get(channel);
    if (!open) return;
    this.removeKeys(channel);
    this.#channels.delete(channel);
    this.directory.close(channel);
    this.table.defer(() => {
      drained?.();
      const { full, quota } = this.directory.drops(channel);
      this.#full += full;
      this.#overQuota += quota;
      this.directory.free(channel);
    });
  }

  /** Channels now open. */
  get channels(): number {
    return this.#channels.size;
  }

  /** Keys of all channels that an endpoint reads: what a dead one leaves behind, so that its peers can be reset. */
  keysOf(endpoint: number): Int32Array[] {
    const keys: Int32Array[] = [];
    for (const open of this.#channels.values()) if (open.endpoint === endpoint) keys.push(...open.keys);
    return keys;
  }

  /**
   * The endpoint's thread has ended, however it did: removes its flows and channels, and after a grace period lets the
   * driver take back the buffers it held (a threaded driver by itself, an inline one through `settled`, which calls its
   * `forget`). Returns the keys it had, so that whoever answers strangers can reset their peers. Idempotent.
   */
  endpointGone(endpoint: number, settled?: () => void): Int32Array[] {
    if (this.#gone.has(endpoint)) return [];
    this.#gone.add(endpoint);
    const keys = this.keysOf(endpoint);
    setEndpointState(this.arena, this.register, endpoint, ENDPOINT_GONE);
    for (const [channel, open] of this.#channels) {
      if (open.endpoint === endpoint) this.closeChannel(channel);
    }
    this.table.defer(() => {
      setEndpointState(this.arena, this.register, endpoint, ENDPOINT_BURY);
      if (settled) settled();
      else this.dead.push(endpoint);
    });
    return keys;
  }

  /** A slice of background work: resizing, reseeding, reclaiming. From a timer. True while more is waiting. */
  tick(): boolean {
    const more = this.table.tick();
    for (let i = this.dead.length - 1; i >= 0; i--) {
      if (!hasLetGo(this.arena, this.register, this.dead[i])) continue;
      this.#spare.push(this.dead[i]);
      this.dead.splice(i, 1);
    }
    return more || this.dead.length > 0;
  }

  /** Table, channels and buffers; what the driver counts is its own affair. */
  statistics(): { table: TableStats; channels: ChannelStatistics; buffers: number } {
    let full = this.#full;
    let overQuota = this.#overQuota;
    for (const channel of this.#channels.keys()) {
      const drops = this.directory.drops(channel);
      full += drops.full;
      overQuota += drops.quota;
    }
    const channels = { open: this.#channels.size, full, overQuota };
    return { table: this.table.stats, channels, buffers: this.pool.count };
  }

  /** The dead endpoint with the fewest buffers that are enough, alive again. */
  #takeSpare(small: number, large: number, txSlots: number): { endpoint: number; party: number } | null {
    const { words } = this.arena;
    let best: { endpoint: number; party: number } | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const endpoint of this.#spare) {
      const line = endpointLine(this.register, endpoint);
      const party = words[line + EndpointLine.PARTY];
      const share = this.pool.share(party);
      if (share.small < small || share.large < large || words[line + EndpointLine.TX_SLOTS] < txSlots)
        continue;
      const bytes = share.small * SMALL_BYTES + share.large * LARGE_BYTES;
      if (bytes >= least) continue;
      least = bytes;
      best = { endpoint, party };
    }
    if (best === null) return null;
    this.#spare.splice(this.#spare.indexOf(best.endpoint), 1);
    this.#gone.delete(best.endpoint);
    this.pool.renewParty(best.party);
    renewEndpoint(this.arena, this.register, best.endpoint);
    return best;
  }

  #countAddress(key: Int32Array, by: number): void {
    if (!isAddressKey(key)) return;
    this.#addresses += by;
    this.table.setAddresses(this.#addresses);
  }

  #openWith(keys: readonly Int32Array[], options: ChannelOptions): number {
    const channel = this.openChannel(options);
    const inserted: Int32Array[] = [];
    try {
      for (const key of keys) {
        this.addKey(channel, key);
        inserted.push(key);
      }
    } catch (error) {
      this.closeChannel(channel);
      throw error;
    }
    return channel;
  }
}

export { NONE };
