// A target for engines that feed bytes and watch coverage (Jazzer.js under libFuzzer, ClusterFuzzLite, OSS-Fuzz): the bytes are
// the random numbers from which the target's generator makes its input, so that a mutated byte is another choice in it. Bytes
// that run out count as zeros, which generators take for their least choice: short files are small inputs.

import * as fc from 'fast-check';
import { inputsOf } from './slice.js';
import type { Target } from './target.js';

/** Bytes of zeros behind the end; then numbers change again, since a generator may refuse its least choice for ever. */
const ZEROS = 4096;

class ByteRandom {
  private readonly data: Uint8Array;
  private at: number;

  constructor(data: Uint8Array, at = 0) {
    this.data = data;
    this.at = at;
  }

  clone(): ByteRandom {
    return new ByteRandom(this.data, this.at);
  }

  /** An int32, little-endian. */
  next(): number {
    const { data } = this;
    const at = this.at;
    this.at = at + 4;
    if (at >= data.length) return at < data.length + ZEROS ? 0 : Math.imul(at, 0x9e3779b1) ^ (at >>> 3);
    return data[at] | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16) | ((data[at + 3] ?? 0) << 24);
  }

  getState(): readonly number[] {
    return [this.at];
  }
}

/** The input that `target`'s generator makes of these bytes; the same bytes make the same input. */
export function inputOfBytes<I>(target: Target<I>, data: Uint8Array): I {
  const [input] = fc.sample(inputsOf(target as Target), {
    numRuns: 1,
    seed: 0,
    randomType: () => new ByteRandom(data),
  });
  return input as I;
}

/** `fuzz` as Jazzer.js calls it: throws what the target throws. */
export function byteDriven<I>(target: Target<I>): (data: Uint8Array) => void | Promise<void> {
  return (data) => target.run(inputOfBytes(target, data));
}
