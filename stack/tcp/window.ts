// The window that we offer: how much, when it may grow, never taking back what was offered (RFC 9293 section 3.8.6, RFC
// 7323 section 2; silly-window avoidance). In Linux's arithmetic, whose buffer counts memory, not bytes.
// Also the send window's update (SND.WND). Sends nothing.
import { counterIndex } from '../host/counters.js';
import { seqGt } from '../wire/seq.js';
import { ACK_NO_MEMORY } from './ack-policy.js';
import { idleRestartCheck } from './cwnd.js';
import { align } from './memory.js';
import { syncMss } from './mss.js';
import { predictAgain } from './prediction.js';
import type { SegmentIn } from './segment.js';
import type { Tcb } from './tcb.js';

/** Scale of `scalingRatio`: 256 means every byte of memory is payload. */
const RATIO_BITS = 256;
/** Half of it: what a connection assumes before it has seen segments. */
export const DEFAULT_SCALING_RATIO = 128;
const MAX_WSCALE = 14;
/** Largest window that the workaround for signed windows offers. */
const SIGNED_WINDOW_MAX = 32_767;

const WANT_ZERO = counterIndex('TcpExtTCPWantZeroWindowAdv');
const TO_ZERO = counterIndex('TcpExtTCPToZeroWindowAdv');
const FROM_ZERO = counterIndex('TcpExtTCPFromZeroWindowAdv');

/** Window that `space` bytes of memory are good for. */
export function windowFromSpace(tcb: Tcb, space: number): number {
  return Math.floor((space * tcb.rcv.scalingRatio) / RATIO_BITS);
}

/** Memory that a window of `window` bytes takes. */
export function spaceFromWindow(tcb: Tcb, window: number): number {
  return Math.floor((window * RATIO_BITS) / tcb.rcv.scalingRatio);
}

/** Free receive space as a window. */
export function freeSpace(tcb: Tcb): number {
  return windowFromSpace(tcb, tcb.rcv.buffer - tcb.rcv.memoryAllocated);
}

/** Whole receive space as a window. */
export function fullSpace(tcb: Tcb): number {
  return windowFromSpace(tcb, tcb.rcv.buffer);
}

/** What the peer may still send: the offered window less what arrived since. */
export function receiveWindow(tcb: Tcb): number {
  const { rcv } = tcb;
  return Math.max(0, (rcv.wup + rcv.wnd - rcv.nxt) | 0);
}

// RFC 9293 MUST-39, MAY-8
/** The window that could be offered now, in bytes (__tcp_select_window). */
export function offeredWindow(tcb: Tcb): number {
  const { rcv, ack, host } = tcb;
  let mss = ack.rcvMss;
  let free = freeSpace(tcb);
  const allowed = fullSpace(tcb);
  const full = Math.min(rcv.windowClamp, allowed);
  if (mss > full) {
    mss = full;
    if (mss <= 0) return 0;
  }
  const unit = 2 ** rcv.wscale;
  const shrink = host.config.tcpShrinkWindow !== 0 && rcv.wscale > 0;
  if (shrink) free = Math.floor(free / unit) * unit;
  if (free < Math.floor(full / 2)) {
    ack.quick = 0;
    if (host.memory.pressure) clampThreshold(tcb);
    if (!shrink) free = Math.floor(free / unit) * unit;
    // Move to zero while there is still memory for what is under way.
    if (free < Math.floor(allowed / 16) || free < mss || (shrink && free < unit)) return 0;
  }
  if (free > rcv.ssthresh) {
    free = rcv.ssthresh;
    if (shrink) return align(free, unit);
  }
  if (shrink) return free;
  if (rcv.wscale > 0) return align(free, unit);
  const window = rcv.wnd;
  // Multiples of the peer's segment size; a window within one segment of the space stays as it is.
  if (window <= free - mss || window > free) return Math.floor(free / mss) * mss;
  if (mss === full && free > window + Math.floor(full / 2)) return free;
  return window;
}

/** Under memory pressure the window shrinks to a few segments. */
function clampThreshold(tcb: Tcb): void {
  tcb.rcv.ssthresh = Math.min(tcb.rcv.ssthresh, 4 * tcb.snd.advmss);
}

