// Active open: a block with the stack's defaults, its SYN, fast open's data in it (RFC 9293 section 3.10.1, RFC 7413;
// Linux's tcp_connect). Retransmission of the SYN is the retransmission timer's.

import { counterIndex } from '../host/counters.js';
import { TCP_SYN } from '../wire/tcp.js';
import { initAlgorithm } from './cwnd.js';
import { setState } from './destroy.js';
import { ecnSynFlags } from './ecn/classic.js';
import { EALREADY, EISCONN, ENETUNREACH, EOPNOTSUPP } from './errno.js';
import { initPeerMss } from './establish.js';
import { beginFastOpen, deferConnect, fastOpenAllowed, sendSynWithData } from './fastopen/client.js';
import { adoptMd5Key } from './md5.js';
import { announcedMss, initMtuProbing, refreshRoute, routeMtu, syncMss } from './mss.js';
import { clearRetransmitState } from './recovery/retransmit-queue.js';
import { initialRto } from './rtt.js';
import { allocateSegment, chargeWhole } from './send-memory.js';
import type { SendSegment } from './send-segment.js';
import { TCP_CLOSE, TCP_SYN_SENT } from './states.js';
import { Tcb, TIMER_RETRANSMIT } from './tcb.js';
import type { TcbHost } from './tcb-host.js';
import { resetTimer } from './timer-slots.js';
import { transmitSegment } from './transmit.js';
import { DEFAULT_SCALING_RATIO, fullSpace, type InitialWindow, selectInitialWindow } from './window.js';
import { continueAfterQueue } from './write.js';

const ACTIVE_OPENS = counterIndex('TcpActiveOpens');
const initial: InitialWindow = { window: 0, clamp: 0, wscale: 0 };

/** A block in state CLOSE with the stack's defaults (creation-time sysctls are read here). `ipv6`: wire family. */
export function createTcb(host: TcbHost, ipv6: boolean): Tcb {
  const { config } = host;
  const tcb = new Tcb(host);
  tcb.ipv6 = ipv6;
  tcb.ttl = ipv6 ? config.ipv6HopLimit : config.ipDefaultTtl;
  tcb.snd.buffer = config.tcpWmem[1];
  tcb.rcv.buffer = config.tcpRmem[1];
  tcb.rcv.scalingRatio = DEFAULT_SCALING_RATIO;
  tcb.rcv.windowClamp = 0;
  tcb.loss.reordering = config.tcpReordering;
  tcb.pmtuDiscover = config.ipNoPmtuDisc !== 0 ? 0 : 1;
  tcb.onQueueSpace = continueAfterQueue;
  tcb.rtt.rto = initialRto(tcb);
  return tcb;
}

/** Data of sendto(MSG_FASTOPEN): what may travel in the SYN (RFC 7413). */
export interface ConnectData {
  bytes: Uint8Array;
  from: number;
  length: number;
  flags: number;
}

/**
 * connect(): local and remote address and port, `zone` and `ipv6` of the block are filled in by the caller.
 * Without `data`: 0 when the SYN is on its way (or, with TCP_FASTOPEN_CONNECT and a known cookie, when the first send
 * will carry it: `tcb.opt.deferConnect`). With `data`: the number of bytes taken (0 … length) as tcp_sendmsg_fastopen.
 * Negative errno: -ENETUNREACH (no route), -EOPNOTSUPP (fast open off), -EISCONN, -EALREADY.
 */
export function tcpConnect(tcb: Tcb, now: number, data: ConnectData | null = null): number {
  tcb.clock = now;
  if (tcb.state === TCP_SYN_SENT) {
    if (!tcb.opt.deferConnect || data === null) return -EALREADY;
    tcb.opt.deferConnect = false;
    return startConnect(tcb, now, data);
  }
  if (tcb.state !== TCP_CLOSE) return -EISCONN;
  if (data !== null && !fastOpenAllowed(tcb)) return -EOPNOTSUPP;
  tcb.routeGeneration = -1;
  if (!refreshRoute(tcb)) return -ENETUNREACH;
  const { snd, opt, host } = tcb;
  tcb.error = 0;
  tcb.accepted = true;
  tcb.softError = 0;
  if (snd.wantedIss === 0) {
    // Otherwise a TIME-WAIT record's, which the SYN echoes (RFC 6191).
    opt.tsRecent = 0;
    opt.tsRecentAge = 0;
  }
  opt.timestamps = false;
  snd.iss = snd.wantedIss !== 0 ? snd.wantedIss : host.initialSequence(tcb, now);
  snd.wantedIss = 0;
  snd.writeSeq = snd.iss;
  opt.tsOffset = host.config.tcpTimestamps === 1 ? host.timestampOffset(tcb) : 0;
  setState(tcb, TCP_SYN_SENT, now);
  if (data === null && opt.fastOpenConnect && deferConnect(tcb, now)) return 0;
  return startConnect(tcb, now, data);
}

