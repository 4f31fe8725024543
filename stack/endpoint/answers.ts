// What IP itself answers a packet with: echo replies and ICMP errors, sent to where the packet came from.
import type { StackCounters } from '../host/ip-counters.js';
import { indexOfLink, type NetworkLayer } from '../host/network.js';
import type { IpInput } from '../ip/input.js';
import { ipHeaderLength } from '../ip/output.js';
import { isLinkLocal } from '../wire/address.js';
import { ICMPV6_PROTOCOL } from '../wire/icmpv6.js';
import { id as ipv4Id } from '../wire/ipv4.js';
import { FragmentOutput } from './fragment-output.js';
import { countIcmpOutput } from './output-counters.js';
import type { PacketOutput } from './packet-output.js';

/** Most bytes that an answer of IP's own can have, quote included. */
const ANSWER_MAX = 1280;

/** The interface that tells the addresses of a packet from `link` apart: for link-local ones, otherwise 0. */
export function zoneBetween(ipv6: boolean, a: Uint8Array, b: Uint8Array, link: number): number {
  return ipv6 && (isLinkLocal(a) || isLinkLocal(b)) ? indexOfLink(link) : 0;
}

/** Everything here is about the packet that `ip` has just received. */
export class Answers {
  private readonly output: PacketOutput;
  private readonly network: NetworkLayer;
  private readonly ip: IpInput;
  private readonly counters: StackCounters;
  private readonly fragments: FragmentOutput;
  private readonly scratch = new Uint8Array(16);

  constructor(parts: { output: PacketOutput; network: NetworkLayer; ip: IpInput; counters: StackCounters }) {
    this.output = parts.output;
    this.network = parts.network;
    this.ip = parts.ip;
    this.counters = parts.counters;
    this.fragments = new FragmentOutput(parts.output);
  }

  zone(): number {
    const { packet, link } = this.ip;
    return zoneBetween(packet.ipv6, packet.source, packet.destination, link);
  }

  /** The address of ours from which to answer a packet that went to a group. */
  ownSource(): Uint8Array | null {
    return this.network.selectSource(this.ip.packet.source, this.zone(), this.scratch) ? this.scratch : null;
  }

  /**
   * Sends what `write` puts into a buffer (bytes written, 0: nothing) to the packet's source.
   * @param room most bytes that `write` needs
   */
  answer(now: number, write: (out: Uint8Array, at: number) => number, room: number = ANSWER_MAX): void {
    const { packet } = this.ip;
    const { party } = this.output;
    const zone = this.zone();
    const path = this.network.path(packet.source, zone);
    if (path === null) return;
    const index = this.output.allocate(Math.max(room, ANSWER_MAX));
    if (index < 0) return;
    const start = party.start(index);
    const written = write(party.bytes, start);
    if (written === 0) {
      this.output.discard(index);
      return;
    }
    party.setLength(index, written);
    // What IP answers with has a header without options.
    const type = party.bytes[start + ipHeaderLength(packet.ipv6)];
    countIcmpOutput(this.counters.ip, packet.ipv6, type);
    const mtu = this.network.mtu(path, packet.source, zone, now);
    if (written <= mtu) {
      this.output.send(index, path.device, path.nextHop, this.output.defaultChannel, null, 0, now);
      return;
    }
    // Only an echo reply is as long as what was asked for; an error quotes no more than a minimum packet (RFC 4443 2.4).
    const id = packet.ipv6
      ? this.network.ids.next(packet.destination, packet.source, ICMPV6_PROTOCOL)
      : ipv4Id(party.bytes, start);
    this.fragments.send(index, written, mtu, id, path, null, 0, now);
  }
}
