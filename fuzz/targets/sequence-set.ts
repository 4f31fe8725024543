// Which sequence numbers have been sent: ranges of the 32-bit circle, and how far they reach without a gap from a place.

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
}
