// IGMP, the host's part (RFC 3376, falling back to RFC 2236 and RFC 1112 while such a querier is there), for one link:
// packets in, and packets out into the caller's bytes. Knows no buffers and no links.
import { formatAddress, isMulticast, parseAddress } from '../wire/address.js';
import { setU16 } from '../wire/bytes.js';
import * as igmp from '../wire/igmp.js';
import * as ipv4 from '../wire/ipv4.js';
import { expandCode, type GroupMessage, type GroupReports } from './group-reports.js';
import type { IpPacket } from './packet.js';

/** 224.0.0.22 and 224.0.0.2 (RFC 3376 section 4.2.14, RFC 2236 section 9). */
const V3_ROUTERS = parseAddress('224.0.0.22');
const ALL_ROUTERS = parseAddress('224.0.0.2');
const NO_ADDRESS = parseAddress('0.0.0.0');
/** RFC 2113: a router looks at the packet although it goes to others. */
const ROUTER_ALERT = [ipv4.IPOPT_ROUTER_ALERT, 4, 0, 0];
const HEADER = ipv4.IPV4_MIN_HEADER + ROUTER_ALERT.length;
/** Internetwork Control (RFC 3376 section 4). */
const TOS = 0xc0;
/** Records of one report: as many as fit the least MTU that hosts take whole (576). */
export const MAX_RECORDS = 64;
export const MAX_PACKET = HEADER + igmp.IGMP_MESSAGE + MAX_RECORDS * 8;
/** µs: a version 1 query names no time (RFC 3376 section 7.2.1). */
const V1_RESPONSE = 10e6;

/** Takes the IGMP message of `packet` in; false when it is damaged, or not for hosts. */
export function igmpInput(now: number, b: Uint8Array, packet: IpPacket, reports: GroupReports): boolean {
  const { payload: o, payloadLength: length } = packet;
  if (igmp.checkIgmp(b, o, length) !== 0) return false;
  const group = new Uint8Array(16);
  igmp.readGroup(b, o, group, 0);
  const type = b[o];
  if (type === igmp.IGMP_V1_REPORT || type === igmp.IGMP_V2_REPORT) {
    reports.heard(now, group);
    return true;
  }
  if (type !== igmp.IGMP_QUERY || packet.ttl !== 1) return false;
  const version = igmp.queryVersion(b, o, length);
  if (version === 0) return false;
  const general = b[o + 4] === 0 && b[o + 5] === 0 && b[o + 6] === 0 && b[o + 7] === 0;
  // RFC 3376 section 9.1: forged general queries are sent to one host; true ones go to all of them.
  if (general && formatAddress(packet.destination) !== '224.0.0.1') return false;
  if (!general && !isMulticast(group)) return false;
  const code = b[o + 1];
  reports.query(now, {
    version,
    group: general ? null : group,
    maxResponse: version === 1 ? V1_RESPONSE : (version === 2 ? code : expandCode(code, 8)) * 1e5,
    robustness: version === 3 ? b[o + 8] & 7 : 0,
    interval: version === 3 ? expandCode(b[o + 9], 8) * 1e6 : 0,
  });
  return true;
}

/**
 * Writes `message`'s records from `from` on as a whole IPv4 packet to `out[at]`, and where it goes to `to`. `source`: of the
 * link, or null for 0.0.0.0. Returns its length; one packet takes MAX_RECORDS records.
 */
export function writeIgmpPacket(
  out: Uint8Array,
  at: number,
  message: GroupMessage,
  from: number,
  source: Uint8Array | null,
  id: number,
  to: Uint8Array,
): number {
  const o = at + HEADER;
  const records = message.records.slice(from, from + MAX_RECORDS);
  const { group } = records[0];
  to.set(message.version === 3 ? V3_ROUTERS : message.leave ? ALL_ROUTERS : group);
  const old = message.leave
    ? igmp.IGMP_LEAVE
    : message.version === 2
      ? igmp.IGMP_V2_REPORT
      : igmp.IGMP_V1_REPORT;
  const end = message.version === 3 ? igmp.writeReport(out, o, records) : igmp.writeIgmp(out, o, old, group);
  const from4 = source ?? NO_ADDRESS;
  ipv4.writeIpv4(out, at, TOS, end - at, id, ipv4.IPV4_DF, 1, igmp.IGMP_PROTOCOL, from4, 0, to, 0);
  out[at] = 0x40 | (HEADER >> 2);
  setU16(out, at + ipv4.IPV4_OFF_TOTAL_LENGTH, end - at);
  out.set(ROUTER_ALERT, at + ipv4.IPV4_MIN_HEADER);
  ipv4.finishHeader(out, at);
  return end - at;
}
