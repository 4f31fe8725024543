// A connection in SYN-RECEIVED as a small record (Linux's request_sock), the table of a listener's requests, and the
// SYN-ACK that is built from one. Full blocks appear only when the handshake is done.
import { counterIndex } from '../host/counters.js';
import { TCP_ACK, TCP_ECE, TCP_SYN } from '../wire/tcp.js';
import { ACE_FAIL_SEND, accEcnSynAckFlags } from './ecn/accurate.js';
import { FlowEnds } from './flow-ends.js';
import { buildReplyOptions, buildSynAckOptions, type SynAckOffer } from './options-build.js';
import { type SegmentIn, SegmentOut } from './segment.js';
import type { TcbHost } from './tcb-host.js';

const OUT_SEGS = counterIndex('TcpOutSegs');

// RFC 9293 MUST-11
/** What a SYN asked for and we agreed to. */
export class Request extends FlowEnds implements SynAckOffer {
  /** Sequence number of the peer's SYN and of our SYN-ACK. */
  irs = 0;
  iss = 0;
  /** RCV.NXT: behind the SYN, and behind its data for fast open. */
  rcvNxt = 0;
  /** The peer's MSS, clamped, and ours. */
  peerMss = 536;
  mss = 536;
  sack = false;
  wscale = false;
  sndWscale = 0;
  rcvWscale = 0;
  timestamps = false;
  tsRecent = 0;
  tsOffset = 0;
  /** First and last timestamp that a SYN-ACK carried. */
  tsFirst = 0;
  tsLast = 0;
  ecn = false;
  /** Accurate ECN: IP-ECN codepoint of the last SYN, -1: not agreed; whether the SYN-ACK has the option; ACE_FAIL_*. */
  accEcn = -1;
  accEcnOption = false;
  accEcnFail = 0;
  md5 = false;
  rcvWnd = 0;
  windowClamp = 0;
  tos = 0;
  synTos = 0;
  /** First SYN-ACK, µs (-1: none yet); retransmissions of it, and timer expiries. */
  sentAt = -1;
  retransmissions = 0;
  timeouts = 0;
  deadline = Number.POSITIVE_INFINITY;
  /** The final ACK came and was dropped (deferred accept, full accept queue). */
  acked = false;
  lastOutOfWindowAck = Number.NEGATIVE_INFINITY;
  /** The SYN's headers, where the listener saves them. */
  savedSyn: Uint8Array | null = null;
  next: Request | null = null;
}

const out = new SegmentOut();

function begin(request: Request, ttl: number, flags: number): void {
  out.flags = flags;
  out.ack = request.rcvNxt;
  out.urgent = 0;
  out.ecn = 0;
  out.tos = request.tos;
  out.ttl = ttl;
  out.flowLabel = 0;
  out.mark = 0;
  out.gsoSize = 0;
  out.departure = 0;
  out.df = true;
  out.md5Offset = -1;
}

function timestamp(host: TcbHost, request: Request, now: number): number {
  return (host.timestampClock(now) + request.tsOffset) >>> 0;
}

/** Sends the SYN-ACK (again). `cookieLength` ≥ 0 adds a fast-open cookie; `tsVal` ≥ 0 overrides the timestamp. */
export function sendSynAck(
  host: TcbHost,
  request: Request,
  now: number,
  ttl: number,
  cookie: Uint8Array | null,
  cookieLength: number,
  experimental: boolean,
  tsVal = -1,
): number {
  begin(request, ttl, TCP_SYN | TCP_ACK | ecnFlags(request));
  out.seq = request.iss;
  out.window = Math.min(request.rcvWnd, 65_535);
  const stamp = tsVal >= 0 ? tsVal : timestamp(host, request, now);
  if (request.sentAt < 0) request.tsFirst = stamp;
  request.tsLast = stamp;
  buildSynAckOptions(request, out, stamp, cookie, cookieLength, experimental);
  host.counters.add(OUT_SEGS);
  return host.sink.transmit(request, out, null, 0, 0, null, 0);
}

