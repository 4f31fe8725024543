// From a captured frame to the network-layer packet in it: link headers and VLAN tags are stepped over.
// Knows no IP.
import { CaptureError } from './errors.js';
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
} from './frame.js';

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** 802.1Q, 802.1ad and the older QinQ tag: two bytes of tag and two of the next type follow. */
const VLAN_TYPES = new Set([0x8100, 0x88a8, 0x9100]);
/** Tags one inside the other that are followed; a frame has two at the most in practice. */
const MAX_VLAN_TAGS = 4;

/** Where the network-layer packet begins in `frame.data`; -1 when the frame carries none (ARP, short frames, …). */
export function networkOffset(frame: Frame): number {
  const data = frame.data;
  switch (frame.linkType) {
    case LINKTYPE_ETHERNET:
      return afterEtherType(data, 12);
    case LINKTYPE_LINUX_SLL:
      return afterEtherType(data, 14);
    case LINKTYPE_LINUX_SLL2:
      // The protocol stands first in version 2; the header is 20 bytes, and VLAN tags may follow it.
      return data.length < 20 ? -1 : afterType(data, u16(data, 0), 20);
    case LINKTYPE_RAW:
    case LINKTYPE_RAW_BSD:
    case LINKTYPE_IPV4:
    case LINKTYPE_IPV6:
      return ipAt(data, 0);
    case LINKTYPE_NULL:
    case LINKTYPE_LOOP:
      // Four bytes of address family, whose values and byte order differ by system: the version nibble decides.
      return ipAt(data, 4);
    default:
      throw new CaptureError(
        'UNSUPPORTED_LINK_TYPE',
        `frame ${frame.number} has link type ${frame.linkType}`,
      );
  }
}

const u16 = (data: Uint8Array, at: number): number => (data[at]! << 8) | data[at + 1]!;

function afterEtherType(data: Uint8Array, at: number): number {
  return data.length < at + 2 ? -1 : afterType(data, u16(data, at), at + 2);
}

function afterType(data: Uint8Array, etherType: number, start: number): number {
  let type = etherType;
  let at = start;
  for (let tags = 0; VLAN_TYPES.has(type); tags++) {
    if (tags === MAX_VLAN_TAGS || data.length < at + 4) return -1;
    type = u16(data, at + 2);
    at += 4;
  }
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? ipAt(data, at) : -1;
}

function ipAt(data: Uint8Array, at: number): number {
  if (data.length <= at) return -1;
  const version = data[at]! >>> 4;
  return version === 4 || version === 6 ? at : -1;
}
