// The stack's ordinary randomness: seedable, not secret (jitter, ACK rate limits). xorshift128 (Marsaglia, 2003),
// seeded through splitmix32 so that neighbouring seeds differ.

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number) {
    let state = seed | 0;
    const next = () => {
      state = (state + 0x9e37_79b9) | 0;
      let z = state ^ (state >>> 16);
      z = Math.imul(z, 0x21f0_aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
      return z ^ (z >>> 15);
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1; // never all zero
  }

  /** Uniform in 0 … 2^32-1. */
  next32(): number {
    let t = this.d;
    const s = this.a;
    this.d = this.c;
    this.c = this.b;
    this.b = s;
    t ^= t << 11;
    t ^= t >>> 8;
    this.a = t ^ s ^ (s >>> 19);
    return this.a >>> 0;
  }

  /** Uniform in 0 … bound-1 (bound up to 2^32). */
  below(bound: number): number {
    return Math.floor((this.next32() / 4_294_967_296) * bound);
  }
}
