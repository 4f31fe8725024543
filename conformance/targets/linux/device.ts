// The TUN device of the linux target, in the calling thread's network namespace: packets that the kernel sends, and those
// that a script sends to it.

import { existsSync, writeFileSync } from 'node:fs';
import { addAddress, setMtu, setUp } from '../../../stack/link/linux/interface.js';
import { EAGAIN, EINTR, lastErrno, libc } from '../../../stack/link/linux/libc.js';
import { SystemCallError } from '../../../stack/link/linux/system-call-error.js';
import { openTun } from '../../../stack/link/linux/tun-device.js';
import { hasVirtioChecksum, VIRTIO_NET_HEADER } from '../../../stack/link/linux/virtio-net.js';
import { parseAddress } from '../../../stack/wire/address.js';
import type { TargetAddresses } from '../target.js';
import type { WirePacket } from './messages.js';
import { program } from './shell-host.js';

const NAME = 'tun0';
/** Of the calling thread's namespace; not there where the kernel has no IPv6. */
const SOLICITATIONS = `/proc/sys/net/ipv6/conf/${NAME}/router_solicitations`;
const DEFAULT_MTU = 1500;
const MAX_PACKET = 65_536;
const TCP = 6;

export class ScriptDevice {
  readonly fd: number;
  private readonly buffer = new Uint8Array(VIRTIO_NET_HEADER + MAX_PACKET);

  constructor(addresses: TargetAddresses) {
    this.fd = openTun({ kind: 'tun', name: NAME }).fd;
    setUp('lo', true);
    const six = addresses.wire === 'ipv6';
    if (addresses.mtu !== DEFAULT_MTU) setMtu(NAME, addresses.mtu);
    // Nobody advertises routers here: what the kernel asks of its own accord would stand among the script's packets.
    if (existsSync(SOLICITATIONS)) writeFileSync(SOLICITATIONS, '0');
    setUp(NAME, true);
    const local = parseAddress(addresses.local);
    if (six)
      program('ip', ['-6', 'address', 'add', `${addresses.local}/${addresses.prefix}`, 'dev', NAME, 'nodad']);
    else addAddress(NAME, local.slice(12), addresses.prefix);
    route(addresses);
  }

  /** One packet that the kernel has sent; null when there is none now. */
  read(now: () => number): WirePacket | null {
    const got = libc().read(this.fd, this.buffer, this.buffer.length);
    if (got <= VIRTIO_NET_HEADER) {
      const errno = got < 0 ? lastErrno() : EAGAIN;
      if (errno === EAGAIN || errno === EINTR) return null;
      throw SystemCallError.fromErrno(errno, 'read', `from ${NAME}`);
    }
    const bytes = this.buffer.slice(VIRTIO_NET_HEADER, got);
    return { time: now(), bytes, checksumPartial: hasVirtioChecksum(this.buffer, 0) };
  }

  /** Hands a packet to the kernel. `segmentSize`: of a super-packet, payload bytes a segment; 0 otherwise. */
  write(packet: Uint8Array, segmentSize: number): void {
    const frame = new Uint8Array(VIRTIO_NET_HEADER + packet.length);
    frame.set(packet, VIRTIO_NET_HEADER);
    if (segmentSize > 0) describeSuperPacket(frame, packet, segmentSize);
    const sent = libc().write(this.fd, frame, frame.length);
    if (sent < 0) throw SystemCallError.fromErrno(lastErrno(), 'write', `${packet.length} bytes to ${NAME}`);
  }

  close(): void {
    libc().close(this.fd);
  }
}

/** The remote network goes to the device, by the gateway where the kernel takes it as one. */
function route(addresses: TargetAddresses): void {
  const { remote, gateway, wire } = addresses;
  const family = wire === 'ipv6' ? '-6' : '-4';
  try {
    program('ip', [family, 'route', 'add', remote, 'dev', NAME, 'via', gateway]);
  } catch {
    program('ip', [family, 'route', 'replace', remote, 'dev', NAME]);
  }
}

/** struct virtio_net_hdr for a TCP packet without extension headers that the kernel is to take as several segments. */
function describeSuperPacket(frame: Uint8Array, packet: Uint8Array, segmentSize: number): void {
  const six = packet[0]! >>> 4 === 6;
  const ipLength = six ? 40 : (packet[0]! & 0xf) << 2;
  if ((six ? packet[6] : packet[9]) !== TCP) return;
  const headers = ipLength + ((packet[ipLength + 12]! >>> 4) << 2);
  const view = new DataView(frame.buffer);
  view.setUint8(0, 1); // NEEDS_CSUM: where the checksum stands, as a super-packet must say
  view.setUint8(1, six ? 4 : 1);
  view.setUint16(2, headers, true);
  view.setUint16(4, segmentSize, true);
  view.setUint16(6, ipLength, true);
  view.setUint16(8, 16, true);
}
