// What ARP (RFC 826, RFC 5227) and neighbour discovery (RFC 4861 section 7) on the wire mean for the neighbour cache, and
// the packets that this stack sends for them, whole but for the Ethernet header. Knows the cache and the table of own
// addresses; no buffers, no links.

import { isIpv4, isMulticast, isUnspecified, mapIpv4, parseAddress, solicitedNode } from '../wire/address.js';
import * as arp from '../wire/arp.js';
import { equalBytes } from '../wire/bytes.js';
import { ETH_BROADCAST } from '../wire/ethernet.js';
import * as icmpv6 from '../wire/icmpv6.js';
import * as ipv6 from '../wire/ipv6.js';
import * as nd from '../wire/nd.js';
import type { AddressClaims } from './address-claims.js';
import { type AddressTable, DST_UNICAST } from './addresses.js';
import type { NeighbourCache } from './neighbour-cache.js';
import type { IpPacket } from './packet.js';

/** An ARP reply is believed to replace another one only after this long (Linux's locktime, 1 s). */
const ARP_LOCK_TIME = 1e6;
const UNKNOWN = new Uint8Array(6);
const UNSPECIFIED = new Uint8Array(16);
const NO_ADDRESS = parseAddress('0.0.0.0');
const ALL_ROUTERS = parseAddress('ff02::2');

/** A packet to send, as `Resolution` wrote it: its length, and where the frame goes. */
export class ResolutionReply {
  /** Bytes at the offset given; 0: nothing is to be sent. */
  length = 0;
  readonly hardware: Uint8Array = new Uint8Array(6);
  /** Address of the neighbour for which the frame is meant. */
  readonly to: Uint8Array = new Uint8Array(16);
}

export class Resolution {
  readonly #cache: NeighbourCache;
  readonly #addresses: AddressTable;
  readonly #options = new nd.NdOptions();
  readonly #sender = new Uint8Array(16);
  readonly #target = new Uint8Array(16);
  readonly #group = new Uint8Array(16);

  readonly #claims: AddressClaims | null;

  /** `claims`: told of every sign that another host has or wants an address of ours. */
  constructor(cache: NeighbourCache, addresses: AddressTable, claims: AddressClaims | null = null) {
    this.#cache = cache;
    this.#addresses = addresses;
    this.#claims = claims;
  }

