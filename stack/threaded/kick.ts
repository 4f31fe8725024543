// How a driver that is blocked in the kernel is woken from any thread: by its eventfd, of which the doorbell has the number.
import { EventFd } from '../link/linux/poll.js';

const bells = new Map<number, EventFd>();

/** Rings the eventfd `fd`. Descriptors are valid in every thread. */
export function kickEventFd(fd: number): void {
  let bell = bells.get(fd);
  if (bell === undefined) {
    bell = new EventFd(fd);
    bells.set(fd, bell);
  }
  bell.ring();
}
