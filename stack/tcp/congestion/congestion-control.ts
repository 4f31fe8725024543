// The one interface behind which every congestion-control algorithm stands (as Linux's tcp_congestion_ops).
// An algorithm sees the connection's block and what an ACK told; it never sends, and sets no timers.
import type { Tcb } from '../tcb.js';

/** What one ACK told, for the algorithm and for delivery-rate based ones. */
export class RateSample {
  /** Segments newly delivered over `interval` µs (-1: no sample), and how many were marked CE. */
  delivered = -1;
  deliveredCe = 0;
  interval = -1;
  priorDelivered = 0;
  priorDeliveredCe = 0;
  priorTime = 0;
  sendInterval = 0;
  receiveInterval = 0;
  rtt = -1;
  losses = 0;
  /** Newly acknowledged or SACKed by this ACK. */
  ackedSacked = 0;
  priorInFlight = 0;
  lastEndSeq = 0;
  appLimited = false;
  isRetrans = false;
  isAckDelayed = false;
  isEce = false;
}

/** Events for `CongestionControl.event`. */
export const CA_EVENT_TX_START = 0;
export const CA_EVENT_CWND_RESTART = 1;
export const CA_EVENT_COMPLETE_CWR = 2;
export const CA_EVENT_LOSS = 3;
export const CA_EVENT_ECN_NO_CE = 4;
export const CA_EVENT_ECN_IS_CE = 5;

export interface CongestionControl {
  readonly name: string;
  /** Wants ECT on every segment (DCTCP-like); asks for pacing. */
  readonly needsEcn?: boolean;
  readonly needsPacing?: boolean;
  init(tcb: Tcb, now: number): void;
  release?(tcb: Tcb): void;
  /** Slow-start threshold after a congestion event, in segments. */
  ssthresh(tcb: Tcb, now: number): number;
  /** Grows cwnd for `acked` segments newly acknowledged by an ACK up to `ack`. */
  avoid(tcb: Tcb, ack: number, acked: number, now: number): void;
  /** Replaces the whole cwnd/pacing control when present (BBR). */
  control?(tcb: Tcb, now: number, ack: number, flag: number, rs: RateSample): void;
  setState?(tcb: Tcb, state: number, now: number): void;
  event?(tcb: Tcb, event: number, now: number): void;
  /** RTT sample in µs (-1: none) and packets acknowledged. */
  packetsAcked?(tcb: Tcb, packets: number, rtt: number, inFlight: number, now: number): void;
  /** cwnd to restore when a reduction proves spurious. */
  undo(tcb: Tcb): number;
  minTsoSegments?(tcb: Tcb): number;
  /** Multiplier of the send buffer against cwnd (2 by default). */
  sndbufExpand?(tcb: Tcb): number;
  /** Names and values that TCP_CC_INFO shows. */
  info?(tcb: Tcb): Record<string, number>;
}
