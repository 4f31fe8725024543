// A listening socket: SYN-RECEIVED requests, accept queue, their limits, SYN cookies when the queue overflows (RFC 9293
// section 3.10.7.2, RFC 4987; Linux's tcp_conn_request and tcp_check_req).
import { counterIndex } from '../host/counters.js';
import { seqBetween, seqGt, seqLt } from '../wire/seq.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import { makeChild } from './child.js';
import { tcpAbort, tcpClose } from './close.js';
import { setState } from './destroy.js';
import { ecnAcceptSyn } from './ecn/classic.js';
import {
  type FastOpenAnswer,
  fastOpenAnswer,
  fastOpenTune,
  offerFastOpen,
  tryFastOpen,
} from './fastopen/server.js';
import { icmpErrno } from './icmp.js';
import { tcpInput } from './input.js';
import { roundUpToTick } from './jiffies.js';
import { md5AcceptableForListener } from './md5.js';
import { announcedMss } from './mss.js';
import { allowOutOfWindowAck } from './rate-limit.js';
import { Request, RequestTable, sendRequestAck, sendSynAck } from './request.js';
import { replyReset } from './reset.js';
import { synRttMeasure } from './rtt.js';
import type { SegmentIn } from './segment.js';
import { pawsReject } from './sequence-check.js';
import { TCP_CLOSE, TCP_LISTEN } from './states.js';
import { checkCookie, cookieSequence, cookieTimestamp, restoreCookieTimestamp } from './syn-cookies.js';
import { EVENT_READABLE, type Tcb } from './tcb.js';
import { fullSpace, type InitialWindow, selectInitialWindow } from './window.js';

const LISTEN_OVERFLOWS = counterIndex('TcpExtListenOverflows');
const LISTEN_DROPS = counterIndex('TcpExtListenDrops');
const QUEUE_FULL_COOKIES = counterIndex('TcpExtTCPReqQFullDoCookies');
const QUEUE_FULL_DROP = counterIndex('TcpExtTCPReqQFullDrop');
const COOKIES_SENT = counterIndex('TcpExtSyncookiesSent');
const COOKIES_RECEIVED = counterIndex('TcpExtSyncookiesRecv');
const COOKIES_FAILED = counterIndex('TcpExtSyncookiesFailed');
const EMBRYONIC_RSTS = counterIndex('TcpExtEmbryonicRsts');
const ATTEMPT_FAILS = counterIndex('TcpAttemptFails');
const PAWS_ESTAB = counterIndex('TcpExtPAWSEstab');
const TSECR_REJECTED = counterIndex('TcpExtTSEcrRejected');
const SKIPPED_SYN_RECV = counterIndex('TcpExtTCPACKSkippedSynRecv');
const DEFER_ACCEPT_DROP = counterIndex('TcpExtTCPDeferAcceptDrop');
const SYN_RETRANS = counterIndex('TcpExtTCPSynRetrans');
const RETRANS_SEGS = counterIndex('TcpRetransSegs');
const IN_SEGS = counterIndex('TcpInSegs');
const PASSIVE_OPENS = counterIndex('TcpPassiveOpens');

const TIMEOUT_INIT = 1_000_000;
const MAX_WSCALE = 14;
const initial: InitialWindow = { window: 0, clamp: 0, wscale: 0 };

/**
 * A listener. `tcb` is a block in state LISTEN, from whose options (buffers, MSS, nodelay, congestion control, …)
 * children inherit; its local address may be all zero (any).
 */
export class Listener {
  readonly tcb: Tcb;
  /** Largest length of the accept queue less one, and of the request queue. */
  backlog: number;
  readonly requests: RequestTable;
  /** Children that wait for accept, in order. */
  readonly queue: Tcb[] = [];
  /** Fast-open children whose handshake is not done, and RSTs that still count (fastopen/server.ts). */
  fastOpenPending = 0;
  readonly fastOpenResets: number[] = [];
  /** Opaque to the core: the endpoint's and socket's handle. */
  owner: unknown = null;
  closed = false;

  constructor(tcb: Tcb, backlog: number) {
    this.tcb = tcb;
    this.backlog = backlog;
    this.requests = new RequestTable(tcb.host.random32());
  }

  /** TCP_FASTOPEN: queue length, 0: off. */
  get fastOpenLimit(): number {
    return this.tcb.opt.fastOpenQueue;
  }

  set fastOpenLimit(limit: number) {
    this.tcb.opt.fastOpenQueue = limit;
  }

  /** Children that wait for accept. */
  get pending(): number {
    return this.queue.length;
  }

