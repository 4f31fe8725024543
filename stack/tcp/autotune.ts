// The receive buffer follows what the application reads per round trip (dynamic right-sizing; Linux's
// tcp_rcv_space_adjust), and the receiver's own estimate of the round trip.
import { seqLt } from '../wire/seq.js';
import type { SegmentIn } from './segment.js';
import type { Tcb } from './tcb.js';
import { spaceFromWindow, windowFromSpace } from './window.js';

/** `sample` µs; `windowDependent`: measured by a window's worth of data, which is an upper bound. Scaled by 8. */
function updateRoundTrip(tcb: Tcb, sample: number, windowDependent: boolean): void {
  const { rcv } = tcb;
  const scaled = sample * 8;
  if (rcv.rttEstimate === 0 || scaled < rcv.rttEstimate) {
    rcv.rttEstimate = scaled;
    return;
  }
  if (windowDependent || rcv.nxt !== rcv.copiedSeq) return;
  rcv.rttEstimate = rcv.rttEstimate - Math.floor(rcv.rttEstimate / 8) + sample;
}

/** Without timestamps: the time that one window of data takes. */
export function measureRoundTrip(tcb: Tcb, now: number): void {
  const { rcv } = tcb;
  if (rcv.rttTime !== 0) {
    if (seqLt(rcv.nxt, rcv.rttSeq)) return;
    updateRoundTrip(tcb, Math.max(1, now - rcv.rttTime), true);
  }
  rcv.rttSeq = (rcv.nxt + rcv.wnd) >>> 0;
  rcv.rttTime = Math.max(now, 1); // 0: not yet
}

/** With timestamps: the age of what a full segment echoes. */
export function measureRoundTripByTimestamp(tcb: Tcb, now: number, seg: SegmentIn): void {
  const { rcv, opt, ack, host } = tcb;
  if (!opt.sawTimestamp || opt.rcvTsecr === rcv.rttLastTsecr) return;
  rcv.rttLastTsecr = opt.rcvTsecr;
  if ((seg.endSeq - seg.seq) >>> 0 < ack.rcvMss) return;
  const delta = (host.timestampClock(now) - opt.rcvTsecr) >>> 0;
  if (delta >= 2_147_483) return;
  updateRoundTrip(tcb, Math.max(delta, 1) * 1000, false);
}

/** The application read: once a round trip, look how much, and let the buffer grow to twice that. */
export function adjustReceiveSpace(tcb: Tcb, now: number): void {
  const { rcv } = tcb;
  const elapsed = now - rcv.rcvqSpaceTime;
  if (rcv.rttEstimate === 0 || elapsed < rcv.rttEstimate / 8) return;
  const copied = (rcv.copiedSeq - rcv.rcvqSpaceSeq) >>> 0;
  if (copied > rcv.rcvqSpace) growReceiveBuffer(tcb, copied);
  rcv.rcvqSpaceSeq = rcv.copiedSeq;
  rcv.rcvqSpaceTime = now;
}

/** Sizes the buffer for `copied` bytes a round trip, at twice that and with room for a doubling sender. */
export function growReceiveBuffer(tcb: Tcb, copied: number): void {
  const { rcv, host } = tcb;
  const before = rcv.rcvqSpace;
  rcv.rcvqSpace = copied;
  if (host.config.tcpModerateRcvbuf === 0 || rcv.bufferLocked || before <= 0) return;
  let window = copied * 2;
  const growth = Math.floor((window * (copied - before)) / before);
  window += growth * 2;
  if (rcv.outOfOrder !== null && !rcv.outOfOrder.empty) window += (rcv.outOfOrder.end - rcv.nxt) >>> 0;
  const wanted = Math.min(spaceFromWindow(tcb, window), host.config.tcpRmem[2]);
  if (wanted > rcv.buffer) {
    rcv.buffer = wanted;
    rcv.windowClamp = windowFromSpace(tcb, wanted);
  }
}

/** More came than the buffer allows: grow it as far as allowed, else shrink the window to two segments. */
export function clampReceiveBuffer(tcb: Tcb): void {
  const { rcv, ack, snd, host } = tcb;
  const most = host.config.tcpRmem[2];
  ack.quick = 0;
  if (rcv.buffer < most && !rcv.bufferLocked && !host.memory.pressure) {
    rcv.buffer = Math.min(Math.max(rcv.memoryAllocated, rcv.buffer), most);
  }
  if (rcv.memoryAllocated > rcv.buffer) rcv.ssthresh = Math.min(rcv.windowClamp, 2 * snd.advmss);
}
