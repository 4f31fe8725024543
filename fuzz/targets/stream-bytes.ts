// The bytes of every stream that a fuzzer sends: a function of their place alone, so that any part can be made and judged
// by itself. Shared by the worlds and their models.

/** The byte at `offset` of the application's stream, or at sequence number `offset` of a peer's. */
export const streamByte = (offset: number): number => (Math.imul(offset, 31) + (offset >>> 8) + 7) & 0xff;

/** 31 and 256 repeat every 2^8 bytes, `offset >>> 8` every 2^16. */
const PERIOD = 65_536;
const table = Uint8Array.from({ length: 4 * PERIOD }, (_, i) => streamByte(i));

/** `length` bytes from `offset`, to be read only: a view where that is long enough, which is what makes long streams cheap. */
export function streamBytes(offset: number, length: number): Uint8Array {
  const at = offset & (PERIOD - 1);
  if (at + length <= table.length) return table.subarray(at, at + length);
  return Uint8Array.from({ length }, (_, i) => streamByte(offset + i));
}

/** The first place in `bytes` that is not the stream's from `offset`; -1: all of them are. */
export function strangerIn(bytes: Uint8Array, offset: number): number {
  const right = streamBytes(offset, bytes.length);
  if (Buffer.compare(bytes, right) === 0) return -1;
  return bytes.findIndex((byte, i) => byte !== right[i]);
}
