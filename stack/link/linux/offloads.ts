// The offloads of a network interface, through ethtool's ioctl (linux/ethtool.h): an interface whose frames a packet socket
// is to see as they would be on a wire must neither combine segments nor leave checksums to others.
import { ifreq } from './interface.js';
import { checked, libc } from './libc.js';
import { NativeMemory } from './native-memory.js';

const SIOCETHTOOL = 0x8946;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
/** ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO: each a struct ethtool_value. */
const SETTINGS = [0x17, 0x1f, 0x24, 0x2c];
const PAGE = 4096;

/**
 * Switches transmit checksums, TSO, GSO and GRO of interface `name`.
 * @throws SystemCallError: ENODEV (no such interface), EPERM (no CAP_NET_ADMIN), EOPNOTSUPP (the driver has none)
 */
export function setOffloads(name: string, on: boolean): void {
  const memory = new NativeMemory(PAGE);
  const fd = checked('socket', libc().socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0));
  try {
    // Scatter and gather follow the checksums, and TSO follows both: on in this order, off as well.
    for (const command of SETTINGS) {
      const at = memory.alloc(8);
      memory.view.setUint32(at, command, true);
      memory.view.setUint32(at + 4, on ? 1 : 0, true);
      const request = ifreq(name);
      request.writeBigUInt64LE(memory.pointer(at), 16);
      checked('ioctl SIOCETHTOOL', libc().ioctl(fd, SIOCETHTOOL, request), `offloads of ${name}`);
    }
  } finally {
    libc().close(fd);
    memory.free();
  }
}
