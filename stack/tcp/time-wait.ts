// TIME-WAIT (RFC 9293 section 3.10.7.4, RFC 1337, RFC 6191) and an orphan's FIN-WAIT-2 as a small record: the block is gone.
// Answers what must be answered through the host's sink; knows no queues.
import { counterIndex } from '../host/counters.js';
import { seqGt, seqLt } from '../wire/seq.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import { FlowEnds } from './flow-ends.js';
import { roundUpToTick } from './jiffies.js';
import { buildReplyOptions } from './options-build.js';
import { timeWaitLength } from './profile.js';
import { allowOutOfWindowAck } from './rate-limit.js';
import { replyReset } from './reset.js';
import { type SegmentIn, SegmentOut } from './segment.js';
import { pawsReject } from './sequence-check.js';
import { TCP_FIN_WAIT2, TCP_TIME_WAIT } from './states.js';
import type { Tcb } from './tcb.js';
import type { TcbHost } from './tcb-host.js';

/** 2 MSL as Linux has it, µs: what FIN-WAIT-2 of an orphan is measured by; TIME-WAIT itself asks the profile. */
export const TIME_WAIT_LENGTH = 60_000_000;

/** Verdicts of `timeWaitInput`. */
export const TIME_WAIT_DONE = 0;
/**
 * A SYN that may open a new incarnation: the record has ended (`timeWaitEnded` was called); give the segment to the listener,
 * if there is one, with `record.isn`.
 */
export const TIME_WAIT_NEW_SYN = 1;

const TW = counterIndex('TcpExtTW');
const TW_RECYCLED = counterIndex('TcpExtTWRecycled');
const PAWS_ESTAB = counterIndex('TcpExtPAWSEstab');
const SKIPPED_FIN_WAIT2 = counterIndex('TcpExtTCPACKSkippedFinWait2');
const SKIPPED_TIME_WAIT = counterIndex('TcpExtTCPACKSkippedTimeWait');
const OUT_SEGS = counterIndex('TcpOutSegs');

/** One connection in TIME-WAIT (or an orphan's FIN-WAIT-2): address and the few numbers that it still needs. */
export class TimeWaitRecord extends FlowEnds {
  readonly host: TcbHost;
  /** TCP_TIME_WAIT or TCP_FIN_WAIT2. */
  substate = 0;
  /** When it ends, µs; the endpoint then calls `timeWaitOnTimer`. */
  deadline = 0;
  /** How long it waits from an event that restarts it. */
  timeout = 0;
  rcvNxt = 0;
  sndNxt = 0;
  rcvWnd = 0;
  rcvWscale = 0;
  timestamps = false;
  tsRecent = 0;
  tsRecentAge = 0;
  tsOffset = 0;
  lastOutOfWindowAck = Number.NEGATIVE_INFINITY;
  tos = 0;
  ttl = 64;
  flowLabel = 0;
  /** Initial sequence number that a new incarnation must use so that it lies above the old one's, 0: none. */
  isn = 0;
  /** Over: `timeWaitEnded` was called. */
  ended = false;
  /** Opaque to the core: the endpoint's handle. */
  owner: unknown = null;

  constructor(host: TcbHost) {
    super();
    this.host = host;
  }
}

/** The record of a connection that ends in `substate`, for `timeout` µs. */
export function makeTimeWait(tcb: Tcb, now: number, substate: number, timeout: number): TimeWaitRecord {
  const { host, rcv, snd, opt } = tcb;
  const record = new TimeWaitRecord(host);
  record.setEnds(tcb);
  record.substate = substate;
  record.timeout = timeout;
  record.deadline = roundUpToTick(host.config, now + timeout);
  record.rcvNxt = rcv.nxt;
  record.sndNxt = snd.nxt;
  record.rcvWnd = Math.max(0, (rcv.wup + rcv.wnd - rcv.nxt) | 0);
  record.rcvWscale = rcv.wscale;
  record.timestamps = opt.timestamps;
  record.tsRecent = opt.tsRecent;
  record.tsRecentAge = opt.tsRecentAge;
  record.tsOffset = opt.tsOffset;
  record.tos = tcb.tos;
  record.ttl = tcb.ttl;
  record.flowLabel = tcb.flowLabel;
  return record;
}

const out = new SegmentOut();

