// Ending a connection from our side: shutdown, close with its RST when data was unread (RFC 2525 section 2.17), abort,
// orphans and FIN-WAIT-2 (RFC 9293 section 3.10.4, 3.10.5), and the way into TIME-WAIT.

import { counterIndex } from '../host/counters.js';
import { TCP_ACK, TCP_FIN } from '../wire/tcp.js';
import { rememberDestination } from './destination.js';
import { destroy, endWithError, finish, purgeSendQueue, releaseReceiveQueues, setState } from './destroy.js';
import { ECONNRESET, ENOTCONN } from './errno.js';
import { currentMss } from './mss.js';
import { NAGLE_OFF } from './nagle.js';
import { timeWaitLength } from './profile.js';
import { queueSegment } from './send.js';
import { allocateSegment, chargeWhole } from './send-memory.js';
import {
  stateBit,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from './states.js';
import {
  EVENT_HANGUP,
  EVENT_READ_HANGUP,
  EVENT_READABLE,
  EVENT_WRITABLE,
  type Tcb,
  TIMER_FIN_WAIT2,
} from './tcb.js';
import { makeTimeWait, TIME_WAIT_LENGTH } from './time-wait.js';
import { resetTimer } from './timer-slots.js';
import { sendReset } from './transmit.js';
import { pushFrames } from './write.js';

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

const ABORT_ON_CLOSE = counterIndex('TcpExtTCPAbortOnClose');
const ABORT_ON_DATA = counterIndex('TcpExtTCPAbortOnData');
const ABORT_ON_LINGER = counterIndex('TcpExtTCPAbortOnLinger');
const ABORT_ON_MEMORY = counterIndex('TcpExtTCPAbortOnMemory');
const TIME_WAIT_OVERFLOW = counterIndex('TcpExtTCPTimeWaitOverflow');

/** shutdown(): 0, or -ENOTCONN; what is shut before there is a connection stays shut in it, and in those of a listener (Linux). */
export function tcpShutdown(tcb: Tcb, now: number, how: number): number {
  tcb.clock = now;
  const bits = how + 1;
  if (tcb.state === TCP_CLOSE) {
    tcb.shutdown |= bits;
    return -ENOTCONN;
  }
  if (tcb.state === TCP_SYN_SENT) {
    // As Linux: the attempt is given up, whichever side was shut.
    tcb.shutdown |= bits;
    tcpAbort(tcb, now);
    return 0;
  }
  tcb.shutdown |= bits;
  // In SYN-RECEIVED the FIN waits for the handshake's end, as in Linux (RFC 9293 section 3.10.4: "queue for processing").
  if ((bits & 2) !== 0 && (tcb.state === TCP_ESTABLISHED || tcb.state === TCP_CLOSE_WAIT)) {
    if (closeState(tcb, now)) sendFin(tcb, now);
  }
  let events = EVENT_WRITABLE;
  if ((bits & 1) !== 0) events |= EVENT_READABLE | EVENT_READ_HANGUP;
  if (tcb.shutdown === 3) events |= EVENT_HANGUP;
  tcb.host.notify(tcb, events);
  return 0;
}

/** The state after our side closes; true when a FIN is due. */
function closeState(tcb: Tcb, now: number): boolean {
  switch (tcb.state) {
    case TCP_ESTABLISHED:
    case TCP_SYN_RECV:
      setState(tcb, TCP_FIN_WAIT1, now);
      return true;
    case TCP_CLOSE_WAIT:
      setState(tcb, TCP_LAST_ACK, now);
      return true;
    case TCP_SYN_SENT:
    case TCP_LISTEN:
      setState(tcb, TCP_CLOSE, now);
      return false;
    default:
      return false;
  }
}

/** Queues a FIN: on the last segment that was not sent yet, or on one of its own; the state has moved already. */
function sendFin(tcb: Tcb, now: number): void {
  const { snd } = tcb;
  const tail = snd.writeQueue.tail;
  if (tail !== null) {
    tail.flags |= TCP_FIN;
    tail.endSeq = (tail.endSeq + 1) >>> 0;
    snd.writeSeq = (snd.writeSeq + 1) >>> 0;
  } else {
    const segment = allocateSegment(tcb);
    segment.flags = TCP_ACK | TCP_FIN;
    segment.seq = snd.writeSeq;
    segment.endSeq = (snd.writeSeq + 1) >>> 0;
    segment.segments = 1;
    chargeWhole(tcb, segment);
    queueSegment(tcb, now, segment);
  }
  snd.shutdown = true;
  pushFrames(tcb, now, currentMss(tcb), NAGLE_OFF);
}

// RFC 9293 MAY-1, SHLD-3, MUST-12
/**
 * close(): the socket lets go of the block, which becomes an orphan until it ends (`host.destroyed`). With SO_LINGER of
 * zero (`lingerZero`) the connection is aborted. A caller that lingers keeps the block by shutting both sides down and
 * not calling this until the state is past FIN-WAIT-1, CLOSING and LAST-ACK, or its time is over.
 */
export function tcpClose(tcb: Tcb, now: number, lingerZero = false): void {
  if (tcb.orphan || tcb.done) return;
  tcb.clock = now;
  const { counters } = tcb.host;
  tcb.shutdown = 3;
  const unread = tcb.rcv.queue !== null && tcb.rcv.queue.length > 0;
  // What came out of order stays, and in the SACK blocks, as long as the connection (__tcp_close).
  tcb.rcv.queue?.clear(tcb);
  tcb.rcv.copiedSeq = tcb.rcv.nxt;
  if (tcb.state !== TCP_CLOSE) {
    if (unread) {
      counters.add(ABORT_ON_CLOSE);
      sendReset(tcb, now);
      setState(tcb, TCP_CLOSE, now);
    } else if (lingerZero) {
      counters.add(ABORT_ON_DATA);
      disconnect(tcb, now);
    } else if (closeState(tcb, now)) {
      sendFin(tcb, now);
    }
  }
  tcb.orphan = true;
  tcb.host.memory.orphans++;
  if (tcb.done) return;
  if (tcb.state === TCP_FIN_WAIT2) enterOrphanFinWait2(tcb, now);
  if (tcb.done) return;
  if (tcb.state !== TCP_CLOSE && tooManyOrphans(tcb)) {
    counters.add(ABORT_ON_MEMORY);
    sendReset(tcb, now);
    setState(tcb, TCP_CLOSE, now);
  }
  if (tcb.state === TCP_CLOSE) finish(tcb, now);
}

function tooManyOrphans(tcb: Tcb): boolean {
  const { memory, config } = tcb.host;
  return memory.orphans > config.tcpMaxOrphans || memory.allocated > config.tcpMem[2] * 4096;
}

/** µs that an orphan stays in FIN-WAIT-2: TCP_LINGER2 or tcp_fin_timeout, at least 3.5 RTO. */
export function finTime(tcb: Tcb): number {
  const { timers, host, rtt } = tcb;
  const base = timers.linger2 > 0 ? timers.linger2 : host.config.tcpFinTimeout * 1_000_000;
  return Math.max(base, 4 * rtt.rto - rtt.rto / 2);
}

/** An orphan's FIN was acknowledged: it waits for the peer's as a small record (or a full block while that is long). */
export function enterOrphanFinWait2(tcb: Tcb, now: number): void {
  if (tcb.timers.linger2 < 0) {
    sendReset(tcb, now);
    setState(tcb, TCP_CLOSE, now);
    tcb.host.counters.add(ABORT_ON_LINGER);
    finish(tcb, now);
    return;
  }
  const wait = finTime(tcb);
  if (wait > TIME_WAIT_LENGTH) resetTimer(tcb, TIMER_FIN_WAIT2, now + wait - TIME_WAIT_LENGTH, now);
  else enterTimeWait(tcb, now, TCP_FIN_WAIT2, wait);
}

/** The full block has waited long enough in FIN-WAIT-2. */
export function finWait2Timer(tcb: Tcb, now: number): void {
  if (tcb.state !== TCP_FIN_WAIT2 || !tcb.orphan) return;
  if (tcb.timers.linger2 >= 0) {
    const wait = finTime(tcb) - TIME_WAIT_LENGTH;
    if (wait > 0) {
      enterTimeWait(tcb, now, TCP_FIN_WAIT2, wait);
      return;
    }
  }
  sendReset(tcb, now);
  finish(tcb, now);
}

/** A small record takes the connection's place (`substate` TIME-WAIT or FIN-WAIT-2); the block itself is closed. */
export function enterTimeWait(tcb: Tcb, now: number, substate: number, wait: number): void {
  const { host, rtt } = tcb;
  if (host.memory.timeWaits < host.config.tcpMaxTwBuckets) {
    let timeout = Math.max(wait, 4 * rtt.rto - rtt.rto / 2);
    if (substate === TCP_TIME_WAIT) timeout = timeWaitLength(host.config);
    const record = makeTimeWait(tcb, now, substate, timeout);
    host.memory.timeWaits++;
    host.enterTimeWait(tcb, record, now);
  } else {
    host.counters.add(TIME_WAIT_OVERFLOW);
  }
  rememberDestination(tcb);
  finish(tcb, now);
}

/** States in which an abort tells the peer. */
function needsReset(state: number): boolean {
  const bits =
    stateBit(TCP_ESTABLISHED) |
    stateBit(TCP_CLOSE_WAIT) |
    stateBit(TCP_FIN_WAIT1) |
    stateBit(TCP_FIN_WAIT2) |
    stateBit(TCP_SYN_RECV);
  return (bits & stateBit(state)) !== 0;
}

/** Ends the connection at once (tcp_disconnect): RST where the peer must know; the block can connect again. */
function disconnect(tcb: Tcb, now: number): void {
  const { state, snd } = tcb;
  if (state === TCP_CLOSE) return;
  const pending = snd.nxt !== snd.writeSeq && (state === TCP_CLOSING || state === TCP_LAST_ACK);
  if (needsReset(state) || pending) {
    sendReset(tcb, now);
    tcb.error = ECONNRESET;
  } else if (state === TCP_SYN_SENT) {
    tcb.error = ECONNRESET;
  }
  setState(tcb, TCP_CLOSE, now);
  purgeSendQueue(tcb, now);
  releaseReceiveQueues(tcb);
  const error = tcb.error;
  finish(tcb, now);
  tcb.error = error;
}

/** Aborts: RST to the peer where one is due, state CLOSE (linger zero, connect(AF_UNSPEC), shutdown in SYN-SENT). */
export function tcpAbort(tcb: Tcb, now: number): void {
  tcb.clock = now;
  disconnect(tcb, now);
}

/** Ends a connection that its endpoint cannot go on with. */
export function abandon(tcb: Tcb, now: number, error: number): void {
  endWithError(tcb, now, error);
  if (tcb.orphan) destroy(tcb, now);
}
