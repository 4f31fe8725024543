// A send or a receive in progress: the caller's buffers and how far it has come, so that a blocked call can go on where it
// stopped. Knows no protocol.
import type { ControlMessage, SocketAddress } from './types.js';

/** Total bytes of a gather list, -1 when one of its buffers is a bad pointer (null) with a length. */
export function iovLength(iov: readonly (Uint8Array | null)[]): number {
  let total = 0;
  for (const part of iov) {
    if (part === null) return -1;
    total += part.length;
  }
  return total;
}

export class SendRequest {
  private readonly parts: readonly Uint8Array[];
  readonly length: number;
  /** Lengths of the pieces that the call gave. */
  readonly partLengths: readonly number[];
  flags: number;
  readonly address: SocketAddress | null;
  readonly control: readonly ControlMessage[];
  /** Bytes taken by the protocol so far. */
  done = 0;
  /** The SYN of a fast-open send has been sent (or refused). */
  connectTried = false;

  constructor(
    parts: readonly Uint8Array[],
    flags: number,
    address: SocketAddress | null = null,
    control: readonly ControlMessage[] = [],
  ) {
    this.length = iovLength(parts);
    this.partLengths = parts.map((part) => part.length);
    // One call is one piece for the protocol (what it pushes depends on where the call ends), so several become one.
    this.parts = parts.length > 1 ? [joined(parts, this.length)] : parts;
    this.flags = flags;
    this.address = address;
    this.control = control;
  }

  /** All bytes in one piece. */
  get bytes(): Uint8Array {
    return this.parts[0] ?? EMPTY;
  }
}

export class ReceiveRequest {
  readonly parts: readonly Uint8Array[];
  readonly length: number;
  readonly flags: number;
  /** Room for control messages, in bytes as CMSG_SPACE counts. */
  readonly controlRoom: number;
  /** recvmsg was called: control messages and flags are wanted. */
  readonly message: boolean;
  /** Bytes delivered so far. */
  done = 0;
  /** Filled on return. */
  source: SocketAddress | null = null;
  control: ControlMessage[] = [];
  outFlags = 0;

  constructor(parts: readonly Uint8Array[], flags: number, message = false, controlRoom = 0) {
    this.parts = parts;
    this.flags = flags;
    this.message = message;
    this.controlRoom = controlRoom;
    this.length = iovLength(parts);
  }

  /** Copies `bytes` behind what has been delivered; returns how many found room. */
  scatter(bytes: Uint8Array): number {
    let from = 0;
    let skip = this.done;
    for (const part of this.parts) {
      if (skip >= part.length) {
        skip -= part.length;
        continue;
      }
      const take = Math.min(bytes.length - from, part.length - skip);
      part.set(bytes.subarray(from, from + take), skip);
      from += take;
      skip = 0;
      if (from === bytes.length) break;
    }
    this.done += from;
    return from;
  }
}

const EMPTY = new Uint8Array(0);

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
