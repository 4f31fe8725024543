// send(): application bytes into segments of the send queue, with push marks, coalescing into the tail, sizing by MSS and
// window, and the send buffer's memory limit (RFC 9293 section 3.10.2; Linux's tcp_sendmsg).
import { counterIndex } from '../host/counters.js';
import { seqGt } from '../wire/seq.js';
import { TCP_ACK, TCP_PSH } from '../wire/tcp.js';
import { CHRONO_BUSY, chronoStart } from './chrono.js';
import { idleRestartCheck } from './cwnd.js';
import { EAGAIN, ENOTCONN, EPIPE } from './errno.js';
import { deferredConnect } from './fastopen/client.js';
import { align, MEMORY_PAGE } from './memory.js';
import { currentMss, sizeGoal } from './mss.js';
import { NAGLE_CORK, NAGLE_PUSH } from './nagle.js';
import { checkSendingAppLimited } from './rate.js';
import { allocateSegment, chargeSegment, chargeWhole, freeSegment, sendMemoryFree } from './send-memory.js';
import type { SendSegment } from './send-segment.js';
import { TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_SYN_RECV, TCP_SYN_SENT } from './states.js';
import type { Tcb } from './tcb.js';
import { pushFrames, pushOne, reapTransmitted } from './write.js';
import { beginZerocopy, endZerocopy, holdZerocopy } from './zerocopy.js';

export const MSG_OOB = 0x1;
export const MSG_PEEK = 0x2;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_EOR = 0x80;
export const MSG_WAITALL = 0x100;
export const MSG_MORE = 0x8000;
export const MSG_ZEROCOPY = 0x400_0000;
export const MSG_FASTOPEN = 0x2000_0000;

const AUTO_CORKING = counterIndex('TcpExtTCPAutoCorking');

/** Appends a segment behind the write queue: SND.NXT is not touched, the queue is busy (tcp_skb_entail, tcp_queue_skb). */
export function queueSegment(tcb: Tcb, now: number, segment: SendSegment): void {
  const { snd } = tcb;
  if (snd.writeQueue.empty && snd.retransmitQueue.empty) chronoStart(tcb, CHRONO_BUSY, now);
  snd.writeQueue.append(segment);
  snd.writeSeq = segment.endSeq;
}

function newSegment(tcb: Tcb, now: number): SendSegment {
  const { snd } = tcb;
  const segment = allocateSegment(tcb);
  segment.seq = snd.writeSeq;
  segment.endSeq = snd.writeSeq;
  segment.flags = TCP_ACK;
  chargeWhole(tcb, segment);
  snd.nonagle &= ~NAGLE_PUSH;
  queueSegment(tcb, now, segment);
  idleRestartCheck(tcb, now);
  return segment;
}

/** More than half of the peer's largest window was queued since the last PSH. */
function forcedPush(tcb: Tcb): boolean {
  const { snd } = tcb;
  return seqGt(snd.writeSeq, (snd.pushedSeq + Math.floor(snd.maxWindow / 2)) >>> 0);
}

function markPush(tcb: Tcb, segment: SendSegment): void {
  segment.flags |= TCP_PSH;
  tcb.snd.pushedSeq = tcb.snd.writeSeq;
}

/**
 * Queues up to `length` bytes of `bytes` from `from` and sends what may be sent. Never blocks: returns the bytes taken,
 * or -EAGAIN (no space: wait for EVENT_WRITABLE and call again with the rest), -EPIPE (shut down; the caller raises
 * SIGPIPE), the pending error, -ENOTCONN. Flags: MSG_MORE, MSG_EOR, MSG_OOB, MSG_ZEROCOPY.
 * In SYN-SENT and SYN-RECEIVED the answer is -EAGAIN (but for a fast-open child, which sends at once).
 */
