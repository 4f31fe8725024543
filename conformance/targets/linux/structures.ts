// Linux structures in native memory (x86-64 and arm64, little endian): socket addresses, iovecs, message headers.
import type { NativeMemory } from '../../../stack/link/linux/native-memory.js';
import { formatIpv4, formatIpv6, parseAddress } from '../../../stack/wire/address.js';
import type { CallAddress, CallControlMessage } from '../call-forms.js';

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;
/** Room for any socket address (struct sockaddr_storage). */
export const SOCKADDR_MAX = 128;
const SOCKADDR_IN = 16;
const SOCKADDR_IN6 = 28;
const IOVEC = 16;
const MSGHDR = 56;
const CMSG_HEADER = 16;

export interface Place {
  readonly at: number;
  readonly length: number;
}

/** Writes a socket address; NULL is an offset of -1. Throws AddressError for text that is no address. */
export function putAddress(memory: NativeMemory, address: CallAddress | null): Place {
  if (address === null) return { at: -1, length: 0 };
  const six = address.family === AF_INET6;
  const length = six ? SOCKADDR_IN6 : SOCKADDR_IN;
  const at = memory.alloc(length);
  memory.view.setUint16(at, address.family, true);
  memory.view.setUint16(at + 2, address.port, false);
  if (address.address !== '') {
    const bytes = parseAddress(address.address);
    memory.bytes.set(six ? bytes : bytes.subarray(12), six ? at + 8 : at + 4);
  }
  return { at, length };
}

/** Reads what the kernel wrote; null when it wrote none. */
export function getAddress(memory: NativeMemory, at: number, length: number): CallAddress | null {
  if (length < 2) return null;
  const family = memory.view.getUint16(at, true);
  if (family !== AF_INET && family !== AF_INET6) return { family, address: '', port: 0 };
  const port = memory.view.getUint16(at + 2, false);
  const address = family === AF_INET ? formatIpv4(memory.bytes, at + 4) : formatIpv6(memory.bytes, at + 8);
  return { family, address, port };
}

/** A buffer argument copied in; NULL is -1. */
export function putBuffer(memory: NativeMemory, bytes: Uint8Array | null): number {
  return bytes === null ? -1 : memory.put(bytes);
}

export interface Vectors {
  readonly at: number;
  readonly count: number;
  readonly buffers: readonly { readonly at: number; readonly bytes: Uint8Array | null }[];
}

export function putVectors(memory: NativeMemory, list: readonly (Uint8Array | null)[]): Vectors {
  const buffers = list.map((bytes) => ({ at: putBuffer(memory, bytes), bytes }));
  const at = memory.alloc(IOVEC * Math.max(1, list.length));
  for (const [i, buffer] of buffers.entries()) {
    memory.view.setBigUint64(at + IOVEC * i, memory.pointer(buffer.at), true);
    memory.view.setBigUint64(at + IOVEC * i + 8, BigInt(buffer.bytes?.length ?? 0), true);
  }
  return { at, count: list.length, buffers };
}

/** Copies the first `count` bytes that were received back into the caller's arrays. */
export function takeVectors(memory: NativeMemory, vectors: Vectors, count: number): void {
  let left = count;
  for (const { at, bytes } of vectors.buffers) {
    if (bytes === null || left <= 0) continue;
    const take = Math.min(left, bytes.length);
    bytes.set(memory.bytes.subarray(at, at + take));
    left -= take;
  }
}

const cmsgSpace = (length: number): number => CMSG_HEADER + ((length + 7) & ~7);

export function putControl(memory: NativeMemory, list: readonly CallControlMessage[]): Place {
  const length = list.reduce((sum, { data }) => sum + cmsgSpace(data.length), 0);
  if (length === 0) return { at: -1, length: 0 };
  const start = memory.alloc(length);
  let at = start;
  for (const { level, type, data } of list) {
    memory.view.setBigUint64(at, BigInt(CMSG_HEADER + data.length), true);
    memory.view.setInt32(at + 8, level, true);
    memory.view.setInt32(at + 12, type, true);
    memory.bytes.set(data, at + CMSG_HEADER);
    at += cmsgSpace(data.length);
  }
  return { at: start, length };
}

export function getControl(memory: NativeMemory, start: number, length: number): CallControlMessage[] {
  const list: CallControlMessage[] = [];
  let at = start;
  while (at + CMSG_HEADER <= start + length) {
    const size = Number(memory.view.getBigUint64(at, true));
    if (size < CMSG_HEADER || at + size > start + length) break;
    list.push({
      level: memory.view.getInt32(at + 8, true),
      type: memory.view.getInt32(at + 12, true),
      data: memory.bytes.slice(at + CMSG_HEADER, at + size),
    });
    at += cmsgSpace(size - CMSG_HEADER);
  }
  return list;
}

/** struct msghdr. Its control length and flags stand at +40 and +48 when the call has returned. */
export function putMessage(memory: NativeMemory, name: Place, vectors: Vectors, control: Place): number {
  const at = memory.alloc(MSGHDR);
  const { view } = memory;
  view.setBigUint64(at, memory.pointer(name.at), true);
  view.setUint32(at + 8, name.length, true);
  view.setBigUint64(at + 16, memory.pointer(vectors.at), true);
  view.setBigUint64(at + 24, BigInt(vectors.count), true);
  view.setBigUint64(at + 32, memory.pointer(control.at), true);
  view.setBigUint64(at + 40, BigInt(control.length), true);
  return at;
}
export const MSG_CONTROL_LENGTH = 40;
export const MSG_FLAGS = 48;
