// What arrives at a listener: SYNs into requests (or cookies), the segments of requests, the final ACK into a child (RFC 9293
// section 3.10.7.2 and 3.10.7.4, RFC 4987; Linux's tcp_conn_request and tcp_check_req).

import { counterIndex } from '../host/counters.js';
import { seqBetween, seqGt, seqLt } from '../wire/seq.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import { makeChild } from './child.js';
import { destinationProven } from './destination.js';
import { accEcnAcceptSyn, accEcnRepeatedRequest } from './ecn/accurate.js';
import { ecnAcceptSyn } from './ecn/classic.js';
import { type FastOpenAnswer, fastOpenAnswer, offerFastOpen, tryFastOpen } from './fastopen/server.js';
import { tcpInput } from './input.js';
import { roundUpToTick } from './jiffies.js';
import type { Listener } from './listener.js';
import { dropRequest, repeatSynAck, requestTimeout } from './listener-requests.js';
import { md5AcceptableForListener } from './md5.js';
import { tooFar } from './min-ttl.js';
import { announcedMss } from './mss.js';
import { allowOutOfWindowAck } from './rate-limit.js';
import { Request, sendRequestAck, sendSynAck } from './request.js';
import { replyReset } from './reset.js';
import { synRttMeasure } from './rtt.js';
import { saveSyn } from './saved-syn.js';
import type { SegmentIn } from './segment.js';
import { pawsReject } from './sequence-check.js';
import { checkCookie, cookieSequence, cookieTimestamp, restoreCookieTimestamp } from './syn-cookies.js';
import { EVENT_READABLE } from './tcb.js';
import { fullSpace, type InitialWindow, selectInitialWindow } from './window.js';

const LISTEN_OVERFLOWS = counterIndex('TcpExtListenOverflows');
const LISTEN_DROPS = counterIndex('TcpExtListenDrops');
const QUEUE_FULL_COOKIES = counterIndex('TcpExtTCPReqQFullDoCookies');
const QUEUE_FULL_DROP = counterIndex('TcpExtTCPReqQFullDrop');
const COOKIES_SENT = counterIndex('TcpExtSyncookiesSent');
const COOKIES_RECEIVED = counterIndex('TcpExtSyncookiesRecv');
const COOKIES_FAILED = counterIndex('TcpExtSyncookiesFailed');
const CHALLENGE_ACK = counterIndex('TcpExtTCPChallengeACK');
const SKIPPED_CHALLENGE = counterIndex('TcpExtTCPACKSkippedChallenge');
const EMBRYONIC_RSTS = counterIndex('TcpExtEmbryonicRsts');
const ATTEMPT_FAILS = counterIndex('TcpAttemptFails');
const PAWS_ESTAB = counterIndex('TcpExtPAWSEstab');
const TSECR_REJECTED = counterIndex('TcpExtTSEcrRejected');
const SKIPPED_SYN_RECV = counterIndex('TcpExtTCPACKSkippedSynRecv');
const DEFER_ACCEPT_DROP = counterIndex('TcpExtTCPDeferAcceptDrop');
const IN_SEGS = counterIndex('TcpInSegs');
const PASSIVE_OPENS = counterIndex('TcpPassiveOpens');
const TIMEOUT_INIT = 1_000_000;
const MAX_WSCALE = 14;
const initial: InitialWindow = { window: 0, clamp: 0, wscale: 0 };

/**
 * A segment whose local side matches the listener and which belongs to no flow of the table. `isn`: initial sequence
 * number that a TIME-WAIT record demands (its `isn`), 0: none.
 */
export function listenerInput(listener: Listener, now: number, seg: SegmentIn, isn = 0): void {
  const { tcb } = listener;
  const { host } = tcb;
  tcb.clock = now;
  host.counters.add(IN_SEGS);
  if (tooFar(tcb, seg)) return;
  const request = listener.requests.find(seg);
  if (!md5AcceptableForListener(tcb, seg)) return;
  if (request !== null && requestInput(listener, request, now, seg)) return;
  const { flags } = seg;
  if ((flags & TCP_SYN) === 0 && (flags & TCP_ACK) !== 0 && (flags & TCP_RST) === 0) {
    if (cookieAck(listener, now, seg)) return;
  }
  if ((flags & TCP_RST) !== 0) return;
  if ((flags & TCP_ACK) !== 0) {
    replyReset(host, now, seg);
    return;
  }
  if ((flags & TCP_SYN) !== 0 && (flags & TCP_FIN) === 0) synInput(listener, now, seg, isn);
}

