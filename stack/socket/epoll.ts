// epoll: which of many files are ready, by level, by edge, or once. As Linux's eventpoll: a wakeup puts an entry on the ready
// list, where it stays until a look finds it not ready; level-triggered ones stay after they were reported.
import {
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLONESHOT,
  EPOLLWAKEUP,
  O_RDWR,
  POLLIN,
  POLLRDNORM,
} from './constants.js';
import { EEXIST, EINVAL, ELOOP, ENOENT } from './errno.js';
import { OpenFile } from './file.js';
import type { EpollEvent } from './types.js';
import type { Waiter } from './wait-queue.js';

/** Bits that say how, not what. */
const PRIVATE = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;
const MAX_NESTING = 4;

class Item implements Waiter {
  readonly epoll: Epoll;
  readonly file: OpenFile;
  readonly fd: number;
  /** Unsigned: EPOLLET is the top bit. */
  events = 0;
  data: number | bigint = 0;
  ready = false;

  constructor(epoll: Epoll, file: OpenFile, fd: number) {
    this.epoll = epoll;
    this.file = file;
    this.fd = fd;
  }

  /** Whether only the private bits are left: a one-shot entry that has fired. */
  get disabled(): boolean {
    return (this.events & ~PRIVATE) === 0;
  }

  onWake(mask: number): void {
    if (this.disabled || (mask !== 0 && (mask & this.events) === 0)) return;
    this.epoll.markReady(this);
  }
}

export class Epoll extends OpenFile {
  private readonly items = new Map<string, Item>();
  private readyList: Item[] = [];
  private readonly ids = new Map<OpenFile, number>();
  private nextId = 1;

  constructor() {
    super(O_RDWR);
  }

  /** epoll_ctl: 0 or -errno. The file behind `fd` is `file`; an entry is known by both, as in Linux. */
  control(op: number, fd: number, file: OpenFile, event: EpollEvent | null): number {
    const key = this.keyOf(fd, file);
    const item = this.items.get(key);
    switch (op) {
      case EPOLL_CTL_ADD: {
        if (item !== undefined) return -EEXIST;
        if (file instanceof Epoll && file.reaches(this, 0)) return -ELOOP;
        const added = new Item(this, file, fd);
        this.items.set(key, added);
        file.waiters.add(added);
        this.arm(added, event!);
        return 0;
      }
      case EPOLL_CTL_DEL:
        if (item === undefined) return -ENOENT;
        this.drop(key, item);
        return 0;
      case EPOLL_CTL_MOD:
        if (item === undefined) return -ENOENT;
        if (item.events & EPOLLEXCLUSIVE) return -EINVAL;
        this.arm(item, event!);
        return 0;
      default:
        return -EINVAL;
    }
  }

  /** Entries that are ready now, at most `max`, into `out` from 0; how many. */
  collect(out: EpollEvent[], max: number): number {
    const list = this.readyList;
    this.readyList = [];
    let count = 0;
    const again: Item[] = [];
    for (let i = 0; i < list.length; i++) {
      const item = list[i];
      if (!item.ready) continue;
      if (count === max) {
        again.push(item);
        continue;
      }
      item.ready = false;
      const events = item.file.poll() & item.events & ~PRIVATE;
      if (events === 0) continue;
      out[count++] = { events, data: item.data };
      if (item.events & EPOLLONESHOT) item.events &= PRIVATE;
      else if (!(item.events & EPOLLET)) {
        item.ready = true;
        again.push(item);
      }
    }
    // What could not be reported comes first next time, then what was reported, then what became ready meanwhile.
    this.readyList = [...again.filter((item) => item.ready), ...this.readyList];
    return count;
  }

  markReady(item: Item): void {
    if (!item.ready) {
      item.ready = true;
      this.readyList.push(item);
    }
    this.waiters.wake(POLLIN | POLLRDNORM);
  }

  poll(): number {
    for (const item of this.readyList) {
      if (item.ready && (item.file.poll() & item.events & ~PRIVATE) !== 0) return POLLIN | POLLRDNORM;
    }
    return 0;
  }

  /** A file's last descriptor was closed: its entries go, as in Linux. */
  forget(file: OpenFile): void {
    for (const [key, item] of this.items) if (item.file === file) this.drop(key, item);
  }

  release(): void {
    for (const [key, item] of this.items) this.drop(key, item);
  }

  private arm(item: Item, event: EpollEvent): void {
    // Errors and hangups are always reported.
    item.events = (event.events | EPOLLERR | EPOLLHUP) >>> 0;
    item.data = event.data;
    if ((item.file.poll() & item.events & ~PRIVATE) !== 0) this.markReady(item);
  }

  private drop(key: string, item: Item): void {
    item.file.waiters.remove(item);
    item.ready = false;
    this.items.delete(key);
  }

  private keyOf(fd: number, file: OpenFile): string {
    let id = this.ids.get(file);
    if (id === undefined) {
      id = this.nextId++;
      this.ids.set(file, id);
    }
    return `${fd}.${id}`;
  }

  /** Whether `target` is watched by this one, directly or through others. */
  private reaches(target: Epoll, depth: number): boolean {
    if (this === target || depth > MAX_NESTING) return true;
    for (const item of this.items.values()) {
      if (item.file instanceof Epoll && item.file.reaches(target, depth + 1)) return true;
    }
    return false;
  }
}
