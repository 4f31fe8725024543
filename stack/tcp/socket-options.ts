// Socket options that the core owns, with Linux's numbers, bounds and side effects. Each setter returns 0 or a negative errno;
// values are in Linux's units (seconds, milliseconds) and become µs here.

import type { StackConfig } from '../config/config.js';
import { ackAfterRead, ackScheduled, DELAY_MAX, enterPingpong } from './ack-policy.js';
import { findCongestionControl } from './congestion/registry.js';
import { secondsToTimeouts, timeoutsToSeconds } from './defer-accept.js';
import { EINVAL, ENOENT, ENOPROTOOPT } from './errno.js';
import { roundUpToTick, tickLength } from './jiffies.js';
import { MIN_RCVBUF, MIN_SNDBUF } from './memory.js';
import { NAGLE_CORK, NAGLE_OFF, NAGLE_PUSH } from './nagle.js';
import { MAX_SAVE_SYN } from './saved-syn.js';
import { checkSpace } from './send-memory.js';
import { stateBit, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_LISTEN } from './states.js';
import { EVENT_READABLE, type Md5Key, type Tcb } from './tcb.js';
import { setKeepalive } from './timer-probe.js';
import { setWindowClamp, spaceFromWindow, windowFromSpace } from './window.js';
import { pushPendingFrames } from './write.js';

export const TCP_NODELAY = 1;
export const TCP_MAXSEG = 2;
export const TCP_CORK = 3;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const TCP_SYNCNT = 7;
export const TCP_LINGER2 = 8;
export const TCP_DEFER_ACCEPT = 9;
export const TCP_WINDOW_CLAMP = 10;
export const TCP_QUICKACK = 12;
export const TCP_THIN_LINEAR_TIMEOUTS = 16;
export const TCP_THIN_DUPACK = 17;
export const TCP_USER_TIMEOUT = 18;
export const TCP_FASTOPEN = 23;
export const TCP_NOTSENT_LOWAT = 25;
export const TCP_SAVE_SYN = 27;
export const TCP_FASTOPEN_CONNECT = 30;
export const TCP_FASTOPEN_NO_COOKIE = 34;
export const TCP_INQ = 36;
export const TCP_RTO_MAX_MS = 44;
export const TCP_RTO_MIN_US = 45;
export const TCP_DELACK_MAX_US = 46;

const SECOND = 1_000_000;
const MAX_KEEP = 32_767;
const MIN_MSS = 88;
const MAX_WINDOW = 32_767;
const MAX_FIN_TIMEOUT = 120;

/** Options of level SOL_TCP whose value is one integer, by Linux's number (TCP_NODELAY 1 …). 0, -EINVAL, -ENOPROTOOPT. */
export function tcpSetOption(tcb: Tcb, now: number, option: number, value: number): number {
  tcb.clock = now;
  const { snd, timers, opt } = tcb;
  const { config } = tcb.host;
  switch (option) {
    case TCP_NODELAY:
      if (value !== 0) {
        snd.nonagle |= NAGLE_OFF | NAGLE_PUSH;
        pushPendingFrames(tcb, now);
      } else {
        snd.nonagle &= ~NAGLE_OFF;
      }
      return 0;
    case TCP_CORK:
      if (value !== 0) {
        snd.nonagle |= NAGLE_CORK;
      } else {
        snd.nonagle &= ~NAGLE_CORK;
        if ((snd.nonagle & NAGLE_OFF) !== 0) snd.nonagle |= NAGLE_PUSH;
        pushPendingFrames(tcb, now);
      }
      return 0;
    case TCP_MAXSEG:
      if (value !== 0 && (value < MIN_MSS || value > MAX_WINDOW)) return -EINVAL;
      snd.userMss = value;
      return 0;
    case TCP_SYNCNT:
      if (value < 1 || value > 127) return -EINVAL;
      timers.synRetries = value;
      return 0;
    case TCP_LINGER2:
      if (value < 0) timers.linger2 = -1;
      else timers.linger2 = value > MAX_FIN_TIMEOUT ? MAX_FIN_TIMEOUT * SECOND : value * SECOND;
      return 0;
    case TCP_DEFER_ACCEPT:
      opt.deferAccept = secondsToTimeouts(value);
      return 0;
    case TCP_WINDOW_CLAMP:
      return setUserClamp(tcb, value);
    case TCP_QUICKACK:
      setQuickAck(tcb, now, value);
      return 0;
    case TCP_USER_TIMEOUT:
      if (value < 0) return -EINVAL;
      timers.userTimeout = value * 1000;
      return 0;
    case TCP_NOTSENT_LOWAT:
      snd.notsentLowat = value >>> 0;
      checkSpace(tcb, now);
      return 0;
    case TCP_RTO_MAX_MS:
      if (value < 1000 || value > 120_000) return -EINVAL;
      tcb.rtt.rtoMax = roundUpToTick(config, value * 1000);
      return 0;
    case TCP_RTO_MIN_US:
      if (!inTicks(config, value)) return -EINVAL;
      tcb.rtt.rtoMin = roundUpToTick(config, value);
      return 0;
    case TCP_DELACK_MAX_US:
      if (!inTicks(config, value)) return -EINVAL;
      tcb.ack.maxDelay = roundUpToTick(config, value);
      return 0;
    case TCP_THIN_LINEAR_TIMEOUTS:
      if (value < 0 || value > 1) return -EINVAL;
      timers.thinLinear = value === 1;
      return 0;
    case TCP_THIN_DUPACK:
      // Linux takes it and does nothing.
      return value < 0 || value > 1 ? -EINVAL : 0;
    case TCP_INQ:
      if (value < 0 || value > 1) return -EINVAL;
      tcb.reportInq = value === 1;
      return 0;
    case TCP_SAVE_SYN:
      if (value < 0 || value > MAX_SAVE_SYN) return -EINVAL;
      tcb.saveSyn = value;
      return 0;
    default:
      return setKeepOption(tcb, now, option, value);
  }
}

