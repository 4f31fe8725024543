// Data of an acceptable segment: into the receive queue or the out-of-order queue, FIN, urgent data, window and ACK
// bookkeeping, memory limits (RFC 9293 section 3.10.7.4, seventh and eighth; Linux's tcp_data_queue).
import { counterIndex } from '../host/counters.js';
import { seqGe, seqGt, seqLe, seqLt } from '../wire/seq.js';
import { TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../wire/tcp.js';
import {
  ACK_NO_MEMORY,
  ACK_NOW,
  ACK_PUSHED,
  ACK_PUSHED2,
  enterPingpong,
  enterQuickAck,
  noteDataReceived,
  scheduleAck,
} from './ack-policy.js';
import { clampReceiveBuffer, growReceiveBuffer, measureRoundTrip } from './autotune.js';
import { enterTimeWait } from './close.js';
import { setState } from './destroy.js';
import { ecnAcceptCwr, ecnCheckCe } from './ecn/classic.js';
import { memoryExhausted, receiveTailroom, receiveTruesize, SHARED_INFO_BYTES } from './memory.js';
import { OutOfOrderQueue } from './out-of-order.js';
import { streamReadable } from './poll.js';
import { fitsReserved, predictAgain } from './prediction.js';
import { ReceiveQueue } from './receive-queue.js';
import { addSackBlock, dropSackBlocks, extendDsack, setDsack } from './sack-generate.js';
import type { SegmentIn } from './segment.js';
import {
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_SYN_RECV,
  TCP_TIME_WAIT,
} from './states.js';
import { EVENT_HANGUP, EVENT_READ_HANGUP, EVENT_READABLE, type Tcb } from './tcb.js';
import { sendAck } from './transmit.js';
import { growWindow, learnScalingRatio, receiveWindow, windowFromSpace } from './window.js';

const MAX_QUICK_ACKS = 16;
const DELAYED_ACK_LOST = counterIndex('TcpExtDelayedACKLost');
const OFO_QUEUE = counterIndex('TcpExtTCPOFOQueue');
const OFO_DROP = counterIndex('TcpExtTCPOFODrop');
const RCV_COALESCE = counterIndex('TcpExtTCPRcvCoalesce');
const RCVQ_DROP = counterIndex('TcpExtTCPRcvQDrop');
const ZERO_WINDOW_DROP = counterIndex('TcpExtTCPZeroWindowDrop');
const PRUNE_CALLED = counterIndex('TcpExtPruneCalled');
const RCV_PRUNED = counterIndex('TcpExtRcvPruned');
const RCV_COLLAPSED = counterIndex('TcpExtTCPRcvCollapsed');

const DEFAULT_MSS = 536;
const LEAST_MSS = 88;
const TCP_HEADER = 20;
/** Buffer that collapsing packs bytes into. */
const COLLAPSE_UNIT = 4096 - SHARED_INFO_BYTES;

/** Learns the size of the peer's segments from one that carries data (tcp_measure_rcv_mss). */
function measurePeerMss(tcb: Tcb, seg: SegmentIn, truesize: number): void {
  const { ack, snd } = tcb;
  const lastSize = ack.lastSegmentSize;
  ack.lastSegmentSize = 0;
  let length = seg.gsoSize > 0 ? seg.gsoSize : seg.length;
  if (length >= ack.rcvMss) {
    if (length !== ack.rcvMss) learnScalingRatio(tcb, seg.length, truesize);
    ack.rcvMss = Math.min(length, snd.advmss);
    // A full segment with PSH probably ends what the application wrote.
    if ((seg.flags & TCP_PSH) !== 0) ack.pending |= ACK_PUSHED;
    return;
  }
  // Shorter: options vary, so compare with the header counted in.
  length += seg.headerEnd - seg.headerOffset;
  const remnant = TCP_FIN | TCP_URG | TCP_SYN | TCP_PSH | TCP_RST;
  if (
    length >= DEFAULT_MSS + TCP_HEADER ||
    (length >= LEAST_MSS + TCP_HEADER && (seg.flags & remnant) === 0)
  ) {
    length -= snd.headerLength;
    ack.lastSegmentSize = length;
    if (length === lastSize) {
      ack.rcvMss = length;
      return;
    }
  }
  if ((ack.pending & ACK_PUSHED) !== 0) ack.pending |= ACK_PUSHED2;
  ack.pending |= ACK_PUSHED;
}

/** Whether the receive buffer takes one more packet: as long as it is not overdrawn, however large the packet (tcp_can_ingest). */
function canIngest(tcb: Tcb): boolean {
  const { rcv } = tcb;
  return rcv.memoryAllocated <= rcv.buffer;
}

/**
 * Room for the segment's packet, made if need be by collapsing and pruning; false: drop it. Takes the segment and not its
 * number, which V8 boxes in a call from 2^31 on.
 */
function makeRoom(tcb: Tcb, { seq }: SegmentIn): boolean {
  const { rcv, host } = tcb;
  if (canIngest(tcb) && !memoryExhausted(tcb)) return true;
  if (rcv.memoryAllocated === 0) return !memoryExhausted(tcb);
  host.counters.add(PRUNE_CALLED);
  if (!canIngest(tcb)) clampReceiveBuffer(tcb);
  if (canIngest(tcb) && !memoryExhausted(tcb)) return true;
  const bloated = (truesize: number, length: number): boolean => windowFromSpace(tcb, truesize) > length;
  rcv.outOfOrder?.collapse(tcb, COLLAPSE_UNIT, bloated);
  if (rcv.queue?.collapse(tcb, COLLAPSE_UNIT, bloated)) host.counters.add(RCV_COLLAPSED);
  if (canIngest(tcb) && !memoryExhausted(tcb)) return true;
  rcv.outOfOrder?.prune(tcb, seq, () => canIngest(tcb));
  if (canIngest(tcb) && !memoryExhausted(tcb)) return true;
  host.counters.add(RCV_PRUNED);
  rcv.predicting = false;
  return false;
}

/** Out of the window, or all of it old: acknowledge at once so that the peer learns where we are. */
function answerAtOnce(tcb: Tcb): void {
  enterQuickAck(tcb, MAX_QUICK_ACKS);
  scheduleAck(tcb);
}

/** Data of a SYN or SYN-ACK (fast open): behind the SYN's own number, where RCV.NXT stands (tcp_fastopen_add_skb). */
export function queueSynPayload(tcb: Tcb, now: number, seg: SegmentIn): void {
  const { rcv, opt } = tcb;
  if (seg.endSeq === rcv.nxt) return;
  const truesize = receiveTruesize(seg.packetLength);
  appendBytes(
    tcb,
    seg.bytes,
    seg.offset,
    seg.length,
    truesize,
    receiveTailroom(seg.packetLength),
    seg.arrival,
  );
  rcv.dataSegsIn++;
  rcv.nxt = seg.endSeq;
  opt.synDataAcked = true;
  rcv.bytesReceived = seg.length;
  if ((seg.flags & TCP_FIN) !== 0) receiveFin(tcb, now);
}

/** Takes in what `seg` carries (its sequence range was found acceptable). */
export function queueData(tcb: Tcb, now: number, seg: SegmentIn): void {
  const { rcv } = tcb;
  if (seg.seq === seg.endSeq) return;
  ecnAcceptCwr(tcb, seg);
  if (seqGt(seg.seq, rcv.nxt)) {
    if (seqGe(seg.seq, (rcv.nxt + receiveWindow(tcb)) >>> 0)) answerAtOnce(tcb);
    else queueOutOfOrder(tcb, now, seg);
    return;
  }
  if (seqLe(seg.endSeq, rcv.nxt)) {
    tcb.host.counters.add(DELAYED_ACK_LOST);
    setDsack(tcb, seg.seq, seg.endSeq);
    answerAtOnce(tcb);
    return;
  }
  const fin = (seg.flags & TCP_FIN) !== 0;
  if (seqLt(seg.seq, rcv.nxt)) setDsack(tcb, seg.seq, rcv.nxt);
  if (receiveWindow(tcb) === 0 && !(seg.length === 0 && fin && seg.seq === rcv.nxt)) {
    tcb.host.counters.add(ZERO_WINDOW_DROP);
    answerAtOnce(tcb);
    return;
  }
  queueInOrder(tcb, now, seg, fin);
}

function queueInOrder(tcb: Tcb, now: number, seg: SegmentIn, fin: boolean): void {
  const { rcv, host } = tcb;
  const truesize = receiveTruesize(seg.packetLength);
  const fast = rcv.foreseen && fitsReserved(tcb, truesize);
  if (fast) tcb.snd.wl1 = seg.seq;
  if (!fast && !makeRoom(tcb, seg)) {
    tcb.ack.pending |= ACK_NO_MEMORY | ACK_NOW;
    scheduleAck(tcb);
    if (!tcb.orphan) host.notify(tcb, EVENT_READABLE);
    if (rcv.queue !== null && rcv.queue.length > 0 && seg.length > 0) {
      host.counters.add(RCVQ_DROP);
      return;
    }
  }
  const skip = (rcv.nxt - seg.seq) >>> 0;
  if (seg.parts > 1) appendParts(tcb, seg, skip, truesize);
  else if (skip > 0 || !coalesce(tcb, seg.bytes, seg.offset, seg.length, seg.arrival)) {
    const tailroom = receiveTailroom(seg.packetLength);
    appendBytes(tcb, seg.bytes, seg.offset + skip, seg.length - skip, truesize, tailroom, seg.arrival);
  }
  if (fin && seg.length <= skip) appendFin(tcb, truesize, seg.arrival, skip > 0);
  advance(tcb, (seg.endSeq - rcv.nxt) >>> 0);
  if (seg.length > 0) dataReceived(tcb, now, seg, truesize);
  if (fin) receiveFin(tcb, now);
  if (tcb.done) return;
  if (rcv.outOfOrder !== null && !rcv.outOfOrder.empty) {
    drainOutOfOrder(tcb, now);
    if (rcv.outOfOrder.empty) tcb.ack.pending |= ACK_NOW; // a gap was filled (RFC 5681 section 4.2)
  }
  if (rcv.sackCount > 0) dropSackBlocks(tcb);
  if (!fast) predictAgain(tcb);
  dataReady(tcb);
}

/** Tells the reader when enough is there. */
export function dataReady(tcb: Tcb): void {
  if (tcb.orphan) return;
  if (tcb.rcv.finReceived || streamReadable(tcb, tcb.rcv.lowat)) tcb.host.notify(tcb, EVENT_READABLE);
}

function appendBytes(
  tcb: Tcb,
  bytes: Uint8Array,
  from: number,
  length: number,
  truesize: number,
  tailroom: number,
  arrival: number,
): void {
  if (length <= 0) return;
  tcb.rcv.queue ??= new ReceiveQueue();
  tcb.rcv.queue.append(bytes, from, length);
  tcb.rcv.queue.charge(tcb, truesize, tailroom, arrival);
}

/** A packet of which only the FIN is new is charged, unless it has no data and another waits that it joins (tcp_try_coalesce). */
function appendFin(tcb: Tcb, truesize: number, arrival: number, repeats: boolean): void {
  tcb.rcv.queue ??= new ReceiveQueue();
  if (repeats || tcb.rcv.queue.packets === 0) tcb.rcv.queue.charge(tcb, truesize, 0, arrival);
}

/** The payload of a packet that repeats nothing, into the buffer of the one before it: false when it does not fit there. */
function coalesce(tcb: Tcb, bytes: Uint8Array, from: number, length: number, arrival: number): boolean {
  if (length <= 0 || tcb.rcv.queue === null || !tcb.rcv.queue.coalesce(bytes, from, length, arrival))
    return false;
  tcb.host.counters.add(RCV_COALESCE);
  return true;
}

/** The same for a segment that came in several packets, without its first `skip` bytes. */
function appendParts(tcb: Tcb, seg: SegmentIn, skip: number, truesize: number): void {
  tcb.rcv.queue ??= new ReceiveQueue();
  let ahead = skip;
  for (let i = 0; i < seg.parts; i++) {
    const length = seg.partLengths[i];
    const old = Math.min(ahead, length);
    ahead -= old;
    if (old < length) tcb.rcv.queue.append(seg.bytes, seg.partOffsets[i] + old, length - old);
  }
  tcb.rcv.queue.charge(tcb, truesize, 0, seg.arrival);
}

function advance(tcb: Tcb, count: number): void {
  const { rcv } = tcb;
  rcv.bytesReceived += count;
  rcv.nxt = (rcv.nxt + count) >>> 0;
}

/** Bookkeeping of in-order data (tcp_event_data_recv). */
function dataReceived(tcb: Tcb, now: number, seg: SegmentIn, truesize: number): void {
  scheduleAck(tcb);
  measurePeerMss(tcb, seg, truesize);
  measureRoundTrip(tcb, now);
  noteDataReceived(tcb, now);
  ecnCheckCe(tcb, seg, now);
  if (seg.length >= 128) growWindow(tcb, seg.length, truesize);
}

/** The peer's FIN is next in order (RFC 9293 section 3.10.7.4, eighth). */
export function receiveFin(tcb: Tcb, now: number): void {
  const { rcv } = tcb;
  scheduleAck(tcb);
  tcb.shutdown |= 1;
  rcv.finReceived = true;
  switch (tcb.state) {
    case TCP_SYN_RECV:
    case TCP_ESTABLISHED:
      setState(tcb, TCP_CLOSE_WAIT, now);
      enterPingpong(tcb);
      break;
    case TCP_FIN_WAIT1:
      sendAck(tcb, now);
      setState(tcb, TCP_CLOSING, now);
      break;
    case TCP_FIN_WAIT2:
      sendAck(tcb, now);
      enterTimeWait(tcb, now, TCP_TIME_WAIT, 0);
      break;
    default:
      break; // a repeated FIN
  }
  rcv.outOfOrder?.clear(tcb);
  rcv.sackCount = 0;
  // What the FIN's segment repeated is not reported, either (Linux: tcp_sack_reset).
  rcv.dsackPending = false;
  if (tcb.orphan || tcb.done) return;
  tcb.host.notify(tcb, EVENT_READABLE | EVENT_READ_HANGUP | (tcb.shutdown === 3 ? EVENT_HANGUP : 0));
}

// RFC 9293 MUST-59
function drainOutOfOrder(tcb: Tcb, now: number): void {
  const { rcv } = tcb;
  const queue = rcv.outOfOrder!;
  const high = rcv.nxt;
  for (let segment = queue.head; segment !== null; segment = queue.head) {
    if (seqGt(segment.seq, rcv.nxt)) return;
    if (seqLt(segment.seq, high)) {
      extendDsack(tcb, segment.seq, seqLt(segment.endSeq, high) ? segment.endSeq : high);
    }
    const { seq, endSeq, fin, bytes, length, truesize, tailroom, arrival } = segment;
    queue.remove(tcb, segment);
    if (seqLe(endSeq, rcv.nxt)) continue;
    const skip = (rcv.nxt - seq) >>> 0;
    if (skip > 0 || !coalesce(tcb, bytes, 0, length, arrival)) {
      appendBytes(tcb, bytes, skip, length - skip, truesize, tailroom, arrival);
    }
    if (fin && length <= skip) appendFin(tcb, truesize, arrival, skip > 0);
    advance(tcb, (endSeq - rcv.nxt) >>> 0);
    if (fin) {
      receiveFin(tcb, now);
      return;
    }
  }
}

// RFC 9293 SHLD-31
function queueOutOfOrder(tcb: Tcb, now: number, seg: SegmentIn): void {
  const { rcv, opt, host } = tcb;
  ecnCheckCe(tcb, seg, now);
  const truesize = receiveTruesize(seg.packetLength);
  if (!makeRoom(tcb, seg)) {
    host.counters.add(OFO_DROP);
    if (!tcb.orphan) host.notify(tcb, EVENT_READABLE);
    return;
  }
  rcv.predicting = false;
  if (seg.length > 0) measurePeerMss(tcb, seg, truesize);
  scheduleAck(tcb);
  rcv.oooPackets += seg.gsoSize > 0 ? Math.ceil(seg.length / seg.gsoSize) : 1;
  host.counters.add(OFO_QUEUE);
  rcv.outOfOrder ??= new OutOfOrderQueue();
  const fin = (seg.flags & TCP_FIN) !== 0;
  const charged = rcv.outOfOrder.insert(
    tcb,
    seg.seq,
    seg.endSeq,
    fin,
    seg.bytes,
    seg.offset,
    seg.length,
    truesize,
    receiveTailroom(seg.packetLength),
    seg.arrival,
  );
  if (opt.sack) {
    addSackBlock(tcb, seg.seq, seg.endSeq, now);
    // Linux grows it before the packet is charged (tcp_data_queue_ofo); a FIN that joins needs no memory of its own.
    const cost = charged === 0 && seg.length === 0 ? 0 : truesize;
    if (charged >= 0) growWindow(tcb, seg.length, cost, charged);
  }
  // Not before somebody has accepted it: until then nobody reads (Linux: no socket, no growth).
  if (!tcb.orphan && tcb.accepted) growReceiveBuffer(tcb, rcv.rcvqSpace);
}