/** Fills a request from the SYN's options, route and the listener's settings. */
function fillRequest(listener: Listener, request: Request, seg: SegmentIn): boolean {
  const { tcb } = listener;
  const { host, snd } = tcb;
  const { config } = host;
  const { options } = seg;
  request.setEnds(seg);
  request.irs = seg.seq;
  request.rcvNxt = (seg.seq + 1) >>> 0;
  // RFC 9293 MUST-15
  let mss = options.mss > 0 ? options.mss : seg.ipv6 ? 1220 : 536;
  if (snd.userMss > 0 && snd.userMss < mss) mss = snd.userMss;
  request.peerMss = mss;
  request.timestamps = options.hasTimestamps && config.tcpTimestamps !== 0;
  request.tsRecent = request.timestamps ? options.tsVal : 0;
  request.sack = options.sackPermitted && config.tcpSack !== 0;
  request.wscale = options.wscale >= 0 && config.tcpWindowScaling !== 0;
  request.sndWscale = request.wscale ? Math.min(options.wscale, MAX_WSCALE) : 0;
  request.tos = config.tcpReflectTos !== 0 ? seg.tos & 0xfc : tcb.tos;
  request.synTos = seg.tos;
  tcb.route = host.route(request);
  tcb.routeGeneration = -1; // the route of one peer is none for the next
  if (tcb.route === null) return false;
  if (request.timestamps) request.tsOffset = config.tcpTimestamps === 1 ? host.timestampOffset(request) : 0;
  request.md5 = tcb.opt.md5Keys !== null && md5AcceptableForListener(tcb, seg) && options.md5Offset >= 0;
  request.lastOutOfWindowAck = Number.NEGATIVE_INFINITY;
  return true;
}

/**
 * Our MSS and window for the request (tcp_openreq_init_rwin). `segment` is what the window is a multiple of when it is not
 * our own segment.
 */
function fillWindow(listener: Listener, request: Request, segment = 0): void {
  const { tcb } = listener;
  const { host, rcv } = tcb;
  const mss = announcedMss(tcb, request.ipv6);
  request.mss = mss;
  const space = fullSpace(tcb);
  let clamp = rcv.userWindowClamp;
  if (rcv.bufferLocked && (clamp > space || clamp === 0)) clamp = space;
  const usable = segment || mss - (request.timestamps ? 12 : 0);
  selectInitialWindow(host.config, space, usable, clamp, request.wscale, tcb.route?.initrwnd ?? 0, initial);
  request.rcvWnd = initial.window;
  request.windowClamp = initial.clamp;
  request.rcvWscale = initial.wscale;
}

/** A SYN for a listener without a request for it: third of RFC 9293 section 3.10.7.2. */
function synInput(listener: Listener, now: number, seg: SegmentIn, isn: number): void {
  const { tcb, requests } = listener;
  const { host } = tcb;
  const { config, counters } = host;
  let cookie = false;
  // Full is more than the backlog, as the accept queue: on 6.18 listen(fd, 1) answers two SYNs.
  if (config.tcpSyncookies === 2 || requests.size > listener.backlog) {
    if (config.tcpSyncookies === 0) {
      counters.add(QUEUE_FULL_DROP);
      counters.add(LISTEN_DROPS);
      return;
    }
    counters.add(QUEUE_FULL_COOKIES);
    cookie = true;
  }
  if (listener.acceptFull) {
    counters.add(LISTEN_OVERFLOWS);
    counters.add(LISTEN_DROPS);
    return;
  }
  const request = new Request();
  if (!cookie) saveSyn(tcb.saveSyn, request, seg);
  if (!fillRequest(listener, request, seg)) {
    counters.add(LISTEN_DROPS);
    return;
  }
  if (cookie && !request.timestamps) {
    // Without timestamps a cookie has no room for these.
    request.sack = false;
    request.wscale = false;
    request.sndWscale = 0;
  }
  const lastQuarter = config.tcpMaxSynBacklog - requests.size < config.tcpMaxSynBacklog >>> 2;
  if (!cookie && isn === 0 && config.tcpSyncookies === 0 && lastQuarter && !destinationProven(tcb, request)) {
    counters.add(LISTEN_DROPS);
    return;
  }
  if (!cookie && accEcnAcceptSyn(tcb, seg)) {
    request.accEcn = seg.ecn;
    request.accEcnOption = config.tcpEcnOption !== 0;
  }
  if (request.accEcn < 0) request.ecn = ecnAcceptSyn(tcb, seg);
  request.iss = isn !== 0 ? isn : host.initialSequence(request, now);
  fillWindow(listener, request);
  if (cookie) {
    sendCookie(listener, request, now);
    return;
  }
  const answer: FastOpenAnswer = fastOpenAnswer();
  const child = tryFastOpen(listener, request, seg, now, answer);
  sendSynAck(host, request, now, tcb.ttl, answer.cookie, answer.length, answer.experimental);
  request.sentAt = now;
  if (child !== null) {
    offerFastOpen(listener, child, request, now);
    return;
  }
  request.deadline = roundUpToTick(config, now + TIMEOUT_INIT);
  requests.add(request);
  host.listenerTimerChanged(listener);
}