  /** The accept queue takes one more than the backlog, as everywhere since BSD. */
  get acceptFull(): boolean {
    return this.queue.length > this.backlog;
  }
}

/** listen(): the bound block becomes a listener. `backlog` is cut to somaxconn. */
export function tcpListen(tcb: Tcb, backlog: number, now: number): Listener {
  const { config } = tcb.host;
  const most = backlog >>> 0 > config.somaxconn ? config.somaxconn : backlog;
  const listener = new Listener(tcb, most);
  setState(tcb, TCP_LISTEN, now);
  fastOpenTune(listener);
  return listener;
}

/** listen() again on a listener: only the backlog changes. */
export function listenerSetBacklog(listener: Listener, backlog: number): void {
  const { somaxconn } = listener.tcb.host.config;
  listener.backlog = backlog >>> 0 > somaxconn ? somaxconn : backlog;
}

/**
 * A segment whose local side matches the listener and which belongs to no flow of the table. `isn`: initial sequence
 * number that a TIME-WAIT record demands (its `isn`), 0: none.
 */
export function listenerInput(listener: Listener, now: number, seg: SegmentIn, isn = 0): void {
  const { tcb } = listener;
  const { host } = tcb;
  tcb.clock = now;
  host.counters.add(IN_SEGS);
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
  request.localAddress.set(seg.localAddress);
  request.remoteAddress.set(seg.remoteAddress);
  request.localPort = seg.localPort;
  request.remotePort = seg.remotePort;
  request.zone = seg.zone;
  request.ipv6 = seg.ipv6;
  request.irs = seg.seq;
  request.rcvNxt = (seg.seq + 1) >>> 0;
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

/** Our MSS and window for the request (tcp_openreq_init_rwin). */
function fillWindow(listener: Listener, request: Request): void {
  const { tcb } = listener;
  const { host, rcv } = tcb;
  const mss = announcedMss(tcb, request.ipv6);
  request.mss = mss;
  const space = fullSpace(tcb);
  let clamp = rcv.userWindowClamp;
  if (rcv.bufferLocked && (clamp > space || clamp === 0)) clamp = space;
  const usable = mss - (request.timestamps ? 12 : 0);
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
  if (config.tcpSyncookies === 2 || requests.size >= listener.backlog) {
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
  if (!cookie && isn === 0 && config.tcpSyncookies === 0 && lastQuarter && (tcb.route?.savedRtt ?? 0) === 0) {
    counters.add(LISTEN_DROPS);
    return;
  }
  request.ecn = ecnAcceptSyn(tcb, seg);
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
  fillWindow(listener, request);
  request.retransmissions = 1; // no time of the SYN-ACK is known: no RTT sample
  if (listener.acceptFull) {
    host.counters.add(LISTEN_OVERFLOWS);
    host.counters.add(LISTEN_DROPS);
    return true;
  }
  deliver(listener, request, now, seg);
  return true;
}

/** Sends the SYN-ACK again (tcp_rtx_synack). */
function repeatSynAck(listener: Listener, request: Request, now: number): boolean {
  const { tcb } = listener;
  const { host } = tcb;
  if (sendSynAck(host, request, now, tcb.ttl, null, -1, false) > 2) return false;
  request.retransmissions++;
  host.counters.add(RETRANS_SEGS);
  host.counters.add(SYN_RETRANS);
  return true;
}

function requestTimeout(listener: Listener, request: Request): number {
  return Math.min(TIMEOUT_INIT * 2 ** request.timeouts, listener.tcb.host.config.tcpRtoMaxMs * 1000);
}

function dropRequest(listener: Listener, request: Request): void {
  listener.requests.remove(request);
  listener.tcb.host.listenerTimerChanged(listener);
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
    paws = pawsReject(request.tsRecent, now, options.tsVal, 0, now) && (flags & TCP_RST) === 0;
  }
  if (seg.seq === request.irs && flags === TCP_SYN && !paws) {
    if (!allowOutOfWindowAck(request, config.tcpInvalidRatelimit, now)) {
      counters.add(SKIPPED_SYN_RECV);
    } else if (repeatSynAck(listener, request, now)) {
      request.deadline = roundUpToTick(config, now + requestTimeout(listener, request));
      host.listenerTimerChanged(listener);
    }
    return true;
  }
  if ((flags & TCP_ACK) !== 0 && seg.ack !== (request.iss + 1) >>> 0) return false;
  const edge = (request.rcvNxt + Math.min(request.rcvWnd, 65_535)) >>> 0;
  if (paws || tsecr || !inWindow(seg, request.rcvNxt, edge)) {
    if ((flags & TCP_RST) === 0) {
      const limited =
        (seg.seq === seg.endSeq || (flags & TCP_SYN) !== 0) &&
        !allowOutOfWindowAck(request, config.tcpInvalidRatelimit, now);
      if (limited) counters.add(SKIPPED_SYN_RECV);
      else sendRequestAck(host, request, now, tcb.ttl);
    }
    if (paws) counters.add(PAWS_ESTAB);
    else if (tsecr) counters.add(TSECR_REJECTED);
    return true;
  }
  if (seg.seq === request.irs) flags &= ~TCP_SYN; // the SYN itself lies before the window
  if ((flags & (TCP_RST | TCP_SYN)) !== 0) {
    counters.add(ATTEMPT_FAILS);
    embryonicReset(listener, request, now, seg);
    return true;
  }
  if ((flags & TCP_ACK) === 0) return true;
  if (request.timeouts < deferTimeouts(tcb) && seg.endSeq === (request.irs + 1) >>> 0) {
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

/** TCP_DEFER_ACCEPT (seconds) as a number of SYN-ACK timeouts. */
function deferTimeouts(tcb: Tcb): number {
  let period = tcb.opt.deferAccept;
  let timeouts = 0;
  let wait = 1;
  while (period > 0) {
    timeouts++;
    period -= wait;
    wait = Math.min(wait * 2, 120);
  }
  return timeouts;
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

/** Next child in order of establishment, or null. EVENT_READABLE on the listener tells that there is one. */
export function listenerAccept(listener: Listener, _now: number): Tcb | null {
  const child = listener.queue.shift() ?? null;
  if (child !== null) child.accepted = true;
  return child;
}

/** Earliest deadline of a request, µs; Infinity when there is none. */
export function listenerNextTimeout(listener: Listener): number {
  let next = Number.POSITIVE_INFINITY;
  if (listener.requests.size === 0) return next;
  listener.requests.forEach((request) => {
    if (request.deadline < next) next = request.deadline;
  });
  return next;
}

/** SYN-ACKs that nobody answered: again, or given up; old ones go sooner when the queue fills. */
export function listenerOnTimer(listener: Listener, now: number): void {
  const { tcb, requests } = listener;
  const { config } = tcb.host;
  tcb.clock = now;
  requests.forEach((request) => {
    if (request.deadline > now) return;
    let retries = tcb.timers.synRetries > 0 ? tcb.timers.synRetries : config.tcpSynackRetries;
    if (requests.size * 2 > Math.max(8, listener.backlog)) {
      for (let young = requests.young * 2; retries > 2 && requests.size >= young; retries--) young *= 2;
    }
    const defer = deferTimeouts(tcb);
    const late = request.timeouts >= retries;
    const expire = defer === 0 ? late : late && (!request.acked || request.timeouts >= defer);
    const resend = defer === 0 || !request.acked || request.timeouts >= defer - 1;
    if (!expire && (!resend || repeatSynAck(listener, request, now) || request.acked)) {
      if (request.timeouts++ === 0) requests.young--;
      request.deadline = roundUpToTick(config, now + requestTimeout(listener, request));
      return;
    }
    requests.remove(request);
  });
  tcb.host.listenerTimerChanged(listener);
}

/** close() of the listener: requests vanish, children that nobody accepted are reset. */
export function listenerClose(listener: Listener, now: number): void {
  if (listener.closed) return;
  listener.closed = true;
  listener.requests.clear();
  for (const child of listener.queue.splice(0)) {
    if (child.state !== TCP_CLOSE) tcpAbort(child, now);
    tcpClose(child, now);
  }
  listener.tcb.host.listenerTimerChanged(listener);
  setState(listener.tcb, TCP_CLOSE, now);
}

/** An ICMP error that quotes a SYN-ACK of this listener; `seq` is the quoted sequence number. */
export function listenerError(
  listener: Listener,
  _now: number,
  remoteAddress: Uint8Array,
  remotePort: number,
  localAddress: Uint8Array,
  ipv6: boolean,
  type: number,
  code: number,
  _info: number,
  seq: number,
): void {
  const request = listener.requests.findFlow(remoteAddress, remotePort, localAddress);
  if (request === null || seq !== request.iss) return;
  // As Linux: hard errors end the embryo, network and host unreachable too; nobody is there to be told.
  if (icmpErrno(ipv6, type, code) <= 0) return;
  listener.requests.remove(request);
  listener.tcb.host.counters.add(LISTEN_DROPS);
  listener.tcb.host.listenerTimerChanged(listener);
}
