// Arithmetic on 32-bit TCP sequence numbers (RFC 9293 section 3.4), which wrap at 2^32.
// Every comparison is by the sign of the 32-bit difference, so it is meaningful for numbers less than 2^31
// apart; at exactly 2^31 apart each is "less than" the other, as in Linux's before()/after().
// Knows nothing of connections or headers. All values in and out are numbers in 0 … 2^32-1.

/** a + n modulo 2^32; `n` may be negative. */
export function seqAdd(a: number, n: number): number {
  return (a + n) >>> 0;
}

/** a - b as a signed 32-bit number: positive when `a` lies ahead of `b`. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}

/** a lies before b. */
export function seqLt(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** a lies before b or is b. */
export function seqLe(a: number, b: number): boolean {
  return ((b - a) | 0) >= 0;
}

/** a lies after b. */
export function seqGt(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

/** a lies after b or is b. */
export function seqGe(a: number, b: number): boolean {
  return ((a - b) | 0) >= 0;
}

/** lo <= a <= hi on the circle, walking up from `lo`; right for spans of any size up to 2^32-1. */
export function seqBetween(a: number, lo: number, hi: number): boolean {
  return (hi - lo) >>> 0 >= (a - lo) >>> 0;
}

/** The later of the two. */
export function seqMax(a: number, b: number): number {
  return ((a - b) | 0) >= 0 ? a : b;
}

/** The earlier of the two. */
export function seqMin(a: number, b: number): number {
  return ((b - a) | 0) >= 0 ? a : b;
}
