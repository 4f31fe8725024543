// What the core tells a TCP socket besides readiness: transmit timestamps, zerocopy completions and ICMP errors, put into the
// socket's error queue in Linux's form.
import {
  POLLERR,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_TIMESTAMPING,
  SOF_TIMESTAMPING_OPT_TSONLY,
  SOF_TIMESTAMPING_SOFTWARE,
} from './constants.js';
import { ENOMSG } from './errno.js';
import type { TcpSocket } from './tcp-socket.js';

const EMPTY = new Uint8Array(0);

/** A transmit timestamp: SCM_TSTAMP_* kind, key of the byte, stack time. */
export function transmitTimestamp(socket: TcpSocket, kind: number, key: number, now: number): void {
  const { options, errorQueue, env } = socket;
  if (!(options.timestamping & SOF_TIMESTAMPING_SOFTWARE)) return;
  const pushed = errorQueue.push(
    {
      errno: ENOMSG,
      origin: SO_EE_ORIGIN_TIMESTAMPING,
      type: 0,
      code: 0,
      info: kind,
      data: key >>> 0,
      offender: null,
      timestamp: env.wallTime(now),
      // Linux loops the packet back as well unless asked not to; its bytes are not kept here, which MSG_TRUNC tells.
      payload: options.timestamping & SOF_TIMESTAMPING_OPT_TSONLY ? EMPTY : null,
      destination: null,
    },
    socket.tcb.rcv.buffer,
  );
  if (pushed) socket.waiters.wake(POLLERR);
}

/** Zerocopy sends with ids lo … hi are done. */
export function zerocopyDone(socket: TcpSocket, lo: number, hi: number, copied: boolean): void {
  if (socket.errorQueue.zerocopy(lo >>> 0, hi >>> 0, copied, socket.tcb.rcv.buffer)) {
    socket.waiters.wake(POLLERR);
  }
}

// RFC 9293 SHLD-20
/** An ICMP error that ends a handshake is queued: over IPv4 always, over IPv6 when IPV6_RECVERR is set (tcp_v4_err, tcp_v6_err). */
export function icmpError(socket: TcpSocket, type: number, code: number, info: number, errno: number): void {
  const { tcb, options } = socket;
  if (tcb.ipv6 && !options.receiveError6) return;
  const destination = {
    family: socket.family,
    address: tcb.remoteAddress.slice(),
    port: tcb.remotePort,
  };
  const entry = {
    errno,
    origin: tcb.ipv6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP,
    type,
    code,
    info,
    data: 0,
    offender: null,
    timestamp: Number.NaN,
    payload: EMPTY,
    destination,
  };
  if (socket.errorQueue.push(entry, tcb.rcv.buffer)) socket.waiters.wake(POLLERR);
}
