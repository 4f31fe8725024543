// The driver in a thread of its own: blocked in the kernel (or on its doorbell) while there is nothing to do, woken by
// frames, by endpoints that transmit, and by the request to stop. It must never be ended from outside: a thread inside a
// system call cannot be, so `stop` goes through shared memory and the doorbell.

import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../channel/arena.js';
import { WAKE_KERNEL, WAKE_NOTIFY } from '../channel/doorbell.js';
import { PacketPool } from '../channel/pool.js';
import type { Link } from '../link/link.js';
import { Driver } from './driver.js';
import { showDriverCounters } from './driver-counters.js';
import {
  DRIVER_RUNNING,
  DRIVER_STOPPED,
  ENDPOINT_BURY,
  endpointCount,
  endpointLife,
  endpointState,
  hasLetGo,
  sayLetGo,
  setDriverState,
  stopAsked,
} from './endpoints.js';
import type { StackAddress } from './port.js';

/** Waiting in the kernel for the links' descriptors and an eventfd at once. */
export interface KernelWaiter {
  /** What a waker needs to end the wait: the eventfd. */
  readonly argument: number;
  /** Blocks for at most `milliseconds` (-1: without end), then clears the eventfd. */
  wait(milliseconds: number): void;
  close(): void;
}

/** What a link module's factory returns in the driver's thread. Without a waiter the driver sleeps on its doorbell. */
export interface OpenLinks {
  links: Link[];
  waiter?: KernelWaiter;
}

/** What the control thread sends along. */
export interface DriverData {
  address: StackAddress;
  party: number;
  reader: number;
  /** Module with a function `openLinks(options, bell): OpenLinks | Promise<OpenLinks>`, as an absolute URL. */
  module: string;
  options: unknown;
  /** An eventfd for the links' waiter, or -1: then they make their own, if any. */
  bell: number;
  /** Rounds without work before the driver sleeps. */
  spin: number;
  /** Time of the stack's clock in microseconds at performance.now() = 0 of this process's time origin. */
  epoch: number;
}

/** What the control thread learns of a link that is open; it changes no more for whoever asks there. */
export type LinkDescription = Pick<
  Link,
  'name' | 'framing' | 'mtu' | 'gsoMaxSize' | 'checksumOffload' | 'hardwareAddress'
>;

const LONGEST_SLEEP = 60_000;
/** Busy rounds after which the counters are shown although there was no sleep. */
const COUNTER_ROUNDS = 1024;

/** Endpoints that have died: forgotten at once, let go of when no queue holds packets any more that they sent. */
class Burials {
  private readonly arena: Arena;
  private readonly register: number;
  /** Forgotten, but packets of theirs may still wait for a link. */
  private readonly waiting = new Set<number>();

  constructor(arena: Arena, register: number) {
    this.arena = arena;
    this.register = register;
  }

  private due(endpoint: number): boolean {
    const { arena, register } = this;
    // The life before the state: see renewEndpoint.
    const life = endpointLife(arena, register, endpoint);
    if (endpointState(arena, register, endpoint) !== ENDPOINT_BURY) return false;
    return !this.waiting.has(endpoint) && !hasLetGo(arena, register, endpoint, life);
  }

  /** Whether somebody has to be forgotten: the last look before sleeping. */
  get pending(): boolean {
    const count = endpointCount(this.arena, this.register);
    for (let endpoint = 0; endpoint < count; endpoint++) if (this.due(endpoint)) return true;
    return false;
  }

  work(driver: Driver): void {
    const count = endpointCount(this.arena, this.register);
    for (let endpoint = 0; endpoint < count; endpoint++) {
      if (!this.due(endpoint)) continue;
      driver.forget(endpoint);
      this.waiting.add(endpoint);
    }
    if (this.waiting.size === 0 || !driver.queuesEmpty) return;
    for (const endpoint of this.waiting) sayLetGo(this.arena, this.register, endpoint);
    this.waiting.clear();
  }
}

/** Runs until the control thread asks to stop. Exported for the worker's own start below. */
export async function runDriver(data: DriverData): Promise<void> {
  const { address, spin } = data;
  const arena = Arena.attach(address.buffer);
  const { register } = address;
  const module = (await import(data.module)) as {
    openLinks(options: unknown, bell: number): OpenLinks | Promise<OpenLinks>;
  };
  const { links, waiter } = await module.openLinks(data.options, data.bell);
  const pool = PacketPool.attach(arena, address.pool);
  const driver = new Driver({ arena, address, pool, party: data.party, reader: data.reader, links });
  // Worker and main thread have time origins of their own; timeOrigin makes one clock of them.
  const now = () => (performance.timeOrigin + performance.now()) * 1000 - data.epoch;
  const burials = new Burials(arena, register);
  const count = () => showDriverCounters(arena, register, driver.counters);
  setDriverState(arena, register, DRIVER_RUNNING);
  parentPort?.postMessage(links.map(describe));
  let idle = 0;
  let rounds = 0;
  try {
    while (!stopAsked(arena, register)) {
      if (++rounds % COUNTER_ROUNDS === 0) count();
      const work = driver.receive(now()) + driver.transmit(now());
      if (work > 0) {
        idle = 0;
        continue;
      }
      burials.work(driver);
      if (++idle <= spin) continue;
      count();
      driver.sleeper.prepare(waiter ? WAKE_KERNEL : WAKE_NOTIFY, waiter?.argument ?? 0);
      if (!stopAsked(arena, register) && !driver.hasWork() && !burials.pending) {
        const due = (driver.nextTimeout(now()) - now()) / 1000;
        const milliseconds = Math.min(LONGEST_SLEEP, Math.max(0, Math.ceil(due)));
        if (waiter) waiter.wait(milliseconds);
        else driver.sleeper.wait(milliseconds);
      }
      driver.sleeper.awake();
      idle = 0;
    }
  } finally {
    driver.close();
    count();
    for (const link of links) link.close();
    waiter?.close();
    setDriverState(arena, register, DRIVER_STOPPED);
  }
}

function describe(link: Link): LinkDescription {
  const { name, framing, mtu, gsoMaxSize, checksumOffload, hardwareAddress } = link;
  return { name, framing, mtu, gsoMaxSize, checksumOffload, hardwareAddress };
}

const data = workerData as { netchannelDriver?: DriverData } | null;
if (data?.netchannelDriver) await runDriver(data.netchannelDriver);
