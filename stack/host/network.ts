// The host's view of the network layer: its devices, addresses, routes and what was learned about path MTUs, put together
// into the few questions that sockets and connections ask. Knows no packets and no connections.
import type { StackConfig } from '../config/config.js';
import { AddressTable } from '../ip/addresses.js';
import { IpIds } from '../ip/output.js';
import { PathMtuCache } from '../ip/path-mtu.js';
import { type Route, RouteTable } from '../ip/routes.js';
import type { Link } from '../link/link.js';
import {
  copyAddress,
  isIpv4,
  isLimitedBroadcast,
  isLinkLocal,
  isLoopback,
  isMulticast,
  type Prefix,
  parseAddress,
} from '../wire/address.js';

/** Number of the loopback device among the links: it has no link, its packets turn round in the driver. */
export const LOOPBACK = -1;
/** Linux numbers devices from 1, and lo is the first: scope ids and zones are these numbers. */
export const LOOPBACK_INDEX = 1;
const FIRST_INDEX = 2;
/** A super-packet must fit a large buffer and an IPv4 length. */
const GSO_LIMIT = 65_535;
const GSO_MAX_SEGMENTS = 65_535;
const LOOPBACK_MTU = 65_535;

export function indexOfLink(link: number): number {
  return link === LOOPBACK ? LOOPBACK_INDEX : link + FIRST_INDEX;
}

export function linkOfIndex(index: number): number {
  return index - FIRST_INDEX;
}

/** What can be set on a device; the link says the rest. */
export class DeviceState {
  readonly link: Link | null;
  readonly number: number;
  readonly name: string;
  up = true;
  gso = true;
  tso = true;
  /** Received segments of a batch are joined before TCP sees them. */
  gro = false;
  /** Its queue discipline keeps departure times (fq): connections are paced by it. */
  fairQueue = false;
  /** What routers announced as the link's MTU for IPv6 (RFC 4861 section 4.6.4); 0: nothing. */
  announcedMtu = 0;
  #mtu = 0;
  #seen = 0;
  #changes = 0;

  constructor(link: Link | null, number: number, gso: boolean) {
    this.link = link;
    this.number = number;
    this.name = link === null ? 'lo' : link.name;
    this.gso = gso;
    this.tso = gso;
  }

  /** Set by `ip link set mtu`; otherwise the link's own, which may change. */
  get mtu(): number {
    const own = this.link === null ? LOOPBACK_MTU : this.link.mtu;
    return this.#mtu === 0 ? own : Math.min(this.#mtu, own);
  }

  set mtu(bytes: number) {
    this.#mtu = bytes;
  }

  /** Grows whenever the link's own MTU is not what it was: somebody else may change it. */
  get changes(): number {
    const own = this.link === null ? LOOPBACK_MTU : this.link.mtu;
    if (own !== this.#seen) {
      this.#seen = own;
      this.#changes++;
    }
    return this.#changes;
  }

  /** For packets of one family. */
  mtuFor(ipv6: boolean): number {
    return ipv6 && this.announcedMtu !== 0 ? Math.min(this.announcedMtu, this.mtu) : this.mtu;
  }

  /** Largest super-packet that may be sent by it; 0: none. */
  get gsoMaxSize(): number {
    if (this.link === null || !(this.gso || this.tso)) return 0;
    return Math.min(this.link.gsoMaxSize, GSO_LIMIT);
  }
}

/** Where packets to a destination go. `route` is null for the host itself, and for groups that no route names. */
export interface PathChoice {
  device: DeviceState;
  route: Route | null;
  /** Next hop on the device: the gateway, or the destination. */
  nextHop: Uint8Array;
}

export class NetworkLayer {
  readonly addresses = new AddressTable();
  readonly routes = new RouteTable();
  readonly pathMtu: PathMtuCache;
  readonly ids: IpIds;
  readonly devices: readonly DeviceState[];
  readonly loopback: DeviceState;
  /** Changes of devices (MTU, up, offloads). */
  #deviceGeneration = 0;

  constructor(config: StackConfig, links: readonly Link[], gso: boolean, random32: () => number) {
    this.pathMtu = new PathMtuCache(config, random32());
    this.ids = new IpIds(random32);
    this.devices = links.map((link, number) => new DeviceState(link, number, gso));
    this.loopback = new DeviceState(null, LOOPBACK, false);
  }

  /** Changes whenever an answer below may have changed. */
  get generation(): number {
    let changes = this.#deviceGeneration;
    for (let i = 0; i < this.devices.length; i++) changes += this.devices[i].changes;
    return this.addresses.generation + this.routes.generation + this.pathMtu.generation + changes;
  }

