// The addresses of a stack while they come and go: claimed first where that is due (duplicate address detection), made from
// router advertisements where the owner wants that, and told to the owner. Puts the cores of stack/ip and stack/autoconf to
// the host's tables and to the wire. Knows no sockets.
import { RouterDiscovery } from '../autoconf/router-discovery.js';
import { Slaac } from '../autoconf/slaac.js';
import type { StackConfig } from '../config/config.js';
import { addAddress, removeAddress } from '../host/administration.js';
import { type NetworkLayer, networkOf } from '../host/network.js';
import { AddressClaims, type Claim, type ClaimIo, type ClaimOwner } from '../ip/address-claims.js';
import type { NeighbourCache } from '../ip/neighbour-cache.js';
import type { IpPacket } from '../ip/packet.js';
import { type Route, RouteError, type RouteSpec } from '../ip/routes.js';
import type { AddressEvent, AddressOption, AddressStatus } from '../stack-options.js';
import {
  equalAddress,
  formatAddress,
  isIpv4,
  isLinkLocal,
  parseAddress,
  solicitedNode,
} from '../wire/address.js';
import { formatHardware } from '../wire/ethernet.js';
import type * as nd from '../wire/nd.js';

/** Metrics of routes that routers announce (Linux: IP6_RT_PRIO_ADDRCONF for prefixes, IP6_RT_PRIO_USER for the default). */
const PREFIX_METRIC = 256;
const DEFAULT_METRIC = 1024;
const DEFAULT_6 = { address: new Uint8Array(16), bits: 0 };

/** What `Addressing` sends, written by others. */
export interface AddressingWire {
  probe(now: number, claim: Claim): void;
  announce(now: number, address: Uint8Array, link: number): void;
  solicitRouters(now: number, link: number, source: Uint8Array | null): void;
}

interface LinkAutoconfiguration {
  readonly link: number;
  readonly discovery: RouterDiscovery;
  readonly slaac: Slaac;
}

export class Addressing implements ClaimIo {
  readonly claims: AddressClaims;
  /** Set by the Ethernet layer; without it nobody is asked. */
  wire: AddressingWire | null = null;
  neighbours: NeighbourCache | null = null;
  onEvent: ((event: AddressEvent) => void) | null = null;
  /** Tells who holds an address by a lease that it is used by another host as well. */
  onConflict: ((now: number, address: Uint8Array, link: number) => void) | null = null;
  private readonly network: NetworkLayer;
  private readonly config: StackConfig;
  private readonly random32: () => number;
  private readonly autoconfigured: LinkAutoconfiguration[] = [];
  private readonly failed: { address: Uint8Array; bits: number; link: number }[] = [];

  constructor(network: NetworkLayer, config: StackConfig, random32: () => number) {
    this.network = network;
    this.config = config;
    this.random32 = random32;
    this.claims = new AddressClaims(this, random32);
  }

  // --- the owner's wishes ---

  /** `ip address add`: at once, or when nobody on the link objects. Throws what the tables throw. */
  add(now: number, option: AddressOption): void {
    const link = option.link ?? 0;
    const address = typeof option.address === 'string' ? parseAddress(option.address) : option.address;
    const bits = option.prefix + (isIpv4(address) ? 96 : 0);
    this.forgetFailure(address, link);
    const assign = (): void => addAddress(this.network, option);
    if (!this.wantsClaim(option, address, link)) {
      assign();
      return;
    }
    this.network.addresses.check(address, bits, link);
    this.claim(now, address, bits, link, {
      // Meanwhile the owner may have added it without asking.
      assigned: () => void (this.network.addresses.find(address, 0, link) ?? assign()),
      duplicate() {},
    });
  }

  /** Begins a claim; where nobody can be asked the address is `owner`'s at once. */
  claim(now: number, address: Uint8Array, bits: number, link: number, owner: ClaimOwner): void {
    if (this.network.device(link).link?.framing !== 'ethernet' || this.wire === null) {
      owner.assigned(now);
      return;
    }
    if (!this.claims.start(now, { address, bits, link, owner }, true)) {
      owner.duplicate(now);
      return;
    }
    // RFC 4862 section 5.4.2: in the group before the first solicitation, or the answer would not be heard.
    if (!isIpv4(address)) this.network.addresses.groups.join(groupOf(address), link);
  }

  /** `ip address del`, of a claimed one too. Throws what the table throws. */
  remove(text: string | Uint8Array): void {
    const address = typeof text === 'string' ? parseAddress(text) : text;
    const claim = this.claims.all.find((each) => equalAddress(each.address, 0, address, 0));
    if (this.claims.cancel(address) && claim !== undefined) {
      this.leave(claim);
      return;
    }
    if (this.forgetFailure(address, -1)) return;
    removeAddress(this.network, address);
  }

