// Settings of a network interface through ioctl(2) on a socket: addresses, MTU, up and down (netdevice(7)).
import { checked, libc } from './libc.js';

const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;
const SIOCSIFNETMASK = 0x891c;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const IFF_UP = 1;
const IFF_RUNNING = 0x40;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const IFNAMSIZ = 16;

/** A `struct ifreq` of 40 bytes with the interface's name in front. Throws RangeError for a name that has no room. */
export function ifreq(name: string): Buffer {
  if (Buffer.byteLength(name) >= IFNAMSIZ) {
    throw new RangeError(`interface name "${name}" is longer than ${IFNAMSIZ - 1} bytes`);
  }
  const request = Buffer.alloc(40);
  request.write(name);
  return request;
}

function withSocket<T>(family: number, use: (fd: number) => T): T {
  const fd = checked('socket', libc().socket(family, SOCK_DGRAM_CLOEXEC, 0));
  try {
    return use(fd);
  } finally {
    libc().close(fd);
  }
}

const control = (fd: number, call: string, request: number, argument: Uint8Array, hint?: string): number =>
  checked(`ioctl ${call}`, libc().ioctl(fd, request, argument), hint);

export function interfaceIndex(name: string): number {
  return withSocket(AF_INET, (fd) => {
    const request = ifreq(name);
    control(fd, 'SIOCGIFINDEX', SIOCGIFINDEX, request, `is there an interface ${name}?`);
    return request.readInt32LE(16);
  });
}

export function mtuOf(name: string): number {
  return withSocket(AF_INET, (fd) => {
    const request = ifreq(name);
    control(fd, 'SIOCGIFMTU', SIOCGIFMTU, request, `is there an interface ${name}?`);
    return request.readInt32LE(16);
  });
}

export function setMtu(name: string, mtu: number): void {
  withSocket(AF_INET, (fd) => {
    const request = ifreq(name);
    request.writeInt32LE(mtu, 16);
    control(
      fd,
      'SIOCSIFMTU',
      SIOCSIFMTU,
      request,
      `MTU ${mtu} on ${name}: IPv4 needs 68 bytes, IPv6 1280, and the device has bounds of its own (ip -d link)`,
    );
  });
}

export function setUp(name: string, up: boolean): void {
  withSocket(AF_INET, (fd) => {
    const request = ifreq(name);
    control(fd, 'SIOCGIFFLAGS', SIOCGIFFLAGS, request, `is there an interface ${name}?`);
    const flags = request.readInt16LE(16);
    request.writeInt16LE(up ? flags | IFF_UP | IFF_RUNNING : flags & ~IFF_UP, 16);
    control(fd, 'SIOCSIFFLAGS', SIOCSIFFLAGS, request, 'changing an interface needs CAP_NET_ADMIN');
  });
}

/** The interface's 6-byte hardware address. */
export function hardwareAddressOf(name: string): Uint8Array {
  return withSocket(AF_INET, (fd) => {
    const request = ifreq(name);
    control(fd, 'SIOCGIFHWADDR', SIOCGIFHWADDR, request);
    return new Uint8Array(request.subarray(18, 24));
  });
}

/** A hardware address for a stack on this interface: locally administered, and not the kernel's own. */
export function stackAddressFor(name: string): Uint8Array {
  const address = hardwareAddressOf(name);
  address[0] = (address[0]! | 2) & ~1;
  address[5] = (address[5]! ^ 1) & 0xff;
  return address;
}

/** Gives the interface an address of the host: 4 bytes (IPv4) or 16 (IPv6). */
export function addAddress(name: string, address: Uint8Array, prefix: number): void {
  if (address.length === 4) {
    withSocket(AF_INET, (fd) => {
      const request = ifreq(name);
      request.writeUInt16LE(AF_INET, 16);
      request.set(address, 20);
      control(fd, 'SIOCSIFADDR', SIOCSIFADDR, request, 'adding an address needs CAP_NET_ADMIN');
      const mask = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
      request.fill(0, 16);
      request.writeUInt16LE(AF_INET, 16);
      request.writeUInt32BE(mask, 20);
      control(fd, 'SIOCSIFNETMASK', SIOCSIFNETMASK, request);
    });
  } else {
    const index = interfaceIndex(name);
    withSocket(AF_INET6, (fd) => {
      const request = Buffer.alloc(24); // struct in6_ifreq
      request.set(address, 0);
      request.writeUInt32LE(prefix, 16);
      request.writeInt32LE(index, 20);
      control(fd, 'SIOCSIFADDR', SIOCSIFADDR, request, 'adding an address needs CAP_NET_ADMIN and IPv6');
    });
  }
}
