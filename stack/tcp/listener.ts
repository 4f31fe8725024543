// A listening socket: its two queues and their limits, accept, close (RFC 9293 section 3.10.1). What arrives is
// listener-input.ts's, its requests' time listener-requests.ts's.

import { counterIndex } from '../host/counters.js';
import { tcpAbort, tcpClose } from './close.js';
import { setState } from './destroy.js';
import { fastOpenTune } from './fastopen/server.js';
import { icmpErrno } from './icmp.js';
import { endsHandshake } from './profile.js';
import { RequestTable } from './request.js';
import { TCP_CLOSE, TCP_LISTEN } from './states.js';
import type { Tcb } from './tcb.js';

const LISTEN_DROPS = counterIndex('TcpExtListenDrops');

/**
 * A listener. `tcb` is a block in state LISTEN, from whose options (buffers, MSS, nodelay, congestion control, …)
 * children inherit; its local address may be all zero (any).
 */
export class Listener {
  readonly tcb: Tcb;
  /** Largest length of the accept queue less one, and of the request queue. */
  backlog: number;
  readonly requests: RequestTable;
  /** Children that wait for accept, in order. */
  readonly queue: Tcb[] = [];
  /** Fast-open children whose handshake is not done, and RSTs that still count (fastopen/server.ts). */
  fastOpenPending = 0;
  readonly fastOpenResets: number[] = [];
  /** Opaque to the core: the endpoint's and socket's handle. */
  owner: unknown = null;
  closed = false;

  constructor(tcb: Tcb, backlog: number) {
    this.tcb = tcb;
    tcb.listening = this;
    this.backlog = backlog;
    this.requests = new RequestTable(tcb.host.random32());
  }

  /** TCP_FASTOPEN: queue length, 0: off. */
  get fastOpenLimit(): number {
    return this.tcb.opt.fastOpenQueue;
  }

  set fastOpenLimit(limit: number) {
    this.tcb.opt.fastOpenQueue = limit;
  }

  /** Children that wait for accept. */
  get pending(): number {
    return this.queue.length;
  }

  /** The accept queue takes one more than the backlog, as everywhere since BSD. */
  get acceptFull(): boolean {
    return this.queue.length > this.backlog;
  }
}

// RFC 9293 MUST-41
/** listen(): the bound block becomes a listener. `backlog` is cut to somaxconn. */
export function tcpListen(tcb: Tcb, backlog: number, now: number): Listener {
  const { config } = tcb.host;
  const most = backlog >>> 0 > config.somaxconn ? config.somaxconn : backlog;
  const listener = new Listener(tcb, most);
  setState(tcb, TCP_LISTEN, now);
  fastOpenTune(listener);
  return listener;
}

/** listen() again on a listener: only the backlog changes. */
export function listenerSetBacklog(listener: Listener, backlog: number): void {
  const { somaxconn } = listener.tcb.host.config;
  listener.backlog = backlog >>> 0 > somaxconn ? somaxconn : backlog;
}

/** Next child in order of establishment, or null. EVENT_READABLE on the listener tells that there is one. */
export function listenerAccept(listener: Listener, _now: number): Tcb | null {
  const child = listener.queue.shift() ?? null;
  if (child !== null) child.accepted = true;
  return child;
}

/** close() of the listener: requests vanish, children that nobody accepted are reset. */
export function listenerClose(listener: Listener, now: number): void {
  if (listener.closed) return;
  listener.closed = true;
  listener.requests.clear();
  for (const child of listener.queue.splice(0)) {
    if (child.state !== TCP_CLOSE) tcpAbort(child, now);
    tcpClose(child, now);
  }
  listener.tcb.host.listenerTimerChanged(listener);
  setState(listener.tcb, TCP_CLOSE, now);
}

/** An ICMP error that quotes a SYN-ACK of this listener; `seq` is the quoted sequence number. */
export function listenerError(
  listener: Listener,
  _now: number,
  remoteAddress: Uint8Array,
  remotePort: number,
  localAddress: Uint8Array,
  ipv6: boolean,
  type: number,
  code: number,
  _info: number,
  seq: number,
): void {
  const request = listener.requests.findFlow(remoteAddress, remotePort, localAddress);
  if (request === null || seq !== request.iss) return;
  // Nobody is there to be told.
  if (icmpErrno(ipv6, type, code) <= 0 || !endsHandshake(listener.tcb.host.config, ipv6, type, code)) return;
  listener.requests.remove(request);
  listener.tcb.host.counters.add(LISTEN_DROPS);
  listener.tcb.host.listenerTimerChanged(listener);
}

export { listenerInput } from './listener-input.js';
export { listenerNextTimeout, listenerOnTimer } from './listener-requests.js';
