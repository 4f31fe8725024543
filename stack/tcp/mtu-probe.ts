// Packetization-layer path-MTU discovery (RFC 4821, RFC 8899's idea for TCP): a segment larger than usual, made of what is
// queued, whose loss or arrival tells about the path; and the search after a black hole (tcp_mtu_probing 1).
import { counterIndex } from '../host/counters.js';
import { seqGt } from '../wire/seq.js';
import { TCP_ACK, TCP_FIN } from '../wire/tcp.js';
import { growFromNext, setSegmentCount } from './fragment.js';
import { currentMss, mssToMtu, mtuToMss, syncMss } from './mss.js';
import { tcpPacketsInFlight } from './recovery/in-flight.js';
import { allocateSegment, chargeWhole, freeSegment } from './send-memory.js';
import type { SendSegment } from './send-segment.js';
import { CA_OPEN, type Tcb } from './tcb.js';
import { transmitSegment } from './transmit.js';
import { sendWindowEnd } from './window.js';
import { segmentSent } from './write.js';

const MTUP_SUCCESS = counterIndex('TcpExtTCPMTUPSuccess');
const MTUP_FAIL = counterIndex('TcpExtTCPMTUPFail');

/** Least difference between the search's bounds that is worth a probe, bytes. */
function threshold(tcb: Tcb): number {
  return tcb.host.config.tcpProbeThreshold;
}

/** Once in tcp_probe_interval the search begins anew: paths change. */
function recheck(tcb: Tcb, now: number): void {
  const { snd, host } = tcb;
  if (now - snd.mtuProbeStamp < host.config.tcpProbeInterval * 1_000_000) return;
  const mss = currentMss(tcb);
  snd.mtuProbeSize = 0;
  snd.mtuSearchHigh = snd.mssClamp + 20 + (tcb.ipv6 ? 40 : 20);
  snd.mtuSearchLow = mssToMtu(tcb, mss);
  snd.mtuProbeStamp = now;
}

/** -1: not now; 0: wait, a probe needs more data or window; 1: a probe was sent. (Linux's tcp_mtu_probe) */
export function probeMtu(tcb: Tcb, now: number): number {
  const { snd, rcv, cc } = tcb;
  if (!snd.mtuProbing || snd.mtuProbeSize !== 0 || cc.caState !== CA_OPEN || cc.cwnd < 11) return -1;
  if (rcv.sackCount > 0 || rcv.dsackPending) return -1;
  const mss = currentMss(tcb);
  const size = mtuToMss(tcb, (snd.mtuSearchHigh + snd.mtuSearchLow) >>> 1);
  const needed = size + (tcb.loss.reordering + 1) * snd.mss;
  const interval = snd.mtuSearchHigh - snd.mtuSearchLow;
  if (size > mtuToMss(tcb, snd.mtuSearchHigh) || interval < threshold(tcb)) {
    recheck(tcb, now);
    return -1;
  }
  if ((snd.writeSeq - snd.nxt) >>> 0 < needed) return -1;
  if (snd.wnd < needed) return -1;
  if (seqGt((snd.nxt + needed) >>> 0, sendWindowEnd(tcb))) return 0;
  const inFlight = tcpPacketsInFlight(tcb);
  if (inFlight + 2 > cc.cwnd) return inFlight === 0 ? -1 : 0;
  if (!mayCoalesce(tcb, size)) return -1;
  return sendMtuProbe(tcb, now, size, mss);
}

/** Are the first `length` bytes of the queue free of boundaries? */
function mayCoalesce(tcb: Tcb, length: number): boolean {
  let left = length;
  for (let segment = tcb.snd.writeQueue.head; segment !== null; segment = segment.next) {
    if (left <= segment.length) return true;
    if (segment.endOfRecord || segment.zerocopyId >= 0) return false;
    left -= segment.length;
  }
  return false;
}

let owner: Tcb | null = null;
function release(next: SendSegment): void {
  owner!.snd.writeQueue.remove(next);
  freeSegment(owner!, next);
}

function sendMtuProbe(tcb: Tcb, now: number, size: number, mss: number): number {
  const { snd, cc } = tcb;
  const head = snd.writeQueue.head!;
  const probe = allocateSegment(tcb);
  probe.seq = head.seq;
  probe.endSeq = head.seq;
  probe.flags = TCP_ACK;
  chargeWhole(tcb, probe);
  snd.writeQueue.prepend(probe);
  owner = tcb;
  while (probe.length < size) {
    const before = probe.length;
    growFromNext(probe, size - before, release);
    if (probe.length === before) break;
  }
  const next = probe.next;
  if (next !== null) {
    probe.flags &= ~TCP_FIN;
    if (next.length > 0) setSegmentCount(next, mss);
  }
  probe.segments = 1;
  probe.gsoSize = 0;
  if (transmitSegment(tcb, now, probe) !== 0) return -1;
  cc.cwnd--; // the probe takes one place of the window that its segments would have had
  segmentSent(tcb, now, probe);
  snd.mtuProbeSize = mssToMtu(tcb, probe.length);
  snd.mtuProbeSeqStart = probe.seq;
  snd.mtuProbeSeqEnd = probe.endSeq;
  return 1;
}

/** The probe was acknowledged: the path takes it. Called while cleaning the retransmission queue. */
export function mtuProbeSucceeded(tcb: Tcb, now: number): void {
  const { snd, cc } = tcb;
  const ratio = mssToMtu(tcb, snd.mss) / snd.mtuProbeSize;
  cc.cwnd = Math.max(1, Math.floor(cc.cwnd * ratio));
  cc.cwndCount = 0;
  cc.cwndStamp = now;
  cc.ssthresh = Math.max(cc.ssthresh, cc.cwnd);
  snd.mtuSearchLow = snd.mtuProbeSize;
  snd.mtuProbeSize = 0;
  syncMss(tcb, snd.mtuCookie);
  tcb.host.counters.add(MTUP_SUCCESS);
}

/** The probe was lost: larger packets do not pass. */
export function mtuProbeFailed(tcb: Tcb): void {
  const { snd } = tcb;
  snd.mtuSearchHigh = snd.mtuProbeSize - 1;
  snd.mtuProbeSize = 0;
  tcb.host.counters.add(MTUP_FAIL);
}

/** Retransmissions go nowhere: perhaps packets are too large for the path and ICMP is filtered (RFC 2923). */
export function blackholeProbing(tcb: Tcb, now: number): void {
  const { snd, host } = tcb;
  const { config } = host;
  if (config.tcpMtuProbing === 0) return;
  if (!snd.mtuProbing) {
    snd.mtuProbing = true;
    snd.mtuProbeStamp = now;
  } else {
    let mss = mtuToMss(tcb, snd.mtuSearchLow) >>> 1;
    mss = Math.min(config.tcpBaseMss, mss);
    mss = Math.max(mss, config.tcpMtuProbeFloor, config.tcpMinSndMss);
    snd.mtuSearchLow = mssToMtu(tcb, mss);
  }
  syncMss(tcb, snd.mtuCookie);
}
