// A listening socket: requests in SYN-RECEIVED as small records, accept queue, SYN cookies.
import type { SegmentIn } from './segment.js';
import type { Tcb } from './tcb.js';

/**
 * A listener. `tcb` is a block in state LISTEN, from whose options (buffers, MSS, nodelay, congestion control, …)
 * children inherit; its local address may be all zero (any).
 */
export class Listener {
  readonly tcb: Tcb;
  backlog: number;
  /** Opaque to the core: the endpoint's and socket's handle. */
  owner: unknown = null;

  constructor(tcb: Tcb, backlog: number) {
    this.tcb = tcb;
    this.backlog = backlog;
  }

  /** Children that wait for accept. */
  get pending(): number {
    return 0;
  }
}

/** listen(): the bound block becomes a listener. `backlog` is cut to somaxconn. */
export function tcpListen(_tcb: Tcb, _backlog: number, _now: number): Listener {
  throw new Error('not there yet');
}

/** A segment whose local side matches the listener and which belongs to no flow of the table. */
export function listenerInput(_listener: Listener, _now: number, _seg: SegmentIn): void {
  throw new Error('not there yet');
}

/** Next child in order of establishment, or null. EVENT_READABLE on the listener tells that there is one. */
export function listenerAccept(_listener: Listener, _now: number): Tcb | null {
  throw new Error('not there yet');
}

export function listenerNextTimeout(_listener: Listener): number {
  throw new Error('not there yet');
}

export function listenerOnTimer(_listener: Listener, _now: number): void {
  throw new Error('not there yet');
}

/** close() of the listener: requests vanish, children that nobody accepted are reset. */
export function listenerClose(_listener: Listener, _now: number): void {
  throw new Error('not there yet');
}

/** An ICMP error that quotes a SYN-ACK of this listener; `seq` is the quoted sequence number. */
export function listenerError(
  _listener: Listener,
  _now: number,
  _remoteAddress: Uint8Array,
  _remotePort: number,
  _localAddress: Uint8Array,
  _ipv6: boolean,
  _type: number,
  _code: number,
  _info: number,
  _seq: number,
): void {
  throw new Error('not there yet');
}