function acknowledge(record: TimeWaitRecord, now: number): void {
  const { host } = record;
  out.seq = record.sndNxt;
  out.ack = record.rcvNxt;
  out.flags = TCP_ACK;
  out.window = Math.min(65_535, Math.floor(record.rcvWnd / 2 ** record.rcvWscale));
  out.urgent = 0;
  out.ecn = 0;
  out.tos = record.tos;
  out.ttl = record.ttl;
  out.flowLabel = record.flowLabel;
  out.mark = 0;
  out.gsoSize = 0;
  out.departure = 0;
  out.df = true;
  out.md5Offset = -1;
  const stamp = (host.timestampClock(now) + record.tsOffset) >>> 0;
  buildReplyOptions(out, record.timestamps, stamp, record.tsRecent);
  host.counters.add(OUT_SEGS);
  host.sink.transmit(record, out, null, 0, 0, null, 0);
}

/** TCP_PAWS_MSL, µs. */
const PAWS_MSL = 60_000_000;

/** An ACK for an unacceptable segment, under the record's limit. */
function acknowledgeLimited(record: TimeWaitRecord, now: number, seg: SegmentIn, skipped: number): void {
  const { host } = record;
  const bare = seg.seq === seg.endSeq || (seg.flags & TCP_SYN) !== 0;
  if (bare && !allowOutOfWindowAck(record, host.config.tcpInvalidRatelimit, now)) {
    host.counters.add(skipped);
    return;
  }
  acknowledge(record, now);
}

function reschedule(record: TimeWaitRecord, now: number, timeout: number): void {
  record.timeout = timeout;
  record.deadline = roundUpToTick(record.host.config, now + timeout);
  record.host.timeWaitChanged(record);
}

function end(record: TimeWaitRecord): void {
  if (record.ended) return;
  record.ended = true;
  record.host.memory.timeWaits--;
  record.host.timeWaitEnded(record);
}

/** [seq, endSeq) touches the window. */
function inWindow(record: TimeWaitRecord, seg: SegmentIn): boolean {
  const left = record.rcvNxt;
  const right = (left + record.rcvWnd) >>> 0;
  if (seg.seq === left) return true;
  if (seqGt(seg.endSeq, left) && seqLt(seg.seq, right)) return true;
  return seg.seq === right && seg.seq === seg.endSeq;
}

/**
 * A segment for the record. Answers it through the host's sink when needed; TIME_WAIT_*. `listening`: somebody would take a new
 * connection.
 */
export function timeWaitInput(
  record: TimeWaitRecord,
  now: number,
  seg: SegmentIn,
  listening: boolean,
): number {
  const stamped = record.timestamps && seg.options.hasTimestamps;
  const rst = (seg.flags & TCP_RST) !== 0;
  // A RST is excused only when TS.Recent is a minute old (Linux's tcp_paws_reject): one from before the last ACK ends nothing.
  const excused = rst && now - record.tsRecentAge >= PAWS_MSL;
  const old = stamped && pawsReject(record.tsRecent, record.tsRecentAge, seg.options.tsVal, 0, now);
  const paws = old && !excused;
  if (record.substate === TCP_FIN_WAIT2) return finWait2Input(record, now, seg, stamped, paws);
  return timeWaitSegment(record, now, seg, stamped, paws, listening);
}

function finWait2Input(
  record: TimeWaitRecord,
  now: number,
  seg: SegmentIn,
  stamped: boolean,
  paws: boolean,
): number {
  const { host } = record;
  if (paws || !inWindow(record, seg)) {
    // RFC 9293 section 3.10.7.4 drops a RST here; Linux's tcp_timewait_state_process acknowledges it like the rest.
    const silent = (seg.flags & TCP_RST) !== 0 && host.config.profile === 'strict';
    if (!silent) acknowledgeLimited(record, now, seg, SKIPPED_FIN_WAIT2);
    return TIME_WAIT_DONE;
  }
  if ((seg.flags & TCP_RST) !== 0) {
    end(record);
    return TIME_WAIT_DONE;
  }
  if ((seg.flags & TCP_SYN) !== 0 && !seqLt(seg.seq, record.rcvNxt)) {
    // A SYN in the window ends the connection (RFC 793 section 3.9; Linux's TCP_TW_RST).
    replyReset(host, now, seg);
    end(record);
    return TIME_WAIT_DONE;
  }
  const empty = seg.endSeq === seg.seq;
  if ((seg.flags & TCP_ACK) === 0 || !seqGt(seg.endSeq, record.rcvNxt) || empty) return TIME_WAIT_DONE;
  if ((seg.flags & TCP_FIN) === 0 || seg.endSeq !== (record.rcvNxt + 1) >>> 0) {
    // Data for a socket that is closed.
    replyReset(host, now, seg);
    end(record);
    return TIME_WAIT_DONE;
  }
  record.substate = TCP_TIME_WAIT;
  record.rcvNxt = seg.endSeq;
  if (stamped) {
    record.tsRecent = seg.options.tsVal;
    record.tsRecentAge = now;
  }
  reschedule(record, now, timeWaitLength(record.host.config));
  acknowledge(record, now);
  return TIME_WAIT_DONE;
}

