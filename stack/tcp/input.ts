// A segment of a connection: RFC 9293 section 3.10.7.3 and 3.10.7.4, state by state, in Linux's order. Each step lives in a
// file of its own; this one is the order.
import { counterIndex } from '../host/counters.js';
import { seqGt, seqLt } from '../wire/seq.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import { processAck, replaceTsRecent } from './ack.js';
import { ackCheck } from './ack-policy.js';
import { measureRoundTripByTimestamp } from './autotune.js';
import { enterTimeWait, finTime, tcpShutdown } from './close.js';
import { updatePacingRate } from './cwnd.js';
import { rememberDestination } from './destination.js';
import { finish, receiveReset, setState } from './destroy.js';
import { accEcnReceived, accEcnReceiveFinalAck } from './ecn/accurate.js';
import { ecnNoteSeen } from './ecn/classic.js';
import { establish, initPeerMss } from './establish.js';
import { fastOpenDisableActive } from './fastopen/client.js';
import { fastOpenCheckRequest, fastOpenHandshakeDone, fastOpenHandshakeSample } from './fastopen/server.js';
import { synSentInput } from './input-syn-sent.js';
import { md5Acceptable } from './md5.js';
import { receiveTruesize } from './memory.js';
import { tooFar } from './min-ttl.js';
import { fitsReserved, foreseen } from './prediction.js';
import { queueData } from './receive-data.js';
import { FLAG_NO_CHALLENGE_ACK, FLAG_SLOWPATH, FLAG_UPDATE_TS_RECENT } from './recovery/flags.js';
import { replyReset } from './reset.js';
import type { SegmentIn } from './segment.js';
import { checkSpace } from './send-memory.js';
import { segmentAcceptable } from './sequence-check.js';
import {
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
import { EVENT_CONNECTED, EVENT_WRITABLE, type Tcb, TIMER_FIN_WAIT2 } from './tcb.js';
import { TIME_WAIT_LENGTH } from './time-wait.js';
import { resetTimer } from './timer-slots.js';
import { sendChallengeAck } from './transmit.js';
import { receiveUrgent } from './urgent.js';
import { pushPendingFrames } from './write.js';

const ABORT_ON_DATA = counterIndex('TcpExtTCPAbortOnData');
const IN_SEGS = counterIndex('TcpInSegs');

/** A segment of the connection `tcb` (any state but LISTEN). Checksum already verified. */
export function tcpInput(tcb: Tcb, now: number, seg: SegmentIn): void {
  tcb.clock = now;
  const { rcv, host } = tcb;
  host.counters.add(IN_SEGS);
  if (tooFar(tcb, seg)) return;
  const segments = seg.gsoSize > 0 ? Math.ceil(seg.length / seg.gsoSize) : 1;
  rcv.segsIn += segments;
  if (seg.length > 0) rcv.dataSegsIn += segments;
  if (!md5Acceptable(tcb, seg)) return;
  switch (tcb.state) {
    case TCP_CLOSE:
    case TCP_LISTEN:
      if (tcb.state === TCP_CLOSE) replyReset(host, now, seg);
      return;
    case TCP_SYN_SENT:
      if (synSentInput(tcb, now, seg)) {
        receiveUrgent(tcb, seg);
        sendCheck(tcb, now);
      }
      return;
    default:
      synchronisedInput(tcb, now, seg);
  }
}

/** Takes the segment's timestamps into the block, with our offset off the echo. */
export function takeTimestamps(tcb: Tcb, seg: SegmentIn): void {
  const { opt } = tcb;
  opt.sawTimestamp = seg.options.hasTimestamps && (opt.timestamps || tcb.state === TCP_SYN_SENT);
  if (!opt.sawTimestamp) return;
  opt.rcvTsval = seg.options.tsVal;
  opt.rcvTsecr = seg.options.tsEcr === 0 ? 0 : (seg.options.tsEcr - opt.tsOffset) >>> 0;
}

function sendCheck(tcb: Tcb, now: number): void {
  pushPendingFrames(tcb, now);
  checkSpace(tcb, now);
}

function synchronisedInput(tcb: Tcb, now: number, seg: SegmentIn): void {
  takeTimestamps(tcb, seg);
  if (tcb.fastOpenRequest !== null && !fastOpenCheckRequest(tcb, now, seg)) return;
  if ((seg.flags & (TCP_ACK | TCP_RST | TCP_SYN)) === 0) return;
  if (!segmentAcceptable(tcb, now, seg)) return;
  accEcnReceived(tcb, seg);
  if (tcb.state === TCP_ESTABLISHED) {
    ecnNoteSeen(tcb, seg);
    tcb.rcv.foreseen = foreseen(tcb, seg);
    if (!foreseenDataAlone(tcb, seg)) {
      if (processAck(tcb, now, seg, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT) < 0) return;
      measureRoundTripByTimestamp(tcb, now, seg);
      // A foreseen ACK is dealt with: one that we owe waits for something else (tcp_rcv_established, fast path).
      if (tcb.rcv.foreseen && seg.length === 0) {
        finishInput(tcb, now, true, false);
        return;
      }
      receiveUrgent(tcb, seg);
      queueData(tcb, now, seg);
      finishInput(tcb, now);
      return;
    }
    replaceTsRecent(tcb, now, seg.seq);
    measureRoundTripByTimestamp(tcb, now, seg);
    queueData(tcb, now, seg);
    finishInput(tcb, now, false);
    return;
  }
  const result = processAck(tcb, now, seg, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT | FLAG_NO_CHALLENGE_ACK);
  if (result <= 0) {
    if (tcb.state === TCP_SYN_RECV) {
      replyReset(tcb.host, now, seg);
      return;
    }
    if (result < 0) {
      sendChallengeAck(tcb, now);
      return;
    }
  }
  if (!advanceState(tcb, now, seg)) return;
  receiveUrgent(tcb, seg);
  if (!takeData(tcb, now, seg)) return;
  finishInput(tcb, now);
}

/**
 * Foreseen data that acknowledges nothing new and fits the memory that is held: its ACK is not looked at, and lets nothing go
 * that waits (tcp_rcv_established, fast path).
 */
function foreseenDataAlone(tcb: Tcb, seg: SegmentIn): boolean {
  if (!tcb.rcv.foreseen || seg.length === 0 || seg.ack !== tcb.snd.una) return false;
  return fitsReserved(tcb, receiveTruesize(seg.packetLength));
}

// RFC 9293 MUST-58, MUST-59
function finishInput(tcb: Tcb, now: number, maySend = true, mayAck = true): void {
  if (tcb.state === TCP_CLOSE) return;
  if (maySend) sendCheck(tcb, now);
  if (mayAck) ackCheck(tcb, now);
}

/** What an acceptable ACK does to the state (fifth, check the ACK field); false: the segment is dealt with. */
function advanceState(tcb: Tcb, now: number, seg: SegmentIn): boolean {
  const { snd } = tcb;
  switch (tcb.state) {
    case TCP_SYN_RECV:
      accEcnReceiveFinalAck(tcb, seg);
      synReceivedAcknowledged(tcb, now, seg);
      return true;
    case TCP_FIN_WAIT1:
      return finWait1Acknowledged(tcb, now, seg);
    case TCP_CLOSING:
      if (snd.una !== snd.writeSeq) return true;
      enterTimeWait(tcb, now, TCP_TIME_WAIT, 0);
      return false;
    case TCP_LAST_ACK:
      if (snd.una !== snd.writeSeq) return true;
      rememberDestination(tcb);
      finish(tcb, now);
      return false;
    default:
      return true;
  }
}

/** The handshake of a simultaneous open or of a fast-open child is complete. */
function synReceivedAcknowledged(tcb: Tcb, now: number, seg: SegmentIn): void {
  const { snd, rcv, opt, loss, host } = tcb;
  loss.delivered++;
  if (tcb.rtt.srtt8 === 0) fastOpenHandshakeSample(tcb, now);
  if (opt.timestamps) snd.advmss -= 12;
  if (tcb.fastOpenRequest !== null) {
    fastOpenHandshakeDone(tcb, now);
  } else {
    loss.retransStamp = 0;
    establish(tcb, now);
    rcv.copiedSeq = rcv.nxt;
  }
  setState(tcb, TCP_ESTABLISHED, now);
  tcb.everConnected = true;
  snd.una = seg.ack;
  snd.wnd = seg.window * 2 ** snd.wscale;
  snd.wl1 = seg.seq;
  rcv.predicting = true;
  if (tcb.cc.algorithm?.control === undefined) updatePacingRate(tcb);
  snd.lastDataSent = now;
  initPeerMss(tcb);
  host.notify(tcb, EVENT_CONNECTED | EVENT_WRITABLE);
  if ((tcb.shutdown & 2) !== 0) tcpShutdown(tcb, now, 1);
}

function finWait1Acknowledged(tcb: Tcb, now: number, seg: SegmentIn): boolean {
  const { snd, opt, timers, host } = tcb;
  if (tcb.fastOpenRequest !== null) fastOpenHandshakeDone(tcb, now);
  if (snd.una !== snd.writeSeq) return true;
  setState(tcb, TCP_FIN_WAIT2, now);
  tcb.shutdown |= 2;
  if (!tcb.orphan) {
    host.notify(tcb, EVENT_WRITABLE); // a lingering close waits for this
    return true;
  }
  if (timers.linger2 < 0) {
    host.counters.add(ABORT_ON_DATA);
    replyReset(host, now, seg);
    finish(tcb, now);
    return false;
  }
  const fin = (seg.flags & TCP_FIN) !== 0;
  if (carriesNewData(tcb, seg)) {
    if (opt.synFastOpen && fin) fastOpenDisableActive(tcb, now);
    host.counters.add(ABORT_ON_DATA);
    replyReset(host, now, seg);
    finish(tcb, now);
    return false;
  }
  const wait = finTime(tcb);
  if (wait > TIME_WAIT_LENGTH) {
    resetTimer(tcb, TIMER_FIN_WAIT2, now + wait - TIME_WAIT_LENGTH, now);
  } else if (fin) {
    // The FIN that comes with this ACK is taken below.
    resetTimer(tcb, TIMER_FIN_WAIT2, now + wait, now);
  } else {
    enterTimeWait(tcb, now, TCP_FIN_WAIT2, wait);
    return false;
  }
  return true;
}

/** Bytes beyond RCV.NXT, a FIN not counted. */
function carriesNewData(tcb: Tcb, seg: SegmentIn): boolean {
  const end = (seg.endSeq - ((seg.flags & TCP_FIN) !== 0 ? 1 : 0)) >>> 0;
  return seg.endSeq !== seg.seq && seqGt(end, tcb.rcv.nxt);
}

/** Seventh and eighth: segment text and FIN, where the state takes them; false: the connection was reset. */
function takeData(tcb: Tcb, now: number, seg: SegmentIn): boolean {
  switch (tcb.state) {
    case TCP_CLOSE_WAIT:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
      if (!seqLt(seg.seq, tcb.rcv.nxt)) return true;
      break;
    case TCP_FIN_WAIT1:
    case TCP_FIN_WAIT2:
    case TCP_ESTABLISHED:
      break;
    default:
      return true;
  }
  // RFC 9293 SHLD-3
  // RFC 9293 section 3.6.1, RFC 1122 4.2.2.13: data after close is answered with a RST.
  if (tcb.state !== TCP_ESTABLISHED && (tcb.shutdown & 1) !== 0 && carriesNewData(tcb, seg)) {
    tcb.host.counters.add(ABORT_ON_DATA);
    replyReset(tcb.host, now, seg);
    receiveReset(tcb, now);
    return false;
  }
  queueData(tcb, now, seg);
  return true;
}
