// Readiness of a connection as a level, and how much waits in its send queue (Linux's tcp_poll, tcp_ioctl).
import { sendWritable } from './send-memory.js';
import { TCP_CLOSE, TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT } from './states.js';
import {
  EVENT_ERROR,
  EVENT_HANGUP,
  EVENT_PRIORITY,
  EVENT_READ_HANGUP,
  EVENT_READABLE,
  EVENT_WRITABLE,
  type Tcb,
} from './tcb.js';
import { URGENT_NONE, URGENT_VALID } from './urgent.js';
import { receiveWindow } from './window.js';

/** Enough to read: SO_RCVLOWAT, or as much as memory and window will ever let come. */
export function streamReadable(tcb: Tcb, target: number): boolean {
  const { rcv, ack } = tcb;
  const available = (rcv.nxt - rcv.copiedSeq) >>> 0;
  if (available === 0) return false;
  if (available >= target || tcb.host.memory.pressure) return true;
  const nearlyFull = rcv.memoryAllocated > rcv.buffer - Math.floor(rcv.buffer / 8);
  return nearlyFull || receiveWindow(tcb) <= ack.rcvMss;
}

/**
 * Readiness as a level: EVENT_* bits that hold now. Asking for writability while there is none arms EVENT_WRITABLE
 * (as poll does): do not call it only to look.
 */
export function tcpPoll(tcb: Tcb): number {
  const { state, shutdown, rcv } = tcb;
  let events = 0;
  if (shutdown === 3 || state === TCP_CLOSE) events |= EVENT_HANGUP;
  if ((shutdown & 1) !== 0) events |= EVENT_READABLE | EVENT_READ_HANGUP;
  const connected =
    state !== TCP_SYN_SENT &&
    state !== TCP_LISTEN &&
    (state !== TCP_SYN_RECV || tcb.fastOpenRequest !== null);
  if (connected) {
    const urgentHere = rcv.urgentState !== URGENT_NONE && rcv.urgentSeq === rcv.copiedSeq && !tcb.oobInline;
    if (streamReadable(tcb, Math.max(1, rcv.lowat) + (urgentHere ? 1 : 0))) events |= EVENT_READABLE;
    if ((shutdown & 2) !== 0 || sendWritable(tcb)) events |= EVENT_WRITABLE;
    else tcb.snd.noSpace = true;
    if (rcv.urgentState === URGENT_VALID) events |= EVENT_PRIORITY;
  } else if (state === TCP_SYN_SENT && tcb.opt.deferConnect) {
    events |= EVENT_WRITABLE;
  }
  if (tcb.error !== 0) events |= EVENT_ERROR;
  return events;
}

/** SIOCOUTQ: bytes not acknowledged. */
export function tcpOutputQueued(tcb: Tcb): number {
  if (tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV) return 0;
  return (tcb.snd.writeSeq - tcb.snd.una) >>> 0;
}

/** SIOCOUTQNSD: bytes not sent. */
export function tcpOutputNotSent(tcb: Tcb): number {
  if (tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV) return 0;
  return (tcb.snd.writeSeq - tcb.snd.nxt) >>> 0;
}
