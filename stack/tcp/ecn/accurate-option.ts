// The AccECN option (RFC 9768 section 3.2.3): when it is sent and with how many counters, what a peer's tells, and when
// either side gives it up. Always kind 174 when sent (order 1: ECT(1), CE, ECT(0)); both are read.

import { TCP_MAX_OPTIONS, type TcpOptions } from '../../wire/tcp-options.js';
import { tcpOptionsLength } from '../../wire/tcp-options-write.js';
import { ECN_CE, ECN_ECT0, ECN_ECT1, ECN_NOT_ECT, type SegmentIn } from '../segment.js';
import type { Tcb } from '../tcb.js';

/** `OptionState.accEcnFail`, beside those of accurate.ts. */
export const OPTION_FAIL_SEND = 4;
export const OPTION_FAIL_RECEIVE = 8;

/** `OptionState.accEcnOptionSeen` (tcpi_accecn_opt_seen). */
const NOT_SEEN = 0;
const EMPTY_SEEN = 1;
const COUNTER_SEEN = 2;
const FAIL_SEEN = 3;

/** tcp_ecn_option: only as the rules demand, whenever there is room, and that although it seems to be lost on the way. */
const OPTION_FULL = 2;
const OPTION_PERSIST = 3;

/** First values of the byte counters of ECT(0) and ECT(1); that of CE is 0 (section 3.2.1). */
const ECT_BYTES_INIT = 1;
const COUNTER_MASK = 0xff_ffff;
/** A byte counter that grew by as much is told, so that 24 bits never wrap unseen (section 3.2.3.3). */
const TELL_EVERY = 2 ** 22;
/** Data sent before the peer's first option came, beyond which its counters may have wrapped already. */
const TOO_LATE = 2 ** 23 - 1;

const fields = new Uint32Array(3);

/** Fields of order 1 that a change of `codepoint` needs. */
function fieldsFor(codepoint: number): number {
  if (codepoint === ECN_ECT1) return 1;
  return codepoint === ECN_CE ? 2 : 3;
}

/** Codepoint of the field at `place`. */
function codepointOf(place: number, order: number): number {
  if (place === 1) return ECN_CE;
  return (place === 0) === (order === 1) ? ECN_ECT1 : ECN_ECT0;
}

/** Payload of a segment that arrived with `codepoint`. */
export function countMarkedBytes(tcb: Tcb, codepoint: number, bytes: number): void {
  if (codepoint === ECN_NOT_ECT) return;
  const { opt } = tcb;
  const before = received(tcb, codepoint);
  if (codepoint === ECN_CE) opt.receivedCeBytes += bytes;
  else if (codepoint === ECN_ECT0) opt.receivedE0Bytes += bytes;
  else opt.receivedE1Bytes += bytes;
  opt.accEcnFieldsNeeded = Math.max(opt.accEcnFieldsNeeded, fieldsFor(codepoint));
  if (Math.floor(before / TELL_EVERY) !== Math.floor((before + bytes) / TELL_EVERY))
    opt.accEcnDemand = Math.max(opt.accEcnDemand, 1);
}

function received(tcb: Tcb, codepoint: number): number {
  const { opt } = tcb;
  if (codepoint === ECN_CE) return opt.receivedCeBytes;
  return codepoint === ECN_ECT0 ? opt.receivedE0Bytes : opt.receivedE1Bytes;
}

/**
 * Looks for the first option that the peer sends: with zeros where ones should be it was mangled (section 3.2.3.2.4). False when
 * there is none, or one was seen before.
 */
export function noteFirstOption(tcb: Tcb, seg: SegmentIn): boolean {
  const { opt } = tcb;
  const { options } = seg;
  if (options.accEcn < 0 || opt.accEcnOptionSeen >= COUNTER_SEEN) return false;
  const { accEcnCount: count, accEcnFields: values } = options;
  if (count === 0) opt.accEcnOptionSeen = EMPTY_SEEN;
  else if (values[0] === 0 || (count === 3 && values[2] === 0)) {
    opt.accEcnOptionSeen = FAIL_SEEN;
    opt.accEcnFail |= OPTION_FAIL_RECEIVE;
  } else opt.accEcnOptionSeen = COUNTER_SEEN;
  return true;
}

/** Growth of the delivered counter of `codepoint` to `value` as carried; negative: it went back, an old ACK. */
function advance(tcb: Tcb, codepoint: number, value: number): number {
  const { opt } = tcb;
  const init = codepoint === ECN_CE ? 0 : ECT_BYTES_INIT;
  const now =
    codepoint === ECN_CE
      ? opt.deliveredCeBytes
      : codepoint === ECN_ECT0
        ? opt.deliveredE0Bytes
        : opt.deliveredE1Bytes;
  const delta = ((value - init - now) << 8) >> 8;
  if (delta > 0) add(tcb, codepoint, delta);
  return delta;
}

function add(tcb: Tcb, codepoint: number, bytes: number): void {
  const { opt } = tcb;
  if (codepoint === ECN_CE) opt.deliveredCeBytes += bytes;
  else if (codepoint === ECN_ECT0) opt.deliveredE0Bytes += bytes;
  else opt.deliveredE1Bytes += bytes;
}

