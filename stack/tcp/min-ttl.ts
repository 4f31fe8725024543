// IP_MINTTL and IPV6_MINHOPCOUNT: a connection that believes only neighbours (the Generalized TTL Security Mechanism, RFC 5082).
import { counterIndex } from '../host/counters.js';
import type { SegmentIn } from './segment.js';
import type { Tcb } from './tcb.js';

const MIN_TTL_DROP = counterIndex('TcpExtTCPMinTTLDrop');

/** Whether the segment came over more hops than the socket allows; it is then dropped and counted. */
export function tooFar(tcb: Tcb, seg: SegmentIn): boolean {
  if (seg.ttl >= (seg.ipv6 ? tcb.minHopCount : tcb.minTtl)) return false;
  tcb.host.counters.add(MIN_TTL_DROP);
  return true;
}
