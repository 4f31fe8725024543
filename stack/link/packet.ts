// Any Ethernet interface of Linux as a link, through an AF_PACKET socket with mapped rings: receiving makes no system
// call, sending one for a batch. The stack needs a hardware address and IP addresses of its own: where the kernel owns
// the address too, it answers our peers with resets.
import { CHECKSUM_NONE, HEADROOM, LARGE_BYTES } from '../channel/buffers.js';
import type { PoolParty } from '../channel/pool.js';
import type { Link } from './link.js';
import { stackAddressFor } from './linux/interface.js';
import { InterfaceWatch } from './linux/interface-watch.js';
import { EAGAIN, EINTR, lastErrno, libc } from './linux/libc.js';
import {
  openPacketSocket,
  type PacketSocket,
  packetStatistics,
  TP_LEN,
  TP_MAC,
  TP_SNAPLEN,
  TP_STATUS,
  TP_STATUS_KERNEL,
  TP_STATUS_SEND_REQUEST,
  TP_STATUS_SENDING,
  TP_STATUS_USER,
  TX_DATA,
  takeSocketError,
} from './linux/packet-socket.js';
import { SystemCallError } from './linux/system-call-error.js';
import {
  readVirtioHeader,
  superPacketHeaders,
  VIRTIO_NET_HEADER,
  writeVirtioHeader,
} from './linux/virtio-net.js';

const ETHERNET_HEADER = 14;
const VLAN_TAG = 4;
const MAX_FRAME = LARGE_BYTES - HEADROOM;
const MSG_DONTWAIT = 0x40;
const EMSGSIZE = 90;
const ENOBUFS = 105;
const ENETDOWN = 100;

export interface PacketLinkOptions {
  readonly interface: string;
  /** The stack's own hardware address; a locally administered variant of the interface's if absent. */
  readonly hardwareAddress?: Uint8Array;
  /** Slots of each ring, a power of two. Default 256. */
  readonly slots?: number;
  /** Super-packets and partial checksums both ways; right for veth and for most interfaces. Default true. */
  readonly offload?: boolean;
}

export class PacketLink implements Link {
  readonly name: string;
  readonly framing = 'ethernet' as const;
  readonly gsoMaxSize: number;
  readonly checksumOffload: boolean;
  readonly hardwareAddress: Uint8Array;
  readonly fd: number;
  /** Frames refused by the kernel, or that made no sense. */
  errors = 0;
  private readonly socket: PacketSocket;
  private readonly watch: InterfaceWatch;
  /** The MTU for which the rings' slots were made. */
  private readonly openedMtu: number;
  private receiveSlot = 0;
  private transmitSlot = 0;
  private stalled = false;
  private closed = false;

  /** @throws SystemCallError with what to do; RangeError for a bad slot count */
  constructor(options: PacketLinkOptions) {
    const offload = options.offload ?? true;
    this.name = options.interface;
    this.watch = new InterfaceWatch(options.interface);
    this.openedMtu = this.watch.mtu;
    this.socket = openPacketSocket({
      interface: options.interface,
      slots: options.slots ?? 256,
      offload,
      frameBytes: ETHERNET_HEADER + VLAN_TAG + this.openedMtu,
      promiscuous: true,
    });
    this.fd = this.socket.fd;
    this.gsoMaxSize = offload ? 65_535 : 0;
    this.checksumOffload = offload;
    this.hardwareAddress = options.hardwareAddress ?? stackAddressFor(options.interface);
  }

  /** The interface's, but never more than when the link was opened. */
  get mtu(): number {
    return Math.min(this.watch.mtu, this.openedMtu);
  }

  receive(now: number, party: PoolParty, out: Uint32Array, max: number): number {
    this.watch.look(now);
    const { words, mapping, slots, slotBytes, receiveAt } = this.socket;
    const { bytes } = mapping;
    let count = 0;
    if (this.stalled) this.kick();
    while (count < max) {
      const slot = receiveAt + this.receiveSlot * slotBytes;
      const status = slot + TP_STATUS;
      if ((Atomics.load(words, status >>> 2) & TP_STATUS_USER) === 0) break;
      const length = words[(slot + TP_SNAPLEN) >>> 2]!;
      const whole = length === words[(slot + TP_LEN) >>> 2]! && length <= MAX_FRAME;
      const index = whole ? party.alloc(length) : -1;
      if (whole && index < 0) break; // the pool is empty: the frame waits in the ring
      if (index < 0) this.errors++;
      else if (this.copyIn(party, index, bytes, slot, length)) out[count++] = index;
      Atomics.store(words, status >>> 2, TP_STATUS_KERNEL);
      this.receiveSlot = (this.receiveSlot + 1) & (slots - 1);
    }
    return count;
  }

