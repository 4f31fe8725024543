// Orders in which packets come: a number for each, so that an input can hold it.

/** The `n`th order of `list`, 0: as it is. */
export function shuffled<T>(list: readonly T[], n: number): T[] {
  const rest = [...list];
  const out: T[] = [];
  let code = n;
  while (rest.length > 0) {
    out.push(...rest.splice(code % rest.length, 1));
    code = Math.floor(code / 3);
  }
  return out;
}
