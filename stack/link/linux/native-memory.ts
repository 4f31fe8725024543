// Memory with an address: for structures that hold pointers, and for buffers that a blocked call keeps while the garbage
// collector moves everything else. One anonymous mapping, handed out from front to back and taken back as a whole.
import koffi from 'koffi';
import { checked, libc } from './libc.js';

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

export class NativeMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: bigint;
  private used = 0;

  /** @param size bytes to reserve; the system commits pages when they are first written */
  constructor(size: number) {
    const pointer = libc().mmap(null, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    this.address = pointer === null ? 0n : koffi.address(pointer);
    if (this.address === 0n || this.address === MAP_FAILED) checked('mmap', -1, `${size} bytes of memory`);
    const buffer = koffi.view(pointer, size);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Takes everything back; what was handed out is no longer anybody's. */
  reset(): void {
    this.used = 0;
  }

  /** Offset of `size` zeroed bytes, aligned to 16. Throws RangeError when the mapping is used up. */
  alloc(size: number): number {
    const at = (this.used + 15) & ~15;
    if (at + size > this.bytes.length) throw new RangeError(`no room for ${size} bytes`);
    this.bytes.fill(0, at, at + size);
    this.used = at + size;
    return at;
  }

  /** Copies bytes in; returns their offset. */
  put(bytes: Uint8Array): number {
    const at = this.alloc(bytes.length);
    this.bytes.set(bytes, at);
    return at;
  }

  /** The address of an offset, for a structure's pointer field or a call's argument; -1 is NULL. */
  pointer(at: number): bigint {
    return at < 0 ? 0n : this.address + BigInt(at);
  }

  free(): void {
    libc().munmap(this.address, this.bytes.length);
  }
}
