// Minimum or maximum over a sliding window of time or rounds in constant space: the best sample and the best ones of
// the later parts of the window wait to follow it (K. Nichols' three-sample filter, as in Linux's lib/win_minmax).
// Pure arithmetic on two arrays of three.

/** Forgets everything but this sample. */
export function filterReset(values: Float64Array, times: Float64Array, time: number, value: number): number {
  values.fill(value);
  times.fill(time);
  return value;
}

/** Takes a sample, returns the minimum over the last `window`. */
export function runningMin(
  values: Float64Array,
  times: Float64Array,
  window: number,
  time: number,
  value: number,
): number {
  if (value <= values[0]! || time - times[2]! > window) return filterReset(values, times, time, value);
  if (value <= values[1]!) put(values, times, 1, time, value);
  else if (value <= values[2]!) put(values, times, 2, time, value);
  return age(values, times, window, time, value);
}

/** Takes a sample, returns the maximum over the last `window`. */
export function runningMax(
  values: Float64Array,
  times: Float64Array,
  window: number,
  time: number,
  value: number,
): number {
  if (value >= values[0]! || time - times[2]! > window) return filterReset(values, times, time, value);
  if (value >= values[1]!) put(values, times, 1, time, value);
  else if (value >= values[2]!) put(values, times, 2, time, value);
  return age(values, times, window, time, value);
}

/** The sample becomes choice `from` and every later choice. */
function put(values: Float64Array, times: Float64Array, from: number, time: number, value: number): void {
  for (let i = from; i < 3; i++) {
    values[i] = value;
    times[i] = time;
  }
}

function shift(values: Float64Array, times: Float64Array, time: number, value: number): void {
  values[0] = values[1]!;
  times[0] = times[1]!;
  values[1] = values[2]!;
  times[1] = times[2]!;
  values[2] = value;
  times[2] = time;
}

/** Drops a best sample that left the window; takes second and third choices from later quarters of it. */
function age(values: Float64Array, times: Float64Array, window: number, time: number, value: number): number {
  const old = time - times[0]!;
  if (old > window) {
    shift(values, times, time, value);
    if (time - times[0]! > window) shift(values, times, time, value);
  } else if (times[1] === times[0] && old > window / 4) {
    put(values, times, 1, time, value);
  } else if (times[2] === times[1] && old > window / 2) {
    put(values, times, 2, time, value);
  }
  return values[0]!;
}
