// MD5 (RFC 1321), incremental: only for the signatures of RFC 2385, which prescribe it. Knows bytes only.

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
/** floor(2^32 * abs(sin(i + 1))), RFC 1321 section 3.4. */
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0);

export class Md5 {
  private readonly state = new Int32Array(4);
  private readonly block = new Uint8Array(64);
  private readonly words = new Int32Array(16);
  private filled = 0;
  private length = 0;

  constructor() {
    this.reset();
  }

  reset(): this {
    this.state[0] = 0x67452301;
    this.state[1] = 0xefcdab89;
    this.state[2] = 0x98badcfe;
    this.state[3] = 0x10325476;
    this.filled = 0;
    this.length = 0;
    return this;
  }

  /** Adds `b[start, end)`. */
  update(b: Uint8Array, start: number, end: number): this {
    for (let i = start; i < end; i++) this.add(b[i]);
    this.length += end - start;
    return this;
  }

  /** Writes the 16 bytes of the digest to `out[at]`; the object must be reset before it is used again. */
  digest(out: Uint8Array, at: number): void {
    const bits = this.length * 8;
    this.add(0x80);
    while (this.filled !== 56) this.add(0);
    for (let i = 0; i < 8; i++) this.add(i < 6 ? Math.floor(bits / 2 ** (8 * i)) & 255 : 0);
    for (let i = 0; i < 16; i++) out[at + i] = this.state[i >> 2] >>> (8 * (i & 3));
  }

  private add(byte: number): void {
    this.block[this.filled++] = byte;
    if (this.filled === 64) {
      this.compress();
      this.filled = 0;
    }
  }

  private compress(): void {
    const { block, words, state } = this;
    for (let i = 0; i < 16; i++) {
      const o = 4 * i;
      words[i] = block[o] | (block[o + 1] << 8) | (block[o + 2] << 16) | (block[o + 3] << 24);
    }
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    for (let i = 0; i < 64; i++) {
      let f: number;
      let g: number;
      if (i < 16) {
        f = (b & c) | (~b & d);
        g = i;
      } else if (i < 32) {
        f = (d & b) | (~d & c);
        g = (5 * i + 1) & 15;
      } else if (i < 48) {
        f = b ^ c ^ d;
        g = (3 * i + 5) & 15;
      } else {
        f = c ^ (b | ~d);
        g = (7 * i) & 15;
      }
      const sum = (a + f + SINES[i] + words[g]) | 0;
      const shift = SHIFTS[((i >> 4) << 2) | (i & 3)];
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
  }
}
