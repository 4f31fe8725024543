// Stand-ins for addresses, the same for the same address throughout a capture, handed out in the order of appearance.
// Addresses that mean the same everywhere (groups, loopback, "any") stand for themselves.

/** Network-layer and hardware addresses to their stand-ins, in place. */
export class Pseudonyms {
  private readonly known = new Map<string, Uint8Array>();
  private readonly counts = new Map<string, number>();

  /** IPv4 address at `b[o]`: 10.0.0.1, 10.0.0.2, … */
  ipv4(b: Uint8Array, o: number): void {
    const first = b[o]!;
    const self = first === 0 || first === 127 || first >= 224;
    if (!self) this.replace('4', b, o, 4, Uint8Array.of(10, 0, 0, 0));
  }

  /** IPv6 address at `b[o]`: 2001:db8::1, …; link-local ones fe80::1, …. */
  ipv6(b: Uint8Array, o: number): void {
    const first = b[o]!;
    if (first === 0xff) {
      // A solicited-node group ends with the last three bytes of the address asked for (RFC 4291 section 2.7.1).
      if (b[o + 11] === 1 && b[o + 12] === 0xff) b.fill(0, o + 13, o + 16);
      return;
    }
    let zero = true;
    for (let i = 0; i < 15; i++) if (b[o + i] !== 0) zero = false;
    if (zero && b[o + 15]! <= 1) return;
    const local = first === 0xfe && (b[o + 1]! & 0xc0) === 0x80;
    const base = new Uint8Array(16);
    base.set(local ? [0xfe, 0x80] : [0x20, 0x01, 0x0d, 0xb8]);
    this.replace(local ? '6l' : '6', b, o, 16, base);
  }

  /** Hardware address at `b[o]`: 02:00:00:00:00:01, …; a group's is kept but for what names a node. */
  hardware(b: Uint8Array, o: number): void {
    if (b[o]! & 1) {
      if (b[o] === 0x33 && b[o + 1] === 0x33 && b[o + 2] === 0xff) b.fill(0, o + 3, o + 6);
      return;
    }
    let zero = true;
    for (let i = 0; i < 6; i++) if (b[o + i] !== 0) zero = false;
    if (!zero) this.replace('m', b, o, 6, Uint8Array.of(2, 0, 0, 0, 0, 0));
  }

  private replace(kind: string, b: Uint8Array, o: number, size: number, base: Uint8Array): void {
    const key = kind + Buffer.from(b.buffer, b.byteOffset + o, size).toString('latin1');
    let stand = this.known.get(key);
    if (stand === undefined) {
      const count = (this.counts.get(kind) ?? 0) + 1;
      this.counts.set(kind, count);
      stand = base.slice();
      for (let i = size - 1, rest = count; rest > 0; i--, rest = Math.floor(rest / 256))
        stand[i]! |= rest & 255;
      this.known.set(key, stand);
    }
    b.set(stand, o);
  }
}
