// A full block from a request whose handshake is done (or, for fast open, begun): options inherited from the listener,
// sequence numbers and agreed options from the request (RFC 9293 section 3.10.7.4; Linux's tcp_create_openreq_child).

import { createTcb } from './connect.js';
import { ECN_ACCURATE } from './ecn/accurate.js';
import { ECN_OK } from './ecn/classic.js';
import { initPeerMss } from './establish.js';
import type { Listener } from './listener.js';
import { adoptMd5Key } from './md5.js';
import { announcedMss, refreshRoute, routeMtu, syncMss } from './mss.js';
import type { Request } from './request.js';
import type { SegmentIn } from './segment.js';
import { ECN_CE } from './segment.js';
import { TCP_SYN_RECV } from './states.js';
import { type Tcb, TIMER_KEEPALIVE } from './tcb.js';
import { keepaliveIdle } from './timer-probe.js';
import { resetTimer } from './timer-slots.js';

/** Socket options that a child has from its listener. */
function inherit(child: Tcb, from: Tcb): void {
  child.tos = from.tos;
  child.ttl = from.ttl;
  child.mark = from.mark;
  child.pmtuDiscover = from.pmtuDiscover;
  child.oobInline = from.oobInline;
  child.minTtl = from.minTtl;
  child.minHopCount = from.minHopCount;
  child.saveSyn = from.saveSyn;
  child.shutdown = from.shutdown;
  child.receiveErrors = from.receiveErrors;
  child.reuse = from.reuse;
  child.snd.buffer = from.snd.buffer;
  child.snd.bufferLocked = from.snd.bufferLocked;
  child.snd.nonagle = from.snd.nonagle;
  child.snd.notsentLowat = from.snd.notsentLowat;
  child.snd.userMss = from.snd.userMss;
  child.snd.maxPacingRate = from.snd.maxPacingRate;
  child.snd.pacingRate = from.snd.maxPacingRate;
  child.rcv.buffer = from.rcv.buffer;
  child.rcv.bufferLocked = from.rcv.bufferLocked;
  child.rcv.lowat = from.rcv.lowat;
  child.rcv.peekOffset = from.rcv.peekOffset;
  child.rcv.userWindowClamp = from.rcv.userWindowClamp;
  child.rcv.scalingRatio = from.rcv.scalingRatio;
  child.cc.algorithm = from.cc.algorithm;
  child.cc.setByUser = from.cc.setByUser;
  child.timers.keepaliveEnabled = from.timers.keepaliveEnabled;
  child.timers.keepaliveIdle = from.timers.keepaliveIdle;
  child.timers.keepaliveInterval = from.timers.keepaliveInterval;
  child.timers.keepaliveCount = from.timers.keepaliveCount;
  child.timers.userTimeout = from.timers.userTimeout;
  child.timers.thinLinear = from.timers.thinLinear;
  child.timers.linger2 = from.timers.linger2;
  child.timers.synRetries = from.timers.synRetries;
  child.rtt.rtoMin = from.rtt.rtoMin;
  child.rtt.rtoMax = from.rtt.rtoMax;
  child.ack.maxDelay = from.ack.maxDelay;
}

/** Makes the block in SYN-RECEIVED; `seg` is the segment that completes (or, fast open, begins) the handshake. */
export function makeChild(listener: Listener, request: Request, now: number, seg: SegmentIn): Tcb {
  const { tcb: parent } = listener;
  const { host } = parent;
  const child = createTcb(host, request.ipv6);
  inherit(child, parent);
  child.setEnds(request);
  child.savedSyn = request.savedSyn;
  child.tos = request.tos;
  child.clock = now;
  child.state = TCP_SYN_RECV;
  const { snd, rcv, opt, loss } = child;
  const first = (request.iss + 1) >>> 0;
  snd.iss = request.iss;
  snd.una = first;
  snd.nxt = first;
  snd.sml = first;
  snd.up = first;
  snd.writeSeq = first;
  snd.pushedSeq = first;
  snd.lastDataSent = now;
  rcv.irs = request.irs;
  rcv.nxt = (request.irs + 1) >>> 0;
  rcv.wup = rcv.nxt;
  rcv.copiedSeq = rcv.nxt;
  rcv.segsIn = 1;
  rcv.wnd = request.rcvWnd;
  rcv.ssthresh = request.rcvWnd;
  rcv.windowClamp = request.windowClamp;
  snd.wl1 = request.irs;
  child.ack.lastReceiveTime = now;
  rcv.lastAckReceived = now;
  opt.wscale = request.wscale;
  opt.sack = request.sack;
  opt.timestamps = request.timestamps;
  opt.tsOffset = request.tsOffset;
  if (request.wscale) {
    snd.wscale = request.sndWscale;
    rcv.wscale = request.rcvWscale;
  } else {
    rcv.windowClamp = Math.min(rcv.windowClamp, 65_535);
  }
  snd.wnd = seg.window * 2 ** snd.wscale;
  snd.maxWindow = snd.wnd;
  if (request.timestamps) {
    opt.tsRecent = request.tsRecent;
    opt.tsRecentAge = Math.max(now, 1);
    snd.headerLength = 32;
  }
  if (request.timeouts > 0) {
    // SYN-ACKs were lost, or thought to be: the initial window may suffer (initCongestion).
    loss.totalRto = request.timeouts;
    loss.undoMarker = request.iss;
    loss.undoMarked = true;
    if (request.timestamps) loss.retransStamp = host.timestampClock(request.sentAt) || 1;
    loss.totalRtoRecoveries = 1;
    loss.totalRtoTime = (now - request.sentAt) / 1000;
  }
  loss.totalRetrans = request.retransmissions;
  snd.mssClamp = request.peerMss;
  if (request.ecn) opt.ecnFlags = ECN_OK;
  else if (request.accEcn >= 0) {
    opt.ecnFlags = ECN_ACCURATE;
    opt.synEcn = request.accEcn;
    opt.accEcnLast = request.accEcn;
    opt.accEcnFail = request.accEcnFail;
    if (request.accEcn === ECN_CE) opt.receivedCe = 1;
  }
  if (seg.length >= 536 + snd.headerLength) child.ack.lastSegmentSize = seg.length;
  refreshRoute(child);
  syncMss(child, routeMtu(child));
  snd.advertised = announcedMss(child);
  snd.advmss = snd.advertised;
  initPeerMss(child);
  adoptMd5Key(child, parent);
  if (child.timers.keepaliveEnabled) resetTimer(child, TIMER_KEEPALIVE, now + keepaliveIdle(child), now);
  return child;
}