export function tcpSend(
  tcb: Tcb,
  now: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  flags: number,
): number {
  tcb.clock = now;
  if (tcb.opt.deferConnect) {
    const started = deferredConnect(tcb, now, bytes, from, length, flags);
    if (started !== 0) return started;
  }
  checkSendingAppLimited(tcb);
  const refused = sendRefused(tcb);
  if (refused !== 0) return refused;
  const mss = currentMss(tcb);
  const goal = sizeGoal(tcb, mss, (flags & MSG_OOB) === 0);
  const zerocopy = (flags & MSG_ZEROCOPY) !== 0 && length > 0;
  if (zerocopy) beginZerocopy(tcb);
  const copied = zerocopy
    ? queueZerocopy(tcb, now, bytes, from, length, flags, mss, goal)
    : queueBytes(tcb, now, bytes, from, length, flags, mss, goal);
  // A call that may not wait ends here; one that may goes on with the rest when there is space.
  const ends = copied === length || (flags & MSG_DONTWAIT) !== 0;
  if (copied > 0) {
    if (ends) markStamps(tcb);
    push(tcb, now, flags, mss, tcb.snd.nonagle, goal);
  }
  if (zerocopy && (ends || copied === 0)) endZerocopy(tcb, copied > 0 || tcb.snd.zerocopyStarted);
  if (zerocopy) tcb.snd.zerocopyStarted = !ends && (copied > 0 || tcb.snd.zerocopyStarted);
  return copied > 0 || length === 0 ? copied : -EAGAIN;
}

/** Why nothing may be sent in this state: a negative errno, 0 when something may. */
function sendRefused(tcb: Tcb): number {
  if (tcb.error !== 0) {
    const { error } = tcb;
    tcb.error = 0;
    return -error;
  }
  if ((tcb.shutdown & 2) !== 0) return -EPIPE;
  switch (tcb.state) {
    case TCP_ESTABLISHED:
    case TCP_CLOSE_WAIT:
      return 0;
    case TCP_SYN_RECV:
      return tcb.fastOpenRequest !== null ? 0 : -EAGAIN;
    case TCP_SYN_SENT:
      return -EAGAIN;
    case TCP_CLOSE:
      return tcb.everConnected ? -EPIPE : -ENOTCONN;
    default:
      return -EPIPE;
  }
}

// RFC 9293 MAY-16, SHLD-27, SHLD-28
function queueBytes(
  tcb: Tcb,
  now: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  flags: number,
  mss: number,
  goal: number,
): number {
  const { snd } = tcb;
  let done = 0;
  let segment = snd.writeQueue.tail;
  while (done < length) {
    let room = segment === null ? 0 : goal - segment.length;
    if (segment?.endOfRecord) room = 0;
    if (segment === null || room <= 0) {
      if (!sendMemoryFree(tcb)) return blocked(tcb, now, done, flags, mss, goal);
      segment = newSegment(tcb, now);
      room = goal;
    }
    const take = Math.min(room, length - done);
    segment.payload!.append(bytes, from + done, take);
    chargeSegment(tcb, segment, take);
    if (done === 0) segment.flags &= ~TCP_PSH;
    snd.writeSeq = (snd.writeSeq + take) >>> 0;
    segment.endSeq = (segment.endSeq + take) >>> 0;
    segment.segments = 0;
    done += take;
    if (done === length) {
      if ((flags & MSG_EOR) !== 0) segment.endOfRecord = true;
      break;
    }
    if (segment.length < goal || (flags & MSG_OOB) !== 0) continue;
    if (forcedPush(tcb)) {
      markPush(tcb, segment);
      pushFrames(tcb, now, mss, NAGLE_PUSH);
    } else if (segment === snd.writeQueue.head) {
      pushOne(tcb, now, mss);
    }
    segment = snd.writeQueue.tail;
  }
  return done;
}

/**
 * As `queueBytes` for MSG_ZEROCOPY: every piece of the caller's memory is a fragment of its own, of which a segment holds
 * MAX_SKB_FRAGS, and costs whole pages; segments hold the call's id until they are given back.
 */
