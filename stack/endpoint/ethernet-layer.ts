// Below IP on Ethernet links: headers for packets that go out, neighbours that have to be asked first (ARP, neighbour
// discovery), and the answers to those who ask. Knows addresses and devices; no flows and no sockets.
import type { NetworkLayer } from '../host/network.js';
import type { Claim } from '../ip/address-claims.js';
import { ICMP_ERROR_MAX, writeIcmpError } from '../ip/icmp-build.js';
import type { Neighbour } from '../ip/neighbour.js';
import { NeighbourCache, type NeighbourIo } from '../ip/neighbour-cache.js';
import type { IpPacket } from '../ip/packet.js';
import { Resolution, ResolutionReply } from '../ip/resolution.js';
import { isIpv4, isLimitedBroadcast, isMulticast } from '../wire/address.js';
import {
  ETH_BROADCAST,
  ETH_HEADER,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  multicastHardware,
  writeEthernet,
} from '../wire/ethernet.js';
import * as icmp from '../wire/icmp.js';
import * as icmpv6 from '../wire/icmpv6.js';
import * as ipv4 from '../wire/ipv4.js';
import * as ipv6 from '../wire/ipv6.js';
import * as nd from '../wire/nd.js';
import type { Addressing, AddressingWire } from './addressing.js';
import { GroupMembership } from './group-membership.js';
import { countIcmpOutput, countRequest, countTransmit } from './output-counters.js';
import type { LinkLayerInput } from './packet-input.js';
import type { LinkLayer, PacketOutput } from './packet-output.js';

/** Room for an ARP packet or a neighbour message with its IPv6 header. */
const MESSAGE = 128;

export class EthernetLayer implements LinkLayer, LinkLayerInput, NeighbourIo, AddressingWire {
  readonly neighbours: NeighbourCache;
  private readonly resolution: Resolution;
  private readonly addressing: Addressing;
  private readonly options = new nd.NdOptions();
  private readonly membership: GroupMembership;
  private readonly network: NetworkLayer;
  private readonly output: PacketOutput;
  private readonly reply = new ResolutionReply();
  /** What this host says by itself, which may happen while an answer is being made. */
  private readonly word = new ResolutionReply();
  private readonly hardware = new Uint8Array(6);

  constructor(network: NetworkLayer, output: PacketOutput, addressing: Addressing, random32: () => number) {
    this.network = network;
    this.addressing = addressing;
    this.output = output;
    // A quarter of the buffers, and half at the very most, may wait for neighbours.
    this.neighbours = new NeighbourCache(this, random32, {
      waitingLimit: Math.max(1, output.party.smallCount >>> 2),
    });
    this.resolution = new Resolution(this.neighbours, network.addresses, addressing.claims);
    this.membership = new GroupMembership(network, output, random32, this.sendToGroup);
    addressing.wire = this;
    addressing.neighbours = this.neighbours;
  }

  // --- packets of ours ---

