// What the steps of processing one ACK tell each other. One object, filled anew for every ACK: processing an ACK is
// never re-entered, because what it sends goes into the endpoint's tx ring.
import { RateSample } from '../congestion/congestion-control.js';
import { resetRateSample } from '../rate.js';
import { REXMIT_NONE } from './flags.js';

export class AckContext {
  /** FLAG_* bits. */
  flag = 0;
  /** When the ACK arrived, µs: what RTT and RACK are timed by. */
  arrival = 0;
  priorSndUna = 0;
  /** Behind the highest byte known to have arrived before this ACK. */
  priorFack = 0;
  duplicates = 0;
  /** REXMIT_*: what to send when cwnd is settled. */
  rexmit = REXMIT_NONE;
  /** Lowest sequence number of a never-retransmitted segment delivered late: the evidence of reordering. */
  reorderSeq = 0;
  /** Send times of the first and last never-retransmitted segment SACKed by this ACK, -1: none. */
  firstSackTime = -1;
  lastSackTime = -1;
  /** Wire segments and bytes that SACK blocks delivered. */
  sackDelivered = 0;
  deliveredBytes = 0;
  readonly rate = new RateSample();

  reset(flag: number, arrival: number, priorSndUna: number): void {
    this.flag = flag;
    this.arrival = arrival;
    this.priorSndUna = priorSndUna;
    this.priorFack = priorSndUna;
    this.duplicates = 0;
    this.rexmit = REXMIT_NONE;
    this.reorderSeq = 0;
    this.firstSackTime = -1;
    this.lastSackTime = -1;
    this.sackDelivered = 0;
    this.deliveredBytes = 0;
    resetRateSample(this.rate);
  }
}
