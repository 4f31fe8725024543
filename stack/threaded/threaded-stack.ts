// A stack in several threads: the driver in a worker, blocked in the kernel; the control thread and a host of its own in the
// thread that opens the stack; more hosts, each with addresses of its own, in workers. All share one arena. Whoever dies is
// cleared away: its flows and channels are removed, its buffers taken back, its addresses answered for, its peers reset.
import { MessageChannel, type MessagePort, Worker, type WorkerOptions } from 'node:worker_threads';
import { Control } from '../driver/control.js';
import { closeControl, serveControl } from '../driver/control-port.js';
import { DriverThread } from '../driver/driver-thread.js';
import { EndpointPort } from '../driver/port.js';
import { LocalChannels } from '../endpoint/local-channels.js';
import { isAddressKey, keyAddress, keyFlow } from '../flows/key.js';
import { indexOfLink } from '../host/network.js';
import { type HostSecrets, hostSecrets } from '../host/secrets.js';
import { EventFd } from '../link/linux/poll.js';
import type { AddressOption, HostOptions, MemoryOptions, RouteOption } from '../stack-options.js';
import type { StackStatistics } from '../stack-types.js';
import {
  equalAddress,
  formatAddress,
  isIpv4,
  isLinkLocal,
  isMulticast,
  parseAddress,
} from '../wire/address.js';
import { TCP_PROTOCOL } from '../wire/tcp.js';
import type { DeviceOption } from './device-links.js';
import { type LoopOptions, ThreadedHost } from './host.js';
import { kickEventFd } from './kick.js';
import type { HostTicket } from './open-host.js';
import { RemoteLink } from './remote-link.js';
import { ThreadGround } from './thread-ground.js';

/** Links that a module of one's own opens in the driver's thread: see OpenLinks. */
export interface LinkModule {
  /** Absolute URL of a module with `openLinks(options, eventfd)`. */
  readonly module: string | URL;
  /** Passed on, as `postMessage` would. */
  readonly options?: unknown;
}

export interface ThreadedStackOptions
  extends Omit<HostOptions, 'clock'>,
    MemoryOptions,
    Pick<LoopOptions, 'ref' | 'onError'> {
  /** Devices, or a module that opens links. */
  readonly links: readonly DeviceOption[] | LinkModule;
  /** Channels in all: connections, listeners and one a host. Default 65,536. */
  readonly maxChannels?: number;
  /** The driver's share of the buffers, in which everything is received: default half of them. */
  readonly driverBuffers?: { small: number; large: number };
  /** What this thread's host sends from. Default 1,024 and 64. */
  readonly buffers?: { small: number; large: number };
  /** Told when the driver's thread ends without having been asked to. Its links are gone: close the stack. */
  readonly onCrash?: (error: Error) => void;
}

export interface HostTicketOptions {
  readonly addresses: readonly AddressOption[];
  readonly routes?: readonly RouteOption[];
  /** Buffers to send from. Default 1,024 and 64. */
  readonly buffers?: { small: number; large: number };
}

export interface SpawnOptions extends HostTicketOptions {
  readonly worker?: WorkerOptions;
}

const SMALL_BUFFERS = 16_384;
const LARGE_BUFFERS = 1024;
const ARENA_BYTES = 256 * 1024 * 1024;
const HOST_BUFFERS = { small: 1024, large: 64 };
/** Milliseconds for a worker's host to end when the stack closes, before its thread is ended. */
const END_PATIENCE = 2000;

interface RemoteHost {
  readonly endpoint: number;
  readonly commands: MessagePort;
  readonly options: HostTicketOptions;
  readonly gone: Promise<void>;
  worker?: Worker;
}

