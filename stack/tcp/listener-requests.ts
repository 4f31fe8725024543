// Requests of a listener in time: repeating SYN-ACKs, giving up, making way when the queue fills.

import { counterIndex } from '../host/counters.js';
import { roundUpToTick } from './jiffies.js';
import type { Listener } from './listener.js';
import { synAckRetries } from './profile.js';
import { type Request, sendSynAck } from './request.js';
import { initialRto, rtoMax } from './rtt.js';

const SYN_RETRANS = counterIndex('TcpExtTCPSynRetrans');
const RETRANS_SEGS = counterIndex('TcpRetransSegs');
const TIMEOUT_INIT = 1_000_000;
/** Linux's TCP_RTO_MAX. */
const TIMEOUT_MAX = 120_000_000;

/** Sends the SYN-ACK again (tcp_rtx_synack). */
export function repeatSynAck(listener: Listener, request: Request, now: number): boolean {
  const { tcb } = listener;
  const { host } = tcb;
  // A middlebox may have dropped the first one for its option (RFC 9768 section 3.2.3.2.2).
  request.accEcnOption = false;
  if (sendSynAck(host, request, now, tcb.ttl, null, -1, false) > 2) return false;
  request.retransmissions++;
  host.counters.add(RETRANS_SEGS);
  host.counters.add(SYN_RETRANS);
  return true;
}

/** µs until the request's SYN-ACK is repeated (RFC 6298 section 5.5). Linux's fixed ceiling: tcp_rto_max_ms has no say here. */
export function requestTimeout(request: Request): number {
  return Math.min(TIMEOUT_INIT * 2 ** request.timeouts, TIMEOUT_MAX);
}

/** Takes a request off the queue. */
export function dropRequest(listener: Listener, request: Request): void {
  listener.requests.remove(request);
  listener.tcb.host.listenerTimerChanged(listener);
}

/** When requests must be looked at, µs: never later than the earliest deadline; Infinity when there is none. */
export function listenerNextTimeout(listener: Listener): number {
  return listener.requests.next;
}

/** SYN-ACKs that nobody answered: again, or given up; old ones go sooner when the queue fills. */
export function listenerOnTimer(listener: Listener, now: number): void {
  const { tcb, requests } = listener;
  const { config } = tcb.host;
  tcb.clock = now;
  requests.forEach((request) => {
    if (request.deadline > now) return;
    let retries =
      tcb.timers.synRetries > 0
        ? tcb.timers.synRetries
        : synAckRetries(config, initialRto(tcb) / 1000, rtoMax(tcb) / 1000);
    if (requests.size * 2 > Math.max(8, listener.backlog)) {
      for (let young = requests.young * 2; retries > 2 && requests.size >= young; retries--) young *= 2;
    }
    const defer = tcb.opt.deferAccept;
    const late = request.timeouts >= retries;
    const expire = defer === 0 ? late : late && (!request.acked || request.timeouts >= defer);
    const resend = defer === 0 || !request.acked || request.timeouts >= defer - 1;
    if (!expire && (!resend || repeatSynAck(listener, request, now) || request.acked)) {
      if (request.timeouts++ === 0) requests.young--;
      request.deadline = roundUpToTick(config, now + requestTimeout(request));
      return;
    }
    requests.remove(request);
  });
  requests.settle();
  tcb.host.listenerTimerChanged(listener);
}
