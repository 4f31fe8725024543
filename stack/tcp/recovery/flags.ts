// What one incoming ACK means for the sender, as bits that the parts of ACK processing add to one number.
// Linux's names and groups (tcp_input.c), so that traces of both can be compared.

/** The segment carried data. */
export const FLAG_DATA = 0x01;
export const FLAG_WIN_UPDATE = 0x02;
/** It acknowledged new data cumulatively. */
export const FLAG_DATA_ACKED = 0x04;
/** Some of the newly acknowledged data had been retransmitted. */
export const FLAG_RETRANS_DATA_ACKED = 0x08;
/** It acknowledged our SYN. */
export const FLAG_SYN_ACKED = 0x10;
/** New data was SACKed. */
export const FLAG_DATA_SACKED = 0x20;
/** It carries an echo of congestion (ECE, or AccECN's counters). */
export const FLAG_ECE = 0x40;
/** A retransmission of ours was found lost. */
export const FLAG_LOST_RETRANS = 0x80;
/** The caller took the slow path: window and SACK must be looked at. */
export const FLAG_SLOWPATH = 0x100;
/** Data that was never retransmitted, sent before the recovery point, was (S)ACKed. */
export const FLAG_ORIG_SACK_ACKED = 0x200;
export const FLAG_SND_UNA_ADVANCED = 0x400;
/** It carries a valid duplicate-SACK block (RFC 2883). */
export const FLAG_DSACKING_ACK = 0x800;
/** The retransmission timer must be set anew after this ACK. */
export const FLAG_SET_XMIT_TIMER = 0x1000;
/** The peer took SACKed data back (RFC 2018, section 8). */
export const FLAG_SACK_RENEGING = 0x2000;
/** TS.Recent may be updated from this segment once the ACK is found acceptable. */
export const FLAG_UPDATE_TS_RECENT = 0x4000;
/** The caller answers a bad ACK itself. */
export const FLAG_NO_CHALLENGE_ACK = 0x8000;
/** A lone small segment was acknowledged: the receiver may have delayed the ACK. */
export const FLAG_ACK_MAYBE_DELAYED = 0x1_0000;
/** The DSACK block ends where the loss probe ended. */
export const FLAG_DSACK_TLP = 0x2_0000;
/** TS.Recent moved on. */
export const FLAG_TS_PROGRESS = 0x4_0000;

export const FLAG_ACKED = FLAG_DATA_ACKED | FLAG_SYN_ACKED;
export const FLAG_NOT_DUP = FLAG_DATA | FLAG_WIN_UPDATE | FLAG_ACKED;
export const FLAG_CA_ALERT = FLAG_DATA_SACKED | FLAG_ECE | FLAG_DSACKING_ACK;
export const FLAG_FORWARD_PROGRESS = FLAG_ACKED | FLAG_DATA_SACKED;

/** What an ACK asks to be sent after the congestion window is settled. */
export const REXMIT_NONE = 0;
export const REXMIT_LOST = 1;
/** New data first (F-RTO, RFC 5682 section 2.1 step 2b). */
export const REXMIT_NEW = 2;
