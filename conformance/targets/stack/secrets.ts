// Secrets that are the same in every run, so that a script gives the same bytes each time. For tests only.

/** A generator in the form of StackOptions.secrets: xorshift32 from a fixed state. */
export function fixedSecrets(seed: number): (bytes: Uint8Array) => void {
  let state = seed >>> 0 || 1;
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[i] = state & 0xff;
    }
  };
}
