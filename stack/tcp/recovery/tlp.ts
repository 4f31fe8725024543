// Tail loss probe (RFC 8985 section 7) in Linux's form: after two RTTs of silence one segment goes out, so that the
// loss of a tail is learned from an ACK rather than from the RTO.
import { counterIndex } from '../../host/counters.js';
import { seqGt, seqLe, seqLt } from '../../wire/seq.js';
import { fragmentSegment } from '../fragment.js';
import { roundUpToTick } from '../jiffies.js';
import { currentMss } from '../mss.js';
import { NAGLE_OFF } from '../nagle.js';
import { retransmitSegmentUnaccounted } from '../retransmit.js';
import { initialRto, rtoMin, TIMEOUT_MIN_US } from '../rtt.js';
import { TCP_SYN_RECV } from '../states.js';
import { CA_CWR, CA_OPEN, type Tcb, TIMER_LOSS_PROBE } from '../tcb.js';
import { clearTransmitTimer } from '../timers.js';
import { writeXmit } from '../write.js';
import { endCwndReduction, initCwndReduction, setCaState } from './cwnd-reduction.js';
import { FLAG_DATA_SACKED, FLAG_DSACK_TLP, FLAG_NOT_DUP, FLAG_SND_UNA_ADVANCED } from './flags.js';
import { beginFiring, rearmAfterFiring, setLossProbeTimer } from './timers.js';
import { tryKeepOpen } from './undo.js';

const lossProbes = counterIndex('TcpExtTCPLossProbes');
const lossProbeRecovery = counterIndex('TcpExtTCPLossProbeRecovery');

/** µs until the RTO of the oldest segment is due; negative when it is overdue. */
function rtoLeft(tcb: Tcb, now: number): number {
  const head = tcb.snd.retransmitQueue.head;
  return head === null ? tcb.rtt.rto : head.sentAt + tcb.rtt.rto - now;
}

/**
 * Arms the loss-probe timer when a probe is due before the RTO; false: the caller arms the RTO. `advancingRto`: the RTO
 * would start anew now; otherwise it runs since the oldest segment was sent. tcp_early_retrans 3 and 4 allow probes.
 */
export function scheduleLossProbe(tcb: Tcb, now: number, advancingRto: boolean): boolean {
  const { rtt, snd, cc } = tcb;
  const { config } = tcb.host;
  // Not on a fast-open connection before its handshake ends.
  if (tcb.state === TCP_SYN_RECV) return false;
  const enabled = config.tcpEarlyRetrans === 3 || config.tcpEarlyRetrans === 4;
  if (!enabled || snd.packetsOut === 0 || !tcb.opt.sack) return false;
  if (cc.caState !== CA_OPEN && cc.caState !== CA_CWR) return false;
  let timeout = initialRto(tcb);
  if (rtt.srtt8 > 0) {
    // Two RTTs; a lone segment's ACK may be delayed.
    timeout = (rtt.srtt8 >> 2) + (snd.packetsOut === 1 ? rtoMin(tcb) : TIMEOUT_MIN_US);
  }
  timeout = roundUpToTick(config, timeout);
  const left = advancingRto ? rtt.rto : rtoLeft(tcb, now);
  if (left > 0) timeout = Math.min(timeout, roundUpToTick(config, left));
  setLossProbeTimer(tcb, timeout, now);
  return true;
}

/** Sends new data, else the last segment again; true when something went out. */
function sendProbe(tcb: Tcb, now: number): boolean {
  const { snd, loss } = tcb;
  const mss = currentMss(tcb);
  const head = snd.writeQueue.head;
  if (head !== null && fitsWindow(tcb, head.seq, head.endSeq, mss)) {
    const before = snd.packetsOut;
    writeXmit(tcb, now, mss, NAGLE_OFF, 2);
    return snd.packetsOut > before;
  }
  let last = snd.retransmitQueue.tail;
  if (last === null || last.inHostQueue > 0) return false;
  if (last.segments > 1 && last.length > (last.segments - 1) * mss) {
    if (!fragmentSegment(tcb, last, (last.segments - 1) * mss, mss)) return false;
    last = last.next;
  }
  if (last === null || retransmitSegmentUnaccounted(tcb, now, last, 1) !== 0) return false;
  loss.tlpRetrans = true;
  return true;
}

/** The first segment's worth of what waits ends inside the peer's window (Linux's tcp_snd_wnd_test). */
function fitsWindow(tcb: Tcb, seq: number, endSeq: number, mss: number): boolean {
  const end = (endSeq - seq) >>> 0 > mss ? (seq + mss) >>> 0 : endSeq;
  return seqLe(end, (tcb.snd.una + tcb.snd.wnd) >>> 0);
}

/** The loss-probe timer fired (RFC 8985 section 7.3). At most one probe is out at a time. */
export function sendLossProbe(tcb: Tcb, now: number): void {
  const { loss } = tcb;
  beginFiring(tcb, TIMER_LOSS_PROBE, now);
  loss.burst++;
  if (loss.tlpHighSeq === 0) {
    loss.tlpRetrans = false;
    if (sendProbe(tcb, now)) {
      loss.tlpHighSeq = tcb.snd.nxt;
      tcb.host.counters.add(lossProbes);
      // The RTO runs from now.
      clearTransmitTimer(tcb);
    }
  }
  rearmAfterFiring(tcb, TIMER_LOSS_PROBE, now);
}

/** What an ACK up to `ack` says of the probe (RFC 8985 section 7.4): a repaired loss costs one reduction. */
export function processTlpAck(tcb: Tcb, now: number, ack: number, flag: number): void {
  const { loss } = tcb;
  if (seqLt(ack, loss.tlpHighSeq)) return;
  if (!loss.tlpRetrans || (flag & FLAG_DSACK_TLP) !== 0) {
    loss.tlpHighSeq = 0;
  } else if (seqGt(ack, loss.tlpHighSeq)) {
    initCwndReduction(tcb, now);
    setCaState(tcb, CA_CWR, now);
    endCwndReduction(tcb, now);
    tryKeepOpen(tcb, now);
    tcb.host.counters.add(lossProbeRecovery);
  } else if ((flag & (FLAG_SND_UNA_ADVANCED | FLAG_NOT_DUP | FLAG_DATA_SACKED)) === 0) {
    // A pure duplicate ACK: original and probe both arrived.
    loss.tlpHighSeq = 0;
  }
}
