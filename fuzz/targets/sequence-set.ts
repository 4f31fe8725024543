// A set of sequence numbers: ranges of the 32-bit circle, how far they reach without a gap from a place, and what lies beyond.

export class SequenceSet {
  private readonly ranges: { start: number; length: number }[] = [];

  /** `length` numbers from `start`. */
  add(start: number, length: number): void {
    if (length > 0) this.ranges.push({ start: start >>> 0, length });
  }

  /** The first number behind `from` that is not in the set, going up. */
  reach(from: number): number {
    let at = from >>> 0;
    for (let grown = true; grown; ) {
      grown = false;
      for (const { start, length } of this.ranges) {
        const inside = (at - start) >>> 0;
        if (inside < length) {
          at = (start + length) >>> 0;
          grown = true;
        }
      }
    }
    return at;
  }

  /** The ranges in the 2^31 numbers above `from`, joined and in order, `most` at most: what SACK blocks say (RFC 2018). */
  beyond(from: number, most: number): { left: number; right: number }[] {
    const above = this.ranges
      .map(({ start, length }) => ({ at: (start - from) | 0, length }))
      .filter(({ at }) => at > 0)
      .sort((a, b) => a.at - b.at);
    const joined: { at: number; end: number }[] = [];
    for (const { at, length } of above) {
      const last = joined.at(-1);
      if (last !== undefined && at <= last.end) last.end = Math.max(last.end, at + length);
      else joined.push({ at, end: at + length });
    }
    return joined
      .slice(0, most)
      .map(({ at, end }) => ({ left: (from + at) >>> 0, right: (from + end) >>> 0 }));
  }
}