  /**
   * An ARP packet of `len` bytes at `b[o]` came by `link`, whose own hardware address is `own`. The answer, if any, is
   * written to `out[at]` (28 bytes) and described in `reply`. Returns false for a packet that is not understood.
   */
  arpInput(
    now: number,
    b: Uint8Array,
    o: number,
    len: number,
    link: number,
    own: Uint8Array,
    out: Uint8Array,
    at: number,
    reply: ResolutionReply,
  ): boolean {
    reply.length = 0;
    if (arp.checkArp(b, o, len) !== 0) return false;
    mapIpv4(this.#sender, 0, b, o + arp.ARP_OFF_SPA);
    mapIpv4(this.#target, 0, b, o + arp.ARP_OFF_TPA);
    const sha = o + arp.ARP_OFF_SHA;
    // A sender that is a group, or us, says nothing that could be believed.
    if ((b[sha] & 1) === 1 || isMulticast(this.#sender) || equalBytes(b, sha, own, 0, 6)) return true;
    const probe = isUnspecified(this.#sender);
    if (this.#conflicts4(now, b, sha, link, probe)) return true;
    const ours = this.#addresses.isLocal(this.#target, 0);
    if (arp.operation(b, o) === arp.ARP_REQUEST && ours) {
      // A probe (RFC 5227) is answered, and teaches nothing.
      if (!probe) this.#cache.solicited(now, this.#sender, 0, link, b, sha);
      arp.writeArp(out, at, arp.ARP_REPLY, own, this.#target, 12, b.subarray(sha, sha + 6), this.#sender, 12);
      reply.length = arp.ARP_LENGTH;
      reply.hardware.set(b.subarray(sha, sha + 6));
      reply.to.set(this.#sender);
      return true;
    }
    if (probe) return true;
    // Everything else only updates what is known (RFC 826's merge flag); a reply to us confirms.
    const n = this.#cache.get(this.#sender, 0, link);
    if (n === undefined) return true;
    const answer = arp.operation(b, o) === arp.ARP_REPLY && ours;
    const override = now > n.updated + ARP_LOCK_TIME;
    this.#cache.advertised(now, this.#sender, 0, link, b, sha, answer, override, n.isRouter);
    return true;
  }

  // RFC 5227 sections 2.1.1 and 2.4: whoever sends from an address that we claim or have; a probe for one that we claim.
  #conflicts4(now: number, b: Uint8Array, sha: number, link: number, probe: boolean): boolean {
    const hardware = b.subarray(sha, sha + 6);
    const claims = this.#claims;
    if (claims?.contested(now, probe ? this.#target : this.#sender, 0, link, hardware)) return true;
    if (probe || !this.#addresses.isLocal(this.#sender, 0)) return false;
    if (this.#addresses.find(this.#sender, 0, link) !== undefined) {
      claims?.conflict(now, this.#sender, link, hardware);
    }
    return true;
  }

  /** Writes an ARP request for `target` (mapped) to `out[at]`; `unicast` null: broadcast. Describes it in `reply`. */
  arpRequest(
    own: Uint8Array,
    source: Uint8Array,
    target: Uint8Array,
    unicast: Uint8Array | null,
    out: Uint8Array,
    at: number,
    reply: ResolutionReply,
  ): void {
    arp.writeArp(out, at, arp.ARP_REQUEST, own, source, 12, UNKNOWN, target, 12);
    reply.length = arp.ARP_LENGTH;
    reply.hardware.set(unicast ?? ETH_BROADCAST);
    reply.to.set(target);
  }

  /**
   * The ICMPv6 message of `packet` (checksum verified) came by `link`. Neighbour solicitations and advertisements go to
   * the cache; an answer is written to `out[at]` as a whole IPv6 packet (72 bytes). False for messages that RFC 4861 wants
   * dropped and for those that are no such message.
   */
  ndInput(
    now: number,
    b: Uint8Array,
    packet: IpPacket,
    link: number,
    own: Uint8Array,
    out: Uint8Array,
    at: number,
    reply: ResolutionReply,
  ): boolean {
    reply.length = 0;
    const o = packet.payload;
    const type = packet.payloadLength > 0 ? b[o] : 0;
    const solicitation = type === icmpv6.ICMPV6_NEIGHBOR_SOLICITATION;
    if (!solicitation && type !== icmpv6.ICMPV6_NEIGHBOR_ADVERTISEMENT) return false;
    const options = this.#options;
    if (nd.checkNd(b, o, packet.payloadLength, packet.ttl, options) !== 0) return false;
    const target = o + nd.ND_OFF_TARGET;
    // What a loop brings back to us was said by us.
    if (options.targetLinkAddress >= 0 && equalBytes(b, options.targetLinkAddress, own, 0, 6)) return true;
    return solicitation
      ? this.#solicitation(now, b, packet, target, link, own, out, at, reply)
      : this.#advertisement(now, b, packet, target, link);
  }

  #solicitation(
    now: number,
    b: Uint8Array,
    packet: IpPacket,
    target: number,
    link: number,
    own: Uint8Array,
    out: Uint8Array,
    at: number,
    reply: ResolutionReply,
  ): boolean {
    const hw = this.#options.sourceLinkAddress;
    const probe = isUnspecified(packet.source);
    // RFC 4861 section 7.1.1: duplicate address detection goes to the solicited-node group, without an option.
    if (probe && (hw >= 0 || !isMulticast(packet.destination))) return false;
    const claim = this.#claims?.find(b, target, link);
    if (claim !== undefined) {
      // RFC 4862 section 5.4.3: another host probes the same address; who only asks for it gets no answer. RFC 7527: a
      // solicitation with our own nonce is our own, and came back.
      const { nonce } = this.#options;
      const own = nonce >= 0 && equalBytes(b, nonce, claim.nonce, 0, 6);
      if (probe && !own) this.#claims?.contested(now, b, target, link, null);
      return true;
    }
    if (this.#addresses.classify(b, target, link) !== DST_UNICAST) return true;
    this.#target.set(b.subarray(target, target + 16));
    if (!probe && hw >= 0) this.#cache.solicited(now, packet.source, 0, link, b, hw);
    // To the asker, or to all nodes when it has no address yet (section 7.2.4).
    if (probe) allNodes(this.#group);
    const to = probe ? this.#group : packet.source;
    const flags = probe ? nd.ND_OVERRIDE : nd.ND_SOLICITED | nd.ND_OVERRIDE;
    reply.length = this.#write(out, at, true, flags >>> 0, this.#target, this.#target, to, own);
    reply.to.set(to);
    if (probe) reply.hardware.set([0x33, 0x33, 0, 0, 0, 1]);
    else if (hw >= 0) reply.hardware.set(b.subarray(hw, hw + 6));
    else {
      const known = this.#cache.get(packet.source, 0, link);
      if (known?.usable) reply.hardware.set(known.hardware);
      // Without any hardware address the answer has to be resolved by whoever sends it.
      else reply.hardware.fill(0);
    }
    return true;
  }

  #advertisement(now: number, b: Uint8Array, packet: IpPacket, target: number, link: number): boolean {
    const flags = nd.advertisementFlags(b, packet.payload);
    const answer = (flags & nd.ND_SOLICITED) !== 0;
    // Section 7.1.2: an answer to a group is none.
    if (answer && isMulticast(packet.destination)) return false;
    const hw = this.#options.targetLinkAddress;
    const hardware = hw < 0 ? null : b.subarray(hw, hw + 6);
    // Section 5.4.4 of RFC 4862.
    if (this.#claims?.contested(now, b, target, link, hardware)) return true;
    if (this.#addresses.classify(b, target, link) === DST_UNICAST) {
      if (hardware !== null) this.#claims?.conflict(now, b.slice(target, target + 16), link, hardware);
      return true;
    }
    const override = (flags & nd.ND_OVERRIDE) !== 0;
    const router = (flags & nd.ND_ROUTER) !== 0;
    this.#cache.advertised(
      now,
      b,
      target,
      link,
      hw < 0 ? null : b,
      Math.max(hw, 0),
      answer,
      override,
      router,
    );
    return true;
  }

  /**
   * Writes a neighbour solicitation for `target`, from `source`, as a whole IPv6 packet to `out[at]` (72 bytes);
   * `unicast` null: to the solicited-node group.
   */
  neighborSolicitation(
    own: Uint8Array,
    source: Uint8Array,
    target: Uint8Array,
    unicast: Uint8Array | null,
    out: Uint8Array,
    at: number,
    reply: ResolutionReply,
  ): void {
    solicitedNode(this.#group, 0, target, 0);
    const to = unicast === null ? this.#group : target;
    reply.length = this.#write(out, at, false, 0, target, source, to, own);
    reply.to.set(to);
    if (unicast !== null) reply.hardware.set(unicast);
    else reply.hardware.set([0x33, 0x33, 0xff, target[13], target[14], target[15]]);
  }

  /** Writes an ARP probe (from no address) or announcement (about itself) for the IPv4 `address`: RFC 5227 sections 2.1, 2.3. */
  arpClaim(
    own: Uint8Array,
    address: Uint8Array,
    probe: boolean,
    out: Uint8Array,
    at: number,
    reply: ResolutionReply,
  ): void {
    this.arpRequest(own, probe ? NO_ADDRESS : address, address, null, out, at, reply);
  }

  /** Writes a solicitation for duplicate address detection (RFC 4862 section 5.4.2) with a nonce (RFC 7527). */
  duplicateSolicitation(
    target: Uint8Array,
    nonce: Uint8Array,
    out: Uint8Array,
    at: number,
    reply: ResolutionReply,
  ): void {
    solicitedNode(this.#group, 0, target, 0);
    const o = at + ipv6.IPV6_HEADER;
    const length = nd.writeNonce(out, nd.writeNeighbor(out, o, false, 0, target, 0, null), nonce) - o;
    this.#finish(out, at, length, UNSPECIFIED, this.#group);
    reply.length = ipv6.IPV6_HEADER + length;
    reply.to.set(this.#group);
    reply.hardware.set([0x33, 0x33, 0xff, target[13], target[14], target[15]]);
  }

  /** Writes a router solicitation from `source` (null: no address yet, then without our hardware address; RFC 4861 4.1). */
  routerSolicitation(
    own: Uint8Array,
    source: Uint8Array | null,
    out: Uint8Array,
    at: number,
    reply: ResolutionReply,
  ): void {
    const o = at + ipv6.IPV6_HEADER;
    const length = nd.writeRouterSolicitation(out, o, source === null ? null : own) - o;
    this.#finish(out, at, length, source ?? UNSPECIFIED, ALL_ROUTERS);
    reply.length = ipv6.IPV6_HEADER + length;
    reply.to.set(ALL_ROUTERS);
    reply.hardware.set([0x33, 0x33, 0, 0, 0, 2]);
  }

  #write(
    out: Uint8Array,
    at: number,
    advertisement: boolean,
    flags: number,
    target: Uint8Array,
    source: Uint8Array,
    to: Uint8Array,
    own: Uint8Array,
  ): number {
    const o = at + ipv6.IPV6_HEADER;
    const length = nd.writeNeighbor(out, o, advertisement, flags, target, 0, own) - o;
    this.#finish(out, at, length, source, to);
    return ipv6.IPV6_HEADER + length;
  }

  /** The IPv6 header before, and the checksum of, the message of `length` bytes. Hop limit 255 (RFC 4861). */
  #finish(out: Uint8Array, at: number, length: number, source: Uint8Array, to: Uint8Array): void {
    ipv6.writeIpv6(out, at, 0, 0, length, icmpv6.ICMPV6_PROTOCOL, 255, source, 0, to, 0);
    icmpv6.finishIcmpv6(out, at + ipv6.IPV6_HEADER, length, source, 0, to, 0);
  }
}

function allNodes(out: Uint8Array): void {
  out.fill(0);
  out[0] = 0xff;
  out[1] = 2;
  out[15] = 1;
}

/** Whether ARP (true) or neighbour discovery (false) resolves an address. */
export function usesArp(address: Uint8Array): boolean {
  return isIpv4(address);
}
