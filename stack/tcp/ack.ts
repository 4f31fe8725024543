// Everything that an incoming acknowledgment does to the sender, in the order of Linux's tcp_ack: is it acceptable, what
// window does it offer, what did it SACK and acknowledge, what is lost, what may be sent. Each step is a file of
// recovery/; this one only orders them. Knows no sockets; what it sends goes out through retransmit.ts and write.ts.
import { counterIndex } from '../host/counters.js';
import { seqDiff, seqGt, seqLt } from '../wire/seq.js';
import { inCwndReduction, updatePacingRate } from './cwnd.js';
import { accEcnDelta, ECN_ACCURATE } from './ecn/accurate.js';
import { ecnReceiveEce } from './ecn/classic.js';
import { currentMss } from './mss.js';
import { NAGLE_OFF } from './nagle.js';
import { rateGenerate } from './rate.js';
import { cleanRetransmitQueue } from './recovery/clean-queue.js';
import { AckContext } from './recovery/context.js';
import { cwndReduction } from './recovery/cwnd-reduction.js';
import { fastRetransmitAlert } from './recovery/fast-retransmit.js';
import {
  FLAG_ACK_MAYBE_DELAYED,
  FLAG_CA_ALERT,
  FLAG_DATA,
  FLAG_DATA_ACKED,
  FLAG_DSACKING_ACK,
  FLAG_ECE,
  FLAG_FORWARD_PROGRESS,
  FLAG_NO_CHALLENGE_ACK,
  FLAG_NOT_DUP,
  FLAG_SET_XMIT_TIMER,
  FLAG_SLOWPATH,
  FLAG_SND_UNA_ADVANCED,
  FLAG_TS_PROGRESS,
  FLAG_UPDATE_TS_RECENT,
  FLAG_WIN_UPDATE,
  REXMIT_NEW,
  REXMIT_NONE,
} from './recovery/flags.js';
import { tcpPacketsInFlight } from './recovery/in-flight.js';
import { rackUpdateReorderingWindow } from './recovery/rack.js';
import { xmitRetransmitQueue } from './recovery/retransmit-queue.js';
import { tagSackBlocks } from './recovery/sack.js';
import { countDelivered, highestSackSeq } from './recovery/scoreboard.js';
import { setTransmitTimer } from './recovery/timers.js';
import { processTlpAck } from './recovery/tlp.js';
import { acknowledgeProbe } from './recovery/zero-window.js';
import type { SegmentIn } from './segment.js';
import { TCP_SYN_SENT } from './states.js';
import { CA_OPEN, type Tcb } from './tcb.js';
import { sendChallengeAck } from './transmit.js';
import { updateSendWindow } from './window.js';
import { writeXmit } from './write.js';

/** The ACK was acceptable and was processed. */
export const ACK_PROCESSED = 1;
/** It was older than SND.UNA; its SACK blocks were looked at. */
export const ACK_OLD = 0;
/** Older than the largest window ever: a challenge ACK was sent (RFC 5961 section 5.2); drop the segment. */
export const ACK_TOO_OLD = -1;
/** It acknowledges what was never sent: an ACK was sent (RFC 9293 section 3.10.7.4); drop the segment. */
export const ACK_UNSENT = -2;

const predictedAcks = counterIndex('TcpExtTCPHPAcks');
const pureAcks = counterIndex('TcpExtTCPPureAcks');
const deliveredCount = counterIndex('TcpExtTCPDelivered');
const deliveredCeCount = counterIndex('TcpExtTCPDeliveredCE');

const context = new AckContext();

/** 24 days: older than this TS.Recent may be replaced by anything (RFC 7323 section 5.5). */
const PAWS_IDLE = 24 * 24 * 3600 * 1_000_000;

/** TS.Recent from an acceptable segment that begins at or before the last ACK sent (RFC 7323 section 4.3). */
export function replaceTsRecent(tcb: Tcb, now: number, seq: number): number {
  const { opt } = tcb;
  if (!opt.sawTimestamp || seqGt(seq, tcb.rcv.wup)) return 0;
  const delta = seqDiff(opt.rcvTsval, opt.tsRecent);
  if (delta < 0 && opt.tsRecent !== 0 && now - opt.tsRecentAge < PAWS_IDLE) return 0;
  opt.tsRecent = opt.rcvTsval;
  opt.tsRecentAge = now;
  return delta > 0 ? FLAG_TS_PROGRESS : 0;
}

function advanceUna(tcb: Tcb, ack: number): void {
  tcb.snd.bytesAcked += (ack - tcb.snd.una) >>> 0;
  tcb.snd.una = ack;
}

