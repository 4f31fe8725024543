// Control messages in Linux's layout: building those that receive calls return, and how much room they take.
// Knows no socket.

import { MSG_CTRUNC } from './constants.js';
import type { ReceiveRequest } from './message.js';
import { formatInt32 } from './option-value.js';
import type { ControlMessage } from './types.js';

/** struct cmsghdr on a 64-bit machine: length (8), level (4), type (4). */
const HEADER = 16;

/** Bytes that a control message with `data` bytes of payload takes, padding included (CMSG_SPACE). */
export function controlSpace(data: number): number {
  return HEADER + ((data + 7) & ~7);
}

/** Adds a message if there is room; otherwise cuts it or leaves it out, and sets MSG_CTRUNC, as put_cmsg does. */
export function putControl(request: ReceiveRequest, level: number, type: number, data: Uint8Array): void {
  if (!request.message) return;
  let used = 0;
  for (const message of request.control) used += controlSpace(message.data.length);
  const room = request.controlRoom - used;
  if (room < HEADER) {
    request.outFlags |= MSG_CTRUNC;
    return;
  }
  let kept = data;
  if (room < HEADER + data.length) {
    request.outFlags |= MSG_CTRUNC;
    kept = data.subarray(0, room - HEADER);
  }
  request.control.push({ level, type, data: kept });
}

export function putInt(request: ReceiveRequest, level: number, type: number, value: number): void {
  putControl(request, level, type, formatInt32(value));
}

/** Value of the first message of this level and type that holds at least an int, or undefined. */
export function findInt(
  messages: readonly ControlMessage[],
  level: number,
  type: number,
): number | undefined {
  for (const message of messages) {
    if (message.level === level && message.type === type && message.data.length >= 4) {
      return new DataView(message.data.buffer, message.data.byteOffset).getInt32(0, true);
    }
  }
  return undefined;
}

/** struct timespec from µs. */
export function writeTimespec(view: DataView, offset: number, micros: number): void {
  view.setBigInt64(offset, BigInt(Math.floor(micros / 1e6)), true);
  view.setBigInt64(offset + 8, BigInt(Math.floor((micros % 1e6) * 1000)), true);
}

/** struct scm_timestamping: software, (unused), hardware; the stack has software stamps only. */
export function scmTimestamping(micros: number): Uint8Array {
  const data = new Uint8Array(48);
  writeTimespec(new DataView(data.buffer), 0, micros);
  return data;
}
