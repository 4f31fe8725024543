// A host in a worker thread, from the ticket that the control thread gave it. It must never know who keeps the flow table.
import type { MessagePort } from 'node:worker_threads';
import { Arena } from '../channel/arena.js';
import { PacketPool } from '../channel/pool.js';
import { ControlClient } from '../driver/control-port.js';
import { readDriverCounters } from '../driver/driver-counters.js';
import type { LinkDescription } from '../driver/driver-worker.js';
import { EndpointPort, type StackAddress } from '../driver/port.js';
import { tableStats } from '../flows/stats.js';
import { hostSecrets } from '../host/secrets.js';
import type { AddressOption, HostOptions, RouteOption } from '../stack-options.js';
import { type LoopOptions, ThreadedHost } from './host.js';
import { kickEventFd } from './kick.js';
import { RemoteChannels } from './remote-channels.js';
import { RemoteLink } from './remote-link.js';
import { ThreadGround } from './thread-ground.js';

/** What a worker needs to become a host of the stack. Pass it on once, with `commands` among the transferred. */
export interface HostTicket {
  readonly address: StackAddress;
  readonly endpoint: number;
  /** The channel of the host's addresses. */
  readonly home: number;
  readonly links: readonly LinkDescription[];
  readonly epoch: number;
  readonly addresses: readonly AddressOption[];
  readonly routes: readonly RouteOption[];
  readonly commands: MessagePort;
}

export interface OpenHostOptions
  extends Omit<HostOptions, 'addresses' | 'clock'>,
    Pick<LoopOptions, 'ref' | 'onError'> {}

/**
 * The ticket's host in this thread, running. Rejects with FLOW_EXISTS when another host has one of its addresses.
 * It ends with `close()`; when its thread ends before, however that be, its peers are reset.
 */
export async function openHost(ticket: HostTicket, options: OpenHostOptions = {}): Promise<ThreadedHost> {
  const { address, endpoint, home, links, epoch, commands } = ticket;
  const arena = Arena.attach(address.buffer);
  const pool = PacketPool.attach(arena, address.pool);
  const port = new EndpointPort(arena, address, pool, endpoint, kickEventFd);
  const client = new ControlClient(commands);
  let host: ThreadedHost | undefined;
  const channels = new RemoteChannels({ client, port, home, changed: () => host?.wake() });
  const ground = new ThreadGround({
    port,
    links: links.map((link) => new RemoteLink(link)),
    channels,
    statistics: () => ({
      table: tableStats(arena, address.table),
      channels: null,
      buffers: pool.count,
      driver: readDriverCounters(arena, address.register),
    }),
    addresses: channels,
    client,
  });
  const { ref, onError, ...rest } = options;
  host = new ThreadedHost(
    { ...rest, addresses: ticket.addresses, routes: [...ticket.routes, ...(options.routes ?? [])] },
    hostSecrets(options.secrets),
    ground,
    { epoch, ...(ref === undefined ? {} : { ref }), ...(onError === undefined ? {} : { onError }) },
  );
  // The control thread asks for the end, or tells that nothing will come any more.
  client.onClose = () => host.close();
  try {
    await ground.addressesTaken();
  } catch (error) {
    host.close();
    await host.ended;
    throw error;
  }
  return host;
}
