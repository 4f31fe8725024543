// Option values in the machine's layout (little-endian, as on x86-64 and arm64): int, struct linger, struct timeval.
// Knows no option.

export function formatInt32(value: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setInt32(0, value, true);
  return data;
}

export function formatInt32s(values: readonly number[]): Uint8Array {
  const data = new Uint8Array(4 * values.length);
  const view = new DataView(data.buffer);
  values.forEach((value, index) => {
    view.setUint32(4 * index, value >>> 0, true);
  });
  return data;
}

/** The int at the start; the caller has checked that there are four bytes. */
export function readInt32(data: Uint8Array, offset = 0): number {
  return new DataView(data.buffer, data.byteOffset).getInt32(offset, true);
}

export function readUint32(data: Uint8Array, offset = 0): number {
  return new DataView(data.buffer, data.byteOffset).getUint32(offset, true);
}

/** A 64-bit number, unsigned; exact up to 2^53. */
export function readUint64(data: Uint8Array, offset = 0): number {
  return Number(new DataView(data.buffer, data.byteOffset).getBigUint64(offset, true));
}

export function formatUint64(value: number | bigint): Uint8Array {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  return data;
}

/** struct timeval to µs; NaN when tv_usec is outside 0 … 999,999 (EDOM). */
export function readTimeval(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset);
  const seconds = Number(view.getBigInt64(0, true));
  const micros = Number(view.getBigInt64(8, true));
  if (micros < 0 || micros >= 1_000_000) return Number.NaN;
  return seconds * 1e6 + micros;
}

/** µs to struct timeval; Infinity is 0, 0 as in Linux. */
export function formatTimeval(micros: number): Uint8Array {
  const data = new Uint8Array(16);
  const view = new DataView(data.buffer);
  const value = micros === Number.POSITIVE_INFINITY ? 0 : micros;
  view.setBigInt64(0, BigInt(Math.floor(value / 1e6)), true);
  view.setBigInt64(8, BigInt(Math.floor(value % 1e6)), true);
  return data;
}
