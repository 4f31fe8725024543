// The DHCP client on one link of a stack: its datagrams, which go before there is an address, and what a lease means for the
// host's tables. The states are stack/dhcp's.
import { DhcpClient, type DhcpIo, type DhcpLease } from '../dhcp/client.js';
import { type ClientMessage, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, writeDhcp } from '../dhcp/message.js';
import { type NetworkLayer, networkOf } from '../host/network.js';
import { Binding } from '../host/ports.js';
import { finishTransport, writeIp } from '../ip/output.js';
import { type Route, RouteError } from '../ip/routes.js';
import type { LeaseEvent } from '../stack-options.js';
import type { UdpDatagram, UdpEndpoint, UdpUser } from '../udp/udp-endpoint.js';
import { equalAddress, formatAddress, inPrefix, parseAddress } from '../wire/address.js';
import { UDP_HEADER, UDP_PROTOCOL, writeUdp } from '../wire/udp.js';
import type { Addressing } from './addressing.js';
import { countBroadcasts, countRequest } from './output-counters.js';
import type { PacketOutput } from './packet-output.js';

const NO_ADDRESS = parseAddress('0.0.0.0');
const BROADCAST = parseAddress('255.255.255.255');
const DEFAULT_4 = { address: parseAddress('0.0.0.0'), bits: 96 };
const ROOM = 600;

export interface DhcpParts {
  network: NetworkLayer;
  output: PacketOutput;
  udp: UdpEndpoint;
  addressing: Addressing;
  secretRandom32(): number;
  now(): number;
  /** Told of each lease that is bound or extended, and null when it is lost. */
  onLease(lease: DhcpLease | null): void;
}

export class DhcpService implements DhcpIo, UdpUser {
  readonly client: DhcpClient;
  readonly binding = new Binding();
  readonly peer = null;
  readonly link: number;
  private readonly parts: DhcpParts;
  private readonly hardware: Uint8Array;
  private attached = false;
  private held: Uint8Array | null = null;
  private defaultRoute: Route | null = null;

  /** The link is an Ethernet one. */
  constructor(link: number, parts: DhcpParts) {
    this.link = link;
    this.parts = parts;
    this.hardware = parts.network.device(link).link!.hardwareAddress!;
    this.client = new DhcpClient(this, this.hardware, parts.secretRandom32);
    this.binding.address.set(NO_ADDRESS);
    // Several links of a stack each have their client on the one port.
    this.binding.reuseAddress = true;
  }

  /** False when the port is taken. */
  start(now: number): boolean {
    const { udp } = this.parts;
    if (!udp.ports.bind(this.binding, DHCP_CLIENT_PORT)) return false;
    if (!udp.attach(this, { inet6: false, v6only: false }, 0)) {
      udp.ports.remove(this.binding);
      return false;
    }
    this.attached = true;
    this.client.start(now);
    return true;
  }

  close(): void {
    this.client.stop();
    if (!this.attached) return;
    this.attached = false;
    this.parts.udp.detach(this);
    this.parts.udp.ports.remove(this.binding);
  }

  // --- datagrams ---

  deliver(datagram: UdpDatagram): boolean {
    if (datagram.link !== this.link || datagram.sourcePort !== DHCP_SERVER_PORT) return true;
    this.client.receive(this.parts.now(), datagram.data);
    return true;
  }

  takesGroup(): boolean {
    return false;
  }

  onError(): void {}

  send(now: number, message: ClientMessage, to: Uint8Array | null): void {
    const { network, output } = this.parts;
    const destination = to ?? BROADCAST;
    const source = message.client ?? NO_ADDRESS;
    const path = to === null ? null : network.path(to, 0);
    if (to !== null && path === null) return;
    const index = output.allocate(ROOM);
    if (index < 0) return;
    const { party } = output;
    const { bytes } = party;
    const start = party.start(index);
    const length = UDP_HEADER + writeDhcp(bytes, start + 20 + UDP_HEADER, message);
    const id = network.ids.next(source, destination, UDP_PROTOCOL) & 0xffff;
    const at = writeIp(bytes, start, false, source, destination, UDP_PROTOCOL, length, 0, 64, false, id, 0);
    writeUdp(bytes, at, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, length);
    finishTransport(bytes, at, length, 6, source, destination, UDP_PROTOCOL);
    party.setLength(index, 20 + length);
    countRequest(output.counters, false);
    if (to === null) countBroadcasts(output.counters, 1, 20 + length);
    const device = path?.device ?? network.device(this.link);
    output.send(index, device, path?.nextHop ?? BROADCAST, output.defaultChannel, null, 0, now);
  }

  // --- the lease ---

  probe(now: number, lease: DhcpLease): void {
    // A server that gives away what is ours is told so.
    if (this.parts.network.isLocal(lease.address)) {
      this.client.probed(now, false);
      return;
    }
    this.parts.addressing.claim(now, lease.address, lease.prefix + 96, this.link, {
      assigned: (at) => this.client.probed(at, true),
      duplicate: (at) => this.client.probed(at, false),
    });
  }

  bound(_now: number, lease: DhcpLease): void {
    const { network } = this.parts;
    const bits = lease.prefix + 96;
    if (this.held === null && network.addresses.find(lease.address, 0, this.link) === undefined) {
      this.held = lease.address;
      network.addresses.add(lease.address, bits, this.link);
      network.routes.add(
        { destination: networkOf(lease.address, bits), link: this.link, connected: true },
        true,
      );
    }
    this.route(lease.routers.find((router) => inPrefix(router, 0, lease.address, 0, bits)) ?? null);
    this.parts.onLease(lease);
  }

  lost(): void {
    this.route(null);
    if (this.held !== null) this.parts.addressing.remove(this.held);
    this.held = null;
    this.parts.onLease(null);
  }

  /** Another host uses an address of the stack; is it this one? */
  conflict(now: number, address: Uint8Array): void {
    if (this.held !== null && equalAddress(this.held, 0, address, 0)) this.client.conflict(now);
  }

  /** The default route by the lease's router, unless the owner has one of his own. */
  private route(gateway: Uint8Array | null): void {
    const { routes } = this.parts.network;
    const old = this.defaultRoute;
    if (old !== null && gateway !== null && equalAddress(old.gateway as Uint8Array, 0, gateway, 0)) return;
    if (old !== null) routes.removeWhere((each) => each === old);
    this.defaultRoute = null;
    if (gateway === null) return;
    try {
      this.defaultRoute = routes.add({ destination: DEFAULT_4, gateway, link: this.link });
    } catch (error) {
      if (!(error instanceof RouteError)) throw error;
    }
  }
}

/** A lease as the owner sees it. */
export function leaseEvent(link: number, lease: DhcpLease | null): LeaseEvent {
  if (lease === null) return { link, lease };
  const { address, prefix, server, routers, dnsServers, domain, mtu, renewAt, expiresAt } = lease;
  const text = (all: readonly Uint8Array[]) => all.map((each) => formatAddress(each));
  return {
    link,
    lease: {
      address: formatAddress(address),
      prefix,
      server: formatAddress(server),
      routers: text(routers),
      dnsServers: text(dnsServers),
      domain,
      mtu,
      renewAt,
      expiresAt,
    },
  };
}
