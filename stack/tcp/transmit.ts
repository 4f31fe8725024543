// Building headers and handing segments to the host: data, SYN, pure ACK, RST, FIN, window probe (RFC 9293, section 3.10).
// Decides nothing about whether something may be sent; keeps the counters and times that sending itself changes.
import { counterIndex } from '../host/counters.js';
import { seqGt } from '../wire/seq.js';
import { TCP_ACK, TCP_CWR, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../wire/tcp.js';
import { noteAckSent, noteDataSent } from './ack-policy.js';
import { noteSent } from './cwnd.js';
import { ECN_ACCURATE } from './ecn/accurate.js';
import { ecnSend } from './ecn/classic.js';
import { fastOpenSynOption } from './fastopen/client.js';
import { linkTakes, refreshRoute, routeAdvMss } from './mss.js';
import { buildEstablishedOptions, buildSynOptions, timestampValue } from './options-build.js';
import { allowOutOfWindowAck } from './rate-limit.js';
import { enterCwr } from './recovery/cwnd-reduction.js';
import { SegmentOut, XMIT_CN, XMIT_DROP, XMIT_NOBUFS, XMIT_OK } from './segment.js';
import type { SendSegment } from './send-segment.js';
import { TCP_CLOSE } from './states.js';
import { type Tcb, TIMESTAMP_SCHEDULED } from './tcb.js';
import { selectWindow } from './window.js';

const OUT_SEGS = counterIndex('TcpOutSegs');
const OUT_RSTS = counterIndex('TcpOutRsts');
const CHALLENGE_ACK = counterIndex('TcpExtTCPChallengeACK');
const CHALLENGE_SKIPPED = counterIndex('TcpExtTCPACKSkippedChallenge');

/** SOF_TIMESTAMPING_TX_SCHED. */
const STAMP_SCHEDULED = 0x100;

// One object for everything that this module sends: the sink copies it before it returns.
const out = new SegmentOut();

function begin(tcb: Tcb, seq: number, flags: number): void {
  out.seq = seq;
  out.ack = (flags & TCP_ACK) !== 0 ? tcb.rcv.nxt : 0;
  out.flags = flags;
  out.urgent = 0;
  out.ecn = 0;
  out.tos = tcb.tos;
  out.ttl = tcb.ttl;
  out.flowLabel = tcb.flowLabel;
  out.mark = tcb.mark;
  out.gsoSize = 0;
  out.departure = 0;
  out.more = false;
  out.md5Offset = -1;
  out.df = tcb.pmtuDiscover >= 1 && tcb.pmtuDiscover !== 5;
}

// RFC 9293 MUST-30, MUST-31, MUST-62
/** Adds the urgent pointer while there is urgent data ahead of `seq` (RFC 9293, section 3.8.5). */
function addUrgent(tcb: Tcb, seq: number): void {
  const { snd } = tcb;
  if (snd.up === snd.una || !seqGt(snd.up, seq)) return;
  const distance = (snd.up - seq) >>> 0;
  if (distance < 0x10000) {
    out.urgent = distance;
    out.flags |= TCP_URG;
  } else if (seqGt((seq + 0xffff) >>> 0, snd.nxt)) {
    out.urgent = 0xffff;
    out.flags |= TCP_URG;
  }
}

/**
 * Sends `segment` as it is now (first time or again). Result: 0, or the sink's XMIT_* when it was dropped locally.
 * Sets its time, the departure clock of a paced connection, and the segment's place on the time-ordered list.
 */
export function transmitSegment(tcb: Tcb, now: number, segment: SendSegment): number {
  const { snd } = tcb;
  const length = segment.length;
  const syn = (segment.flags & TCP_SYN) !== 0;
  // PSH on every super-packet expedites GRO at the receiver; it does not stay with the segment.
  const push = !syn && segment.segments > 1 ? TCP_PSH : 0;
  if (tcb.routeGeneration !== tcb.host.routeGeneration) refreshRoute(tcb);
  begin(tcb, segment.seq, segment.flags | push);
  const previousDeparture = snd.departure;
  if (snd.departure < now) snd.departure = now;
  if (syn) {
    buildActiveSyn(tcb, now);
    out.window = Math.min(tcb.rcv.wnd, 65_535);
  } else {
    buildEstablishedOptions(tcb, out, snd.departure);
    out.window = selectWindow(tcb, now);
    ecnSend(tcb, segment, out);
    addUrgent(tcb, segment.seq);
  }
  out.gsoSize = segment.segments > 1 ? segment.gsoSize : 0;
  if (snd.pacingStatus === 2) out.departure = snd.departure;
  if ((segment.flags & TCP_ACK) !== 0) noteAckSent(tcb, now);
  if (length > 0 || syn) {
    snd.dataSegsOut += length > 0 ? segment.segments : 0;
    snd.bytesSent += length;
  }
  if (seqGt(segment.endSeq, snd.nxt) || segment.seq === segment.endSeq)
    tcb.host.counters.add(OUT_SEGS, Math.max(1, segment.segments));
  snd.segsOut += Math.max(1, segment.segments);
  chargeHostQueue(tcb, segment, 1);
  if (segment.timestampFlags !== 0) stampScheduled(tcb, now, segment);
  const result =
    out.gsoSize > 0 && !linkTakes(tcb, length)
      ? transmitSliced(tcb, segment, length)
      : tcb.host.sink.transmit(tcb, out, segment.payload, 0, length, segment, segment.truesize);
  if (result !== XMIT_OK) enterCwr(tcb, now); // the local queue is congested too
  if (result !== XMIT_OK && result !== XMIT_CN) {
    // One that was dropped gives its charge back as any that left; one that never had a buffer cannot.
    if (result === XMIT_NOBUFS) chargeHostQueue(tcb, segment, -1);
    return result;
  }
  segment.sentAt = snd.departure;
  advanceDeparture(tcb, length, previousDeparture);
  if (segment.list !== null || segment.seq !== segment.endSeq) snd.timeList.append(segment);
  noteSent(tcb, now, segment);
  if (length > 0) noteDataSent(tcb, now);
  return 0;
}

/** `copies` more of the segment in the host's queue. */
function chargeHostQueue(tcb: Tcb, segment: SendSegment, copies: number): void {
  segment.inHostQueue += copies;
  tcb.snd.inHostQueue += copies * segment.truesize;
}

/** SOF_TIMESTAMPING_TX_SCHED: handed to the queue discipline. (Sent and acknowledged are told where they happen.) */
function stampScheduled(tcb: Tcb, now: number, segment: SendSegment): void {
  if (segment.timestampKey < 0 || (segment.timestampFlags & STAMP_SCHEDULED) === 0) return;
  tcb.host.transmitTimestamp?.(tcb, TIMESTAMP_SCHEDULED, segment.timestampKey, now);
}

/**
 * A super-packet for a link that takes none: wire segments one by one, FIN and PSH on the last, CWR on the first (RFC 3168
 * section 6.1.2). The host's queue takes them in one go. Fails only when none went; what is missing of several is
 * repaired as loss.
 */
function transmitSliced(tcb: Tcb, segment: SendSegment, length: number): number {
  const { sink } = tcb.host;
  const { flags, gsoSize } = out;
  const onlyLast = TCP_FIN | TCP_PSH;
  let result = XMIT_OK;
  out.gsoSize = 0;
  for (let at = 0; at < length; at += gsoSize) {
    const size = Math.min(gsoSize, length - at);
    const last = at + size === length;
    out.seq = (segment.seq + at) >>> 0;
    out.flags = last ? flags : flags & ~onlyLast;
    // Under accurate ECN the bit is part of a counter.
    if (at > 0 && (tcb.opt.ecnFlags & ECN_ACCURATE) === 0) out.flags &= ~TCP_CWR;
    // The charge goes with the last one: the segment is out of the queue when that is.
    const owner = last ? segment : null;
    out.more = !last;
    result = sink.transmit(tcb, out, segment.payload, at, size, owner, last ? segment.truesize : 0);
    if (result !== XMIT_OK && result !== XMIT_CN) {
      if (at === 0 || result === XMIT_DROP) return result;
      chargeHostQueue(tcb, segment, -1);
      return XMIT_CN;
    }
  }
  return result;
}

/** Pacing (Linux's EDT model): the next packet leaves when this one is through at the pacing rate. */
function advanceDeparture(tcb: Tcb, length: number, previous: number): void {
  const { snd } = tcb;
  if (snd.pacingStatus === 0) return;
  const rate = snd.pacingRate;
  if (!Number.isFinite(rate) || rate <= 0 || snd.dataSegsOut < 10) return;
  let gap = (length * 1_000_000) / rate;
  const credit = snd.departure - previous;
  gap -= Math.min(gap / 2, credit);
  snd.departure += gap;
}

function buildActiveSyn(tcb: Tcb, now: number): void {
  // The route may have learnt a smaller MTU since (tcp_advertise_mss).
  const { snd } = tcb;
  const most = routeAdvMss(tcb);
  if (most < snd.advertised) {
    snd.advertised = most;
    snd.advmss = most;
  }
  const cookie = fastOpenSynOption(tcb);
  buildSynOptions(tcb, out, timestampValue(tcb, now), cookie.bytes, cookie.length, cookie.experimental);
  out.ecn = 0;
}

function sendBare(tcb: Tcb, now: number, seq: number, flags: number): void {
  begin(tcb, seq, flags);
  buildEstablishedOptions(tcb, out, now);
  out.window = (flags & TCP_RST) !== 0 && (flags & TCP_ACK) === 0 ? 0 : selectWindow(tcb, now);
  ecnSend(tcb, null, out);
  addUrgent(tcb, seq);
  if ((flags & TCP_ACK) !== 0) noteAckSent(tcb, now);
  tcb.host.counters.add(OUT_SEGS);
  tcb.snd.segsOut++;
  tcb.host.sink.transmit(tcb, out, null, 0, 0, null, 0);
}

/** A pure ACK now. */
export function sendAck(tcb: Tcb, now: number): void {
  if (tcb.state === TCP_CLOSE) return;
  sendBare(tcb, now, acceptableSeq(tcb), TCP_ACK);
}

/** SND.NXT, or less when the peer shrank its window below it: a segment there would not be acceptable. */
export function acceptableSeq(tcb: Tcb): number {
  const { snd } = tcb;
  const end = (snd.una + snd.wnd) >>> 0;
  if (!seqGt(snd.nxt, end)) return snd.nxt;
  // Window scaling may have rounded the edge down by less than one unit (tcp_acceptable_seq: of our own scale).
  if (tcb.opt.wscale && (snd.nxt - end) >>> 0 < 1 << tcb.rcv.wscale) return snd.nxt;
  return end;
}

/** RST on behalf of the connection: SND.NXT as sequence number, with ACK (as Linux, tcp_send_active_reset). */
export function sendReset(tcb: Tcb, now: number): void {
  tcb.host.counters.add(OUT_RSTS);
  sendBare(tcb, now, acceptableSeq(tcb), TCP_RST | TCP_ACK);
}

// RFC 9293 SHLD-12
/** A segment without data whose sequence number the peer already has: it must answer (keepalive, window probe). */
export function sendProbe(tcb: Tcb, now: number, urgent: boolean): void {
  const { snd } = tcb;
  sendBare(tcb, now, (snd.una - (urgent ? 0 : 1)) >>> 0, TCP_ACK);
}

/**
 * A challenge ACK (RFC 5961), under the connection's limit (tcp_invalid_ratelimit) and the stack's.
 */
export function sendChallengeAck(tcb: Tcb, now: number): void {
  const { host } = tcb;
  if (!allowOutOfWindowAck(tcb.rcv, host.config.tcpInvalidRatelimit, now)) {
    host.counters.add(CHALLENGE_SKIPPED);
    return;
  }
  if (!host.memory.challenges.allow(host.config.tcpChallengeAckLimit, host.random32, now)) return;
  host.counters.add(CHALLENGE_ACK);
  sendAck(tcb, now);
}