function queueZerocopy(
  tcb: Tcb,
  now: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  flags: number,
  mss: number,
  goal: number,
): number {
  const { snd, host } = tcb;
  const id = snd.zerocopy.open;
  let done = 0;
  let segment = snd.writeQueue.tail;
  while (done < length) {
    const foreign = segment !== null && segment.zerocopyId >= 0 && segment.zerocopyId !== id;
    const full = segment !== null && segment.fragments >= host.config.maxSkbFrags;
    if (full) markPush(tcb, segment!);
    if (segment === null || segment.endOfRecord || foreign || full || segment.length >= goal) {
      if (!sendMemoryFree(tcb)) return blocked(tcb, now, done, flags, mss, goal);
      segment = newSegment(tcb, now);
    }
    const take = Math.min(
      goal - segment.length,
      length - done,
      partLeft(snd.zerocopyParts, from + done, length),
    );
    segment.payload!.append(bytes, from + done, take);
    chargeSegment(tcb, segment, align(take, MEMORY_PAGE));
    segment.fragments++;
    holdZerocopy(tcb, segment, id);
    if (done === 0) segment.flags &= ~TCP_PSH;
    snd.writeSeq = (snd.writeSeq + take) >>> 0;
    segment.endSeq = (segment.endSeq + take) >>> 0;
    segment.segments = 0;
    done += take;
    if (done === length) {
      if ((flags & MSG_EOR) !== 0) segment.endOfRecord = true;
      break;
    }
    if (segment.length < goal) continue;
    if (forcedPush(tcb)) {
      markPush(tcb, segment);
      pushFrames(tcb, now, mss, NAGLE_PUSH);
    } else if (segment === snd.writeQueue.head) {
      pushOne(tcb, now, mss);
    }
    segment = snd.writeQueue.tail;
  }
  return done;
}

/** Bytes from `at` to the end of the piece that it lies in. */
function partLeft(parts: readonly number[] | null, at: number, length: number): number {
  if (parts === null) return length;
  let end = 0;
  for (const part of parts) {
    end += part;
    if (at < end) return end - at;
  }
  return length;
}

/** The buffer is full: what was taken is pushed, and the writer is woken when there is space. */
function blocked(tcb: Tcb, now: number, done: number, flags: number, mss: number, goal: number): number {
  tcb.snd.noSpace = true;
  removeEmptyTail(tcb);
  if (done > 0) push(tcb, now, flags & ~MSG_MORE, mss, NAGLE_PUSH, goal);
  // Room that the push made was told to nobody yet (sk_stream_wait_memory): the next ACK wakes the writer.
  tcb.snd.noSpace = true;
  return done;
}

/** A segment that never got a byte must not be sent. */
function removeEmptyTail(tcb: Tcb): void {
  const { tail } = tcb.snd.writeQueue;
  if (tail === null || tail.seq !== tail.endSeq) return;
  tcb.snd.writeQueue.remove(tail);
  freeSegment(tcb, tail);
}

/** Timestamps that the next bytes were asked for hang on the segment of the last byte. */
function markStamps(tcb: Tcb): void {
  const { snd } = tcb;
  const segment = snd.writeQueue.tail;
  if (snd.stampFlags === 0 || segment === null) return;
  segment.timestampFlags |= snd.stampFlags;
  segment.timestampKey = (snd.writeSeq - 1 - snd.timestampKeyBase) >>> 0;
}

// RFC 9293 MUST-60, MUST-61
/** The end of a send call: marks PSH, honours MSG_MORE and autocorking, sends (tcp_push). */
function push(tcb: Tcb, now: number, flags: number, mss: number, nonagle: number, goal: number): void {
  const { snd } = tcb;
  const tail = snd.writeQueue.tail;
  if (tail === null) return;
  if ((flags & MSG_MORE) === 0 || forcedPush(tcb)) markPush(tcb, tail);
  if ((flags & MSG_OOB) !== 0) {
    snd.up = snd.writeSeq;
  }
  if (shouldAutocork(tcb, tail, goal)) {
    tcb.host.counters.add(AUTO_CORKING);
    snd.throttled = true;
    return;
  }
  pushFrames(tcb, now, mss, (flags & MSG_MORE) !== 0 ? NAGLE_CORK : nonagle);
}

/** A small segment waits while earlier packets of ours still sit in the host's queue: it may grow meanwhile. */
function shouldAutocork(tcb: Tcb, segment: SendSegment, goal: number): boolean {
  const { snd, host } = tcb;
  const may =
    segment.length < goal &&
    host.config.tcpAutocorking !== 0 &&
    !snd.retransmitQueue.empty &&
    !segment.endOfRecord;
  // Linux's count begins at one (sk_wmem_alloc), so as much as the segment itself is enough.
  if (!may || snd.inHostQueue < segment.truesize) return false;
  reapTransmitted(tcb);
  return snd.inHostQueue >= segment.truesize;
}
