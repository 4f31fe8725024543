// The flow table's hash: HalfSipHash-1-3 (Aumasson, Bernstein, 2012; the form that Linux uses for its own hash tables,
// `hsiphash`), keyed with 64 secret bits, so that a peer who chooses addresses and ports cannot choose buckets.
// It must never know who uses the result.

const FAMILY_AND_KIND_4_EXACT = 0x0400;
/** Offsets of the four words that vary in an IPv4 key (protocol and zone, ports, two addresses), a nibble each. */
const WORDS_4 = 0x9510;

/**
 * HalfSipHash with `c` rounds a word and `d` to finish over `count` words, which stand at `words[at + nibble i of
 * order]` when `order` is not 0, else in sequence. Returns 32 bits as a signed number.
 */
function mix(words: Int32Array, at: number, count: number, order: number, k0: number, k1: number): number {
  let v0 = k0;
  let v1 = k1;
  let v2 = 0x6c796765 ^ k0;
  let v3 = 0x74656462 ^ k1;
  // Rounds: one per word, one for the length, three to finish. The extra "words" after the message are the length
  // (in bytes, in the top byte) and nothing; `v2 ^= 0xff` comes before the last three.
  for (let i = 0; i < count + 4; i++) {
    let m = 0;
    if (i < count) m = order !== 0 ? words[at + ((order >>> (i << 2)) & 15)] : words[at + i];
    else if (i === count) m = count << 26;
    else if (i === count + 1) v2 ^= 0xff;
    v3 ^= m;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= m;
  }
  return v1 ^ v3;
}

/** HalfSipHash-1-3 of `count` words in sequence: the plain function, for tests against published vectors. */
export function halfSipHash13(words: Int32Array, at: number, count: number, k0: number, k1: number): number {
  return mix(words, at, count, 0, k0, k1);
}

/** Hash of the ten-word key at `at` under the 64-bit secret (k0, k1); 32 bits, signed. */
export function hashKey(key: Int32Array, at: number, k0: number, k1: number): number {
  // An IPv4 four-tuple differs from another in four words only; the family bit keeps the two forms apart.
  if ((key[at] & 0xff00) === FAMILY_AND_KIND_4_EXACT) return mix(key, at, 4, WORDS_4, k0, k1);
  return mix(key, at, 10, 0, k0, k1);
}
