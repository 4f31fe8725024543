// Accurate ECN (RFC 9768): the three-bit ACE field instead of ECE and CWR, and the AccECN option with byte counters.
// Counts what arrives marked and what the peer says arrived marked; the response to congestion is recovery's.

import { TCP_AE, TCP_CWR, TCP_ECE } from '../../wire/tcp.js';
import { TCP_MAX_OPTIONS, type TcpOptions } from '../../wire/tcp-options.js';
import { tcpOptionsLength } from '../../wire/tcp-options-write.js';
import { ACK_NOW } from '../ack-policy.js';
import { ECN_CE, ECN_ECT0, ECN_ECT1, ECN_NOT_ECT, type SegmentIn, type SegmentOut } from '../segment.js';
import { TCP_SYN_RECV } from '../states.js';
import type { Tcb } from '../tcb.js';

/** `OptionState.ecnFlags`: accurate ECN is agreed; asked for in our SYN. Neither goes with ECN_OK. */
export const ECN_ACCURATE = 16;
export const ECN_ACCURATE_ASKED = 32;

const ACE_BITS = TCP_AE | TCP_CWR | TCP_ECE;
/** First value of the packet counters (section 3.2.1), so that zero means "not there". */
const CEP_INIT = 5;
/** First values of the byte counters of ECT(0) and ECT(1) (section 3.2.1). */
const ECT_BYTES_INIT = 1;
const COUNTER_MASK = 0xff_ffff;
/** CE-marked packets that must not go unacknowledged (section 3.2.2.5.1: at most 6). */
const CE_PER_ACK = 2;

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

/** tcp_ecn 3 asks for it in our SYNs; 3, 4 and 5 agree to it in SYNs that come. */
export function accEcnWanted(tcb: Tcb): boolean {
  return tcb.host.config.tcpEcn === 3;
}

/** Flags of our SYN. */
export const ACC_ECN_SYN = ACE_BITS;

/** A SYN asks for accurate ECN: any flags but those of "no" and of RFC 3168 (section 3.1.3). */
export function accEcnAcceptSyn(tcb: Tcb, seg: SegmentIn): boolean {
  const ace = aceOf(seg.flags);
  return tcb.host.config.tcpEcn >= 3 && ace !== 0 && ace !== 3;
}

/** Flags of the SYN-ACK that agrees: they tell how the SYN's IP header arrived. */
export function accEcnSynAckFlags(codepoint: number): number {
  return aceFlags(handshakeAce(codepoint));
}

/** The SYN-ACK of our SYN: 2 accurate, 1 as RFC 3168, 0 none (table 2). */
export function accEcnReceiveSynAck(tcb: Tcb, seg: SegmentIn): number {
  const ace = aceOf(seg.flags);
  if (ace === 0 || ace === 7) return 0;
  if (ace === 1 || ace === 5) return 1;
  const { opt } = tcb;
  // Our first ACK answers how the SYN-ACK came.
  opt.accEcnReflect = handshakeAce(seg.ecn);
  if (seg.ecn === ECN_CE) opt.receivedCe = 1;
  if (seg.options.accEcn >= 0) opt.accEcnOption = true;
  return 2;
}

/** The ACK that completes a handshake on the passive side: false when a middlebox cleared the field (section 3.2.2.1). */
export function accEcnReceiveFinalAck(tcb: Tcb, seg: SegmentIn): boolean {
  const ace = aceOf(seg.flags);
  if (ace === 0) return false;
  if (ace === 6) tcb.loss.deliveredCe = 1; // our SYN-ACK was marked
  if (seg.options.accEcn >= 0) tcb.opt.accEcnOption = true;
  return true;
}

/** ECT and the ACE field of everything that leaves but SYN and RST. */
export function accEcnSend(tcb: Tcb, out: SegmentOut): void {
  const { opt } = tcb;
  out.ecn = ECN_ECT0;
  const ace = opt.accEcnReflect >= 0 ? opt.accEcnReflect : (opt.receivedCe + CEP_INIT) & 7;
  opt.accEcnReflect = -1;
  opt.accEcnPending = 0;
  out.flags = (out.flags & ~ACE_BITS) | aceFlags(ace);
}

