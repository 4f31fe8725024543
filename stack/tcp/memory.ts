// What a packet costs in memory, as Linux accounts it (sk_buff truesize), measured on the reference kernel; and the
// stack-wide total with its pressure limits (tcp_mem). Knows no queues.
import { counterIndex } from '../host/counters.js';
import type { Tcb } from './tcb.js';

/** Shared-info area and buffer head, rounded to cache lines, bytes. */
export const SHARED_INFO_BYTES = 320;
export const BUFFER_HEAD_BYTES = 256;
/** Room for all headers in front of a segment's payload (MAX_TCP_HEADER): 160 bytes in whole cache lines. */
export const MAX_TCP_HEADER = 192;
/** Room in the smallest buffer head: for the headers, or for those of a packet that is put together on receipt. */
const SMALL_HEAD_ROOM = 256;
/** Truesize of a send segment beyond its payload. */
export const SEND_OVERHEAD = SMALL_HEAD_ROOM + SHARED_INFO_BYTES + BUFFER_HEAD_BYTES;
/** Head room that a receiving driver leaves in front of the packet. */
const RECEIVE_HEADROOM = 64;
/** Whole size of a small head from its own cache; larger heads come in powers of two. */
const SMALL_HEAD_BYTES = SMALL_HEAD_ROOM + SHARED_INFO_BYTES;
/** Unit of the stack-wide account: a page. */
export const MEMORY_PAGE = 4096;
/** Least values of the socket buffers as stored (SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF). */
export const MIN_SNDBUF = 2 * (2048 + BUFFER_HEAD_BYTES);
export const MIN_RCVBUF = 2048 + BUFFER_HEAD_BYTES;

const MEMORY_PRESSURES = counterIndex('TcpExtTCPMemoryPressures');

/** Truesize of a received packet whose network-layer length is `packetLength`. */
export function receiveTruesize(packetLength: number): number {
  return headBytes(packetLength + RECEIVE_HEADROOM) + BUFFER_HEAD_BYTES;
}

/**
 * Bytes that still fit behind a received packet in its own buffer (skb_tailroom): payload that follows is copied there and
 * costs nothing. None behind a packet that lies in pages.
 */
export function receiveTailroom(packetLength: number): number {
  const used = packetLength + RECEIVE_HEADROOM;
  return used < MEMORY_PAGE ? headBytes(used) - SHARED_INFO_BYTES - used : 0;
}

/** Truesize of a buffer made anew for `length` payload bytes without headers (alloc_skb in tcp_collapse). */
export function bareTruesize(length: number): number {
  return headBytes(length) + BUFFER_HEAD_BYTES;
}

/** Bytes that still fit behind those in such a buffer. */
export function bareTailroom(length: number): number {
  return headBytes(length) - SHARED_INFO_BYTES - length;
}

/** Size of the allocation for `used` bytes and the shared info behind them. */
function headBytes(used: number): number {
  const head = align(used, 64) + SHARED_INFO_BYTES;
  return head <= SMALL_HEAD_BYTES ? SMALL_HEAD_BYTES : roundUpPowerOfTwo(head);
}

/** `value` rounded up to a multiple of `unit`, a power of two below 2^31. */
export function align(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

export function roundUpPowerOfTwo(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}

/** Charges `bytes` to the stack's account; negative gives back. */
export function chargeMemory(tcb: Tcb, bytes: number): void {
  const memory = tcb.host.memory;
  memory.allocated += bytes;
  const limits = tcb.host.config.tcpMem;
  if (memory.allocated > limits[1] * MEMORY_PAGE) {
    if (!memory.pressure) {
      memory.pressure = true;
      tcb.host.counters.add(MEMORY_PRESSURES);
    }
  } else if (memory.pressure && memory.allocated < limits[0] * MEMORY_PAGE) {
    memory.pressure = false;
  }
}

/** Whether the stack is beyond its hard limit: new memory is refused to those who already hold their minimum. */
export function memoryExhausted(tcb: Tcb): boolean {
  return tcb.host.memory.allocated > tcb.host.config.tcpMem[2] * MEMORY_PAGE;
}