/**
 * ECN flags of the SYN-ACK. When that was repeated in vain it is sent without those of accurate ECN, which stays agreed; ECN-capable
 * packets may not follow (RFC 9768 sections 3.1.4.2, 3.1.5).
 */
function ecnFlags(request: Request): number {
  if (request.accEcn < 0) return request.ecn ? TCP_ECE : 0;
  if (request.timeouts === 0) return accEcnSynAckFlags(request.accEcn);
  request.accEcnFail |= ACE_FAIL_SEND;
  return 0;
}

/** An ACK in the request's name: what came was out of the window. */
export function sendRequestAck(host: TcbHost, request: Request, now: number, ttl: number): void {
  begin(request, ttl, TCP_ACK);
  out.seq = (request.iss + 1) >>> 0;
  out.window = Math.floor(Math.min(request.rcvWnd, 65_535) / 2 ** request.rcvWscale);
  buildReplyOptions(out, request.timestamps, timestamp(host, request, now), request.tsRecent);
  host.counters.add(OUT_SEGS);
  host.sink.transmit(request, out, null, 0, 0, null, 0);
}

function sameAddress(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < 16; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A listener's requests, found by the remote side (and local address). Keyed by a seeded hash: no strings. */
export class RequestTable {
  private readonly chains = new Map<number, Request>();
  private readonly seed: number;
  size = 0;
  /** Requests whose SYN-ACK has not timed out yet. */
  young = 0;
  /** No deadline is earlier than this, µs; Infinity when there is none. Recomputed by `settle`. */
  next = Number.POSITIVE_INFINITY;

  constructor(seed: number) {
    this.seed = seed;
  }

  private hash(remote: Uint8Array, port: number): number {
    let h = (this.seed ^ port) | 0;
    for (let i = 0; i < 16; i += 4) {
      const word = remote[i]! | (remote[i + 1]! << 8) | (remote[i + 2]! << 16) | (remote[i + 3]! << 24);
      h = Math.imul(h ^ word, 0x9e37_79b1);
      h ^= h >>> 15;
    }
    return h;
  }

  find(seg: SegmentIn): Request | null {
    return this.findFlow(seg.remoteAddress, seg.remotePort, seg.localAddress);
  }

  findFlow(remote: Uint8Array, port: number, local: Uint8Array): Request | null {
    let request = this.chains.get(this.hash(remote, port)) ?? null;
    for (; request !== null; request = request.next) {
      if (
        request.remotePort === port &&
        sameAddress(request.remoteAddress, remote) &&
        sameAddress(request.localAddress, local)
      ) {
        return request;
      }
    }
    return null;
  }

  add(request: Request): void {
    const key = this.hash(request.remoteAddress, request.remotePort);
    request.next = this.chains.get(key) ?? null;
    this.chains.set(key, request);
    this.size++;
    this.young++;
    if (request.deadline < this.next) this.next = request.deadline;
  }

  remove(request: Request): void {
    const key = this.hash(request.remoteAddress, request.remotePort);
    let at = this.chains.get(key) ?? null;
    if (at === request) {
      if (request.next === null) this.chains.delete(key);
      else this.chains.set(key, request.next);
    } else {
      while (at !== null && at.next !== request) at = at.next;
      if (at === null) return;
      at.next = request.next;
    }
    request.next = null;
    this.size--;
    if (request.timeouts === 0) this.young--;
    if (this.size === 0) this.next = Number.POSITIVE_INFINITY;
  }

  /** Finds the earliest deadline again. */
  settle(): void {
    this.next = Number.POSITIVE_INFINITY;
    this.forEach((request) => {
      if (request.deadline < this.next) this.next = request.deadline;
    });
  }

  clear(): void {
    this.next = Number.POSITIVE_INFINITY;
    this.chains.clear();
    this.size = 0;
    this.young = 0;
  }

  /** Calls `visit` for each request; it may remove the one that it is given. */
  forEach(visit: (request: Request) => void): void {
    for (const head of [...this.chains.values()]) {
      for (let request: Request | null = head; request !== null; ) {
        const next: Request | null = request.next;
        visit(request);
        request = next;
      }
    }
  }
}
