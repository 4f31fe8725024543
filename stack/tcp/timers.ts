// What happens when a deadline of a connection is due: dispatch to the file that owns each kind.
import { compressedAckTimer, delayedAckTimer } from './ack-policy.js';
import { finWait2Timer } from './close.js';
import { currentMss } from './mss.js';
import { tcpPacketsInFlight } from './recovery/in-flight.js';
import { rackReorderingTimeout } from './recovery/rack.js';
import { xmitRetransmitQueue } from './recovery/retransmit-queue.js';
import { sendLossProbe } from './recovery/tlp.js';
import { TCP_CLOSE, TCP_LISTEN } from './states.js';
import {
  type Tcb,
  TIMER_COMPRESSED_ACK,
  TIMER_COUNT,
  TIMER_DELAYED_ACK,
  TIMER_FIN_WAIT2,
  TIMER_KEEPALIVE,
  TIMER_LOSS_PROBE,
  TIMER_PACING,
  TIMER_REORDERING,
  TIMER_RETRANSMIT,
  TIMER_ZERO_WINDOW,
} from './tcb.js';
import { keepaliveTimer, probeTimer } from './timer-probe.js';
import { retransmitTimer } from './timer-retransmit.js';
import { clearAllTimers } from './timer-slots.js';
import { writeXmit } from './write.js';

export { rearmRetransmitTimer } from './timer-retransmit.js';
export {
  clearTimer,
  clearTransmitTimer,
  pendingTransmitTimer,
  resetTimer,
  tcpNextTimeout,
} from './timer-slots.js';

/** Runs every timer that is due at `now`, earliest first. */
export function tcpOnTimer(tcb: Tcb, now: number): void {
  tcb.clock = now;
  const slots = tcb.timers.deadline;
  // Bounded: a handler sets its own kind again only for later.
  for (let guard = 0; guard < 4 * TIMER_COUNT; guard++) {
    let kind = -1;
    for (let i = 0; i < TIMER_COUNT; i++) {
      if (slots[i]! <= now && (kind < 0 || slots[i]! < slots[kind]!)) kind = i;
    }
    if (kind < 0) return;
    slots[kind] = Number.POSITIVE_INFINITY;
    tcb.host.timerChanged(tcb);
    if (tcb.state === TCP_CLOSE || tcb.state === TCP_LISTEN) {
      clearAllTimers(tcb);
      return;
    }
    run(tcb, now, kind);
  }
}

function run(tcb: Tcb, now: number, kind: number): void {
  switch (kind) {
    case TIMER_RETRANSMIT:
      retransmitTimer(tcb, now);
      break;
    case TIMER_LOSS_PROBE:
      sendLossProbe(tcb, now);
      break;
    case TIMER_REORDERING:
      rackReorderingTimeout(tcb, now);
      break;
    case TIMER_ZERO_WINDOW:
      probeTimer(tcb, now);
      break;
    case TIMER_DELAYED_ACK:
      delayedAckTimer(tcb, now);
      break;
    case TIMER_KEEPALIVE:
      keepaliveTimer(tcb, now);
      break;
    case TIMER_PACING:
      if (tcb.loss.lostOut > tcb.loss.retransOut && tcb.cc.cwnd > tcpPacketsInFlight(tcb)) {
        xmitRetransmitQueue(tcb, now);
      }
      writeXmit(tcb, now, currentMss(tcb), tcb.snd.nonagle, 0);
      break;
    case TIMER_COMPRESSED_ACK:
      compressedAckTimer(tcb, now);
      break;
    case TIMER_FIN_WAIT2:
      finWait2Timer(tcb, now);
      break;
  }
}
