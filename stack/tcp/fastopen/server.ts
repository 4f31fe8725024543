// Fast open from the server's side (RFC 7413 section 4.2.2): cookies, children made from a SYN with data, the SYN-ACK's
// repetition by the child's own timer, the limit on pending children.
import { counterIndex } from '../../host/counters.js';
import { seqGt, seqLt } from '../../wire/seq.js';
import { TCP_ACK, TCP_RST, TCP_SYN } from '../../wire/tcp.js';
import { makeChild } from '../child.js';
import { receiveReset } from '../destroy.js';
import { establish } from '../establish.js';
import type { Listener } from '../listener.js';
import { synAckRetries } from '../profile.js';
import { allowOutOfWindowAck } from '../rate-limit.js';
import { queueSynPayload } from '../receive-data.js';
import { enterLoss } from '../recovery/enter-loss.js';
import { anyRetransmitDone, tryUndoRecovery } from '../recovery/undo.js';
import { type Request, sendRequestAck, sendSynAck } from '../request.js';
import { replyReset } from '../reset.js';
import { initialRto, rtoMax, synRttMeasure } from '../rtt.js';
import type { SegmentIn } from '../segment.js';
import { pawsReject } from '../sequence-check.js';
import { CA_LOSS, EVENT_READABLE, type Tcb, TIMER_RETRANSMIT } from '../tcb.js';
import { giveUp, rearmRetransmitTimer } from '../timer-retransmit.js';
import { resetTimer } from '../timer-slots.js';
import {
  fastOpenCookie,
  TFO_SERVER_COOKIE_NOT_REQD,
  TFO_SERVER_ENABLE,
  TFO_SERVER_WO_SOCKOPT1,
} from './state.js';

const PASSIVE = counterIndex('TcpExtTCPFastOpenPassive');
const PASSIVE_FAIL = counterIndex('TcpExtTCPFastOpenPassiveFail');
const PASSIVE_ALT_KEY = counterIndex('TcpExtTCPFastOpenPassiveAltKey');
const LISTEN_OVERFLOW = counterIndex('TcpExtTCPFastOpenListenOverflow');
const COOKIE_REQUESTED = counterIndex('TcpExtTCPFastOpenCookieReqd');
const SKIPPED_SYN_RECV = counterIndex('TcpExtTCPACKSkippedSynRecv');
const ATTEMPT_FAILS = counterIndex('TcpAttemptFails');
const RETRANS_SEGS = counterIndex('TcpRetransSegs');
const SYN_RETRANS = counterIndex('TcpExtTCPSynRetrans');

const TIMEOUT_INIT = 1_000_000;
/** A child that was reset counts against the limit for this long: a defence against spoofed SYNs. */
const RESET_PENALTY = 60_000_000;

/** The handshake of a fast-open child that goes on while the child already works. */
export interface FastOpenRequest {
  listener: Listener;
  request: Request;
}

/** Fast-open option of a SYN-ACK: length -1 for none. */
export interface FastOpenAnswer {
  cookie: Uint8Array;
  length: number;
  experimental: boolean;
}

const answer: FastOpenAnswer = { cookie: new Uint8Array(16), length: -1, experimental: false };

/** The (one) answer object, emptied. */
export function fastOpenAnswer(): FastOpenAnswer {
  answer.length = -1;
  answer.experimental = false;
  return answer;
}

/** listen(): TFO_SERVER_WO_SOCKOPT1 turns fast open on for every listener. */
export function fastOpenTune(listener: Listener): void {
  const mode = listener.tcb.host.config.tcpFastopen;
  const both = TFO_SERVER_ENABLE | TFO_SERVER_WO_SOCKOPT1;
  if ((mode & both) === both && listener.fastOpenLimit === 0) listener.fastOpenLimit = listener.backlog;
}

function roomForAnother(listener: Listener, now: number): boolean {
  if (listener.fastOpenLimit === 0) return false;
  if (listener.fastOpenPending < listener.fastOpenLimit) return true;
  const first = listener.fastOpenResets[0];
  if (first === undefined || first > now) {
    listener.tcb.host.counters.add(LISTEN_OVERFLOW);
    return false;
  }
  listener.fastOpenResets.shift();
  listener.fastOpenPending--;
  return true;
}