/** Window of the segment (RFC 9293 section 3.10.7.4) and SND.UNA. */
function updateWindow(tcb: Tcb, now: number, seg: SegmentIn): void {
  if (updateSendWindow(tcb, now, seg)) context.flag |= FLAG_WIN_UPDATE;
  advanceUna(tcb, seg.ack);
}

/** Adds what was delivered since `before` to the stack's counters and returns it. */
function newlyDelivered(tcb: Tcb, before: number): number {
  const delivered = tcb.loss.delivered - before;
  if (delivered > 0) {
    tcb.host.counters.add(deliveredCount, delivered);
    // Accurate ECN counted its marks itself.
    if ((context.flag & FLAG_ECE) !== 0 && (tcb.opt.ecnFlags & ECN_ACCURATE) === 0)
      tcb.host.counters.add(deliveredCeCount, delivered);
  }
  return delivered;
}

/** Anything but a plain forward ACK in state Open. */
function isDubious(tcb: Tcb): boolean {
  return (
    (context.flag & FLAG_NOT_DUP) === 0 || (context.flag & FLAG_CA_ALERT) !== 0 || tcb.cc.caState !== CA_OPEN
  );
}

/** cwnd grows on what was delivered in order; on any delivery where the path is known to reorder. */
function mayRaiseCwnd(tcb: Tcb): boolean {
  const mask = tcb.loss.reordering > tcb.host.config.tcpReordering ? FLAG_FORWARD_PROGRESS : FLAG_DATA_ACKED;
  return (context.flag & mask) !== 0;
}

/** Congestion control's turn: the algorithm's own, PRR's reduction, or growth; then the pacing rate. */
function controlCongestion(tcb: Tcb, now: number, ack: number, delivered: number): void {
  const { algorithm } = tcb.cc;
  if (algorithm?.control !== undefined) {
    algorithm.control(tcb, now, ack, context.flag, context.rate);
    return;
  }
  if (inCwndReduction(tcb)) cwndReduction(tcb, delivered, context.rate.losses, context.flag);
  else if (mayRaiseCwnd(tcb)) {
    algorithm?.avoid(tcb, ack, delivered, now);
    tcb.cc.cwndStamp = now;
  }
  updatePacingRate(tcb);
}

/** Sends what recovery asked for, now that cwnd is settled. */
function transmitRecovery(tcb: Tcb, now: number): void {
  if (context.rexmit === REXMIT_NONE || tcb.state === TCP_SYN_SENT) return;
  if (context.rexmit === REXMIT_NEW) {
    writeXmit(tcb, now, currentMss(tcb), NAGLE_OFF, 0);
    if (seqGt(tcb.snd.nxt, tcb.loss.highSeq)) return;
    tcb.loss.frto = false;
  }
  xmitRetransmitQueue(tcb, now);
}

/** SACK blocks of the segment, and their delivery. */
function tagSack(tcb: Tcb, seg: SegmentIn): void {
  if (seg.options.sackCount === 0 || !tcb.opt.sack) return;
  tagSackBlocks(tcb, context, seg);
}

// RFC 9293 MAY-12
/** An ACK below SND.UNA: its blocks may still tell of losses or undo a reduction. */
function processOldAck(tcb: Tcb, now: number, seg: SegmentIn, delivered: number): number {
  const { snd } = tcb;
  const window = Math.min(snd.maxWindow, snd.bytesAcked);
  if (seqLt(seg.ack, (snd.una - window) >>> 0)) {
    if ((context.flag & FLAG_NO_CHALLENGE_ACK) === 0) sendChallengeAck(tcb, now);
    return ACK_TOO_OLD;
  }
  if (seg.options.sackCount > 0 && tcb.opt.sack) {
    tagSack(tcb, seg);
    countDelivered(tcb, context.sackDelivered, false);
    fastRetransmitAlert(tcb, now, context);
    newlyDelivered(tcb, delivered);
    transmitRecovery(tcb, now);
  }
  return ACK_OLD;
}

/**
 * Processes the acknowledgment of `seg`. `flag`: FLAG_SLOWPATH, FLAG_UPDATE_TS_RECENT, FLAG_NO_CHALLENGE_ACK, FLAG_DATA.
 * Needs the parsed timestamps in `tcb.opt` (sawTimestamp, rcvTsval, rcvTsecr with our offset taken off). Returns ACK_*.
 * Afterwards the caller sends what the new windows allow and wakes writers.
 */