/** A time that an option may ask for: rounded up, two ticks to 200 ms. */
function inTicks(config: StackConfig, micros: number): boolean {
  return micros > tickLength(config) && micros <= DELAY_MAX;
}

function setKeepOption(tcb: Tcb, now: number, option: number, value: number): number {
  const { timers } = tcb;
  switch (option) {
    case TCP_KEEPIDLE:
      if (value < 1 || value > MAX_KEEP) return -EINVAL;
      timers.keepaliveIdle = value * SECOND;
      if (timers.keepaliveEnabled) setKeepalive(tcb, now, true);
      return 0;
    case TCP_KEEPINTVL:
      if (value < 1 || value > MAX_KEEP) return -EINVAL;
      timers.keepaliveInterval = value * SECOND;
      return 0;
    case TCP_KEEPCNT:
      if (value < 1 || value > 127) return -EINVAL;
      timers.keepaliveCount = value;
      return 0;
    default:
      return setFastOpenOption(tcb, option, value);
  }
}

function setFastOpenOption(tcb: Tcb, option: number, value: number): number {
  const { opt, state, host } = tcb;
  const unconnected = state === TCP_CLOSE || state === TCP_LISTEN;
  switch (option) {
    case TCP_FASTOPEN:
      if (value < 0 || !unconnected) return -EINVAL;
      opt.fastOpenQueue = Math.min(value, host.config.somaxconn);
      return 0;
    case TCP_FASTOPEN_CONNECT:
      if (value < 0 || value > 1 || state !== TCP_CLOSE) return -EINVAL;
      if ((host.config.tcpFastopen & 1) === 0) return -95;
      opt.fastOpenConnect = value === 1;
      return 0;
    case TCP_FASTOPEN_NO_COOKIE:
      if (value < 0 || value > 1 || !unconnected) return -EINVAL;
      opt.fastOpenNoCookie = value === 1;
      return 0;
    default:
      return -ENOPROTOOPT;
  }
}

function setUserClamp(tcb: Tcb, value: number): number {
  const { rcv } = tcb;
  if (value === 0) {
    if (tcb.state !== TCP_CLOSE) return -EINVAL;
    rcv.userWindowClamp = 0;
    rcv.windowClamp = 0;
    return 0;
  }
  rcv.userWindowClamp = Math.max(MIN_RCVBUF / 2, value);
  setWindowClamp(tcb, value);
  return 0;
}

/** TCP_QUICKACK: off enters ping-pong mode, on leaves it and sends an ACK that is owed; even values for once. */
function setQuickAck(tcb: Tcb, now: number, value: number): void {
  if (value === 0) {
    enterPingpong(tcb);
    return;
  }
  tcb.ack.pingpong = 0;
  const open = stateBit(TCP_ESTABLISHED) | stateBit(TCP_CLOSE_WAIT);
  if ((open & stateBit(tcb.state)) !== 0 && ackScheduled(tcb)) {
    tcb.ack.pending |= 4; // as if a small segment had come
    ackAfterRead(tcb, now, 1);
    if ((value & 1) === 0) enterPingpong(tcb);
  }
}

