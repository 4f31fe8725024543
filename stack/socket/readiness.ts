// poll and epoll calls.
import { EPOLL_CLOEXEC, EPOLL_CTL_DEL, POLLERR, POLLHUP, POLLNVAL } from './constants.js';
import { Epoll } from './epoll.js';
import { EBADF, EFAULT, EINVAL } from './errno.js';
import type { OpenFile } from './file.js';
import { BLOCK } from './pending.js';
import { SpliceFace } from './splice.js';
import type { EpollEvent, PendingCall, PollFd } from './types.js';

export class ReadinessFace extends SpliceFace {
  /** Every epoll instance, so that a file that is closed leaves them. */
  readonly epolls = new Set<Epoll>();

  poll(fds: PollFd[] | null, timeout: number): PendingCall {
    if (fds === null) return this.finished(-EFAULT);
    const files = new Set<OpenFile>();
    for (const entry of fds) {
      const file = entry.fd < 0 ? null : this.file(entry.fd);
      if (file !== null) files.add(file);
    }
    const attempt = () => {
      let ready = 0;
      for (const entry of fds) {
        entry.revents = this.readyEvents(entry);
        if (entry.revents !== 0) ready++;
      }
      return ready > 0 ? ready : BLOCK;
    };
    return this.wait([...files], timeout === 0, milliseconds(timeout), attempt, () => 0);
  }

  private readyEvents(entry: PollFd): number {
    if (entry.fd < 0) return 0;
    const file = this.file(entry.fd);
    if (file === null) return POLLNVAL;
    return file.poll() & (entry.events | POLLERR | POLLHUP);
  }

  epoll_create(size: number): number {
    return size <= 0 ? -EINVAL : this.epoll_create1(0);
  }

  epoll_create1(flags: number): number {
    if (flags & ~EPOLL_CLOEXEC) return -EINVAL;
    const epoll = new Epoll();
    const fd = this.install(epoll, (flags & EPOLL_CLOEXEC) !== 0);
    if (fd >= 0) this.epolls.add(epoll);
    return fd;
  }

  epoll_ctl(epfd: number, op: number, fd: number, event: EpollEvent | null): number {
    if (event === null && op !== EPOLL_CTL_DEL) return -EFAULT;
    const epoll = this.file(epfd);
    const file = this.file(fd);
    if (epoll === null || file === null) return -EBADF;
    if (!(epoll instanceof Epoll) || epoll === file) return -EINVAL;
    return epoll.control(op, fd, file, event);
  }

  epoll_wait(epfd: number, events: EpollEvent[] | null, maxEvents: number, timeout: number): PendingCall {
    if (maxEvents <= 0) return this.finished(-EINVAL);
    const epoll = this.file(epfd);
    if (epoll === null) return this.finished(-EBADF);
    if (events === null) return this.finished(-EFAULT);
    if (!(epoll instanceof Epoll)) return this.finished(-EINVAL);
    const attempt = () => epoll.collect(events, maxEvents) || BLOCK;
    return this.wait([epoll], timeout === 0, milliseconds(timeout), attempt, () => 0);
  }
}

/** poll's timeout in µs; negative: for ever. */
function milliseconds(timeout: number): number {
  return timeout < 0 ? Number.POSITIVE_INFINITY : timeout * 1000;
}
