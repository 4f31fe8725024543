// Where the network packet begins in an Ethernet frame: all that the driver knows of layer two.

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const HEADER = 14;

/**
 * Offset of the IP header in the frame of `length` bytes at `bytes[start]`; the frame's length when it carries no IP (ARP,
 * anything else), so that nothing is left to be read as IP.
 */
export function networkOffset(bytes: Uint8Array, start: number, length: number): number {
  if (length < HEADER) return length;
  const type = (bytes[start + 12] << 8) | bytes[start + 13];
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? HEADER : length;
}
