// A connection becomes established: buffers, congestion control, path-MTU probing, keepalive (Linux's tcp_init_transfer and
// tcp_finish_connect). Sends nothing.
import { initCongestion } from './cwnd.js';
import { takeDestination } from './destination.js';
import { setState } from './destroy.js';
import { initMtuProbing, refreshRoute } from './mss.js';
import { expandSendBuffer } from './send-memory.js';
import { TCP_ESTABLISHED } from './states.js';
import type { Tcb } from './tcb.js';
import { TIMER_KEEPALIVE } from './tcb.js';
import { keepaliveIdle } from './timer-probe.js';
import { resetTimer } from './timer-slots.js';
import { initReceiveSpace } from './window.js';

const DEFAULT_MSS = 536;
const LEAST_MSS = 88;

/** First guess of the peer's segment size: small, so that the first ACKs come quickly (tcp_initialize_rcv_mss). */
export function initPeerMss(tcb: Tcb): void {
  const { snd, rcv, ack } = tcb;
  const hint = Math.min(snd.advmss, snd.mss, Math.floor(rcv.wnd / 2), DEFAULT_MSS);
  ack.rcvMss = Math.max(hint, LEAST_MSS);
}

/** Both directions are open: what can only now be sized is sized. */
export function establish(tcb: Tcb, now: number): void {
  initMtuProbing(tcb, now);
  refreshRoute(tcb);
  takeDestination(tcb);
  initCongestion(tcb, now);
  if (!tcb.snd.bufferLocked) expandSendBuffer(tcb);
  initReceiveSpace(tcb, now);
  if (tcb.cc.algorithm?.needsPacing === true && tcb.snd.pacingStatus === 0) tcb.snd.pacingStatus = 1;
}

/** The active side got its SYN-ACK. */
export function finishConnect(tcb: Tcb, now: number): void {
  setState(tcb, TCP_ESTABLISHED, now);
  tcb.everConnected = true;
  tcb.ack.lastReceiveTime = now;
  establish(tcb, now);
  tcb.rcv.predicting = tcb.snd.wscale === 0;
  tcb.snd.lastDataSent = now;
  if (tcb.timers.keepaliveEnabled) resetTimer(tcb, TIMER_KEEPALIVE, now + keepaliveIdle(tcb), now);
}
