// Big-endian loads and stores over a byte array, the alphabet of every file in this folder.
// Knows nothing of any protocol. An offset outside the array is the caller's mistake: each protocol's
// `check` rules that out once, so nothing is tested here.

/** Unsigned 16-bit big-endian value at `o`. */
export function getU16(b: Uint8Array, o: number): number {
  return (b[o] << 8) | b[o + 1];
}

/** Unsigned 24-bit big-endian value at `o`. */
export function getU24(b: Uint8Array, o: number): number {
  return (b[o] << 16) | (b[o + 1] << 8) | b[o + 2];
}

/** Unsigned 32-bit big-endian value at `o`, as a non-negative number. */
export function getU32(b: Uint8Array, o: number): number {
  return ((b[o] << 24) | (b[o + 1] << 16) | (b[o + 2] << 8) | b[o + 3]) >>> 0;
}

/** Stores the low 16 bits of `v` at `o`. */
export function setU16(b: Uint8Array, o: number, v: number): void {
  b[o] = v >>> 8;
  b[o + 1] = v;
}

/** Stores the low 24 bits of `v` at `o`. */
export function setU24(b: Uint8Array, o: number, v: number): void {
  b[o] = v >>> 16;
  b[o + 1] = v >>> 8;
  b[o + 2] = v;
}

/** Stores the low 32 bits of `v` at `o`. */
export function setU32(b: Uint8Array, o: number, v: number): void {
  b[o] = v >>> 24;
  b[o + 1] = v >>> 16;
  b[o + 2] = v >>> 8;
  b[o + 3] = v;
}

/**
 * Copies `n` bytes from `src` at `so` to `dst` at `o`. For addresses and other short fields: below some
 * thirty bytes a loop beats `set(subarray())`, which makes a view object.
 */
export function copyBytes(dst: Uint8Array, o: number, src: Uint8Array, so: number, n: number): void {
  for (let i = 0; i < n; i++) dst[o + i] = src[so + i];
}

/** Whether `n` bytes of `a` at `ao` equal those of `b` at `bo`. */
export function equalBytes(a: Uint8Array, ao: number, b: Uint8Array, bo: number, n: number): boolean {
  for (let i = 0; i < n; i++) if (a[ao + i] !== b[bo + i]) return false;
  return true;
}

/** Lower-case hexadecimal text of `n` bytes at `o`; for printing, never on the data path. */
export function hex(b: Uint8Array, o: number, n: number): string {
  let s = '';
  for (let i = 0; i < n; i++) s += b[o + i].toString(16).padStart(2, '0');
  return s;
}
