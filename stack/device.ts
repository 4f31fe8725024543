// A network device as the stack's owner sees it: what `ip link`, `ethtool` and `tc` set.

import type { StackConfig } from './config/config.js';
import type { Driver } from './driver/driver.js';
import type { Qdisc } from './driver/egress.js';
import { NoQueue, PfifoFast, PlainFifo } from './driver/fifo.js';
import { FairQueue } from './driver/fq.js';
import { type DeviceState, indexOfLink, LOOPBACK, type NetworkLayer } from './host/network.js';
import type { Device, QdiscOption } from './stack-types.js';

/** pfifo without a limit of its own takes the device's queue length; bfifo that many full packets. */
const DEFAULT_BFIFO_MTU = 1514;

export class StackDevice implements Device {
  private readonly state: DeviceState;
  private readonly network: NetworkLayer;
  private readonly driver: Driver | null;
  private readonly config: StackConfig;

  constructor(state: DeviceState, network: NetworkLayer, driver: Driver | null, config: StackConfig) {
    this.state = state;
    this.network = network;
    this.driver = driver;
    this.config = config;
    if (state.number !== LOOPBACK && driver !== null) this.deleteQdisc();
  }

  get name(): string {
    return this.state.name;
  }

  get index(): number {
    return indexOfLink(this.state.number);
  }

  get mtu(): number {
    return this.state.mtu;
  }

  set mtu(bytes: number) {
    if (!Number.isInteger(bytes) || bytes < 68 || bytes > 65_535) {
      throw new RangeError(`an MTU is 68 to 65535 bytes, not ${bytes}`);
    }
    this.state.mtu = bytes;
    this.network.deviceChanged();
  }

  get up(): boolean {
    return this.state.up;
  }

  set up(value: boolean) {
    this.state.up = value;
    this.network.deviceChanged();
  }

  get gso(): boolean {
    return this.state.gso;
  }

  set gso(value: boolean) {
    this.state.gso = value;
    this.network.deviceChanged();
  }

  get tso(): boolean {
    return this.state.tso;
  }

  set tso(value: boolean) {
    this.state.tso = value;
    this.network.deviceChanged();
  }

  setQdisc(option: QdiscOption): void {
    if (this.state.number === LOOPBACK) throw new RangeError('the loopback device has no queue discipline');
    const { driver } = this;
    if (driver === null) throw new RangeError('the queue disciplines are in the driver, in another thread');
    const qdisc = this.make(option, driver);
    driver.egress[this.state.number].setQdisc(qdisc);
    this.state.fairQueue = qdisc.kind === 'fq';
    this.network.deviceChanged();
  }

  deleteQdisc(): void {
    const kind = this.config.defaultQdisc;
    this.setQdisc({ kind: kind === 'fq' || kind === 'pfifo' || kind === 'bfifo' ? kind : 'pfifo_fast' });
  }

  private make(option: QdiscOption, driver: Driver): Qdisc {
    const { party, lists } = driver;
    const length = option.limit ?? this.config.txQueueLength;
    switch (option.kind) {
      case 'pfifo':
        return new PlainFifo('pfifo', party, lists, length);
      case 'bfifo':
        return new PlainFifo('bfifo', party, lists, option.limit ?? length * DEFAULT_BFIFO_MTU);
      case 'pfifo_fast':
        return new PfifoFast(party, lists, length);
      case 'noqueue':
        return new NoQueue();
      case 'fq': {
        const fq: { limit?: number; flowLimit?: number } = {};
        if (option.limit !== undefined) fq.limit = option.limit;
        if (option.flowLimit !== undefined) fq.flowLimit = option.flowLimit;
        return new FairQueue(party, lists, this.state.mtu, fq);
      }
      default:
        throw new RangeError(`no queue discipline ${String(option.kind)}`);
    }
  }
}
