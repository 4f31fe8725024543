// Accurate ECN (RFC 9768): negotiation (section 3.1), the three-bit ACE field instead of ECE and CWR (3.2.2), what tells that
// a middlebox mangles either (3.2.2.3, 3.2.2.4). The option is accurate-option.ts's; the response to congestion is recovery's.

import { TCP_AE, TCP_CWR, TCP_ECE } from '../../wire/tcp.js';
import { ACK_NOW } from '../ack-policy.js';
import {
  FLAG_DATA_ACKED,
  FLAG_FORWARD_PROGRESS,
  FLAG_SYN_ACKED,
  FLAG_TS_PROGRESS,
} from '../recovery/flags.js';
import { ECN_CE, ECN_ECT0, ECN_ECT1, ECN_NOT_ECT, type SegmentIn, type SegmentOut } from '../segment.js';
import type { Tcb } from '../tcb.js';
import { countMarkedBytes, noteFirstOption, takeByteCounters } from './accurate-option.js';

/** `OptionState.ecnFlags`: accurate ECN is agreed; asked for in our SYN. Neither goes with ECN_OK. */
export const ECN_ACCURATE = 16;
export const ECN_ACCURATE_ASKED = 32;

/**
 * Bits of `OptionState.accEcnFail` (tcpi_accecn_fail_mode): the field was sent as zero, came as zero or mangled; our option is
 * lost on the way, the peer's is mangled.
 */
export const ACE_FAIL_SEND = 1;
export const ACE_FAIL_RECEIVE = 2;

const ACE_BITS = TCP_AE | TCP_CWR | TCP_ECE;
const ACE_MASK = 7;
/** First value of the packet counters (section 3.2.1), so that zero means "not there". */
const CEP_INIT = 5;
/** CE-marked packets that must not go unacknowledged (section 3.2.2.5.1: n is at most 6). */
const CE_PER_ACK = 6;

/** The ACE field of a header's flags: AE, CWR, ECE from high to low. */
export function aceOf(flags: number): number {
  return (
    ((flags & TCP_AE) !== 0 ? 4 : 0) | ((flags & TCP_CWR) !== 0 ? 2 : 0) | ((flags & TCP_ECE) !== 0 ? 1 : 0)
  );
}

function aceFlags(ace: number): number {
  return ((ace & 4) !== 0 ? TCP_AE : 0) | ((ace & 2) !== 0 ? TCP_CWR : 0) | ((ace & 1) !== 0 ? TCP_ECE : 0);
}

/** How a handshake segment says which IP-ECN codepoint it answers (tables 2 and 3). */
function handshakeAce(codepoint: number): number {
  if (codepoint === ECN_NOT_ECT) return 2;
  if (codepoint === ECN_ECT1) return 3;
  return codepoint === ECN_ECT0 ? 4 : 6;
}

/** The codepoint that a handshake's ACE field (2, 3, 4 or 6) tells of. */
function answeredCodepoint(ace: number): number {
  if (ace === 2) return ECN_NOT_ECT;
  if (ace === 3) return ECN_ECT1;
  return ace === 4 ? ECN_ECT0 : ECN_CE;
}

/** tcp_ecn 3 asks for it in our SYNs; 3, 4 and 5 agree to it in SYNs that come. */
export function accEcnWanted(tcb: Tcb): boolean {
  return tcb.host.config.tcpEcn === 3;
}

/** Flags of our SYN. */
export const ACC_ECN_SYN = ACE_BITS;

/** Whether flags ask for accurate ECN: any but those of "no" and of RFC 3168 (section 3.1.3, forward compatibility). */
export function asksAccurate(flags: number): boolean {
  const ace = aceOf(flags);
  return ace !== 0 && ace !== 3;
}

/** A SYN asks for accurate ECN, and we agree. */
export function accEcnAcceptSyn(tcb: Tcb, seg: SegmentIn): boolean {
  return tcb.host.config.tcpEcn >= 3 && asksAccurate(seg.flags);
}

