// How many segments are in the network (RFC 6675's pipe, counted): sums over the scoreboard's counters. Changes nothing.
import type { Tcb } from '../tcb.js';

/** Wire segments that left the network or are deemed to: SACKed and lost ones. */
export function leftOut(tcb: Tcb): number {
  return tcb.loss.sackedOut + tcb.loss.lostOut;
}

/** Wire segments believed to be in the network, originals and retransmissions. */
export function tcpPacketsInFlight(tcb: Tcb): number {
  return tcb.snd.packetsOut - leftOut(tcb) + tcb.loss.retransOut;
}
