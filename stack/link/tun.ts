// A TUN or TAP device of Linux as a link: non-blocking batches of frames, with super-packets and partial checksums both
// ways when offloads are on (IFF_VNET_HDR). It reads no packet beyond what the virtio header needs.
import { HEADROOM, LARGE_BYTES, SMALL_BYTES } from '../channel/buffers.js';
import type { PoolParty } from '../channel/pool.js';
import type { Link } from './link.js';
import { setMtu, setUp, stackAddressFor } from './linux/interface.js';
import { InterfaceWatch, interfaceGone } from './linux/interface-watch.js';
import { EAGAIN, EINTR, lastErrno, libc } from './linux/libc.js';
import { SystemCallError } from './linux/system-call-error.js';
import { openTun, type TunOptions } from './linux/tun-device.js';
import {
  readVirtioHeader,
  superPacketHeaders,
  VIRTIO_NET_HEADER,
  writeVirtioHeader,
} from './linux/virtio-net.js';

const ETHERNET_HEADER = 14;
const EIO = 5;
const EBADFD = 77;
const ENOBUFS = 105;
const ENODEV = 19;
/** Largest frame that is read: a 64 KiB super-packet and its Ethernet header. */
const MAX_FRAME = LARGE_BYTES - HEADROOM;

export interface TunLinkOptions extends TunOptions {
  /** MTU to set; the device's own (1500) if absent. */
  readonly mtu?: number;
  /** The stack's own hardware address on a TAP device; locally administered. Never the kernel side's. */
  readonly hardwareAddress?: Uint8Array;
  /** Bring the kernel's side up. Default true. */
  readonly up?: boolean;
}

export class TunLink implements Link {
  readonly name: string;
  readonly framing: 'ethernet' | 'ip';
  readonly gsoMaxSize: number;
  readonly checksumOffload: boolean;
  readonly hardwareAddress: Uint8Array | null;
  /** Descriptor for poll: readable when `receive` has something. */
  readonly fd: number;
  /** Frames that the kernel refused or that made no sense. */
  errors = 0;
  private readonly watch: InterfaceWatch;
  private staging = -1;
  /** When the device was last found empty, until somebody has been told so once more without asking it again. */
  private emptyAt = Number.NaN;
  private closed = false;

  /** Opens or creates the device. @throws SystemCallError with what to do (see openTun) */
  constructor(options: TunLinkOptions) {
    const { fd, name } = openTun(options);
    this.fd = fd;
    this.name = name;
    try {
      const offload = options.offload ?? true;
      this.framing = options.kind === 'tap' ? 'ethernet' : 'ip';
      this.gsoMaxSize = offload ? 65_535 : 0;
      this.checksumOffload = offload;
      this.hardwareAddress =
        options.kind === 'tap' ? (options.hardwareAddress ?? stackAddressFor(name)) : null;
      if (options.mtu !== undefined) setMtu(name, options.mtu);
      this.watch = new InterfaceWatch(name);
      if (options.up ?? true) setUp(name, true);
    } catch (error) {
      libc().close(fd);
      throw error;
    }
  }

  get mtu(): number {
    return this.watch.mtu;
  }

  set mtu(bytes: number) {
    setMtu(this.name, bytes);
    this.watch.mtu = bytes;
  }

  receive(now: number, party: PoolParty, out: Uint32Array, max: number): number {
    // A stack asks until nothing comes: of a round trip's calls into the system, one in four would be that question.
    if (now === this.emptyAt) {
      this.emptyAt = Number.NaN;
      return 0;
    }
    this.watch.look(now);
    const header = this.checksumOffload ? VIRTIO_NET_HEADER : 0;
    let count = 0;
    while (count < max) {
      // One large buffer is kept in hand to read into: a frame that fits a small one is copied there (60 ns), a
      // super-packet keeps the large buffer, uncopied.
      if (this.staging < 0) this.staging = party.alloc(MAX_FRAME);
      if (this.staging < 0) return count;
      const at = party.start(this.staging) - header;
      const got = libc().read(this.fd, party.bytes.subarray(at, at + header + MAX_FRAME), header + MAX_FRAME);
      if (got <= 0) {
        this.readFailed(got);
        this.emptyAt = now;
        return count;
      }
      const length = got - header;
      if (length <= 0) {
        this.errors++;
        continue;
      }
      const index = this.keep(party, at, header, length);
      if (index >= 0) out[count++] = index;
    }
    return count;
  }

  /** Moves the frame in the staging buffer into the buffer that will travel; -1 when it makes no sense. */
  private keep(party: PoolParty, at: number, header: number, length: number): number {
    let index = this.staging;
    if (length <= SMALL_BYTES - HEADROOM) {
      const small = party.alloc(length);
      if (small >= 0) {
        party.bytes.copyWithin(party.start(small) - header, at, at + header + length);
        index = small;
      }
    }
    if (index === this.staging) this.staging = -1;
    party.setLength(index, length);
    if (header > 0 && !readVirtioHeader(party, index, party.start(index) - header, length)) {
      this.errors++;
      party.release(index);
      return -1;
    }
    return index;
  }

  private readFailed(result: number): void {
    const errno = result === 0 ? EAGAIN : lastErrno();
    if (errno === EAGAIN || errno === EINTR) return;
    // EIO: the interface is down, for now. EBADFD, ENODEV: it is gone for good.
    if (errno === EIO) {
      this.errors++;
      return;
    }
    if (errno === EBADFD || errno === ENODEV) throw interfaceGone(this.name, 'read');
    throw SystemCallError.fromErrno(errno, 'read', `from ${this.name}`);
  }

  transmit(_now: number, party: PoolParty, indices: Uint32Array, count: number): number {
    // The kernel may answer within the write.
    this.emptyAt = Number.NaN;
    const header = this.checksumOffload ? VIRTIO_NET_HEADER : 0;
    for (let i = 0; i < count; i++) {
      const index = indices[i]!;
      const start = party.start(index);
      const length = party.length(index);
      if (header > 0) {
        const l3 = start + (this.framing === 'ethernet' ? ETHERNET_HEADER : 0);
        const ipv6 = party.bytes[l3]! >>> 4 === 6;
        writeVirtioHeader(party, index, start - header, ipv6, superPacketHeaders(party, index));
      }
      const frame = party.bytes.subarray(start - header, start + length);
      const sent = libc().write(this.fd, frame, header + length);
      if (sent < 0) {
        const errno = lastErrno();
        if (errno === EAGAIN || errno === ENOBUFS) return i;
        if (errno === EINTR) i--;
        else this.errors++; // EIO: down; EINVAL: refused. A link may lose a frame, not the stack.
      }
    }
    return count;
  }

  nextEvent(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Ends the device. Idempotent. The staging buffer goes with its party. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    libc().close(this.fd);
  }
}
