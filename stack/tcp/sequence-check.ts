// Is a segment acceptable? PAWS (RFC 7323 section 5), sequence range (RFC 9293 section 3.10.7.4, first), RST and SYN under
// RFC 5961. Answers what must be answered; lets nothing of an unacceptable segment through.
import { counterIndex } from '../host/counters.js';
import { seqGt, seqLt } from '../wire/seq.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import { enterQuickAck } from './ack-policy.js';
import { receiveReset } from './destroy.js';
import { accEcnReflectNext, accEcnRepeatedSyn } from './ecn/accurate.js';
import { fastOpenDisableActive } from './fastopen/client.js';
import { allowOutOfWindowAck, type OutOfWindowState } from './rate-limit.js';
import { setDsack } from './sack-generate.js';
import type { SegmentIn } from './segment.js';
import {
  stateBit,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_LAST_ACK,
  TCP_SYN_RECV,
} from './states.js';
import type { Tcb } from './tcb.js';
import { sendAck, sendChallengeAck } from './transmit.js';
import { receiveWindow } from './window.js';

const PAWS_ESTAB = counterIndex('TcpExtPAWSEstab');
const PAWS_OLD_ACK = counterIndex('TcpExtPAWSOldAck');
const BEYOND_WINDOW = counterIndex('TcpExtBeyondWindow');
const SKIPPED_PAWS = counterIndex('TcpExtTCPACKSkippedPAWS');
const SKIPPED_SEQ = counterIndex('TcpExtTCPACKSkippedSeq');
const SYN_CHALLENGE = counterIndex('TcpExtTCPSYNChallenge');
const DELAYED_ACK_LOST = counterIndex('TcpExtDelayedACKLost');
const IN_ERRS = counterIndex('TcpInErrs');

const MAX_QUICK_ACKS = 16;
/** A connection idle for longer forgets TS.Recent (RFC 7323 section 5.5), µs. */
const PAWS_24_DAYS = 24 * 24 * 3600 * 1_000_000;

/** Is the timestamp older than TS.Recent by more than `slack`? False also when TS.Recent is outdated or unset. */
export function pawsReject(
  tsRecent: number,
  tsRecentAge: number,
  tsVal: number,
  slack: number,
  now: number,
): boolean {
  if (((tsRecent - tsVal) | 0) <= slack) return false;
  if (now - tsRecentAge >= PAWS_24_DAYS) return false;
  return tsRecent !== 0;
}

/** May `window` (scaled) from this segment update the send window? */
function mayUpdateWindow(tcb: Tcb, seg: SegmentIn): boolean {
  const { snd } = tcb;
  const window = seg.window * 2 ** snd.wscale;
  return (
    seqGt(seg.ack, snd.una) ||
    seqGt(seg.seq, snd.wl1) ||
    (seg.seq === snd.wl1 && (window > snd.wnd || window === 0))
  );
}

const PAWS_PASS = 0;
const PAWS_OLD = 1;
const PAWS_FAIL = 2;

/** PAWS, but a reordered pure ACK is harmless: it passes, or goes without an answer. */
function pawsVerdict(tcb: Tcb, seg: SegmentIn, now: number): number {
  const { opt, rcv, snd, rtt } = tcb;
  if (!pawsReject(opt.tsRecent, opt.tsRecentAge, opt.rcvTsval, 1, now)) return PAWS_PASS;
  if ((seg.flags & TCP_ACK) === 0 || seg.seq !== seg.endSeq) return PAWS_FAIL;
  if (seg.seq !== rcv.nxt) return seqLt(seg.seq, rcv.nxt) ? PAWS_OLD : PAWS_FAIL;
  if (seg.ack !== snd.una || mayUpdateWindow(tcb, seg)) return PAWS_FAIL;
  const replay = (rtt.rto / 1000) * 1.2;
  return ((opt.tsRecent - opt.rcvTsval) | 0) > replay ? PAWS_FAIL : PAWS_PASS;
}

/** Answers with an ACK under the limit on such answers; segments with data are always answered. */
function answerOutOfWindow(tcb: Tcb, now: number, seg: SegmentIn, skipped: number): void {
  if (seg.seq === seg.endSeq || (seg.flags & TCP_SYN) !== 0) {
    const state: OutOfWindowState = tcb.rcv;
    if (!allowOutOfWindowAck(state, tcb.host.config.tcpInvalidRatelimit, now)) {
      tcb.host.counters.add(skipped);
      return;
    }
  }
  sendDuplicateAck(tcb, now, seg);
}

/** An ACK for what is not new: with a DSACK of what was repeated. */
function sendDuplicateAck(tcb: Tcb, now: number, seg: SegmentIn): void {
  const { rcv } = tcb;
  if (seg.seq !== seg.endSeq && seqLt(seg.seq, rcv.nxt)) {
    tcb.host.counters.add(DELAYED_ACK_LOST);
    enterQuickAck(tcb, MAX_QUICK_ACKS);
    setDsack(tcb, seg.seq, seqGt(seg.endSeq, rcv.nxt) ? rcv.nxt : seg.endSeq);
  }
  sendAck(tcb, now);
}

