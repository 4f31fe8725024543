// Explicit congestion notification of RFC 3168: negotiation, ECE and CWR, which packets carry ECT.
// `opt.ecnFlags` holds ECN_* bits. Congestion response is the sender's (recovery/).

import { seqLt } from '../../wire/seq.js';
import { TCP_AE, TCP_CWR, TCP_ECE, TCP_SYN } from '../../wire/tcp.js';
import { ACK_NOW, enterQuickAck } from '../ack-policy.js';
import { CA_EVENT_ECN_IS_CE, CA_EVENT_ECN_NO_CE } from '../congestion/congestion-control.js';
import { ECN_CE, ECN_ECT0, ECN_NOT_ECT, type SegmentIn, type SegmentOut } from '../segment.js';
import type { SendSegment } from '../send-segment.js';
import type { Tcb } from '../tcb.js';
import {
  ACC_ECN_SYN,
  accEcnReceiveSynAck,
  accEcnSend,
  accEcnSynAckFlags,
  accEcnWanted,
  asksAccurate,
  ECN_ACCURATE,
  ECN_ACCURATE_ASKED,
} from './accurate.js';

/** Bits of `OptionState.ecnFlags`. */
export const ECN_OK = 1;
export const ECN_QUEUE_CWR = 2;
export const ECN_DEMAND_CWR = 4;
export const ECN_SEEN = 8;

/** Flags of our SYN: ECE and CWR when tcp_ecn asks for ECN on connections that we open. */
export function ecnSynFlags(tcb: Tcb): number {
  const { config } = tcb.host;
  tcb.opt.ecnFlags = 0;
  if (accEcnWanted(tcb)) {
    tcb.opt.ecnFlags = ECN_ACCURATE_ASKED;
    return ACC_ECN_SYN;
  }
  const wanted = config.tcpEcn === 1 || config.tcpEcn === 4 || (tcb.route?.ecn ?? false) || needsEcn(tcb);
  if (!wanted) return 0;
  tcb.opt.ecnFlags = ECN_OK;
  return TCP_ECE | TCP_CWR;
}

/**
 * A SYN that went unanswered is repeated without ECN (tcp_ecn_fallback; RFC 3168 section 6.1.1.1); one that asks for accurate
 * ECN once more with it, then without (RFC 9768 section 3.1.4.1).
 */
export function ecnFallback(tcb: Tcb, segment: SendSegment): void {
  if (tcb.host.config.tcpEcnFallback === 0) return;
  if ((tcb.opt.ecnFlags & ECN_ACCURATE_ASKED) !== 0 && tcb.timers.retransmits <= 1) return;
  segment.flags &= ~(TCP_ECE | TCP_CWR | TCP_AE);
}

/** The SYN-ACK of our SYN: ECE alone says yes (and a SYN that asked for accurate ECN takes less, RFC 9768 table 2). */
export function ecnReceiveSynAck(tcb: Tcb, seg: SegmentIn): void {
  const { flags } = seg;
  if ((tcb.opt.ecnFlags & ECN_ACCURATE_ASKED) !== 0) {
    const agreed = accEcnReceiveSynAck(tcb, seg);
    if (agreed === 2) tcb.opt.ecnFlags = ECN_ACCURATE;
    else tcb.opt.ecnFlags = agreed === 1 ? ECN_OK : 0;
    return;
  }
  if ((tcb.opt.ecnFlags & ECN_OK) !== 0 && (flags & (TCP_ECE | TCP_CWR)) !== TCP_ECE) tcb.opt.ecnFlags = 0;
}

/** A SYN in SYN-SENT (simultaneous open): both ask for accurate ECN, or the lesser of what they ask for. */
export function ecnReceiveSyn(tcb: Tcb, seg: SegmentIn): void {
  const { opt } = tcb;
  if ((opt.ecnFlags & ECN_ACCURATE_ASKED) !== 0) {
    if (asksAccurate(seg.flags)) {
      opt.synEcn = seg.ecn;
      opt.accEcnLast = seg.ecn;
      opt.ecnFlags = ECN_ACCURATE;
      return;
    }
    opt.ecnFlags = ECN_OK;
  }
  if ((seg.flags & (TCP_ECE | TCP_CWR)) !== (TCP_ECE | TCP_CWR)) opt.ecnFlags = 0;
}

/** Flags of the SYN-ACK that answers a crossed SYN, from those of our SYN. */
export function ecnSynAckFlags(tcb: Tcb, flags: number): number {
  const bare = flags & ~(TCP_AE | TCP_CWR | TCP_ECE);
  const { ecnFlags, synEcn } = tcb.opt;
  if ((ecnFlags & ECN_ACCURATE) !== 0) return bare | accEcnSynAckFlags(synEcn);
  return (ecnFlags & ECN_OK) !== 0 ? bare | TCP_ECE : bare;
}