export function processAck(tcb: Tcb, now: number, seg: SegmentIn, flag: number): number {
  const { snd, loss, timers } = tcb;
  const { counters } = tcb.host;
  const priorUna = snd.una;
  loss.burst++;
  const { delivered, lost, sackReneging } = loss;
  // Round trips are timed by arrival: the reader's delay is not the network's.
  context.reset(flag, Math.min(seg.arrival, now), priorUna);

  if (seqLt(seg.ack, priorUna)) return processOldAck(tcb, now, seg, delivered);
  if (seqGt(seg.ack, snd.nxt)) {
    if ((flag & FLAG_NO_CHALLENGE_ACK) === 0) sendChallengeAck(tcb, now);
    return ACK_UNSENT;
  }
  const priorPackets = snd.packetsOut;
  if (seqGt(seg.ack, priorUna)) {
    context.flag |= FLAG_SND_UNA_ADVANCED;
    timers.retransmits = 0;
  }
  if (tcb.opt.sack) context.priorFack = highestSackSeq(tcb);
  context.rate.priorInFlight = tcpPacketsInFlight(tcb);
  if ((flag & FLAG_UPDATE_TS_RECENT) !== 0) context.flag |= replaceTsRecent(tcb, now, seg.seq);

  if ((context.flag & (FLAG_SLOWPATH | FLAG_SND_UNA_ADVANCED)) === FLAG_SND_UNA_ADVANCED) {
    // Header prediction held: the window is as it was, nothing is SACKed.
    snd.wl1 = seg.seq;
    advanceUna(tcb, seg.ack);
    context.flag |= FLAG_WIN_UPDATE;
    counters.add(predictedAcks);
  } else {
    if (seg.seq !== seg.endSeq) context.flag |= FLAG_DATA;
    else counters.add(pureAcks);
    updateWindow(tcb, now, seg);
    tagSack(tcb, seg);
  }
  if (ecnReceiveEce(tcb, seg.flags)) context.flag |= FLAG_ECE;
  if (context.sackDelivered > 0) {
    countDelivered(tcb, context.sackDelivered, (context.flag & FLAG_ECE) !== 0);
  }

  tcb.softError = 0;
  timers.probesOut = 0;
  tcb.rcv.lastAckReceived = now;
  if (priorPackets === 0) {
    takeAccurateEcn(tcb, seg, delivered);
    return acknowledgeNothing(tcb, now, seg, delivered);
  }

  cleanRetransmitQueue(tcb, now, context);
  takeAccurateEcn(tcb, seg, delivered);
  rackUpdateReorderingWindow(tcb, context.rate);
  if (loss.tlpHighSeq !== 0) processTlpAck(tcb, now, seg.ack, context.flag);
  if (isDubious(tcb)) {
    if ((context.flag & (FLAG_SND_UNA_ADVANCED | FLAG_NOT_DUP | FLAG_DSACKING_ACK)) === 0) {
      context.duplicates = 1;
    }
    fastRetransmitAlert(tcb, now, context);
  }
  // Linux's sk_dst_confirm: whoever answers what we sent is there (RFC 4861 section 7.3.1).
  if ((context.flag & FLAG_FORWARD_PROGRESS) !== 0 || (context.flag & FLAG_NOT_DUP) === 0)
    tcb.confirmNeighbour = true;
  if ((context.flag & FLAG_SET_XMIT_TIMER) !== 0) setTransmitTimer(tcb, now);

  const { rate } = context;
  const arrived = newlyDelivered(tcb, delivered);
  rate.isAckDelayed = (context.flag & FLAG_ACK_MAYBE_DELAYED) !== 0;
  rate.isEce = (context.flag & FLAG_ECE) !== 0;
  rateGenerate(tcb, context.arrival, arrived, loss.lost - lost, sackReneging, rate);
  controlCongestion(tcb, now, seg.ack, arrived);
  transmitRecovery(tcb, now);
  return ACK_PROCESSED;
}

/** Marks that the ACE field and the option of accurate ECN tell of; `before`: packets delivered before this ACK. */
function takeAccurateEcn(tcb: Tcb, seg: SegmentIn, before: number): void {
  if ((tcb.opt.ecnFlags & ECN_ACCURATE) === 0) return;
  const packets = tcb.loss.delivered - before;
  const marked = accEcnDelta(tcb, seg, packets, context.deliveredBytes, context.flag);
  if (marked === 0) return;
  context.flag |= FLAG_ECE;
  tcb.host.counters.add(deliveredCeCount, marked);
}

/** Nothing was outstanding: only a DSACK, a window probe's answer or a probe's end can be news. */
function acknowledgeNothing(tcb: Tcb, now: number, seg: SegmentIn, delivered: number): number {
  if ((context.flag & FLAG_DSACKING_ACK) !== 0) {
    fastRetransmitAlert(tcb, now, context);
    newlyDelivered(tcb, delivered);
  }
  acknowledgeProbe(tcb, now);
  if (tcb.loss.tlpHighSeq !== 0) processTlpAck(tcb, now, seg.ack, context.flag);
  return ACK_PROCESSED;
}