/** The value (≥ 0 or -1 where Linux has that), or NaN for an option that is not an integer or unknown. */
export function tcpGetOption(tcb: Tcb, option: number): number {
  const { snd, timers, opt, rcv, host, state } = tcb;
  const { config } = host;
  const unconnected = state === TCP_CLOSE || state === TCP_LISTEN;
  switch (option) {
    case TCP_MAXSEG:
      return unconnected && snd.userMss > 0 ? snd.userMss : snd.mss;
    case TCP_NODELAY:
      return (snd.nonagle & NAGLE_OFF) !== 0 ? 1 : 0;
    case TCP_CORK:
      return (snd.nonagle & NAGLE_CORK) !== 0 ? 1 : 0;
    case TCP_KEEPIDLE:
      return timers.keepaliveIdle > 0 ? timers.keepaliveIdle / SECOND : config.tcpKeepaliveTime;
    case TCP_KEEPINTVL:
      return timers.keepaliveInterval > 0 ? timers.keepaliveInterval / SECOND : config.tcpKeepaliveIntvl;
    case TCP_KEEPCNT:
      return timers.keepaliveCount > 0 ? timers.keepaliveCount : config.tcpKeepaliveProbes;
    case TCP_SYNCNT:
      return timers.synRetries > 0 ? timers.synRetries : config.tcpSynRetries;
    case TCP_LINGER2:
      if (timers.linger2 < 0) return -1;
      return timers.linger2 > 0 ? timers.linger2 / SECOND : config.tcpFinTimeout;
    case TCP_DEFER_ACCEPT:
      return timeoutsToSeconds(opt.deferAccept);
    case TCP_WINDOW_CLAMP:
      return rcv.windowClamp;
    case TCP_QUICKACK:
      return tcb.ack.pingpong < config.tcpPingpongThresh ? 1 : 0;
    case TCP_USER_TIMEOUT:
      return timers.userTimeout / 1000;
    case TCP_THIN_LINEAR_TIMEOUTS:
      return timers.thinLinear ? 1 : 0;
    case TCP_THIN_DUPACK:
      return 0;
    case TCP_FASTOPEN:
      return opt.fastOpenQueue;
    case TCP_FASTOPEN_CONNECT:
      return opt.fastOpenConnect ? 1 : 0;
    case TCP_FASTOPEN_NO_COOKIE:
      return opt.fastOpenNoCookie ? 1 : 0;
    case TCP_NOTSENT_LOWAT:
      return snd.notsentLowat;
    case TCP_SAVE_SYN:
      return tcb.saveSyn;
    case TCP_INQ:
      return tcb.reportInq ? 1 : 0;
    case TCP_RTO_MAX_MS:
      return tcb.rtt.rtoMax > 0 ? tcb.rtt.rtoMax / 1000 : config.tcpRtoMaxMs;
    case TCP_RTO_MIN_US:
      return tcb.rtt.rtoMin > 0 ? tcb.rtt.rtoMin : config.tcpRtoMinUs;
    case TCP_DELACK_MAX_US:
      return tcb.ack.maxDelay;
    default:
      return Number.NaN;
  }
}

/** TCP_CONGESTION: 0 or -ENOENT. */
export function tcpSetCongestion(tcb: Tcb, now: number, name: string): number {
  const algorithm = findCongestionControl(name);
  if (algorithm === null) return -ENOENT;
  const { cc } = tcb;
  cc.setByUser = true;
  if (cc.algorithm === algorithm) return 0;
  const running = !(tcb.state === TCP_CLOSE || tcb.state === TCP_LISTEN);
  if (running) cc.algorithm?.release?.(tcb);
  cc.algorithm = algorithm;
  cc.state = null;
  if (running) {
    algorithm.init(tcb, now);
    if (algorithm.needsPacing === true && tcb.snd.pacingStatus === 0) tcb.snd.pacingStatus = 1;
  }
  return 0;
}

