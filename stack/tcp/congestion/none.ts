// No congestion control: the peer's window and the send buffer are the only limits, as in smoltcp and lwIP-like stacks
// built for links of one owner. Not Linux's, never the default, and nothing for a network that others share (RFC 2914):
// losses are repaired as ever (RACK, SACK, timeouts that back off), they only take no window away.
import { INFINITE_SSTHRESH } from '../cwnd.js';
import type { Tcb } from '../tcb.js';
import type { CongestionControl } from './congestion-control.js';

/** More segments than any window holds: a window is below 2^30 bytes (RFC 7323 section 2.3). */
const UNLIMITED = 1 << 30;

function open({ cc }: Tcb): void {
  cc.cwnd = Math.min(UNLIMITED, cc.cwndClamp);
}

export const none: CongestionControl = {
  name: 'none',
  init(tcb: Tcb): void {
    tcb.cc.ssthresh = INFINITE_SSTHRESH;
    open(tcb);
  },
  ssthresh: ({ cc }: Tcb) => cc.ssthresh,
  avoid(): void {},
  // After a timeout cwnd is one segment until an ACK shows that packets arrive again.
  control: open,
  undo: ({ cc }: Tcb) => cc.cwnd,
};
