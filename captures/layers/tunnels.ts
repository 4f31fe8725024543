// IP packets inside IP packets: by the outer protocol number, or by the UDP port that a tunnel is known by. Every function
// answers the offset of the inner IP header in `b`, or -1. Knows nothing of TCP.

import {
  behindEthernet,
  behindLabels,
  behindPpp,
  behindType,
  ETHERTYPE_BRIDGED,
  ipAt,
  u16,
} from './ether-type.js';

const IPPROTO_IPIP = 4;
const IPPROTO_UDP = 17;
const IPPROTO_IPV6 = 41;
const IPPROTO_GRE = 47;
const IPPROTO_ETHERIP = 97;
const IPPROTO_MPLS = 137;

/** What `protocol` carries at `at`; `b` ends where the outer packet does. */
export function tunnelled(b: Uint8Array, protocol: number, at: number): number {
  switch (protocol) {
    case IPPROTO_IPIP:
    case IPPROTO_IPV6:
      return ipAt(b, at);
    case IPPROTO_GRE:
      return behindGre(b, at);
    case IPPROTO_ETHERIP:
      return behindEthernet(b, at + 2);
    case IPPROTO_MPLS:
      return behindLabels(b, at);
    case IPPROTO_UDP:
      return behindUdp(b, at);
    default:
      return -1;
  }
}

const GRE_CHECKSUM = 0x8000;
const GRE_ROUTING = 0x4000;
const GRE_KEY = 0x2000;
const GRE_SEQUENCE = 0x1000;
const GRE_ACK = 0x0080;
const GRE_WCCP = 0x883e;
const GRE_ERSPAN = 0x88be;
const GRE_ERSPAN_III = 0x22eb;

/** RFC 2784 and 2890; version 1 is PPTP's (RFC 2637). */
function behindGre(b: Uint8Array, start: number): number {
  if (b.length < start + 4) return -1;
  const flags = u16(b, start);
  const type = u16(b, start + 2);
  let at = start + 4;
  if (flags & (GRE_CHECKSUM | GRE_ROUTING)) at += 4;
  if (flags & GRE_KEY) at += 4;
  if (flags & GRE_SEQUENCE) at += 4;
  if ((flags & 7) === 1 && flags & GRE_ACK) at += 4;
  switch (type) {
    case GRE_ERSPAN:
      // Version I has neither sequence number nor header.
      return behindEthernet(b, flags & GRE_SEQUENCE ? at + 8 : at);
    case GRE_ERSPAN_III:
      return b.length < at + 12 ? -1 : behindEthernet(b, at + (b[at + 11]! & 1 ? 20 : 12));
    case GRE_WCCP:
      return ipAt(b, b[at]! >>> 4 === 4 ? at : at + 4);
    default:
      return behindType(b, type, at);
  }
}

const TUNNEL_PORTS: ReadonlyMap<number, (b: Uint8Array, at: number) => number> = new Map([
  [1701, behindL2tp],
  [2152, behindGtp],
  [3544, behindTeredo],
  [4789, behindVxlan],
  [5072, behindAyiya],
  [6081, behindGeneve],
]);

function behindUdp(b: Uint8Array, at: number): number {
  if (b.length < at + 8) return -1;
  const tunnel = TUNNEL_PORTS.get(u16(b, at + 2)) ?? TUNNEL_PORTS.get(u16(b, at));
  return tunnel === undefined ? -1 : tunnel(b, at + 8);
}

/** RFC 7348 section 5: the flag of a valid network identifier is set. */
function behindVxlan(b: Uint8Array, at: number): number {
  return b.length < at + 8 || (b[at]! & 0x08) === 0 ? -1 : behindEthernet(b, at + 8);
}

/** RFC 8926 section 3.4. */
function behindGeneve(b: Uint8Array, at: number): number {
  if (b.length < at + 8 || b[at]! >>> 6 !== 0) return -1;
  const next = at + 8 + (b[at]! & 0x3f) * 4;
  const type = u16(b, at + 2);
  return type === ETHERTYPE_BRIDGED ? behindEthernet(b, next) : behindType(b, type, next);
}

const GTP_USER_DATA = 255;

/** GTP-U version 1 (3GPP TS 29.281 section 5.1), with its extension headers. */
function behindGtp(b: Uint8Array, start: number): number {
  if (b.length < start + 8 || b[start]! >>> 4 !== 3 || b[start + 1] !== GTP_USER_DATA) return -1;
  if ((b[start]! & 7) === 0) return ipAt(b, start + 8);
  let at = start + 12;
  if (b[start]! & 4) {
    for (let next = b[at - 1]; next !== 0; ) {
      const size = (b[at] ?? 0) * 4;
      if (size === 0 || at + size > b.length) return -1;
      at += size;
      next = b[at - 1];
    }
  }
  return ipAt(b, at);
}

/** RFC 4380 section 5.1.1: an authentication and an origin indication may stand in front. */
function behindTeredo(b: Uint8Array, start: number): number {
  let at = start;
  if (b.length >= at + 4 && u16(b, at) === 1) at += 4 + b[at + 2]! + b[at + 3]! + 9;
  if (b.length >= at + 8 && u16(b, at) === 0) at += 8;
  return b[at]! >>> 4 === 6 ? ipAt(b, at) : -1;
}

/** L2TP version 2 data messages (RFC 2661 section 3.1). */
function behindL2tp(b: Uint8Array, start: number): number {
  if (b.length < start + 8) return -1;
  const flags = u16(b, start);
  if (flags & 0x8000 || (flags & 15) !== 2) return -1;
  let at = start + (flags & 0x4000 ? 8 : 6);
  if (flags & 0x0800) at += 4;
  if (flags & 0x0200) at += 2 + (b.length >= at + 2 ? u16(b, at) : 0);
  return behindPpp(b, at);
}

/** AYIYA: sizes of identity (a power of two) and signature (words), then what the next-header byte names. */
function behindAyiya(b: Uint8Array, at: number): number {
  if (b.length < at + 8 || (b[at + 3] !== IPPROTO_IPV6 && b[at + 3] !== IPPROTO_IPIP)) return -1;
  return ipAt(b, at + 8 + 2 ** (b[at]! >>> 4) + (b[at + 1]! >>> 4) * 4);
}