/** TCP_FASTOPEN_KEY: one or two keys of 16 bytes, or none (the stack's); 0 or -EINVAL. */
export function tcpSetFastOpenKey(tcb: Tcb, keys: Uint8Array): number {
  if (keys.length !== 0 && keys.length !== 16 && keys.length !== 32) return -EINVAL;
  tcb.opt.fastOpenKeys = keys.length === 0 ? null : keys.slice();
  return 0;
}

/** TCP_MD5SIG: key of up to 80 bytes for the peer address (empty: removes it). 0, -EINVAL, -ENOENT. */
export function tcpSetMd5(tcb: Tcb, peer: Uint8Array, prefix: number, key: Uint8Array): number {
  if (key.length > 80 || prefix < 0 || prefix > 128) return -EINVAL;
  const keys: Md5Key[] = tcb.opt.md5Keys ?? [];
  const at = keys.findIndex((k) => k.prefix === prefix && k.address.every((b, i) => b === peer[i]));
  if (key.length === 0) {
    if (at < 0) return -ENOENT;
    keys.splice(at, 1);
  } else {
    const entry: Md5Key = { address: peer.slice(), prefix, key: key.slice() };
    if (at < 0) keys.push(entry);
    else keys[at] = entry;
  }
  tcb.opt.md5Keys = keys.length > 0 ? keys : null;
  return 0;
}

/** SO_SNDBUF as given by the user: doubled and bounded as Linux does, and locked. `force`: without wmem_max. */
export function tcpSetSendBuffer(tcb: Tcb, now: number, value: number, force = false): void {
  const bounded = force ? value : Math.min(value >>> 0, tcb.host.config.wmemMax);
  tcb.snd.buffer = Math.max(Math.min(Math.max(bounded, 0), 0x3fff_ffff) * 2, MIN_SNDBUF);
  tcb.snd.bufferLocked = true;
  if (tcb.snd.noSpace) checkSpace(tcb, now);
}

/** SO_RCVBUF in the same way. */
export function tcpSetReceiveBuffer(tcb: Tcb, value: number, force = false): void {
  const bounded = force ? value : Math.min(value >>> 0, tcb.host.config.rmemMax);
  tcb.rcv.buffer = Math.max(Math.min(Math.max(bounded, 0), 0x3fff_ffff) * 2, MIN_RCVBUF);
  tcb.rcv.bufferLocked = true;
}

/** SO_RCVLOWAT: also makes the buffer large enough for it. */
export function tcpSetReceiveLowat(tcb: Tcb, _now: number, value: number): void {
  const { rcv, host } = tcb;
  const most = rcv.bufferLocked ? Math.floor(rcv.buffer / 2) : Math.floor(host.config.tcpRmem[2] / 2);
  const wanted = Math.min(value, most);
  rcv.lowat = wanted > 0 ? wanted : 1;
  if ((rcv.nxt - rcv.copiedSeq) >>> 0 >= rcv.lowat && rcv.nxt !== rcv.copiedSeq)
    host.notify(tcb, EVENT_READABLE);
  if (rcv.bufferLocked || wanted <= 0) return;
  const space = spaceFromWindow(tcb, wanted);
  if (space > rcv.buffer) {
    rcv.buffer = space;
    setWindowClamp(tcb, windowFromSpace(tcb, space));
  }
}

/** SO_KEEPALIVE. */
export function tcpSetKeepalive(tcb: Tcb, now: number, on: boolean): void {
  tcb.clock = now;
  setKeepalive(tcb, now, on);
}

/** SO_MAX_PACING_RATE in bytes per second, Infinity: none. */
export function tcpSetMaxPacingRate(tcb: Tcb, rate: number): void {
  const { snd } = tcb;
  snd.maxPacingRate = rate;
  snd.pacingRate = Math.min(snd.pacingRate, rate);
  if (Number.isFinite(rate) && snd.pacingStatus === 0) snd.pacingStatus = 1;
}

/** IP_TOS / IPV6_TCLASS (ECN bits stay the protocol's), IP_TTL, IP_MTU_DISCOVER, SO_MARK are plain fields of the block. */
export function tcpSetTos(tcb: Tcb, value: number): void {
  tcb.tos = value & 0xfc;
}

/** SO_MEMINFO: the nine numbers of SK_MEMINFO_* in Linux's order. */
export function tcpMemInfo(tcb: Tcb): number[] {
  const { rcv, snd } = tcb;
  return [rcv.memoryAllocated, rcv.buffer, snd.inHostQueue, snd.buffer, 0, snd.memoryQueued, 0, 0, 0];
}