/** The queue is full: everything that we must know goes into the sequence number and timestamp (RFC 4987 section 3.6). */
function sendCookie(listener: Listener, request: Request, now: number): void {
  const { tcb } = listener;
  const { host } = tcb;
  if (!request.timestamps) request.ecn = false;
  request.iss = cookieSequence(host.secret, request, now);
  host.counters.add(COOKIES_SENT);
  const stamp = request.timestamps ? cookieTimestamp(request, host.timestampClock(now)) : -1;
  sendSynAck(host, request, now, tcb.ttl, null, -1, false, stamp);
}

/** An ACK that belongs to no request: perhaps it returns a cookie. True: it was dealt with. */
function cookieAck(listener: Listener, now: number, seg: SegmentIn): boolean {
  const { tcb } = listener;
  const { host } = tcb;
  if (host.config.tcpSyncookies === 0) return false;
  const mss = checkCookie(host.secret, seg, now);
  if (mss === 0) {
    host.counters.add(COOKIES_FAILED);
    return false;
  }
  host.counters.add(COOKIES_RECEIVED);
  const request = new Request();
  if (!fillRequest(listener, request, seg)) return true;
  request.peerMss = mss;
  request.irs = (seg.seq - 1) >>> 0;
  request.rcvNxt = seg.seq;
  request.iss = (seg.ack - 1) >>> 0;
  request.sack = false;
  request.wscale = false;
  request.sndWscale = 0;
  request.tsRecent = seg.options.hasTimestamps ? seg.options.tsVal : 0;
  if (request.timestamps)
    restoreCookieTimestamp(request, (seg.options.tsEcr - request.tsOffset) >>> 0, host.config);
  // Nothing of our SYN-ACK is remembered: Linux takes the cookie's MSS for the window's unit (cookie_v4_check).
  fillWindow(listener, request, mss);
  if (listener.acceptFull) {
    host.counters.add(LISTEN_OVERFLOWS);
    host.counters.add(LISTEN_DROPS);
    return true;
  }
  deliver(listener, request, now, seg);
  return true;
}

