// IGMP and MLD on the Ethernet links of a stack: what hosts and routers say about groups goes to the link's reports, and
// what these want to say goes out. Links without Ethernet have nobody between who would ask.
import type { NetworkLayer } from '../host/network.js';
import { type GroupMessage, GroupReports } from '../ip/group-reports.js';
import {
  MAX_RECORDS as IGMP_RECORDS,
  igmpInput,
  MAX_PACKET as MAX_IGMP,
  writeIgmpPacket,
} from '../ip/igmp.js';
import { MAX_REPORT, MAX_RECORDS as MLD_RECORDS, mldInput, writeMldPacket } from '../ip/mld.js';
import type { IpPacket } from '../ip/packet.js';
import { isIpv4, isLinkLocal, isLoopback } from '../wire/address.js';
import { IGMP_PROTOCOL } from '../wire/igmp.js';
import type { PacketOutput } from './packet-output.js';

type SendToGroup = (index: number, link: number, group: Uint8Array, now: number) => void;

/** What one family on one link has to say. */
interface LinkReports {
  readonly link: number;
  readonly v4: boolean;
  reports: GroupReports;
}

export class GroupMembership {
  private readonly network: NetworkLayer;
  private readonly output: PacketOutput;
  private readonly send: SendToGroup;
  private readonly random32: () => number;
  private readonly links: readonly LinkReports[];
  private readonly to = new Uint8Array(16);
  private generation = -1;

  constructor(network: NetworkLayer, output: PacketOutput, random32: () => number, send: SendToGroup) {
    this.network = network;
    this.output = output;
    this.send = send;
    this.random32 = random32;
    this.links = network.devices
      .filter(({ link }) => link?.framing === 'ethernet')
      .flatMap(({ number }) =>
        [true, false].map((v4) => ({ link: number, v4, reports: new GroupReports(random32) })),
      );
  }

  input(bytes: Uint8Array, packet: IpPacket, link: number, now: number): void {
    const found = this.links.find((each) => each.link === link && each.v4 === !packet.ipv6);
    if (found === undefined) return;
    if (packet.ipv6) mldInput(now, bytes, packet, found.reports);
    else igmpInput(now, bytes, packet, found.reports);
  }

  nextTimeout(): number {
    // Every change of a table may be one of the groups: looked at at once.
    if (this.changes() !== this.generation) return Number.NEGATIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const { reports } of this.links) next = Math.min(next, reports.nextTimeout());
    return next;
  }

  onTimer(now: number): void {
    if (this.changes() !== this.generation) this.sync(now);
    for (const each of this.links) {
      if (each.reports.nextTimeout() > now) continue;
      for (const message of each.reports.take(now)) this.report(each, message, now);
    }
  }

  private changes(): number {
    const { addresses, deviceGeneration } = this.network;
    return addresses.generation + addresses.groups.generation + deviceGeneration;
  }

  private sync(now: number): void {
    this.generation = this.changes();
    for (const each of this.links) {
      const { up } = this.network.device(each.link);
      // Whoever listens behind a link that was down has to be told everything anew.
      if (!up) each.reports = new GroupReports(this.random32);
      else each.reports.sync(now, this.network.addresses.reportable(each.link, each.v4));
    }
  }

  private report({ link, v4 }: LinkReports, message: GroupMessage, now: number): void {
    const { output, to } = this;
    const { party } = output;
    const most = v4 ? IGMP_RECORDS : MLD_RECORDS;
    for (let from = 0; from < message.records.length; from += most) {
      const index = output.allocate(Math.max(MAX_REPORT, MAX_IGMP));
      // No buffer: as if the network had lost it. Reports are repeated, and asked for.
      if (index < 0) return;
      const at = party.start(index);
      const source = this.source(link, v4);
      const length = v4
        ? writeIgmpPacket(party.bytes, at, message, from, source, this.id(source), to)
        : writeMldPacket(party.bytes, at, message, from, source, to);
      party.setLength(index, length);
      this.send(index, link, to, now);
    }
  }

  /** RFC 3376 section 4.2.13: the link's own address; RFC 3810 section 5.2.13: a link-local one. Null: none. */
  private source(link: number, v4: boolean): Uint8Array | null {
    for (const { address, link: its } of this.network.addresses.all) {
      if (its !== link || isIpv4(address) !== v4 || isLoopback(address)) continue;
      if (v4 || isLinkLocal(address)) return address;
    }
    return null;
  }

  private id(source: Uint8Array | null): number {
    return source === null ? 0 : this.network.ids.next(source, source, IGMP_PROTOCOL) & 0xffff;
  }
}
