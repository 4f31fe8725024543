// The device between the kernel and the stack, in the namespace of the calling thread: TAP, TUN, or a veth pair with a
// packet socket on the stack's end. All of them end with their descriptor's namespace.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setUp } from '../stack/link/linux/interface.js';
import { setOffloads } from '../stack/link/linux/offloads.js';
import { PacketLink } from '../stack/link/packet.js';
import { TunLink } from '../stack/link/tun.js';
import type { DeviceKind } from './types.js';

/** The kernel's side, whatever the kind; and the stack's end of the veth pair. */
const KERNEL_SIDE = 'nc0';
const STACK_SIDE = 'nc1';
const IPV6_MIN_MTU = 1280;

export interface PeerDevice {
  readonly link: TunLink | PacketLink;
  /** The kernel's interface on the other side. */
  readonly name: string;
}

/** Opens it, both sides up. Throws SystemCallError. */
export function openDevice(kind: DeviceKind, mtu: number, offload: boolean): PeerDevice {
  if (kind !== 'packet') {
    const link = new TunLink({ kind, name: KERNEL_SIDE, offload, mtu });
    return { link, name: link.name };
  }
  const size = ['mtu', String(mtu)];
  const peer = ['type', 'veth', 'peer', 'name', STACK_SIDE, ...size];
  execFileSync('ip', ['link', 'add', KERNEL_SIDE, ...size, ...peer]);
  // The kernel is on the other side; on this one it has no address and says nothing. Below RFC 8200's least MTU there is no IPv6.
  if (mtu >= IPV6_MIN_MTU) writeFileSync(`/proc/sys/net/ipv6/conf/${STACK_SIDE}/disable_ipv6`, '1');
  if (!offload) setOffloads(KERNEL_SIDE, false);
  setUp(KERNEL_SIDE, true);
  setUp(STACK_SIDE, true);
  return { link: new PacketLink({ interface: STACK_SIDE, offload }), name: KERNEL_SIDE };
}