// RFC 9293 SHLD-14
/** Chooses the window for a segment that leaves now, notes it as offered, and returns the header's field. */
export function selectWindow(tcb: Tcb, _now: number): number {
  const { rcv, host } = tcb;
  const before = rcv.wnd;
  if ((tcb.ack.pending & ACK_NO_MEMORY) !== 0) {
    rcv.predicting = false;
    rcv.wnd = 0;
    rcv.wup = rcv.nxt;
    return 0;
  }
  const current = receiveWindow(tcb);
  let offer = offeredWindow(tcb);
  if (offer < current && (host.config.tcpShrinkWindow === 0 || rcv.wscale === 0)) {
    // Never take back what was offered.
    if (offer === 0) host.counters.add(WANT_ZERO);
    offer = align(current, 2 ** rcv.wscale);
  }
  rcv.wnd = offer;
  rcv.wup = rcv.nxt;
  if (rcv.wscale === 0 && host.config.tcpWorkaroundSignedWindows !== 0) {
    offer = Math.min(offer, SIGNED_WINDOW_MAX);
  } else {
    offer = Math.min(offer, 65_535 * 2 ** rcv.wscale);
  }
  const field = Math.floor(offer / 2 ** rcv.wscale);
  if (field === 0) {
    rcv.predicting = false;
    if (before !== 0) host.counters.add(TO_ZERO);
  } else if (before === 0) {
    host.counters.add(FROM_ZERO);
  }
  return field;
}

/** What `selectInitialWindow` chooses. */
export interface InitialWindow {
  window: number;
  clamp: number;
  wscale: number;
}

/**
 * The window of a SYN or SYN-ACK (tcp_select_initial_window): as much as the buffer holds in whole segments, with the
 * scale that the largest buffer needs. `space` bytes, `clamp` 0: none, `initialSegments` the route's initrwnd.
 */
export function selectInitialWindow(
  config: { tcpRmem: [number, number, number]; rmemMax: number; tcpWorkaroundSignedWindows: number },
  space: number,
  mss: number,
  clamp: number,
  wscaleOk: boolean,
  initialSegments: number,
  result: InitialWindow,
): void {
  const limit = clamp === 0 ? 65_535 * 2 ** MAX_WSCALE : clamp;
  let room = Math.min(Math.max(0, space), limit);
  if (room > mss) room = Math.floor(room / mss) * mss;
  result.window = config.tcpWorkaroundSignedWindows !== 0 ? Math.min(room, SIGNED_WINDOW_MAX) : room;
  if (initialSegments > 0) result.window = Math.min(result.window, initialSegments * mss);
  result.wscale = 0;
  if (wscaleOk) {
    const most = Math.min(Math.max(room, config.tcpRmem[2], config.rmemMax), limit);
    result.wscale = most < 1 ? 0 : Math.min(Math.max(Math.floor(Math.log2(most)) - 15, 0), MAX_WSCALE);
  }
  result.clamp = Math.min(65_535 * 2 ** result.wscale, limit);
}

/** Fixes buffers and clamps when a connection becomes established (tcp_init_buffer_space). */
export function initReceiveSpace(tcb: Tcb, now: number): void {
  const { rcv, snd, host } = tcb;
  rcv.rcvqSpaceTime = now;
  rcv.rcvqSpaceSeq = rcv.copiedSeq;
  const most = fullSpace(tcb);
  const { tcpAppWin } = host.config;
  if (rcv.windowClamp >= most) {
    rcv.windowClamp = most;
    if (tcpAppWin !== 0 && most > 4 * snd.advmss) {
      rcv.windowClamp = Math.max(most - Math.floor(most / 2 ** tcpAppWin), 4 * snd.advmss);
    }
  }
  // One segment stays in reserve.
  if (tcpAppWin !== 0 && rcv.windowClamp > 2 * snd.advmss && rcv.windowClamp + snd.advmss > most) {
    rcv.windowClamp = Math.max(2 * snd.advmss, most - snd.advmss);
  }
  rcv.ssthresh = Math.min(rcv.ssthresh, rcv.windowClamp);
  rcv.rcvqSpace = Math.min(rcv.ssthresh, rcv.wnd, 10 * snd.advmss);
}