  /** Begins stateless autoconfiguration on a link. `secret`: RFC 7217's. */
  autoconfigure(now: number, link: number, secret: Uint8Array): void {
    const { random32 } = this;
    const device = this.network.device(link);
    const slaac: Slaac = new Slaac(
      {
        claim: (at, address) => this.claim(at, address, 64, link, this.slaacOwner(address, link)),
        remove: (address) => this.let(address, link),
        deprecate: (address, deprecated) => this.deprecate(address, link, deprecated),
      },
      device.name,
      secret,
    );
    let defaultRoute: Route | null = null;
    const discovery: RouterDiscovery = new RouterDiscovery(
      {
        solicit: (at) => this.wire?.solicitRouters(at, link, this.linkLocalOf(link)),
        defaultRouter: (router) => {
          if (defaultRoute !== null) this.network.routes.removeWhere((each) => each === defaultRoute);
          const spec = { destination: DEFAULT_6, link, gateway: router, metric: DEFAULT_METRIC };
          defaultRoute = router === null ? null : this.route(spec);
        },
        onLink: (prefix, bits, present) => {
          const destination = { address: prefix, bits };
          if (present) this.route({ destination, link, metric: PREFIX_METRIC });
          else this.network.routes.removeWhere((each) => isPrefixRoute(each, prefix, bits, link));
        },
        autonomous: (at, prefix, bits, preferred, valid) => slaac.prefix(at, prefix, bits, preferred, valid),
        linkMtu: (mtu) => {
          if (device.announcedMtu === mtu) return;
          device.announcedMtu = mtu;
          this.network.deviceChanged();
        },
        hopLimit: (hops) => {
          this.config.ipv6HopLimit = hops;
        },
        neighbourTimes: (reachable, retrans) => this.neighbours?.setTimes(reachable, retrans),
      },
      random32,
    );
    this.autoconfigured.push({ link, discovery, slaac });
    slaac.linkLocal(now);
  }

  /** Every address and what it may be used for. */
  list(): AddressStatus[] {
    const status = (
      address: Uint8Array,
      bits: number,
      link: number,
      state: AddressStatus['state'],
    ): AddressStatus => {
      const made = this.autoconfigured.find((each) => each.link === link)?.slaac.all;
      const life = made?.find((each) => equalAddress(each.address, 0, address, 0));
      return {
        address: formatAddress(address),
        prefix: isIpv4(address) ? bits - 96 : bits,
        link,
        state,
        preferredUntil: life?.preferredUntil ?? Number.POSITIVE_INFINITY,
        validUntil: life?.validUntil ?? Number.POSITIVE_INFINITY,
      };
    };
    return [
      ...this.network.addresses.all.map((each) =>
        status(each.address, each.bits, each.link, each.deprecated ? 'deprecated' : 'preferred'),
      ),
      ...this.claims.all.map((each) => status(each.address, each.bits, each.link, 'tentative')),
      ...this.failed.map((each) => status(each.address, each.bits, each.link, 'duplicate')),
    ];
  }

  // --- what comes by the wire ---

  /** A router advertisement that `nd.checkNd` found good, with its options. */
  routerAdvertisement(
    now: number,
    bytes: Uint8Array,
    packet: IpPacket,
    link: number,
    options: nd.NdOptions,
  ): void {
    const found = this.autoconfigured.find((each) => each.link === link);
    if (found === undefined) return;
    const { mtu } = this.network.device(link);
    const taken = found.discovery.advertisement(now, bytes, packet.payload, packet.source, options, mtu);
    if (!taken || options.sourceLinkAddress < 0) return;
    this.neighbours?.solicited(now, packet.source, 0, link, bytes, options.sourceLinkAddress);
    this.neighbours?.markRouter(packet.source, 0, link);
  }

  neighbourFailed(address: Uint8Array, link: number): void {
    this.autoconfigured.find((each) => each.link === link)?.discovery.neighbourFailed(address);
  }

  nextTimeout(): number {
    let next = this.claims.nextTimeout();
    for (const { discovery, slaac } of this.autoconfigured) {
      next = Math.min(next, discovery.nextTimeout(), slaac.nextTimeout());
    }
    return next;
  }

  onTimer(now: number): void {
    this.claims.onTimer(now, this.config.ipv6DadTransmits);
    for (const { discovery, slaac } of this.autoconfigured) {
      if (slaac.nextTimeout() <= now) slaac.onTimer(now);
      if (discovery.nextTimeout() <= now) discovery.onTimer(now);
    }
  }

