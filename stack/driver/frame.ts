// Where the network packet begins in an Ethernet frame: all that the driver knows of layer two.

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_ARP = 0x0806;
const HEADER = 14;
/** Sender and target protocol address of an ARP packet for Ethernet and IPv4 (RFC 826). */
const ARP_SENDER = HEADER + 14;
const ARP_TARGET = HEADER + 24;
const ARP_BYTES = HEADER + 28;

/**
 * Offset of the IP header in the frame of `length` bytes at `bytes[start]`; the frame's length when it carries no IP (ARP,
 * anything else), so that nothing is left to be read as IP.
 */
export function networkOffset(bytes: Uint8Array, start: number, length: number): number {
  if (length < HEADER) return length;
  const type = (bytes[start + 12] << 8) | bytes[start + 13];
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? HEADER : length;
}

/** Offset of the target's (or sender's) IPv4 address in the frame when it is ARP, -1 when it is not. */
export function arpAddress(bytes: Uint8Array, start: number, length: number, sender = false): number {
  if (length < ARP_BYTES || ((bytes[start + 12] << 8) | bytes[start + 13]) !== ETHERTYPE_ARP) return -1;
  return sender ? ARP_SENDER : ARP_TARGET;
}