/** Flags of the SYN-ACK that agrees: they tell how the SYN's IP header arrived. */
export function accEcnSynAckFlags(codepoint: number): number {
  return aceFlags(handshakeAce(codepoint));
}

/**
 * What the peer says of the IP-ECN field of our handshake packet, which left as Not-ECT: anything else was put there on the way
 * (section 3.2.2.3). From then on we send no ECN-capable packets. tcp_ecn_fallback 0 believes everything.
 */
function feedbackValid(tcb: Tcb, ace: number): boolean {
  if (tcb.host.config.tcpEcnFallback === 0 || answeredCodepoint(ace) === ECN_NOT_ECT) return true;
  tcb.opt.accEcnFail |= ACE_FAIL_RECEIVE;
  return false;
}

/** The SYN-ACK of our SYN: 2 accurate, 1 as RFC 3168, 0 none (table 2). */
export function accEcnReceiveSynAck(tcb: Tcb, seg: SegmentIn): number {
  const ace = aceOf(seg.flags);
  if (ace === 0 || ace === 7) return 0;
  if (ace === 1 || ace === 5) return 1;
  const { opt, loss } = tcb;
  opt.synEcn = seg.ecn;
  if (noteFirstOption(tcb, seg)) opt.accEcnDemand = 2;
  if (!feedbackValid(tcb, ace)) return 2;
  if (seg.ecn === ECN_CE) {
    opt.receivedCe = 1;
    opt.accEcnPending = 1;
  }
  if (ace === 6) loss.deliveredCe = 1; // our SYN was marked: the peer's counter begins with it
  return 2;
}

/**
 * The SYN of a request came again: the SYN-ACK tells of the latest one's IP-ECN field. Without the flags it asks for no
 * ECN-capable packets (section 3.1.5); the mode stays.
 */
export function accEcnRepeatedRequest(request: { accEcn: number; accEcnFail: number }, seg: SegmentIn): void {
  if (request.accEcn < 0) return;
  request.accEcn = seg.ecn;
  if (aceOf(seg.flags) === 0) request.accEcnFail |= ACE_FAIL_RECEIVE;
}

/** Our answer to the SYN-ACK in `opt.synEcn` that goes out next, and nothing after it, tells how that arrived (table 3). */
export function accEcnReflectNext(tcb: Tcb, on: boolean): void {
  const { opt } = tcb;
  opt.accEcnReflect = on && (opt.ecnFlags & ECN_ACCURATE) !== 0 ? handshakeAce(opt.synEcn) : -1;
}

/** A SYN-ACK came again: our answer tells of the IP-ECN field of the latest one (section 3.1.5). */
export function accEcnRepeatedSyn(tcb: Tcb, seg: SegmentIn): void {
  if ((tcb.opt.ecnFlags & ECN_ACCURATE) === 0) return;
  tcb.opt.synEcn = seg.ecn;
  if (noteFirstOption(tcb, seg)) tcb.opt.accEcnDemand = 2;
  accEcnReflectNext(tcb, true);
}

/** The ACK that completes a handshake on the passive side (table 4). */
export function accEcnReceiveFinalAck(tcb: Tcb, seg: SegmentIn): void {
  if ((tcb.opt.ecnFlags & ECN_ACCURATE) === 0) return;
  noteFirstOption(tcb, seg);
  tcb.opt.accEcnDemand = Math.max(tcb.opt.accEcnDemand, 1);
  // Data may have overtaken the ACK: then the field is a counter already (section 3.2.2.1).
  if (seg.length > 0 || seg.options.sackCount > 0) return;
  const ace = aceOf(seg.flags);
  if (ace === 0) {
    tcb.opt.accEcnFail |= ACE_FAIL_RECEIVE;
    return;
  }
  if (ace === 1 || ace === 5 || ace === 7) return; // unused, legal
  if (feedbackValid(tcb, ace) && ace === 6 && tcb.loss.deliveredCe === 0) tcb.loss.deliveredCe = 1;
}

