// A TIME-WAIT record's place at the endpoint: among the flows, the ports and the timers.
import { Binding } from '../host/ports.js';
import { TimerEntry, type TimerHeap } from '../host/timer-heap.js';
import { type FlowAddress, type TimeWaitRecord, timeWaitOnTimer } from '../tcp/index.js';

export class TimeWaitEntry extends TimerEntry implements FlowAddress {
  readonly record: TimeWaitRecord;
  readonly binding = new Binding();
  ended = false;
  private readonly timers: TimerHeap;

  constructor(record: TimeWaitRecord, timers: TimerHeap) {
    super();
    this.record = record;
    this.timers = timers;
    record.owner = this;
  }

  get localAddress(): Uint8Array {
    return this.record.localAddress;
  }
  get remoteAddress(): Uint8Array {
    return this.record.remoteAddress;
  }
  get localPort(): number {
    return this.record.localPort;
  }
  get remotePort(): number {
    return this.record.remotePort;
  }
  get zone(): number {
    return this.record.zone;
  }
  get ipv6(): boolean {
    return this.record.ipv6;
  }

  fire(now: number): void {
    // The record may have been prolonged since the heap was told.
    if (this.record.deadline > now) this.timers.set(this, this.record.deadline);
    else timeWaitOnTimer(this.record, now);
  }
}