/** A new clamp: shrinking pulls `ssthresh` along, growing lifts it to what is offered (tcp_set_window_clamp). */
export function setWindowClamp(tcb: Tcb, value: number): void {
  const { rcv } = tcb;
  const old = rcv.windowClamp;
  const clamp = Math.max(1152, value);
  if (clamp === old) return;
  rcv.windowClamp = clamp;
  if (clamp < old) rcv.ssthresh = Math.min(rcv.ssthresh, clamp);
  else rcv.ssthresh = Math.max(Math.min(rcv.wnd, clamp), rcv.ssthresh);
}

/**
 * A full segment of `length` bytes that cost `truesize` came: the ratio of payload to memory is learnt from segments
 * that change the estimate of the peer's segment size.
 */
export function learnScalingRatio(tcb: Tcb, length: number, truesize: number): void {
  const { rcv } = tcb;
  const ratio = Math.max(1, Math.min(255, Math.floor((length * RATIO_BITS) / truesize)));
  if (ratio === rcv.scalingRatio) return;
  rcv.scalingRatio = ratio;
  setWindowClamp(tcb, windowFromSpace(tcb, rcv.buffer));
  if (rcv.windowClamp < rcv.rcvqSpace) rcv.rcvqSpace = rcv.windowClamp;
}

/**
 * Data came: the threshold of the offered window grows while segments use their memory well (tcp_grow_window). `charged`:
 * memory of it that does not count yet.
 */
export function growWindow(tcb: Tcb, length: number, truesize: number, charged = 0): void {
  const { rcv, snd, ack, host } = tcb;
  const free = windowFromSpace(tcb, rcv.buffer - (rcv.memoryAllocated - charged));
  const room = Math.min(rcv.windowClamp, free) - rcv.ssthresh;
  if (room <= 0) return;
  if (host.memory.pressure) {
    clampThreshold(tcb);
    return;
  }
  let step = 0;
  if (windowFromSpace(tcb, truesize) <= length) {
    step = 2 * snd.advmss;
  } else {
    let cost = Math.floor(windowFromSpace(tcb, truesize) / 2);
    let window = Math.floor(windowFromSpace(tcb, host.config.tcpRmem[2]) / 2);
    while (rcv.ssthresh <= window) {
      if (cost <= length) {
        step = 2 * ack.rcvMss;
        break;
      }
      cost = Math.floor(cost / 2);
      window = Math.floor(window / 2);
    }
  }
  if (step === 0) return;
  rcv.ssthresh += Math.min(room, Math.max(step, 2 * length));
  ack.quick |= 1;
}

// RFC 9293 REC-1
/**
 * The ACK carries a new send window (SND.WND, SND.WL1); true when it changed or moved. `ack` is acceptable already.
 * Called by processAck.
 */
export function updateSendWindow(tcb: Tcb, now: number, seg: SegmentIn): boolean {
  const { snd } = tcb;
  let window = seg.window;
  if ((seg.flags & 2) === 0) window *= 2 ** snd.wscale;
  const newer =
    seqGt(seg.ack, snd.una) ||
    seqGt(seg.seq, snd.wl1) ||
    (seg.seq === snd.wl1 && (window > snd.wnd || window === 0));
  if (!newer) return false;
  snd.wl1 = seg.seq;
  if (snd.wnd === window) return true;
  snd.wnd = window;
  tcb.rcv.predicting = false;
  predictAgain(tcb);
  if (!snd.writeQueue.empty) idleRestartCheck(tcb, now);
  if (window > snd.maxWindow) {
    snd.maxWindow = window;
    syncMss(tcb, snd.mtuCookie); // the MSS is bounded by half the largest window
  }
  return true;
}

// RFC 9293 MUST-34, SHLD-15
/** Right edge of the send window. */
export function sendWindowEnd(tcb: Tcb): number {
  return (tcb.snd.una + tcb.snd.wnd) >>> 0;
}
