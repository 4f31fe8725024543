// From a captured frame to the IP packet in it, by the capture's link type (LINKTYPE_ values of the tcpdump registry).
// Knows link headers; what may stand behind them is in ether-type.ts and wireless.ts.

import {
  type Frame,
  LINKTYPE_ETHERNET,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_LINUX_SLL,
  LINKTYPE_LINUX_SLL2,
  LINKTYPE_LOOP,
  LINKTYPE_NULL,
  LINKTYPE_RAW,
  LINKTYPE_RAW_BSD,
} from '../frame.js';
import {
  behindEthernet,
  behindLlc,
  behindPpp,
  behindType,
  behindTypeOrLength,
  ipAt,
  u16,
} from './ether-type.js';
import { behindPrism, behindRadiotap, behindWireless } from './wireless.js';

type Layer = (b: Uint8Array) => number;

/** The type field of a header of `length` bytes; 4 in its place is an LLC header (Linux's ETH_P_802_2). */
const cooked =
  (typeAt: number, length: number): Layer =>
  (b) => {
    if (b.length < length) return -1;
    const type = u16(b, typeAt);
    return type === 4 ? behindLlc(b, length) : behindType(b, type, length);
  };

const layers: ReadonlyMap<number, Layer> = new Map<number, Layer>([
  // Four bytes of address family, whose values and byte order differ by system: the version nibble decides.
  [LINKTYPE_NULL, (b) => ipAt(b, 4)],
  [LINKTYPE_LOOP, (b) => ipAt(b, 4)],
  [LINKTYPE_ETHERNET, (b) => behindEthernet(b, 0)],
  [6, tokenRing],
  // SLIP: direction, kind of compression, fourteen bytes of what the line had.
  [8, (b) => ipAt(b, 16)],
  [9, serialPpp],
  // FDDI: frame control, two addresses.
  [10, (b) => behindLlc(b, 13)],
  [LINKTYPE_RAW_BSD, (b) => ipAt(b, 0)],
  [14, (b) => ipAt(b, 0)],
  [50, serialPpp],
  [51, (b) => behindType(b, 0x8864, 0)],
  [100, (b) => behindLlc(b, 0)],
  [LINKTYPE_RAW, (b) => ipAt(b, 0)],
  [104, behindHdlc],
  [105, (b) => behindWireless(b, 0)],
  [107, frameRelay],
  // OpenBSD's encapsulating interface: family, index, flags.
  [109, (b) => ipAt(b, 12)],
  [LINKTYPE_LINUX_SLL, cooked(14, 16)],
  // OpenBSD's packet filter log says how long its header is.
  [117, (b) => ipAt(b, (b[0]! + 3) & ~3)],
  [119, behindPrism],
  [127, behindRadiotap],
  // IP over FireWire.
  [138, cooked(16, 18)],
  [163, behindPrism],
  // A byte that tells the direction stands in front, or in the place of PPP's address byte.
  [166, (b) => behindPpp(b, b[1] === 0x03 ? 2 : 1)],
  // Per-packet information: version, flags, length, and the type of what follows.
  [192, (b) => (b.length < 8 ? -1 : within(b, little16(b, 2), little16(b, 4)))],
  [204, (b) => behindPpp(b, 1)],
  // Solaris' IPNET: version, family, hook, length, interfaces, zones.
  [226, (b) => ipAt(b, 24)],
  [LINKTYPE_IPV4, (b) => (b[0]! >>> 4 === 4 ? 0 : -1)],
  [LINKTYPE_IPV6, (b) => (b[0]! >>> 4 === 6 ? 0 : -1)],
  [239, netfilterLog],
  // IP over InfiniBand: the receiver's address of 20 bytes twice over, then a type (RFC 4391).
  [242, cooked(40, 44)],
  // Apple's PKTAP: length of the header, kind of record, type of what follows.
  [258, (b) => (b.length < 12 ? -1 : within(b, little16(b, 0), little16(b, 8)))],
  // Version 2 has the protocol first.
  [LINKTYPE_LINUX_SLL2, cooked(0, 20)],
  // Frames between a host and its switch: a tag behind the addresses, or in front of all.
  [281, switchTag(4)],
  [282, (b) => behindEthernet(b, 4)],
  [284, switchTag(4)],
  [285, switchTag(8)],
]);

/** Whether frames of this type can be read. */
export const isKnownLinkType = (linkType: number): boolean => layers.has(linkType);

/**
 * Where the IP packet begins in `frame.data`; -1 when the frame carries none (ARP, short frames, …) or is of a link type
 * that nobody here can read.
 */
export function networkOffset(frame: Frame): number {
  const { data, linkType } = frame;
  return data.length === 0 ? -1 : (layers.get(linkType)?.(data) ?? -1);
}

const little16 = (b: Uint8Array, at: number): number => b[at]! | (b[at + 1]! << 8);

const TELL_ANOTHER = new Set([192, 258]);

/** A frame of another link type at `at`, told of by a header in front; one such header is enough. */
function within(b: Uint8Array, at: number, linkType: number): number {
  const layer = TELL_ANOTHER.has(linkType) ? undefined : layers.get(linkType);
  const found = layer?.(b.subarray(at)) ?? -1;
  return found < 0 ? -1 : at + found;
}

/** PPP in HDLC-like framing; an address byte of 0x0f or 0x8f is Cisco's HDLC. */
function serialPpp(b: Uint8Array): number {
  return b[0] === 0x0f || b[0] === 0x8f ? behindHdlc(b) : behindPpp(b, 0);
}

/** Ethernet with a tag of `length` bytes behind the two addresses. */
function switchTag(length: number): Layer {
  return (b) => (b.length < 14 + length ? -1 : behindTypeOrLength(b, u16(b, 12 + length), 14 + length));
}

/** IEEE 802.5: access control, frame control, two addresses, and a route when the source address says so. */
function tokenRing(b: Uint8Array): number {
  if (b.length < 15) return -1;
  const route = b[8]! & 0x80 ? b[14]! & 0x1f : 0;
  return behindLlc(b, 14 + route);
}

/** Cisco's HDLC: address, control, EtherType. */
function behindHdlc(b: Uint8Array): number {
  return b.length < 4 ? -1 : behindType(b, u16(b, 2), 4);
}

/** RFC 2427: address, control, NLPID; Cisco has an EtherType behind the address. */
function frameRelay(b: Uint8Array): number {
  if (b.length < 4) return -1;
  if (b[2] !== 0x03) return behindType(b, u16(b, 2), 4);
  const at = b[3] === 0 ? 4 : 3;
  if (b[at] === 0xcc || b[at] === 0x8e) return ipAt(b, at + 1);
  return b[at] === 0x80 && b.length >= at + 6 ? behindType(b, u16(b, at + 4), at + 6) : -1;
}

const NFULA_PAYLOAD = 9;

/** Linux's packet log: family, version, resource, then attributes in the host's byte order, the packet one of them. */
function netfilterLog(b: Uint8Array): number {
  for (let at = 4; at + 4 <= b.length; ) {
    const little = b[at]! | (b[at + 1]! << 8);
    const swapped = little < 4 || at + little > b.length;
    const length = swapped ? u16(b, at) : little;
    const type = swapped ? u16(b, at + 2) : b[at + 2]! | (b[at + 3]! << 8);
    if ((type & 0x7fff) === NFULA_PAYLOAD) return ipAt(b, at + 4);
    if (length < 4) return -1;
    at += (length + 3) & ~3;
  }
  return -1;
}
