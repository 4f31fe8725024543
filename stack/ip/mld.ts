// Multicast listener discovery, the listener's part (RFC 3810, falling back to RFC 2710 while such a querier is there), for
// one link: packets in, and packets out into the caller's bytes. So do switches and bridges that look at it (RFC 4541) pass
// neighbour solicitations on to us. Knows no links and no buffers.
import { isIpv4, isLinkLocal, isMulticast, isUnspecified, parseAddress } from '../wire/address.js';
import { getU16 } from '../wire/bytes.js';
import * as icmpv6 from '../wire/icmpv6.js';
import * as ipv6 from '../wire/ipv6.js';
import { expandCode, type GroupMessage, type GroupReports } from './group-reports.js';
import type { IpPacket } from './packet.js';

export const MLD_QUERY = 130;
export const MLD_REPORT = 131;
export const MLD_DONE = 132;
export const MLD2_REPORT = 143;
/** Hop-by-hop header with a Router Alert (RFC 2711; 0: MLD) and padding. */
const HOP_BY_HOP = [icmpv6.ICMPV6_PROTOCOL, 0, 5, 2, 0, 0, 1, 0];
const HEADER = ipv6.IPV6_HEADER + HOP_BY_HOP.length;
const RECORD = 20;
const MLD1_MESSAGE = 24;
const MLD2_QUERY = 28;
/** Groups of one report: as many as fit the smallest MTU. */
export const MAX_RECORDS = 56;
/** Bytes of the largest report. */
export const MAX_REPORT = HEADER + 8 + MAX_RECORDS * RECORD;
/** ff02::16, all MLDv2-capable routers (RFC 3810 section 5.2.14); ff02::2, all routers (RFC 2710 section 5). */
const MLD2_ROUTERS = parseAddress('ff02::16');
const ALL_ROUTERS = parseAddress('ff02::2');
const ANY = new Uint8Array(16);

/** Whether an ICMPv6 type is one that `mldInput` takes. */
export function isMld(type: number): boolean {
  return type === MLD_QUERY || type === MLD_REPORT;
}

/** Takes the MLD message of `packet` in, its checksum verified; false when RFC 3810 section 6.2 wants it dropped. */
export function mldInput(now: number, b: Uint8Array, packet: IpPacket, reports: GroupReports): boolean {
  const { payload: o, payloadLength: length } = packet;
  if (length < MLD1_MESSAGE || packet.ttl !== 1 || !routerAlert(b, packet)) return false;
  const report = b[o] === MLD_REPORT;
  // A report may come from no address yet (RFC 3590).
  if (!isLinkLocal(packet.source) && !(report && isUnspecified(packet.source))) return false;
  const group = b.slice(o + 8, o + 24);
  const general = isUnspecified(group);
  if (!general && (!isMulticast(group) || isIpv4(group))) return false;
  if (report) {
    reports.heard(now, group);
    return true;
  }
  // RFC 3810 section 8.1: 24 bytes are version 1, 28 and more version 2, others none.
  if (length > MLD1_MESSAGE && length < MLD2_QUERY) return false;
  const old = length === MLD1_MESSAGE;
  const code = getU16(b, o + 4);
  reports.query(now, {
    version: old ? 2 : 3,
    group: general ? null : group,
    maxResponse: (old ? code : expandCode(code, 16)) * 1e3,
    robustness: old ? 0 : b[o + 24] & 7,
    interval: old ? 0 : expandCode(b[o + 25], 8) * 1e6,
  });
  return true;
}

// RFC 3810 section 6.2: without the option in a hop-by-hop header a query is dropped. The walker has checked the options.
function routerAlert(b: Uint8Array, packet: IpPacket): boolean {
  const { start } = packet;
  if (b[start + ipv6.IPV6_OFF_NEXT_HEADER] !== 0) return false;
  const end = start + ipv6.IPV6_HEADER + ((b[start + ipv6.IPV6_HEADER + 1] + 1) << 3);
  for (let at = start + ipv6.IPV6_HEADER + 2; at < end; at += b[at] === 0 ? 1 : b[at + 1] + 2) {
    if (b[at] === 5) return true;
  }
  return false;
}

/**
 * Writes `message`'s records from `from` on as a whole IPv6 packet to `out[at]`, and where it goes to `to`. `source`: a
 * link-local address, or null while there is none (RFC 3810 section 5.2.13). Returns its length.
 */
export function writeMldPacket(
  out: Uint8Array,
  at: number,
  message: GroupMessage,
  from: number,
  source: Uint8Array | null,
  to: Uint8Array,
): number {
  const o = at + HEADER;
  const records = message.records.slice(from, from + MAX_RECORDS);
  let length: number;
  if (message.version === 3) {
    to.set(MLD2_ROUTERS);
    icmpv6.writeIcmpv6(out, o, MLD2_REPORT, 0, records.length);
    length = 8 + records.length * RECORD;
    out.fill(0, o + 8, o + length);
    records.forEach(({ type, group }, i) => {
      out[o + 8 + i * RECORD] = type;
      out.set(group, o + 12 + i * RECORD);
    });
  } else {
    const { group } = records[0];
    to.set(message.leave ? ALL_ROUTERS : group);
    icmpv6.writeIcmpv6(out, o, message.leave ? MLD_DONE : MLD_REPORT, 0, 0);
    out.set(group, o + 8);
    length = MLD1_MESSAGE;
  }
  const own = source ?? ANY;
  out.set(HOP_BY_HOP, at + ipv6.IPV6_HEADER);
  ipv6.writeIpv6(out, at, 0, 0, HOP_BY_HOP.length + length, 0, 1, own, 0, to, 0);
  icmpv6.finishIcmpv6(out, o, length, own, 0, to, 0);
  return HEADER + length;
}
