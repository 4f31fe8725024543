// An AF_PACKET socket with mapped rings (packet(7), Documentation/networking/packet_mmap.rst, TPACKET_V2): opening,
// ring layout, and the status words by which kernel and program hand frames to each other. Knows no packet buffers.
import { interfaceIndex } from './interface.js';
import { checked, libc, type Mapping, mapShared } from './libc.js';

const AF_PACKET = 17;
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000;
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const PACKET_TX_RING = 13;
const PACKET_LOSS = 14;
const PACKET_VNET_HDR = 15;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_MR_PROMISC = 1;
const TPACKET_V2 = 1;

/** tpacket2_hdr: fields, by byte offset. */
export const TP_STATUS = 0;
export const TP_LEN = 4;
export const TP_SNAPLEN = 8;
export const TP_MAC = 12;
/** Where a frame to be sent begins in its slot: behind the aligned header. */
export const TX_DATA = 32;

export const TP_STATUS_KERNEL = 0;
export const TP_STATUS_USER = 1;
export const TP_STATUS_LOSING = 4;
export const TP_STATUS_CSUM_NOT_READY = 8;
export const TP_STATUS_CSUM_VALID = 128;
export const TP_STATUS_SEND_REQUEST = 1;
export const TP_STATUS_SENDING = 2;

const PAGE = 4096;
/** A slot for a 64 KiB super-packet with all headers; and what the kernel puts in front of a frame (TPACKET2_HDRLEN, aligned). */
const SLOT_LARGE = 17 * PAGE;
const SLOT_SMALL = 2048;
const SLOT_HEAD = 112;

export interface PacketSocketOptions {
  readonly interface: string;
  /** Slots of each ring: a power of two. */
  readonly slots: number;
  /** Super-packets and partial checksums (PACKET_VNET_HDR). */
  readonly offload: boolean;
  /** The longest frame without offloads. */
  readonly frameBytes: number;
  /** Receive frames for any hardware address: needed when the stack has one of its own. */
  readonly promiscuous: boolean;
}

export interface PacketSocket {
  readonly fd: number;
  readonly mapping: Mapping;
  /** Status words of the mapping. They are shared with the kernel: read and written through Atomics only. */
  readonly words: Int32Array;
  readonly slotBytes: number;
  readonly slots: number;
  /** Byte offset of slot `i` of the receive ring; the transmit ring follows it. */
  readonly receiveAt: number;
  readonly transmitAt: number;
  close(): void;
}

/**
 * Opens and binds the socket, in the calling thread's network namespace.
 * @throws SystemCallError: EPERM (no CAP_NET_RAW), ENODEV (no such interface), ENOMEM (rings too large)
 */
export function openPacketSocket(options: PacketSocketOptions): PacketSocket {
  const { slots, offload } = options;
  if (slots < 8 || (slots & (slots - 1)) !== 0)
    throw new RangeError(`${slots} slots: a power of two from 8 on`);
  const index = interfaceIndex(options.interface);
  // Protocol 0 until everything is set: no frame comes before the rings are there.
  const fd = checked(
    'socket(AF_PACKET)',
    libc().socket(AF_PACKET, SOCK_RAW_NONBLOCK_CLOEXEC, 0),
    'packet sockets need root or CAP_NET_RAW',
  );
  let mapping: Mapping | null = null;
  try {
    set(fd, 'PACKET_VERSION', PACKET_VERSION, TPACKET_V2);
    if (offload) set(fd, 'PACKET_VNET_HDR', PACKET_VNET_HDR, 1);
    // A frame that the kernel cannot send is dropped; else it would stay at the head of the ring and stop all others.
    set(fd, 'PACKET_LOSS', PACKET_LOSS, 1);
    set(fd, 'PACKET_IGNORE_OUTGOING', PACKET_IGNORE_OUTGOING, 1);
    const slotBytes = offload ? SLOT_LARGE : slotFor(options.frameBytes);
    const blockBytes = Math.max(slotBytes, PAGE);
    const ringBytes = slots * slotBytes;
    const request = Buffer.alloc(16);
    for (const [i, value] of [blockBytes, ringBytes / blockBytes, slotBytes, slots].entries()) {
      request.writeUInt32LE(value, 4 * i);
    }
    setBytes(fd, 'PACKET_RX_RING', PACKET_RX_RING, request);
    setBytes(fd, 'PACKET_TX_RING', PACKET_TX_RING, request);
    mapping = mapShared(fd, 2 * ringBytes);
    if (options.promiscuous) {
      const membership = Buffer.alloc(16);
      membership.writeInt32LE(index, 0);
      membership.writeUInt16LE(PACKET_MR_PROMISC, 4);
      setBytes(fd, 'PACKET_ADD_MEMBERSHIP', PACKET_ADD_MEMBERSHIP, membership);
    }
    const address = Buffer.alloc(20); // struct sockaddr_ll
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeUInt16BE(ETH_P_ALL, 2);
    address.writeInt32LE(index, 4);
    checked('bind', libc().bind(fd, address, address.length), `to interface ${options.interface}`);
    const { bytes } = mapping;
    const kept = mapping;
    return {
      fd,
      mapping,
      words: new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
      slotBytes,
      slots,
      receiveAt: 0,
      transmitAt: ringBytes,
      close: () => {
        kept.unmap();
        libc().close(fd);
      },
    };
  } catch (error) {
    mapping?.unmap();
    libc().close(fd);
    throw error;
  }
}

/** The pending error of a socket (socket(7)) as errno, taken from it; 0: none. */
export function takeSocketError(fd: number): number {
  const value = Buffer.alloc(4);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(4);
  checked('getsockopt SO_ERROR', libc().getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length));
  return value.readInt32LE(0);
}

/** A power of two, so that slots fill blocks of whole pages. */
function slotFor(frameBytes: number): number {
  let bytes = SLOT_SMALL;
  while (bytes < SLOT_HEAD + frameBytes) bytes *= 2;
  return bytes;
}

/** Frames received and dropped for want of a slot since the last call. */
export function packetStatistics(fd: number): { received: number; dropped: number } {
  const value = Buffer.alloc(8);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(8);
  checked(
    'getsockopt PACKET_STATISTICS',
    libc().getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, value, length),
  );
  return { received: value.readUInt32LE(0), dropped: value.readUInt32LE(4) };
}

function set(fd: number, name: string, option: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  setBytes(fd, name, option, bytes);
}

function setBytes(fd: number, name: string, option: number, bytes: Uint8Array): void {
  checked(`setsockopt ${name}`, libc().setsockopt(fd, SOL_PACKET, option, bytes, bytes.length));
}
