// TIME-WAIT (RFC 9293, section 3.10.7.4, RFC 1337, RFC 6191) as a small record: the block is gone.
import type { FlowAddress, SegmentIn } from './segment.js';
import type { TcbHost } from './tcb-host.js';

/** Verdicts of `timeWaitInput`. */
export const TIME_WAIT_DONE = 0;
/** A SYN that may open a new incarnation: remove the record and give the segment to the listener, if there is one. */
export const TIME_WAIT_NEW_SYN = 1;

/** One connection in TIME-WAIT (or an orphan's FIN-WAIT-2): address and the few numbers that it still needs. */
export class TimeWaitRecord implements FlowAddress {
  readonly host: TcbHost;
  readonly localAddress = new Uint8Array(16);
  readonly remoteAddress = new Uint8Array(16);
  localPort = 0;
  remotePort = 0;
  zone = 0;
  ipv6 = false;
  /** TCP_TIME_WAIT or TCP_FIN_WAIT2. */
  substate = 0;
  /** When it ends, µs. */
  deadline = 0;
  rcvNxt = 0;
  sndNxt = 0;
  rcvWnd = 0;
  rcvWscale = 0;
  tsRecent = 0;
  tsRecentAge = 0;
  tsOffset = 0;
  lastOutOfWindowAck = Number.NEGATIVE_INFINITY;
  tos = 0;
  /** Initial sequence number that a new incarnation must use so that it lies above the old one's, 0: none. */
  isn = 0;
  /** Opaque to the core: the endpoint's handle. */
  owner: unknown = null;

  constructor(host: TcbHost) {
    this.host = host;
  }
}

/** A segment for the record. Answers it through the host's sink when needed. */
export function timeWaitInput(_record: TimeWaitRecord, _now: number, _seg: SegmentIn): number {
  throw new Error('not there yet');
}

/** The record's deadline passed. */
export function timeWaitOnTimer(_record: TimeWaitRecord, _now: number): void {
  throw new Error('not there yet');
}

/** May `connect` take over the flow of this record at `now` (tcp_tw_reuse, RFC 6191)? `loopback`: both ends local. */
export function timeWaitReusable(_record: TimeWaitRecord, _now: number, _loopback: boolean): boolean {
  throw new Error('not there yet');
}
