// The Internet checksum (RFC 1071), written again here on purpose: a runner that shared the stack's own code would
// share its mistakes.

/** Ones' complement sum of the 16-bit words of `b[start..end)`, folded; an odd last byte is padded with zero. */
export function onesSum(b: Uint8Array, start: number, end: number, initial = 0): number {
  let sum = initial;
  let i = start;
  for (; i + 1 < end; i += 2) sum += (b[i]! << 8) | b[i + 1]!;
  if (i < end) sum += b[i]! << 8;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

/** Sum over the pseudo-header of RFC 9293 section 3.1 or RFC 8200 section 8.1 for addresses lying at `addresses`. */
export function pseudoHeaderSum(
  b: Uint8Array,
  addresses: number,
  addressLength: number,
  protocol: number,
  length: number,
): number {
  const upper = Math.floor(length / 0x10000);
  return onesSum(b, addresses, addresses + 2 * addressLength, protocol + upper + (length & 0xffff));
}

/** What stands in a header for a sum over everything else. */
export function complement(sum: number): number {
  return ~sum & 0xffff;
}
