// Secrets that are the same each time: a run must not depend on chance of its own.

export function fixedSecrets(seed: number): (bytes: Uint8Array) => void {
  let state = seed | 0;
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
      bytes[i] = state >>> 16;
    }
  };
}
