// RST for a segment that belongs to no connection, or that a state refuses (RFC 9293 section 3.10.7.1), built from that segment
// alone. Never answers a RST.
import { counterIndex } from '../host/counters.js';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import type { FlowAddress } from './flow-ends.js';
import { type SegmentIn, SegmentOut } from './segment.js';
import type { TcbHost } from './tcb-host.js';

const OUT_RSTS = counterIndex('TcpOutRsts');
const OUT_SEGS = counterIndex('TcpOutSegs');

const out = new SegmentOut();

/** Answers a segment for which there is neither connection nor listener. Never answers a RST. */
export function replyReset(host: TcbHost, _now: number, seg: SegmentIn): void {
  if ((seg.flags & TCP_RST) !== 0) return;
  if ((seg.flags & TCP_ACK) !== 0) {
    out.seq = seg.ack;
    out.ack = 0;
    out.flags = TCP_RST;
  } else {
    out.seq = 0;
    const syn = (seg.flags & TCP_SYN) !== 0 ? 1 : 0;
    const fin = (seg.flags & TCP_FIN) !== 0 ? 1 : 0;
    out.ack = (seg.seq + syn + fin + seg.length) >>> 0;
    out.flags = TCP_RST | TCP_ACK;
  }
  host.counters.add(OUT_RSTS);
  sendBare(host, seg, host.config.tcpReflectTos !== 0 ? seg.tos & 0xfc : 0);
}

/**
 * Asks the peer of a connection that was lost with its state for a segment to reset it by: a SYN is answered by a challenge
 * ACK in any synchronized state, whatever its number, and that by a RST with the number it acknowledges (RFC 5961 section
 * 4.2, which is about a host that restarted).
 */
export function challengePeer(host: TcbHost, seq: number, flow: FlowAddress): void {
  out.seq = seq;
  out.ack = 0;
  out.flags = TCP_SYN;
  sendBare(host, flow, 0);
}

/** Sends `out`, whose numbers and flags are set, without options and data and for no connection. */
function sendBare(host: TcbHost, flow: FlowAddress, tos: number): void {
  out.window = 0;
  out.urgent = 0;
  out.optionsLength = 0;
  out.md5Offset = -1;
  out.ecn = 0;
  out.tos = tos;
  out.ttl = flow.ipv6 ? host.config.ipv6HopLimit : host.config.ipDefaultTtl;
  out.flowLabel = 0;
  out.mark = 0;
  out.gsoSize = 0;
  out.departure = 0;
  out.df = true;
  host.counters.add(OUT_SEGS);
  host.sink.transmit(flow, out, null, 0, 0, null, 0);
}
