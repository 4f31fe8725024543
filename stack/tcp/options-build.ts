// Which options go into a header and how they are laid out: SYN, SYN-ACK and established segments, in Linux's order.
// Fills SegmentOut.options; knows nothing of when a segment is sent.
import { TCP_MAX_OPTIONS, TcpOptions } from '../wire/tcp-options.js';
import { tcpOptionsLength, writeTcpOptions } from '../wire/tcp-options-write.js';
import { ECN_ACCURATE } from './ecn/accurate.js';
import { accEcnOptionFields, accEcnOptionSent, accEcnSynAckOption } from './ecn/accurate-option.js';
import type { SegmentOut } from './segment.js';
import type { Tcb } from './tcb.js';

// One scratch object for all: building is synchronous.
const spec = new TcpOptions();

/** Timestamp of `tcb` at `now`: the stack's millisecond clock plus the flow's offset (RFC 7323, section 5.4). */
export function timestampValue(tcb: Tcb, now: number): number {
  return (tcb.host.timestampClock(now) + tcb.opt.tsOffset) >>> 0;
}

/** Writes `spec` and remembers where an MD5 digest goes. */
function write(out: SegmentOut): void {
  out.optionsLength = writeTcpOptions(out.options, 0, spec);
  out.md5Offset = spec.md5Offset;
}

// RFC 9293 MUST-14, SHLD-5, MAY-3, MUST-65
/** Options of an active SYN. `cookie` length -1: no fast-open option, 0: a request. */
export function buildSynOptions(
  tcb: Tcb,
  out: SegmentOut,
  tsVal: number,
  cookie: Uint8Array | null,
  cookieLength: number,
  experimental: boolean,
): void {
  const { config } = tcb.host;
  spec.reset();
  if (tcb.opt.md5Active) spec.md5Offset = 0;
  spec.mss = tcb.snd.advertised;
  if (config.tcpTimestamps !== 0 && !tcb.opt.md5Active) {
    spec.hasTimestamps = true;
    spec.tsVal = tsVal;
    spec.tsEcr = tcb.opt.tsRecent;
  }
  if (tcb.opt.wscaleOffered) spec.wscale = tcb.rcv.wscale;
  if (config.tcpSack !== 0) spec.sackPermitted = true;
  setFastOpen(cookie, cookieLength, experimental);
  write(out);
}

/** What a SYN-ACK offers back: only what the SYN offered. */
export interface SynAckOffer {
  mss: number;
  timestamps: boolean;
  tsRecent: number;
  sack: boolean;
  wscale: boolean;
  rcvWscale: number;
  md5: boolean;
  /** The AccECN option goes in when there is room. */
  accEcnOption: boolean;
}

// RFC 9293 MUST-14, SHLD-5, MAY-3, MUST-65
/** Options of a SYN-ACK; a fast-open cookie of `cookieLength` ≥ 0 goes in when there is room. */
export function buildSynAckOptions(
  offer: SynAckOffer,
  out: SegmentOut,
  tsVal: number,
  cookie: Uint8Array | null,
  cookieLength: number,
  experimental: boolean,
): void {
  spec.reset();
  if (offer.md5) spec.md5Offset = 0;
  spec.mss = offer.mss;
  // MD5, SACK and timestamps together do not fit in 40 bytes: timestamps give way.
  if (offer.timestamps && !(offer.md5 && offer.sack)) {
    spec.hasTimestamps = true;
    spec.tsVal = tsVal;
    spec.tsEcr = offer.tsRecent;
  }
  if (offer.wscale) spec.wscale = offer.rcvWscale;
  spec.sackPermitted = offer.sack;
  if (offer.accEcnOption) accEcnSynAckOption(spec);
  setFastOpen(cookie, cookieLength, experimental);
  write(out);
}

function setFastOpen(cookie: Uint8Array | null, length: number, experimental: boolean): void {
  if (length < 0) return;
  const room = TCP_MAX_OPTIONS - tcpOptionsLength(spec);
  if ((experimental ? 4 : 2) + length > room) return;
  spec.fastOpenLength = length;
  spec.fastOpenExperimental = experimental;
  if (cookie !== null) for (let i = 0; i < length; i++) spec.fastOpenCookie[i] = cookie[i]!;
}

/** Fills `spec`; true when the AccECN option is in it. */
function prepareEstablished(tcb: Tcb, tsVal: number, now: number): boolean {
  const { opt } = tcb;
  spec.reset();
  if (opt.md5Active) spec.md5Offset = 0;
  if (opt.timestamps) {
    spec.hasTimestamps = true;
    spec.tsVal = tsVal;
    spec.tsEcr = opt.tsRecent;
  }
  sackBlocks(tcb);
  return (opt.ecnFlags & ECN_ACCURATE) !== 0 && accEcnOptionFields(tcb, spec, now);
}

function sackBlocks(tcb: Tcb): void {
  const { rcv } = tcb;
  let blocks = rcv.sackCount + (rcv.dsackPending ? 1 : 0);
  if (blocks > 0) {
    const room = TCP_MAX_OPTIONS - tcpOptionsLength(spec);
    blocks = Math.min(blocks, Math.floor((room - 4) / 8));
    if (blocks < 1) return;
    let at = 0;
    if (rcv.dsackPending) {
      spec.sack[0] = rcv.dsack[0]!;
      spec.sack[1] = rcv.dsack[1]!;
      at = 2;
    }
    for (let i = 0; at < blocks * 2; i++, at++) spec.sack[at] = rcv.sackBlocks[i]!;
    spec.sackCount = blocks;
  }
}

/** Options of a segment of a synchronised connection: timestamps, SACK with a DSACK block first (RFC 2883). */
export function buildEstablishedOptions(tcb: Tcb, out: SegmentOut, now: number): void {
  if (prepareEstablished(tcb, timestampValue(tcb, now), now)) accEcnOptionSent(tcb, now);
  write(out);
  tcb.rcv.dsackPending = false;
}

/** Length of the options that the next segment would carry, for the MSS (tcp_current_mss). */
export function establishedOptionsLength(tcb: Tcb): number {
  prepareEstablished(tcb, 0, tcb.clock);
  return tcpOptionsLength(spec);
}

/** Options of a RST or other reply made from a few numbers: timestamps only. */
export function buildReplyOptions(out: SegmentOut, timestamps: boolean, tsVal: number, tsEcr: number): void {
  spec.reset();
  if (timestamps) {
    spec.hasTimestamps = true;
    spec.tsVal = tsVal;
    spec.tsEcr = tsEcr;
  }
  write(out);
}
