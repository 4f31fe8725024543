// What may differ from run to run of a real stack and must not change a verdict: chance, the epochs of clocks, the tick,
// and small delays of what arrives. Written behind the target's name: `stack:seed=7,hz=0`.

export interface Variation {
  /** Of all that is chance: ports, timestamp offsets, hash seeds, ISNs. */
  readonly seed: number;
  /** ISN of every connection; null: RFC 6528's. */
  readonly isn: number | null;
  /** Value of the millisecond timestamp clock at the start. */
  readonly timestampEpoch: number;
  /** The stack's clock at the start of the script, µs. */
  readonly start: number;
  /** Ticks a second to which timers round up; 0: exact. */
  readonly hz: number;
  /** Most µs by which a packet to the stack is late. */
  readonly delay: number;
}

export const NO_VARIATION: Variation = {
  seed: 1,
  isn: null,
  timestampEpoch: 1,
  start: 0,
  hz: 1000,
  delay: 0,
};

export class VariationError extends Error {
  override readonly name = 'VariationError';
  readonly code = 'ERR_UNKNOWN_TARGET';
}

const BOUNDS: Readonly<Record<keyof Variation, number>> = {
  seed: 0xffff_ffff,
  isn: 0xffff_ffff,
  timestampEpoch: 0xffff_ffff,
  start: Number.MAX_SAFE_INTEGER / 2,
  hz: 1_000_000,
  delay: 1_000_000,
};

/** Reads `seed=7,hz=0`; an empty text is no variation. @throws VariationError */
export function parseVariation(text: string): Variation {
  const variation: Record<keyof Variation, number | null> = { ...NO_VARIATION };
  for (const part of text.split(',').filter(Boolean)) {
    const [name, value = ''] = part.split('=');
    const bound = BOUNDS[name as keyof Variation];
    if (bound === undefined) {
      throw new VariationError(
        `the stack has no variation "${name}" (there are ${Object.keys(BOUNDS).join(', ')})`,
      );
    }
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number <= bound))
      throw new VariationError(`${name}=${value}: expected a whole number up to ${bound}`);
    variation[name as keyof Variation] = number;
  }
  return variation as unknown as Variation;
}
