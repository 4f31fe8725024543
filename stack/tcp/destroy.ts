// The end of a connection: states that end it, purging its queues, telling the socket or letting go of an orphan.
// Decides nothing; sends nothing.
import { counterIndex } from '../host/counters.js';
import { CHRONO_BUSY, chronoStop } from './chrono.js';
import { ECONNREFUSED, ECONNRESET, EPIPE } from './errno.js';
import { fastOpenChildGone } from './fastopen/server.js';
import { clearRetransmitState } from './recovery/retransmit-queue.js';
import { freeSegment } from './send-memory.js';
import type { SegmentList } from './send-segment.js';
import { TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_SYN_RECV, TCP_SYN_SENT } from './states.js';
import {
  EVENT_CLOSED,
  EVENT_ERROR,
  EVENT_HANGUP,
  EVENT_READ_HANGUP,
  EVENT_READABLE,
  EVENT_WRITABLE,
  type Tcb,
} from './tcb.js';
import { clearAllTimers } from './timer-slots.js';

const ESTAB_RESETS = counterIndex('TcpEstabResets');
const ATTEMPT_FAILS = counterIndex('TcpAttemptFails');

/** Changes the state; CLOSE takes the flow out of the table. */
export function setState(tcb: Tcb, state: number, now: number): void {
  const old = tcb.state;
  if (old === state) return;
  tcb.state = state;
  if (state !== TCP_CLOSE) return;
  if (old === TCP_CLOSE_WAIT || old === TCP_ESTABLISHED) tcb.host.counters.add(ESTAB_RESETS);
  tcb.host.closed(tcb, now);
}

/** Throws everything away that was queued to be sent or acknowledged. */
export function purgeSendQueue(tcb: Tcb, now: number): void {
  const { snd, rtt } = tcb;
  chronoStop(tcb, CHRONO_BUSY, now);
  purge(tcb, snd.writeQueue);
  purge(tcb, snd.retransmitQueue);
  clearRetransmitState(tcb);
  if (snd.synData !== null) {
    freeSegment(tcb, snd.synData);
    snd.synData = null;
  }
  snd.packetsOut = 0;
  rtt.backoff = 0;
}

function purge(tcb: Tcb, list: SegmentList): void {
  for (let segment = list.head; segment !== null; segment = list.head) {
    tcb.snd.timeList.remove(segment);
    list.remove(segment);
    freeSegment(tcb, segment);
  }
}

/** State CLOSE, timers off; the socket learns it, an orphan is destroyed (tcp_done). */
export function finish(tcb: Tcb, now: number): void {
  if (tcb.done) return;
  if (tcb.state === TCP_SYN_SENT || tcb.state === TCP_SYN_RECV) tcb.host.counters.add(ATTEMPT_FAILS);
  setState(tcb, TCP_CLOSE, now);
  clearAllTimers(tcb);
  fastOpenChildGone(tcb);
  tcb.shutdown = 3;
  if (!tcb.orphan) {
    const error = tcb.error !== 0 ? EVENT_ERROR : 0;
    tcb.host.notify(
      tcb,
      EVENT_READABLE | EVENT_WRITABLE | EVENT_HANGUP | EVENT_READ_HANGUP | EVENT_CLOSED | error,
    );
    return;
  }
  destroy(tcb, now);
}

/** An orphan that ended: memory back, and the endpoint forgets it. */
export function destroy(tcb: Tcb, now: number): void {
  if (tcb.done) return;
  tcb.done = true;
  purgeSendQueue(tcb, now);
  releaseReceiveQueues(tcb);
  clearAllTimers(tcb);
  tcb.cc.algorithm?.release?.(tcb);
  if (tcb.orphan) tcb.host.memory.orphans--;
  tcb.host.destroyed(tcb);
}

/** Drops whatever was received and not read. */
export function releaseReceiveQueues(tcb: Tcb): void {
  const { rcv } = tcb;
  rcv.queue?.clear(tcb);
  rcv.outOfOrder?.clear(tcb);
}

/** Ends the connection with `error` (a positive errno, 0: none) for its socket. */
export function endWithError(tcb: Tcb, now: number, error: number): void {
  tcb.error = error;
  purgeSendQueue(tcb, now);
  finish(tcb, now);
}

// RFC 9293 MUST-12, SHLD-2
/** An acceptable RST arrived (RFC 9293 section 3.10.7.4): which error the application sees depends on the state. */
export function receiveReset(tcb: Tcb, now: number): void {
  if (tcb.state === TCP_CLOSE) return;
  let error = ECONNRESET;
  if (tcb.state === TCP_SYN_SENT) error = ECONNREFUSED;
  else if (tcb.state === TCP_CLOSE_WAIT) error = EPIPE;
  endWithError(tcb, now, error);
}