/** Counts an acceptable segment; CE-marked data is acknowledged early (sections 3.2.2.5.1 and 3.2.3.3). */
export function accEcnReceived(tcb: Tcb, seg: SegmentIn): void {
  const { opt, ack } = tcb;
  if ((opt.ecnFlags & ECN_ACCURATE) === 0) return;
  if (seg.options.accEcn >= 0) opt.accEcnOption = true;
  if (seg.ecn === ECN_CE) {
    const packets = seg.gsoSize > 0 ? Math.ceil(seg.length / seg.gsoSize) : 1;
    opt.receivedCe += packets;
    opt.receivedCeBytes += seg.length;
    opt.accEcnPending += packets;
    if (seg.length > 0 && (opt.accEcnLast !== ECN_CE || opt.accEcnPending >= CE_PER_ACK))
      ack.pending |= ACK_NOW;
  } else if (seg.ecn === ECN_ECT0) {
    opt.receivedE0Bytes += seg.length;
  } else if (seg.ecn === ECN_ECT1) {
    opt.receivedE1Bytes += seg.length;
  }
  opt.accEcnLast = seg.ecn;
}

/**
 * What an ACK that newly acknowledged `segments` wire segments says of marks: how many arrived CE-marked. The field wraps at
 * eight: beyond that the highest number that fits is taken, unless the option's bytes say that nothing was marked
 * (section 3.2.2.5.2).
 */
export function accEcnDelta(tcb: Tcb, seg: SegmentIn, segments: number): number {
  const { loss, snd } = tcb;
  if (tcb.state === TCP_SYN_RECV) return 0; // the handshake's encoding is none of the counter
  const known = takeByteCounters(tcb, seg);
  const delta = (aceOf(seg.flags) - CEP_INIT - loss.deliveredCe) & 7;
  let marked = delta;
  if (segments > 7) {
    const safe = segments - ((segments - delta) & 7);
    if (known < 0) marked = safe;
    else if (known > delta * snd.mss) marked = safe;
  }
  loss.deliveredCe += marked;
  return marked;
}

/** Takes the option's counters over; bytes newly reported as CE-marked, -1 when there is no option. */
function takeByteCounters(tcb: Tcb, seg: SegmentIn): number {
  const { opt } = tcb;
  const { options } = seg;
  if (options.accEcn < 0 || options.accEcnCount === 0) return -1;
  let marked = -1;
  for (let i = 0; i < options.accEcnCount; i++) {
    const value = options.accEcnFields[i]!;
    // Order 0 is ECT(0), CE, ECT(1); order 1 the other way round.
    const which = options.accEcn === 0 ? i : 2 - i;
    if (which === 1) {
      marked = (value - opt.deliveredCeBytes) & COUNTER_MASK;
      opt.deliveredCeBytes += marked;
    } else if (which === 0) {
      opt.deliveredE0Bytes += (value - ECT_BYTES_INIT - opt.deliveredE0Bytes) & COUNTER_MASK;
    } else {
      opt.deliveredE1Bytes += (value - ECT_BYTES_INIT - opt.deliveredE1Bytes) & COUNTER_MASK;
    }
  }
  return marked;
}

/** Adds the AccECN option to `spec` when the peer knows it and it fits: as many counters as there is room for. */
export function accEcnOptionFields(tcb: Tcb, spec: TcpOptions): void {
  const { opt, host } = tcb;
  if ((opt.ecnFlags & ECN_ACCURATE) === 0 || !opt.accEcnOption || host.config.tcpEcnOption < 2) return;
  setFields(spec, opt.receivedE0Bytes, opt.receivedCeBytes, opt.receivedE1Bytes);
}

/** The SYN-ACK's option: counters as they begin. */
export function accEcnSynAckOption(spec: TcpOptions): void {
  setFields(spec, 0, 0, 0);
}

function setFields(spec: TcpOptions, e0: number, ce: number, e1: number): void {
  spec.accEcn = 1;
  spec.accEcnFields[0] = (e1 + ECT_BYTES_INIT) & COUNTER_MASK;
  spec.accEcnFields[1] = ce & COUNTER_MASK;
  spec.accEcnFields[2] = (e0 + ECT_BYTES_INIT) & COUNTER_MASK;
  for (spec.accEcnCount = 3; spec.accEcnCount > 0; spec.accEcnCount--) {
    if (tcpOptionsLength(spec) <= TCP_MAX_OPTIONS) return;
  }
  spec.accEcn = -1;
}
