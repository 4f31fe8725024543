// The seeded generator of the impaired link: the same seed gives the same network, on every machine.
// Not for secrets. Knows nothing of links.

/** sfc32 (C. Doty-Humphrey's small fast counting generator), seeded through splitmix32. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Any number; its low 32 bits count. */
  constructor(seed: number) {
    let s = seed >>> 0;
    const mix = (): number => {
      s = (s + 0x9e3779b9) >>> 0;
      let z = s;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) | 0;
    };
    this.#a = mix();
    this.#b = mix();
    this.#c = mix();
    for (let i = 0; i < 12; i++) this.next32();
  }

  /** Uniform in 0 … 2^32-1. */
  next32(): number {
    const t = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    this.#c |= 0;
    return t >>> 0;
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.next32() / 0x100000000;
  }

  /** Uniform integer in 0 … n-1, n up to 2^32. */
  below(n: number): number {
    return Math.floor(this.unit() * n);
  }
}
