// Secret random bytes and words, from one injected source: hash seeds, ISN keys, ports. Knows nothing of who wants them.
import { randomFillSync } from 'node:crypto';

export interface HostSecrets {
  /** Fills the array. */
  fill(bytes: Uint8Array): void;
  /** 32 bits; one call of `fill` lasts for many. */
  secretRandom32(): number;
}

const systemSecrets = (bytes: Uint8Array): void => void randomFillSync(bytes);

/** `fill`: default node:crypto. */
export function hostSecrets(fill: (bytes: Uint8Array) => void = systemSecrets): HostSecrets {
  const bytes = new Uint8Array(256);
  const words = new Uint32Array(bytes.buffer);
  let next = words.length;
  return {
    fill,
    secretRandom32: () => {
      if (next === words.length) {
        fill(bytes);
        next = 0;
      }
      return words[next++];
    },
  };
}
