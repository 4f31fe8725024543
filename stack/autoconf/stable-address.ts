// Interface identifiers that are stable for a prefix and tell nothing of the hardware (RFC 7217): a keyed hash of the prefix,
// the interface and the number of duplicates met so far.
import { sipHash, sipHigh, sipLow } from '../tcp/siphash.js';

/** Bytes of the secret key: RFC 7217 section 5 wants 128 bits at least. */
export const STABLE_SECRET_BYTES = 16;

/** The address in `prefix` (its first 64 bits) for the interface `name` after `counter` duplicates (DAD_Counter). */
export function stableAddress(
  prefix: Uint8Array,
  name: string,
  counter: number,
  secret: Uint8Array,
): Uint8Array {
  const label = new TextEncoder().encode(name);
  const input = new Uint8Array(8 + label.length + 1 + 2);
  const address = new Uint8Array(16);
  address.set(prefix.subarray(0, 8));
  // A reserved identifier counts as a duplicate: the next counter's is taken (section 5, step 2).
  for (let tries = counter; ; tries += 0x100) {
    input.set(prefix.subarray(0, 8));
    input.set(label, 8);
    input[9 + label.length] = tries >>> 8;
    input[10 + label.length] = tries;
    sipHash(secret, 0, input, input.length);
    new DataView(address.buffer).setUint32(8, sipHigh);
    new DataView(address.buffer).setUint32(12, sipLow);
    if (!isReservedIdentifier(address)) return address;
  }
}

/** RFC 5453: the subnet-router anycast address, identifiers of the IANA's block, and reserved subnet anycast (RFC 2526). */
export function isReservedIdentifier(address: Uint8Array): boolean {
  const view = new DataView(address.buffer, address.byteOffset + 8, 8);
  const [high, low] = [view.getUint32(0), view.getUint32(4)];
  if (high === 0 && low === 0) return true;
  if (high === 0x0200_5eff && low >= 0xfe00_0000 && low <= 0xfe00_5212) return true;
  return high === 0xfdff_ffff && low >= 0xffff_ff80;
}