/** Opens the links in a driver thread and starts this thread's host. Rejects with DRIVER_START and the reason. */
export async function openThreadedStack(options: ThreadedStackOptions): Promise<ThreadedStack> {
  const secrets = hostSecrets(options.secrets);
  const small = options.smallBuffers ?? SMALL_BUFFERS;
  const large = options.largeBuffers ?? LARGE_BUFFERS;
  const control = new Control({
    secret: secrets.secretRandom32,
    arenaBytes: options.arenaBytes ?? ARENA_BYTES,
    smallBuffers: small,
    largeBuffers: large,
    debugBuffers: options.debugBuffers ?? false,
    ...(options.maxChannels === undefined ? {} : { maxChannels: options.maxChannels }),
  });
  const bell = new EventFd();
  const epoch = Date.now() * 1000;
  let stack: ThreadedStack | undefined;
  let driver: DriverThread | undefined;
  try {
    const { links } = options;
    const own = 'module' in links;
    driver = await DriverThread.start(control, {
      module: String(own ? links.module : new URL('./device-links.js', import.meta.url)),
      options: own ? (links.options ?? null) : links,
      buffers: options.driverBuffers ?? { small: small >> 1, large: large >> 1 },
      bell: bell.fd,
      kick: kickEventFd,
      epoch,
      onCrash: (error) => stack?.crashed(error),
    });
    stack = new ThreadedStack(control, driver, bell, secrets, epoch, options);
    return stack;
  } catch (error) {
    await driver?.close();
    bell.close();
    throw error;
  }
}

export class ThreadedStack {
  /** The host of this thread. Whatever is nobody's comes to it. */
  readonly host: ThreadedHost;
  private readonly control: Control;
  private readonly driver: DriverThread;
  private readonly bell: EventFd;
  private readonly epoch: number;
  private readonly options: ThreadedStackOptions;
  private readonly remotes = new Set<RemoteHost>();
  /** Addresses of dead hosts that this thread's host answers for. */
  private readonly adopted: Uint8Array[] = [];
  private closing: Promise<void> | undefined;

  /** Use `openThreadedStack`. */
  constructor(
    control: Control,
    driver: DriverThread,
    bell: EventFd,
    secrets: HostSecrets,
    epoch: number,
    options: ThreadedStackOptions,
  ) {
    this.control = control;
    this.driver = driver;
    this.bell = bell;
    this.epoch = epoch;
    this.options = options;
    const { endpoint, party } = control.addEndpoint(options.buffers ?? HOST_BUFFERS);
    const port = new EndpointPort(control.arena, control.address, control.pool, endpoint, kickEventFd);
    const ground = new ThreadGround({
      port,
      links: driver.links.map((link) => new RemoteLink(link)),
      channels: new LocalChannels(control, port, endpoint, party),
      statistics: () => this.statistics(),
    });
    const { ref, onError } = options;
    this.host = new ThreadedHost(options, secrets, ground, {
      epoch,
      ...(ref === undefined ? {} : { ref }),
      ...(onError === undefined ? {} : { onError }),
    });
  }

  /**
   * A place for one more host, for `openHost` in the worker that gets it: `new Worker(url, { workerData: { ticket },
   * transferList: [ticket.commands] })`. When the worker ends, its host is cleared away. Throws ENDPOINT_EXHAUSTED,
   * POOL_EXHAUSTED, ARENA_FULL.
   */
  ticket(options: HostTicketOptions): HostTicket {
    return this.admit(options).ticket;
  }

  /** A worker thread with a host: its module calls `openHost(workerData.ticket)`. `close` ends it. */
  spawn(module: string | URL, options: SpawnOptions): Worker {
    const { ticket, remote } = this.admit(options);
    const worker = new Worker(module, {
      ...options.worker,
      workerData: { ...(options.worker?.workerData as object | undefined), ticket },
      transferList: [...(options.worker?.transferList ?? []), ticket.commands],
    });
    remote.worker = worker;
    return worker;
  }

  /** Hosts in workers now. */
  get hosts(): number {
    return this.remotes.size;
  }