/** ECT, unless the field fails (sections 3.1.5, 3.2.2.1, 3.2.2.3), and the ACE field of everything that leaves but SYNs. */
export function accEcnSend(tcb: Tcb, out: SegmentOut): void {
  const { opt } = tcb;
  out.ecn = (opt.accEcnFail & (ACE_FAIL_SEND | ACE_FAIL_RECEIVE)) !== 0 ? ECN_NOT_ECT : ECN_ECT0;
  let ace = opt.accEcnReflect;
  if (ace < 0) {
    ace = (opt.receivedCe + CEP_INIT) & ACE_MASK;
    opt.accEcnPending = 0;
  }
  out.flags = (out.flags & ~ACE_BITS) | aceFlags(ace);
}

/**
 * Counts an acceptable segment. A codepoint other than the last one is told at once, and twice in the option, so that it is
 * plain which segments it began with (section 3.2.2.5.1).
 */
export function accEcnReceived(tcb: Tcb, seg: SegmentIn): void {
  const { opt, ack } = tcb;
  if ((opt.ecnFlags & ECN_ACCURATE) === 0) return;
  if (seg.ecn === ECN_CE) {
    const packets = seg.gsoSize > 0 ? Math.max(1, Math.ceil(seg.length / seg.gsoSize)) : 1;
    opt.receivedCe += packets;
    opt.accEcnPending += packets;
  }
  if (seg.length > 0) countMarkedBytes(tcb, seg.ecn, seg.length);
  const edge = opt.accEcnLast !== seg.ecn;
  if (edge) ack.pending |= ACK_NOW;
  if (edge || seg.ecn === ECN_CE) opt.accEcnDemand = 2;
  opt.accEcnLast = seg.ecn;
}

/**
 * How many packets were CE-marked, by an ACK that newly acknowledged `packets` wire segments and `bytes`; `flag`: FLAG_* of it.
 * The field wraps at eight: beyond that the highest number that fits is taken, unless the option's bytes contradict it
 * (section 3.2.2.5.2, appendix A.2).
 */
export function accEcnDelta(tcb: Tcb, seg: SegmentIn, packets: number, bytes: number, flag: number): number {
  const { loss, opt, ack } = tcb;
  // Neither data nor timestamps tell whether this ACK is older than the last one.
  if ((flag & (FLAG_FORWARD_PROGRESS | FLAG_TS_PROGRESS)) === 0) return 0;
  const marked = takeByteCounters(tcb, seg, bytes);
  if ((flag & FLAG_SYN_ACKED) !== 0) return 0; // the handshake's encoding is none of the counter
  if (opt.accEcnPending >= CE_PER_ACK) ack.pending |= ACK_NOW;
  if ((opt.accEcnFail & ACE_FAIL_RECEIVE) !== 0) return 0;
  const ace = aceOf(seg.flags);
  if (!opt.aceVerified && (flag & FLAG_DATA_ACKED) !== 0) {
    opt.aceVerified = true;
    if (ace === 0) {
      // The counters begin at five: zero this early was put there (section 3.2.2.4).
      opt.accEcnFail |= ACE_FAIL_RECEIVE;
      return 0;
    }
  }
  const delta = overflown(tcb, (ace - CEP_INIT - loss.deliveredCe) & ACE_MASK, packets, bytes, marked);
  loss.deliveredCe += delta;
  return delta;
}

/** `delta` of the three-bit field, or as much more as `packets` allow. `marked`: CE-marked bytes, -1 unknown. */
function overflown(tcb: Tcb, delta: number, packets: number, bytes: number, marked: number): number {
  if (packets <= ACE_MASK) return delta;
  const safe = packets - ((packets - delta) & ACE_MASK);
  if (marked < 0) return safe;
  if (marked === 0) return delta;
  if (packets >= 2 * (ACE_MASK + 1)) {
    // Many packets: their mean size tells how many wraps the bytes are worth.
    if (bytes <= marked) return safe;
    const estimate = Math.ceil((marked * packets) / bytes);
    return Math.min(safe, delta + (estimate & ~ACE_MASK));
  }
  if (marked > delta * tcb.snd.mss) return safe;
  return marked < (safe * tcb.snd.mss) / 2 ? delta : safe;
}
