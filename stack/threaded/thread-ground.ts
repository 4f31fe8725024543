// The ground of a host whose driver is in another thread: what it sends lies in its tx ring until the driver is told, what it
// receives is in rings that the driver names. It knows no protocol.
import type { ControlClient } from '../driver/control-port.js';
import type { EndpointPort } from '../driver/port.js';
import type { FlowChannels } from '../endpoint/flow-channels.js';
import type { Ground } from '../ground.js';
import type { Link } from '../link/link.js';
import type { StackStatistics } from '../stack-types.js';
import { equalAddress, isIpv4, isLinkLocal, solicitedNode } from '../wire/address.js';
import { ReadyReaders } from './ready-readers.js';

export interface ThreadGroundOptions {
  port: EndpointPort;
  links: readonly Link[];
  channels: FlowChannels;
  statistics(): StackStatistics;
  /** Who keeps the host's addresses in the flow table; none for the control thread's own host, which has the default. */
  addresses?: AddressKeeper;
  client?: ControlClient;
}

export interface AddressKeeper {
  /** Rejects when the address is another host's. */
  addAddress(address: Uint8Array, link: number): Promise<void>;
  removeAddress(address: Uint8Array, link: number): Promise<boolean>;
}

export class ThreadGround implements Ground {
  readonly port: EndpointPort;
  readonly links: readonly Link[];
  readonly driver = null;
  readonly channels: FlowChannels;
  readonly readers: ReadyReaders;
  /** Told after each step and each call from outside. */
  onSettled: () => void = () => {};
  /** An address turned out to be another host's. */
  onRefused: (address: Uint8Array) => void = () => {};
  readonly statistics: () => StackStatistics;
  private readonly options: ThreadGroundOptions;
  private readonly asked: Promise<void>[] = [];
  /** Addresses asked for, once for each link they are on. */
  private readonly held: Uint8Array[] = [];

  constructor(options: ThreadGroundOptions) {
    this.options = options;
    this.port = options.port;
    this.links = options.links;
    this.channels = options.channels;
    this.statistics = options.statistics;
    this.readers = new ReadyReaders(options.port);
  }

  /** The host's channels but its home: its keys are the control thread's to count. */
  get flows(): number {
    return this.channels.size - 1;
  }

  receive(): number {
    return 0;
  }

  nextTimeout(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** The control thread's timer does it. */
  reclaim(): void {}

  addressChanged(address: Uint8Array, link: number, present: boolean): void {
    const { addresses } = this.options;
    if (addresses === undefined) return;
    const at = this.held.findIndex((other) => equalAddress(other, 0, address, 0));
    if (present) this.held.push(address);
    else this.held.splice(at, 1);
    // The key of an address with a scope of its own is per link, any other there is once.
    if (
      !isLinkLocal(address) &&
      this.held.filter((other) => equalAddress(other, 0, address, 0)).length !== +present
    )
      return;
    if (!present) {
      addresses.removeAddress(address, link).catch(ignore);
      return;
    }
    const asked = addresses.addAddress(address, link);
    asked.catch(() => this.onRefused(address));
    this.asked.push(asked);
    if (isIpv4(address)) return;
    // Neighbours ask by the solicited-node group (RFC 4291 section 2.7.1), which another host may share: the first has it.
    const group = new Uint8Array(16);
    solicitedNode(group, 0, address, 0);
    addresses.addAddress(group, link).catch(ignore);
  }

  /** Resolves when the addresses added so far are the host's. */
  async addressesTaken(): Promise<void> {
    await Promise.all(this.asked.splice(0));
  }

  settled(): void {
    this.port.flush();
    this.onSettled();
  }

  close(): void {
    this.port.flush();
  }

  /** The driver has taken what was sent last: the control thread may clear the host away. */
  letGo(): void {
    this.options.client?.close();
  }
}

/** Taken by another, or the control thread is gone: the default channel has it. */
function ignore(): void {}
