// What the endpoint keeps for one Tcb: its user (a socket), its channel, its port, its place among the timers. It hangs on
// `Tcb.owner`. Knows no packets.
import type { DeviceState } from '../host/network.js';
import { Binding } from '../host/ports.js';
import { TimerEntry } from '../host/timer-heap.js';
import type { FlowAddress } from '../tcp/flow-ends.js';
import { type Listener, listenerOnTimer, type Tcb, tcpOnTimer } from '../tcp/index.js';
import type { OpenChannel } from './flow-channels.js';

/** Whoever reads and writes the connection: told of EVENT_* bits after the step in which they came true. */
export interface TcpHandleUser {
  onEvents(events: number): void;
  onTransmitTimestamp?(kind: number, key: number, now: number): void;
  onZerocopyDone?(lo: number, hi: number, copied: boolean): void;
  onIcmpError?(type: number, code: number, info: number, errno: number): void;
}

export class TcpHandle extends TimerEntry implements FlowAddress {
  readonly tcb: Tcb;
  user: TcpHandleUser | null = null;
  listener: Listener | null = null;
  readonly binding = new Binding();
  channel: OpenChannel | null = null;
  /** In the endpoint's map of flows. */
  mapped = false;
  /** EVENT_* bits that the user has not been told of; on the endpoint's list while not 0. */
  events = 0;
  /** Its earliest deadline must be looked up again. */
  timerDirty = false;
  /** Device and next hop of its packets, and the network's generation when that was looked up. */
  pathGeneration = -1;
  pathDevice: DeviceState | null = null;
  pathNextHop: Uint8Array = NOWHERE;
  forgotten = false;
  /** IPv6 flow label of its packets when the connection itself asks for none; -1: not derived yet. */
  flowLabel = -1;

  constructor(tcb: Tcb) {
    super();
    this.tcb = tcb;
    tcb.owner = this;
  }

  get localAddress(): Uint8Array {
    return this.tcb.localAddress;
  }
  get remoteAddress(): Uint8Array {
    return this.tcb.remoteAddress;
  }
  get localPort(): number {
    return this.tcb.localPort;
  }
  get remotePort(): number {
    return this.tcb.remotePort;
  }
  get zone(): number {
    return this.tcb.zone;
  }
  get ipv6(): boolean {
    return this.tcb.ipv6;
  }

  fire(now: number): void {
    if (this.listener !== null) listenerOnTimer(this.listener, now);
    else tcpOnTimer(this.tcb, now);
    this.tcb.host.timerChanged(this.tcb);
  }
}

const NOWHERE = new Uint8Array(16);
