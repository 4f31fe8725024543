// Building IP packets: one header writer for both versions, identification numbers, flow labels, and transport
// checksums complete or left to the link. Knows no routes, no neighbours, no buffers' owners.

import { finish, finishUdp, partialChecksum, pseudoSum, sumBytes } from '../wire/checksum.js';
import * as ipv4 from '../wire/ipv4.js';
import * as ipv6 from '../wire/ipv6.js';
import { UDP_PROTOCOL } from '../wire/udp.js';

/** Bytes of the header that `writeIp` writes. */
export function ipHeaderLength(v6: boolean): number {
  return v6 ? ipv6.IPV6_HEADER : ipv4.IPV4_MIN_HEADER;
}

/**
 * Writes an IPv4 header (with checksum) or an IPv6 header at `b[o]` for `payloadLength` bytes behind it. `tos` has the
 * ECN bits in it; `df` and `id` are IPv4's, `flowLabel` is IPv6's. Addresses are 16-byte. Returns the offset behind
 * the header. A super-packet's IPv4 total length must fit 65,535; a link whose super-packets are longer sets 0.
 */
export function writeIp(
  b: Uint8Array,
  o: number,
  v6: boolean,
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  payloadLength: number,
  tos: number,
  ttl: number,
  df: boolean,
  id: number,
  flowLabel: number,
): number {
  if (v6) {
    return ipv6.writeIpv6(b, o, tos, flowLabel, payloadLength, protocol, ttl, source, 0, destination, 0);
  }
  const total = payloadLength + ipv4.IPV4_MIN_HEADER;
  const fragment = df ? ipv4.IPV4_DF : 0;
  return ipv4.writeIpv4(b, o, tos, total, id, fragment, ttl, protocol, source, 0, destination, 0);
}

/**
 * Computes the transport checksum of the `length` bytes at `b[o]` and stores it `field` bytes into them (16 for TCP, 6
 * for UDP). Whatever stands in the field does not count.
 */
export function finishTransport(
  b: Uint8Array,
  o: number,
  length: number,
  field: number,
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
): void {
  b[o + field] = 0;
  b[o + field + 1] = 0;
  const sum = pseudoSum(source, 0, destination, 0, protocol, length) + sumBytes(b, o, o + length);
  const value = protocol === UDP_PROTOCOL ? finishUdp(sum) : finish(sum);
  b[o + field] = value >>> 8;
  b[o + field + 1] = value;
}

/** As `finishTransport` for a link that adds the rest: stores the pseudo-header's sum only. */
export function startTransport(
  b: Uint8Array,
  o: number,
  length: number,
  field: number,
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
): void {
  const value = partialChecksum(pseudoSum(source, 0, destination, 0, protocol, length));
  b[o + field] = value >>> 8;
  b[o + field + 1] = value;
}

/**
 * Identification numbers per group of (source, destination, protocol), unpredictable to others (RFC 7739, RFC 6864):
 * each group counts by itself from a secret start. IPv4 takes the low 16 bits, IPv6 all 32.
 */
export class IpIds {
  readonly #counters: Int32Array;
  readonly #key0: number;
  readonly #key1: number;

  /** `random32` gives secret 32-bit numbers. `groups` (a power of two) bounds the memory. */
  constructor(random32: () => number, groups = 2048) {
    this.#counters = Int32Array.from({ length: groups }, random32);
    this.#key0 = random32() | 0;
    this.#key1 = random32() | 0;
  }

  /**
   * The first of `count` numbers for packets of this group, which are then used up. Signed: V8 boxes numbers from 2^31 on that
   * cross a call (16 bytes a packet with TCP's).
   */
  next(source: Uint8Array, destination: Uint8Array, protocol: number, count = 1): number {
    const group =
      flowHash(this.#key0, this.#key1, source, destination, protocol) & (this.#counters.length - 1);
    const id = this.#counters[group];
    this.#counters[group] = id + count;
    return id;
  }
}

/**
 * A flow label for a flow (RFC 6437): the same for all its packets, never 0, not to be foretold without the key.
 * `ports` is any number that stands for the flow's ports and protocol; `attempt` changes the path after timeouts, as
 * Linux's txhash does.
 */
export function autoFlowLabel(
  key: number,
  source: Uint8Array,
  destination: Uint8Array,
  ports: number,
  attempt: number,
): number {
  const label = flowHash(key | 0, Math.imul(attempt + 1, 0x9e3779b1), source, destination, ports) & 0xfffff;
  return label === 0 ? 1 : label;
}

// Mixing of 32-bit words in the way of MurmurHash3, keyed at both ends.
function flowHash(
  key0: number,
  key1: number,
  source: Uint8Array,
  destination: Uint8Array,
  extra: number,
): number {
  let h = key0;
  for (let i = 0; i < 16; i += 4) {
    h = mix(h, (source[i] << 24) | (source[i + 1] << 16) | (source[i + 2] << 8) | source[i + 3]);
    h = mix(
      h,
      (destination[i] << 24) | (destination[i + 1] << 16) | (destination[i + 2] << 8) | destination[i + 3],
    );
  }
  h = mix(mix(h, extra | 0), key1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  let x = h ^ Math.imul(k, 0x1b873593);
  x = (x << 13) | (x >>> 19);
  return (Math.imul(x, 5) + 0xe6546b64) | 0;
}