function timeWaitSegment(
  record: TimeWaitRecord,
  now: number,
  seg: SegmentIn,
  stamped: boolean,
  paws: boolean,
  listening: boolean,
): number {
  const { host } = record;
  const { config } = host;
  const rst = (seg.flags & TCP_RST) !== 0;
  const syn = (seg.flags & TCP_SYN) !== 0;
  if (!paws && seg.seq === record.rcvNxt && (seg.seq === seg.endSeq || rst)) {
    // In window and nothing new: the peer's last ACK, or a RST.
    if (rst) {
      if (config.tcpRfc1337 === 0) {
        end(record);
        return TIME_WAIT_DONE;
      }
    } else {
      reschedule(record, now, timeWaitLength(record.host.config));
    }
    if (stamped) {
      record.tsRecent = seg.options.tsVal;
      record.tsRecentAge = now;
    }
    return TIME_WAIT_DONE;
  }
  if (syn && !rst && (seg.flags & TCP_ACK) === 0 && !paws && opensAnew(record, seg, stamped)) {
    if (!listening) {
      acknowledge(record, now);
      return TIME_WAIT_DONE;
    }
    record.isn = (record.sndNxt + 65_535 + 2) >>> 0 || 1;
    host.counters.add(TW_RECYCLED);
    end(record);
    return TIME_WAIT_NEW_SYN;
  }
  if (paws) host.counters.add(PAWS_ESTAB);
  if (!rst) {
    // An old duplicate or a repeated FIN: acknowledge; a FIN or bad timestamp restarts the wait.
    if (paws || (seg.flags & TCP_ACK) !== 0) reschedule(record, now, timeWaitLength(record.host.config));
    acknowledgeLimited(record, now, seg, SKIPPED_TIME_WAIT);
  }
  return TIME_WAIT_DONE;
}

/** RFC 9293 MAY-2, RFC 6191: a SYN above everything of the old incarnation, by number or by timestamp. */
function opensAnew(record: TimeWaitRecord, seg: SegmentIn, stamped: boolean): boolean {
  return seqGt(seg.seq, record.rcvNxt) || (stamped && ((record.tsRecent - seg.options.tsVal) | 0) < 0);
}

/** The record's deadline passed (called early it does nothing). */
export function timeWaitOnTimer(record: TimeWaitRecord, now: number): void {
  if (record.ended || now < record.deadline) return;
  record.host.counters.add(TW);
  end(record);
}

// RFC 9293 SHLD-4
/**
 * May `connect` take over the flow of this record at `now` (tcp_tw_reuse, RFC 6191)? Then the record ends. `loopback`: both
 * ends are local (tcp_tw_reuse 2). `bound`: the user chose the port, which Linux takes for leave to do so at any time. The new connection's first sequence number must be `record.isn` (0: the stack's own).
 */
export function timeWaitReusable(
  record: TimeWaitRecord,
  now: number,
  loopback: boolean,
  bound: boolean,
): boolean {
  const { config } = record.host;
  const reuse = config.tcpTwReuse;
  if (!record.timestamps || record.tsRecentAge === 0) return false;
  if (!bound) {
    const allowed = reuse === 1 || (reuse === 2 && loopback);
    if (!allowed || now - record.tsRecentAge <= config.tcpTwReuseDelay * 1000) return false;
  }
  record.isn = (record.sndNxt + 65_535 + 2) >>> 0 || 1;
  end(record);
  return true;
}

/** The endpoint needs the record's place (its table is full, the stack closes): it ends without a word. */
export function timeWaitDrop(record: TimeWaitRecord): void {
  end(record);
}