  private copyIn(party: PoolParty, index: number, ring: Uint8Array, slot: number, length: number): boolean {
    const from = slot + (ring[slot + TP_MAC]! | (ring[slot + TP_MAC + 1]! << 8));
    const header = this.checksumOffload ? VIRTIO_NET_HEADER : 0;
    const start = party.start(index);
    party.bytes.set(ring.subarray(from - header, from + length), start - header);
    party.setLength(index, length);
    if (header === 0) {
      party.setChecksum(index, CHECKSUM_NONE);
    } else if (!readVirtioHeader(party, index, start - header, length)) {
      this.errors++;
      party.release(index);
      return false;
    }
    return true;
  }

  transmit(_now: number, party: PoolParty, indices: Uint32Array, count: number): number {
    const { words, slots, slotBytes, transmitAt } = this.socket;
    let sent = 0;
    for (; sent < count; sent++) {
      if (this.tooLong(party, indices[sent]!)) {
        this.errors++;
        continue;
      }
      const slot = transmitAt + this.transmitSlot * slotBytes;
      const status = (slot + TP_STATUS) >>> 2;
      const state = Atomics.load(words, status);
      if ((state & (TP_STATUS_SEND_REQUEST | TP_STATUS_SENDING)) !== 0) break; // the ring is full
      this.copyOut(party, indices[sent]!, slot);
      Atomics.store(words, status, TP_STATUS_SEND_REQUEST);
      this.transmitSlot = (this.transmitSlot + 1) & (slots - 1);
    }
    if (sent > 0) this.kick();
    return sent;
  }

  /**
   * Longer than the interface takes, or than a slot. Through PACKET_VNET_HDR the kernel lets such a frame pass, and when the
   * driver drops it, it stays at the head of the ring and is tried for ever.
   */
  private tooLong(party: PoolParty, index: number): boolean {
    const length = party.length(index);
    const most = party.gsoSize(index) > 0 ? MAX_FRAME : ETHERNET_HEADER + VLAN_TAG + this.mtu;
    return length > most || TX_DATA + VIRTIO_NET_HEADER + length > this.socket.slotBytes;
  }

  private copyOut(party: PoolParty, index: number, slot: number): void {
    const { bytes } = this.socket.mapping;
    const start = party.start(index);
    const length = party.length(index);
    const header = this.checksumOffload ? VIRTIO_NET_HEADER : 0;
    if (header > 0) {
      const ipv6 = party.bytes[start + ETHERNET_HEADER]! >>> 4 === 6;
      writeVirtioHeader(party, index, start - header, ipv6, superPacketHeaders(party, index));
    }
    bytes.set(party.bytes.subarray(start - header, start + length), slot + TX_DATA);
    this.socket.words[(slot + TP_LEN) >>> 2] = header + length;
  }

  /** One system call for the batch. */
  private kick(): void {
    this.stalled = false;
    if (libc().sendto(this.fd, null, 0, MSG_DONTWAIT, null, 0) >= 0) return;
    const errno = lastErrno();
    // What stands in the ring behind a frame that the driver had no room for waits for another call.
    this.stalled = errno === EAGAIN || errno === EINTR || errno === ENOBUFS;
    if (this.stalled) return;
    this.errors++;
    if (errno === EMSGSIZE || errno === ENETDOWN) return;
    throw SystemCallError.fromErrno(errno, 'send', `on ${this.name}`);
  }

  /**
   * Takes the error that poll(2) told of: it stays, and ends every sleep, until somebody does. An interface that went down
   * is counted, and works again when it is up. Throws ENODEV for one that was removed.
   */
  takeError(): void {
    if (takeSocketError(this.fd) === 0) return;
    this.errors++;
    this.watch.check();
  }

  /** Frames that the kernel counted, and those it dropped for want of a slot, since the last call. */
  statistics(): { received: number; dropped: number } {
    return packetStatistics(this.fd);
  }

  nextEvent(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Idempotent. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.socket.close();
  }
}