/** A segment for a request (tcp_check_req). True: dealt with; false: the listener itself judges it. */
function requestInput(listener: Listener, request: Request, now: number, seg: SegmentIn): boolean {
  const { tcb } = listener;
  const { host } = tcb;
  const { config, counters } = host;
  const { options } = seg;
  let flags = seg.flags & (TCP_RST | TCP_SYN | TCP_ACK);
  let paws = false;
  let tsecr = false;
  if (options.hasTimestamps && config.tcpTimestamps !== 0) {
    if (options.tsEcr !== 0 && request.timestamps)
      tsecr = !seqBetween(options.tsEcr, request.tsFirst, request.tsLast);
    // A RST must pass, too: the stamp is younger than the minute after which Linux would let it (tcp_paws_reject).
    paws = pawsReject(request.tsRecent, now, options.tsVal, 0, now);
  }
  if (seg.seq === request.irs && flags === TCP_SYN && !paws) {
    accEcnRepeatedRequest(request, seg);
    if (!allowOutOfWindowAck(request, config.tcpInvalidRatelimit, now)) {
      counters.add(SKIPPED_SYN_RECV);
    } else if (repeatSynAck(listener, request, now)) {
      request.deadline = roundUpToTick(config, now + requestTimeout(request));
      host.listenerTimerChanged(listener);
    }
    return true;
  }
  // A RST counts by its sequence number alone (RFC 5961, section 3.2): what it acknowledges is not looked at.
  const wrongAck = (flags & TCP_ACK) !== 0 && seg.ack !== (request.iss + 1) >>> 0;
  if (wrongAck && (flags & TCP_RST) === 0) return false;
  const edge = (request.rcvNxt + Math.min(request.rcvWnd, 65_535)) >>> 0;
  if (paws || tsecr || !inWindow(seg, request.rcvNxt, edge)) {
    if ((flags & TCP_RST) === 0) answerRequest(listener, request, now, seg);
    if (paws) counters.add(PAWS_ESTAB);
    else if (tsecr) counters.add(TSECR_REJECTED);
    return true;
  }
  if (seg.seq === request.irs) flags &= ~TCP_SYN; // the SYN itself lies before the window
  if ((flags & TCP_RST) !== 0 && seg.seq !== request.rcvNxt) {
    // RFC 5961, section 3.2: in the window but not exact. Linux does so for SYN-RECEIVED, too.
    if (!allowOutOfWindowAck(request, config.tcpInvalidRatelimit, now)) {
      counters.add(SKIPPED_CHALLENGE);
    } else {
      counters.add(CHALLENGE_ACK);
      sendRequestAck(host, request, now, tcb.ttl);
    }
    return true;
  }
  if ((flags & (TCP_RST | TCP_SYN)) !== 0) {
    counters.add(ATTEMPT_FAILS);
    embryonicReset(listener, request, now, seg);
    return true;
  }
  if ((flags & TCP_ACK) === 0) return true;
  if (request.timeouts < tcb.opt.deferAccept && seg.endSeq === (request.irs + 1) >>> 0) {
    request.acked = true;
    counters.add(DEFER_ACCEPT_DROP);
    return true;
  }
  if (listener.acceptFull) {
    counters.add(LISTEN_OVERFLOWS);
    counters.add(LISTEN_DROPS);
    if (config.tcpAbortOnOverflow !== 0) embryonicReset(listener, request, now, seg);
    else request.acked = true;
    return true;
  }
  dropRequest(listener, request);
  if (options.hasTimestamps && !seqGt(seg.seq, request.rcvNxt) && request.timestamps)
    request.tsRecent = options.tsVal;
  deliver(listener, request, now, seg);
  return true;
}

/** An ACK in answer to what cannot be taken; of segments without data only some are answered (tcp_invalid_ratelimit). */
function answerRequest(listener: Listener, request: Request, now: number, seg: SegmentIn): void {
  const { host, ttl } = listener.tcb;
  const limited =
    (seg.seq === seg.endSeq || (seg.flags & TCP_SYN) !== 0) &&
    !allowOutOfWindowAck(request, host.config.tcpInvalidRatelimit, now);
  if (limited) host.counters.add(SKIPPED_SYN_RECV);
  else sendRequestAck(host, request, now, ttl);
}

/** [seq, endSeq) touches the window (tcp_in_window). */
function inWindow(seg: SegmentIn, left: number, right: number): boolean {
  if (seg.seq === left) return true;
  if (seqGt(seg.endSeq, left) && seqLt(seg.seq, right)) return true;
  return seg.seq === right && seg.seq === seg.endSeq;
}

function embryonicReset(listener: Listener, request: Request, now: number, seg: SegmentIn): void {
  const { host } = listener.tcb;
  if ((seg.flags & TCP_RST) === 0) replyReset(host, now, seg);
  dropRequest(listener, request);
  host.counters.add(EMBRYONIC_RSTS);
}

/** The handshake is done: a block is made, gets the segment, and waits for accept. */
function deliver(listener: Listener, request: Request, now: number, seg: SegmentIn): void {
  const { tcb } = listener;
  const { host } = tcb;
  const child = makeChild(listener, request, now, seg);
  host.counters.add(PASSIVE_OPENS);
  synRttMeasure(child, now, request.retransmissions === 0 && request.sentAt >= 0 ? now - request.sentAt : -1);
  host.newFlow(child, now);
  listener.queue.push(child);
  tcpInput(child, now, seg);
  host.notifyListener(listener, EVENT_READABLE);
}