  deviceChanged(): void {
    this.#deviceGeneration++;
  }

  device(number: number): DeviceState {
    return number === LOOPBACK ? this.loopback : this.devices[number];
  }

  /** Whether segments that came by `link` in one batch are joined. */
  mergesReceived(link: number): boolean {
    return link >= 0 && this.devices[link].gro;
  }

  /** Whether the unicast address is the host's own. */
  isLocal(address: Uint8Array): boolean {
    return this.addresses.isLocal(address, 0);
  }

  /** Changes with every change of a device. */
  get deviceGeneration(): number {
    return this.#deviceGeneration;
  }

  /**
   * The way to `destination`; `zone` is a device's index for link-local ones, else 0. `link`: for groups and broadcasts, the
   * link that the sender named (IP_MULTICAST_IF), -1: none. Null: unreachable.
   */
  path(destination: Uint8Array, zone: number, link = -1): PathChoice | null {
    if (isMulticast(destination)) return this.#groupPath(destination, zone === 0 ? link : linkOfIndex(zone));
    if (this.addresses.isLocal(destination, 0)) {
      return { device: this.loopback, route: null, nextHop: destination };
    }
    const only = zone !== 0 && isLinkLocal(destination) ? linkOfIndex(zone) : -1;
    const route = this.routes.lookup(destination, 0, only);
    if (route === null) return null;
    const device = this.devices[route.link];
    if (device === undefined || !device.up) return null;
    // A broadcast is for the link itself, even where the default route leads to a gateway.
    const nextHop = isLimitedBroadcast(destination) ? destination : (route.gateway ?? destination);
    return { device, route, nextHop };
  }

  // As Linux: a link that was named needs no route. IPv6 has ff00::/8 on every device, IPv4 follows its routes. The next
  // hop is the group itself, never a gateway.
  #groupPath(group: Uint8Array, link: number): PathChoice | null {
    const route = this.routes.lookup(group, 0, link);
    if (route === null && link < 0 && isIpv4(group)) return null;
    const number = route?.link ?? (link >= 0 ? link : this.devices.findIndex((each) => each.up));
    const device = this.devices[number];
    return device?.up ? { device, route, nextHop: group } : null;
  }

  // RFC 9293 MUST-46
  /** Whether packets to the IPv4 `destination` would be broadcasts. */
  isBroadcast(destination: Uint8Array): boolean {
    if (isLimitedBroadcast(destination)) return true;
    const path = this.path(destination, 0);
    if (path === null || path.route === null) return false;
    return this.addresses.isDirectedBroadcast(destination, 0, path.device.number);
  }

  hasRoute(destination: Uint8Array, zone: number): boolean {
    return this.path(destination, zone) !== null;
  }

  // RFC 9293 MUST-44
  /** Writes the source address for packets to `destination` to `out`: false when there is no route or no address. */
  selectSource(destination: Uint8Array, zone: number, out: Uint8Array, link = -1): boolean {
    const path = this.path(destination, zone, link);
    if (path === null) return false;
    if (path.device === this.loopback) {
      // To ourselves: from the very same address, as Linux's local routes have it.
      copyAddress(out, 0, isLoopback(destination) && isIpv4(destination) ? LOOPBACK_4 : destination, 0);
      return true;
    }
    const { route, device, nextHop } = path;
    const source = route?.source ?? this.addresses.selectSource(destination, 0, device.number, nextHop, 0);
    if (source === null) return false;
    copyAddress(out, 0, source, 0);
    return true;
  }

  /** MTU towards a destination: the route's or the device's, and less if learned, unless the route is locked. */
  mtu(path: PathChoice, destination: Uint8Array, zone: number, now: number): number {
    const { route, device } = path;
    const own = route !== null && route.mtu !== 0 ? route.mtu : device.mtuFor(!isIpv4(destination));
    if (route === null || route.mtuLocked) return own;
    return this.pathMtu.get(now, destination, 0, zone, own);
  }

  mtuLocked(path: PathChoice, destination: Uint8Array, zone: number, now: number): boolean {
    if (path.route === null) return false;
    return path.route.mtuLocked || this.pathMtu.isLocked(now, destination, 0, zone);
  }

  gsoMaxSegments(): number {
    return GSO_MAX_SEGMENTS;
  }
}

const LOOPBACK_4 = parseAddress('127.0.0.1');

/** The prefix of an address on its link, for the connected route. */
export function networkOf(address: Uint8Array, bits: number): Prefix {
  const network = address.slice();
  for (let bit = bits; bit < 128; bit++) network[bit >> 3] &= ~(0x80 >> (bit & 7));
  return { address: network, bits };
}
