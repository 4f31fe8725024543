// Everything that an incoming acknowledgment does to the sender, in the order of Linux's tcp_ack.
import type { SegmentIn } from './segment.js';
import type { Tcb } from './tcb.js';

/** The ACK was acceptable and was processed. */
export const ACK_PROCESSED = 1;
/** It was older than SND.UNA; its SACK blocks were looked at. */
export const ACK_OLD = 0;
/** Older than the largest window ever: a challenge ACK was sent (RFC 5961 section 5.2); drop the segment. */
export const ACK_TOO_OLD = -1;
/** It acknowledges what was never sent; drop the segment (the caller answers with an ACK, RFC 9293 3.10.7.4). */
export const ACK_UNSENT = -2;

/**
 * Processes the acknowledgment of `seg`. `flag`: FLAG_SLOWPATH, FLAG_UPDATE_TS_RECENT, FLAG_NO_CHALLENGE_ACK, FLAG_DATA.
 * Needs the parsed timestamps in `tcb.opt` (sawTimestamp, rcvTsval, rcvTsecr with our offset taken off). Returns ACK_*.
 */
export function processAck(_tcb: Tcb, _now: number, _seg: SegmentIn, _flag: number): number {
  throw new Error('not there yet');
}
