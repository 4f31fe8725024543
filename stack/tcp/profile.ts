// Where the two profiles of the stack part: `linux` does as Linux, `strict` as RFC 9293's MUSTs want it. Small
// judgements only; the callers stand where Linux's own rule stands.
import type { StackConfig } from '../config/config.js';
import { EVENT_ERROR, type Tcb } from './tcb.js';

/** TIME-WAIT as Linux has it, µs: an MSL of 30 s. */
const LINUX_TIME_WAIT = 60_000_000;
/** RFC 9293 section 3.4.2: an MSL of 2 minutes, of which TIME-WAIT lasts two (section 3.6.1). */
const STRICT_TIME_WAIT = 240_000_000;
/** RFC 9293 section 3.8.3: a SYN is repeated for 3 minutes at least, ms. */
const STRICT_SYN_R2 = 180_000;

// RFC 9293 MUST-13
/** How long TIME-WAIT lasts, µs. */
export function timeWaitLength(config: StackConfig): number {
  return config.profile === 'strict' ? STRICT_TIME_WAIT : LINUX_TIME_WAIT;
}

// RFC 9293 MUST-23
/** Least time for which a SYN is repeated when the application has not chosen otherwise, ms; 0: the retries alone decide. */
export function leastSynTime(config: StackConfig): number {
  return config.profile === 'strict' ? STRICT_SYN_R2 : 0;
}

// RFC 9293 MUST-23
/**
 * Retransmissions of a SYN-ACK: tcp_synack_retries, in the strict profile as many more as fill three minutes when each
 * wait is twice the one before, from `first` ms up to `longest` ms.
 */
export function synAckRetries(config: StackConfig, first: number, longest: number): number {
  let retries = config.tcpSynackRetries;
  const least = leastSynTime(config);
  let total = 0;
  let wait = first;
  // The last retransmission leaves `retries` waits after the SYN-ACK.
  for (let n = 1; total < least; n++) {
    total += wait;
    wait = Math.min(wait * 2, longest);
    retries = Math.max(retries, n);
  }
  return retries;
}

const V4_UNREACHABLE = 3;
const V4_TIME_EXCEEDED = 11;
const V4_PARAMETER_PROBLEM = 12;
const V6_UNREACHABLE = 1;
const V6_TIME_EXCEEDED = 3;
const V6_PARAMETER_PROBLEM = 4;

// RFC 9293 MUST-56
/** Is this ICMP error one that a connection must survive, whatever its state (section 3.9.2.2)? */
export function isSoftIcmp(ipv6: boolean, type: number, code: number): boolean {
  if (ipv6) {
    if (type === V6_UNREACHABLE) return code === 0 || code === 3;
    return type === V6_TIME_EXCEEDED || type === V6_PARAMETER_PROBLEM;
  }
  if (type === V4_UNREACHABLE) return code === 0 || code === 1 || code === 5;
  return type === V4_TIME_EXCEEDED || type === V4_PARAMETER_PROBLEM;
}

/**
 * Whether this ICMP error about a SYN-ACK ends the handshake. Linux, as measured: over IPv4 network and host unreachable,
 * time exceeded and parameter problems do, over IPv6 all but no route, address unreachable and time exceeded.
 */
export function endsHandshake(config: StackConfig, ipv6: boolean, type: number, code: number): boolean {
  if (config.profile === 'strict') return !isSoftIcmp(ipv6, type, code);
  if (ipv6) return type === V6_PARAMETER_PROBLEM || !isSoftIcmp(ipv6, type, code);
  return type === V4_UNREACHABLE ? code <= 1 : type === V4_TIME_EXCEEDED || type === V4_PARAMETER_PROBLEM;
}

// RFC 9293 SHLD-9, MUST-47
/**
 * Delivery is in trouble but the connection lives on: SO_ERROR tells it, and who polls is woken (POLLERR) where Linux
 * would let it be found out only. Forgotten when an ACK comes.
 */
export function softFailure(tcb: Tcb, errno: number): void {
  if (tcb.orphan) return;
  tcb.softError = errno;
  tcb.host.notify(tcb, EVENT_ERROR);
}