function keysOf(listener: Listener): Uint8Array {
  return listener.tcb.opt.fastOpenKeys ?? listener.tcb.host.fastOpen.serverKeys();
}

const candidate = new Uint8Array(16);

/** 0: no key makes this cookie; 1: the first key does; 2: the second (it should be renewed). */
function cookieKey(listener: Listener, seg: SegmentIn): number {
  const keys = keysOf(listener);
  for (let index = 0; index < keys.length / 16; index++) {
    const length = fastOpenCookie(keys, index, seg.remoteAddress, seg.localAddress, seg.ipv6, candidate);
    if (length !== seg.options.fastOpenLength) continue;
    let same = true;
    for (let i = 0; i < length; i++) same &&= candidate[i] === seg.options.fastOpenCookie[i];
    if (same) return index + 1;
  }
  return 0;
}

/** Makes a child of a SYN with data and a good cookie, or fills `to` with a cookie to give; null: an ordinary SYN. */
export function tryFastOpen(
  listener: Listener,
  request: Request,
  seg: SegmentIn,
  now: number,
  to: FastOpenAnswer,
): Tcb | null {
  const { host } = listener.tcb;
  const { options } = seg;
  const mode = host.config.tcpFastopen;
  const hasData = seg.endSeq !== (seg.seq + 1) >>> 0;
  if (options.fastOpenLength === 0) host.counters.add(COOKIE_REQUESTED);
  if ((mode & TFO_SERVER_ENABLE) === 0 || (!hasData && options.fastOpenLength < 0)) return null;
  if (!roomForAnother(listener, now)) return null;
  const noCookie =
    (mode & TFO_SERVER_COOKIE_NOT_REQD) !== 0 ||
    listener.tcb.opt.fastOpenNoCookie ||
    listener.tcb.route?.fastOpenNoCookie === true;
  to.experimental = options.fastOpenExperimental;
  let which = 1;
  if (!noCookie) {
    if (options.fastOpenLength < 0) return null;
    which = options.fastOpenLength > 0 ? cookieKey(listener, seg) : 0;
    if (which !== 1) {
      to.length = fastOpenCookie(
        keysOf(listener),
        0,
        seg.remoteAddress,
        seg.localAddress,
        seg.ipv6,
        to.cookie,
      );
    }
    if (which === 0) {
      if (options.fastOpenLength > 0) host.counters.add(PASSIVE_FAIL);
      return null;
    }
    if (which === 2) host.counters.add(PASSIVE_ALT_KEY);
  }
  host.counters.add(PASSIVE);
  return fastOpenChild(listener, request, seg, now);
}

function fastOpenChild(listener: Listener, request: Request, seg: SegmentIn, now: number): Tcb {
  const child = makeChild(listener, request, now, seg);
  listener.fastOpenPending++;
  child.fastOpenRequest = { listener, request };
  child.fastOpenChild = true;
  child.snd.wnd = seg.window; // a SYN's window is never scaled
  child.snd.maxWindow = seg.window;
  resetTimer(child, TIMER_RETRANSMIT, now + TIMEOUT_INIT, now);
  establish(child, now);
  queueSynPayload(child, now, seg);
  request.rcvNxt = child.rcv.nxt;
  child.rcv.wup = child.rcv.nxt;
  return child;
}

/** The SYN-ACK of `child` is out: accept may have it at once. */
export function offerFastOpen(listener: Listener, child: Tcb, _request: Request, now: number): void {
  const { host } = listener.tcb;
  host.newFlow(child, now);
  listener.queue.push(child);
  host.notifyListener(listener, EVENT_READABLE);
}

/** The child's timer: SYN-ACK again, one time more often than an ordinary one. */
export function fastOpenSynAckTimer(tcb: Tcb, now: number): void {
  const { request } = tcb.fastOpenRequest!;
  const { host, timers, loss } = tcb;
  const retries =
    timers.synRetries > 0
      ? timers.synRetries
      : synAckRetries(host.config, initialRto(tcb) / 1000, rtoMax(tcb) / 1000) + 1;
  if (request.timeouts >= retries) {
    giveUp(tcb, now);
    return;
  }
  if (timers.retransmits === 1) enterLoss(tcb, now);
  repeatSynAck(tcb, request, now);
  request.timeouts++;
  if (timers.retransmits === 0) {
    loss.totalRtoRecoveries++;
    loss.rtoStamp = host.timestampClock(now);
  }
  timers.retransmits++;
  loss.totalRto++;
  if (loss.retransStamp === 0) loss.retransStamp = host.timestampClock(now) || 1;
  resetTimer(tcb, TIMER_RETRANSMIT, now + Math.min(TIMEOUT_INIT * 2 ** request.timeouts, rtoMax(tcb)), now);
}

