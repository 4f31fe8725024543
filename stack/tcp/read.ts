// recv(): received bytes to the application, urgent marks, end of stream, and what reading lets us acknowledge
// (RFC 9293 section 3.10.3; Linux's tcp_recvmsg, without waiting).
import { seqGt, seqLt } from '../wire/seq.js';
import { ackAfterRead } from './ack-policy.js';
import { adjustReceiveSpace } from './autotune.js';
import { EAGAIN, EINVAL, ENOTCONN } from './errno.js';
import { predictAgain } from './prediction.js';
import { MSG_PEEK } from './send.js';
import { TCP_CLOSE, TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT } from './states.js';
import type { Tcb } from './tcb.js';
import { URGENT_NONE, URGENT_READ, URGENT_VALID } from './urgent.js';

/**
 * Takes (or with MSG_PEEK looks at) up to `length` received bytes into `target` from `offset`; `target` null drops them
 * (MSG_TRUNC). Never blocks: bytes, 0 at the end of the stream (or after shutdown), -EAGAIN when nothing is there,
 * -ENOTCONN, or the pending error.
 */
export function tcpReceive(
  tcb: Tcb,
  now: number,
  target: Uint8Array | null,
  offset: number,
  length: number,
  flags: number,
): number {
  tcb.clock = now;
  if (tcb.state === TCP_LISTEN) return -ENOTCONN;
  if (length === 0) return 0;
  const { rcv } = tcb;
  let copied: number;
  if ((flags & MSG_PEEK) !== 0) {
    copied = peekBytes(tcb, target, offset, length, Math.max(0, rcv.peekOffset));
    if (rcv.peekOffset >= 0) rcv.peekOffset += copied;
  } else {
    copied = takeBytes(tcb, target, offset, length);
    if (rcv.peekOffset > 0) rcv.peekOffset = Math.max(0, rcv.peekOffset - copied);
    // A FIN that came with the last bytes goes with them; one by itself waits until somebody looks beyond.
    if (copied < length || rcv.queue?.packets === 0) takeFin(tcb);
  }
  // Whoever looks, or finds nothing, may owe an ACK as well (tcp_recvmsg_locked ends with tcp_cleanup_rbuf).
  if (copied > 0) adjustReceiveSpace(tcb, now);
  ackAfterRead(tcb, now, copied);
  return copied > 0 ? copied : whyNothing(tcb);
}

/** The number of the FIN itself counts as read once somebody looked beyond the last byte, and its packet's memory goes. */
function takeFin(tcb: Tcb): void {
  const { rcv } = tcb;
  if (!rcv.finReceived || (rcv.nxt - rcv.copiedSeq) >>> 0 !== 1) return;
  rcv.copiedSeq = rcv.nxt;
  rcv.queue?.drop(tcb, 0);
}

function whyNothing(tcb: Tcb): number {
  if (tcb.rcv.finReceived) return 0;
  if (tcb.error !== 0) {
    const { error } = tcb;
    tcb.error = 0;
    return -error;
  }
  if ((tcb.shutdown & 1) !== 0) return 0;
  if (tcb.state === TCP_CLOSE) return -ENOTCONN;
  return -EAGAIN;
}

/** Bytes up to the urgent mark: all, those before it, or (at it, out of line) those behind it. */
function takeBytes(tcb: Tcb, target: Uint8Array | null, offset: number, length: number): number {
  const { rcv } = tcb;
  const queue = rcv.queue;
  if (queue === null) return 0;
  let copied = 0;
  while (copied < length && queue.length > 0) {
    let used = Math.min(queue.length, length - copied);
    if (rcv.urgentState !== URGENT_NONE) {
      const mark = (rcv.urgentSeq - rcv.copiedSeq) | 0;
      if (mark === 0) {
        if (copied > 0) break; // stop at the mark
        if (!tcb.oobInline) {
          queue.drop(tcb, 1);
          rcv.copiedSeq = (rcv.copiedSeq + 1) >>> 0;
          rcv.urgentState = URGENT_NONE;
          continue;
        }
      } else if (mark > 0 && mark < used) {
        used = mark;
      }
    }
    queue.peek(0, used, target, offset + copied);
    queue.drop(tcb, used);
    rcv.copiedSeq = (rcv.copiedSeq + used) >>> 0;
    copied += used;
    if (rcv.urgentState !== URGENT_NONE && seqGt(rcv.copiedSeq, rcv.urgentSeq)) {
      rcv.urgentState = URGENT_NONE;
      predictAgain(tcb);
    }
  }
  return copied;
}

/** Bytes from `from` behind what was read, up to the urgent mark as `takeBytes`. */
function peekBytes(
  tcb: Tcb,
  target: Uint8Array | null,
  offset: number,
  length: number,
  from: number,
): number {
  const { rcv } = tcb;
  const queue = rcv.queue;
  if (queue === null || queue.length <= from) return 0;
  let skip = from;
  let used = Math.min(queue.length - from, length);
  if (rcv.urgentState !== URGENT_NONE) {
    const mark = ((rcv.urgentSeq - rcv.copiedSeq) | 0) - from;
    if (mark === 0 && !tcb.oobInline) {
      skip++;
      used = Math.min(queue.length - skip, length);
    } else if (mark > 0 && mark < used) {
      used = mark;
    }
  }
  queue.peek(skip, used, target, offset);
  return used;
}

/** SIOCINQ: bytes that can be read (a received FIN does not count). */
export function tcpInputQueued(tcb: Tcb): number {
  const { rcv } = tcb;
  if (tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV) return 0;
  const outOfLine =
    !tcb.oobInline &&
    rcv.urgentState !== URGENT_NONE &&
    !seqLt(rcv.urgentSeq, rcv.copiedSeq) &&
    seqLt(rcv.urgentSeq, rcv.nxt);
  if (outOfLine) return (rcv.urgentSeq - rcv.copiedSeq) >>> 0;
  const bytes = (rcv.nxt - rcv.copiedSeq) >>> 0;
  return bytes > 0 && rcv.finReceived ? bytes - 1 : bytes;
}

// RFC 9293 MUST-33
/** SIOCATMARK. */
export function tcpAtMark(tcb: Tcb): boolean {
  return tcb.rcv.urgentState !== URGENT_NONE && tcb.rcv.urgentSeq === tcb.rcv.copiedSeq;
}

/** recv(MSG_OOB): the urgent byte 0 … 255, -EAGAIN while it is on its way, -EINVAL when there is none, -ENOTCONN. */
export function tcpReceiveUrgent(tcb: Tcb, peek: boolean): number {
  const { rcv } = tcb;
  if (tcb.oobInline || rcv.urgentState === URGENT_NONE || rcv.urgentState === URGENT_READ) return -EINVAL;
  if (tcb.state === TCP_CLOSE && !rcv.finReceived) return -ENOTCONN;
  if (rcv.urgentState === URGENT_VALID) {
    if (!peek) rcv.urgentState = URGENT_READ;
    return rcv.urgentByte;
  }
  return -EAGAIN;
}