/** Sends the SYN of a block in SYN-SENT; bytes taken into it. */
export function startConnect(tcb: Tcb, now: number, data: ConnectData | null): number {
  initVariables(tcb, now);
  const { snd, loss, host, rtt } = tcb;
  const syn = allocateSegment(tcb);
  syn.flags = TCP_SYN;
  syn.seq = snd.writeSeq;
  syn.endSeq = (syn.seq + 1) >>> 0;
  syn.segments = 1;
  chargeWhole(tcb, syn);
  snd.writeSeq = syn.endSeq;
  snd.packetsOut = 1;
  snd.retransmitQueue.append(syn);
  loss.retransStamp = host.timestampClock(now) || 1;
  syn.flags |= ecnSynFlags(tcb);
  let taken = 0;
  beginFastOpen(tcb, data !== null);
  if (data !== null) taken = sendSynWithData(tcb, now, syn, data);
  else transmitSyn(tcb, now, syn);
  snd.nxt = snd.writeSeq;
  snd.pushedSeq = snd.writeSeq;
  const waiting = snd.writeQueue.head;
  if (waiting !== null) {
    snd.nxt = waiting.seq;
    snd.pushedSeq = waiting.seq;
  }
  host.counters.add(ACTIVE_OPENS);
  resetTimer(tcb, TIMER_RETRANSMIT, now + rtt.rto, now);
  return taken;
}

function transmitSyn(tcb: Tcb, now: number, syn: SendSegment): void {
  transmitSegment(tcb, now, syn);
  tcb.snd.fastOpenCookieLength = -1; // not in repetitions
}

/** Everything that a connection starts with (tcp_connect_init). */
function initVariables(tcb: Tcb, now: number): void {
  const { snd, rcv, rtt, timers, host, cc, loss } = tcb;
  const { config } = host;
  adoptMd5Key(tcb, tcb);
  if (tcb.opt.md5Active) snd.headerLength = 40;
  else snd.headerLength = config.tcpTimestamps !== 0 ? 32 : 20;
  snd.maxWindow = 0;
  // What a peer that names no MSS takes (RFC 9293, section 3.7.1), until it names one.
  snd.mssClamp = snd.userMss > 0 ? snd.userMss : tcb.ipv6 ? 1220 : 536;
  initMtuProbing(tcb, now);
  syncMss(tcb, routeMtu(tcb));
  snd.advertised = announcedMss(tcb);
  snd.advmss = snd.advertised;
  initPeerMss(tcb);
  const space = fullSpace(tcb);
  rcv.windowClamp = rcv.userWindowClamp;
  if (rcv.bufferLocked && (rcv.windowClamp > space || rcv.windowClamp === 0)) rcv.windowClamp = space;
  const usable = snd.advmss - (tcb.opt.tsRecentAge !== 0 ? snd.headerLength - 20 : 0);
  const segments = tcb.route?.initrwnd ?? 0;
  const scaled = config.tcpWindowScaling !== 0;
  tcb.opt.wscaleOffered = scaled;
  selectInitialWindow(config, space, usable, rcv.windowClamp, scaled, segments, initial);
  rcv.wnd = initial.window;
  rcv.windowClamp = initial.clamp;
  rcv.wscale = initial.wscale;
  rcv.ssthresh = rcv.wnd;
  snd.wnd = 0;
  snd.wl1 = 0;
  snd.una = snd.writeSeq;
  snd.sml = snd.writeSeq;
  snd.up = snd.writeSeq;
  snd.nxt = snd.writeSeq;
  rcv.nxt = 0;
  rcv.wup = 0;
  rcv.copiedSeq = 0;
  rtt.rto = initialRto(tcb);
  rtt.backoff = 0;
  timers.retransmits = 0;
  tcb.error = 0;
  cc.cwnd = 10;
  // The algorithm starts anew when the connection is established; a lost SYN already reduces by its rule.
  initAlgorithm(tcb, now);
  clearRetransmitState(tcb);
  loss.totalRetrans = 0;
}