  statistics(): StackStatistics {
    return { ...this.control.statistics(), driver: this.driver.counters };
  }

  /**
   * Ends every host (open connections are reset), the workers that `spawn` started, and the driver. Resolves when all of
   * these threads are gone. Idempotent.
   */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  /** Told by the driver's thread. */
  crashed(error: Error): void {
    for (const device of this.host.devices) device.up = device.name === 'lo';
    this.options.onCrash?.(error);
  }

  private admit(options: HostTicketOptions): { ticket: HostTicket; remote: RemoteHost } {
    const { control } = this;
    const { endpoint, party } = control.addEndpoint(options.buffers ?? HOST_BUFFERS);
    const home = control.openHome({ endpoint, party });
    for (const { address } of options.addresses) this.giveUp(address);
    const { port1, port2 } = new MessageChannel();
    serveControl(control, port1, endpoint, party, home);
    port1.unref();
    let end: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      end = resolve;
    });
    const remote: RemoteHost = { endpoint, commands: port1, options, gone };
    this.remotes.add(remote);
    // However the other side ends, its port is closed with it.
    port1.once('close', () => {
      this.clearAway(remote);
      end();
    });
    const { links } = this.driver;
    const { addresses, routes = [] } = options;
    const ticket: HostTicket = {
      address: control.address,
      endpoint,
      home,
      links,
      epoch: this.epoch,
      addresses,
      routes,
      commands: port2,
    };
    return { ticket, remote };
  }

  /** A host has ended, by itself or not. */
  private clearAway(remote: RemoteHost): void {
    this.remotes.delete(remote);
    const keys = this.control.endpointGone(remote.endpoint);
    if (this.closing !== undefined) return;
    const { addresses, routes = [] } = remote.options;
    for (const option of addresses) this.adopt(option);
    for (const route of routes) {
      try {
        this.host.addRoute(route);
      } catch {
        // There is a route already.
      }
    }
    for (const key of keys) {
      if (!isAddressKey(key)) continue;
      const { address, zone } = keyAddress(key);
      if (!isMulticast(address)) this.adopt({ address, prefix: isIpv4(address) ? 32 : 128, link: zone });
    }
    // Connections that were open: their peers would never hear of it if they are only waiting.
    for (const key of keys) {
      const flow = keyFlow(key);
      if (flow === null || flow.protocol !== TCP_PROTOCOL) continue;
      const scoped = isLinkLocal(flow.localAddress) || isLinkLocal(flow.remoteAddress);
      this.host.disown({ ...flow, zone: scoped ? indexOfLink(flow.zone) : 0 });
    }
  }

  private adopt(option: AddressOption): void {
    const address = typeof option.address === 'string' ? parseAddress(option.address) : option.address;
    if (this.adopted.some((other) => equalAddress(other, 0, address, 0))) return;
    try {
      this.host.addAddress({ ...option, address, detectDuplicates: false });
      this.adopted.push(address);
    } catch {
      // It is this host's own.
    }
  }

  /** A new host gets an address that this one answered for. */
  private giveUp(given: string | Uint8Array): void {
    const address = typeof given === 'string' ? parseAddress(given) : given;
    const at = this.adopted.findIndex((other) => equalAddress(other, 0, address, 0));
    if (at < 0) return;
    this.adopted.splice(at, 1);
    this.host.removeAddress(formatAddress(address));
  }

  private async end(): Promise<void> {
    const remotes = [...this.remotes];
    for (const { commands } of remotes) closeControl(commands);
    await Promise.all(remotes.map((remote) => this.endRemote(remote)));
    this.host.close();
    await this.host.ended;
    await this.driver.close();
    this.bell.close();
  }

  private async endRemote(remote: RemoteHost): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, END_PATIENCE);
    });
    await Promise.race([remote.gone, patience]);
    clearTimeout(timer);
    await remote.worker?.terminate();
    remote.commands.close();
    await remote.gone;
  }
}
