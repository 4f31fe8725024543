// struct virtio_net_hdr (virtio 1.2, section 5.1.6): what stands before each frame of a device with offloads, ours and
// the kernel's way of saying "sum this" and "cut this into segments". All fields little endian.
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_VERIFIED,
  type PacketBuffers,
} from '../../channel/buffers.js';

export const VIRTIO_NET_HEADER = 10;

const F_NEEDS_CSUM = 1;
const F_DATA_VALID = 2;
const GSO_NONE = 0;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
const GSO_ECN = 0x80;

/**
 * Takes checksum state and segment size from the header at `at` into the buffer's metadata.
 * @returns false when the header says something that no frame of `length` bytes can mean
 */
export function readVirtioHeader(buffers: PacketBuffers, index: number, at: number, length: number): boolean {
  const b = buffers.bytes;
  const flags = b[at]!;
  const gsoType = b[at + 1]! & ~GSO_ECN;
  if ((flags & F_NEEDS_CSUM) !== 0) {
    const start = b[at + 6]! | (b[at + 7]! << 8);
    const offset = b[at + 8]! | (b[at + 9]! << 8);
    if (start + offset + 2 > length) return false;
    buffers.setChecksum(index, CHECKSUM_PARTIAL);
    buffers.setCsumPlace(index, start, offset);
  } else {
    buffers.setChecksum(index, (flags & F_DATA_VALID) !== 0 ? CHECKSUM_VERIFIED : CHECKSUM_NONE);
  }
  const gsoSize = b[at + 4]! | (b[at + 5]! << 8);
  if (gsoType !== GSO_NONE && gsoSize === 0) return false;
  buffers.setGsoSize(index, gsoType === GSO_NONE ? 0 : gsoSize);
  return true;
}

/**
 * Writes the header for the packet of `index` to the ten bytes at `at`.
 * @param ipv6 the packet's IP version
 * @param headerLength link, IP and TCP headers together, for a super-packet
 */
export function writeVirtioHeader(
  buffers: PacketBuffers,
  index: number,
  at: number,
  ipv6: boolean,
  headerLength: number,
): void {
  const b = buffers.bytes;
  const partial = buffers.checksum(index) === CHECKSUM_PARTIAL;
  const gsoSize = buffers.gsoSize(index);
  b.fill(0, at, at + VIRTIO_NET_HEADER);
  if (partial) {
    const start = buffers.csumStart(index);
    const offset = buffers.csumOffset(index);
    b[at] = F_NEEDS_CSUM;
    b[at + 6] = start;
    b[at + 7] = start >>> 8;
    b[at + 8] = offset;
    b[at + 9] = offset >>> 8;
  }
  if (gsoSize > 0) {
    b[at + 1] = ipv6 ? GSO_TCPV6 : GSO_TCPV4;
    b[at + 2] = headerLength;
    b[at + 3] = headerLength >>> 8;
    b[at + 4] = gsoSize;
    b[at + 5] = gsoSize >>> 8;
  }
}

/**
 * Length of link, IP and TCP headers of a super-packet, for `writeVirtioHeader`: its partial checksum starts at the TCP
 * header. 0 when the buffer holds none.
 */
export function superPacketHeaders(buffers: PacketBuffers, index: number): number {
  if (buffers.gsoSize(index) === 0 || buffers.checksum(index) !== CHECKSUM_PARTIAL) return 0;
  const tcp = buffers.csumStart(index);
  return tcp + ((buffers.bytes[buffers.start(index) + tcp + 12]! >>> 4) << 2);
}

/** Whether the header at `at` leaves the transport checksum to the reader. */
export const hasVirtioChecksum = (b: Uint8Array, at: number): boolean => (b[at]! & F_NEEDS_CSUM) !== 0;
