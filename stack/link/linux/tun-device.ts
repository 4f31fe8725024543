// Opening /dev/net/tun (Documentation/networking/tuntap.rst): the descriptor of a TUN or TAP device. The device lives as
// long as its descriptor, so it is gone with the process, however that ends.
import { ifreq } from './interface.js';
import { checked, lastErrno, libc } from './libc.js';
import { SystemCallError } from './system-call-error.js';

const O_RDWR_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const EPERM = 1;
const EBUSY = 16;
const EINVAL = 22;
const IFF_TUN = 0x0001;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const TUN_F_CSUM = 1;
const TUN_F_TSO4 = 2;
const TUN_F_TSO6 = 4;
const TUN_F_TSO_ECN = 8;

export interface TunOptions {
  readonly kind: 'tun' | 'tap';
  /** Device name; may hold %d for the first free number. Default 'tun%d' or 'tap%d'. */
  readonly name?: string;
  /** Take super-packets and partial checksums, both ways. Default true. */
  readonly offload?: boolean;
}

/**
 * Opens the device in the calling thread's network namespace.
 * @returns its descriptor (non-blocking) and its name
 * @throws SystemCallError: ENOENT (no tun driver), EPERM or EACCES (no right), EBUSY (name taken)
 */
export function openTun(options: TunOptions): { fd: number; name: string } {
  const { kind, name = `${kind}%d`, offload = true } = options;
  const request = ifreq(name);
  const fd = libc().open('/dev/net/tun', O_RDWR_NONBLOCK_CLOEXEC, 0);
  checked(
    'open /dev/net/tun',
    fd,
    'is the tun driver there (modprobe tun; in a container: --device /dev/net/tun), and may this user open it?',
  );
  try {
    const flags = (kind === 'tun' ? IFF_TUN : IFF_TAP) | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0);
    request.writeUInt16LE(flags, 16);
    const made = libc().ioctl(fd, TUNSETIFF, request);
    if (made < 0) {
      const errno = lastErrno();
      throw SystemCallError.fromErrno(errno, 'ioctl TUNSETIFF', refusal(errno, kind, name));
    }
    if (offload) {
      const size = Buffer.alloc(4);
      size.writeInt32LE(10);
      checked('ioctl TUNSETVNETHDRSZ', libc().ioctl(fd, TUNSETVNETHDRSZ, size));
      // The argument of TUNSETOFFLOAD is the bits themselves, passed where a pointer would stand.
      const bits = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
      checked(
        'ioctl TUNSETOFFLOAD',
        libc().ioctlValue(fd, TUNSETOFFLOAD, bits),
        'this kernel lacks TUN offloads: open the device with offload: false',
      );
    }
    return { fd, name: request.toString('latin1', 0, request.indexOf(0)) };
  } catch (error) {
    libc().close(fd);
    throw error;
  }
}

/** What a refused TUNSETIFF means, and what to do (tun_set_iff of Linux). */
function refusal(errno: number, kind: string, name: string): string {
  switch (errno) {
    case EPERM:
      return `creating ${kind} device ${name} needs root or CAP_NET_ADMIN, or a device made for this user: ip tuntap add ${name} mode ${kind} user …`;
    case EBUSY:
      return `another program holds ${name}: take another name, or 'tap%d' for the first free one`;
    case EINVAL:
      return `${name} is there already and is no ${kind} device of these options, or this kernel lacks one of them`;
    default:
      return `creating ${kind} device ${name}`;
  }
}
