// Entering fast recovery (RFC 6675 section 5, RFC 6582 section 3.2): one reduction per window, and what is needed to
// take it back.
import { counterIndex } from '../../host/counters.js';
import { currentSsthresh, inCwndReduction } from '../cwnd.js';
import { CA_RECOVERY, type Tcb } from '../tcb.js';
import { initCwndReduction, setCaState } from './cwnd-reduction.js';
import { anyRetransmitDone, initUndo } from './undo.js';

const renoRecovery = counterIndex('TcpExtTCPRenoRecovery');
const sackRecovery = counterIndex('TcpExtTCPSackRecovery');

/** State Recovery; `ece`: an echo of congestion demands the reduction, it cannot be undone. */
export function enterRecovery(tcb: Tcb, now: number, ece: boolean): void {
  const { cc, loss } = tcb;
  // The stamp for undo is that of this recovery's first retransmission.
  if (!anyRetransmitDone(tcb)) loss.retransStamp = 0;
  tcb.host.counters.add(tcb.opt.sack ? sackRecovery : renoRecovery);
  cc.priorSsthresh = 0;
  initUndo(tcb);
  if (!inCwndReduction(tcb)) {
    if (!ece) cc.priorSsthresh = currentSsthresh(tcb);
    initCwndReduction(tcb, now);
  }
  setCaState(tcb, CA_RECOVERY, now);
}