  // --- what claims want ---

  probe(now: number, claim: Claim): void {
    this.wire?.probe(now, claim);
  }

  announce(now: number, address: Uint8Array, link: number): void {
    this.wire?.announce(now, address, link);
  }

  ended(_now: number, claim: Claim, duplicate: boolean, hardware: Uint8Array | null): void {
    this.leave(claim);
    if (duplicate) this.failed.push({ address: claim.address, bits: claim.bits, link: claim.link });
    // One for each address that the owner wanted, but never more than that at a time.
    if (this.failed.length > 64) this.failed.shift();
    this.tell(duplicate ? 'duplicate' : 'assigned', claim.address, claim.link, hardware);
  }

  conflict(now: number, address: Uint8Array, link: number, hardware: Uint8Array, defended: boolean): void {
    this.tell('conflict', address, link, hardware);
    if (!defended) this.onConflict?.(now, address, link);
  }

  // --- parts of the above ---

  private wantsClaim(option: AddressOption, address: Uint8Array, link: number): boolean {
    if (this.network.device(link).link?.framing !== 'ethernet' || this.wire === null) return false;
    const { ipv6AcceptDad, ipv6DadTransmits } = this.config;
    return option.detectDuplicates ?? (!isIpv4(address) && ipv6AcceptDad > 0 && ipv6DadTransmits > 0);
  }

  private slaacOwner(address: Uint8Array, link: number): ClaimOwner {
    const slaac = () => this.autoconfigured.find((each) => each.link === link);
    return {
      assigned: (now) => {
        if (this.network.addresses.find(address, 0, link) === undefined) {
          this.network.addresses.add(address, 64, link);
        }
        if (isLinkLocal(address)) {
          this.route({ destination: networkOf(address, 64), link, metric: PREFIX_METRIC });
          slaac()?.discovery.start(now);
        }
        slaac()?.slaac.assigned(now, address);
      },
      duplicate: (now) => slaac()?.slaac.duplicate(now, address),
    };
  }

  /** An address that was made from an announcement goes, tentative or not. */
  private let(address: Uint8Array, link: number): void {
    const claim = this.claims.find(address, 0, link);
    if (claim !== undefined) {
      this.claims.cancel(address);
      this.leave(claim);
    } else if (this.network.addresses.find(address, 0, link) !== undefined) {
      this.network.addresses.remove(address);
    }
    this.tell('removed', address, link, null);
  }

  private deprecate(address: Uint8Array, link: number, deprecated: boolean): void {
    const entry = this.network.addresses.find(address, 0, link);
    if (entry === undefined) return;
    this.network.addresses.deprecate(entry, deprecated);
    this.tell(deprecated ? 'deprecated' : 'preferred', address, link, null);
  }

  /** A route that the owner has not set himself in the same words. */
  private route(spec: RouteSpec): Route | null {
    try {
      return this.network.routes.add(spec);
    } catch (error) {
      if (error instanceof RouteError) return null;
      throw error;
    }
  }

  private leave(claim: Claim): void {
    if (!isIpv4(claim.address)) this.network.addresses.groups.leave(groupOf(claim.address), claim.link);
  }

  private linkLocalOf(link: number): Uint8Array | null {
    const found = this.network.addresses.all.find(
      (each) => each.link === link && !isIpv4(each.address) && isLinkLocal(each.address),
    );
    return found?.address ?? null;
  }

  private forgetFailure(address: Uint8Array, link: number): boolean {
    const at = this.failed.findIndex(
      (each) => (link < 0 || each.link === link) && equalAddress(each.address, 0, address, 0),
    );
    if (at >= 0) this.failed.splice(at, 1);
    return at >= 0;
  }

  private tell(
    type: AddressEvent['type'],
    address: Uint8Array,
    link: number,
    hardware: Uint8Array | null,
  ): void {
    this.onEvent?.({
      type,
      address: formatAddress(address),
      link,
      hardwareAddress: hardware === null ? null : formatHardware(hardware),
    });
  }
}

function isPrefixRoute(route: Route, prefix: Uint8Array, bits: number, link: number): boolean {
  const { destination, metric, gateway } = route;
  if (route.link !== link || metric !== PREFIX_METRIC || gateway !== null || destination.bits !== bits)
    return false;
  return equalAddress(destination.address, 0, prefix, 0);
}

function groupOf(address: Uint8Array): Uint8Array {
  const group = new Uint8Array(16);
  solicitedNode(group, 0, address, 0);
  return group;
}