/**
 * Takes the counters of an ACK's option over, or, without one, counts the `bytes` newly acknowledged to the codepoint that last
 * grew alone. Returns how many bytes were CE-marked, -1 when that is not known.
 */
export function takeByteCounters(tcb: Tcb, seg: SegmentIn, bytes: number): number {
  const { opt, snd } = tcb;
  const { options } = seg;
  if ((opt.accEcnFail & OPTION_FAIL_RECEIVE) !== 0) return -1;
  const before = opt.deliveredCeBytes;
  if (options.accEcn < 0) {
    if (opt.accEcnOptionSeen === NOT_SEEN) {
      if (snd.bytesSent >= TOO_LATE) {
        opt.accEcnOptionSeen = FAIL_SEEN;
        opt.accEcnFail |= OPTION_FAIL_RECEIVE;
      }
      return -1;
    }
    if (opt.accEcnEstimate === ECN_NOT_ECT) return -1;
    add(tcb, opt.accEcnEstimate, bytes);
    return opt.deliveredCeBytes - before;
  }
  noteFirstOption(tcb, seg);
  const estimate = opt.accEcnEstimate;
  let known = estimate !== ECN_NOT_ECT;
  let ambiguous = false;
  let changed = false;
  for (let i = 0; i < options.accEcnCount; i++) {
    const codepoint = codepointOf(i, options.accEcn);
    const delta = advance(tcb, codepoint, options.accEcnFields[i]!);
    if (delta < 0) {
      known = false;
      ambiguous = true;
    }
    if (delta === 0 || codepoint === estimate) continue;
    if (!changed) {
      opt.accEcnEstimate = codepoint;
      changed = true;
    } else {
      known = false;
      ambiguous = true;
    }
  }
  if (ambiguous) opt.accEcnEstimate = ECN_NOT_ECT;
  return known ? opt.deliveredCeBytes - before : -1;
}

/** tcp_ecn_option_beacon: as many options a round trip at least. */
function beaconDue(tcb: Tcb, now: number): boolean {
  const beacon = tcb.host.config.tcpEcnOptionBeacon;
  return beacon > 0 && (now - tcb.opt.accEcnOptionTime) * beacon >= tcb.rtt.srtt8 >> 3;
}

/**
 * Adds the option to `spec` when it is wanted and fits: as many counters as there is room for, at least those that changed,
 * for which a SACK block makes way. Returns whether it was added; `accEcnOptionSent` notes that it left.
 */
export function accEcnOptionFields(tcb: Tcb, spec: TcpOptions, now: number): boolean {
  const { opt, host } = tcb;
  const mode = host.config.tcpEcnOption;
  if (mode === 0 || opt.accEcnOptionSeen === NOT_SEEN) return false;
  if ((opt.accEcnFail & OPTION_FAIL_SEND) !== 0 && mode < OPTION_PERSIST) return false;
  if (mode < OPTION_FULL && opt.accEcnDemand === 0 && !beaconDue(tcb, now)) return false;
  fields[0] = opt.receivedE1Bytes + ECT_BYTES_INIT;
  fields[1] = opt.receivedCeBytes;
  fields[2] = opt.receivedE0Bytes + ECT_BYTES_INIT;
  const needed = opt.accEcnFieldsNeeded;
  const blocks = spec.sackCount;
  for (;;) {
    if (fill(spec, needed)) return true;
    if (needed === 0 || spec.sackCount <= 2) break;
    spec.sackCount--;
  }
  spec.sackCount = blocks;
  return false;
}

/** The option went out. */
export function accEcnOptionSent(tcb: Tcb, now: number): void {
  const { opt, rcv } = tcb;
  opt.accEcnFieldsNeeded = 0;
  opt.accEcnOptionTime = now;
  if (rcv.dsackPending) opt.accEcnSentWithDsack = true;
  if (opt.accEcnDemand > 0) opt.accEcnDemand--;
}

/**
 * [seq, end), which we hold, came again. When the ACK that said so of the same data before carried the option, that ACK was lost:
 * perhaps because of the option, which is sent no more (section 3.2.3.2.2).
 */
export function accEcnSpurious(tcb: Tcb, seq: number, end: number): void {
  const { opt, rcv } = tcb;
  if (!opt.accEcnSentWithDsack) return;
  if (rcv.dsack[0] === seq && rcv.dsack[1] === end) opt.accEcnFail |= OPTION_FAIL_SEND;
  opt.accEcnSentWithDsack = false;
}

/** The SYN-ACK's option: counters as they begin. */
export function accEcnSynAckOption(spec: TcpOptions): void {
  fields[0] = ECT_BYTES_INIT;
  fields[1] = 0;
  fields[2] = ECT_BYTES_INIT;
  fill(spec, 0);
}

/** Puts the most of `fields` in, at least `needed`, that fits; false and nothing when not even those do. */
function fill(spec: TcpOptions, needed: number): boolean {
  spec.accEcn = 1;
  for (let i = 0; i < 3; i++) spec.accEcnFields[i] = fields[i]! & COUNTER_MASK;
  for (let count = 3; count >= needed; count--) {
    spec.accEcnCount = count;
    if (tcpOptionsLength(spec) <= TCP_MAX_OPTIONS) return true;
  }
  spec.accEcn = -1;
  spec.accEcnCount = 0;
  return false;
}
