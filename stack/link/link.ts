// What every link is to the driver: frames come from it and go to it, in batches of packet-buffer indices.
// A link knows frames and time, never keys, flows or protocols.
import type { PoolParty } from '../channel/pool.js';

/**
 * A source and sink of frames. All times are microseconds of the stack's injected clock.
 *
 * A frame is a packet buffer: its bytes begin at `party.start(index)` and are `party.length(index)` long; an
 * Ethernet link's frames begin with the Ethernet header, an `ip` link's with the IP header.
 */
export interface Link {
  readonly name: string;
  readonly framing: 'ethernet' | 'ip';
  /** Largest network-layer packet, in bytes, unless it is a super-packet. May change while the link is up. */
  readonly mtu: number;
  /** Largest super-packet (GSO) in bytes of network-layer packet that the link takes; 0 means none. */
  readonly gsoMaxSize: number;
  /** True when the far side fills in partial checksums on sending and marks verified ones on receiving. */
  readonly checksumOffload: boolean;
  /** The link's own hardware address, for Ethernet framing. */
  readonly hardwareAddress: Uint8Array | null;

  /**
   * Takes up to `max` frames that have arrived by `now` into buffers that it allocates from `party`, sets each
   * buffer's length and metadata (arrival stamp when the link knows better than `now`), and writes their indices
   * to `out` from 0. Returns the count. When the pool is empty the frame stays with the link, or is dropped and
   * counted by it.
   */
  receive(now: number, party: PoolParty, out: Uint32Array, max: number): number;

  /**
   * Sends the frames `indices[0..count)`. The link has consumed the bytes (sent or copied them) for the first n
   * frames when it returns n; the caller still owns every buffer. n < count means that the link is full for now.
   */
  transmit(now: number, party: PoolParty, indices: Uint32Array, count: number): number;

  /** When, in virtual time, `receive` will next have a frame that it has not now (Infinity: not known). */
  nextEvent(): number;

  /** Of a device: poll(2) reported POLLERR for it. Throws when it is gone for good. */
  takeError?(): void;

  close(): void;
}
