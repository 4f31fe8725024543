// Fast open from the client's side (RFC 7413 section 4.2.1): cookie request, data in the SYN, what the SYN-ACK says of it,
// deferred connect, and giving it up for a while when a path swallows such SYNs (RFC 7413 section 4.2.1, Linux's blackhole).
import { counterIndex } from '../../host/counters.js';
import { TCP_ACK, TCP_PSH } from '../../wire/tcp.js';
import { CHRONO_BUSY, chronoStart } from '../chrono.js';
import { type ConnectData, startConnect } from '../connect.js';
import { EINPROGRESS } from '../errno.js';
import { networkHeader, syncMss } from '../mss.js';
import { queueSynPayload } from '../receive-data.js';
import { simpleRetransmit } from '../recovery/retransmit-queue.js';
import { markSegmentLost } from '../recovery/scoreboard.js';
import type { SegmentIn } from '../segment.js';
import { MSG_DONTWAIT, MSG_ZEROCOPY } from '../send.js';
import { allocateSegment, chargeSegment, chargeWhole } from '../send-memory.js';
import type { SendSegment } from '../send-segment.js';
import type { Tcb } from '../tcb.js';
import { transmitSegment } from '../transmit.js';
import { beginZerocopy, endZerocopy, holdZerocopy } from '../zerocopy.js';
import { TFO_CLIENT_ENABLE, TFO_CLIENT_NO_COOKIE } from './state.js';

const ACTIVE = counterIndex('TcpExtTCPFastOpenActive');
const ACTIVE_FAIL = counterIndex('TcpExtTCPFastOpenActiveFail');
const BLACKHOLE = counterIndex('TcpExtTCPFastOpenBlackhole');
const ORIG_DATA_SENT = counterIndex('TcpExtTCPOrigDataSent');
/** Room left for options that middleboxes add. */
const OPTION_ROOM = 40;
/** Most data that one SYN takes (Linux: a page fragment). */
const SYN_DATA_LIMIT = 32_768;

export function fastOpenAllowed(tcb: Tcb): boolean {
  return (tcb.host.config.tcpFastopen & TFO_CLIENT_ENABLE) !== 0;
}

const none = { bytes: null as Uint8Array | null, length: -1, experimental: false };
const option = { bytes: null as Uint8Array | null, length: -1, experimental: false };

/** What goes into the SYN that is built now. */
export function fastOpenSynOption(tcb: Tcb): {
  bytes: Uint8Array | null;
  length: number;
  experimental: boolean;
} {
  const { snd, opt } = tcb;
  if (snd.fastOpenCookieLength < 0) return none;
  option.bytes = snd.fastOpenCookie;
  option.length = snd.fastOpenCookieLength;
  option.experimental = opt.synFastOpenExperimental;
  opt.synFastOpen = true;
  return option;
}

function noCookieNeeded(tcb: Tcb): boolean {
  return (
    (tcb.host.config.tcpFastopen & TFO_CLIENT_NO_COOKIE) !== 0 ||
    tcb.opt.fastOpenNoCookie ||
    tcb.route?.fastOpenNoCookie === true
  );
}

/** Looks the server up; true when data may go into the SYN. Sets the option that the SYN will carry. */
function cookieCheck(tcb: Tcb, now: number): boolean {
  const { snd, opt, host } = tcb;
  const cached = host.fastOpen.lookUp(tcb.localAddress, tcb.remoteAddress);
  snd.fastOpenCookieLength = 0;
  opt.synFastOpenExperimental = false;
  if (cached !== null) {
    if (cached.mss > 0) snd.mssClamp = cached.mss;
    snd.fastOpenCookieLength = cached.length;
    snd.fastOpenCookie.set(cached.cookie);
    opt.synFastOpenExperimental = cached.length > 0 ? cached.experimental : cached.tryExperimental === 1;
  }
  if (host.fastOpen.clientPaused(now)) {
    snd.fastOpenCookieLength = -1;
    return false;
  }
  if (noCookieNeeded(tcb)) {
    snd.fastOpenCookieLength = -1;
    return true;
  }
  return snd.fastOpenCookieLength > 0;
}

/** TCP_FASTOPEN_CONNECT: with a known cookie the SYN waits for the first send. */
export function deferConnect(tcb: Tcb, now: number): boolean {
  const clamp = tcb.snd.mssClamp;
  const ready = cookieCheck(tcb, now);
  tcb.snd.mssClamp = clamp;
  tcb.opt.deferConnect = ready;
  return ready;
}

/** Before the SYN is built: no fast-open option unless this connection asked for fast open. */
export function beginFastOpen(tcb: Tcb, withData: boolean): void {
  const { snd, opt } = tcb;
  opt.synFastOpen = false;
  opt.synData = false;
  opt.synDataAcked = false;
  if (withData || !opt.fastOpenConnect) {
    if (!withData) snd.fastOpenCookieLength = -1;
    return;
  }
  // connect() without a cookie: the SYN asks for one.
  if (snd.fastOpenCookieLength > 0) snd.fastOpenCookieLength = 0;
}

