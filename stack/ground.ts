// What a host stands on: its way to the driver, its channels and their rings. In one thread that is the driver itself
// (InlineGround); with the driver in a thread of its own it is shared memory and messages (threaded/). It knows no protocol.
import type { Driver } from './driver/driver.js';
import type { EndpointPort } from './driver/port.js';
import type { FlowChannels, OpenChannel } from './endpoint/flow-channels.js';
import type { TcpHandle } from './endpoint/tcp-handle.js';
import type { Link } from './link/link.js';
import type { StackStatistics } from './stack-types.js';

/** Hands over one received packet, whose buffer `reader` takes back. */
export type Receive = (
  index: number,
  owner: TcpHandle | null,
  reader: { release(index: number): void },
) => void;

/** The rings that a host reads. */
export interface Readers {
  /** `owner` is a connection's or a listener's handle, or null. */
  add(channel: OpenChannel, owner: TcpHandle | null): void;
  remove(channel: OpenChannel): void;
  /** Whether a ring is known to have something. */
  readonly pending: boolean;
  /** Hands every waiting packet to `receive`, `after` following each ring that was emptied. Returns how many packets. */
  drain(receive: Receive, after: () => void): number;
}

export interface Ground {
  readonly port: EndpointPort;
  /** The links, or what stands for them where they are in another thread. */
  readonly links: readonly Link[];
  /** The driver where it runs in this thread: it holds the queue disciplines. */
  readonly driver: Driver | null;
  readonly channels: FlowChannels;
  readonly readers: Readers;
  /** Keys of the flow table that are this host's, or the whole table's where it has it alone. */
  readonly flows: number;
  /** Takes what the links have; returns how many frames. */
  receive(now: number): number;
  /** When `receive`, or the driver with what was sent, may next have something to do. */
  nextTimeout(now: number): number;
  /** Something that waits for a grace period has been given up. */
  reclaim(): void;
  /** Between steps, also after a call from outside the run: what was sent must not lie about. */
  settled(): void;
  /** The host has one address more (`present`) or less, on the link of that number. */
  addressChanged?(address: Uint8Array, link: number, present: boolean): void;
  statistics(): StackStatistics;
  close(): void;
}
