// The link module of a driver thread for Linux devices: opens them there, and waits for their descriptors and an eventfd at
// once. It knows no stack.
import type { OpenLinks } from '../driver/driver-worker.js';
import { EventFd, POLLIN, PollSet } from '../link/linux/poll.js';
import { PacketLink, type PacketLinkOptions } from '../link/packet.js';
import { TunLink, type TunLinkOptions } from '../link/tun.js';

/** A device to be opened in the driver's thread: a TUN or TAP device, or an interface by a packet socket. */
export type DeviceOption = TunLinkOptions | ({ readonly kind: 'packet' } & PacketLinkOptions);

/**
 * `options`: an array of DeviceOption. `fd`: the eventfd that ends the wait; it stays its maker's, since others may still
 * write to it when the driver has ended. Throws what opening throws; then none stays open.
 */
export function openLinks(options: unknown, fd: number): OpenLinks {
  const links: (TunLink | PacketLink)[] = [];
  try {
    for (const device of options as readonly DeviceOption[]) {
      links.push(device.kind === 'packet' ? new PacketLink(device) : new TunLink(device));
    }
  } catch (error) {
    for (const link of links) link.close();
    throw error;
  }
  const bell = new EventFd(fd);
  const poll = new PollSet([...links, bell].map(({ fd }) => ({ fd, events: POLLIN })));
  return {
    links,
    waiter: {
      argument: bell.fd,
      wait: (milliseconds) => {
        poll.wait(milliseconds);
        bell.clear();
      },
      close: () => {},
    },
  };
}