  resolve(index: number, link: number, nextHop: Uint8Array, now: number): boolean {
    if (isMulticast(nextHop)) {
      multicastHardware(this.hardware, 0, nextHop, 0, isIpv4(nextHop));
      this.putHeader(index, link, this.hardware, isIpv4(nextHop) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
      return true;
    }
    if (isLimitedBroadcast(nextHop) || this.network.addresses.isDirectedBroadcast(nextHop, 0, link)) {
      this.putHeader(index, link, ETH_BROADCAST, ETHERTYPE_IPV4);
      return true;
    }
    const neighbour = this.neighbours.output(now, nextHop, 0, link, index);
    if (neighbour === null) return false;
    this.putHeader(index, link, neighbour.hardware, isIpv4(nextHop) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
    return true;
  }

  confirm(link: number, nextHop: Uint8Array, now: number): void {
    const neighbour = this.neighbours.get(nextHop, 0, link);
    if (neighbour !== undefined) this.neighbours.confirm(now, neighbour);
  }

  /** Puts the link's header before the packet, in the buffer's headroom. */
  private putHeader(index: number, link: number, to: Uint8Array, type: number): void {
    const { party } = this.output;
    party.setOffset(index, party.offset(index) - ETH_HEADER);
    party.setLength(index, party.length(index) + ETH_HEADER);
    party.setL3Offset(index, ETH_HEADER);
    if (party.csumOffset(index) > 0) {
      party.setCsumPlace(index, party.csumStart(index) + ETH_HEADER, party.csumOffset(index));
    }
    const own = this.network.device(link).link!.hardwareAddress!;
    writeEthernet(party.bytes, party.start(index), to, 0, own, 0, type);
  }

  // --- what the neighbour cache wants ---

  solicit(now: number, n: Neighbour, unicast: boolean): void {
    const source = this.network.addresses.selectSource(n.address, 0, n.link, n.address, 0);
    if (source === null) return;
    const to = unicast ? n.hardware : null;
    this.say(n.link, isIpv4(n.address), now, (own, out, at) => {
      if (isIpv4(n.address)) this.resolution.arpRequest(own, source, n.address, to, out, at, this.word);
      else this.resolution.neighborSolicitation(own, source, n.address, to, out, at, this.word);
    });
  }

  release(now: number, n: Neighbour, packet: number): void {
    this.putHeader(packet, n.link, n.hardware, isIpv4(n.address) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
    this.output.sendFrame(packet, n.link, now);
  }

  drop(now: number, _n: Neighbour, packet: number, unreachable: boolean): void {
    if (unreachable) this.reportUnreachable(now, packet);
    this.output.discard(packet);
  }

  failed(_now: number, n: Neighbour): void {
    this.addressing.neighbourFailed(n.address, n.link);
  }

  /**
   * Tells the sender of a packet whose next hop does not answer, which is a socket here: as a router would by ICMP, the way that
   * Linux takes (arp_error_report, ndisc_error_report). Without limits: it stays within the host.
   */
  private reportUnreachable(now: number, packet: number): void {
    const { party } = this.output;
    const { bytes } = party;
    const at = party.start(packet);
    const v6 = bytes[at] >>> 4 === 6;
    const own = new Uint8Array(16);
    if (v6) ipv6.readSource(bytes, at, own, 0);
    else ipv4.readSource(bytes, at, own, 0);
    if (!this.network.isLocal(own)) return;
    const index = this.output.allocate(ICMP_ERROR_MAX);
    if (index < 0) return;
    const [type, code] = v6
      ? [icmpv6.ICMPV6_UNREACHABLE, icmpv6.ICMPV6_ADDRESS_UNREACHABLE]
      : [icmp.ICMP_UNREACHABLE, icmp.ICMP_HOST_UNREACHABLE];
    const start = party.start(index);
    const length = party.length(packet);
    party.setLength(index, writeIcmpError(bytes, start, own, own, type, code, 0, bytes, at, length, 64, 0));
    this.output.reinject(index, party.interface(packet), now);
  }

  // --- what own addresses want ---

  probe(now: number, claim: Claim): void {
    const { address, link, nonce } = claim;
    this.say(link, isIpv4(address), now, (own, out, at) => {
      if (isIpv4(address)) this.resolution.arpClaim(own, address, true, out, at, this.word);
      else this.resolution.duplicateSolicitation(address, nonce, out, at, this.word);
    });
  }

  announce(now: number, address: Uint8Array, link: number): void {
    this.say(link, true, now, (own, out, at) =>
      this.resolution.arpClaim(own, address, false, out, at, this.word),
    );
  }

  solicitRouters(now: number, link: number, source: Uint8Array | null): void {
    this.say(link, false, now, (own, out, at) =>
      this.resolution.routerSolicitation(own, source, out, at, this.word),
    );
  }

  /** Sends what `write` puts into a buffer and describes in `word`. */
  private say(
    link: number,
    arp: boolean,
    now: number,
    write: (own: Uint8Array, out: Uint8Array, at: number) => void,
  ): void {
    const device = this.network.device(link);
    const own = device.link?.hardwareAddress ?? null;
    const index = own === null || !device.up ? -1 : this.output.allocate(MESSAGE);
    if (own === null || index < 0) return;
    write(own, this.output.party.bytes, this.output.party.start(index));
    this.sendReply(index, link, arp, this.word, now);
  }

  // --- what neighbours want ---

  arp(bytes: Uint8Array, start: number, length: number, link: number, now: number): void {
    const own = this.network.device(link).link!.hardwareAddress;
    if (own === null || length < ETH_HEADER) return;
    if (((bytes[start + 12] << 8) | bytes[start + 13]) !== ETHERTYPE_ARP) return;
    this.answer(link, true, now, (out, at) =>
      this.resolution.arpInput(
        now,
        bytes,
        start + ETH_HEADER,
        length - ETH_HEADER,
        link,
        own,
        out,
        at,
        this.reply,
      ),
    );
  }

  nd(bytes: Uint8Array, packet: IpPacket, link: number, now: number): void {
    const own = this.network.device(link)?.link?.hardwareAddress ?? null;
    if (own === null) return;
    if (bytes[packet.payload] === icmpv6.ICMPV6_ROUTER_ADVERTISEMENT) {
      const good = nd.checkNd(bytes, packet.payload, packet.payloadLength, packet.ttl, this.options) === 0;
      if (good) this.addressing.routerAdvertisement(now, bytes, packet, link, this.options);
      return;
    }
    this.answer(link, false, now, (out, at) =>
      this.resolution.ndInput(now, bytes, packet, link, own, out, at, this.reply),
    );
  }

  private answer(
    link: number,
    arp: boolean,
    now: number,
    write: (out: Uint8Array, at: number) => boolean,
  ): void {
    const index = this.output.allocate(MESSAGE);
    if (index < 0) return;
    const { party } = this.output;
    const understood = write(party.bytes, party.start(index));
    if (!understood || this.reply.length === 0) this.output.discard(index);
    else this.sendReply(index, link, arp, this.reply, now);
  }

  /** Sends what `reply` describes. Without a hardware address it is resolved like any packet. */
  private sendReply(index: number, link: number, arp: boolean, reply: ResolutionReply, now: number): void {
    const { output } = this;
    const { party } = output;
    party.setLength(index, reply.length);
    party.setChannel(index, output.defaultChannel);
    party.setInterface(index, link);
    const at = party.start(index);
    if (!arp) countIcmpOutput(output.counters, true, party.bytes[at + ipv6.IPV6_HEADER]);
    const known = reply.hardware.some((byte) => byte !== 0);
    if (!known) {
      output.send(index, this.network.device(link), reply.to.slice(), output.defaultChannel, null, 0, now);
      return;
    }
    if (!arp) countTransmit(output.counters, party.bytes, at, reply.length);
    this.putHeader(index, link, reply.hardware, arp ? ETHERTYPE_ARP : ETHERTYPE_IPV6);
    output.sendFrame(index, link, now);
  }

  groups(bytes: Uint8Array, packet: IpPacket, link: number, now: number): void {
    this.membership.input(bytes, packet, link, now);
  }

  /** Sends a network-layer packet that is ready in a buffer to a group, whatever the routes say. */
  private readonly sendToGroup = (index: number, link: number, group: Uint8Array, now: number): void => {
    const { output } = this;
    const { party } = output;
    const at = party.start(index);
    // A report of MLD has its router alert before it (RFC 3810 section 5).
    if (isIpv4(group)) countRequest(output.counters, false);
    else countIcmpOutput(output.counters, true, party.bytes[at + ipv6.IPV6_HEADER + 8]);
    countTransmit(output.counters, party.bytes, at, party.length(index));
    output.party.setChannel(index, output.defaultChannel);
    output.party.setInterface(index, link);
    multicastHardware(this.hardware, 0, group, 0, isIpv4(group));
    this.putHeader(index, link, this.hardware, isIpv4(group) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
    output.sendFrame(index, link, now);
  };

  nextTimeout(): number {
    return Math.min(
      this.neighbours.nextTimeout(),
      this.membership.nextTimeout(),
      this.addressing.nextTimeout(),
    );
  }

  onTimer(now: number): void {
    this.neighbours.onTimer(now);
    this.addressing.onTimer(now);
    this.membership.onTimer(now);
  }

  /** Forgets all neighbours, and drops what waits for those that never answered. */
  close(now: number): void {
    this.neighbours.flush(now);
  }
}
