// Segments of the send queue as memory: a pool of records, their charge against the send buffer, and the wakeup of
// writers that met a full one. Knows neither windows nor timers.
import { CHRONO_SNDBUF_LIMITED, chronoStop } from './chrono.js';
import {
  BUFFER_HEAD_BYTES,
  chargeMemory,
  MAX_TCP_HEADER,
  roundUpPowerOfTwo,
  SEND_OVERHEAD,
  SHARED_INFO_BYTES,
} from './memory.js';
import { Payload } from './payload.js';
import { SendSegment } from './send-segment.js';
import { EVENT_WRITABLE, type Tcb } from './tcb.js';
import { dropZerocopy } from './zerocopy.js';

const pool: SendSegment[] = [];
const POOL_LIMIT = 4096;

/** A segment without payload that is charged to nobody yet. */
export function allocateSegment(tcb: Tcb): SendSegment {
  const segment = pool.pop() ?? new SendSegment();
  segment.owner = tcb;
  segment.truesize = SEND_OVERHEAD;
  if (segment.payload === null || segment.payload.heap !== tcb.host.heap) {
    segment.payload = new Payload(tcb.host.heap);
  }
  return segment;
}

/** Adds `bytes` (negative: takes off) to the memory charge of a queued segment. */
export function chargeSegment(tcb: Tcb, segment: SendSegment, bytes: number): void {
  segment.truesize += bytes;
  tcb.snd.memoryQueued += bytes;
  chargeMemory(tcb, bytes);
}

/** Charges a freshly allocated segment's whole truesize. */
export function chargeWhole(tcb: Tcb, segment: SendSegment): void {
  tcb.snd.memoryQueued += segment.truesize;
  chargeMemory(tcb, segment.truesize);
}

/**
 * Gives a segment that left every list back: payload and memory charge (`snd.memoryQueued`). The record is reused once
 * no copy of it waits in the host's queue. Zerocopy completions are reported here.
 */
export function freeSegment(tcb: Tcb, segment: SendSegment): void {
  tcb.snd.memoryQueued -= segment.truesize;
  chargeMemory(tcb, -segment.truesize);
  dropZerocopy(tcb, segment);
  segment.payload?.clear();
  segment.freed = true;
  if (segment.inHostQueue === 0) recycle(segment);
}

/** A copy left the host's queue (SendSegment.onTransmitDone). */
export function segmentLeftQueue(segment: SendSegment): void {
  if (--segment.inHostQueue === 0 && segment.freed) recycle(segment);
}

function recycle(segment: SendSegment): void {
  segment.reset();
  if (pool.length < POOL_LIMIT) pool.push(segment);
}

/** Whether a writer may add a segment (sk_stream_memory_free): below the buffer and below the not-sent low-water mark. */
export function sendMemoryFree(tcb: Tcb): boolean {
  return tcb.snd.memoryQueued < tcb.snd.buffer && belowNotsentLowat(tcb, false);
}

/** Whether poll says writable: a third of the buffer is free and so on (sk_stream_is_writeable). */
export function sendWritable(tcb: Tcb): boolean {
  const { snd } = tcb;
  return snd.buffer - snd.memoryQueued >= snd.memoryQueued >>> 1 && belowNotsentLowat(tcb, true);
}

function belowNotsentLowat(tcb: Tcb, wake: boolean): boolean {
  const { snd } = tcb;
  const lowat = snd.notsentLowat !== 0 ? snd.notsentLowat : tcb.host.config.tcpNotsentLowat;
  const notsent = (snd.writeSeq - snd.nxt) >>> 0;
  return (wake ? notsent * 2 : notsent) < lowat;
}

/** After memory was freed: wakes a writer that met a full buffer (tcp_check_space), growing the buffer first. */
export function checkSpace(tcb: Tcb, now: number): void {
  if (!tcb.snd.noSpace) return;
  newSpace(tcb);
  if (!tcb.snd.noSpace) chronoStop(tcb, CHRONO_SNDBUF_LIMITED, now);
}

function newSpace(tcb: Tcb): void {
  const { snd, cc } = tcb;
  if (shouldExpand(tcb)) {
    expandSendBuffer(tcb);
    cc.cwndStamp = tcb.clock;
  }
  if (sendWritable(tcb)) {
    snd.noSpace = false;
    tcb.host.notify(tcb, EVENT_WRITABLE);
  }
}

function shouldExpand(tcb: Tcb): boolean {
  const { snd, cc, loss, host } = tcb;
  // A buffer that the user fixed, and any buffer under memory pressure, stays.
  if (snd.bufferLocked || host.memory.pressure) return false;
  if (host.memory.allocated >= host.config.tcpMem[0] * 4096) return false;
  const inFlight = snd.packetsOut - loss.sackedOut - loss.lostOut + loss.retransOut;
  return inFlight < cc.cwnd;
}

/** Sizes the send buffer for twice the window's worth of segments, each with its overhead (tcp_sndbuf_expand). */
export function expandSendBuffer(tcb: Tcb): void {
  const { snd, cc, loss, host } = tcb;
  const perSegment =
    roundUpPowerOfTwo(Math.max(snd.mssClamp, snd.mss) + MAX_TCP_HEADER + SHARED_INFO_BYTES) +
    BUFFER_HEAD_BYTES;
  const segments = Math.max(10, cc.cwnd, loss.reordering + 1);
  const factor = cc.algorithm?.sndbufExpand?.(tcb) ?? 2;
  const wanted = factor * segments * perSegment;
  if (snd.buffer < wanted) snd.buffer = Math.min(wanted, host.config.tcpWmem[2]);
}
