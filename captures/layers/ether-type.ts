// From an EtherType, an LLC header or a PPP protocol number to the IP packet behind it: VLAN tags, MPLS labels, PPPoE and
// bridged Ethernet are stepped over. Every function answers the offset of the IP header in `b`, or -1. Knows no IP.

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
/** Whole Ethernet frames, as GRE and Geneve carry them. */
export const ETHERTYPE_BRIDGED = 0x6558;
const ETHERTYPE_MPLS = 0x8847;
const ETHERTYPE_MPLS_MULTICAST = 0x8848;
const ETHERTYPE_PPPOE_SESSION = 0x8864;
const ETHERTYPE_PPP = 0x880b;
/** 802.1Q, 802.1ad and the older QinQ tags: two bytes of tag and two of the next type follow. */
const VLAN_TYPES = new Set([0x8100, 0x88a8, 0x9100, 0x9200, 0x9300]);
/** Other tags, by the bytes up to the next type and it: 802.1BR E-tag, Cisco VN-tag, HSR (IEC 62439-3). */
const TAG_LENGTHS: ReadonlyMap<number, number> = new Map([
  [0x893f, 8],
  [0x8926, 6],
  [0x892f, 6],
]);
/** Smaller numbers in a type's place are lengths: IEEE 802.3 with an LLC header. */
const LEAST_ETHERTYPE = 0x0600;
/** Shims one inside the other that are followed (tags, labels, frames in frames). */
const MOST_SHIMS = 16;

const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;
const PPP_MPLS = 0x0281;

export const u16 = (b: Uint8Array, at: number): number => (b[at]! << 8) | b[at + 1]!;

/** What `type` says begins at `at`. */
export function behindType(b: Uint8Array, type: number, at: number, shims = 0): number {
  if (shims === MOST_SHIMS) return -1;
  const tag = VLAN_TYPES.has(type) ? 4 : TAG_LENGTHS.get(type);
  if (tag !== undefined)
    return b.length < at + tag ? -1 : behindTypeOrLength(b, u16(b, at + tag - 2), at + tag, shims + 1);
  switch (type) {
    case ETHERTYPE_IPV4:
    case ETHERTYPE_IPV6:
      return ipAt(b, at);
    case ETHERTYPE_MPLS:
    case ETHERTYPE_MPLS_MULTICAST:
      return behindLabels(b, at, shims + 1);
    case ETHERTYPE_PPPOE_SESSION:
      // RFC 2516 section 4: version and type, code 0, session, length.
      return b.length < at + 6 || b[at + 1] !== 0 ? -1 : behindPpp(b, at + 6, shims + 1);
    case ETHERTYPE_PPP:
      return behindPpp(b, at, shims + 1);
    case ETHERTYPE_BRIDGED:
      return behindEthernet(b, at, shims + 1);
    default:
      return -1;
  }
}

/** An Ethernet frame at `at`: two addresses and a type. */
export function behindEthernet(b: Uint8Array, at: number, shims = 0): number {
  return b.length < at + 14 ? -1 : behindTypeOrLength(b, u16(b, at + 12), at + 14, shims);
}

/** What a field that is an EtherType or an 802.3 length says begins at `at`. */
export function behindTypeOrLength(b: Uint8Array, type: number, at: number, shims = 0): number {
  return type < LEAST_ETHERTYPE ? behindLlc(b, at, shims + 1) : behindType(b, type, at, shims);
}

/** An LLC header (IEEE 802.2) at `at`: a SNAP header with an EtherType, or the access point of IP. */
export function behindLlc(b: Uint8Array, at: number, shims = 0): number {
  if (b.length < at + 3 || b[at + 2] !== 0x03) return -1;
  if (b[at] === 0x06) return ipAt(b, at + 3);
  if (b[at] !== 0xaa || b[at + 1] !== 0xaa || b.length < at + 8) return -1;
  const organisation = (b[at + 3]! << 16) | u16(b, at + 4);
  // Encapsulated Ethernet; its use for bridge tunnels (0000f8) is the same but in name.
  if (organisation !== 0 && organisation !== 0x0000f8) return -1;
  return behindType(b, u16(b, at + 6), at + 8, shims);
}

/** A PPP packet at `at`, with or without address and control bytes; its protocol number may be one byte (RFC 1661). */
export function behindPpp(b: Uint8Array, at: number, shims = 0): number {
  const start = b[at] === 0xff && b[at + 1] === 0x03 ? at + 2 : at;
  if (b.length < start + 2) return -1;
  const short = (b[start]! & 1) !== 0;
  const protocol = short ? b[start]! : u16(b, start);
  const next = start + (short ? 1 : 2);
  if (protocol === PPP_IPV4 || protocol === PPP_IPV6) return ipAt(b, next);
  return protocol === PPP_MPLS ? behindLabels(b, next, shims + 1) : -1;
}

/** A stack of MPLS labels (RFC 3032): behind the last, IP shows by its version; a pseudowire carries Ethernet. */
export function behindLabels(b: Uint8Array, at: number, shims = 0): number {
  let bottom = at;
  while (b.length >= bottom + 4 && (b[bottom + 2]! & 1) === 0) bottom += 4;
  const next = bottom + 4;
  if (b.length <= next) return -1;
  if (ipAt(b, next) >= 0) return next;
  // RFC 4385 section 3: a control word begins with a zero nibble.
  return b[next]! >>> 4 === 0 ? behindEthernet(b, next + 4, shims + 1) : -1;
}

/** `at` when an IP version stands there. */
export function ipAt(b: Uint8Array, at: number): number {
  if (b.length <= at) return -1;
  const version = b[at]! >>> 4;
  return version === 4 || version === 6 ? at : -1;
}
