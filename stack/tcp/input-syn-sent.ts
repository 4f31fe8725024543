// A segment in SYN-SENT: RFC 9293 section 3.10.7.3, in Linux's order. Simultaneous open included.
import { counterIndex } from '../host/counters.js';
import { seqBetween, seqGt } from '../wire/seq.js';
import { TCP_ACK, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import { processAck } from './ack.js';
import { delayAckMax, enterQuickAck, inPingpong, scheduleAck } from './ack-policy.js';
import { receiveReset, setState } from './destroy.js';
import { accEcnReflectNext } from './ecn/accurate.js';
import { ecnReceiveSyn, ecnReceiveSynAck, ecnSynAckFlags } from './ecn/classic.js';
import { finishConnect, initPeerMss } from './establish.js';
import { fastOpenReceiveSynAck } from './fastopen/client.js';
import { takeTimestamps } from './input.js';
import { tickLength } from './jiffies.js';
import { initMtuProbing, syncMss } from './mss.js';
import { FLAG_SLOWPATH } from './recovery/flags.js';
import { undoSpuriousSyn } from './recovery/undo.js';
import { replyReset } from './reset.js';
import type { SegmentIn } from './segment.js';
import { pawsReject } from './sequence-check.js';
import { TCP_SYN_RECV } from './states.js';
import { EVENT_CONNECTED, EVENT_WRITABLE, type Tcb, TIMER_RETRANSMIT } from './tcb.js';
import { resetTimer } from './timer-slots.js';
import { sendAck, transmitSegment } from './transmit.js';

const PAWS_ACTIVE = counterIndex('TcpExtPAWSActive');
const MAX_QUICK_ACKS = 16;
const MAX_WSCALE = 14;

/** What the peer's SYN offers, taken over into the block. */
function takeSynOptions(tcb: Tcb, seg: SegmentIn): void {
  const { snd, rcv, opt, host } = tcb;
  const { options } = seg;
  const { config } = host;
  // RFC 9293 MUST-15
  let mss = options.mss > 0 ? options.mss : tcb.ipv6 ? 1220 : 536;
  if (snd.userMss > 0 && snd.userMss < mss) mss = snd.userMss;
  snd.mssClamp = mss;
  // Linux reads the sysctl anew; one turned off since the SYN would leave the peer scaling what we do not.
  opt.wscale = options.wscale >= 0 && opt.wscaleOffered;
  opt.sack = options.sackPermitted && config.tcpSack !== 0;
  if (opt.wscale) {
    snd.wscale = Math.min(options.wscale, MAX_WSCALE);
  } else {
    snd.wscale = 0;
    rcv.wscale = 0;
    rcv.windowClamp = Math.min(rcv.windowClamp, 65_535);
  }
  opt.timestamps = opt.sawTimestamp;
  if (opt.timestamps) {
    snd.headerLength = 32;
    opt.tsRecent = opt.rcvTsval;
    opt.tsRecentAge = Math.max(tcb.clock, 1);
  } else {
    snd.headerLength = 20;
  }
}

/** Processes the segment; true: go on with urgent data and sending. */
export function synSentInput(tcb: Tcb, now: number, seg: SegmentIn): boolean {
  const { snd, opt, timers, host, loss } = tcb;
  takeTimestamps(tcb, seg);
  if (host.config.tcpTimestamps === 0) opt.sawTimestamp = false;
  if ((seg.flags & TCP_ACK) !== 0) {
    if (!seqGt(seg.ack, snd.una) || seqGt(seg.ack, snd.nxt)) {
      // A connection of another life answers: after our RST, try again after two ticks (Linux's TCP_TIMEOUT_MIN).
      if (timers.retransmits === 0) resetTimer(tcb, TIMER_RETRANSMIT, now + 2 * tickLength(host.config), now);
      replyReset(host, now, seg);
      return false;
    }
    if (opt.sawTimestamp && opt.rcvTsecr !== 0 && loss.retransStamp !== 0) {
      if (!seqBetween(opt.rcvTsecr, loss.retransStamp, host.timestampClock(now))) {
        host.counters.add(PAWS_ACTIVE);
        replyReset(host, now, seg);
        return false;
      }
    }
    if ((seg.flags & TCP_RST) !== 0) {
      receiveReset(tcb, now);
      return false;
    }
    if ((seg.flags & TCP_SYN) === 0) return false;
    return synAck(tcb, now, seg);
  }
  if ((seg.flags & TCP_RST) !== 0) return false;
  if (
    opt.tsRecentAge !== 0 &&
    opt.sawTimestamp &&
    pawsReject(opt.tsRecent, opt.tsRecentAge, opt.rcvTsval, 0, now)
  ) {
    return false;
  }
  if ((seg.flags & TCP_SYN) !== 0) crossedSyn(tcb, now, seg);
  return false;
}

/** SYN-ACK of our SYN: established. */
function synAck(tcb: Tcb, now: number, seg: SegmentIn): boolean {
  const { snd, rcv, opt, host } = tcb;
  takeSynOptions(tcb, seg);
  ecnReceiveSynAck(tcb, seg);
  snd.wl1 = seg.seq;
  undoSpuriousSyn(tcb, now);
  processAck(tcb, now, seg, FLAG_SLOWPATH);
  rcv.irs = seg.seq;
  rcv.nxt = (seg.seq + 1) >>> 0;
  rcv.wup = rcv.nxt;
  snd.wnd = seg.window; // never scaled in a SYN (RFC 7323 section 2.2)
  snd.maxWindow = Math.max(snd.maxWindow, seg.window);
  if (opt.timestamps) snd.advmss -= 12;
  syncMss(tcb, snd.mtuCookie);
  initPeerMss(tcb);
  rcv.copiedSeq = rcv.nxt;
  finishConnect(tcb, now);
  const failed = (opt.synFastOpen || opt.synData) && fastOpenReceiveSynAck(tcb, now, seg);
  host.notify(tcb, EVENT_CONNECTED | EVENT_WRITABLE);
  if (failed) return true;
  if (tcb.writePending || opt.deferAccept > 0 || inPingpong(tcb)) {
    // Data will follow and carry the ACK.
    scheduleAck(tcb);
    enterQuickAck(tcb, MAX_QUICK_ACKS);
    delayAckMax(tcb, now);
    return false;
  }
  accEcnReflectNext(tcb, true);
  sendAck(tcb, now);
  accEcnReflectNext(tcb, false);
  return true;
}

// RFC 9293 MUST-10, MUST-11
/** SYN without ACK: both sides open at once (RFC 9293 section 3.5, figure 8). */
function crossedSyn(tcb: Tcb, now: number, seg: SegmentIn): void {
  const { snd, rcv } = tcb;
  takeSynOptions(tcb, seg);
  setState(tcb, TCP_SYN_RECV, now);
  rcv.irs = seg.seq;
  rcv.nxt = (seg.seq + 1) >>> 0;
  rcv.copiedSeq = rcv.nxt;
  rcv.wup = rcv.nxt;
  snd.wnd = seg.window;
  snd.wl1 = seg.seq;
  snd.maxWindow = seg.window;
  ecnReceiveSyn(tcb, seg);
  initMtuProbing(tcb, now);
  syncMss(tcb, snd.mtuCookie);
  initPeerMss(tcb);
  const syn = snd.retransmitQueue.head;
  if (syn === null) return;
  syn.flags = ecnSynAckFlags(tcb, syn.flags) | TCP_ACK;
  transmitSegment(tcb, now, syn);
}