function repeatSynAck(tcb: Tcb, request: Request, now: number): void {
  const { host } = tcb;
  sendSynAck(host, request, now, tcb.ttl, null, -1, false);
  request.retransmissions++;
  tcb.loss.totalRetrans++;
  host.counters.add(RETRANS_SEGS);
  host.counters.add(SYN_RETRANS);
}

/** A segment for a child whose handshake is not done (tcp_check_req); true: the child goes on with it. */
export function fastOpenCheckRequest(tcb: Tcb, now: number, seg: SegmentIn): boolean {
  const { request } = tcb.fastOpenRequest!;
  const { host, opt } = tcb;
  let flags = seg.flags & (TCP_RST | TCP_SYN | TCP_ACK);
  const paws =
    opt.sawTimestamp && (flags & TCP_RST) === 0 && pawsReject(request.tsRecent, now, opt.rcvTsval, 0, now);
  if (seg.seq === request.irs && flags === TCP_SYN && !paws) {
    if (!allowOutOfWindowAck(request, host.config.tcpInvalidRatelimit, now))
      host.counters.add(SKIPPED_SYN_RECV);
    else repeatSynAck(tcb, request, now);
    return false;
  }
  const edge = (request.rcvNxt + Math.min(request.rcvWnd, 65_535)) >>> 0;
  const inside =
    seg.seq === request.rcvNxt ||
    (seqGt(seg.endSeq, request.rcvNxt) && seqLt(seg.seq, edge)) ||
    (seg.seq === edge && seg.seq === seg.endSeq);
  if (paws || !inside) {
    if ((flags & TCP_RST) === 0 && allowOutOfWindowAck(request, host.config.tcpInvalidRatelimit, now)) {
      sendRequestAck(host, request, now, tcb.ttl);
    }
    return false;
  }
  if (seg.seq === request.irs) flags &= ~TCP_SYN;
  if ((flags & TCP_RST) !== 0) {
    host.counters.add(ATTEMPT_FAILS);
    release(tcb, now, true);
    receiveReset(tcb, now);
    return false;
  }
  if ((flags & TCP_SYN) !== 0) {
    host.counters.add(ATTEMPT_FAILS);
    replyReset(host, now, seg);
    return false;
  }
  return (flags & TCP_ACK) !== 0;
}

/** RTT of the handshake, when no SYN-ACK was repeated. */
export function fastOpenHandshakeSample(tcb: Tcb, now: number): void {
  const request = tcb.fastOpenRequest?.request;
  const clean = request !== undefined && request.retransmissions === 0 && request.sentAt >= 0;
  synRttMeasure(tcb, now, clean ? now - request.sentAt : -1);
}

/** The final ACK came: the child is an ordinary connection from here on. */
export function fastOpenHandshakeDone(tcb: Tcb, now: number): void {
  const { loss, timers, snd } = tcb;
  if (tcb.cc.caState === CA_LOSS && snd.packetsOut === 0) tryUndoRecovery(tcb, now);
  timers.retransmits = 0;
  if (!anyRetransmitDone(tcb)) loss.retransStamp = 0;
  release(tcb, now, false);
  rearmRetransmitTimer(tcb, now);
}

/** Lets go of the request; one that was reset keeps its place for a minute. */
function release(tcb: Tcb, now: number, reset: boolean): void {
  const pending = tcb.fastOpenRequest;
  if (pending === null) return;
  tcb.fastOpenRequest = null;
  const { listener } = pending;
  if (reset && !listener.closed) listener.fastOpenResets.push(now + RESET_PENALTY);
  else listener.fastOpenPending--;
}

/** The child ends before its handshake did. */
export function fastOpenChildGone(tcb: Tcb): void {
  release(tcb, tcb.clock, false);
}