/** No packet waits to be read, not even that of the FIN. */
function nothingQueued({ rcv }: Tcb): boolean {
  const finWaits = rcv.finReceived && rcv.copiedSeq !== rcv.nxt;
  return (rcv.queue === null || rcv.queue.length === 0) && !finWaits;
}

// RFC 9293 MUST-66
/** Does [seq, endSeq) touch what we can take? Data beyond the window only into an empty queue. */
function sequenceAcceptable(tcb: Tcb, seg: SegmentIn): boolean {
  const { rcv } = tcb;
  if (seqLt(seg.endSeq, rcv.wup)) return false;
  const edge = (rcv.nxt + receiveWindow(tcb)) >>> 0;
  if (!seqGt(seg.endSeq, edge)) return true;
  // A FIN right behind the window is let through: the data before it fits.
  const fin = (seg.flags & TCP_FIN) !== 0 ? 1 : 0;
  if (!seqGt((seg.endSeq - fin) >>> 0, edge)) return true;
  if (!seqGt(seg.seq, edge) && nothingQueued(tcb)) return true;
  if ((seg.flags & TCP_RST) === 0) tcb.host.counters.add(BEYOND_WINDOW);
  return false;
}

/** After the peer's FIN its RST may carry the number before RCV.NXT. */
function resetAfterFin(tcb: Tcb, seg: SegmentIn): boolean {
  const closing = stateBit(TCP_CLOSE_WAIT) | stateBit(TCP_LAST_ACK) | stateBit(TCP_CLOSING);
  return seg.seq === (tcb.rcv.nxt - 1) >>> 0 && (closing & stateBit(tcb.state)) !== 0;
}

// RFC 9293 MUST-66
/** RFC 5961 section 3.2: exactly RCV.NXT, or the end of the right-most SACK block that we sent. */
function resetMatches(tcb: Tcb, seg: SegmentIn): boolean {
  const { rcv, opt } = tcb;
  if (seg.seq === rcv.nxt || resetAfterFin(tcb, seg)) return true;
  if (!opt.sack || rcv.sackCount === 0) return false;
  let right = rcv.sackBlocks[1]!;
  for (let i = 1; i < rcv.sackCount; i++) {
    if (seqGt(rcv.sackBlocks[2 * i + 1]!, right)) right = rcv.sackBlocks[2 * i + 1]!;
  }
  return seg.seq === right;
}

function synChallenge(tcb: Tcb, now: number, seg: SegmentIn): boolean {
  if (tcb.state === TCP_ESTABLISHED) tcb.host.counters.add(IN_ERRS);
  tcb.host.counters.add(SYN_CHALLENGE);
  accEcnRepeatedSyn(tcb, seg);
  sendChallengeAck(tcb, now);
  accEcnReflectNext(tcb, false);
  return false;
}

/** Judges `seg` in a synchronised state; true: go on with its ACK and data. Everything else has been dealt with. */
export function segmentAcceptable(tcb: Tcb, now: number, seg: SegmentIn): boolean {
  const { opt, host, snd } = tcb;
  const rst = (seg.flags & TCP_RST) !== 0;
  const syn = (seg.flags & TCP_SYN) !== 0;
  if (opt.sawTimestamp && !rst) {
    const verdict = pawsVerdict(tcb, seg, now);
    if (verdict !== PAWS_PASS) {
      if (syn) return synChallenge(tcb, now, seg);
      if (verdict === PAWS_OLD) {
        host.counters.add(PAWS_OLD_ACK);
        return false;
      }
      host.counters.add(PAWS_ESTAB);
      answerOutOfWindow(tcb, now, seg, SKIPPED_PAWS);
      return false;
    }
  }
  if (!sequenceAcceptable(tcb, seg)) {
    if (rst) {
      if (resetAfterFin(tcb, seg)) receiveReset(tcb, now);
      return false;
    }
    if (syn) return synChallenge(tcb, now, seg);
    answerOutOfWindow(tcb, now, seg, SKIPPED_SEQ);
    return false;
  }
  if (rst) {
    if (resetMatches(tcb, seg)) {
      receiveReset(tcb, now);
      return false;
    }
    if (opt.synFastOpen && tcb.rcv.dataSegsIn === 0 && tcb.state === TCP_ESTABLISHED)
      fastOpenDisableActive(tcb, now);
    sendChallengeAck(tcb, now);
    return false;
  }
  if (!syn) return true;
  // The SYN-ACK of a simultaneous open completes it.
  const crossed =
    tcb.state === TCP_SYN_RECV &&
    (seg.flags & TCP_ACK) !== 0 &&
    (seg.seq + 1) >>> 0 === seg.endSeq &&
    seg.endSeq === tcb.rcv.nxt &&
    seg.ack === snd.nxt;
  return crossed || synChallenge(tcb, now, seg);
}
