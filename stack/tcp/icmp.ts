// ICMP errors that quote a segment of a connection (RFC 1122 section 4.2.3.9, RFC 5927, RFC 5461, RFC 8201 section 4): path
// MTU, soft and hard errors as Linux judges them, early revert of a backed-off RTO (RFC 6069).
import { counterIndex } from '../host/counters.js';
import { seqBetween } from '../wire/seq.js';
import { endWithError } from './destroy.js';
import {
  EACCES,
  ECONNREFUSED,
  EHOSTDOWN,
  EHOSTUNREACH,
  EMSGSIZE,
  ENETUNREACH,
  ENONET,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPROTO,
} from './errno.js';
import { mtuToMss, refreshRoute, routeMtu, syncMss } from './mss.js';
import { isSoftIcmp, softFailure } from './profile.js';
import { simpleRetransmit } from './recovery/retransmit-queue.js';
import { rtoMax, setRto } from './rtt.js';
import { TCP_CLOSE, TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT } from './states.js';
import { EVENT_ERROR, type Tcb, TIMER_RETRANSMIT } from './tcb.js';
import { retransmitTimer } from './timer-retransmit.js';
import { resetTimer } from './timer-slots.js';

const OUT_OF_WINDOW_ICMPS = counterIndex('TcpExtOutOfWindowIcmps');

// ICMP (RFC 792): types, and errno by code of destination unreachable.
const UNREACHABLE = 3;
const TIME_EXCEEDED = 11;
const PARAMETER_PROBLEM = 12;
const FRAGMENTATION_NEEDED = 4;
const V4_ERRNO = [
  ENETUNREACH,
  EHOSTUNREACH,
  ENOPROTOOPT,
  ECONNREFUSED,
  EMSGSIZE,
  EOPNOTSUPP,
  ENETUNREACH,
  EHOSTDOWN,
  ENONET,
  ENETUNREACH,
  EHOSTUNREACH,
  ENETUNREACH,
  EHOSTUNREACH,
  EHOSTUNREACH,
  EHOSTUNREACH,
  EHOSTUNREACH,
];
// ICMPv6 (RFC 4443).
const V6_UNREACHABLE = 1;
const V6_TOO_BIG = 2;
const V6_TIME_EXCEEDED = 3;
const V6_PARAMETER_PROBLEM = 4;
const V6_ERRNO = [ENETUNREACH, EACCES, EHOSTUNREACH, EHOSTUNREACH, ECONNREFUSED, EACCES, EACCES];

// RFC 9293 MUST-55
/** errno that an ICMP error stands for; 0: of no meaning to a connection; -1: path MTU. */
export function icmpErrno(ipv6: boolean, type: number, code: number): number {
  if (ipv6) {
    if (type === V6_TOO_BIG) return -1;
    if (type === V6_UNREACHABLE) return V6_ERRNO[code] ?? 0;
    if (type === V6_TIME_EXCEEDED) return EHOSTUNREACH;
    return type === V6_PARAMETER_PROBLEM ? EPROTO : 0;
  }
  if (type === UNREACHABLE) return code === FRAGMENTATION_NEEDED ? -1 : (V4_ERRNO[code] ?? 0);
  if (type === TIME_EXCEEDED) return EHOSTUNREACH;
  return type === PARAMETER_PROBLEM ? EPROTO : 0;
}

// RFC 9293 MUST-54, SHLD-25, SHLD-26, MUST-56
/**
 * An ICMP or ICMPv6 error (family by `tcb.ipv6`) that quotes a segment of ours: `info` is the next-hop MTU where the
 * type has one, `seq` the quoted sequence number. RFC 1122, 5927, 8201; soft and hard errors as Linux.
 */
export function tcpError(tcb: Tcb, now: number, type: number, code: number, info: number, seq: number): void {
  const { state, snd, host } = tcb;
  if (state === TCP_CLOSE || state === TCP_LISTEN) return;
  const fastOpen = tcb.fastOpenRequest;
  const una = fastOpen !== null ? fastOpen.request.iss : snd.una;
  if (!seqBetween(seq, una, snd.nxt)) {
    host.counters.add(OUT_OF_WINDOW_ICMPS);
    return;
  }
  const errno = icmpErrno(tcb.ipv6, type, code);
  if (errno === 0) return;
  if (errno < 0) {
    reducePathMtu(tcb, now, info);
    return;
  }
  tcb.clock = now;
  const noRoute = tcb.ipv6 ? type === V6_UNREACHABLE && code === 0 : type === UNREACHABLE && code <= 1;
  if (fastOpen === null && noRoute) revertBackoff(tcb, now, seq);
  const opening = state === TCP_SYN_SENT || (state === TCP_SYN_RECV && !(fastOpen !== null && tcb.accepted));
  const survives = host.config.profile === 'strict' && isSoftIcmp(tcb.ipv6, type, code);
  if (opening) host.icmpError?.(tcb, type, code, info, errno);
  if (opening && !survives) {
    endWithError(tcb, now, errno);
    return;
  }
  if (tcb.receiveErrors) {
    tcb.error = errno;
    host.notify(tcb, EVENT_ERROR);
  } else if (host.config.profile === 'strict') {
    softFailure(tcb, errno);
  } else {
    tcb.softError = errno;
  }
}

/** A router says that our packets are too large: never below what it would be absurd to believe (RFC 1191 section 3). */
function reducePathMtu(tcb: Tcb, now: number, mtu: number): void {
  const { host, snd } = tcb;
  // IP_PMTUDISC_DONT, INTERFACE and OMIT do not listen.
  if (tcb.pmtuDiscover === 0 || tcb.pmtuDiscover >= 4) return;
  // Over IPv6 Linux drops what would not lower the segment size (tcp_v6_mtu_reduced): the path is not told of it either.
  if (tcb.ipv6 && mtuToMss(tcb, mtu) >= tcb.snd.mss) return;
  host.pathMtu(tcb, mtu, now);
  tcb.routeGeneration = -1;
  if (!refreshRoute(tcb)) return;
  const path = routeMtu(tcb);
  if (snd.mtuCookie <= path) return;
  syncMss(tcb, path);
  // Linux does not look at its clock for an ICMP message: what goes again is stamped with the connection's last step, so
  // that RACK takes it for sent no later than what was sent then (measured on 6.18: its timestamps say so, too).
  simpleRetransmit(tcb, now, tcb.clock);
}

/** RFC 6069: the network says why there were no ACKs; the last doubling of the RTO is taken back. */
function revertBackoff(tcb: Tcb, now: number, seq: number): void {
  const { rtt, timers, snd } = tcb;
  const head = snd.retransmitQueue.head;
  if (seq !== snd.una || timers.retransmits === 0 || rtt.backoff === 0 || head === null) return;
  rtt.backoff--;
  if (rtt.srtt8 > 0) setRto(tcb);
  else rtt.rto = 1_000_000;
  rtt.rto = Math.min(rtt.rto * 2 ** rtt.backoff, rtoMax(tcb));
  const remaining = rtt.rto - (now - head.sentAt);
  if (remaining > 0) resetTimer(tcb, TIMER_RETRANSMIT, now + remaining, now);
  else retransmitTimer(tcb, now);
}