/** Whether a SYN that came in asks for ECN and we agree: tcp_ecn 1 or 2, not when its IP header already says CE. */
export function ecnAcceptSyn(tcb: Tcb, seg: SegmentIn): boolean {
  if ((seg.flags & (TCP_ECE | TCP_CWR | TCP_AE)) !== (TCP_ECE | TCP_CWR)) return false;
  const allowed = tcb.host.config.tcpEcn !== 0 || (tcb.route?.ecn ?? false);
  return (allowed && seg.ecn === ECN_NOT_ECT) || needsEcn(tcb);
}

function needsEcn(tcb: Tcb): boolean {
  return tcb.cc.algorithm?.needsEcn === true;
}

// RFC 9293 SHLD-8
/** IP bits, ECE and CWR of an outgoing segment of an ECN connection; `segment` null for a pure ACK. */
export function ecnSend(tcb: Tcb, segment: SendSegment | null, out: SegmentOut): void {
  const { opt, snd } = tcb;
  if ((opt.ecnFlags & ECN_ACCURATE) !== 0) {
    accEcnSend(tcb, out);
    return;
  }
  if ((opt.ecnFlags & ECN_OK) === 0) return;
  if (segment !== null && segment.length > 0 && !seqLt(segment.seq, snd.nxt)) {
    // New data: ECT, and CWR once after a reduction (RFC 3168, section 6.1.2).
    out.ecn = ECN_ECT0;
    if ((opt.ecnFlags & ECN_QUEUE_CWR) !== 0) {
      opt.ecnFlags &= ~ECN_QUEUE_CWR;
      out.flags |= TCP_CWR;
    }
  } else if (!needsEcn(tcb)) {
    // Pure ACKs and retransmissions are not ECN-capable (section 6.1.4 and 6.1.5).
    out.ecn = ECN_NOT_ECT;
  } else {
    out.ecn = ECN_ECT0;
  }
  if ((opt.ecnFlags & ECN_DEMAND_CWR) !== 0) out.flags |= TCP_ECE;
}

/** CWR from the peer ends our ECE; its window may be tiny, so the segment is acknowledged at once (RFC 3168, section 6.1.3). */
export function ecnAcceptCwr(tcb: Tcb, seg: SegmentIn): void {
  if ((seg.flags & TCP_CWR) === 0 || (tcb.opt.ecnFlags & ECN_OK) === 0) return;
  tcb.opt.ecnFlags &= ~ECN_DEMAND_CWR;
  tcb.ack.pending |= ACK_NOW;
}

/**
 * A segment of an established connection that does not do RFC 3168: Linux 6.18 notes any ECT or CE, on pure ACKs and on
 * connections without ECN, too (TCPI_OPT_ECN_SEEN).
 */
export function ecnNoteSeen(tcb: Tcb, seg: SegmentIn): void {
  if (seg.ecn !== ECN_NOT_ECT && (tcb.opt.ecnFlags & ECN_OK) === 0) tcb.opt.ecnFlags |= ECN_SEEN;
}

/** IP ECN bits of a data segment that came in. */
export function ecnCheckCe(tcb: Tcb, seg: SegmentIn, now: number): void {
  const { opt } = tcb;
  if ((opt.ecnFlags & ECN_OK) === 0) return;
  if (seg.ecn === ECN_NOT_ECT) {
    // Not ECT: the path or the sender stripped it; a retransmission. Ask to see more quickly whether it stays so.
    if ((opt.ecnFlags & ECN_SEEN) !== 0) enterQuickAck(tcb, 2);
    return;
  }
  if (seg.ecn === ECN_CE) {
    if (needsEcn(tcb)) tcb.cc.algorithm?.event?.(tcb, CA_EVENT_ECN_IS_CE, now);
    if ((opt.ecnFlags & ECN_DEMAND_CWR) === 0) {
      enterQuickAck(tcb, 2);
      opt.ecnFlags |= ECN_DEMAND_CWR;
    }
    opt.ecnFlags |= ECN_SEEN;
    return;
  }
  if (needsEcn(tcb)) tcb.cc.algorithm?.event?.(tcb, CA_EVENT_ECN_NO_CE, now);
  opt.ecnFlags |= ECN_SEEN;
}

/** The sender reduced its window: the next new segment says so. */
export function ecnQueueCwr(tcb: Tcb): void {
  if ((tcb.opt.ecnFlags & ECN_OK) !== 0) tcb.opt.ecnFlags |= ECN_QUEUE_CWR;
}

/** A reduction was undone: nothing to tell. */
export function ecnWithdrawCwr(tcb: Tcb): void {
  tcb.opt.ecnFlags &= ~ECN_QUEUE_CWR;
}

/** Does this ACK echo congestion as RFC 3168 has it? ECE does unless it is on a SYN, and only when ECN is on. */
export function ecnReceiveEce(tcb: Tcb, flags: number): boolean {
  return (flags & (TCP_ECE | TCP_SYN)) === TCP_ECE && (tcb.opt.ecnFlags & ECN_OK) !== 0;
}
