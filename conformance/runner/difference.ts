// One thing in which the target's packet is not the script's.

export interface Difference {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

export const differ = (field: string, expected: unknown, actual: unknown): Difference => ({
  field,
  expected: String(expected),
  actual: String(actual),
});