/** Sends SYN and data in one segment, or a SYN that asks for a cookie; bytes taken. */
export function sendSynWithData(tcb: Tcb, now: number, syn: SendSegment, data: ConnectData): number {
  const { snd } = tcb;
  snd.mssClamp = snd.advmss;
  if (!cookieCheck(tcb, now)) {
    if (snd.fastOpenCookieLength > 0) snd.fastOpenCookieLength = 0;
    transmitSegment(tcb, now, syn);
    snd.fastOpenCookieLength = -1;
    return 0;
  }
  if (snd.userMss > 0) snd.mssClamp = Math.min(snd.mssClamp, snd.userMss);
  syncMss(tcb, snd.mtuCookie);
  const most = Math.min(snd.mtuCookie - networkHeader(tcb) - 20, snd.mssClamp) - OPTION_ROOM;
  const length = Math.max(0, Math.min(most, data.length, SYN_DATA_LIMIT));
  const segment = allocateSegment(tcb);
  segment.flags = syn.flags;
  segment.seq = syn.seq;
  segment.endSeq = (syn.endSeq + length) >>> 0;
  segment.segments = 1;
  chargeWhole(tcb, segment);
  if (length > 0) {
    segment.payload!.append(data.bytes, data.from, length);
    chargeSegment(tcb, segment, length);
    if ((data.flags & MSG_ZEROCOPY) !== 0) {
      holdZerocopy(tcb, segment, beginZerocopy(tcb));
      if (length === data.length || (data.flags & MSG_DONTWAIT) !== 0) endZerocopy(tcb, true);
      else tcb.snd.zerocopyStarted = true;
    }
    chronoStart(tcb, CHRONO_BUSY, now);
  }
  snd.writeSeq = segment.endSeq;
  snd.packetsOut += 1;
  const result = transmitSegment(tcb, now, segment);
  snd.fastOpenCookieLength = -1;
  syn.sentAt = segment.sentAt;
  syn.sentBurst = segment.sentBurst;
  snd.timeList.append(syn);
  // What stays queued is the data alone: the SYN is a segment of its own.
  segment.seq = (segment.seq + 1) >>> 0;
  segment.flags = TCP_ACK | TCP_PSH;
  if (result === 0) {
    tcb.opt.synData = length > 0;
    snd.timeList.append(segment);
    snd.retransmitQueue.append(segment);
    tcb.host.counters.add(ORIG_DATA_SENT);
    return length;
  }
  snd.timeList.remove(segment);
  snd.writeQueue.append(segment);
  snd.packetsOut -= 1;
  transmitSegment(tcb, now, syn);
  return length;
}

/** The first send of a deferred connect: SYN with its data. Bytes taken, or negative errno; 0: go on with the send. */
export function deferredConnect(
  tcb: Tcb,
  now: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  flags: number,
): number {
  tcb.opt.deferConnect = false;
  const taken = startConnect(tcb, now, { bytes, from, length, flags: flags & ~MSG_DONTWAIT });
  if (taken !== 0) return taken;
  return -EINPROGRESS;
}

/** The SYN-ACK of a SYN with fast-open option or data; true when the data must be sent again. */
export function fastOpenReceiveSynAck(tcb: Tcb, now: number, seg: SegmentIn): boolean {
  const { snd, opt, loss, host } = tcb;
  const { options } = seg;
  const data = opt.synData ? snd.retransmitQueue.head : null;
  const mss = options.mss > 0 ? options.mss : 536;
  let length = options.fastOpenLength;
  let dropped = false;
  let tryExperimental = 0;
  if (!opt.synFastOpen) {
    length = -1; // nobody asked
  } else if (loss.totalRetrans > 0) {
    dropped = length < 0 && data !== null;
  } else if (length < 0 && !opt.synData) {
    tryExperimental = opt.synFastOpenExperimental ? 2 : 1;
  }
  const entry = host.fastOpen.entry(tcb.localAddress, tcb.remoteAddress);
  entry.mss = mss;
  if (length > 0) {
    entry.length = length;
    entry.cookie.set(options.fastOpenCookie);
    entry.experimental = options.fastOpenExperimental;
  } else if (tryExperimental > entry.tryExperimental && entry.length <= 0 && !entry.experimental) {
    entry.tryExperimental = tryExperimental;
  }
  entry.synLosses = dropped ? entry.synLosses + 1 : 0;
  if (data !== null) {
    for (let segment: SendSegment | null = data; segment !== null; segment = segment.next)
      markSegmentLost(tcb, segment);
    simpleRetransmit(tcb, now);
    host.counters.add(ACTIVE_FAIL);
    return true;
  }
  opt.synDataAcked = opt.synData;
  if (opt.synDataAcked) {
    host.counters.add(ACTIVE);
    if (loss.delivered > 1) loss.delivered--; // SYN and its data are one segment
  }
  queueSynPayload(tcb, now, seg);
  return false;
}

/** A path that swallows fast-open connections: pause it for the whole stack. */
export function fastOpenDisableActive(tcb: Tcb, now: number): void {
  const { config, fastOpen, counters } = tcb.host;
  if (config.tcpFastopenBlackholeTimeoutSec === 0) return;
  fastOpen.pauseClient(now);
  counters.add(BLACKHOLE);
}

/** A retransmission timeout of a fast-open connection: the third in a row is a black hole. */
export function fastOpenActiveTimeout(tcb: Tcb, now: number, expired: boolean): void {
  const { opt, timers } = tcb;
  if (!opt.synFastOpen && !opt.synData && !opt.synDataAcked) return;
  if (timers.retransmits === 2 || (timers.retransmits < 2 && expired)) fastOpenDisableActive(tcb, now);
}
